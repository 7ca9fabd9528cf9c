/* keys.c - keys are stored padded with zeros to the maximum length, so that the
 * time of a comparison depends only on the length of the given key.
 */
#include "access/keys.h"

#include <string.h>

#include "base/linebuf.h"
#include "base/secret.h"
#include "base/text_file.h"

#define KEYS_OF_FILE_MAX 2
#define KEYS_MAX (1 + KEYS_OF_FILE_MAX) /* with HUB_API_KEY_PREVIOUS */
#define PATH_SHOWN_BYTES 256

struct key {
    const char *name;
    size_t bytes;
    unsigned char text[CONFIG_KEY_BYTES_MAX];
};

struct keys {
    size_t count;
    size_t kept; /* how many of the first keys a reload takes over */
    struct key key[KEYS_MAX];
    /* The file as it was read, until it is parsed: with line ends, and one byte
     * more than is allowed. */
    unsigned char file[KEYS_OF_FILE_MAX * (CONFIG_KEY_BYTES_MAX + 2) + 1];
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

/* Why the bytes are not a valid key, or NULL. */
static const char *problem(const unsigned char *text, size_t bytes)
{
    if (bytes == 0)
        return "contains no key";
    if (bytes > CONFIG_KEY_BYTES_MAX)
        return "contains a key longer than 4096 bytes";
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < 0x21 || text[i] > 0x7e)
            return "contains an invalid byte: a key is 1 to 4096 visible ASCII "
                   "characters";
    }
    return NULL;
}

/* Adds a key. Returns what is wrong with it, or NULL. */
static const char *add(struct keys *keys, const char *name,
                       const unsigned char *text, size_t bytes)
{
    const char *what = problem(text, bytes);
    struct key *key = &keys->key[keys->count];

    if (what)
        return what;
    key->name = name;
    key->bytes = bytes;
    memcpy(key->text, text, bytes);
    keys->count++;
    return NULL;
}

static bool is_line_end(unsigned char c)
{
    return c == '\n' || c == '\r';
}

/* Adds the keys of the file that has been read, one a line. */
static const char *add_lines(struct keys *keys, size_t bytes)
{
    static const char *const names[KEYS_OF_FILE_MAX] = {
        "the API key", "the second key of HUB_API_KEY_FILE"};
    const unsigned char *end = keys->file + bytes;
    size_t found = 0;

    if (bytes == sizeof(keys->file))
        return "is larger than two keys of 4096 bytes";
    for (const unsigned char *at = keys->file; at < end;) {
        const unsigned char *start = at;
        const char *what;

        while (at < end && !is_line_end(*at))
            at++;
        if (at == start) {
            at++;
            continue;
        }
        if (found == KEYS_OF_FILE_MAX)
            return "contains more than two keys";
        what = add(keys, names[found++], start, (size_t)(at - start));
        if (what)
            return what;
    }
    return found == 0 ? problem(NULL, 0) : NULL;
}

static int read_file(struct keys *keys, const char *path, struct linebuf *error,
                     struct linebuf *warning)
{
    const char *what;
    struct stat status = {0};
    ssize_t n =
        text_file_read(path, keys->file, sizeof(keys->file), &status, &what);

    if (n >= 0 && text_file_is_open_to_others(&status))
        add_about_file(warning, path, TEXT_FILE_OPEN);
    if (!what)
        what = add_lines(keys, (size_t)n);
    explicit_bzero(keys->file, sizeof(keys->file));
    return what ? file_error(error, path, what) : 0;
}

static int take_text(struct keys *keys, const char *setting, const char *name,
                     const char *text, struct linebuf *error)
{
    const char *what =
        add(keys, name, (const unsigned char *)text, strlen(text));

    if (!what)
        return 0;
    linebuf_addf(error, "%s: %s", setting, what);
    return -1;
}

static int take_previous(struct keys *keys, const struct config *config,
                         struct linebuf *error)
{
    static const char name[] = "HUB_API_KEY_PREVIOUS";

    if (config->api_key_previous &&
        take_text(keys, name, name, config->api_key_previous, error))
        return -1;
    keys->kept = keys->count;
    return 0;
}

/* Adds the current keys. */
static int take_current(struct keys *keys, const struct config *config,
                        struct linebuf *error, struct linebuf *warning)
{
    if (config->api_key)
        return take_text(keys, "HUB_API_KEY", "the API key", config->api_key,
                         error);
    if (config->api_key_file)
        return read_file(keys, config->api_key_file, error, warning);
    linebuf_add(error, "HUB_API_KEY: not set");
    return -1;
}

static void warn_of_short_ones(const struct keys *keys, struct linebuf *warning)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (keys->key[i].bytes >= KEYS_SHORT_BYTES)
            continue;
        warn(warning, keys->key[i].name);
        linebuf_add(warning, " is shorter than 16 bytes");
    }
}

/* `err` is the result of filling the set. */
static struct keys *conclude(struct keys *keys, int err,
                             struct linebuf *warning)
{
    if (err) {
        keys_free(keys);
        return NULL;
    }
    warn_of_short_ones(keys, warning);
    return keys;
}

/* Buffers for the two lines; `warning` may be NULL. */
struct lines {
    struct linebuf error, warning;
    char nowhere[1];
};

/* Returns an empty set, or NULL. */
static struct keys *begin(struct lines *lines, char *error, size_t error_bytes,
                          char *warning, size_t warning_bytes)
{
    struct keys *keys;

    linebuf_init(&lines->error, error, error_bytes);
    if (warning)
        linebuf_init(&lines->warning, warning, warning_bytes);
    else
        linebuf_init(&lines->warning, lines->nowhere, sizeof(lines->nowhere));
    keys = secret_new(sizeof(*keys));
    if (!keys)
        linebuf_add(&lines->error, "out of memory");
    return keys;
}

struct keys *keys_load(const struct config *config, char *error,
                       size_t error_bytes, char *warning, size_t warning_bytes)
{
    struct lines lines;
    struct keys *keys =
        begin(&lines, error, error_bytes, warning, warning_bytes);

    if (!keys)
        return NULL;
    return conclude(
        keys,
        take_previous(keys, config, &lines.error) ||
            take_current(keys, config, &lines.error, &lines.warning),
        &lines.warning);
}

/* The settings have the texts of the keys only at first. */
struct keys *keys_reload(const struct keys *before, const struct config *config,
                         char *error, size_t error_bytes, char *warning,
                         size_t warning_bytes)
{
    struct lines lines;
    struct keys *keys =
        begin(&lines, error, error_bytes, warning, warning_bytes);

    if (!keys)
        return NULL;
    keys->count = keys->kept = before->kept;
    memcpy(keys->key, before->key, before->kept * sizeof(keys->key[0]));
    return conclude(
        keys,
        read_file(keys, config->api_key_file, &lines.error, &lines.warning),
        &lines.warning);
}

struct keys *keys_load_metrics(const struct config *config, char *error,
                               size_t error_bytes, char *warning,
                               size_t warning_bytes)
{
    static const char name[] = "HUB_METRICS_KEY";
    struct lines lines;
    struct keys *keys =
        begin(&lines, error, error_bytes, warning, warning_bytes);

    if (!keys)
        return NULL;
    return conclude(
        keys, take_text(keys, name, name, config->metrics_key, &lines.error),
        &lines.warning);
}

size_t keys_count(const struct keys *keys)
{
    return keys->count;
}

void keys_free(struct keys *keys)
{
    secret_free(keys, sizeof(*keys));
}

/* 0 if they are equal. volatile: the compiler must not add an early exit. */
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
