/* http.h - libcurl's multi interface in an epoll loop: posts over keep-alive
 * connections, one request at a time on each lane. For one thread.
 */
#ifndef HUB_BENCH_HTTP_H
#define HUB_BENCH_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

#include "options.h"

#define HTTP_REASON_BYTES 320

struct http;

/* The result of a request. */
struct http_answer {
    unsigned lane;
    long status;       /* 0: no response */
    const char *error; /* why there was none; otherwise NULL */
    const char *body;  /* its first bytes, with a NUL */
};

struct http_lane {
    CURL *easy;
    struct http *http;
    unsigned index;
    size_t body_bytes; /* of body */
    char body[256];    /* beginning of the response */
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
                            flags */
    size_t interests_size;
    void (*answered)(void *context, const struct http_answer *answer);
    void *context;
};

/* `wake` is an eventfd that ends a http_turn(). Returns 0 or -1. */
int http_init(struct http *h, const struct options *o, int wake,
              void (*answered)(void *context, const struct http_answer *answer),
              void *context);
void http_fini(struct http *h);

/* Posts on a free lane. `url` NULL: that of the options. The body must stay
 * valid until the answer. */
void http_post(struct http *h, unsigned lane, const char *url, const char *body,
               size_t bytes);

/* Waits until something happens, or until that time, and handles it. */
void http_turn(struct http *h, int64_t until_ns);

/* Describes an unsuccessful answer in one line. */
void http_explain(const struct http_answer *answer, char *out, size_t size);

#endif
