/* flags.c - see flags.h. */
#include "flags.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "message.h"
#include "parse.h"

#define CLIENTS_MAX 1000000u
#define WINDOW_MAX 65536u
#define LANES_MAX 256u
#define THREADS_MAX 64u
#define RATE_MAX 1e6
#define BYTES_MAX (64u << 20)
#define TIME_MAX_NS (24 * INT64_C(3600) * SECOND_NS)

#define TAKES_TIME "a duration up to 24h, such as 500ms, 10s or 1m30s"

enum {
    CODE_CONNECT_WINDOW = 256,
    CODE_CONNECTIONS,
    CODE_UNTIL,
    CODE_WARMUP,
    CODE_IDLE,
    CODE_STALLED,
    CODE_PID,
    CODE_LABEL,
    CODE_JSON,
    CODE_THREADS,
};

static bool ranged(unsigned *out, const char *text, uint64_t min, uint64_t max)
{
    uint64_t value;

    if (parse_count(&value, text) != 0 || value < min || value > max)
        return false;
    *out = (unsigned)value;
    return true;
}

static bool read_clients(struct options *o, const char *text)
{
    return ranged(&o->clients, text, 1, CLIENTS_MAX);
}

static bool read_connect_window(struct options *o, const char *text)
{
    return ranged(&o->connect_window, text, 0, CLIENTS_MAX);
}

static bool read_window(struct options *o, const char *text)
{
    return ranged(&o->window, text, 1, WINDOW_MAX);
}

static bool read_connections(struct options *o, const char *text)
{
    return ranged(&o->connections, text, 1, LANES_MAX);
}

static bool read_threads(struct options *o, const char *text)
{
    return ranged(&o->threads, text, 1, THREADS_MAX);
}

static bool read_bytes(struct options *o, const char *text)
{
    unsigned bytes;

    if (!ranged(&bytes, text, MESSAGE_BYTES_MIN, BYTES_MAX))
        return false;
    o->bytes = bytes;
    return true;
}

static bool read_rate(struct options *o, const char *text)
{
    return parse_number(&o->rate, text) == 0 && o->rate > 0 &&
           o->rate <= RATE_MAX;
}

static bool read_stalled(struct options *o, const char *text)
{
    return parse_number(&o->stalled_percent, text) == 0 &&
           o->stalled_percent <= 100;
}

static bool read_time(int64_t *ns, const char *text)
{
    return parse_duration(ns, text) == 0 && *ns <= TIME_MAX_NS;
}

static bool read_duration(struct options *o, const char *text)
{
    return read_time(&o->duration_ns, text);
}

static bool read_warmup(struct options *o, const char *text)
{
    return read_time(&o->warmup_ns, text);
}

static bool read_idle(struct options *o, const char *text)
{
    return read_time(&o->idle_ns, text);
}

static bool read_until(struct options *o, const char *text)
{
    o->until_given = true;
    o->until = strcmp(text, "accepted") == 0 ? UNTIL_ACCEPTED : UNTIL_DELIVERED;
    return o->until == UNTIL_ACCEPTED || strcmp(text, "delivered") == 0;
}

static bool read_publish(struct options *o, const char *text)
{
    size_t bytes = strlen(text);

    if (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        if ((unsigned char)text[i] <= ' ' || text[i] == '\x7f')
            return false;
    }
    if (url_expand(NULL, 0, text, UINT32_MAX) >= sizeof(o->publish))
        return false;
    memcpy(o->publish, text, bytes + 1);
    return true;
}

/* Rejects what would break out of its header line. */
bool flags_read_key(struct options *o, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (iscntrl((unsigned char)*p))
            return false;
    }
    free(o->key);
    o->key = strdup(text);
    return o->key != NULL;
}

/* A process named twice would be counted twice. */
static bool has_pid(const struct options *o, pid_t pid)
{
    for (size_t i = 0; i < o->pid_count; i++) {
        if (o->pids[i] == pid)
            return true;
    }
    return false;
}

static bool read_pids(struct options *o, const char *text)
{
    char digits[16];

    o->pid_count = 0;
    for (;;) {
        size_t bytes = strcspn(text, ",");
        unsigned pid;

        if (bytes >= sizeof(digits) || o->pid_count == OPTIONS_PIDS_MAX)
            return false;
        memcpy(digits, text, bytes);
        digits[bytes] = '\0';
        if (!ranged(&pid, digits, 1, INT_MAX) || has_pid(o, (pid_t)pid))
            return false;
        o->pids[o->pid_count++] = (pid_t)pid;
        if (text[bytes] == '\0')
            return true;
        text += bytes + 1;
    }
}

static bool read_label(struct options *o, const char *text)
{
    o->label = text;
    return true;
}

static bool read_send(struct options *o, const char *text)
{
    (void)text;
    return o->send = true;
}

static bool read_json(struct options *o, const char *text)
{
    (void)text;
    return o->json = true;
}

static bool read_quiet(struct options *o, const char *text)
{
    (void)text;
    return o->quiet = true;
}

static const struct flag flags[] = {
    {"clients", "a whole number from 1 to 1000000", read_clients, 'c', false},
    {"connect-window", "a whole number from 0 (all) to 1000000",
     read_connect_window, CODE_CONNECT_WINDOW, false},
    {"publish", "http://host:port/path, or https://", read_publish, 'p', false},
    {"send", NULL, read_send, 's', false},
    {"key", "text without control characters", flags_read_key, 'k', true},
    {"window", "a whole number from 1 to 65536", read_window, 'w', false},
    {"rate", "a number above 0, up to 1000000, of messages per second",
     read_rate, 'r', false},
    {"until", "delivered or accepted", read_until, CODE_UNTIL, false},
    {"connections", "a whole number from 1 to 256", read_connections,
     CODE_CONNECTIONS, false},
    {"bytes", "a whole number from 80 to 67108864", read_bytes, 'b', false},
    {"duration", TAKES_TIME, read_duration, 'd', false},
    {"warmup", TAKES_TIME, read_warmup, CODE_WARMUP, false},
    {"idle", TAKES_TIME, read_idle, CODE_IDLE, false},
    {"stalled", "a percentage from 0 to 100", read_stalled, CODE_STALLED,
     false},
    {"pid", "different process ids, separated by commas", read_pids, CODE_PID,
     false},
    {"label", "text", read_label, CODE_LABEL, false},
    {"threads", "a whole number from 1 to 64", read_threads, CODE_THREADS,
     false},
    {"json", NULL, read_json, CODE_JSON, false},
    {"quiet", NULL, read_quiet, 'q', false},
    {"help", NULL, NULL, 'h', false},
    {"version", NULL, NULL, 'V', false},
};

_Static_assert(sizeof(flags) / sizeof(flags[0]) == FLAGS_COUNT,
               "FLAGS_COUNT is the number of rows");
_Static_assert(MESSAGE_BYTES_MIN == 80, "the row of --bytes says 80");

const struct flag *flags_find(int code)
{
    for (size_t i = 0; i < FLAGS_COUNT; i++) {
        if (flags[i].code == code)
            return &flags[i];
    }
    return NULL;
}

void flags_describe(struct option longs[FLAGS_COUNT + 1],
                    char letters[FLAGS_LETTERS])
{
    *letters++ = ':'; /* distinguishes a missing value from an unknown flag */
    for (size_t i = 0; i < FLAGS_COUNT; i++) {
        longs[i] = (struct option){
            .name = flags[i].name,
            .has_arg = flags[i].takes != NULL ? required_argument : no_argument,
            .val = flags[i].code,
        };
        if (flags[i].code > UCHAR_MAX)
            continue;
        *letters++ = (char)flags[i].code;
        if (flags[i].takes != NULL)
            *letters++ = ':';
    }
    *letters = '\0';
    longs[FLAGS_COUNT] = (struct option){0};
}
