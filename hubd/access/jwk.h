/* jwk.h - reads one key of a key set (RFC 7517, 4). For jwt_keys.c. */
#ifndef HUBD_JWK_H
#define HUBD_JWK_H

#include <cjson/cJSON.h>

#include "access/jwt_key.h"

#define JWK_PRIVATE "is a private key"

/* Fills in a zeroed key. Returns NULL, or why the key cannot be used for
 * tokens: JWK_PRIVATE for a private key. Even then its info has what is known
 * about it, and the key must be released. */
const char *jwk_read(struct jwt_key *key, const cJSON *jwk, unsigned allowed);

#endif
