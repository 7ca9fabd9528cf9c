/* fuzz_settings.c - any variables and flags result in settings that are in
 * their ranges and, printed by --check-config, parse back to the same; or in
 * one line that names the variable. No key is ever shown, and none stays in
 * argv.
 *
 * Input: strings that end with a NUL, as in /proc/self/environ: variables up to
 * an empty one, then flags. A key is added where none is given.
 */
#include "fuzz.h"
#include "settings_model.h"

#include <inttypes.h>
#include <string.h>

#include "config/config_table.h"

#define STRINGS_MAX 16
#define INPUT_MAX 4096
#define PRINTED_MAX 65536 /* escapes are four times as long */
#define KEY "HUB_API_KEY=Vq-key"
#define OTHER_KEY_MAX 64 /* the name of such a setting, and a value */

struct input {
    char bytes[INPUT_MAX + 1];
    char *env[STRINGS_MAX + 2]; /* and a key, and NULL */
    char *argv[STRINGS_MAX + 2];
    size_t env_count;
    int argc;
};

static void read_input(struct input *in, const uint8_t *data, size_t bytes)
{
    char *at = in->bytes, *end = in->bytes + bytes;
    bool flags = false, has_key = false;
    static char name[] = "hubd", key[sizeof(KEY)];

    memcpy(in->bytes, data, bytes);
    *end = '\0';
    in->env_count = 0;
    in->argc = 0;
    in->argv[in->argc++] = name;
    for (; at < end; at += strlen(at) + 1) {
        if (!flags && *at == '\0')
            flags = true;
        else if (!flags && in->env_count < STRINGS_MAX)
            in->env[in->env_count++] = at;
        else if (flags && in->argc < STRINGS_MAX)
            in->argv[in->argc++] = at;
        has_key |= strstr(at, "HUB_API_KEY") || strstr(at, "api-key");
    }
    if (!has_key)
        in->env[in->env_count++] = strcpy(key, KEY); /* it is wiped */
    in->env[in->env_count] = NULL;
    in->argv[in->argc] = NULL;
}

/* Errors. --------------------------------------------------------------- */

/* Returns the row an error is about, if it is about one, and what is behind
 * its name. */
static const struct config_setting *named_by(const char *error,
                                             const char **rest)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        const struct config_setting *row = &config_settings[i];
        char flag[CONFIG_FLAG_MAX];
        size_t bytes = strlen(row->name);

        *rest = error + bytes;
        if (strncmp(error, row->name, bytes) == 0 && strchr("=: ", **rest))
            return row;
        config_flag(row, flag);
        *rest = error + 2 + strlen(flag);
        if (strncmp(error, "--", 2) == 0 &&
            strncmp(error + 2, flag, strlen(flag)) == 0 && strchr("=:", **rest))
            return row;
    }
    return NULL;
}

/* Whether a flag is unknown. What stands behind a name may be a key. */
static bool is_about_flag(const char *error)
{
    size_t bytes = strspn(error, "abcdefghijklmnopqrstuvwxyz0123456789-_"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

    if (strncmp(error, "--", 2) != 0)
        return false;
    if (strncmp(error + bytes, "...", 3) == 0)
        bytes += 3;
    return strcmp(error + bytes, ": unknown flag; see --help") == 0;
}

static void check_error(const char *error)
{
    const struct config_setting *row;
    const char *rest;
    int at = 0;

    REQUIRE(error[0] != '\0' && strlen(error) < CONFIG_ERROR_BYTES - 1);
    REQUIRE(fuzz_utf8_is_shown(error, strlen(error)));
    row = named_by(error, &rest);
    if (is_about_flag(error) ||
        strncmp(error, "--check-token: takes a file", 27) == 0)
        return;
    if (row == NULL) {
        REQUIRE(sscanf(error, "argument %*d: must be a flag such as%n", &at) ==
                0);
        REQUIRE(at > 0);
        return;
    }
    REQUIRE(strstr(rest, "must be ") != NULL);
    if (row->kind->secret)
        REQUIRE(*rest == ':' || strncmp(rest, " and ", 5) == 0);
}

/* Whether an argument is the flag of a key: by itself, or with a value behind a
 * '='. */
static bool is_key_flag(const char *arg, const char **value)
{
    static const char *const flags[] = {
        "--api-key",          "--hub-api-key",
        "--api-key-previous", "--hub-api-key-previous",
        "--jwt-secret",       "--hub-jwt-secret"};
    size_t bytes = strcspn(arg, "=");

    *value = arg[bytes] == '=' ? arg + bytes + 1 : NULL;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strlen(flags[i]) == bytes && memcmp(arg, flags[i], bytes) == 0)
            return true;
    }
    return false;
}

static void check_hidden(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value;

        if (!is_key_flag(argv[i], &value))
            continue;
        if (value == NULL && i + 1 < argc && strncmp(argv[i + 1], "--", 2) != 0)
            value = argv[i + 1];
        REQUIRE(value == NULL || *value == '\0');
    }
}

/* Settings. ------------------------------------------------------------- */

static uint64_t number_of(const struct config_setting *row,
                          const struct config *config)
{
    const void *field = (const char *)config + row->offset;

    if (row->kind == &config_time)
        return (uint64_t) * (const int64_t *)field;
    if (row->kind == &config_count)
        return *(const uint64_t *)field;
    if (row->kind == &config_size)
        return *(const size_t *)field;
    return *(const unsigned *)field;
}

static bool is_number(const struct config_setting *row)
{
    return row->kind == &config_time || row->kind == &config_count ||
           row->kind == &config_size || row->kind == &config_port ||
           row->kind == &config_number;
}

static void check_ranges(const struct config *config)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        const struct config_setting *row = &config_settings[i];

        if (is_number(row))
            REQUIRE(number_of(row, config) >= row->min &&
                    number_of(row, config) <= row->max);
    }
    REQUIRE(config->token_file != NULL ||
            (config->api_key == NULL) != (config->api_key_file == NULL));
    REQUIRE(config->jwt.algorithms < JWT_BIT(JWT_ALGORITHMS));
    REQUIRE(config->jwt.groups_claim == NULL);
    REQUIRE(!config->origins_file ||
            (!config->origins.any && config->origins.count == 0));
    REQUIRE(config->api_bind[0] == '\0' || config->api_port.given);
    REQUIRE(!config->origins.same || config->public_hosts.count > 0);
}

static void print_to(char *out, const struct config *config)
{
    static FILE *file;
    static char *room;

    if (file == NULL) {
        room = malloc(PRINTED_MAX);
        file = room != NULL ? fmemopen(room, PRINTED_MAX, "w") : NULL;
        REQUIRE(file != NULL);
    }
    rewind(file);
    config_print(config, file);
    REQUIRE(fputc('\0', file) == 0 && fflush(file) == 0);
    REQUIRE(strlen(room) < PRINTED_MAX - 1);
    memcpy(out, room, strlen(room) + 1);
}

/* Undoes the escapes of --check-config, in place. */
static void unescape(char *text)
{
    char *out = text;

    while (*text != '\0') {
        const char *kinds = "nrt\"\\", *meanings = "\n\r\t\"\\", *kind;
        unsigned code;
        int used = 0;

        if (*text != '\\') {
            *out++ = *text++;
            continue;
        }
        text++;
        kind = strchr(kinds, *text);
        if (*text != '\0' && kind != NULL) {
            *out++ = meanings[kind - kinds];
            text++;
        } else if (sscanf(text, "x%2x%n", &code, &used) == 1) {
            *out++ = (char)code;
        } else if (sscanf(text, "u%4x%n", &code, &used) == 1 ||
                   sscanf(text, "U%8x%n", &code, &used) == 1) {
            if (code > 0xFFFF)
                *out++ = (char)(0xF0 | code >> 18);
            if (code > 0xFFFF)
                *out++ = (char)(0x80 | (code >> 12 & 0x3F));
            else if (code > 0x7FF)
                *out++ = (char)(0xE0 | code >> 12);
            if (code > 0x7FF)
                *out++ = (char)(0x80 | (code >> 6 & 0x3F));
            else
                *out++ = (char)(0xC0 | code >> 6);
            *out++ = (char)(0x80 | (code & 0x3F));
        }
        text += used;
    }
    *out = '\0';
}

/* Makes variables of what was printed: what is not set is left out, a key that
 * does not show is put in, and a word for 0 is a number again. Returns false
 * for a path that reads like one of these. */
static bool as_variables(char *printed, char **env)
{
    static char key[sizeof(KEY)], others[CONFIG_SETTINGS_MAX][OTHER_KEY_MAX];
    size_t count = 0;

    for (size_t i = 0; i < config_setting_count; i++) {
        char *end = strchr(printed, '\n');
        char *value = strchr(printed, '=');
        const struct config_setting *row = &config_settings[i];

        REQUIRE(end != NULL && value != NULL);
        *end = '\0';
        REQUIRE(strncmp(printed, row->name, strlen(row->name)) == 0);
        REQUIRE(printed + strlen(row->name) == value++);
        REQUIRE(fuzz_utf8_is_shown(value, strlen(value)));
        if (row->kind->secret) {
            REQUIRE(!strcmp(value, "****") || !strcmp(value, "(unset)"));
            (void)snprintf(others[i], OTHER_KEY_MAX, "%s=x", row->name);
            if (*value == '*')
                env[count++] = strcmp(row->name, "HUB_API_KEY")
                                   ? others[i]
                                   : strcpy(key, KEY);
        } else if (row->zero && is_number(row) &&
                   strcmp(value, row->zero) == 0) {
            memcpy(value, "0", 2);
            env[count++] = printed;
        } else if (strcmp(value, "(unset)") != 0) {
            unescape(value);
            if (strcmp(value, "(unset)") == 0)
                return false;
            env[count++] = printed;
        }
        printed = end + 1;
    }
    REQUIRE(*printed == '\0');
    env[count] = NULL;
    return true;
}

static bool is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void check_same(const struct config *a, const struct config *b)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        const struct config_setting *row = &config_settings[i];

        if (is_number(row) || row->kind == &config_word)
            REQUIRE(number_of(row, a) == number_of(row, b));
    }
    REQUIRE(strcmp(a->bind, b->bind) == 0);
    REQUIRE(strcmp(a->api_bind, b->api_bind) == 0);
    REQUIRE(strcmp(a->node_name, b->node_name) == 0);
    REQUIRE(a->api_port.given == b->api_port.given);
    REQUIRE(a->api_port.number == b->api_port.number &&
            a->api_port.number <= 65535);
    REQUIRE(a->metrics.where == b->metrics.where);
    REQUIRE(a->metrics.port == b->metrics.port && a->metrics.port <= 65535);
    REQUIRE(strcmp(a->metrics.bind, b->metrics.bind) == 0);
    REQUIRE(!a->metrics_key == !b->metrics_key);
    REQUIRE(is_same(a->api_key_file, b->api_key_file));
    REQUIRE(is_same(a->origins_file, b->origins_file));
    REQUIRE(a->jwt.algorithms == b->jwt.algorithms);
    REQUIRE(!a->jwt.secret == !b->jwt.secret);
    REQUIRE(is_same(a->jwt.secret_file, b->jwt.secret_file));
    REQUIRE(is_same(a->jwt.keys_file, b->jwt.keys_file));
    REQUIRE(is_same(a->jwt.keys_url, b->jwt.keys_url));
    REQUIRE(is_same(a->jwt.keys_ca_file, b->jwt.keys_ca_file));
    REQUIRE(is_same(a->jwt.issuer, b->jwt.issuer));
    REQUIRE(is_same(a->jwt.audience, b->jwt.audience));
    REQUIRE(is_same(a->jwt.type, b->jwt.type));
    REQUIRE(is_same(a->jwt.audience_claim, b->jwt.audience_claim));
    REQUIRE(is_same(a->jwt.user_claim, b->jwt.user_claim));
    REQUIRE(is_same(a->jwt.session_claim, b->jwt.session_claim));
    REQUIRE(a->origins.any == b->origins.any);
    REQUIRE(a->origins.same == b->origins.same);
    REQUIRE(a->origins.count == b->origins.count);
    REQUIRE(a->trusted_proxies.count == b->trusted_proxies.count);
    for (size_t i = 0; i < a->origins.count; i++)
        REQUIRE(is_same(a->origins.patterns[i], b->origins.patterns[i]));
    REQUIRE(a->public_hosts.count == b->public_hosts.count);
    for (size_t i = 0; i < a->public_hosts.count; i++)
        REQUIRE(is_same(a->public_hosts.hosts[i], b->public_hosts.hosts[i]));
    for (size_t i = 0; i < a->trusted_proxies.count; i++) {
        REQUIRE(memcmp(&a->trusted_proxies.nets[i].base,
                       &b->trusted_proxies.nets[i].base,
                       sizeof(struct netaddr)) == 0);
        REQUIRE(a->trusted_proxies.nets[i].prefix_bits ==
                b->trusted_proxies.nets[i].prefix_bits);
    }
}

static void check_round_trip(const struct config *config)
{
    static char printed[PRINTED_MAX];
    char *env[CONFIG_SETTINGS_MAX + 1], *argv[] = {(char[]){"hubd"}, NULL};
    char error[CONFIG_ERROR_BYTES];
    struct config other;

    print_to(printed, config);
    if (!as_variables(printed, env))
        return;
    REQUIRE(config_read(&other, 1, argv, env, error, sizeof(error)) ==
            CONFIG_RUN);
    check_same(config, &other);
    config_release(&other);
}

/* Whatever is behind a '=', and every argument, as a value of each kind. */
static void check_value(const char *text)
{
    const char *equals = strchr(text, '=');

    text = equals != NULL ? equals + 1 : text;
    settings_check_duration(text);
    settings_check_size(text);
    settings_check_count(text);
    settings_check_addresses(text);
    settings_check_origins(text);
    settings_check_hosts(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct input in;
    char error[CONFIG_ERROR_BYTES] = "";
    enum config_action action;
    struct config config;

    if (bytes > INPUT_MAX)
        return 0;
    read_input(&in, data, bytes);
    for (size_t i = 0; i < in.env_count; i++)
        check_value(in.env[i]);
    for (int i = 1; i < in.argc; i++)
        check_value(in.argv[i]);
    action =
        config_read(&config, in.argc, in.argv, in.env, error, sizeof(error));
    check_hidden(in.argc, in.argv);
    switch (action) {
    case CONFIG_RUN:
    case CONFIG_CHECK:
    case CONFIG_TOKEN:
        check_ranges(&config);
        if (config.api_key != NULL || config.api_key_file != NULL)
            check_round_trip(&config);
        config_release(&config);
        break;
    case CONFIG_ERROR:
        check_error(error);
        break;
    case CONFIG_HELP:
    case CONFIG_VERSION:
        break;
    }
    return 0;
}
