/* flush.h - the writing half of a loop: connections that have something to
 * write wait on a list, and are handled in batches, each of which is one call
 * of the sender. The loop's thread only.
 */
#ifndef HUB_FLUSH_H
#define HUB_FLUSH_H

#include "loop/host.h"

/* Writes once to each connection on the list. Those with more to write than a
 * turn allows are on the list again afterwards. */
void hub__flush(struct hub__host *host);

#endif
