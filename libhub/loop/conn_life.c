/* conn_life.c - see conn_life.h. */
#include "loop/conn_life.h"

#include "loop/conn_write.h"

/* How each fault ends the connection. */
static const struct hub__ending faults[] = {
    [HUB__FAULT_PROTOCOL] = {HUB_CLOSED_PROTOCOL_ERROR, HUB__WS_PROTOCOL_ERROR,
                             "protocol error", NULL},
    [HUB__FAULT_TEXT] = {HUB_CLOSED_PROTOCOL_ERROR, HUB__WS_INVALID_DATA,
                         "text is not UTF-8", NULL},
    [HUB__FAULT_FRAGMENTS] = {HUB_CLOSED_PROTOCOL_ERROR, HUB__WS_POLICY,
                              "too many fragments", NULL},
    [HUB__FAULT_TOO_BIG] = {HUB_CLOSED_PROTOCOL_ERROR, HUB__WS_TOO_BIG,
                            "message too big", NULL},
    [HUB__FAULT_RATE] = {HUB_CLOSED_PROTOCOL_ERROR, HUB__WS_POLICY,
                         "too many messages", NULL},
    [HUB__FAULT_SLOW_MESSAGE] = {HUB_CLOSED_PROTOCOL_ERROR, HUB__WS_POLICY,
                                 "message took too long", NULL},
    [HUB__FAULT_BUDGET] = {HUB_CLOSED_ERROR, HUB__WS_TRY_LATER, "out of memory",
                           NULL},
    [HUB__FAULT_MEMORY] = {HUB_CLOSED_ERROR, HUB__WS_INTERNAL_ERROR,
                           "out of memory", NULL},
};

void hub__conn_close(struct hub__conn *c, const struct hub__ending *ending)
{
    if (c->state >= HUB__CONN_CLOSING)
        return;
    if (!c->wire->say_goodbye(c, ending)) {
        hub__conn_cut(c, ending->cause);
        return;
    }
    hub__conn_begin_closing(c, ending->code, ending->cause);
    hub__conn_later(c);
}

static void enter_leaving(struct hub__host *host, struct hub__conn *c)
{
    c->leaving = true;
    c->next = NULL;
    if (host->leaving == NULL)
        host->leaving = c;
    else
        host->leaving_last->next = c;
    host->leaving_last = c;
}

/* From OPEN to LEAVING. */
static void leave(struct hub__conn *c, enum hub_close_cause cause, int code)
{
    struct hub__moment moment = {.counter = c->host->posted};

    if (!hub__conn_unregister(c, &moment))
        return; /* the host was first, and its post will close it */
    hub__conn_drop_term(c);
    c->state = HUB__CONN_LEAVING;
    c->cause = (uint8_t)cause;
    c->code = (uint16_t)code;
    c->close_ms = c->host->now_ms;
    c->left_at = moment.at;
    enter_leaving(c->host, c);
}

/* The peer is done; what it still sends is ignored. */
static void leave_peer(struct hub__conn *c, enum hub_close_cause cause,
                       int code)
{
    c->peer_closed = true;
    if (c->state == HUB__CONN_OPEN)
        leave(c, cause, code);
    else
        hub__conn_later(c); /* it may have been waiting for this */
}

void hub__conn_answer_close(struct hub__conn *c, int code)
{
    leave_peer(c, HUB_CLOSED_BY_PEER, code);
}

void hub__conn_expire(struct hub__conn *c)
{
    leave(c, HUB_CLOSED_EXPIRED, HUB__WS_ABNORMAL);
}

void hub__conn_fail(struct hub__conn *c, enum hub__fault fault)
{
    c->deaf = true;
    if (c->state == HUB__CONN_OPEN)
        c->fault = (uint8_t)fault;
    hub__reader_drop(&c->reader);
    leave_peer(c, faults[fault].cause, HUB__WS_ABNORMAL);
}

/* How a LEAVING connection is closed. */
static struct hub__ending ending_of(const struct hub__conn *c)
{
    if (c->fault != HUB__FAULT_NONE)
        return faults[c->fault];
    if (c->cause == HUB_CLOSED_EXPIRED)
        return (struct hub__ending){
            .cause = HUB_CLOSED_EXPIRED,
            .code = HUB__WS_UNAUTHORIZED,
            .frame = c->host->shared.expired,
        };
    return (struct hub__ending){
        .cause = (enum hub_close_cause)c->cause,
        .code = c->code,
    };
}

void hub__conn_part(struct hub__conn *c)
{
    const struct hub__ending ending = ending_of(c);

    c->leaving = false;
    if (c->state == HUB__CONN_DEAD)
        hub__conn_push(&c->host->dying, c);
    else if (c->state == HUB__CONN_LEAVING)
        hub__conn_close(c, &ending);
}
