/* config_auth.c - the kinds of values that only the settings of client
 * authentication have, and which settings exclude each other.
 */
#include "config/config_auth.h"

#include <string.h>
#include <strings.h>

#include "base/ascii.h"

/* Words. --------------------------------------------------------------- */

static const struct {
    const char *word;
    unsigned bit;
} methods[] = {
    {"jwt", CLIENT_AUTH_JWT},
    {"ticket", CLIENT_AUTH_TICKET},
    {"proxy", CLIENT_AUTH_PROXY},
};

#define METHODS (sizeof(methods) / sizeof(methods[0]))

static bool is_word(struct slice text, const char *word)
{
    return strlen(word) == text.bytes &&
           strncasecmp(text.start, word, text.bytes) == 0;
}

static int reject(struct slice piece, char *bad, size_t bad_bytes)
{
    slice_copy(piece, bad, bad_bytes);
    return CONFIG_INVALID;
}

/* HUB_CLIENT_AUTH. ----------------------------------------------------- */

static void describe_methods(const struct config_setting *setting,
                             struct linebuf *line)
{
    (void)setting;
    linebuf_add(line, "none, or a comma list of jwt, ticket and proxy");
}

static int parse_methods(const struct config_setting *setting, const char *text,
                         void *field, char *bad, size_t bad_bytes)
{
    bool none = is_word(slice_of(text), "none");
    unsigned found = 0;
    struct slice piece;

    (void)setting;
    while (!none && slice_next(&text, &piece)) {
        unsigned before = found;

        for (size_t i = 0; i < METHODS; i++) {
            if (is_word(piece, methods[i].word))
                found |= methods[i].bit;
        }
        if (found == before) /* unknown, or given twice */
            return reject(piece, bad, bad_bytes);
    }
    *(unsigned *)field = found;
    return 0;
}

static void print_methods(const struct config_setting *setting,
                          const void *field, FILE *out)
{
    unsigned set = *(const unsigned *)field;
    const char *comma = "";

    (void)setting;
    if (set == 0)
        fputs("none", out);
    for (size_t i = 0; i < METHODS; i++) {
        if ((set & methods[i].bit) == 0)
            continue;
        fprintf(out, "%s%s", comma, methods[i].word);
        comma = ",";
    }
}

/* HUB_TOKEN_FROM. ------------------------------------------------------ */

static const struct {
    const char *word;
    enum token_place_kind kind;
    bool named;
} places[] = {
    {"protocol", TOKEN_IN_PROTOCOL, false},
    {"authorization", TOKEN_IN_AUTHORIZATION, false},
    {"cookie", TOKEN_IN_COOKIE, true},
    {"query", TOKEN_IN_QUERY, true},
};

static void describe_places(const struct config_setting *setting,
                            struct linebuf *line)
{
    (void)setting;
    linebuf_addf(line,
                 "a comma list of protocol, authorization, cookie:NAME and "
                 "query:NAME, at most %d of them",
                 TOKEN_PLACES_MAX);
}

static bool parse_place(struct slice piece, struct token_place *place)
{
    const char *colon = memchr(piece.start, ':', piece.bytes);
    size_t word = colon != NULL ? (size_t)(colon - piece.start) : piece.bytes;
    struct slice name = {piece.start + piece.bytes, 0};

    if (colon != NULL)
        name = (struct slice){colon + 1, piece.bytes - word - 1};
    *place = (struct token_place){0};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (!is_word((struct slice){piece.start, word}, places[i].word) ||
            places[i].named != (colon != NULL))
            continue;
        place->kind = places[i].kind;
        if (colon == NULL)
            return true;
        slice_copy(name, place->name, sizeof(place->name));
        return ascii_is_token(name.start, name.bytes) &&
               name.bytes < sizeof(place->name);
    }
    return false;
}

static int parse_places(const struct config_setting *setting, const char *text,
                        void *field, char *bad, size_t bad_bytes)
{
    struct token_places found = {0};
    struct slice piece;

    (void)setting;
    while (slice_next(&text, &piece)) {
        if (found.count == TOKEN_PLACES_MAX ||
            !parse_place(piece, &found.places[found.count++]))
            return reject(piece, bad, bad_bytes);
    }
    *(struct token_places *)field = found;
    return 0;
}

static void print_places(const struct config_setting *setting,
                         const void *field, FILE *out)
{
    const struct token_places *list = field;

    (void)setting;
    for (size_t i = 0; i < list->count; i++) {
        const struct token_place *place = &list->places[i];

        fprintf(out, "%s%s%s%s", i > 0 ? "," : "", places[place->kind].word,
                place->name[0] != '\0' ? ":" : "", place->name);
    }
}

bool token_places_have(const struct token_places *list,
                       enum token_place_kind kind)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->places[i].kind == kind)
            return true;
    }
    return false;
}

/* Names of header fields. ---------------------------------------------- */

static void describe_field(const struct config_setting *setting,
                           struct linebuf *line)
{
    (void)setting;
    linebuf_addf(line, "the name of a header field, of at most %d characters",
                 CONFIG_FIELD_NAME_MAX - 1);
}

static int parse_field(const struct config_setting *setting, const char *text,
                       void *field, char *bad, size_t bad_bytes)
{
    struct slice name = slice_of(text);

    (void)setting;
    (void)bad, (void)bad_bytes;
    if (!ascii_is_token(name.start, name.bytes) ||
        name.bytes >= CONFIG_FIELD_NAME_MAX)
        return CONFIG_INVALID;
    slice_copy(name, field, CONFIG_FIELD_NAME_MAX);
    return 0;
}

static void print_field(const struct config_setting *setting, const void *field,
                        FILE *out)
{
    (void)setting;
    fputs(field, out);
}

/* The kinds. ----------------------------------------------------------- */

const struct config_kind config_methods = {
    .describe = describe_methods,
    .parse = parse_methods,
    .print = print_methods,
};
const struct config_kind config_token_places = {
    .describe = describe_places,
    .parse = parse_places,
    .print = print_places,
};
const struct config_kind config_field_name = {
    .describe = describe_field,
    .parse = parse_field,
    .print = print_field,
};

/* Combinations. -------------------------------------------------------- */

/* Whether browsers send the credentials for every page that connects. */
static bool comes_unasked(const struct config *config)
{
    return (config->client_auth & CLIENT_AUTH_PROXY) != 0 ||
           ((config->client_auth & CLIENT_AUTH_JWT) != 0 &&
            token_places_have(&config->token_from, TOKEN_IN_COOKIE));
}

int config_auth_check(const struct config *config, struct linebuf *error)
{
    if ((config->client_auth & CLIENT_AUTH_PROXY) != 0 &&
        config->trusted_proxies.count == 0) {
        linebuf_add(error, "HUB_CLIENT_AUTH has proxy: HUB_TRUSTED_PROXIES "
                           "must be set to the proxies that may "
                           "identify clients");
        return -1;
    }
    if (comes_unasked(config) && config->origins_file == NULL &&
        config->origins.any) {
        linebuf_add(error,
                    "HUB_ALLOWED_ORIGINS must be a list of origins: with a "
                    "cookie or through a proxy, a page of any other origin "
                    "could connect as its visitor");
        return -1;
    }
    return 0;
}

enum session_source config_session_source(const struct config *config)
{
    if (config->session_id_from != SESSION_AUTO)
        return config->session_id_from;
    return config->client_auth == 0 ? SESSION_FROM_QUERY : SESSION_FROM_CLAIM;
}
