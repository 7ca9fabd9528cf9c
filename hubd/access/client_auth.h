/* client_auth.h - authenticates clients: checks the credentials of a handshake
 * by the methods in HUB_CLIENT_AUTH, and compares them with the ids in its
 * query.
 *
 * Threads: any.
 */
#ifndef HUBD_CLIENT_AUTH_H
#define HUBD_CLIENT_AUTH_H

#include <stdatomic.h>

#include "access/credential.h"
#include "access/identity.h"
#include "access/tickets.h"
#include "access/token_auth.h"
#include "base/window.h"
#include "config/config.h"
#include "front/exchange.h"
#include "front/refusal.h"

/* The results, with their labels in metrics. */
#define CLIENT_AUTH_RESULT_MAP(X)                                              \
    X(CLIENT_AUTH_OK, "ok")                                                    \
    X(CLIENT_AUTH_MISSING, "missing") /* no credentials */                     \
    X(CLIENT_AUTH_INVALID, "invalid")                                          \
    X(CLIENT_AUTH_EXPIRED, "expired")                                          \
    X(CLIENT_AUTH_MISMATCH, "mismatch")       /* with the ids in the query */  \
    X(CLIENT_AUTH_UNAVAILABLE, "unavailable") /* could not be checked */       \
    X(CLIENT_AUTH_OVERLOADED, "overloaded")   /* too many checks at once */

enum client_auth_result {
#define CLIENT_AUTH_ENUM(name, text) name,
    CLIENT_AUTH_RESULT_MAP(CLIENT_AUTH_ENUM)
#undef CLIENT_AUTH_ENUM
        CLIENT_AUTH_RESULTS,
};

extern const char *const client_auth_result_names[CLIENT_AUTH_RESULTS];
extern const char *const client_auth_method_names[IDENTITY_METHODS];

struct client_auth {
    const struct config *config;
    enum session_source sessions;
    struct token_auth *tokens; /* NULL: not allowed */
    struct tickets *tickets;   /* NULL: not allowed */
    _Atomic uint64_t counts[IDENTITY_METHODS][CLIENT_AUTH_RESULTS];
    _Atomic uint64_t refreshes[CLIENT_AUTH_RESULTS]; /* see refresh.h */
    struct window refused[CLIENT_AUTH_RESULTS];
};

/* Does not take ownership of tokens and tickets. */
void client_auth_init(struct client_auth *auth, const struct config *config,
                      struct token_auth *tokens, struct tickets *tickets);

/* The ids in the query of a handshake; "" if missing. */
struct client_claim {
    const char *user_id, *session_id;
};

/* Sets the client's identity. A ticket is used up by this, and put into `held`,
 * which must be passed to one of the next two: client_auth_put_back() makes the
 * ticket valid again, for a client that was rejected later. NULL is allowed.
 * Returns 0, or -1 and `why`, which does not reveal what is wrong with a token
 * or ticket: the log does, at most once in ten seconds. */
int client_auth_check(struct client_auth *auth, const struct exchange *x,
                      const struct client_claim *claim, struct identity *out,
                      struct ticket_held **held, struct refusal *why);
void client_auth_put_back(struct client_auth *auth, struct ticket_held *held);
void client_auth_let_go(struct ticket_held *held);

/* Writes the log lines about rejections that are due. */
void client_auth_report(struct client_auth *auth);

#endif
