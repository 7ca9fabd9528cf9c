/* routes.h - what civetweb calls: the life of a connection and its requests,
 * and which path leads where.
 *
 * Threads: civetweb's workers.
 */
#ifndef HUBD_ROUTES_H
#define HUBD_ROUTES_H

#include <civetweb.h>

extern const struct mg_callbacks routes_callbacks;

#endif
