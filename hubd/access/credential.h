/* credential.h - finds the token or ticket in a handshake. All that is checked
 * here is that there are not two.
 *
 * Threads: any. The result points into the request.
 */
#ifndef HUBD_CREDENTIAL_H
#define HUBD_CREDENTIAL_H

#include <stdbool.h>

#include "base/slice.h"
#include "config/client_auth_settings.h"
#include "front/refusal.h"
#include "front/request.h"

#define HUB_V1 "hub.v1" /* the subprotocol that has control frames */

/* What a client is told whose credential is no good, whatever is wrong. */
#define CREDENTIAL_REQUIRED "a valid token or ticket is required"

enum credential_kind {
    CREDENTIAL_NONE,
    CREDENTIAL_TOKEN,
    CREDENTIAL_TICKET,
};

struct credential {
    enum credential_kind kind;
    struct slice text;
};

/* Whether hub.v1 is among the subprotocols that a client offers. */
bool credential_offers_v1(const struct request *r);

/* Looks for the credentials that HUB_CLIENT_AUTH allows: `methods` are
 * CLIENT_AUTH_…, `places` are where tokens may be. Returns 0; or -1 and `why`
 * if there are two different ones, a malformed one, or one among the
 * subprotocols without hub.v1. We never select a secret as the subprotocol, and
 * browsers fail if the server selects none. */
int credential_read(struct credential *out, const struct request *r,
                    unsigned methods, const struct token_places *places,
                    struct refusal *why);

/* Overwrites the headers that may have contained it. */
void credential_forget(const struct request *r);

#endif
