/* client_auth_settings.h - the settings of how clients authenticate. */
#ifndef HUBD_CLIENT_AUTH_SETTINGS_H
#define HUBD_CLIENT_AUTH_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* Bits of HUB_CLIENT_AUTH; 0 is "none": no authentication. */
#define CLIENT_AUTH_JWT 0x1u
#define CLIENT_AUTH_TICKET 0x2u
#define CLIENT_AUTH_PROXY 0x4u

#define TOKEN_PLACES_MAX 8
#define TOKEN_NAME_MAX 64 /* of a cookie or a parameter, NUL included */

/* Where in a handshake a token may be. */
enum token_place_kind {
    TOKEN_IN_PROTOCOL,      /* Sec-WebSocket-Protocol: hub.token.… */
    TOKEN_IN_AUTHORIZATION, /* Authorization: Bearer … */
    TOKEN_IN_COOKIE,
    TOKEN_IN_QUERY,
};

struct token_place {
    enum token_place_kind kind;
    char name[TOKEN_NAME_MAX]; /* of the cookie or parameter */
};

struct token_places {
    size_t count;
    struct token_place places[TOKEN_PLACES_MAX];
};

/* Whether a token may be in such a place. */
bool token_places_have(const struct token_places *places,
                       enum token_place_kind kind);

/* Where session ids come from. */
enum session_source {
    SESSION_AUTO, /* SESSION_FROM_CLAIM, or SESSION_FROM_QUERY without
                     authentication */
    SESSION_FROM_CLAIM,
    SESSION_FROM_QUERY,
};

#endif
