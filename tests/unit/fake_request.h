/* fake_request.h - requests for tests of code behind civetweb. */
#ifndef FAKE_REQUEST_H
#define FAKE_REQUEST_H

#include <check.h>
#include <string.h>

#include "fake_civetweb.h"
#include "front/head.h"
#include "front/request.h"

struct fake_request {
    char bytes[REQUEST_HEAD_MAX];
    struct head head;
    struct mg_request_info info;
};

/* Returns whether civetweb hands it out. */
static inline bool fake_arrive(struct fake_request *fake, const char *text,
                               size_t bytes)
{
    ck_assert_uint_le(bytes, sizeof(fake->bytes));
    memset(fake->bytes, 'x', sizeof(fake->bytes));
    memcpy(fake->bytes, text, bytes);
    fake->head = (struct head){0};
    head_take(&fake->head, fake->bytes, 0, bytes);
    return fake_civetweb(fake->bytes, sizeof(fake->bytes), &fake->info);
}

static inline void fake_parse(struct fake_request *fake, const char *text,
                              size_t bytes)
{
    ck_assert(fake_arrive(fake, text, bytes));
}

/* Parses and checks; the request line may be one that civetweb refuses. */
static inline int fake_check(struct fake_request *fake, struct request *request,
                             const char *text, struct refusal *why)
{
    size_t bytes = strlen(text);

    if (fake_arrive(fake, text, bytes))
        return request_check(request, &fake->info, fake->bytes, why);
    ck_assert(!fake->head.plain || fake->head.bare_lf);
    *request = (struct request){.info = NULL};
    ck_assert(head_fault(&fake->head, fake->bytes, bytes, sizeof(fake->bytes),
                         HEAD_LINE_FAILED, why));
    return -1;
}

#endif
