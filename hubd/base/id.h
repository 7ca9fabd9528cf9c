/* id.h - the ids of users and sessions. Pure; any thread. */
#ifndef HUBD_ID_H
#define HUBD_ID_H

#include <stddef.h>

#include <hub/hub.h>

#define ID_TEXT_OF(x) ID_TEXT_OF_(x)
#define ID_TEXT_OF_(x) #x
#define ID_TOO_LONG "is longer than " ID_TEXT_OF(HUB_ID_BYTES_MAX) " bytes"

/* Checks an id, whatever its source: 1 to HUB_ID_BYTES_MAX bytes of UTF-8
 * without control characters (C0, DEL, C1). Returns NULL, or what is wrong with
 * it, as a phrase that follows the id's name. */
const char *id_problem(const char *id, size_t bytes);

#endif
