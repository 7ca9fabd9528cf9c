/* options.c - see options.h. Every flag has a row that tells its name, what it
 * takes, and the function that reads it; an error is put together from the row.
 */
#include "options.h"

#include <ctype.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "message.h"
#include "parse.h"

#define URL_DEFAULT "ws://127.0.0.1:8081/ws?userId=" URL_USER
#define CLIENTS_MAX 1000000u
#define WINDOW_MAX 65536u
#define LANES_MAX 256u
#define LANES_DEFAULT 16u
#define THREADS_MAX 64u
#define RATE_MAX 1e6
#define BYTES_MAX (64u << 20)
#define TIME_MAX_NS (24 * INT64_C(3600) * SECOND_NS)
#define SHOWN_BYTES 64 /* of a value, in an error */

#define TAKES_TIME "a duration up to 24h, such as 500ms, 10s or 1m30s"

struct flag {
    const char *name;
    const char *takes;                                 /* NULL: no value */
    bool (*read)(struct options *o, const char *text); /* false: wrong */
    int code;    /* the letter, or a number above all letters */
    bool secret; /* the value is never shown */
};

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

/* What would break out of its header line must not get in. */
static bool read_key(struct options *o, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (iscntrl((unsigned char)*p))
            return false;
    }
    free(o->key);
    o->key = strdup(text);
    return o->key != NULL;
}

/* One that is named twice would be counted twice. */
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
    {"key", "text without control characters", read_key, 'k', true},
    {"window", "a whole number from 1 to 65536", read_window, 'w', false},
    {"rate", "messages per second, above 0, up to 1000000", read_rate, 'r',
     false},
    {"until", "delivered or accepted", read_until, CODE_UNTIL, false},
    {"connections", "a whole number from 1 to 256", read_connections,
     CODE_CONNECTIONS, false},
    {"bytes", "a whole number from 80 to 67108864", read_bytes, 'b', false},
    {"duration", TAKES_TIME, read_duration, 'd', false},
    {"warmup", TAKES_TIME, read_warmup, CODE_WARMUP, false},
    {"idle", TAKES_TIME, read_idle, CODE_IDLE, false},
    {"stalled", "a percentage from 0 to 100", read_stalled, CODE_STALLED,
     false},
    {"pid", "different process ids with commas between them", read_pids,
     CODE_PID, false},
    {"label", "text", read_label, CODE_LABEL, false},
    {"threads", "a whole number from 1 to 64", read_threads, CODE_THREADS,
     false},
    {"json", NULL, read_json, CODE_JSON, false},
    {"quiet", NULL, read_quiet, 'q', false},
    {"help", NULL, NULL, 'h', false},
    {"version", NULL, NULL, 'V', false},
};

#define FLAGS (sizeof(flags) / sizeof(flags[0]))

_Static_assert(MESSAGE_BYTES_MIN == 80, "the row of --bytes says 80");

static const struct flag *find_flag(int code)
{
    for (size_t i = 0; i < FLAGS; i++) {
        if (flags[i].code == code)
            return &flags[i];
    }
    return NULL;
}

/* One printable line, whatever the text is. */
static void show(char out[SHOWN_BYTES + 4], const char *text)
{
    size_t i;

    for (i = 0; i < SHOWN_BYTES && text[i] != '\0'; i++)
        out[i] = (char)(iscntrl((unsigned char)text[i]) ? '?' : text[i]);
    memcpy(out + i, text[i] == '\0' ? "" : "...", text[i] == '\0' ? 1 : 4);
}

static void refuse(const struct flag *flag, const char *text, char *error,
                   size_t size)
{
    char shown[SHOWN_BYTES + 4];

    show(shown, text);
    if (flag->secret)
        (void)snprintf(error, size, "--%s: takes %s", flag->name, flag->takes);
    else
        (void)snprintf(error, size, "--%s=%s: takes %s", flag->name, shown,
                       flag->takes);
}

/* What getopt_long() did not understand. Of the argument no more is repeated
 * than the name, behind which there may be a key. */
static void refuse_unknown(char **argv, char *error, size_t size)
{
    const char *arg = argv[optind - 1];
    const struct flag *flag = find_flag(optopt);
    char shown[SHOWN_BYTES + 4], name[SHOWN_BYTES];

    if (optopt != 0 && flag != NULL) {
        (void)snprintf(error, size, "--%s: takes no value", flag->name);
    } else if (optopt != 0) {
        (void)snprintf(error, size, "-%c: there is no such flag; see --help",
                       isprint(optopt) ? optopt : '?');
    } else {
        (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(arg, "="), arg);
        show(shown, name);
        (void)snprintf(error, size, "%s: there is no such flag; see --help",
                       shown);
    }
}

/* The forms that getopt_long() wants. `letters` has room for all. */
static void describe(struct option *longs, char *letters)
{
    *letters++ = ':'; /* tells a missing value from an unknown flag */
    for (size_t i = 0; i < FLAGS; i++) {
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
    longs[FLAGS] = (struct option){0};
}

/* Reads all flags. Returns an action, OPTIONS_RUN if none of them ends it. */
static enum options_action read_flags(struct options *o, int argc, char **argv,
                                      char *error, size_t size)
{
    struct option longs[FLAGS + 1];
    char letters[2 * FLAGS + 2];
    int code;

    describe(longs, letters);
    opterr = 0;
    optind = 1;
    while ((code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        const struct flag *flag = find_flag(code == ':' ? optopt : code);
        bool right;

        if (code == 'h')
            return OPTIONS_HELP;
        if (code == 'V')
            return OPTIONS_VERSION;
        if (code == '?' || flag == NULL) {
            refuse_unknown(argv, error, size);
            return OPTIONS_ERROR;
        }
        if (code == ':') {
            (void)snprintf(error, size, "--%s: a value is missing; takes %s",
                           flag->name, flag->takes);
            return OPTIONS_ERROR;
        }
        right = flag->read(o, optarg);
        if (!right)
            refuse(flag, optarg, error, size);
        if (flag->secret)
            explicit_bzero(optarg, strlen(optarg)); /* ps shows arguments */
        if (!right)
            return OPTIONS_ERROR;
    }
    return OPTIONS_RUN;
}

/* The argument that is no flag. */
static int read_url(struct options *o, int argc, char **argv, char *error,
                    size_t size)
{
    const char *wrong, *why;
    char shown[SHOWN_BYTES + 4];

    o->url_text = optind < argc ? argv[optind] : URL_DEFAULT;
    wrong = o->url_text;
    why = url_parse(&o->url, o->url_text);
    if (why == NULL && argc - optind > 1) {
        wrong = argv[optind + 1];
        why = "there is a URL already";
    }
    if (why == NULL)
        return 0;
    show(shown, wrong);
    (void)snprintf(error, size, "%s: %s", shown, why);
    return -1;
}

/* What flags mean together, and the defaults that follow from others. */
static const char *settle(struct options *o)
{
    if (o->rate > 0 && o->window != 0)
        return "--rate: does not go with --window";
    if (o->rate > 0 && o->until_given)
        return "--until: goes with --window, not with --rate";
    if (o->rate <= 0 && o->window == 0)
        o->window = 1;
    if (o->connections == 0)
        o->connections = o->window != 0 && o->window < LANES_DEFAULT
                             ? o->window
                             : LANES_DEFAULT;
    if (o->publish[0] == '\0')
        (void)snprintf(o->publish, sizeof(o->publish), "http://%s/api/%s",
                       o->url.authority, o->send ? "send" : "broadcast");
    if (url_has_user(o->publish) && !o->send)
        return "--publish: " URL_USER " in it goes with --send";
    if (o->send && !url_has_user(o->url_text))
        return "--send: takes a URL with " URL_USER " in it";
    if (o->threads > o->clients)
        o->threads = o->clients;
    return NULL;
}

enum options_action options_read(struct options *o, int argc, char **argv,
                                 char *error, size_t error_size)
{
    const char *key = getenv("HUB_API_KEY"), *why;
    enum options_action action;

    *o = (struct options){
        .clients = 1000,
        .connect_window = 256,
        .threads = 1,
        .bytes = 170,
        .duration_ns = 10 * SECOND_NS,
        .warmup_ns = SECOND_NS,
        .idle_ns = 2 * SECOND_NS,
    };
    action = read_flags(o, argc, argv, error, error_size);
    if (action != OPTIONS_RUN)
        return action;
    if (o->key == NULL && key != NULL && !read_key(o, key)) {
        (void)snprintf(error, error_size, "HUB_API_KEY: takes %s",
                       find_flag('k')->takes);
        return OPTIONS_ERROR;
    }
    if (read_url(o, argc, argv, error, error_size) != 0)
        return OPTIONS_ERROR;
    why = settle(o);
    if (why == NULL)
        return OPTIONS_RUN;
    (void)snprintf(error, error_size, "%s", why);
    return OPTIONS_ERROR;
}

void options_release(struct options *o)
{
    if (o->key != NULL)
        explicit_bzero(o->key, strlen(o->key));
    free(o->key);
    o->key = NULL;
}
