/* mailbox.c - see mailbox.h.
 *
 * Why no wake-up is lost: `asleep` is set under the lock and only while the
 * chain is empty, and the thread that makes it non-empty clears it and writes
 * to the eventfd. The loop waits for the eventfd along with everything else.
 */
#include "loop/mailbox.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"

int hub__mailbox_init(struct hub__mailbox *m)
{
    *m = (struct hub__mailbox){.asleep = true};
    m->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (m->wake_fd < 0)
        return HUB_ESYSTEM;
    pthread_mutex_init(&m->lock, NULL);
    return 0;
}

void hub__mailbox_fini(struct hub__mailbox *m)
{
    hub__chain_free(&m->chain);
    pthread_mutex_destroy(&m->lock);
    close(m->wake_fd);
}

static struct hub__post *make(enum hub__post_kind kind, struct hub__conn *conn,
                              struct hub__frame *frame, size_t except_max)
{
    size_t bytes =
        sizeof(struct hub__post) + except_max * sizeof(struct hub__conn *);
    struct hub__post *post = hub__malloc(bytes);

    if (post == NULL)
        return NULL;
    *post = (struct hub__post){
        .kind = kind,
        .conn = conn,
        .frame = frame,
        .bytes = bytes,
    };
    if (frame != NULL) {
        hub__frame_ref(frame, 1);
        post->bytes += frame->bytes;
    }
    return post;
}

struct hub__post *hub__post_new(enum hub__post_kind kind,
                                struct hub__conn *conn,
                                struct hub__frame *frame)
{
    return make(kind, conn, frame, 0);
}

struct hub__post *hub__post_broadcast(struct hub__frame *frame,
                                      size_t except_max)
{
    return make(HUB__POST_BROADCAST, NULL, frame, except_max);
}

void hub__post_free(struct hub__post *post)
{
    if (post == NULL)
        return;
    if (post->frame != NULL)
        hub__frame_unref(post->frame);
    hub__free(post);
}

void hub__chain_add(struct hub__chain *chain, struct hub__post *post)
{
    post->next = NULL;
    if (chain->last != NULL)
        chain->last->next = post;
    else
        chain->first = post;
    chain->last = post;
    chain->count++;
    chain->bytes += post->bytes;
    chain->work += post->work;
}

struct hub__post *hub__chain_pop(struct hub__chain *chain)
{
    struct hub__post *post = chain->first;

    if (post == NULL)
        return NULL;
    chain->first = post->next;
    if (chain->first == NULL)
        chain->last = NULL;
    chain->count--;
    chain->bytes -= post->bytes;
    chain->work -= post->work;
    return post;
}

void hub__chain_free(struct hub__chain *chain)
{
    struct hub__post *post;

    while ((post = hub__chain_pop(chain)) != NULL)
        hub__post_free(post);
}

bool hub__mailbox_post(struct hub__mailbox *m, const struct hub__chain *chain)
{
    bool wake;

    pthread_mutex_lock(&m->lock);
    if (m->chain.last != NULL)
        m->chain.last->next = chain->first;
    else
        m->chain.first = chain->first;
    m->chain.last = chain->last;
    m->chain.count += chain->count;
    m->chain.bytes += chain->bytes;
    m->chain.work += chain->work;
    atomic_fetch_add_explicit(&m->posted, chain->count, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->bytes, chain->bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->work, chain->work, memory_order_relaxed);
    wake = m->asleep;
    m->asleep = false;
    pthread_mutex_unlock(&m->lock);
    return wake;
}

void hub__mailbox_wake(struct hub__mailbox *m)
{
    const uint64_t one = 1;
    ssize_t written;

    /* Each write is an edge; the counter never gets large enough for one to
     * fail. */
    do
        written = write(m->wake_fd, &one, sizeof one);
    while (written < 0 && errno == EINTR);
}

struct hub__chain hub__mailbox_take(struct hub__mailbox *m)
{
    struct hub__chain chain;

    pthread_mutex_lock(&m->lock);
    chain = m->chain;
    m->chain = (struct hub__chain){0};
    m->asleep = false;
    pthread_mutex_unlock(&m->lock);
    return chain;
}

void hub__mailbox_done(struct hub__mailbox *m, size_t bytes, uint64_t work)
{
    /* Not relaxed: a thread may be waiting for this, see room.h. */
    atomic_fetch_sub(&m->bytes, bytes);
    atomic_fetch_sub(&m->work, work);
}

bool hub__mailbox_sleep(struct hub__mailbox *m)
{
    bool asleep;

    pthread_mutex_lock(&m->lock);
    asleep = m->asleep = m->chain.first == NULL;
    pthread_mutex_unlock(&m->lock);
    return asleep;
}
