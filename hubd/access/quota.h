/* quota.h - how many connections each name (an address, a user) holds, so that
 * none takes more than its share. Threads: any. Only names with a count above 0
 * take memory. */
#ifndef HUBD_QUOTA_H
#define HUBD_QUOTA_H

#include <stddef.h>
#include <stdint.h>

struct quota;

/* `limit` 0: quota_take() always succeeds and costs nothing. Returns NULL
 * without memory or random bytes. */
struct quota *quota_create(uint64_t limit);
void quota_free(struct quota *quota);

/* Returns 0; 1: the limit is reached; -1: no memory. */
int quota_take(struct quota *quota, const void *name, size_t bytes);
void quota_give(struct quota *quota, const void *name, size_t bytes);

#endif
