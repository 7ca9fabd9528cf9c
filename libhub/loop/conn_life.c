/* conn_life.c - see conn_life.h. */
#include "loop/conn_life.h"

#include "loop/conn_write.h"

/* Puts the Close frame behind what waits. Without memory for that, what waits
 * leaves now, as far as the socket takes it: an empty outbox has room for one
 * frame. Returns whether there will be a Close frame. */
static bool queue_close(struct hub__conn *c, struct hub__frame *frame)
{
    if (frame != NULL && hub__outbox_push(&c->outbox, frame) == 0)
        return true;
    while (c->state == HUB__CONN_OPEN && (!c->blocked || c->retry) &&
           !hub__outbox_empty(&c->outbox))
        hub__conn_flush(c);
    return c->state == HUB__CONN_OPEN && frame != NULL &&
           hub__outbox_push(&c->outbox, frame) == 0;
}

void hub__conn_close(struct hub__conn *c, struct hub__frame *frame, int code,
                     enum hub_close_cause cause)
{
    if (c->state >= HUB__CONN_CLOSING)
        return;
    if (hub__conn_is_socket(c) && !queue_close(c, frame)) {
        hub__conn_cut(c, cause);
        return;
    }
    hub__conn_begin_closing(c, code, cause);
    if (hub__conn_is_socket(c))
        hub__conn_begins_wait(c);
    hub__conn_later(c);
}

void hub__conn_close_code(struct hub__conn *c, int code, const char *reason,
                          enum hub_close_cause cause)
{
    struct hub__frame *frame;

    if (c->state >= HUB__CONN_CLOSING)
        return;
    if (!hub__conn_is_socket(c)) {
        hub__conn_close(c, NULL, code, cause);
        return;
    }
    frame = hub__frame_close(code, reason);
    hub__conn_close(c, frame, code, cause);
    if (frame != NULL)
        hub__frame_unref(frame);
}

void hub__conn_drop(struct hub__conn *c)
{
    if (hub__conn_is_socket(c))
        hub__conn_cut(c, HUB_CLOSED_BY_HOST);
    else
        hub__conn_close(c, NULL, HUB__WS_ABNORMAL, HUB_CLOSED_BY_HOST);
}

void hub__conn_answer_close(struct hub__conn *c, int code)
{
    c->peer_closed = true;
    if (c->state == HUB__CONN_OPEN) {
        hub__outbox_drop_unsent(&c->outbox);
        hub__conn_close_code(c, code, NULL, HUB_CLOSED_BY_PEER);
    } else {
        hub__conn_later(c);
    }
}

static bool is_our_fault(int status)
{
    return status == HUB__WS_INTERNAL_ERROR || status == HUB__WS_TRY_LATER;
}

void hub__conn_fail(struct hub__conn *c, int status, const char *reason)
{
    c->peer_closed = c->deaf = true;
    hub__reader_drop(&c->reader);
    if (c->state == HUB__CONN_OPEN) {
        hub__outbox_drop_unsent(&c->outbox);
        hub__conn_close_code(c, status, reason,
                             is_our_fault(status) ? HUB_CLOSED_ERROR
                                                  : HUB_CLOSED_PROTOCOL_ERROR);
    } else {
        hub__conn_later(c);
    }
}
