/* head.h - the head of a request as bytes: normalizes it for a parser that
 * knows no other spelling, and explains what is wrong with it.
 *
 * civetweb rejects white space, targets and empty lines that RFC 9110 and 9112
 * allow, or closes without an answer. So they are rewritten before it sees
 * them. What is wrong stays wrong: nothing here merges or splits lines.
 *
 * Pure; any thread.
 */
#ifndef HUBD_HEAD_H
#define HUBD_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "front/refusal.h"

struct head {
    size_t start;  /* of the request line; empty lines before it are now CRs */
    size_t fields; /* end of the request line; 0: it is not complete yet */
    size_t line;   /* start of the first incomplete line */
    size_t end;    /* after the empty line; 0: it has not arrived yet */
    bool plain;    /* the request line is well-formed */
    bool asterisk; /* the target was "*"; it is now "/" */
    bool strange;  /* the target is not valid here; it now begins with "!" */
    bool bare_lf;  /* a line has no CR before its LF */
};

/* Takes in that bytes have come: those from `before` up to `count`. Starts with
 * a head of zeros. The plain spelling has as many bytes:
 * - empty lines before the request become CRs;
 * - a target with scheme and host loses them, and what stands before it moves
 *   up, behind as many CRs; "*" becomes "/", and what civetweb could take for
 *   another server's begins with "!";
 * - a request line that is not well-formed has a "!" behind its first word, and
 *   so has one with a line that does not end with CR LF;
 * - tabs in field lines become spaces, and white space behind a value moves to
 *   the other side of it, with the commas of an empty member of a
 *   Transfer-Encoding.
 */
void head_take(struct head *head, char *text, size_t before, size_t count);

/* How far civetweb got. */
enum head_parsed {
    HEAD_UNPARSED,    /* the bytes are as they were */
    HEAD_LINE_FAILED, /* the request line, or its method */
    HEAD_FIELD_FAILED,
    HEAD_CODING_FAILED, /* the Transfer-Encoding */
    HEAD_LENGTH_FAILED, /* the Content-Length */
};

/* Why civetweb rejected a head, of which it has `count` bytes in a buffer of
 * `size`. Returns false if only empty lines have arrived. */
bool head_fault(const struct head *head, const char *text, size_t count,
                size_t size, enum head_parsed parsed, struct refusal *why);

#endif
