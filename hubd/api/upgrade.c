/* upgrade.c - see upgrade.h. All checks are made before a place is reserved,
 * and a place that is not used is given back.
 */
#include "api/upgrade.h"

#include <stdio.h>

#include "access/admission.h"
#include "api/ws.h"
#include "base/log.h"
#include "front/handoff.h"
#include "front/reply.h"

#define REPLY_MAX (256 + CONFIG_NAME_BYTES_MAX)

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

static int let_in(struct exchange *x, struct upgrade_context *context,
                  const struct ws_upgrade *upgrade, struct refusal *why)
{
    struct hub_member member = HUB_MEMBER_INIT;
    char reply[REPLY_MAX];
    struct netaddr addr;

    if (exchange_remote(x, &addr) < 0)
        return refuse_as(why, REFUSAL_OUT_OF_MEMORY);
    member.user_id = upgrade->user_id;
    if (upgrade->session_id[0] != '\0')
        member.session_id = upgrade->session_id;
    if (admission_open(context->hub, &addr, exchange_remote_port(x, &addr),
                       &member, why) < 0)
        return -1;
    member.preamble = reply;
    member.preamble_bytes = write_reply(reply, upgrade);
    if (handoff(x, context->hub, &member, why) == 0)
        return 0;
    admission_close(context->hub, &member);
    return -1;
}

static int switch_protocols(struct exchange *x, struct upgrade_context *context,
                            struct refusal *why)
{
    struct ws_upgrade upgrade;
    int err;

    if (atomic_load(context->draining))
        return refuse_as(why, REFUSAL_DRAINING);
    if (x->late)
        return refuse_as(why, REFUSAL_REQUEST_TIMEOUT);
    err = ws_check(&upgrade, &x->request, gate_enter(context->gate),
                   context->subprotocols, why);
    gate_leave(context->gate);
    if (err < 0 || handoff_check(x, why) < 0)
        return -1;
    return let_in(x, context, &upgrade, why);
}

static void log_refused(const struct exchange *x, const struct refusal *why)
{
    enum log_level level = why->status == 400 ? LEVEL_DEBUG : LEVEL_INFO;
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

void upgrade_answer(struct exchange *x, struct upgrade_context *context)
{
    struct refusal why;

    if (switch_protocols(x, context, &why) == 0)
        return;
    log_refused(x, &why);
    reply_refusal(x, &why);
}
