/* publish_outcome.c - see publish_outcome.h. */
#include "publish_outcome.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

const struct timespec outcome_now = {1767323045, 678900000};

struct outcome read_bytes(enum publish_kind kind, const char *body,
                          size_t bytes, size_t limit)
{
    struct outcome o = {.body = malloc(bytes ? bytes : 1)};

    ck_assert_ptr_nonnull(o.body);
    memcpy(o.body, body, bytes);
    o.result = publish_read(&o.request, kind, o.body, bytes, limit,
                            &outcome_now, &o.error);
    return o;
}

struct outcome read_text(enum publish_kind kind, const char *body)
{
    return read_bytes(kind, body, strlen(body), LIMIT);
}

void drop(struct outcome *o)
{
    if (o->result == 0)
        publish_release(&o->request);
    free(o->body);
}

void check_refused(enum publish_kind kind, const char *body, int status,
                   const char *code, const char *message)
{
    struct outcome o = read_text(kind, body);

    ck_assert_msg(o.result == -1, "accepted: %s", body);
    ck_assert_msg(o.error.status == status && !strcmp(o.error.code, code) &&
                      !strcmp(o.error.message, message),
                  "%s: %d %s: %s", body, o.error.status, o.error.code,
                  o.error.message);
    drop(&o);
}

void check_message(const struct outcome *o, const char *expected, size_t bytes)
{
    ck_assert_msg(o->result == 0, "%d %s: %s", o->error.status, o->error.code,
                  o->error.message);
    ck_assert_uint_eq(o->request.message_bytes, bytes);
    ck_assert_mem_eq(o->request.message, expected, bytes);
}
