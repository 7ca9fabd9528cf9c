/* config_value.c - the kinds of values a setting can have, except for lists:
 * how each is parsed, printed and described. No individual setting appears
 * here.
 */
#include "config/config_table.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"

#define PATH_BYTES_MAX 4095 /* PATH_MAX without the NUL */

/* Numbers. ------------------------------------------------------------- */

static void describe_number(const struct config_setting *setting,
                            struct linebuf *line)
{
    linebuf_addf(line, "a whole number from %" PRIu64 " to %" PRIu64,
                 setting->min, setting->max);
}

static void describe_port(const struct config_setting *setting,
                          struct linebuf *line)
{
    linebuf_addf(line, "a port number from %" PRIu64 " to %" PRIu64,
                 setting->min, setting->max);
}

static int parse_ranged(const struct config_setting *setting, const char *text,
                        uint64_t *value)
{
    if (units_parse_count(value, text) || *value < setting->min ||
        *value > setting->max)
        return CONFIG_INVALID;
    return 0;
}

static void print_number(const struct config_setting *setting, uint64_t value,
                         FILE *out)
{
    if (value == 0 && setting->zero)
        fputs(setting->zero, out);
    else
        fprintf(out, "%" PRIu64, value);
}

static int parse_unsigned(const struct config_setting *setting,
                          const char *text, void *field, char *bad,
                          size_t bad_bytes)
{
    uint64_t value;

    (void)bad, (void)bad_bytes;
    if (parse_ranged(setting, text, &value))
        return CONFIG_INVALID;
    *(unsigned *)field = (unsigned)value;
    return 0;
}

static void print_unsigned(const struct config_setting *setting,
                           const void *field, FILE *out)
{
    print_number(setting, *(const unsigned *)field, out);
}

static int parse_apart(const struct config_setting *setting, const char *text,
                       void *field, char *bad, size_t bad_bytes)
{
    struct optional_port port = {.given = true};

    if (parse_unsigned(setting, text, &port.number, bad, bad_bytes))
        return CONFIG_INVALID;
    *(struct optional_port *)field = port;
    return 0;
}

static void print_apart(const struct config_setting *setting, const void *field,
                        FILE *out)
{
    const struct optional_port *port = field;

    if (port->given)
        print_number(setting, port->number, out);
}

static int parse_count(const struct config_setting *setting, const char *text,
                       void *field, char *bad, size_t bad_bytes)
{
    uint64_t value;

    (void)bad, (void)bad_bytes;
    if (parse_ranged(setting, text, &value))
        return CONFIG_INVALID;
    *(uint64_t *)field = value;
    return 0;
}

static void print_count(const struct config_setting *setting, const void *field,
                        FILE *out)
{
    print_number(setting, *(const uint64_t *)field, out);
}

/* Durations and sizes. ------------------------------------------------- */

static void describe_time(const struct config_setting *setting,
                          struct linebuf *line)
{
    char min[UNITS_TEXT_MAX], max[UNITS_TEXT_MAX];

    units_format_duration(min, (int64_t)setting->min);
    units_format_duration(max, (int64_t)setting->max);
    linebuf_addf(line,
                 "a duration from %s to %s in whole milliseconds, such as "
                 "500ms, 60s or 1m30s",
                 min, max);
}

static int parse_time(const struct config_setting *setting, const char *text,
                      void *field, char *bad, size_t bad_bytes)
{
    int64_t value;

    (void)bad, (void)bad_bytes;
    if (units_parse_duration(&value, text) || (uint64_t)value < setting->min ||
        (uint64_t)value > setting->max)
        return CONFIG_INVALID;
    *(int64_t *)field = value;
    return 0;
}

static void print_time(const struct config_setting *setting, const void *field,
                       FILE *out)
{
    char text[UNITS_TEXT_MAX];

    (void)setting;
    units_format_duration(text, *(const int64_t *)field);
    fputs(text, out);
}

static void describe_size(const struct config_setting *setting,
                          struct linebuf *line)
{
    char min[UNITS_TEXT_MAX], max[UNITS_TEXT_MAX];

    units_format_size(min, setting->min);
    units_format_size(max, setting->max);
    linebuf_addf(line,
                 "a size from %s to %s, such as 512KB, 1MB or plain bytes", min,
                 max);
}

static int parse_size(const struct config_setting *setting, const char *text,
                      void *field, char *bad, size_t bad_bytes)
{
    uint64_t value;

    (void)bad, (void)bad_bytes;
    if (units_parse_size(&value, text) || value < setting->min ||
        value > setting->max || value > SIZE_MAX)
        return CONFIG_INVALID;
    *(size_t *)field = (size_t)value;
    return 0;
}

static void print_size(const struct config_setting *setting, const void *field,
                       FILE *out)
{
    char text[UNITS_TEXT_MAX];
    size_t value = *(const size_t *)field;

    units_format_size(text, value);
    fputs(value == 0 && setting->zero ? setting->zero : text, out);
}

/* Words. --------------------------------------------------------------- */

static void describe_word(const struct config_setting *setting,
                          struct linebuf *line)
{
    for (size_t i = 0; setting->words[i]; i++) {
        if (i > 0)
            linebuf_add(line, setting->words[i + 1] ? ", " : " or ");
        linebuf_add(line, setting->words[i]);
    }
}

static int parse_word(const struct config_setting *setting, const char *text,
                      void *field, char *bad, size_t bad_bytes)
{
    (void)bad, (void)bad_bytes;
    for (unsigned i = 0; setting->words[i]; i++) {
        if (strcasecmp(text, setting->words[i]) == 0) {
            *(unsigned *)field = i;
            return 0;
        }
    }
    return CONFIG_INVALID;
}

static void print_word(const struct config_setting *setting, const void *field,
                       FILE *out)
{
    fputs(setting->words[*(const unsigned *)field], out);
}

/* Text. ---------------------------------------------------------------- */

static void describe_address(const struct config_setting *setting,
                             struct linebuf *line)
{
    (void)setting;
    linebuf_add(line, "a numeric IPv4 or IPv6 address");
}

static int parse_address(const struct config_setting *setting, const char *text,
                         void *field, char *bad, size_t bad_bytes)
{
    unsigned char binary[16];

    (void)setting, (void)bad, (void)bad_bytes;
    if (inet_pton(AF_INET, text, binary) != 1 &&
        inet_pton(AF_INET6, text, binary) != 1)
        return CONFIG_INVALID;
    memcpy(field, text, strlen(text) + 1); /* shorter than INET6_ADDRSTRLEN */
    return 0;
}

static void print_array(const struct config_setting *setting, const void *field,
                        FILE *out)
{
    (void)setting;
    fputs(field, out);
}

static void describe_node(const struct config_setting *setting,
                          struct linebuf *line)
{
    (void)setting;
    linebuf_addf(line, "1 to %d ASCII letters, digits and hyphens",
                 CONFIG_NODE_BYTES_MAX);
}

static int parse_node(const struct config_setting *setting, const char *text,
                      void *field, char *bad, size_t bad_bytes)
{
    size_t bytes = strlen(text);

    (void)setting, (void)bad, (void)bad_bytes;
    if (bytes < 1 || bytes > CONFIG_NODE_BYTES_MAX ||
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                     "0123456789-") != bytes)
        return CONFIG_INVALID;
    memcpy(field, text, bytes + 1);
    return 0;
}

int config_text_keep(const char *text, void *field)
{
    char *copy = strdup(text);

    if (!copy)
        return CONFIG_NO_MEMORY;
    *(char **)field = copy;
    return 0;
}

void config_text_print(const struct config_setting *setting, const void *field,
                       FILE *out)
{
    const char *text = *(char *const *)field;

    (void)setting;
    if (text)
        fputs(text, out);
}

static void describe_key(const struct config_setting *setting,
                         struct linebuf *line)
{
    (void)setting;
    linebuf_addf(line, "1 to %d visible ASCII characters",
                 CONFIG_KEY_BYTES_MAX);
}

static int parse_key(const struct config_setting *setting, const char *text,
                     void *field, char *bad, size_t bad_bytes)
{
    size_t bytes = strlen(text);

    (void)setting, (void)bad, (void)bad_bytes;
    if (bytes < 1 || bytes > CONFIG_KEY_BYTES_MAX)
        return CONFIG_INVALID;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < 0x21 || text[i] > 0x7e)
            return CONFIG_INVALID;
    }
    return config_text_keep(text, field);
}

void config_text_wipe(void *field)
{
    char **key = field;

    if (*key)
        explicit_bzero(*key, strlen(*key));
    free(*key);
}

static void describe_path(const struct config_setting *setting,
                          struct linebuf *line)
{
    (void)setting;
    linebuf_addf(line, "a path of 1 to %d bytes", PATH_BYTES_MAX);
}

static int parse_path(const struct config_setting *setting, const char *text,
                      void *field, char *bad, size_t bad_bytes)
{
    size_t bytes = strlen(text);

    (void)setting, (void)bad, (void)bad_bytes;
    return bytes < 1 || bytes > PATH_BYTES_MAX ? CONFIG_INVALID
                                               : config_text_keep(text, field);
}

void config_text_release(void *field)
{
    free(*(char **)field);
}

/* Places. -------------------------------------------------------------- */

static void describe_place(const struct config_setting *setting,
                           struct linebuf *line)
{
    (void)setting;
    linebuf_add(line, "off, on, or a listener of its own such as "
                      "127.0.0.1:9108, [::1]:9108 or :9108");
}

/* The address in front of the port; [] around IPv6. */
static int parse_place_address(const char *text, size_t bytes,
                               char out[CONFIG_ADDRESS_BYTES])
{
    unsigned char binary[16];
    bool v6 = bytes > 2 && text[0] == '[' && text[bytes - 1] == ']';

    if (v6) {
        text++;
        bytes -= 2;
    }
    if (bytes >= CONFIG_ADDRESS_BYTES)
        return CONFIG_INVALID;
    memcpy(out, text, bytes);
    out[bytes] = '\0';
    return inet_pton(v6 ? AF_INET6 : AF_INET, out, binary) == 1
               ? 0
               : CONFIG_INVALID;
}

static int parse_place(const struct config_setting *setting, const char *text,
                       void *field, char *bad, size_t bad_bytes)
{
    struct metrics_place place = {.where = METRICS_APART};
    const char *colon = strrchr(text, ':');
    uint64_t port;

    (void)setting, (void)bad, (void)bad_bytes;
    if (strcasecmp(text, "off") == 0 || strcasecmp(text, "on") == 0) {
        place.where = strcasecmp(text, "on") == 0 ? METRICS_ON : METRICS_OFF;
    } else {
        if (!colon || units_parse_count(&port, colon + 1) || port > 65535 ||
            (colon > text &&
             parse_place_address(text, (size_t)(colon - text), place.bind)))
            return CONFIG_INVALID;
        place.port = (unsigned)port;
    }
    *(struct metrics_place *)field = place;
    return 0;
}

static void print_place(const struct config_setting *setting, const void *field,
                        FILE *out)
{
    const struct metrics_place *place = field;

    (void)setting;
    if (place->where != METRICS_APART)
        fputs(place->where == METRICS_ON ? "on" : "off", out);
    else
        fprintf(out, strchr(place->bind, ':') ? "[%s]:%u" : "%s:%u",
                place->bind, place->port);
}

/* The kinds. ----------------------------------------------------------- */

const struct config_kind config_number = {
    .describe = describe_number,
    .parse = parse_unsigned,
    .print = print_unsigned,
};
const struct config_kind config_port = {
    .describe = describe_port,
    .parse = parse_unsigned,
    .print = print_unsigned,
};
const struct config_kind config_apart = {
    .describe = describe_port,
    .parse = parse_apart,
    .print = print_apart,
};
const struct config_kind config_count = {
    .describe = describe_number,
    .parse = parse_count,
    .print = print_count,
};
const struct config_kind config_time = {
    .describe = describe_time,
    .parse = parse_time,
    .print = print_time,
};
const struct config_kind config_size = {
    .describe = describe_size,
    .parse = parse_size,
    .print = print_size,
};
const struct config_kind config_word = {
    .describe = describe_word,
    .parse = parse_word,
    .print = print_word,
};
const struct config_kind config_address = {
    .describe = describe_address,
    .parse = parse_address,
    .print = print_array,
};
const struct config_kind config_node = {
    .describe = describe_node,
    .parse = parse_node,
    .print = print_array,
};
const struct config_kind config_key = {
    .secret = true,
    .describe = describe_key,
    .parse = parse_key,
    .print = config_text_print,
    .release = config_text_wipe,
};
const struct config_kind config_path = {
    .describe = describe_path,
    .parse = parse_path,
    .print = config_text_print,
    .release = config_text_release,
};
const struct config_kind config_place = {
    .describe = describe_place,
    .parse = parse_place,
    .print = print_place,
};
