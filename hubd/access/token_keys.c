/* token_keys.c - see token_keys.h. Secrets are only in memory of secret.h:
 * first in that of the file, then in that of the set.
 */
#include "access/token_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/text_file.h"
#include "outbound/http_client.h"

#define FILE_BYTES_MAX ((size_t)256 << 10)
#define SHOWN_BYTES 256
#define ERROR_BYTES 256
#define PUBLIC_DEFAULT                                                         \
    (JWT_BIT(JWT_RS256) | JWT_BIT(JWT_PS256) | JWT_BIT(JWT_ES256) |            \
     JWT_BIT(JWT_ES384) | JWT_BIT(JWT_EDDSA))

/* Where keys come from. --------------------------------------------------- */

enum { SECRET, SECRET_FILE, KEYS_FILE, KEYS_URL, SOURCES };

static const char *name_of(unsigned source)
{
    switch (source) {
    case SECRET:
        return "HUB_JWT_SECRET";
    case SECRET_FILE:
        return "HUB_JWT_SECRET_FILE";
    case KEYS_FILE:
        return "HUB_JWT_KEYS_FILE";
    default:
        return "HUB_JWT_KEYS_URL";
    }
}

static const char *value_of(const struct config *config, unsigned source)
{
    switch (source) {
    case SECRET:
        return config->jwt.secret;
    case SECRET_FILE:
        return config->jwt.secret_file;
    case KEYS_FILE:
        return config->jwt.keys_file;
    default:
        return config->jwt.keys_url;
    }
}

/* The first source that is set, or SOURCES. */
static unsigned source_of(const struct config *config)
{
    unsigned source = 0;

    while (source < SOURCES && value_of(config, source) == NULL)
        source++;
    return source;
}

static bool is_secret(unsigned source)
{
    return source == SECRET || source == SECRET_FILE;
}

bool token_keys_are_set(const struct config *config)
{
    return source_of(config) < SOURCES;
}

const char *token_keys_source(const struct config *config)
{
    return name_of(source_of(config));
}

bool token_keys_are_remote(const struct config *config)
{
    return source_of(config) == KEYS_URL;
}

unsigned token_keys_algorithms(const struct config *config)
{
    if (config->jwt.algorithms != 0)
        return config->jwt.algorithms;
    return is_secret(source_of(config)) ? JWT_BIT(JWT_HS256) : PUBLIC_DEFAULT;
}

/* Settings. --------------------------------------------------------------- */

static int check_sources(const struct config *config, struct linebuf *error)
{
    unsigned first = source_of(config);

    if (first == SOURCES) {
        linebuf_add(error, "HUB_JWT_KEYS_URL: not set; tokens need it, "
                           "HUB_JWT_KEYS_FILE, HUB_JWT_SECRET or "
                           "HUB_JWT_SECRET_FILE");
        return -1;
    }
    for (unsigned other = first + 1; other < SOURCES; other++) {
        if (value_of(config, other) == NULL)
            continue;
        linebuf_addf(error, "%s and %s are both set: one of them must be unset",
                     name_of(first), name_of(other));
        return -1;
    }
    return 0;
}

/* A public key must never be used as a secret, or together with one. */
static int check_algorithms(const struct config *config, struct linebuf *error)
{
    unsigned source = source_of(config);
    unsigned good =
        is_secret(source) ? JWT_WITH_SECRET : ~(unsigned)JWT_WITH_SECRET;

    if ((config->jwt.algorithms & ~good) == 0)
        return 0;
    linebuf_addf(error, "HUB_JWT_ALGORITHMS: must have %s with %s",
                 is_secret(source) ? "only HS256, HS384 or HS512"
                                   : "none of HS256, HS384 and HS512",
                 name_of(source));
    return -1;
}

static int check_secret(const struct config *config, struct linebuf *error)
{
    size_t least = jwt_key_secret_least(token_keys_algorithms(config));

    if (config->jwt.secret == NULL || strlen(config->jwt.secret) >= least)
        return 0;
    linebuf_addf(
        error,
        "HUB_JWT_SECRET: must have at least %zu bytes, for its algorithm",
        least);
    return -1;
}

static int check_audience(const struct config *config, struct linebuf *error)
{
    if (config->jwt.audience != NULL)
        return 0;
    linebuf_add(error, "HUB_JWT_AUDIENCE: not set; must be what the "
                       "audience (aud) of tokens contains, or * for any");
    return -1;
}

/* A certificate authority signs for many; only the issuer tells whose keys
 * these are. */
static int check_issuer(const struct config *config, struct linebuf *error)
{
    if (!token_keys_are_remote(config) || config->jwt.issuer != NULL)
        return 0;
    linebuf_add(error, "HUB_JWT_ISSUER: not set; must be who issues the tokens "
                       "(iss), because HUB_JWT_KEYS_URL is set");
    return -1;
}

static int check_url(const struct config *config, struct linebuf *error)
{
    char why[ERROR_BYTES];

    if (!token_keys_are_remote(config) ||
        http_client_judge(config->jwt.keys_url, why, sizeof(why)) == 0)
        return 0;
    linebuf_add(error, "HUB_JWT_KEYS_URL=");
    linebuf_add_escaped(error, config->jwt.keys_url, SHOWN_BYTES);
    linebuf_addf(error, ": %s", why);
    return -1;
}

static int check_ca_file(const struct config *config, struct linebuf *error)
{
    const char *path = config->jwt.keys_ca_file;

    if (!token_keys_are_remote(config) || path == NULL ||
        access(path, R_OK) == 0)
        return 0;
    linebuf_add(error, "HUB_JWT_KEYS_CA_FILE=");
    linebuf_add_escaped(error, path, SHOWN_BYTES);
    linebuf_addf(error, ": %s", strerror(errno));
    return -1;
}

static int check_times(const struct config *config, struct linebuf *error)
{
    const struct jwt_settings *jwt = &config->jwt;

    if (!token_keys_are_remote(config))
        return 0;
    if (jwt->keys_cooldown_ms > jwt->keys_refresh_ms)
        linebuf_add(error, "HUB_JWT_KEYS_COOLDOWN: must be at most "
                           "HUB_JWT_KEYS_REFRESH");
    else if (jwt->keys_max_age_ms != 0 &&
             jwt->keys_max_age_ms < jwt->keys_refresh_ms)
        linebuf_add(error, "HUB_JWT_KEYS_MAX_AGE: must be 0, or at least "
                           "HUB_JWT_KEYS_REFRESH");
    else
        return 0;
    return -1;
}

int token_keys_check(const struct config *config, char *error,
                     size_t error_bytes)
{
    static int (*const checks[])(const struct config *, struct linebuf *) = {
        check_sources, check_algorithms, check_secret,  check_audience,
        check_issuer,  check_url,        check_ca_file, check_times,
    };
    struct linebuf line;

    linebuf_init(&line, error, error_bytes);
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        if (checks[i](config, &line) < 0)
            return -1;
    }
    return 0;
}

/* Files. ------------------------------------------------------------------ */

static void add_about(struct linebuf *line, const struct config *config,
                      const char *what)
{
    unsigned source = source_of(config);

    linebuf_add(line, name_of(source));
    if (source != SECRET) {
        linebuf_add(line, "=");
        linebuf_add_escaped(line, value_of(config, source), SHOWN_BYTES);
    }
    linebuf_addf(line, ": %s", what);
}

/* Splits a file into its secrets. Returns what is wrong, or NULL. */
static const char *split(struct slice text, struct slice *secrets,
                         size_t *count)
{
    const char *end = text.start + text.bytes;

    *count = 0;
    for (const char *at = text.start; at < end;) {
        const char *start = at;

        while (at < end && *at != '\n' && *at != '\r')
            at++;
        if (at == start) {
            at++;
            continue;
        }
        if (!jwt_settings_is_secret(start, (size_t)(at - start)))
            return "has a line that is not a secret: must be text of at most "
                   "4096 bytes, with no space at either end";
        if (*count == JWT_SECRETS_MAX)
            return "contains more than two secrets";
        secrets[(*count)++] = (struct slice){start, (size_t)(at - start)};
    }
    return *count > 0 ? NULL : "contains no secret";
}

static struct jwt_keys *read_secrets(struct slice text, unsigned allowed,
                                     const char **why)
{
    struct slice secrets[JWT_SECRETS_MAX];
    size_t count;

    *why = split(text, secrets, &count);
    return *why == NULL ? jwt_keys_from_secrets(secrets, count, allowed, why)
                        : NULL;
}

/* Only JSON begins with a brace. */
static struct jwt_keys *read_public(struct slice text, unsigned allowed,
                                    const char **why)
{
    size_t i = 0;

    while (i < text.bytes && strchr(" \t\r\n", text.start[i]) != NULL)
        i++;
    if (i < text.bytes && text.start[i] == '{')
        return jwt_keys_from_jwks(text, allowed, true, why);
    return jwt_keys_from_pem(text, allowed, why);
}

static struct jwt_keys *read_file(const struct config *config, const char **why,
                                  struct linebuf *warning)
{
    unsigned source = source_of(config);
    unsigned allowed = token_keys_algorithms(config);
    /* One byte more than the limit. */
    char *text = secret_new(FILE_BYTES_MAX + 1);
    struct jwt_keys *keys = NULL;
    struct stat status = {0};
    ssize_t bytes = -1;

    *why = "out of memory";
    if (text != NULL)
        bytes = text_file_read(value_of(config, source), text,
                               FILE_BYTES_MAX + 1, &status, why);
    if (bytes > (ssize_t)FILE_BYTES_MAX)
        *why = "is larger than 256 KB";
    else if (bytes >= 0 && source == SECRET_FILE)
        keys = read_secrets((struct slice){text, (size_t)bytes}, allowed, why);
    else if (bytes >= 0)
        keys = read_public((struct slice){text, (size_t)bytes}, allowed, why);
    if (keys != NULL && source == SECRET_FILE &&
        text_file_is_open_to_others(&status))
        add_about(warning, config, TEXT_FILE_OPEN);
    secret_free(text, FILE_BYTES_MAX + 1);
    return keys;
}

struct jwt_keys *token_keys_read(const struct config *config, char *error,
                                 size_t error_bytes, char *warning,
                                 size_t warning_bytes)
{
    struct linebuf line, warning_line;
    struct slice secret;
    struct jwt_keys *keys;
    const char *why;

    linebuf_init(&line, error, error_bytes);
    linebuf_init(&warning_line, warning, warning_bytes);
    if (source_of(config) == SECRET) {
        secret = slice_of(config->jwt.secret);
        keys = jwt_keys_from_secrets(&secret, 1, token_keys_algorithms(config),
                                     &why);
    } else {
        keys = read_file(config, &why, &warning_line);
    }
    if (keys == NULL)
        add_about(&line, config, why);
    return keys;
}

/* For people. ------------------------------------------------------------- */

void token_keys_describe(const struct jwt_key_info *info, struct linebuf *line)
{
    const char *comma = "";

    linebuf_add(line, "kid=");
    if (info->kid[0] != '\0')
        linebuf_add_escaped(line, info->kid, SHOWN_BYTES);
    else
        linebuf_add(line, "-");
    if (info->type != NULL)
        linebuf_addf(line, " type=%s", info->type);
    if (info->bits != 0)
        linebuf_addf(line, " bits=%u", info->bits);
    if (info->skipped != NULL) {
        linebuf_addf(line, ": left out: it %s", info->skipped);
        return;
    }
    linebuf_add(line, " alg=");
    for (unsigned i = 0; i < JWT_ALGORITHMS; i++) {
        if ((info->algorithms & JWT_BIT(i)) == 0)
            continue;
        linebuf_addf(line, "%s%s", comma, jwt_algorithm_names[i]);
        comma = ",";
    }
}
