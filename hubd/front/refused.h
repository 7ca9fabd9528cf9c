/* refused.h - logs malformed requests: one line per kind of fault in ten
 * seconds, with the address of the last client and how many there were.
 *
 * Threads: any.
 */
#ifndef HUBD_REFUSED_H
#define HUBD_REFUSED_H

#include <pthread.h>

#include "base/netaddr.h"
#include "base/window.h"
#include "front/refusal.h"

#define REFUSED_KINDS 48 /* the last one is for all that do not fit */
#define REFUSED_FAULT_BYTES 160

struct refused {
    pthread_mutex_t lock;
    struct refused_kind {
        struct window window;
        /* lock */
        char fault[REFUSED_FAULT_BYTES]; /* "": unused */
        char remote[NETADDR_TEXT_MAX];
        struct refusal why; /* the last one */
    } kinds[REFUSED_KINDS];
};

void refused_init(struct refused *refused);
/* Logs what was not logged yet. */
void refused_fini(struct refused *refused);

void refused_add(struct refused *refused, const char *remote,
                 const struct refusal *why);

/* Writes the lines that are due. */
void refused_report(struct refused *refused);

#endif
