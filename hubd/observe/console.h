/* console.h - the live page of HUB_CONSOLE=on: /console, what is below it, and
 * the statistics it shows. It needs no key, since it can do nothing that any
 * client could not; the key for sending is typed into it.
 *
 * Threads: civetweb's workers.
 */
#ifndef HUBD_CONSOLE_H
#define HUBD_CONSOLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <hub/hub.h>

#include "front/exchange.h"

struct console {
    hub_t *hub;
    const _Atomic bool *draining;
    int64_t up_since_ms; /* by clock_now_ms() */
};

/* Whether this exact path belongs to the console. */
bool console_has(const char *path);

/* Answers a GET or HEAD of such a path. */
void console_answer(struct exchange *x, const struct console *console);

#endif
