/* http_client.h - fetches a small document over HTTP, with a timeout. Redirects
 * are not followed, certificates are verified.
 */
#ifndef HUBD_HTTP_CLIENT_H
#define HUBD_HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

/* A request. */
struct http_question {
    const char *url;     /* accepted by http_client_judge() */
    const char *ca_file; /* certificate authorities, as PEM; NULL: the
                            system's */
    size_t bytes_max;    /* of the document */
    int64_t timeout_ms;  /* in total */
};

struct http_document {
    char *text; /* free() */
    size_t bytes;
    int64_t max_age_ms; /* of Cache-Control; -1: none */
};

/* For one thread, except http_client_stop(). */
struct http_client;

/* Returns NULL and one line in `error`. */
struct http_client *http_client_create(char *error, size_t error_bytes);
/* NULL is allowed. */
void http_client_destroy(struct http_client *client);

/* Waits for the document. Returns 0; or -1 and what is wrong, as a phrase to
 * follow the URL, with nothing to free. */
int http_client_ask(struct http_client *client,
                    const struct http_question *question,
                    struct http_document *document, char *error,
                    size_t error_bytes);

/* Cancels a running request and all later ones. Threads: any. */
void http_client_stop(struct http_client *client);

/* Whether a URL is acceptable: https, or http on the loopback of this machine,
 * where nobody can eavesdrop; no user or password. Returns 0; or -1 and what is
 * wrong, as a phrase to follow the URL. Threads: any. */
int http_client_judge(const char *url, char *error, size_t error_bytes);

#endif
