/* options.c - see options.h. An error is composed from the row of its flag. */
#include "options.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "flags.h"

#define URL_DEFAULT "ws://127.0.0.1:8081/ws?userId=" URL_USER
#define LANES_DEFAULT 16u
#define SHOWN_BYTES 64 /* of a value, in an error */

/* Makes any text one printable line. */
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
        (void)snprintf(error, size, "--%s: must be %s", flag->name,
                       flag->takes);
    else
        (void)snprintf(error, size, "--%s=%s: must be %s", flag->name, shown,
                       flag->takes);
}

/* Reports what getopt_long() did not understand. Only the name of the argument
 * is repeated, because a key may follow it. */
static void refuse_unknown(char **argv, char *error, size_t size)
{
    const char *arg = argv[optind - 1];
    const struct flag *flag = flags_find(optopt);
    char shown[SHOWN_BYTES + 4], name[SHOWN_BYTES];

    if (optopt != 0 && flag != NULL) {
        (void)snprintf(error, size, "--%s: takes no value", flag->name);
    } else if (optopt != 0) {
        (void)snprintf(error, size, "-%c: unknown flag; see --help",
                       isprint(optopt) ? optopt : '?');
    } else {
        (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(arg, "="), arg);
        show(shown, name);
        (void)snprintf(error, size, "%s: unknown flag; see --help", shown);
    }
}

/* Reads all flags. Returns an action, OPTIONS_RUN unless a flag asks for
 * another. */
static enum options_action read_flags(struct options *o, int argc, char **argv,
                                      char *error, size_t size)
{
    struct option longs[FLAGS_COUNT + 1];
    char letters[FLAGS_LETTERS];
    int code;

    flags_describe(longs, letters);
    opterr = 0;
    optind = 1;
    while ((code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        const struct flag *flag = flags_find(code == ':' ? optopt : code);
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
            (void)snprintf(error, size, "--%s: missing value; must be %s",
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

/* Reads the argument that is not a flag. */
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
        why = "there is already a URL";
    }
    if (why == NULL)
        return 0;
    show(shown, wrong);
    (void)snprintf(error, size, "%s: %s", shown, why);
    return -1;
}

/* Checks combinations of flags, and sets defaults that depend on others. */
static const char *settle(struct options *o)
{
    if (o->rate > 0 && o->window != 0)
        return "--rate: cannot be combined with --window";
    if (o->rate > 0 && o->until_given)
        return "--until: applies to --window, not to --rate";
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
        return "--publish: " URL_USER " in it requires --send";
    if (o->send && !url_has_user(o->url_text))
        return "--send: requires a URL with " URL_USER " in it";
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
    if (o->key == NULL && key != NULL && !flags_read_key(o, key)) {
        (void)snprintf(error, error_size, "HUB_API_KEY: must be %s",
                       flags_find('k')->takes);
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
