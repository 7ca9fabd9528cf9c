/* client_auth.c - see client_auth.h. */
#include "access/client_auth.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/id.h"

const char *const client_auth_result_names[] = {
#define NAME(name, text) text,
    CLIENT_AUTH_RESULT_MAP(NAME)
#undef NAME
};

const char *const client_auth_method_names[] = {
    [IDENTITY_NONE] = "none",
    [IDENTITY_JWT] = "jwt",
    [IDENTITY_TICKET] = "ticket",
    [IDENTITY_PROXY] = "proxy",
};

void client_auth_init(struct client_auth *auth, const struct config *config,
                      struct token_auth *tokens, struct tickets *tickets)
{
    *auth = (struct client_auth){
        .config = config,
        .sessions = config_session_source(config),
        .tokens = (config->client_auth & CLIENT_AUTH_JWT) != 0 ? tokens : NULL,
        .tickets =
            (config->client_auth & CLIENT_AUTH_TICKET) != 0 ? tickets : NULL,
    };
}

/* Rejection. ----------------------------------------------------------- */

static void count(struct client_auth *auth, enum identity_method method,
                  enum client_auth_result result)
{
    (void)atomic_fetch_add_explicit(&auth->counts[method][result], 1,
                                    memory_order_relaxed);
}

/* `reason` is only for the log, and constant. */
static int turn_down(struct client_auth *auth, enum identity_method method,
                     enum client_auth_result result, const char *reason,
                     struct refusal *why)
{
    static const enum refusal_kind kinds[] = {
        [CLIENT_AUTH_OK] = REFUSAL_NONE,
        [CLIENT_AUTH_MISSING] = REFUSAL_UNAUTHORIZED,
        [CLIENT_AUTH_INVALID] = REFUSAL_UNAUTHORIZED,
        [CLIENT_AUTH_EXPIRED] = REFUSAL_TOKEN_EXPIRED,
        [CLIENT_AUTH_MISMATCH] = REFUSAL_IDENTITY_MISMATCH,
        [CLIENT_AUTH_UNAVAILABLE] = REFUSAL_KEYS_UNAVAILABLE,
        [CLIENT_AUTH_OVERLOADED] = REFUSAL_OVERLOADED,
    };
    struct window *window = &auth->refused[result];
    uint64_t times;

    count(auth, method, result);
    window_count(window);
    times = window_due(window);
    if (times > 0)
        log_event(LEVEL_INFO, "client_refused",
                  LOG_STR("auth", client_auth_method_names[method]),
                  LOG_STR("result", client_auth_result_names[result]),
                  LOG_STR("reason", reason), LOG_INT("count", (int64_t)times));
    if (kinds[result] == REFUSAL_UNAUTHORIZED)
        return refuse(why, REFUSAL_UNAUTHORIZED, "%s", CREDENTIAL_REQUIRED);
    return refuse_as(why, kinds[result]);
}

void client_auth_report(struct client_auth *auth)
{
    for (size_t i = 0; i < CLIENT_AUTH_RESULTS; i++) {
        uint64_t times = window_due(&auth->refused[i]);

        if (times > 0)
            log_event(LEVEL_INFO, "client_refused",
                      LOG_STR("result", client_auth_result_names[i]),
                      LOG_INT("count", (int64_t)times));
    }
}

/* Methods. ------------------------------------------------------------- */

static int verify_token(struct client_auth *auth, struct slice token,
                        struct identity *out, struct refusal *why)
{
    const char *reason = "";

    switch (token_auth_check(auth->tokens, token, out, &reason)) {
    case TOKEN_GOOD:
        return 0;
    case TOKEN_EXPIRED:
        return turn_down(auth, IDENTITY_JWT, CLIENT_AUTH_EXPIRED, reason, why);
    case TOKEN_NO_KEYS:
        return turn_down(auth, IDENTITY_JWT, CLIENT_AUTH_UNAVAILABLE, reason,
                         why);
    case TOKEN_BAD:
    default:
        return turn_down(auth, IDENTITY_JWT, CLIENT_AUTH_INVALID, reason, why);
    }
}

static int redeem_ticket(struct client_auth *auth, const struct exchange *x,
                         struct slice ticket, struct identity *out,
                         struct ticket_held **held, struct refusal *why)
{
    struct slice origin = exchange_header(x, "Origin", NULL);
    struct ticket_held *taken = malloc(sizeof(*taken));
    enum ticket_result result;

    if (taken == NULL)
        return refuse_as(why, REFUSAL_OUT_OF_MEMORY);
    result = tickets_take(auth->tickets, ticket, origin, out, taken);
    if (result == TICKET_GOOD) {
        *held = taken;
        return 0;
    }
    free(taken);
    switch (result) {
    case TICKET_ELSEWHERE:
        count(auth, IDENTITY_TICKET, CLIENT_AUTH_UNAVAILABLE);
        return refuse_as(why, REFUSAL_CLUSTER_UNAVAILABLE);
    case TICKET_GOOD:
    case TICKET_BAD:
    default:
        return turn_down(auth, IDENTITY_TICKET, CLIENT_AUTH_INVALID,
                         "unknown, used, expired, or for another origin", why);
    }
}

/* Reads an id from a header. Returns 0, 1 if there is no header, or -1. */
static int read_field(const struct exchange *x, const char *name,
                      char id[HUB_ID_BYTES_MAX + 1])
{
    unsigned lines;
    struct slice value = exchange_header(x, name, &lines);

    id[0] = '\0';
    if (lines == 0)
        return 1;
    if (lines > 1 || id_problem(value.start, value.bytes) != NULL)
        return -1;
    slice_copy(value, id, HUB_ID_BYTES_MAX + 1);
    return 0;
}

static bool has_field(const struct client_auth *auth, const struct exchange *x)
{
    unsigned lines;

    if ((auth->config->client_auth & CLIENT_AUTH_PROXY) == 0)
        return false;
    (void)exchange_header(x, auth->config->proxy_user_header, &lines);
    return lines > 0;
}

static int check_proxy(struct client_auth *auth, const struct exchange *x,
                       struct identity *out, struct refusal *why)
{
    const struct config *config = auth->config;

    *out = (struct identity){.method = IDENTITY_PROXY};
    if (!exchange_is_from_proxy(x))
        return turn_down(auth, IDENTITY_PROXY, CLIENT_AUTH_INVALID,
                         "the header did not come from a trusted proxy", why);
    if (read_field(x, config->proxy_user_header, out->user_id) == 0 &&
        read_field(x, config->proxy_session_header, out->session_id) >= 0)
        return 0;
    count(auth, IDENTITY_PROXY, CLIENT_AUTH_INVALID);
    return refuse(why, REFUSAL_INVALID_ID,
                  "%s or %s is duplicated, or not a valid id",
                  config->proxy_user_header, config->proxy_session_header);
}

static int check_credential(struct client_auth *auth, const struct exchange *x,
                            struct identity *out, struct ticket_held **held,
                            struct refusal *why)
{
    struct credential credential;
    bool proxy = has_field(auth, x);

    if (credential_read(&credential, &x->request, auth->config->client_auth,
                        &auth->config->token_from, why) < 0) {
        count(auth, IDENTITY_NONE, CLIENT_AUTH_INVALID);
        return -1;
    }
    if (credential.kind != CREDENTIAL_NONE && proxy)
        return turn_down(auth, IDENTITY_PROXY, CLIENT_AUTH_INVALID,
                         "there is also a token or ticket", why);
    if (credential.kind == CREDENTIAL_TOKEN)
        return verify_token(auth, credential.text, out, why);
    if (credential.kind == CREDENTIAL_TICKET)
        return redeem_ticket(auth, x, credential.text, out, held, why);
    if (proxy)
        return check_proxy(auth, x, out, why);
    return turn_down(auth, IDENTITY_NONE, CLIENT_AUTH_MISSING,
                     "there is no token, ticket or header", why);
}

/* Ids. ----------------------------------------------------------------- */

static void believe(const struct client_claim *claim, struct identity *out)
{
    *out = (struct identity){.method = IDENTITY_NONE};
    (void)stpcpy(out->user_id, claim->user_id);
}

static bool agrees(const char *claimed, const char *shown)
{
    return claimed[0] == '\0' || strcmp(claimed, shown) == 0;
}

/* Compares the query with the identity, and takes the session id from it if the
 * settings say so. Returns 0 or -1. */
static int settle(const struct client_auth *auth,
                  const struct client_claim *claim, struct identity *out)
{
    if (!agrees(claim->user_id, out->user_id))
        return -1;
    if (auth->sessions == SESSION_FROM_QUERY) {
        (void)stpcpy(out->session_id, claim->session_id);
        return 0;
    }
    return agrees(claim->session_id, out->session_id) ? 0 : -1;
}

int client_auth_check(struct client_auth *auth, const struct exchange *x,
                      const struct client_claim *claim, struct identity *out,
                      struct ticket_held **held, struct refusal *why)
{
    *held = NULL;
    if (auth->config->client_auth == 0) {
        if (claim->user_id[0] == '\0')
            return refuse(why, REFUSAL_INVALID_ID, "userId is missing");
        believe(claim, out);
    } else if (check_credential(auth, x, out, held, why) < 0) {
        return -1;
    }
    if (settle(auth, claim, out) < 0) {
        client_auth_put_back(auth, *held);
        return turn_down(auth, out->method, CLIENT_AUTH_MISMATCH,
                         "the query claims a different user or session", why);
    }
    if (out->method != IDENTITY_NONE)
        count(auth, out->method, CLIENT_AUTH_OK);
    return 0;
}

void client_auth_put_back(struct client_auth *auth, struct ticket_held *held)
{
    if (held == NULL)
        return;
    tickets_put_back(auth->tickets, held);
    free(held);
}

void client_auth_let_go(struct ticket_held *held)
{
    free(held);
}
