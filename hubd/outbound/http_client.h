/* http_client.h - asks a server for a small document by HTTP, and gives up in
 * time. Redirects are not followed, certificates are verified.
 */
#ifndef HUBD_HTTP_CLIENT_H
#define HUBD_HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

/* What is asked for. */
struct http_question {
    const char *url;     /* one that http_client_judge() takes */
    const char *ca_file; /* authorities, as PEM; NULL: those of the system */
    size_t bytes_max;    /* of the document */
    int64_t timeout_ms;  /* for all of it */
};

struct http_document {
    char *text; /* free() */
    size_t bytes;
    int64_t max_age_ms; /* of Cache-Control; -1: it has none */
};

/* Of one thread, but for http_client_stop(). */
struct http_client;

/* Returns NULL and one line in `error`. */
struct http_client *http_client_create(char *error, size_t error_bytes);
/* NULL is allowed. */
void http_client_destroy(struct http_client *client);

/* Waits for the document. Returns 0; or -1 and what is wrong, as a phrase to
 * follow the URL, where there is nothing to free. */
int http_client_ask(struct http_client *client,
                    const struct http_question *question,
                    struct http_document *document, char *error,
                    size_t error_bytes);

/* Ends what is being waited for; all that is asked from then on fails. Threads:
 * any. */
void http_client_stop(struct http_client *client);

/* Whether a URL can be asked: https, or http where nobody listens in, on the
 * loopback of this machine; no user, no password. Returns 0; or -1 and what is
 * wrong, as a phrase to follow the URL. Threads: any. */
int http_client_judge(const char *url, char *error, size_t error_bytes);

#endif
