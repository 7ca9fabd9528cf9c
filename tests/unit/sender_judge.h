/* sender_judge.h - stands between a loop and its sender, and decides how much
 * of a write the socket takes. The linker redirects hub__sender_write() here.
 */
#ifndef SENDER_JUDGE_H
#define SENDER_JUDGE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "loop/sender.h"

#define SENDER_ALL SSIZE_MAX

/* Returns how many bytes are taken, 0 for a socket that is full, -errno, or
 * SENDER_ALL for as many as the socket will. */
typedef ssize_t sender_judge_fn(const struct hub__write *write);

/* Asks this one from now on; NULL: nobody. What was counted begins anew. */
void sender_judge(sender_judge_fn *judge);

/* Asks for a verdict on the next write to this descriptor alone. */
void sender_judge_next(int fd, ssize_t verdict);

/* Since then. */
unsigned sender_judge_calls(void);
unsigned sender_judge_writes(void);
size_t sender_judge_largest(void); /* bytes of a write */

#endif
