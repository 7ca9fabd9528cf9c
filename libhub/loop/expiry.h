/* expiry.h - connections that expire: their host is warned some time before,
 * and some time after it they are closed, but not all at once. Both times are
 * kept in heaps, so that only connections that expire cost anything, and only
 * as their time comes. The loop's thread only.
 *
 * A connection is in `warnings` of its host until `expiring` has been called,
 * then in `closes`; it is in neither once it is no longer OPEN.
 */
#ifndef HUB_EXPIRY_H
#define HUB_EXPIRY_H

#include <stdint.h>

#include "loop/conn.h"
#include "loop/host.h"

#define HUB__NEVER_MS INT64_MAX
#define HUB__EXPIRES_MS_MAX (INT64_MAX / 4) /* from now; the longest */

struct hub__expiry {
    struct hub__host *host; /* constant */
    /* Times of the hub's clock, in ms. */
    int64_t next_close_ms; /* when the rate allows the next close */
    int64_t resume_ms;     /* when the next batch of closes is due */
    int64_t due_ms;        /* when something is due, or earlier; INT64_MAX:
                              nothing is */
};

void hub__expiry_init(struct hub__expiry *expiry, struct hub__host *host);
void hub__expiry_fini(struct hub__expiry *expiry);

/* Makes a connection expire at `at_ms` of the hub's clock, or never. Does
 * nothing unless it is OPEN; without memory, the connection is closed. */
void hub__expiry_set(struct hub__expiry *expiry, struct hub__conn *conn,
                     int64_t at_ms);

/* Warns and closes those that are due. */
void hub__expiry_act(struct hub__expiry *expiry);

#endif
