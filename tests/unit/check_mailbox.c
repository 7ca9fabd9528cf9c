/* check_mailbox.c - order, counts of bytes, and wake-ups: none lost while
 * several producers race with a consumer that sleeps.
 */
#include "loop/mailbox.h"

#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "testing.h"

#define PRODUCERS 4
#define POSTS_EACH 20000

static struct hub__post *new_post(int code, struct hub__frame *frame)
{
    struct hub__post *post = hub__post_new(HUB__POST_FRAME, NULL, frame);

    if (post == NULL)
        ck_abort_msg("no memory");
    post->code = code;
    return post;
}

static bool post_one(struct hub__mailbox *m, int code)
{
    struct hub__chain chain = {0};

    hub__chain_add(&chain, new_post(code, NULL));
    return hub__mailbox_post(m, &chain);
}

static bool is_readable(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    return poll(&ready, 1, 0) == 1;
}

START_TEST(posts_come_out_in_the_order_they_went_in)
{
    struct hub__mailbox m;
    struct hub__chain chain = {0};
    const struct hub__post *post;
    int expected = 0;

    ck_assert_int_eq(hub__mailbox_init(&m), 0);
    post_one(&m, 0);
    for (int i = 1; i < 4; i++)
        hub__chain_add(&chain, new_post(i, NULL));
    hub__mailbox_post(&m, &chain);
    post_one(&m, 4);
    chain = hub__mailbox_take(&m);
    for (post = chain.first; post != NULL; post = post->next)
        ck_assert_int_eq(post->code, expected++);
    ck_assert_int_eq(expected, 5);
    hub__chain_free(&chain);
    chain = hub__mailbox_take(&m);
    ck_assert_ptr_null(chain.first);
    hub__mailbox_fini(&m);
}
END_TEST

START_TEST(a_chain_gives_its_posts_one_by_one)
{
    struct hub__frame *frame = hub__frame_new(HUB__WS_TEXT, "12345678", 8);
    struct hub__chain chain = {0};
    struct hub__post *post;

    ck_assert_ptr_null(hub__chain_pop(&chain));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i <= round; i++)
            hub__chain_add(&chain, new_post(i, i % 2 == 0 ? frame : NULL));
        for (int i = 0; i <= round; i++) {
            size_t before = chain.bytes;

            post = hub__chain_pop(&chain);
            ck_assert_ptr_nonnull(post);
            ck_assert_int_eq(post->code, i);
            ck_assert_uint_eq(before - chain.bytes,
                              sizeof *post + (i % 2 == 0 ? frame->bytes : 0));
            hub__post_free(post);
        }
        ck_assert_ptr_null(chain.first);
        ck_assert_ptr_null(chain.last);
        ck_assert_uint_eq(chain.bytes, 0);
        ck_assert_ptr_null(hub__chain_pop(&chain));
    }
    ck_assert_uint_eq(atomic_load(&frame->references), 1);
    hub__frame_unref(frame);
}
END_TEST

START_TEST(a_chain_may_grow_and_shrink_in_turns)
{
    struct hub__chain chain = {0};
    uint64_t seed = 5;
    int in = 0, out = 0;

    while (out < 1000) {
        if (testing_random(&seed) % 2 == 0) {
            hub__chain_add(&chain, new_post(in++, NULL));
        } else if (in > out) {
            struct hub__post *post = hub__chain_pop(&chain);

            ck_assert_int_eq(post->code, out++);
            hub__post_free(post);
        }
        ck_assert_uint_eq(chain.bytes,
                          (size_t)(in - out) * sizeof(struct hub__post));
        ck_assert((chain.first == NULL) == (in == out));
    }
    hub__chain_free(&chain);
    ck_assert_ptr_null(chain.first);
    ck_assert_uint_eq(chain.bytes, 0);
}
END_TEST

START_TEST(bytes_are_those_of_the_frames_that_wait)
{
    struct hub__frame *frame = hub__frame_new(HUB__WS_TEXT, "12345678", 8);
    struct hub__mailbox m;
    struct hub__chain chain = {0};

    ck_assert_int_eq(hub__mailbox_init(&m), 0);
    for (int i = 0; i < 3; i++)
        hub__chain_add(&chain, new_post(i, frame));
    hub__mailbox_post(&m, &chain);
    post_one(&m, 3);
    ck_assert_uint_ge(atomic_load(&m.bytes), 30);
    ck_assert_uint_eq(atomic_load(&frame->references), 4);
    chain = hub__mailbox_take(&m);
    hub__chain_free(&chain);
    ck_assert_uint_eq(chain.bytes, 0);
    ck_assert_uint_eq(atomic_load(&frame->references), 1);
    hub__frame_unref(frame);
    hub__mailbox_fini(&m);
}
END_TEST

/* What was taken waits until it is done. */
START_TEST(bytes_and_work_go_down_as_posts_are_done)
{
    struct hub__frame *frame = hub__frame_new(HUB__WS_TEXT, "12345678", 8);
    const size_t each = sizeof(struct hub__post) + 10;
    struct hub__mailbox m;
    struct hub__chain chain = {0}, taken;

    ck_assert_int_eq(hub__mailbox_init(&m), 0);
    for (int i = 0; i < 3; i++) {
        struct hub__post *post = new_post(i, frame);

        post->work = 7;
        hub__chain_add(&chain, post);
    }
    ck_assert_uint_eq(chain.bytes, 3 * each);
    ck_assert_uint_eq(chain.work, 21);
    hub__mailbox_post(&m, &chain);
    ck_assert_uint_eq(atomic_load(&m.bytes), 3 * each);
    taken = hub__mailbox_take(&m);
    ck_assert_uint_eq(taken.bytes, 3 * each);
    ck_assert_uint_eq(atomic_load(&m.bytes), 3 * each);
    chain = (struct hub__chain){0};
    hub__chain_add(&chain, new_post(3, frame));
    hub__mailbox_post(&m, &chain);
    ck_assert_uint_eq(atomic_load(&m.bytes), 4 * each);
    hub__post_free(hub__chain_pop(&taken));
    hub__mailbox_done(&m, each, 7);
    ck_assert_uint_eq(atomic_load(&m.bytes), 3 * each);
    hub__chain_free(&taken);
    hub__mailbox_done(&m, 2 * each, 14);
    ck_assert_uint_eq(atomic_load(&m.bytes), each);
    ck_assert_uint_eq(atomic_load(&m.work), 0);
    taken = hub__mailbox_take(&m);
    hub__mailbox_done(&m, taken.bytes, taken.work);
    ck_assert_uint_eq(atomic_load(&m.bytes), 0);
    hub__chain_free(&taken);
    ck_assert_uint_eq(atomic_load(&frame->references), 1);
    hub__frame_unref(frame);
    hub__mailbox_fini(&m);
}
END_TEST

START_TEST(only_a_loop_that_sleeps_is_woken)
{
    struct hub__mailbox m;
    struct hub__chain chain;

    ck_assert_int_eq(hub__mailbox_init(&m), 0);
    ck_assert(post_one(&m, 0)); /* a new one counts as asleep */
    ck_assert(!post_one(&m, 1));
    ck_assert(!hub__mailbox_sleep(&m)); /* there is something to do */
    ck_assert(!post_one(&m, 2));
    chain = hub__mailbox_take(&m);
    hub__chain_free(&chain);
    ck_assert(!post_one(&m, 3));
    chain = hub__mailbox_take(&m);
    hub__chain_free(&chain);
    ck_assert(hub__mailbox_sleep(&m));
    ck_assert(post_one(&m, 4));
    ck_assert(!post_one(&m, 5));
    hub__mailbox_fini(&m); /* releases the two */
}
END_TEST

/* As the loop does it: each wake-up is reported once, and nobody reads. */
static int watch(const struct hub__mailbox *m)
{
    struct epoll_event watched = {.events = EPOLLIN | EPOLLET};
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

    ck_assert_int_eq(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, m->wake_fd, &watched),
                     0);
    return epoll_fd;
}

START_TEST(a_wake_up_is_an_edge)
{
    struct epoll_event event;
    struct hub__mailbox m;
    int epoll_fd;

    ck_assert_int_eq(hub__mailbox_init(&m), 0);
    epoll_fd = watch(&m);
    for (int i = 0; i < 3; i++) {
        ck_assert(!is_readable(epoll_fd));
        hub__mailbox_wake(&m);
        hub__mailbox_wake(&m);
        ck_assert(is_readable(epoll_fd));
        ck_assert_int_eq(epoll_wait(epoll_fd, &event, 1, 0), 1);
        ck_assert_int_eq(epoll_wait(epoll_fd, &event, 1, 0), 0);
    }
    close(epoll_fd);
    hub__mailbox_fini(&m);
}
END_TEST

START_TEST(without_memory_there_is_no_post)
{
    struct hub__frame *frame = hub__frame_new(HUB__WS_TEXT, "x", 1);

    testing_fail_allocation(1);
    ck_assert_ptr_null(hub__post_new(HUB__POST_FRAME, NULL, frame));
    testing_allow_memory();
    ck_assert_uint_eq(atomic_load(&frame->references), 1);
    hub__frame_unref(frame);
    hub__post_free(NULL);
}
END_TEST

struct producer {
    struct hub__mailbox *mailbox;
    int number;
    pthread_t thread;
};

static void *produce(void *context)
{
    struct producer *p = context;
    uint64_t seed = (uint64_t)p->number + 1;

    for (int i = 0; i < POSTS_EACH;) {
        struct hub__chain chain = {0};
        int run = (int)(testing_random(&seed) % 4) + 1;

        for (; run > 0 && i < POSTS_EACH; run--, i++) {
            struct hub__post *post = hub__post_new(HUB__POST_FRAME, NULL, NULL);

            if (post == NULL)
                return p;
            post->code = p->number * POSTS_EACH + i;
            hub__chain_add(&chain, post);
        }
        if (hub__mailbox_post(p->mailbox, &chain))
            hub__mailbox_wake(p->mailbox);
    }
    return NULL;
}

/* Takes what is there and checks that each producer's posts are in order. */
static int consume(struct hub__mailbox *m, int next[PRODUCERS])
{
    struct hub__chain chain = hub__mailbox_take(m);
    struct hub__post *post;
    int count = 0;

    hub__mailbox_done(m, chain.bytes, chain.work);
    for (; (post = hub__chain_pop(&chain)) != NULL; hub__post_free(post)) {
        int producer = post->code / POSTS_EACH;

        if (post->code % POSTS_EACH != next[producer]++)
            ck_abort_msg("post %d out of order", post->code);
        count++;
    }
    return count;
}

START_TEST(no_wake_up_is_lost_with_several_producers)
{
    struct hub__mailbox m;
    struct producer producers[PRODUCERS];
    int next[PRODUCERS] = {0};
    int left = PRODUCERS * POSTS_EACH;
    struct epoll_event event;
    void *failed;
    int epoll_fd;

    ck_assert_int_eq(hub__mailbox_init(&m), 0);
    epoll_fd = watch(&m);
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.mailbox = &m, .number = i};
        ck_assert_int_eq(
            pthread_create(&producers[i].thread, NULL, produce, &producers[i]),
            0);
    }
    while (left > 0) {
        left -= consume(&m, next);
        if (left > 0 && hub__mailbox_sleep(&m) &&
            epoll_wait(epoll_fd, &event, 1, 20000) != 1)
            ck_abort_msg("asleep, with %d posts to come", left);
    }
    for (int i = 0; i < PRODUCERS; i++) {
        pthread_join(producers[i].thread, &failed);
        ck_assert_ptr_null(failed);
    }
    ck_assert_uint_eq(atomic_load(&m.bytes), 0);
    close(epoll_fd);
    hub__mailbox_fini(&m);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        posts_come_out_in_the_order_they_went_in,
        a_chain_gives_its_posts_one_by_one,
        a_chain_may_grow_and_shrink_in_turns,
        bytes_are_those_of_the_frames_that_wait,
        bytes_and_work_go_down_as_posts_are_done,
        only_a_loop_that_sleeps_is_woken,
        a_wake_up_is_an_edge,
        without_memory_there_is_no_post,
        no_wake_up_is_lost_with_several_producers,
    };

    return testing_run("mailbox", tests, TESTING_LENGTH(tests));
}
