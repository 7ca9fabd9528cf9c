/* gate.h - the origins of the web pages that may currently connect: a list from
 * the settings, or from a file that can be read again while hubd runs.
 *
 * Threads: any; a reload swaps the list under a lock that readers share.
 */
#ifndef HUBD_GATE_H
#define HUBD_GATE_H

#include <pthread.h>
#include <stddef.h>

#include "config/config.h"
#include "base/origin.h"

struct gate {
    const struct config *config;
    pthread_rwlock_t lock;
    struct origin_list from_file; /* lock; unused without a file */
};

/* Returns 0, or -1 and one line in `error`. */
int gate_init(struct gate *gate, const struct config *config, char *error,
              size_t error_bytes);
void gate_fini(struct gate *gate);

/* Reads the file again, if there is one; the old list stays in use if that
 * fails. */
void gate_reload(struct gate *gate);

/* The list, until gate_leave(). */
const struct origin_list *gate_enter(struct gate *gate);
void gate_leave(struct gate *gate);

/* Reads HUB_ALLOWED_ORIGINS_FILE: the same syntax as the variable, but line
 * breaks also separate entries, and lines that begin with # are skipped. The
 * settings must outlive the list. Returns 0, or -1 and one line in `error`. */
int gate_read_file(struct origin_list *out, const struct config *config,
                   char *error, size_t error_bytes);

#endif
