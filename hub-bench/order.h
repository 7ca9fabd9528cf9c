/* order.h - whether what one client gets from one lane comes in order.
 *
 * A lane is one HTTP connection's worth of publishing: its next message is
 * posted after the answer to the one before, so a hub must deliver its messages
 * in that order. Nothing is promised across lanes. Gaps are no error here: a
 * message may be for somebody else, and one that never comes is counted where
 * it was waited for. Pure; zeroed before the first message.
 */
#ifndef HUB_BENCH_ORDER_H
#define HUB_BENCH_ORDER_H

#include <stdint.h>

#define ORDER_MEMORY 32 /* messages back that are told from second ones */

struct order {
    uint32_t next; /* one above the highest position so far */
    uint32_t seen; /* bit n: position next - 1 - n has come */
};

enum order_result {
    ORDER_FINE,
    ORDER_LATE,  /* a later one came before it */
    ORDER_TWICE, /* has come already, or is too far back to tell */
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

/* Whether the message at that position came, as far as is remembered. */
static inline int order_has(const struct order *o, uint32_t position)
{
    uint32_t back = o->next - 1 - position;

    if (position - o->next < UINT32_MAX / 2)
        return 0;
    return back >= ORDER_MEMORY || (o->seen >> back & 1) != 0;
}

#endif
