/* keys.c - keys are kept padded with zeros to their largest length, so that a
 * comparison runs over the bytes that were given and nothing else decides how
 * long it takes.
 */
#include "keys.h"

#include <string.h>
#include <unistd.h>

#include "linebuf.h"
#include "secret.h"
#include "text_file.h"

#define KEYS_MAX 2
#define PATH_SHOWN_BYTES 256

struct key {
    size_t bytes;
    /* Files are read into it: room for a line end, and one byte more. */
    unsigned char text[CONFIG_KEY_BYTES_MAX + 3];
};

struct keys {
    size_t count;
    struct key key[KEYS_MAX];
};

static void add_about_file(struct linebuf *line, const char *path,
                           const char *what)
{
    linebuf_add(line, "HUB_API_KEY_FILE=");
    linebuf_add_escaped(line, path, PATH_SHOWN_BYTES);
    linebuf_addf(line, ": %s", what);
}

static int file_error(struct linebuf *error, const char *path, const char *what)
{
    add_about_file(error, path, what);
    return -1;
}

static void warn(struct linebuf *warning, const char *what)
{
    if (warning->used > 0)
        linebuf_add(warning, "; ");
    linebuf_add(warning, what);
}

/* What is wrong with the bytes as a key, or NULL. */
static const char *problem(const unsigned char *text, size_t bytes)
{
    if (bytes == 0)
        return "holds no key";
    if (bytes > CONFIG_KEY_BYTES_MAX)
        return "holds more than the 4096 bytes a key may have";
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < 0x21 || text[i] > 0x7e)
            return "holds a byte that a key may not have: it takes 1 to 4096 "
                   "visible ASCII characters";
    }
    return NULL;
}

/* A file of somebody else, such as root, can be there for hubd's group. */
static bool is_open(const struct stat *status)
{
    mode_t too_much = status->st_uid == geteuid() ? 0077 : 0027;

    return (status->st_mode & too_much) != 0;
}

static int read_file(struct key *key, const char *path, struct linebuf *error,
                     struct linebuf *warning)
{
    unsigned char *text = key->text;
    const char *what;
    struct stat status = {0};
    ssize_t n = text_file_read(path, text, sizeof(key->text), &status, &what);
    size_t bytes = n < 0 ? 0 : (size_t)n;

    if (n >= 0 && is_open(&status))
        add_about_file(warning, path,
                       "others than hubd can use it; its mode should be 0600, "
                       "or 0640 if it is root's and of hubd's group");
    while (bytes > 0 && (text[bytes - 1] == '\n' || text[bytes - 1] == '\r'))
        text[--bytes] = '\0';
    if (!what)
        what = problem(text, bytes);
    key->bytes = bytes;
    return what ? file_error(error, path, what) : 0;
}

static int take_text(struct key *key, const char *name, const char *text,
                     struct linebuf *error)
{
    const char *what = problem((const unsigned char *)text, strlen(text));

    if (what) {
        linebuf_addf(error, "%s: %s", name, what);
        return -1;
    }
    key->bytes = strlen(text);
    memcpy(key->text, text, key->bytes);
    return 0;
}

/* The key that is in use now. */
static int load_first(struct keys *keys, const struct config *config,
                      struct linebuf *error, struct linebuf *warning)
{
    int err = -1;

    if (config->api_key)
        err = take_text(&keys->key[0], "HUB_API_KEY", config->api_key, error);
    else if (config->api_key_file)
        err = read_file(&keys->key[0], config->api_key_file, error, warning);
    else
        linebuf_add(error, "HUB_API_KEY: not set");
    if (err)
        return -1;
    keys->count = 1;
    return 0;
}

static int load_previous(struct keys *keys, const struct config *config,
                         struct linebuf *error)
{
    if (!config->api_key_previous)
        return 0;
    if (take_text(&keys->key[1], "HUB_API_KEY_PREVIOUS",
                  config->api_key_previous, error))
        return -1;
    keys->count = 2;
    return 0;
}

static void warn_of_short_ones(const struct keys *keys, struct linebuf *warning)
{
    if (keys->key[0].bytes < KEYS_SHORT_BYTES)
        warn(warning, "the API key is shorter than 16 bytes");
    if (keys->count > 1 && keys->key[1].bytes < KEYS_SHORT_BYTES)
        warn(warning, "HUB_API_KEY_PREVIOUS is shorter than 16 bytes");
}

/* The settings have the texts of keys only at first, when `before` is NULL. */
static struct keys *load(const struct keys *before, const struct config *config,
                         struct linebuf *error, struct linebuf *warning)
{
    struct keys *keys = secret_new(sizeof(*keys));
    int err;

    if (!keys) {
        linebuf_add(error, "out of memory");
        return NULL;
    }
    if (before) {
        keys->count = before->count;
        keys->key[1] = before->key[1];
        err = read_file(&keys->key[0], config->api_key_file, error, warning);
    } else {
        err = load_first(keys, config, error, warning) ||
              load_previous(keys, config, error);
    }
    if (err) {
        keys_free(keys);
        return NULL;
    }
    warn_of_short_ones(keys, warning);
    return keys;
}

/* Where lines go; `warning` may be NULL. */
struct lines {
    struct linebuf error, warning;
    char nowhere[1];
};

static void init_lines(struct lines *lines, char *error, size_t error_bytes,
                       char *warning, size_t warning_bytes)
{
    linebuf_init(&lines->error, error, error_bytes);
    if (warning)
        linebuf_init(&lines->warning, warning, warning_bytes);
    else
        linebuf_init(&lines->warning, lines->nowhere, sizeof(lines->nowhere));
}

struct keys *keys_reload(const struct keys *keys, const struct config *config,
                         char *error, size_t error_bytes, char *warning,
                         size_t warning_bytes)
{
    struct lines lines;

    init_lines(&lines, error, error_bytes, warning, warning_bytes);
    return load(keys, config, &lines.error, &lines.warning);
}

struct keys *keys_load(const struct config *config, char *error,
                       size_t error_bytes, char *warning, size_t warning_bytes)
{
    return keys_reload(NULL, config, error, error_bytes, warning,
                       warning_bytes);
}

struct keys *keys_load_metrics(const struct config *config, char *error,
                               size_t error_bytes, char *warning,
                               size_t warning_bytes)
{
    struct keys *keys = secret_new(sizeof(*keys));
    struct lines lines;

    init_lines(&lines, error, error_bytes, warning, warning_bytes);
    if (!keys) {
        linebuf_add(&lines.error, "out of memory");
        return NULL;
    }
    if (take_text(&keys->key[0], "HUB_METRICS_KEY", config->metrics_key,
                  &lines.error)) {
        keys_free(keys);
        return NULL;
    }
    keys->count = 1;
    if (keys->key[0].bytes < KEYS_SHORT_BYTES)
        warn(&lines.warning, "HUB_METRICS_KEY is shorter than 16 bytes");
    return keys;
}

void keys_free(struct keys *keys)
{
    secret_free(keys, sizeof(*keys));
}

/* 0 if they are equal. volatile: the compiler must not find a way out early. */
static unsigned difference(const struct key *key, const unsigned char *given,
                           size_t bytes)
{
    volatile unsigned found = key->bytes != bytes;

    for (size_t i = 0; i < bytes; i++)
        found |= (unsigned)(key->text[i] ^ given[i]);
    return found;
}

bool keys_match(const struct keys *keys, const char *given, size_t bytes)
{
    volatile unsigned matches = 0;

    if (bytes > CONFIG_KEY_BYTES_MAX)
        return false;
    for (size_t i = 0; i < keys->count; i++)
        matches |=
            difference(&keys->key[i], (const unsigned char *)given, bytes) == 0;
    return matches != 0;
}

bool keys_overlap(const struct keys *keys, const struct keys *others)
{
    bool overlap = false;

    for (size_t i = 0; i < others->count; i++)
        overlap |= keys_match(keys, (const char *)others->key[i].text,
                              others->key[i].bytes);
    return overlap;
}
