/* flush.c - see flush.h. */
#include "loop/flush.h"

#include "loop/batch.h"
#include "loop/conn_write.h"

static void write_batch(struct hub__host *host)
{
    struct hub__batch *b = host->batch;
    size_t count = hub__batch_write(b, host);

    for (size_t i = 0; i < count; i++)
        hub__conn_wrote(b->conns[i], &b->writes[i]);
}

void hub__flush(struct hub__host *host)
{
    struct hub__conn *c = host->dirty_first, *next;
    struct hub__batch *b = host->batch;

    host->dirty_first = host->dirty_last = NULL;
    for (; c != NULL; c = next) {
        next = c->dirty_next;
        c->dirty = false;
        if (c->state == HUB__CONN_DEAD)
            continue;
        if (!hub__conn_is_socket(c)) {
            hub__conn_deliver(c);
        } else if (hub__conn_gather(c, &b->writes[b->count],
                                    b->iov[b->count])) {
            b->conns[b->count++] = c;
        }
        if (hub__batch_is_full(b))
            write_batch(host);
    }
    write_batch(host);
    if (host->dirty_first != NULL)
        host->again = true;
}
