/* http.h - libcurl's multi interface in an epoll loop: posts over keep-alive
 * connections, one request at a time on each lane. One thread's.
 */
#ifndef HUB_BENCH_HTTP_H
#define HUB_BENCH_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

#include "options.h"

#define HTTP_REASON_BYTES 320

struct http;

/* What became of a request. */
struct http_answer {
    unsigned lane;
    long status;       /* 0: there was none */
    const char *error; /* why not; otherwise NULL */
    const char *body;  /* its first bytes, with a NUL */
};

struct http_lane {
    CURL *easy;
    struct http *http;
    unsigned index;
    size_t body_bytes; /* of body */
    char body[256];    /* start of the response */
    char error[CURL_ERROR_SIZE];
};

struct http {
    CURLM *multi;
    struct curl_slist *headers;
    struct http_lane *lanes;
    unsigned count;
    int epoll;
    int wake;            /* the caller's eventfd */
    int timer;           /* timerfd: wakes at `until` of http_turn() */
    int64_t timer_ns;    /* what it is set to; 0: off */
    int64_t curl_ns;     /* when libcurl wants to be called; -1: never */
    uint32_t *interests; /* by descriptor: events that epoll reports, and
                            whose it is */
    size_t interests_size;
    void (*answered)(void *context, const struct http_answer *answer);
    void *context;
};

/* `wake` is an eventfd that ends a http_turn(). Returns 0 or -1. */
int http_init(struct http *h, const struct options *o, int wake,
              void (*answered)(void *context, const struct http_answer *answer),
              void *context);
void http_fini(struct http *h);

/* Posts on a lane that is free. `url` NULL: the one of the options. The body
 * must stay until the answer. */
void http_post(struct http *h, unsigned lane, const char *url, const char *body,
               size_t bytes);

/* Waits until something happens, or until a moment, and deals with it. */
void http_turn(struct http *h, int64_t until_ns);

/* One line about an answer that is no success. */
void http_explain(const struct http_answer *answer, char *out, size_t size);

#endif
