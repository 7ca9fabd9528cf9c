/* keys.h - the backend's API keys, and the one for /metrics: where they come
 * from and how they are compared. A set is immutable; a reload makes a new one.
 *
 * A set is the one place where its keys are, in memory as secret.h has it: what
 * they were read from is overwritten. They are kept as they are, not hashed,
 * because a hash would be no better to lose: most keys that people choose can
 * be guessed from one.
 */
#ifndef HUBD_KEYS_H
#define HUBD_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

#define KEYS_SHORT_BYTES 16 /* below that, a warning */

struct keys;

/* Takes HUB_API_KEY or reads HUB_API_KEY_FILE (one key a line, two at most;
 * empty lines do not count), and HUB_API_KEY_PREVIOUS. Returns NULL and one
 * line in `error`. `warning` (may be NULL) gets one line, or "": key shorter
 * than KEYS_SHORT_BYTES, key file readable by others. Neither ever holds a key.
 */
struct keys *keys_load(const struct config *config, char *error,
                       size_t error_bytes, char *warning, size_t warning_bytes);

/* Reads HUB_API_KEY_FILE, which there must be, again, and takes
 * HUB_API_KEY_PREVIOUS over. Otherwise as keys_load(). */
struct keys *keys_reload(const struct keys *before, const struct config *config,
                         char *error, size_t error_bytes, char *warning,
                         size_t warning_bytes);

/* Takes HUB_METRICS_KEY, which there must be. Otherwise as keys_load(). */
struct keys *keys_load_metrics(const struct config *config, char *error,
                               size_t error_bytes, char *warning,
                               size_t warning_bytes);

#define KEYS_OVERLAP_WARNING                                                   \
    "HUB_METRICS_KEY is an API key too: whoever reads metrics can send"

/* How many match. */
size_t keys_count(const struct keys *keys);

/* Whether they have one in common. */
bool keys_overlap(const struct keys *keys, const struct keys *others);

/* Wipes and frees. NULL is allowed. */
void keys_free(struct keys *keys);

/* Whether the bytes are one of the keys. Takes the same time wherever they
 * differ, and compares with each key whichever matches. */
bool keys_match(const struct keys *keys, const char *given, size_t bytes);

#endif
