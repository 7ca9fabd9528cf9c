/* tally.c - see tally.h. The counters order nothing, so that relaxed additions
 * are enough.
 */
#include "observe/tally.h"

#include <string.h>

const char *const tally_endpoint_names[] = {
#define NAME(name, text) text,
    TALLY_ENDPOINT_MAP(NAME)
#undef NAME
};

const char *const tally_outcome_names[] = {
#define NAME(name, endpoints) #name,
    TALLY_OUTCOME_MAP(NAME)
#undef NAME
};

const unsigned tally_outcome_endpoints[] = {
#define ENDPOINTS(name, endpoints) (endpoints),
    TALLY_OUTCOME_MAP(ENDPOINTS)
#undef ENDPOINTS
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
                  const char *outcome)
{
    size_t i = 0;

    while (i < TALLY_OUTCOMES - 1 &&
           strcmp(outcome, tally_outcome_names[i]) != 0)
        i++;
    tally_add(&tally->answers[endpoint][i], 1);
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
    size_t cause = (size_t)info->cause;

    /* A libhub that is newer than this may know more of them. */
    if (cause < TALLY_CAUSES)
        tally_add(&tally->causes[cause], 1);
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
