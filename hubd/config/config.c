/* config.c - reads the settings: first finds the source of each, then passes
 * its text to the parser of its row.
 *
 * A key never gets into an error message, not even as part of a misunderstood
 * argument, and keys in argv and env are overwritten in all cases.
 */
#include "config/config.h"

#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "config/config_auth.h"
#include "config/config_table.h"
#include "resources/memory.h"
#include "base/units.h"

#define SHOWN_BYTES 64 /* of a value in an error */
#define BAD_BYTES 128

/* Where a setting's text comes from. */
struct source {
    const char *text; /* NULL: not given */
    enum { FROM_DEFAULT, FROM_VARIABLE, FROM_FLAG } from;
};

struct reader {
    struct source sources[CONFIG_SETTINGS_MAX]; /* one per row */
    enum config_action action;
    const char *token_file;
    struct linebuf error;
};

static void *field_of(struct config *config,
                      const struct config_setting *setting)
{
    return (char *)config + setting->offset;
}

/* Whether the first bytes of `text` are this flag. */
static bool is_flag(const char *text, size_t bytes, const char *flag)
{
    return strlen(flag) == bytes && memcmp(text, flag, bytes) == 0;
}

static bool names(const struct config_setting *setting, const char *text,
                  size_t bytes)
{
    char flag[CONFIG_FLAG_MAX];

    config_flag(setting, flag);
    if (is_flag(text, bytes, flag))
        return true;
    return strncmp(setting->name, "HUB_", 4) == 0 && bytes > 4 &&
           memcmp(text, "hub-", 4) == 0 && is_flag(text + 4, bytes - 4, flag);
}

/* The row that an argument names, and its value if it follows a '='. */
static const struct config_setting *find_flag(char *arg, char **value)
{
    size_t bytes;

    *value = NULL;
    if (strncmp(arg, "--", 2) != 0)
        return NULL;
    arg += 2;
    bytes = strcspn(arg, "=");
    if (arg[bytes] == '=')
        *value = arg + bytes + 1;
    for (size_t i = 0; i < config_setting_count; i++) {
        if (names(&config_settings[i], arg, bytes))
            return &config_settings[i];
    }
    return NULL;
}

/* The value in the argument after a flag, unless that is a flag itself. */
static char *value_behind(int argc, char **argv, int at)
{
    if (at + 1 >= argc || strncmp(argv[at + 1], "--", 2) == 0)
        return NULL;
    return argv[at + 1];
}

static void hide_arguments(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *value;
        const struct config_setting *setting = find_flag(argv[i], &value);

        if (!setting)
            continue;
        if (!value && (value = value_behind(argc, argv, i)))
            i++;
        if (value && setting->kind->secret)
            explicit_bzero(value, strlen(value));
    }
}

/* Whether a NAME=value string belongs to this setting. */
static bool is_variable(const char *string,
                        const struct config_setting *setting)
{
    size_t bytes = strlen(setting->name);

    return strncmp(string, setting->name, bytes) == 0 && string[bytes] == '=';
}

static void hide_variables(char **env)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        if (!config_settings[i].kind->secret)
            continue;
        for (char **at = env; at && *at; at++) {
            if (is_variable(*at, &config_settings[i]))
                explicit_bzero(*at, strlen(*at));
        }
    }
}

/* Beside a service named "hub-api", Kubernetes sets HUB_API_PORT=tcp://... to
 * where that is. */
static bool is_of_kubernetes(const struct config_setting *setting,
                             const char *value)
{
    return setting->kind == &config_apart && strncmp(value, "tcp://", 6) == 0;
}

static void read_variables(struct reader *reader, char **env)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        size_t bytes = strlen(config_settings[i].name);

        for (char **at = env; at && *at; at++) {
            if (!is_variable(*at, &config_settings[i]))
                continue;
            if ((*at)[bytes + 1] &&
                !is_of_kubernetes(&config_settings[i], *at + bytes + 1))
                reader->sources[i] =
                    (struct source){*at + bytes + 1, FROM_VARIABLE};
            break; /* the first one counts, as in getenv() */
        }
    }
}

static bool is_setting(const char *name)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        if (strcmp(name, config_settings[i].name) == 0)
            return true;
    }
    return false;
}

/* Kubernetes sets these in all pods next to a service named "hub" or
 * "hub-something": HUB_SERVICE_HOST, HUB_PORT_8081_TCP_ADDR, and
 * HUB_PORT=tcp://... */
static bool is_of_a_service(const char *name, const char *value)
{
    const char *port = strstr(name, "_PORT");

    return strstr(name, "_SERVICE_HOST") != NULL ||
           strstr(name, "_SERVICE_PORT") != NULL ||
           (port != NULL && port[5] == '_' && port[6] >= '0' &&
            port[6] <= '9') ||
           (port != NULL && port[5] == '\0' && strstr(value, "://") != NULL);
}

/* Notes unknown HUB_ variables: a misspelt setting would otherwise go
 * unnoticed. */
static void note_unknown(struct config *config, char **env)
{
    struct linebuf names;

    linebuf_init(&names, config->unknown, sizeof(config->unknown) - 5);
    for (char **at = env; at && *at && !names.full; at++) {
        size_t bytes = strcspn(*at, "="), before = names.used;
        char name[SHOWN_BYTES + 2];

        if (strncmp(*at, "HUB_", 4) != 0)
            continue;
        (void)snprintf(name, sizeof(name), "%.*s", (int)bytes, *at);
        if (is_setting(name) || is_of_a_service(name, *at + bytes))
            continue;
        if (names.used > 0)
            linebuf_add(&names, ", ");
        linebuf_add_escaped(&names, name, SHOWN_BYTES);
        if (names.full)
            (void)stpcpy(config->unknown + before,
                         before > 0 ? ", ..." : "...");
    }
}

/* --help and the like; returns false for other arguments. */
static bool read_action(struct reader *reader, const char *arg)
{
    if (strcmp(arg, "--help") == 0)
        reader->action = CONFIG_HELP;
    else if (strcmp(arg, "--version") == 0)
        reader->action = CONFIG_VERSION;
    else if (strcmp(arg, "--check-config") == 0)
        reader->action = CONFIG_CHECK;
    else
        return false;
    return true;
}

/* Repeats no more of the argument than the name of a flag: what follows it, or
 * stands alone, may be a misplaced key. */
static int refuse_argument(struct reader *reader, char *arg, int index)
{
    if (strncmp(arg, "--", 2) == 0 && arg[2] != '\0' && arg[2] != '=') {
        size_t bytes = strspn(arg, "abcdefghijklmnopqrstuvwxyz0123456789-_"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        bool whole;

        if (bytes >= CONFIG_FLAG_MAX)
            bytes = CONFIG_FLAG_MAX - 1;
        whole = arg[bytes] == '\0' || arg[bytes] == '=';
        linebuf_addf(&reader->error, "%.*s%s: unknown flag; see --help",
                     (int)bytes, arg, whole ? "" : "...");
    } else {
        linebuf_addf(&reader->error,
                     "argument %d: must be a flag such as --port=8081; "
                     "see --help",
                     index);
    }
    return -1;
}

/* Reads the argument at *at, and moves *at to the last one that was used. */
static int read_flag(struct reader *reader, int argc, char **argv, int *at)
{
    char *arg = argv[*at], *value;
    const struct config_setting *setting = find_flag(arg, &value);
    char flag[CONFIG_FLAG_MAX];

    if (!setting)
        return refuse_argument(reader, arg, *at);
    if (!value) {
        value = value_behind(argc, argv, *at);
        *at += value != NULL;
    }
    if (!value) {
        config_flag(setting, flag);
        linebuf_addf(&reader->error, "--%s: missing value; must be ", flag);
        setting->kind->describe(setting, &reader->error);
        return -1;
    }
    reader->sources[setting - config_settings] =
        (struct source){value, FROM_FLAG};
    return 0;
}

/* --check-token: returns 1 if it is another argument, or -1. */
static int read_token_flag(struct reader *reader, int argc, char **argv,
                           int *at)
{
    static const char flag[] = "--check-token";
    const char *rest = argv[*at] + sizeof(flag) - 1;

    if (strncmp(argv[*at], flag, sizeof(flag) - 1) != 0 ||
        (*rest != '\0' && *rest != '='))
        return 1;
    reader->action = CONFIG_TOKEN;
    reader->token_file =
        *rest == '=' ? rest + 1 : value_behind(argc, argv, *at);
    *at += *rest == '\0' && reader->token_file;
    if (reader->token_file && *reader->token_file)
        return 0;
    linebuf_addf(&reader->error,
                 "%s: takes a file with a token, or - for standard input",
                 flag);
    return -1;
}

static int read_flags(struct reader *reader, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int other = 1;

        if (read_action(reader, argv[i])) {
            if (reader->action != CONFIG_CHECK)
                return 0;
            continue;
        }
        other = read_token_flag(reader, argc, argv, &i);
        if (other < 0 || (other && read_flag(reader, argc, argv, &i)))
            return -1;
    }
    return 0;
}

static void refuse_value(struct reader *reader,
                         const struct config_setting *setting,
                         const struct source *source, const char *bad)
{
    struct linebuf *error = &reader->error;
    char flag[CONFIG_FLAG_MAX];

    config_flag(setting, flag);
    if (source->from == FROM_FLAG)
        linebuf_addf(error, "--%s", flag);
    else
        linebuf_add(error, setting->name);
    if (!setting->kind->secret) {
        linebuf_add(error, "=");
        linebuf_add_escaped(error, source->text, SHOWN_BYTES);
    }
    linebuf_add(error, ": ");
    if (*bad && strcmp(bad, source->text) != 0) {
        linebuf_add(error, "\"");
        linebuf_add_escaped(error, bad, SHOWN_BYTES);
        linebuf_add(error, "\" is invalid; ");
    }
    linebuf_add(error, "must be ");
    setting->kind->describe(setting, error);
}

static int parse_values(struct reader *reader, struct config *config)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        const struct config_setting *setting = &config_settings[i];
        struct source *source = &reader->sources[i];
        char bad[BAD_BYTES] = "";
        int err;

        if (!source->text)
            source->text = setting->fallback;
        if (!source->text)
            continue;
        err = setting->kind->parse(setting, source->text,
                                   field_of(config, setting), bad, sizeof(bad));
        if (err == CONFIG_INVALID)
            refuse_value(reader, setting, source, bad);
        else if (err)
            linebuf_add(&reader->error, "out of memory");
        if (err)
            return -1;
    }
    return 0;
}

/* A token is checked without one. */
static int check_keys(struct reader *reader, const struct config *config)
{
    if (!config->api_key && !config->api_key_file &&
        reader->action != CONFIG_TOKEN) {
        linebuf_add(&reader->error,
                    "HUB_API_KEY: must be set to the key that backends send, "
                    "or HUB_API_KEY_FILE to a file that contains it");
        return -1;
    }
    if (config->api_key && config->api_key_file) {
        linebuf_add(&reader->error, "HUB_API_KEY and HUB_API_KEY_FILE are both "
                                    "set: one of them must be unset");
        return -1;
    }
    return 0;
}

/* The file replaces the list, which has a default. */
static int check_origins(struct reader *reader, struct config *config)
{
    size_t i = 0;

    config->origins.hosts = &config->public_hosts;
    if (config->origins.same && config->public_hosts.count == 0) {
        linebuf_add(&reader->error,
                    "HUB_PUBLIC_HOSTS: must be set to the names under which "
                    "browsers reach hubd, since HUB_ALLOWED_ORIGINS includes "
                    "same");
        return -1;
    }
    if (!config->origins_file)
        return 0;
    while (config_settings[i].offset != offsetof(struct config, origins))
        i++;
    if (reader->sources[i].from == FROM_DEFAULT) {
        origin_list_release(&config->origins);
        return 0;
    }
    linebuf_add(&reader->error,
                "HUB_ALLOWED_ORIGINS and HUB_ALLOWED_ORIGINS_FILE are both "
                "set: one of them must be unset");
    return -1;
}

static int check_memory(struct reader *reader, const struct config *config)
{
    size_t least = memory_least(config->max_message_bytes);
    char text[UNITS_TEXT_MAX];

    if (config->memory_limit == 0 || config->memory_limit >= least)
        return 0;
    units_format_size(text, config->memory_limit);
    linebuf_addf(&reader->error, "HUB_MEMORY_LIMIT=%s: ", text);
    units_format_size(text, least);
    linebuf_addf(
        &reader->error,
        "must be 0, or at least %s (1MB, and %d times MAX_MESSAGE_SIZE)", text,
        MEMORY_PER_MESSAGE);
    return -1;
}

/* Requests are told apart by the port they come in on. */
static int check_ports(struct reader *reader, const struct config *config)
{
    const struct {
        const char *name;
        bool given;
        unsigned number;
    } ports[] = {
        {"PORT", true, config->port},
        {"HUB_API_PORT", config->api_port.given, config->api_port.number},
        {"HUB_METRICS", config->metrics.where == METRICS_APART,
         config->metrics.port},
    };

    for (size_t i = 1; i < sizeof(ports) / sizeof(ports[0]); i++) {
        for (size_t j = 0; j < i; j++) {
            if (!ports[i].given || !ports[j].given || ports[i].number == 0 ||
                ports[i].number != ports[j].number)
                continue;
            linebuf_addf(&reader->error,
                         "%s: its port must be different from %s (%u)",
                         ports[i].name, ports[j].name, ports[i].number);
            return -1;
        }
    }
    return 0;
}

/* Set alone, it would leave the API on HUB_BIND. */
static int check_api(struct reader *reader, const struct config *config)
{
    if (config->api_bind[0] == '\0' || config->api_port.given)
        return 0;
    linebuf_addf(&reader->error,
                 "HUB_API_BIND=%s: must be set together with HUB_API_PORT",
                 config->api_bind);
    return -1;
}

static enum config_action read_all(struct reader *reader, struct config *config,
                                   int argc, char **argv, char **env)
{
    read_variables(reader, env);
    if (read_flags(reader, argc, argv))
        return CONFIG_ERROR;
    if (reader->action == CONFIG_HELP || reader->action == CONFIG_VERSION)
        return reader->action;
    if (parse_values(reader, config) || check_keys(reader, config) ||
        check_origins(reader, config) || check_memory(reader, config) ||
        check_ports(reader, config) || check_api(reader, config) ||
        config_auth_check(config, &reader->error)) {
        config_release(config);
        return CONFIG_ERROR;
    }
    config->token_file = reader->token_file;
    note_unknown(config, env);
    return reader->action;
}

enum config_action config_read(struct config *config, int argc, char **argv,
                               char **env, char *error, size_t error_bytes)
{
    struct reader reader = {.action = CONFIG_RUN};
    enum config_action action;

    *config = (struct config){0};
    linebuf_init(&reader.error, error, error_bytes);
    action = read_all(&reader, config, argc, argv, env);
    hide_arguments(argc, argv);
    hide_variables(env);
    return action;
}

int config_name_node(struct config *config)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char random[16];

    if (config->node_name[0] != '\0')
        return 0;
    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return -1;
    for (size_t i = 0; i < sizeof(random); i++)
        config->node_name[i] = letters[random[i] % 32];
    config->node_name[sizeof(random)] = '\0';
    return 0;
}

const char *config_api_bind(const struct config *config)
{
    return config->api_bind[0] != '\0' ? config->api_bind : config->bind;
}

void config_release(struct config *config)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        const struct config_setting *setting = &config_settings[i];

        if (setting->kind->release)
            setting->kind->release(field_of(config, setting));
    }
    *config = (struct config){0};
}

void config_forget_keys(struct config *config)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        const struct config_setting *setting = &config_settings[i];
        char **text = field_of(config, setting);

        if (setting->kind->secret && *text)
            explicit_bzero(*text, strlen(*text));
    }
}
