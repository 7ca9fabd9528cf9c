/* units.c - durations are added up in nanoseconds and must come out as whole
 * milliseconds; each step of the arithmetic is checked for overflow.
 */
#include "base/units.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/ascii.h"

#define NS_PER_MS UINT64_C(1000000)
#define MS_PER_S INT64_C(1000)
#define MS_PER_M (60 * MS_PER_S)
#define MS_PER_H (60 * MS_PER_M)

struct unit {
    const char *name;
    uint64_t factor;
};

/* "ms" before "m", which it begins with. */
static const struct unit durations[] = {
    {"ns", 1},
    {"us", 1000},
    {"\xc2\xb5s", 1000}, /* U+00B5, micro sign */
    {"\xce\xbcs", 1000}, /* U+03BC, Greek mu */
    {"ms", NS_PER_MS},
    {"s", NS_PER_MS * 1000},
    {"m", NS_PER_MS * 1000 * 60},
    {"h", NS_PER_MS * 1000 * 3600},
};

static const struct unit sizes[] = {
    {"", 1},
    {"b", 1},
    {"k", 1024},
    {"kb", 1024},
    {"kib", 1024},
    {"m", 1048576},
    {"mb", 1048576},
    {"mib", 1048576},
    {"g", 1073741824},
    {"gb", 1073741824},
    {"gib", 1073741824},
};

/* Reads the digits at *at and moves it past them. */
static int read_digits(const char **at, uint64_t *out)
{
    const char *p = *at;
    uint64_t value = 0;

    for (; ascii_is_digit(*p); p++) {
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
            return -1;
    }
    *at = p;
    *out = value;
    return 0;
}

static const struct unit *duration_unit(const char *text)
{
    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        const char *name = durations[i].name;

        if (strncmp(text, name, strlen(name)) == 0)
            return &durations[i];
    }
    return NULL;
}

/* The digits after the point, as nanoseconds. Digits below a nanosecond must be
 * 0, since nothing else adds up to whole milliseconds. */
static int fraction_ns(const char *digits, const char *end, uint64_t factor,
                       uint64_t *ns)
{
    uint64_t step = factor;

    *ns = 0;
    for (const char *p = digits; p < end; p++) {
        uint64_t digit = (uint64_t)(*p - '0');

        if (step % 10 != 0) {
            if (digit != 0)
                return -1;
            continue;
        }
        step /= 10;
        *ns += digit * step;
    }
    return 0;
}

/* Reads one number with its unit, and moves *at past it. */
static int duration_term(const char **at, uint64_t *ns)
{
    const char *start = *at, *fraction, *end;
    const struct unit *unit;
    uint64_t whole, part;

    if (read_digits(at, &whole))
        return -1;
    fraction = end = *at;
    if (*end == '.') {
        for (end = ++fraction; ascii_is_digit(*end); end++)
            continue;
    }
    if (*at == start && fraction == end)
        return -1; /* no digit at all */
    unit = duration_unit(end);
    if (!unit || fraction_ns(fraction, end, unit->factor, &part) ||
        __builtin_mul_overflow(whole, unit->factor, ns) ||
        __builtin_add_overflow(*ns, part, ns))
        return -1;
    *at = end + strlen(unit->name);
    return 0;
}

int units_parse_duration(int64_t *ms, const char *text)
{
    const char *at = text + (*text == '+');
    uint64_t total = 0, term;

    if (strcmp(at, "0") == 0) {
        *ms = 0;
        return 0;
    }
    do {
        if (duration_term(&at, &term) ||
            __builtin_add_overflow(total, term, &total))
            return -1;
    } while (*at);
    if (total % NS_PER_MS != 0)
        return -1;
    *ms = (int64_t)(total / NS_PER_MS);
    return 0;
}

int units_parse_size(uint64_t *bytes, const char *text)
{
    const char *at = text;
    uint64_t value;

    if (!ascii_is_digit(*at) || read_digits(&at, &value))
        return -1;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (strcasecmp(at, sizes[i].name) == 0)
            return __builtin_mul_overflow(value, sizes[i].factor, bytes) ? -1
                                                                         : 0;
    }
    return -1;
}

int units_parse_count(uint64_t *count, const char *text)
{
    const char *at = text;

    if (!ascii_is_digit(*at) || read_digits(&at, count) || *at)
        return -1;
    return 0;
}

/* Up to a minute in seconds, as timeouts are usually written; above that in
 * hours, minutes and seconds. */
void units_format_duration(char out[UNITS_TEXT_MAX], int64_t ms)
{
    int64_t seconds = ms % MS_PER_M / MS_PER_S, rest = ms % MS_PER_S;
    size_t used = 0;

    if (ms <= MS_PER_M && rest == 0) {
        snprintf(out, UNITS_TEXT_MAX, "%" PRId64 "s", ms / MS_PER_S);
        return;
    }
    if (ms >= MS_PER_H)
        used += (size_t)snprintf(out, UNITS_TEXT_MAX, "%" PRId64 "h",
                                 ms / MS_PER_H);
    if (ms % MS_PER_H >= MS_PER_M)
        used += (size_t)snprintf(out + used, UNITS_TEXT_MAX - used,
                                 "%" PRId64 "m", ms % MS_PER_H / MS_PER_M);
    if (seconds != 0)
        used += (size_t)snprintf(out + used, UNITS_TEXT_MAX - used,
                                 "%" PRId64 "s", seconds);
    if (rest != 0)
        snprintf(out + used, UNITS_TEXT_MAX - used, "%" PRId64 "ms", rest);
}

void units_format_size(char out[UNITS_TEXT_MAX], uint64_t bytes)
{
    static const char *const names[] = {"", "KB", "MB", "GB"};
    size_t i = 0;

    while (i < 3 && bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        i++;
    }
    snprintf(out, UNITS_TEXT_MAX, "%" PRIu64 "%s", bytes, names[i]);
}
