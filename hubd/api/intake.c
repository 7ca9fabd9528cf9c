/* intake.c - see intake.h. The head is checked before any of the body is read.
 */
#include "api/intake.h"

#include <ctype.h>

#include "base/id.h"
#include "base/json_string.h"

#define CODING_SHOWN 32 /* bytes of the name of a coding */

static int check_media_type(const struct exchange *x, struct refusal *why)
{
    unsigned count;
    struct slice type = exchange_header(x, "Content-Type", &count);

    /* Parameters follow: RFC 9110, 8.3.1. */
    for (size_t i = 0; i < type.bytes; i++) {
        if (type.start[i] == ';' || type.start[i] == ' ' ||
            type.start[i] == '\t')
            type.bytes = i;
    }
    if (type.bytes == 0 ||
        (count == 1 && request_text_is(type, "application/json")))
        return 0;
    return refuse_as(why, REFUSAL_UNSUPPORTED_MEDIA_TYPE);
}

/* RFC 9110, 8.4: we support no content codings. */
static int check_encoding(const struct exchange *x, struct refusal *why)
{
    struct request_list list = {.info = x->request.info,
                                .name = "Content-Encoding"};
    struct slice coding;
    size_t shown = 0;

    while (request_list_next(&list, &coding)) {
        if (request_text_is(coding, "identity"))
            continue;
        while (shown < coding.bytes && shown < CODING_SHOWN &&
               isalnum((unsigned char)coding.start[shown]))
            shown++;
        (void)refuse(why, REFUSAL_UNSUPPORTED_MEDIA_TYPE,
                     "the Content-Encoding \"%.*s\" is not supported: send "
                     "the body without it",
                     (int)shown, coding.start);
        why->headers = "Accept-Encoding: identity\r\n";
        return -1;
    }
    return 0;
}

static int check_head(const struct exchange *x, const struct intake *intake,
                      struct refusal *why)
{
    if (atomic_load(intake->draining))
        return refuse_as(why, REFUSAL_DRAINING);
    if (auth_check(intake->auth, x, why) < 0 || check_media_type(x, why) < 0 ||
        check_encoding(x, why) < 0)
        return -1;
    if (!x->request.chunked && x->request.content_length < 0)
        return refuse_as(why, REFUSAL_LENGTH_REQUIRED);
    return 0;
}

int intake_read(struct body *body, struct exchange *x,
                const struct intake *intake, size_t bytes_max,
                struct refusal *why)
{
    const struct body_limits limits = {
        .bytes = bytes_max,
        .timeout_ms = intake->read_timeout_ms,
        .memory = intake->memory,
    };

    if (check_head(x, intake, why) < 0)
        return -1;
    if (body_read(body, x, &limits, why) == 0)
        return 0;
    /* If we cut the body off ourselves, that is not the client's fault. */
    if (why->status == 400 && atomic_load(intake->draining))
        (void)refuse_as(why, REFUSAL_DRAINING);
    return -1;
}

int intake_refuse_json(struct refusal *why, const char *body,
                       const struct json_error *problem)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < problem->offset; i++) {
        column++;
        if (body[i] == '\n') {
            line++;
            column = 1;
        }
    }
    return refuse(why, REFUSAL_INVALID_JSON,
                  "the body is not valid JSON: %s at byte %zu (line %zu, "
                  "column %zu)",
                  problem->what, problem->offset, line, column);
}

const char *intake_read_id(enum json_type type, struct slice text,
                           char out[HUB_ID_BYTES_MAX + 1])
{
    long bytes;

    if (type != JSON_TYPE_STRING)
        return "is not a string";
    bytes = json_string_decode(text, out, HUB_ID_BYTES_MAX + 1);
    switch (bytes) {
    case JSON_STRING_TOO_LONG:
        return ID_TOO_LONG;
    case JSON_STRING_NUL:
        return "contains U+0000";
    case JSON_STRING_HALF_PAIR:
        return "contains an unpaired surrogate";
    default:
        return id_problem(out, (size_t)bytes);
    }
}
