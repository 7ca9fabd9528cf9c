/* flush.c - see flush.h. */
#include "loop/flush.h"

#include "loop/conn_write.h"

void hub__flush(struct hub__host *host)
{
    struct hub__conn *c = host->dirty_first, *next;

    host->dirty_first = host->dirty_last = NULL;
    for (; c != NULL; c = next) {
        next = c->dirty_next;
        c->dirty = false;
        if (c->state != HUB__CONN_DEAD)
            c->wire->send(c);
    }
    hub__conn_write_all(host);
    if (host->dirty_first != NULL)
        host->again = true;
}
