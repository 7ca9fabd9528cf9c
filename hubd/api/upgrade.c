/* upgrade.c - see upgrade.h. All checks are made before a place is reserved,
 * and a place or a ticket that is not used in the end is given back.
 */
#include "api/upgrade.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/admission.h"
#include "api/control.h"
#include "api/frames.h"
#include "api/ws.h"
#include "base/log.h"
#include "front/handoff.h"
#include "front/reply.h"

#define REPLY_MAX (256 + CONFIG_NAME_BYTES_MAX)
#define CODE_TRY_AGAIN_LATER 1013

static size_t write_reply(char reply[REPLY_MAX],
                          const struct ws_upgrade *upgrade)
{
    bool chosen = upgrade->subprotocol.bytes > 0;

    return (size_t)snprintf(
        reply, REPLY_MAX,
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Accept: %s\r\n"
        "%s%.*s%s\r\n",
        upgrade->accept, chosen ? "Sec-WebSocket-Protocol: " : "",
        (int)upgrade->subprotocol.bytes,
        chosen ? upgrade->subprotocol.start : "", chosen ? "\r\n" : "");
}

/* Admission. ------------------------------------------------------------ */

static void log_authenticated(const struct identity *identity)
{
    if (identity->method == IDENTITY_NONE || !log_wants(LEVEL_INFO))
        return;
    log_event(LEVEL_INFO, "authenticated",
              LOG_STR("auth", client_auth_method_names[identity->method]),
              LOG_STR("user", identity->user_id),
              LOG_STR("session", identity->session_id),
              LOG_STR("kid", identity->kid),
              LOG_INT("expires_in_s", identity->expires_in_ms / 1000));
}

/* By itself, so that plain clients do not make the stacks of the workers larger
 * by this buffer. */
__attribute__((noinline)) static int
hand_over_v1(struct exchange *x, struct upgrade_context *context,
             const struct identity *identity, struct hub_member *member,
             struct refusal *why)
{
    char hello[CONTROL_HELLO_MAX];
    struct hub_message greeting;

    control_hello(context->control, identity, member->data, hello);
    greeting = hub_text(hello);
    member->greeting = &greeting;
    return handoff(x, context->hub, member, why);
}

/* The member has its place. */
static int hand_over(struct exchange *x, struct upgrade_context *context,
                     const struct ws_upgrade *upgrade,
                     const struct identity *identity, struct hub_member *member,
                     struct refusal *why)
{
    char reply[REPLY_MAX];

    member->preamble = reply;
    member->preamble_bytes = write_reply(reply, upgrade);
    member->expires_ms = identity->expires_in_ms;
    log_authenticated(identity);
    if (upgrade->speaks_v1)
        return hand_over_v1(x, context, identity, member, why);
    return handoff(x, context->hub, member, why);
}

static int let_in(struct exchange *x, struct upgrade_context *context,
                  const struct ws_upgrade *upgrade,
                  const struct identity *identity, struct refusal *why)
{
    struct hub_member member = HUB_MEMBER_INIT;
    struct netaddr addr;

    if (exchange_remote(x, &addr) < 0)
        return refuse_as(why, REFUSAL_OUT_OF_MEMORY);
    member.user_id = identity->user_id;
    if (identity->session_id[0] != '\0')
        member.session_id = identity->session_id;
    if (admission_open(context->hub, &addr, exchange_remote_port(x, &addr),
                       upgrade->speaks_v1, &member, why) < 0)
        return -1;
    if (hand_over(x, context, upgrade, identity, &member, why) == 0)
        return 0;
    admission_close(context->hub, &member);
    return -1;
}

static int admit(struct exchange *x, struct upgrade_context *context,
                 const struct ws_upgrade *upgrade, struct refusal *why)
{
    const struct client_claim claim = {upgrade->user_id, upgrade->session_id};
    struct identity identity;
    struct ticket_held *ticket;

    if (client_auth_check(context->auth, x, &claim, &identity, &ticket, why) <
        0)
        return -1;
    if (let_in(x, context, upgrade, &identity, why) < 0) {
        client_auth_put_back(context->auth, ticket);
        return -1;
    }
    client_auth_let_go(ticket);
    return 0;
}

static int check_client(struct exchange *x, struct upgrade_context *context,
                        struct ws_upgrade *upgrade, struct refusal *why)
{
    int err;

    if (atomic_load(context->draining))
        return refuse_as(why, REFUSAL_DRAINING);
    if (x->late)
        return refuse_as(why, REFUSAL_REQUEST_TIMEOUT);
    err = ws_check_client(upgrade, &x->request, gate_enter(context->gate), why);
    gate_leave(context->gate);
    return err;
}

/* Rejection. ------------------------------------------------------------ */

static void log_refused(const struct exchange *x, const struct refusal *why)
{
    enum log_level level = why->status <= 401 ? LEVEL_DEBUG : LEVEL_INFO;
    char remote[NETADDR_TEXT_MAX];
    struct netaddr addr;

    if (!log_wants(level))
        return;
    (void)exchange_remote(x, &addr);
    netaddr_format(&addr, remote);
    log_event(level, "refused", LOG_STR("remote", remote),
              LOG_INT("status", why->status), LOG_STR("code", why->code),
              LOG_STR("reason", why->message));
}

/* Sets the reason of the Close frame and returns its code; 0: reject with an
 * HTTP status. */
static int close_code(const struct refusal *why,
                      char reason[HUB_REASON_BYTES_MAX + 1])
{
    static const char field[] = "Retry-After: ";
    unsigned long seconds = 1;

    switch (why->status) {
    case 401:
        (void)stpcpy(reason, why->kind == REFUSAL_TOKEN_EXPIRED
                                 ? "token expired"
                                 : "unauthorized");
        return FRAMES_UNAUTHORIZED;
    case 403:
        (void)stpcpy(reason, "forbidden");
        return FRAMES_FORBIDDEN;
    case 429:
    case 503:
        if (why->headers != NULL &&
            strncmp(why->headers, field, sizeof(field) - 1) == 0)
            seconds = strtoul(why->headers + sizeof(field) - 1, NULL, 10);
        (void)snprintf(reason, HUB_REASON_BYTES_MAX + 1,
                       "%s; retry-after-ms=%lu", why->code, seconds * 1000);
        return CODE_TRY_AGAIN_LATER;
    default:
        return 0;
    }
}

/* Browsers hide the status and body of a failed handshake from pages. So if
 * hub.v1 was offered, the handshake is completed, and the connection closed at
 * once. */
static int turn_away(struct exchange *x, struct upgrade_context *context,
                     const struct ws_upgrade *upgrade,
                     const struct refusal *why)
{
    struct hub_rejection rejection = HUB_REJECTION_INIT;
    char reply[REPLY_MAX], reason[HUB_REASON_BYTES_MAX + 1];

    rejection.code = close_code(why, reason);
    if (!upgrade->speaks_v1 || rejection.code == 0)
        return -1;
    rejection.reason = reason;
    rejection.preamble = reply;
    rejection.preamble_bytes = write_reply(reply, upgrade);
    return handoff_reject(x, context->hub, &rejection, why);
}

void upgrade_answer(struct exchange *x, struct upgrade_context *context)
{
    struct ws_upgrade upgrade;
    struct refusal why, unfit;

    if (ws_check_handshake(&upgrade, &x->request, context->subprotocols, &why) <
        0) {
        log_refused(x, &why);
        reply_refusal(x, &why);
        return;
    }
    if (check_client(x, context, &upgrade, &why) == 0 &&
        handoff_check(x, &why) == 0 && admit(x, context, &upgrade, &why) == 0)
        return;
    log_refused(x, &why);
    if (handoff_check(x, &unfit) < 0 ||
        turn_away(x, context, &upgrade, &why) < 0)
        reply_refusal(x, &why);
}
