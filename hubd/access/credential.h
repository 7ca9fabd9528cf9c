/* credential.h - the token or the ticket that a handshake carries, wherever it
 * may be. Nothing is checked here but that there is one, and not two.
 *
 * Threads: any. What it finds lies in the request.
 */
#ifndef HUBD_CREDENTIAL_H
#define HUBD_CREDENTIAL_H

#include <stdbool.h>

#include "base/slice.h"
#include "config/client_auth_settings.h"
#include "front/refusal.h"
#include "front/request.h"

#define HUB_V1 "hub.v1" /* the subprotocol that has control frames */

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

/* Looks for what HUB_CLIENT_AUTH says may be there: `methods` are
 * CLIENT_AUTH_…, `places` those of tokens. Returns 0; or -1 and `why`, where
 * there are two that differ, one that is malformed, or one among the
 * subprotocols without hub.v1, which browsers would take for an error: no
 * server answers with a subprotocol that is a secret. */
int credential_read(struct credential *out, const struct request *r,
                    unsigned methods, const struct token_places *places,
                    struct refusal *why);

/* Overwrites the headers that may have carried it. */
void credential_forget(const struct request *r);

#endif
