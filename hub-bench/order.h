/* order.h - whether one client gets the messages of one lane in order.
 *
 * A lane is one HTTP connection's worth of publishing: its next message is
 * posted after the answer to the one before, so a hub must deliver its messages
 * in that order. Nothing is promised across lanes. Gaps are not an error here:
 * a message may be for another client, and missing ones are counted in
 * flights.h. Pure; zeroed before the first message.
 */
#ifndef HUB_BENCH_ORDER_H
#define HUB_BENCH_ORDER_H

#include <stdint.h>

#define ORDER_MEMORY 32 /* how many messages back duplicates are recognized */

struct order {
    uint32_t next; /* highest position so far, plus one */
    uint32_t seen; /* bit n: position next - 1 - n has arrived */
};

enum order_result {
    ORDER_FINE,
    ORDER_LATE,  /* a later one arrived first */
    ORDER_TWICE, /* a duplicate, or too far back to tell */
};

static inline enum order_result order_take(struct order *o, uint32_t position)
{
    uint32_t ahead = position - o->next, back;

    if (ahead < UINT32_MAX / 2) {
        o->seen = ahead + 1 < ORDER_MEMORY ? o->seen << (ahead + 1) : 0;
        o->seen |= 1;
        o->next = position + 1;
        return ORDER_FINE;
    }
    back = o->next - 1 - position;
    if (back >= ORDER_MEMORY || (o->seen >> back & 1) != 0)
        return ORDER_TWICE;
    o->seen |= UINT32_C(1) << back;
    return ORDER_LATE;
}

/* Whether the message at that position arrived, as far as is remembered. */
static inline int order_has(const struct order *o, uint32_t position)
{
    uint32_t back = o->next - 1 - position;

    if (position - o->next < UINT32_MAX / 2)
        return 0;
    return back >= ORDER_MEMORY || (o->seen >> back & 1) != 0;
}

#endif
