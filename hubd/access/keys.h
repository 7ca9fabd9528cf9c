/* keys.h - the API keys of backends, and the one for /metrics: loading and
 * comparing them. A set is immutable; a reload makes a new one.
 *
 * A set is the only copy of its keys, in memory from secret.h: what they were
 * read from is overwritten. They are not hashed, because leaking a hash would
 * be no better: most keys that people choose can be guessed from it.
 */
#ifndef HUBD_KEYS_H
#define HUBD_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

#define KEYS_SHORT_BYTES 16 /* shorter keys get a warning */

struct keys;

/* Takes HUB_API_KEY or reads HUB_API_KEY_FILE (one key a line, two at most;
 * empty lines do not count), and HUB_API_KEY_PREVIOUS. Returns NULL and one
 * line in `error`. `warning` (may be NULL) gets one line, or "": key shorter
 * than KEYS_SHORT_BYTES, key file readable by others. Neither ever contains a
 * key. */
struct keys *keys_load(const struct config *config, char *error,
                       size_t error_bytes, char *warning, size_t warning_bytes);

/* Reads HUB_API_KEY_FILE, which must be set, again, and keeps
 * HUB_API_KEY_PREVIOUS. Otherwise like keys_load(). */
struct keys *keys_reload(const struct keys *before, const struct config *config,
                         char *error, size_t error_bytes, char *warning,
                         size_t warning_bytes);

/* Takes HUB_METRICS_KEY, which must be set. Otherwise like keys_load(). */
struct keys *keys_load_metrics(const struct config *config, char *error,
                               size_t error_bytes, char *warning,
                               size_t warning_bytes);

#define KEYS_OVERLAP_WARNING                                                   \
    "HUB_METRICS_KEY is an API key too: whoever reads metrics can send"

/* The number of accepted keys. */
size_t keys_count(const struct keys *keys);

/* Whether they have a key in common. */
bool keys_overlap(const struct keys *keys, const struct keys *others);

/* Wipes and frees. NULL is allowed. */
void keys_free(struct keys *keys);

/* Whether the bytes are one of the keys. Takes the same time wherever they
 * differ, and always compares with every key. */
bool keys_match(const struct keys *keys, const char *given, size_t bytes);

#endif
