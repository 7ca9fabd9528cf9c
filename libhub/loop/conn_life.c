/* conn_life.c - see conn_life.h. */
#include "loop/conn_life.h"

#include "loop/conn_write.h"

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

/* The peer is the one who ends it: what waits is of no use any more. */
static void end(struct hub__conn *c, const struct hub__ending *ending)
{
    if (c->state == HUB__CONN_OPEN) {
        hub__outbox_drop_unsent(&c->outbox);
        hub__conn_close(c, ending);
    } else {
        hub__conn_later(c);
    }
}

void hub__conn_answer_close(struct hub__conn *c, int code)
{
    c->peer_closed = true;
    end(c, &(struct hub__ending){.cause = HUB_CLOSED_BY_PEER, .code = code});
}

static bool is_our_fault(int status)
{
    return status == HUB__WS_INTERNAL_ERROR || status == HUB__WS_TRY_LATER;
}

void hub__conn_fail(struct hub__conn *c, int status, const char *reason)
{
    c->peer_closed = c->deaf = true;
    hub__reader_drop(&c->reader);
    end(c, &(struct hub__ending){
               .cause = is_our_fault(status) ? HUB_CLOSED_ERROR
                                             : HUB_CLOSED_PROTOCOL_ERROR,
               .code = status,
               .reason = reason,
           });
}
