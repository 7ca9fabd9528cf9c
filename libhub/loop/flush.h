/* flush.h - the writing half of a loop: connections that have something to
 * write wait on a list, and leave it in batches, each of which is one call of
 * the sender. The loop's thread only.
 */
#ifndef HUB_FLUSH_H
#define HUB_FLUSH_H

#include "loop/host.h"

/* Writes once to everyone on the list. Those with more to say than a turn
 * allows are on it again afterwards. */
void hub__flush(struct hub__host *host);

#endif
