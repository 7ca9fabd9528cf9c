/* request_model.h - RFC 9112 applied literally to the bytes of a request, and
 * RFC 6455, 4.2.1 to the resulting fields. Knows nothing about civetweb.
 */
#ifndef TESTS_FUZZ_REQUEST_MODEL_H
#define TESTS_FUZZ_REQUEST_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_FIELDS_MAX 64 /* a limit of hubd's own, as is the next */
#define MODEL_HEAD_MAX 16380
#define MODEL_ID_MAX 256

struct model_text {
    const char *start;
    size_t bytes;
};

struct model_head {
    struct model_text method, target;
    bool http11;
    bool blotted_out; /* more white space behind the request line than CR LF */
    struct model_field {
        struct model_text name, value;
    } fields[MODEL_FIELDS_MAX];
    size_t field_count;
    size_t bytes; /* up to and with the empty line */

    int64_t length; /* -1: not given */
    bool chunked, expects_continue;
};

/* Returns whether the head is well-formed and its framing unambiguous. */
bool model_head_read(struct model_head *head, const char *text, size_t bytes);

/* How many fields have that name, and the first. */
size_t model_head_count(const struct model_head *head, const char *name,
                        const struct model_field **first);

/* Whether an element of that name's fields is the token; of the first field
 * alone, or of any. */
bool model_head_lists(const struct model_head *head, const char *name,
                      const char *token, bool first_only);

/* Whether it asks for a WebSocket. Origins and ids are not looked at. */
bool model_head_upgrades(const struct model_head *head);

/* The ids of the query; "" for one that is not given. Returns whether there is
 * a user and nothing wrong. */
bool model_head_ids(const struct model_head *head, char user[MODEL_ID_MAX + 1],
                    char session[MODEL_ID_MAX + 1]);

#endif
