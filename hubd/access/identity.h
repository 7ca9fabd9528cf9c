/* identity.h - a client's identity, by any method. */
#ifndef HUBD_IDENTITY_H
#define HUBD_IDENTITY_H

#include <stdint.h>

#include <hub/hub.h>

#define IDENTITY_KID_MAX 128 /* of a token's key id, NUL included */

/* The method of authentication. */
enum identity_method {
    IDENTITY_NONE, /* no authentication */
    IDENTITY_JWT,
    IDENTITY_TICKET,
    IDENTITY_PROXY,
    IDENTITY_METHODS,
};

struct identity {
    char user_id[HUB_ID_BYTES_MAX + 1];
    char session_id[HUB_ID_BYTES_MAX + 1]; /* "": none */
    int64_t expires_in_ms;                 /* 0: never */
    enum identity_method method;
    char kid[IDENTITY_KID_MAX]; /* of the signing key, or "" */
};

#endif
