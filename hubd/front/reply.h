/* reply.h - answers to HTTP requests: JSON, text or files of the program, each
 * written whole in one piece, and counted by what came of the request.
 *
 * Threads: the worker that has the request.
 */
#ifndef HUBD_REPLY_H
#define HUBD_REPLY_H

#include <cjson/cJSON.h>

#include "front/exchange.h"
#include "front/refusal.h"

#define REPLY_HEAD_MAX 1280

struct reply {
    enum refusal_kind kind; /* as which it is counted */
    int status;
    const char *headers; /* whole lines with CRLF, or NULL */
};

/* As the table of refusal.h has it. */
struct reply reply_of(enum refusal_kind kind);

/* Writes a reply; releases `body` (NULL: there was no memory for it). */
void reply_json(struct exchange *x, const struct reply *reply, cJSON *body);

/* Writes 200 and a text of that type, which begins REPLY_HEAD_MAX bytes behind
 * `buffer`. */
void reply_text(struct exchange *x, const char *type, char *buffer,
                size_t bytes);

/* The same for what may be kept, as long as it is asked for again; `headers`
 * are whole lines with CRLF. `status` is 200, or 304: without the text, but
 * with its length. */
void reply_file(struct exchange *x, int status, const char *type,
                const char *headers, char *buffer, size_t bytes);

/* {"status":"error","code":...,"message":...} */
void reply_refusal(struct exchange *x, const struct refusal *why);

/* For when a body still comes: 100 Continue. */
void reply_continue(struct exchange *x);

#endif
