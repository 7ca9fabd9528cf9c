/* fake_request.h - requests for the tests of what civetweb hands over. */
#ifndef FAKE_REQUEST_H
#define FAKE_REQUEST_H

#include <check.h>
#include <string.h>

#include "fake_civetweb.h"
#include "front/request.h"

struct fake_request {
    _Alignas(16) char bytes[REQUEST_HEAD_MAX]; /* as malloc has it */
    struct mg_request_info info;
};

static inline void fake_parse(struct fake_request *fake, const char *text,
                              size_t bytes)
{
    ck_assert_uint_le(bytes, sizeof(fake->bytes));
    memset(fake->bytes, 'x', sizeof(fake->bytes));
    memcpy(fake->bytes, text, bytes);
    ck_assert(fake_civetweb(fake->bytes, sizeof(fake->bytes), &fake->info));
}

/* Parses and checks, as if it were the first in its buffer. */
static inline int fake_check(struct fake_request *fake, struct request *request,
                             const char *text, struct refusal *why)
{
    const char *buffer = fake->bytes;

    fake_parse(fake, text, strlen(text));
    return request_check(request, &fake->info, &buffer, why);
}

#endif
