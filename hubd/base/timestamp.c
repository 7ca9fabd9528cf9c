/* timestamp.c - parses RFC 3339 with a cursor: each function moves it forward
 * or returns false. Pure; any thread.
 */
#include "base/timestamp.h"

#include <stdint.h>
#include <stdio.h>

#include "base/ascii.h"

struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *c, const char *any_of)
{
    if (c->at == c->end)
        return false;
    for (; *any_of; any_of++) {
        if (*c->at == *any_of) {
            c->at++;
            return true;
        }
    }
    return false;
}

/* Takes exactly `digits` of them, with a value from `min` to `max`. */
static bool take_number(struct cursor *c, int digits, int min, int max,
                        int *out)
{
    int value = 0;

    for (int i = 0; i < digits; i++, c->at++) {
        if (c->at == c->end || !ascii_is_digit(*c->at))
            return false;
        value = value * 10 + (*c->at - '0');
    }
    *out = value;
    return value >= min && value <= max;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

static bool take_date(struct cursor *c)
{
    int year, month, day;

    return take_number(c, 4, 0, 9999, &year) && take(c, "-") &&
           take_number(c, 2, 1, 12, &month) && take(c, "-") &&
           take_number(c, 2, 1, days_of_month(year, month), &day);
}

static bool take_fraction(struct cursor *c)
{
    const char *start = c->at;

    while (c->at < c->end && ascii_is_digit(*c->at))
        c->at++;
    return c->at > start;
}

static bool take_time(struct cursor *c)
{
    int ignored;

    if (!take_number(c, 2, 0, 23, &ignored) || !take(c, ":") ||
        !take_number(c, 2, 0, 59, &ignored))
        return false;
    if (!take(c, ":"))
        return true;
    if (!take_number(c, 2, 0, 60, &ignored))
        return false;
    return !take(c, ".") || take_fraction(c);
}

static bool take_zone(struct cursor *c)
{
    int ignored;

    if (c->at == c->end || take(c, "Zz"))
        return true;
    if (!take(c, "+-") || !take_number(c, 2, 0, 23, &ignored))
        return false;
    if (!take(c, ":") && c->at == c->end)
        return true;
    return take_number(c, 2, 0, 59, &ignored);
}

bool timestamp_is_valid(const char *text, size_t bytes)
{
    struct cursor c;

    if (bytes == 0)
        return false;
    c = (struct cursor){text, text + bytes};
    if (!take_date(&c))
        return false;
    if (c.at == c.end)
        return true;
    return take(&c, "Tt ") && take_time(&c) && take_zone(&c) && c.at == c.end;
}

void timestamp_format(const struct timespec *time,
                      char out[TIMESTAMP_BYTES + 1])
{
    const int64_t last = INT64_C(253402300799); /* 9999-12-31T23:59:59 */
    int64_t seconds = time->tv_sec;
    unsigned ms = (unsigned)(time->tv_nsec / 1000000) % 1000;
    struct tm tm;
    size_t length;
    time_t when;

    if (seconds < 0 || seconds > last) {
        seconds = seconds < 0 ? 0 : last;
        ms = seconds ? 999 : 0;
    }
    when = (time_t)seconds;
    gmtime_r(&when, &tm);
    length = strftime(out, TIMESTAMP_BYTES + 1, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(out + length, TIMESTAMP_BYTES + 1 - length, ".%03uZ", ms);
}
