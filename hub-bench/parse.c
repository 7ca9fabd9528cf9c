/* parse.c - see parse.h. Durations are added up in nanoseconds, and each step
 * is checked for overflow.
 */
#include "parse.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define DIGITS_MAX 15 /* that a double can represent exactly */

struct unit {
    const char *name;
    int64_t ns;
};

/* "ms" before "m", which it begins with. */
static const struct unit units[] = {
    {"ns", 1},
    {"us", 1000},
    {"\xc2\xb5s", 1000}, /* U+00B5, micro sign */
    {"\xce\xbcs", 1000}, /* U+03BC, Greek mu */
    {"ms", 1000000},
    {"s", INT64_C(1000000000)},
    {"m", INT64_C(60000000000)},
    {"h", INT64_C(3600000000000)},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int parse_count(uint64_t *out, const char *text)
{
    uint64_t value = 0;
    const char *p = text;

    for (; is_digit(*p); p++) {
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
            return -1;
    }
    if (p == text || *p != '\0')
        return -1;
    *out = value;
    return 0;
}

int parse_number(double *out, const char *text)
{
    double value = 0, scale = 1;
    bool point = false;
    int digits = 0;

    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(*p) || ++digits > DIGITS_MAX)
            return -1;
        value = value * 10 + (*p - '0');
        if (point)
            scale *= 10;
    }
    if (digits == 0)
        return -1;
    *out = value / scale;
    return 0;
}

static const struct unit *find_unit(const char *text)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strncmp(text, units[i].name, strlen(units[i].name)) == 0)
            return &units[i];
    }
    return NULL;
}

/* The digits after the point. Digits below a nanosecond must be 0. */
static int add_fraction(int64_t *ns, const char *p, int64_t step)
{
    for (; is_digit(*p); p++) {
        if (step % 10 != 0) {
            if (*p != '0')
                return -1;
            continue;
        }
        step /= 10;
        if (__builtin_add_overflow(*ns, (*p - '0') * step, ns))
            return -1;
    }
    return 0;
}

/* Reads one number with its unit, adds it to *ns and moves *at past it. */
static int add_term(int64_t *ns, const char **at)
{
    const char *p = *at, *fraction = "";
    const struct unit *unit;
    int64_t whole = 0;
    int digits = 0;

    for (; is_digit(*p); p++, digits++) {
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, *p - '0', &whole))
            return -1;
    }
    if (*p == '.') {
        fraction = ++p;
        for (; is_digit(*p); p++)
            digits++;
    }
    unit = find_unit(p);
    if (digits == 0 || unit == NULL ||
        __builtin_mul_overflow(whole, unit->ns, &whole) ||
        __builtin_add_overflow(*ns, whole, ns) ||
        add_fraction(ns, fraction, unit->ns) != 0)
        return -1;
    *at = p + strlen(unit->name);
    return 0;
}

int parse_duration(int64_t *ns, const char *text)
{
    int64_t total = 0;

    if (strcmp(text, "0") == 0) {
        *ns = 0;
        return 0;
    }
    do {
        if (add_term(&total, &text) != 0)
            return -1;
    } while (*text != '\0');
    *ns = total;
    return 0;
}
