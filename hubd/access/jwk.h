/* jwk.h - reads one key of a key set (RFC 7517, 4). For jwt_keys.c. */
#ifndef HUBD_JWK_H
#define HUBD_JWK_H

#include <cjson/cJSON.h>

#include "access/jwt_key.h"

#define JWK_PRIVATE "is a private key"

/* Fills in a key that is all zeros. Returns NULL, or why it is of no use for
 * tokens: JWK_PRIVATE where it is a key that nobody but its owner should have.
 * What can be told of it is in its info all the same, and it is to be
 * released. */
const char *jwk_read(struct jwt_key *key, const cJSON *jwk, unsigned allowed);

#endif
