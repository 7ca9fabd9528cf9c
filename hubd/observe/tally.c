/* tally.c - see tally.h. Nothing is ordered by the counters, so relaxed
 * additions are enough.
 */
#include "observe/tally.h"

const char *const tally_endpoint_names[] = {
#define NAME(name, text) text,
    TALLY_ENDPOINT_MAP(NAME)
#undef NAME
};

#define AT(endpoint) TALLY_AT(TALLY_##endpoint)

const unsigned tally_expected[] = {
    [REFUSAL_NONE] = TALLY_ROUTES & ~AT(WS),
    [REFUSAL_INVALID_JSON] = TALLY_API,
    [REFUSAL_INVALID_MESSAGE] = TALLY_MESSAGES,
    [REFUSAL_MISSING_TARGET] = AT(SEND),
    [REFUSAL_INVALID_ID] = AT(SEND) | AT(WS) | AT(TICKETS),
    [REFUSAL_INVALID_BODY] = TALLY_API,
    [REFUSAL_INVALID_REQUEST] = TALLY_ALL,
    [REFUSAL_INVALID_HANDSHAKE] = AT(WS),
    [REFUSAL_INVALID_TICKET_REQUEST] = AT(TICKETS),
    [REFUSAL_UNAUTHORIZED] = TALLY_API | AT(METRICS) | AT(WS),
    [REFUSAL_TOKEN_EXPIRED] = AT(WS),
    [REFUSAL_ORIGIN_NOT_ALLOWED] = AT(WS),
    [REFUSAL_IDENTITY_MISMATCH] = AT(WS),
    [REFUSAL_NOT_FOUND] = AT(OTHER),
    [REFUSAL_METHOD_NOT_ALLOWED] = TALLY_ROUTES,
    [REFUSAL_REQUEST_TIMEOUT] = TALLY_API | AT(WS) | AT(OTHER),
    [REFUSAL_TICKETS_OFF] = AT(TICKETS),
    [REFUSAL_LENGTH_REQUIRED] = TALLY_API,
    [REFUSAL_TOO_LARGE] = TALLY_API,
    [REFUSAL_UNSUPPORTED_MEDIA_TYPE] = TALLY_API,
    [REFUSAL_EXPECTATION_FAILED] = TALLY_ROUTES,
    [REFUSAL_UNSUPPORTED_VERSION] = AT(WS),
    [REFUSAL_RATE_LIMITED] = AT(WS),
    [REFUSAL_HEADERS_TOO_LARGE] = TALLY_ALL,
    [REFUSAL_INTERNAL_ERROR] = TALLY_ALL,
    [REFUSAL_DRAINING] = TALLY_API | AT(WS) | AT(HEALTH),
    [REFUSAL_AT_CAPACITY] = AT(WS),
    [REFUSAL_TOO_MANY_TICKETS] = AT(TICKETS),
    [REFUSAL_KEYS_UNAVAILABLE] = AT(WS),
    [REFUSAL_CLUSTER_UNAVAILABLE] = AT(WS),
    [REFUSAL_OVERLOADED] = TALLY_API,
    [REFUSAL_OUT_OF_MEMORY] = TALLY_ALL,
    [REFUSAL_STUCK] = AT(HEALTH),
    [REFUSAL_HTTP_VERSION_NOT_SUPPORTED] = AT(OTHER),
};

const char *const tally_close_code_names[] = {
#define NAME(code) #code,
    TALLY_CLOSE_CODE_MAP(NAME)
#undef NAME
        "3xxx",
    "4xxx", "other"};

static const int close_codes[] = {
#define CODE(code) code,
    TALLY_CLOSE_CODE_MAP(CODE)
#undef CODE
};

const uint64_t tally_recipient_bounds[] = {
    0, 1, 2, 5, 10, 100, 1000, 10000, 100000, 1000000, 10000000};

void tally_add(_Atomic uint64_t *counter, uint64_t more)
{
    (void)atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

uint64_t tally_read(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void tally_answer(struct tally *tally, enum tally_endpoint endpoint,
                  enum refusal_kind kind)
{
    tally_add(&tally->answers[endpoint][kind], 1);
}

static size_t place_of_code(int code)
{
    for (size_t i = 0; i < TALLY_CODES_ALONE; i++) {
        if (close_codes[i] == code)
            return i;
    }
    if (code >= 3000 && code < 4000)
        return TALLY_CODES_ALONE;
    return code >= 4000 && code < 5000 ? TALLY_CODES_ALONE + 1
                                       : TALLY_CODES_ALONE + 2;
}

void tally_closed(struct tally *tally, const struct hub_close_info *info)
{
    tally_add(&tally->close_codes[place_of_code(info->code)], 1);
}

void tally_recipients(struct tally_recipients *recipients, uint64_t count)
{
    size_t i = 0;

    while (i < TALLY_RECIPIENT_BOUNDS && count > tally_recipient_bounds[i])
        i++;
    tally_add(&recipients->counts[i], 1);
    tally_add(&recipients->sum, count);
}
