/* refusal.h - why a request is turned down: the parts of an error body, and
 * the header lines that belong to it.
 */
#ifndef HUBD_REFUSAL_H
#define HUBD_REFUSAL_H

#include <stddef.h>

struct refusal {
    int status;
    const char *code;    /* of the error body, a constant */
    const char *headers; /* whole lines with CRLF, a constant, or NULL */
    char message[256];
};

/* Fills in `why`; the message is a printf format. Returns -1, so that a check
 * can end with it. */
int refuse(struct refusal *why, int status, const char *code,
           const char *headers, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The refusals that several rooms share. */
int refuse_draining(struct refusal *why);
int refuse_no_memory(struct refusal *why);
int refuse_overloaded(struct refusal *why);
int refuse_late(struct refusal *why);

#endif
