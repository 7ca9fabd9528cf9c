/* config_jwt.c - the kinds of values that only the settings of tokens have. No
 * individual setting appears here.
 */
#include "config/config_jwt.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json_path.h"
#include "base/jwt_algorithm.h"
#include "base/slice.h"
#include "base/utf8.h"

#define TEXT_BYTES_MAX 1024
#define AUTO "auto" /* the default for the source of the keys */

/* Text. ---------------------------------------------------------------- */

static void describe_text(const struct config_setting *setting,
                          struct linebuf *line)
{
    (void)setting;
    linebuf_addf(line, "text of 1 to %d bytes without control characters",
                 TEXT_BYTES_MAX);
}

static bool is_text(const char *text)
{
    size_t bytes = strlen(text);

    for (size_t i = 0; i < bytes; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    }
    return bytes >= 1 && bytes <= TEXT_BYTES_MAX && utf8_is_valid(text, bytes);
}

static int parse_text(const struct config_setting *setting, const char *text,
                      void *field, char *bad, size_t bad_bytes)
{
    (void)setting, (void)bad, (void)bad_bytes;
    return is_text(text) ? config_text_keep(text, field) : CONFIG_INVALID;
}

/* URLs. ---------------------------------------------------------------- */

static void describe_url(const struct config_setting *setting,
                         struct linebuf *line)
{
    (void)setting;
    linebuf_addf(line,
                 "a URL such as https://id.example/keys of at most %d visible "
                 "ASCII characters",
                 TEXT_BYTES_MAX);
}

/* The rest is checked where the URL is used. */
static int parse_url(const struct config_setting *setting, const char *text,
                     void *field, char *bad, size_t bad_bytes)
{
    size_t bytes = strlen(text);

    (void)setting, (void)bad, (void)bad_bytes;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < '!' || text[i] > '~')
            return CONFIG_INVALID;
    }
    if (bytes > TEXT_BYTES_MAX ||
        (strncmp(text, "https://", 8) != 0 && strncmp(text, "http://", 7) != 0))
        return CONFIG_INVALID;
    return config_text_keep(text, field);
}

/* Secrets. ------------------------------------------------------------- */

static void describe_secret(const struct config_setting *setting,
                            struct linebuf *line)
{
    (void)setting;
    linebuf_addf(line, "text of at most %d bytes, no space at either end",
                 CONFIG_KEY_BYTES_MAX);
}

bool jwt_settings_is_secret(const char *text, size_t bytes)
{
    if (bytes < 1 || bytes > CONFIG_KEY_BYTES_MAX || text[0] == ' ' ||
        text[bytes - 1] == ' ')
        return false;
    for (size_t i = 0; i < bytes; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    }
    return true;
}

static int parse_secret(const struct config_setting *setting, const char *text,
                        void *field, char *bad, size_t bad_bytes)
{
    (void)setting, (void)bad, (void)bad_bytes;
    return jwt_settings_is_secret(text, strlen(text))
               ? config_text_keep(text, field)
               : CONFIG_INVALID;
}

/* Claims. -------------------------------------------------------------- */

static void describe_claim(const struct config_setting *setting,
                           struct linebuf *line)
{
    (void)setting;
    linebuf_addf(line,
                 "the name of a claim, or a JSON pointer like /realm/user of "
                 "1 to %d parts",
                 JSON_ITEM_DEPTH_MAX);
}

static int parse_claim(const struct config_setting *setting, const char *text,
                       void *field, char *bad, size_t bad_bytes)
{
    struct json_path path;

    (void)setting, (void)bad, (void)bad_bytes;
    return is_text(text) && json_path_parse(&path, text) == 0
               ? config_text_keep(text, field)
               : CONFIG_INVALID;
}

/* Algorithms. ---------------------------------------------------------- */

static void describe_algorithms(const struct config_setting *setting,
                                struct linebuf *line)
{
    (void)setting;
    linebuf_add(line, AUTO ", or a comma list of HS, RS and PS with 256, 384 "
                           "or 512, ES256, ES384, EdDSA");
}

static unsigned algorithm_bit(struct slice name)
{
    for (unsigned i = 0; i < JWT_ALGORITHMS; i++) {
        if (strlen(jwt_algorithm_names[i]) == name.bytes &&
            memcmp(jwt_algorithm_names[i], name.start, name.bytes) == 0)
            return JWT_BIT(i);
    }
    return 0;
}

static int parse_algorithms(const struct config_setting *setting,
                            const char *text, void *field, char *bad,
                            size_t bad_bytes)
{
    unsigned found = 0;
    struct slice name;

    (void)setting;
    if (strcasecmp(text, AUTO) == 0)
        text = NULL;
    while (slice_next(&text, &name)) {
        unsigned bit = algorithm_bit(name);

        if (bit == 0) {
            slice_copy(name, bad, bad_bytes);
            return CONFIG_INVALID;
        }
        found |= bit;
    }
    *(unsigned *)field = found;
    return 0;
}

static void print_algorithms(const struct config_setting *setting,
                             const void *field, FILE *out)
{
    unsigned set = *(const unsigned *)field;
    const char *comma = "";

    (void)setting;
    if (set == 0)
        fputs(AUTO, out);
    for (unsigned i = 0; i < JWT_ALGORITHMS; i++) {
        if ((set & JWT_BIT(i)) == 0)
            continue;
        fprintf(out, "%s%s", comma, jwt_algorithm_names[i]);
        comma = ",";
    }
}

/* What cannot be set yet. ---------------------------------------------- */

static void describe_not_yet(const struct config_setting *setting,
                             struct linebuf *line)
{
    (void)setting;
    linebuf_add(line, "unset: hubd has no groups yet");
}

static int parse_not_yet(const struct config_setting *setting, const char *text,
                         void *field, char *bad, size_t bad_bytes)
{
    (void)setting, (void)text, (void)field, (void)bad, (void)bad_bytes;
    return CONFIG_INVALID;
}

/* The kinds. ----------------------------------------------------------- */

const struct config_kind config_secret = {
    .secret = true,
    .describe = describe_secret,
    .parse = parse_secret,
    .print = config_text_print,
    .release = config_text_wipe,
};
const struct config_kind config_text = {
    .describe = describe_text,
    .parse = parse_text,
    .print = config_text_print,
    .release = config_text_release,
};
const struct config_kind config_url = {
    .describe = describe_url,
    .parse = parse_url,
    .print = config_text_print,
    .release = config_text_release,
};
const struct config_kind config_claim = {
    .describe = describe_claim,
    .parse = parse_claim,
    .print = config_text_print,
    .release = config_text_release,
};
const struct config_kind config_algorithms = {
    .describe = describe_algorithms,
    .parse = parse_algorithms,
    .print = print_algorithms,
};
const struct config_kind config_not_yet = {
    .describe = describe_not_yet,
    .parse = parse_not_yet,
    .print = config_text_print,
};
