/* head.h - the head of a request as bytes: its plain spelling, for a parser
 * that does not know the others, and what is wrong with it, for people.
 *
 * civetweb refuses white space, targets and empty lines that RFC 9110 and 9112
 * allow, or closes without a word. So they are spelt in its way before it sees
 * them. What is wrong stays wrong: nothing here makes one line of two, or two
 * of one.
 *
 * Pure; any thread.
 */
#ifndef HUBD_HEAD_H
#define HUBD_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "front/refusal.h"

struct head {
    size_t start;  /* of the request line; empty lines before it are CRs now */
    size_t fields; /* behind the request line; 0: that is not whole yet */
    size_t line;   /* of the first line that is not whole yet */
    size_t end;    /* behind the empty line; 0: that is not there yet */
    bool plain;    /* the request line is well-formed */
    bool asterisk; /* the target is "*"; "/" stands for it */
    bool strange;  /* the target is none of a server's; it begins with "!" */
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

/* How far civetweb has got. */
enum head_parsed {
    HEAD_UNPARSED,    /* the bytes are as they were */
    HEAD_LINE_FAILED, /* the request line, or its method */
    HEAD_FIELD_FAILED,
    HEAD_CODING_FAILED, /* the Transfer-Encoding */
    HEAD_LENGTH_FAILED, /* the Content-Length */
};

/* Why civetweb has refused a head, of which it has `count` bytes in a buffer of
 * `size`. Returns false where nothing has come but empty lines. */
bool head_fault(const struct head *head, const char *text, size_t count,
                size_t size, enum head_parsed parsed, struct refusal *why);

/* How many bytes a chunked body has of the `bytes` bytes at `text`, all of
 * which has been read: its own, or all if it does not end in there. */
size_t head_chunked_bytes(const char *text, size_t bytes);

#endif
