/* testing_rings.h - io_uring as the tests of libhub need it: available, broken,
 * or forbidden.
 */
#ifndef TESTING_RINGS_H
#define TESTING_RINGS_H

#include <stdbool.h>

/* Whether a sender can have it here. */
bool testing_has_rings(void);

/* Makes every ring of the process useless, as far as they know. Returns how
 * many there were. */
unsigned testing_break_rings(void);

/* Calls this in a process of its own, to which the kernel refuses io_uring with
 * EPERM. Returns what it returns, or -1 if that cannot be arranged. */
int testing_without_rings(int (*check)(void));

#endif
