/* loop.c - see loop.h.
 *
 * Why a pointer in a post or an event is never stale: a connection that dies
 * has left the registry by then, so any post that refers to it is at the latest
 * in the next chain taken from the mailbox; it is released when that whole
 * chain has been handled. Events of the batch in which it died find it DEAD,
 * and later batches have none, since its descriptor has left the epoll set.
 */
#include "loop/loop.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "loop/batch.h"
#include "loop/conn_life.h"
#include "loop/conn_queue.h"
#include "loop/conn_time.h"
#include "loop/flush.h"

#define TICK_MIN_MS 5
#define TICK_MAX_MS 1000
#define YIELDS_MAX 8

/* Time. --------------------------------------------------------------- */

/* A fraction of the shortest timeout, so that none is exceeded by much. */
static int64_t choose_tick(const struct hub_options *o)
{
    const unsigned limits[] = {
        o->ping_interval_ms, o->pong_timeout_ms,    o->write_timeout_ms,
        o->close_timeout_ms, o->message_timeout_ms,
    };
    int64_t shortest = INT64_MAX;

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        if (limits[i] < shortest)
            shortest = limits[i];
    }
    shortest /= 8;
    if (shortest < TICK_MIN_MS)
        return TICK_MIN_MS;
    return shortest > TICK_MAX_MS ? TICK_MAX_MS : shortest;
}

/* The timer only wakes the loop; what is due is decided by the clock. */
static void arm_timer(struct hub__loop *loop)
{
    int64_t wait_ms = loop->next_tick_ms - loop->host.clock_ms;
    int64_t drain_ms = hub__drain_wait_ms(&loop->drain);
    struct itimerspec spec = {0};

    if (drain_ms < wait_ms)
        wait_ms = drain_ms;
    if (loop->expiry.due_ms < loop->host.clock_ms + wait_ms)
        wait_ms = loop->expiry.due_ms - loop->host.clock_ms;
    if (wait_ms < 1)
        wait_ms = 1;
    loop->armed_ms = loop->host.clock_ms + wait_ms;
    spec.it_value.tv_sec = wait_ms / 1000;
    spec.it_value.tv_nsec = wait_ms % 1000 * 1000000;
    timerfd_settime(loop->timer_fd, 0, &spec, NULL);
}

/* Returns the time in microseconds. */
static int64_t advance_clock(struct hub__loop *loop)
{
    int64_t clock_us = loop->host.shared.clock(), clock_ms = clock_us / 1000;
    int64_t step_ms = clock_ms - loop->host.clock_ms;
    int64_t most_ms = 2 * loop->host.tick_ms + 1000;

    /* If the process was suspended, nothing from peers was read: that time is
     * not held against them. */
    loop->host.clock_ms = clock_ms;
    loop->host.now_ms += step_ms < most_ms ? step_ms : most_ms;
    if (step_ms > most_ms) {
        for (uint32_t i = 0; i < loop->host.conn_count; i++)
            hub__conn_forgive(loop->host.conns[i]);
    }
    atomic_store_explicit(&loop->turned_ms, clock_ms, memory_order_relaxed);
    return clock_us;
}

/* Beginning and end. -------------------------------------------------- */

static int init_memory(struct hub__loop *loop)
{
    loop->shutdown = hub__post_new(HUB__POST_SHUTDOWN, NULL, NULL);
    loop->host.ping = hub__frame_new(HUB__WS_PING, NULL, 0);
    loop->events = hub__malloc(HUB__EVENTS * sizeof *loop->events);
    loop->host.batch = hub__malloc(sizeof *loop->host.batch);
    loop->host.buffer = hub__malloc(HUB__READ_BYTES);
    if (loop->shutdown == NULL || loop->host.ping == NULL ||
        loop->events == NULL || loop->host.batch == NULL ||
        loop->host.buffer == NULL)
        return HUB_ENOMEM;
    loop->host.batch->count = 0;
    return 0;
}

static void fini_memory(struct hub__loop *loop)
{
    hub__post_free(loop->shutdown);
    if (loop->host.ping != NULL)
        hub__frame_unref(loop->host.ping);
    hub__free(loop->events);
    hub__free(loop->host.batch);
    hub__free(loop->host.buffer);
    hub__fanout_fini(&loop->fanout);
    hub__expiry_fini(&loop->expiry);
    hub__free(loop->host.conns);
}

int hub__loop_init(struct hub__loop *loop, const struct hub__shared *shared,
                   unsigned number, hub__drained_fn *drained)
{
    int err;

    memset(loop, 0, sizeof *loop);
    loop->host.shared = *shared;
    loop->host.number = number;
    loop->drained = drained;
    hub__fanout_init(&loop->fanout, &loop->host);
    hub__drain_init(&loop->drain, &loop->host);
    hub__expiry_init(&loop->expiry, &loop->host);
    loop->timer_fd = -1;
    loop->host.tick_ms = choose_tick(shared->options);
    loop->host.clock_ms = shared->clock() / 1000;
    loop->host.now_ms = loop->host.tick_ms; /* in some fields 0 means 'never' */
    loop->next_tick_ms = loop->host.clock_ms + loop->host.tick_ms;
    atomic_init(&loop->turned_ms, loop->host.clock_ms);

    loop->host.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->host.epoll_fd < 0)
        return HUB_ESYSTEM;
    loop->host.posted = &loop->mailbox.posted;
    err = hub__mailbox_init(&loop->mailbox);
    if (err != 0)
        goto fail_epoll;
    loop->timer_fd =
        timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    err = loop->timer_fd < 0 ? HUB_ESYSTEM : init_memory(loop);
    if (err == 0)
        err = hub__sender_init(&loop->host.sender, shared->options->sender);
    if (err != 0)
        goto fail;
    atomic_init(&loop->host.by_uring, hub__sender_is_uring(&loop->host.sender));
    /* Edge-triggered, so that it need not be read. */
    err = hub__host_watch(&loop->host, loop->mailbox.wake_fd, EPOLLIN | EPOLLET,
                          &loop->mailbox);
    if (err == 0)
        err = hub__host_watch(&loop->host, loop->timer_fd, EPOLLIN,
                              &loop->timer_fd);
    if (err != 0)
        goto fail;
    arm_timer(loop);
    return 0;

fail:
    hub__sender_fini(&loop->host.sender);
    fini_memory(loop);
    if (loop->timer_fd >= 0)
        close(loop->timer_fd);
    hub__mailbox_fini(&loop->mailbox);
fail_epoll:
    close(loop->host.epoll_fd);
    return err;
}

static void *run(void *context)
{
    struct hub__loop *loop = context;

    while (!atomic_load_explicit(&loop->stop, memory_order_acquire)) {
        int err = hub__loop_turn(loop, -1);

        if (err != 0) {
            hub__log(hub__host_options(&loop->host), HUB_LOG_ERROR,
                     "event loop stopped: %s", strerror(errno));
            break;
        }
    }
    return NULL;
}

int hub__loop_start(struct hub__loop *loop)
{
    sigset_t all, before;
    int err;

    /* Signals belong to the host: none may be delivered to our threads. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    loop->has_thread = true; /* before the thread reads it */
    err = pthread_create(&loop->thread, NULL, run, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err != 0) {
        loop->has_thread = false;
        errno = err;
        return HUB_ESYSTEM;
    }
    return 0;
}

bool hub__loop_is_caller(const struct hub__loop *loop)
{
    if (loop->has_thread)
        return pthread_equal(pthread_self(), loop->thread) != 0;
    return atomic_load(&loop->in_turn) &&
           pthread_equal(pthread_self(), atomic_load(&loop->driver)) != 0;
}

/* Posts. -------------------------------------------------------------- */

static void handle_post(struct hub__loop *loop, const struct hub__post *post)
{
    switch (post->kind) {
    case HUB__POST_ADD:
        hub__fanout_skip(&loop->fanout, post->conn);
        hub__conn_open(post->conn);
        hub__expiry_set(&loop->expiry, post->conn, post->deadline_ms);
        break;
    case HUB__POST_EXPIRE:
        hub__expiry_set(&loop->expiry, post->conn, post->deadline_ms);
        break;
    case HUB__POST_REJECT:
        hub__fanout_skip(&loop->fanout, post->conn);
        hub__conn_reject(post->conn);
        break;
    case HUB__POST_FRAME:
        hub__fanout_catch_up(&loop->fanout, post->conn);
        hub__conn_queue(post->conn, post->frame);
        break;
    case HUB__POST_BROADCAST:
        hub__fanout_add(&loop->fanout, post->frame, post->except,
                        post->except_count);
        break;
    case HUB__POST_CLOSE:
        hub__fanout_catch_up(&loop->fanout, post->conn);
        hub__conn_close(post->conn, &(struct hub__ending){
                                        .cause = HUB_CLOSED_BY_HOST,
                                        .code = post->code,
                                        .frame = post->frame,
                                    });
        break;
    case HUB__POST_DROP:
        hub__fanout_catch_up(&loop->fanout, post->conn);
        post->conn->wire->drop(post->conn);
        break;
    case HUB__POST_SHUTDOWN:
        hub__fanout_spread(&loop->fanout);
        hub__drain_begin(&loop->drain, post->deadline_ms);
        arm_timer(loop);
        break;
    }
}

/* After a broadcast there are often more to come: yields to threads that are
 * about to post and wait for a core, as long as that brings posts. Broadcasts
 * that arrive together leave in one write per connection. */
static void let_others_post(const struct hub__loop *loop)
{
    size_t before = 0, bytes;

    for (int i = 0; i < YIELDS_MAX; i++) {
        sched_yield();
        bytes =
            atomic_load_explicit(&loop->mailbox.bytes, memory_order_relaxed);
        if (bytes == before)
            return;
        before = bytes;
    }
}

static void take_posts(struct hub__loop *loop)
{
    struct hub__conn **end = &loop->dead;

    if (loop->has_thread && loop->has_spread)
        let_others_post(loop);
    loop->posts = hub__mailbox_take(&loop->mailbox);
    while (*end != NULL)
        end = &(*end)->next;
    *end = loop->host.dying;
    loop->host.dying = NULL;
}

static void part(struct hub__loop *loop, struct hub__conn *c)
{
    loop->host.leaving = c->next;
    if (c->state != HUB__CONN_DEAD)
        hub__fanout_catch_up(&loop->fanout, c);
    hub__conn_part(c);
}

/* Closes leaving connections whose last post has been handled. Later posts do
 * not include them, not even broadcasts. */
static void part_done(struct hub__loop *loop)
{
    while (loop->host.leaving != NULL &&
           loop->host.leaving->left_at <= loop->handled)
        part(loop, loop->host.leaving);
}

/* Returns whether everything was handled. */
static bool handle_posts(struct hub__loop *loop)
{
    struct hub__post *post;
    struct hub__chain before;

    if (loop->posts.first == NULL)
        take_posts(loop);
    before = loop->posts;
    for (unsigned i = 0;
         i < HUB__TURN_POSTS && !hub__fanout_is_full(&loop->fanout); i++) {
        part_done(loop);
        post = hub__chain_pop(&loop->posts);
        if (post == NULL)
            break;
        loop->handled++;
        handle_post(loop, post);
        hub__post_free(post);
    }
    loop->has_spread = loop->fanout.count > 0;
    hub__fanout_spread(&loop->fanout);
    hub__mailbox_done(&loop->mailbox, before.bytes - loop->posts.bytes,
                      before.work - loop->posts.work);
    return loop->posts.first == NULL;
}

/* A turn. ------------------------------------------------------------- */

static void handle_event(struct hub__loop *loop,
                         const struct epoll_event *event)
{
    struct hub__conn *c = event->data.ptr;
    uint64_t count;

    if (event->data.ptr == &loop->mailbox)
        return;
    if (event->data.ptr == &loop->timer_fd) {
        /* Drains the timer; a failure only means that it was empty. */
        if (read(loop->timer_fd, &count, sizeof count) < 0)
            count = 0;
        loop->armed_ms = INT64_MIN;
        return;
    }
    /* It may have died earlier in this batch. */
    if (c->state != HUB__CONN_DEAD &&
        (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        c->wire->readable(c);
    if (c->state != HUB__CONN_DEAD && (event->events & EPOLLOUT) != 0)
        c->wire->writable(c);
}

static void tick(struct hub__loop *loop)
{
    loop->next_tick_ms = loop->host.clock_ms + loop->host.tick_ms;
    for (uint32_t i = loop->host.conn_count; i-- > 0;)
        loop->host.conns[i]->wire->tick(loop->host.conns[i]);
    loop->armed_ms = INT64_MIN; /* the timer was set for this tick */
}

static void handle_time(struct hub__loop *loop)
{
    hub__drain_act(&loop->drain);
    if (loop->expiry.due_ms <= loop->host.clock_ms)
        hub__expiry_act(&loop->expiry);
    if (loop->host.clock_ms >= loop->next_tick_ms)
        tick(loop);
    if (loop->armed_ms == INT64_MIN || loop->expiry.due_ms < loop->armed_ms)
        arm_timer(loop);
}

static void free_list(struct hub__conn *c)
{
    while (c != NULL) {
        struct hub__conn *next = c->next;

        hub__conn_free(c);
        c = next;
    }
}

static void reap(struct hub__loop *loop)
{
    free_list(loop->dead);
    loop->dead = NULL;
}

static void begin_turn(struct hub__loop *loop)
{
    atomic_store(&loop->driver, pthread_self());
    atomic_store(&loop->in_turn, true);
}

static void work(struct hub__loop *loop, int event_count)
{
    int64_t began_us;
    bool all;

    begin_turn(loop);
    loop->host.again = false;
    began_us = advance_clock(loop);
    for (int i = 0; i < event_count; i++)
        handle_event(loop, &loop->events[i]);
    all = handle_posts(loop);
    handle_time(loop);
    hub__flush(&loop->host);
    if (all)
        reap(loop);
    if (!all || loop->host.leaving != NULL || loop->host.dying != NULL)
        loop->host.again = true;
    if (hub__drain_finish(&loop->drain)) {
        loop->drained(loop->host.shared.hub, loop->drain.cut_off);
        arm_timer(loop);
    }
    atomic_store(&loop->in_turn, false);
    hub__room_made(loop->host.shared.room);
    hub__histogram_add(&loop->host.counters.turns,
                       loop->host.shared.clock() - began_us, 1);
}

int hub__loop_turn(struct hub__loop *loop, int timeout_ms)
{
    int count = epoll_wait(loop->host.epoll_fd, loop->events, HUB__EVENTS,
                           loop->host.again ? 0 : timeout_ms);

    if (count < 0) {
        if (errno != EINTR)
            return HUB_ESYSTEM;
        count = 0;
    }
    work(loop, count);
    if (!loop->host.again && !hub__mailbox_sleep(&loop->mailbox))
        loop->host.again = true;
    if (loop->host.again && !loop->has_thread)
        hub__mailbox_wake(&loop->mailbox); /* makes hub_fd() readable */
    return 0;
}

void hub__loop_fini(struct hub__loop *loop)
{
    if (loop->has_thread) {
        atomic_store_explicit(&loop->stop, true, memory_order_release);
        hub__mailbox_wake(&loop->mailbox);
        pthread_join(loop->thread, NULL);
        loop->has_thread = false;
    }
    begin_turn(loop);
    while (!handle_posts(loop) || !hub__mailbox_sleep(&loop->mailbox))
        ;
    hub__drain_cut_all(&loop->drain);
    while (loop->host.leaving != NULL)
        part(loop, loop->host.leaving);
    free_list(loop->dead);
    free_list(loop->host.dying);
    hub__sender_fini(&loop->host.sender);
    fini_memory(loop);
    close(loop->timer_fd);
    close(loop->host.epoll_fd);
    hub__mailbox_fini(&loop->mailbox);
}
