/* request.h - strict validation of a request that civetweb has parsed.
 *
 * civetweb accepts what RFC 9112 forbids, and drops what it cannot parse:
 * behind a proxy that reads differently, that allows request smuggling. But it
 * parses in place, so the pointers it returns still show where the bytes were,
 * and everything that was dropped shows as a gap.
 *
 * Pure; any thread.
 */
#ifndef HUBD_REQUEST_H
#define HUBD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "front/refusal.h"

#define REQUEST_HEAD_MAX 16384 /* civetweb's buffer, as max_request_size */

struct mg_request_info;

struct request {
    const struct mg_request_info *info;
    const char *query; /* or NULL */
    bool http11;
    bool keep_alive; /* wanted by the client and granted by civetweb */
    bool has_body;   /* announced, and not empty */
    bool chunked;
    bool expects_continue;
    int64_t content_length; /* -1: not given */
};

/* The members of a list (RFC 9110, 5.6.1), whose lines are one (5.3). */
struct request_list {
    const struct mg_request_info *info;
    const char *name;
    int next;          /* next line to look at */
    struct slice rest; /* of the current line */
};

/* Checks the framing of a request, whose head has been through head_take(), in
 * civetweb's buffer that starts at `buffer`. Returns 0, or -1 and `why`: then
 * the connection must be closed, since nobody knows where the next request
 * begins. */
int request_check(struct request *request, const struct mg_request_info *info,
                  const char *buffer, struct refusal *why);

/* The value of the first header with that name, without surrounding white space
 * (start is NULL: there is none), and how many there are (`count` may be NULL).
 */
struct slice request_header(const struct mg_request_info *info,
                            const char *name, unsigned *count);

/* Iterates over all headers; `at` is 0 at first. A value may have trailing
 * white space. Returns false when there are no more. */
bool request_next(const struct request *request, unsigned *at,
                  const char **name, const char **value);

/* Iterates over all headers with that name likewise; values are trimmed. */
bool request_next_header(const struct request *request, const char *name,
                         unsigned *at, struct slice *value);

/* Wipes the values of all headers with that name in civetweb's buffer, which
 * are then empty. Only request_check() needs their lengths. */
void request_wipe(const struct mg_request_info *info, const char *name);

/* The next non-empty member; false: there is none. Initialize a list with info
 * and name. */
bool request_list_next(struct request_list *list, struct slice *member);

/* Whether a list has that member, without case. */
bool request_lists(const struct mg_request_info *info, const char *name,
                   const char *member);

bool request_text_is(struct slice text, const char *wanted);

#endif
