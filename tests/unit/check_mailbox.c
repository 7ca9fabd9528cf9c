/* check_mailbox.c - order, the count of bytes, and wake-ups: none lost while
 * several producers and a consumer that sleeps run into one another.
 */
#include "mailbox.h"

#include <poll.h>
#include <string.h>
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
    ck_assert_uint_eq(atomic_load(&m.bytes), 0);
    hub__chain_free(&chain);
    ck_assert_uint_eq(chain.bytes, 0);
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

START_TEST(a_wake_up_makes_the_descriptor_readable_until_it_is_taken)
{
    struct hub__mailbox m;

    ck_assert_int_eq(hub__mailbox_init(&m), 0);
    ck_assert(!is_readable(m.wake_fd));
    hub__mailbox_wake(&m);
    hub__mailbox_wake(&m);
    ck_assert(is_readable(m.wake_fd));
    hub__mailbox_woken(&m);
    ck_assert(!is_readable(m.wake_fd));
    hub__mailbox_woken(&m); /* does not wait */
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
    int count = 0;

    for (struct hub__post *post = chain.first; post != NULL;
         post = post->next) {
        int producer = post->code / POSTS_EACH;

        if (post->code % POSTS_EACH != next[producer]++)
            ck_abort_msg("post %d out of order", post->code);
        count++;
    }
    hub__chain_free(&chain);
    return count;
}

START_TEST(no_wake_up_is_lost_with_several_producers)
{
    struct hub__mailbox m;
    struct producer producers[PRODUCERS];
    int next[PRODUCERS] = {0};
    int left = PRODUCERS * POSTS_EACH;
    void *failed;

    ck_assert_int_eq(hub__mailbox_init(&m), 0);
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.mailbox = &m, .number = i};
        ck_assert_int_eq(
            pthread_create(&producers[i].thread, NULL, produce, &producers[i]),
            0);
    }
    while (left > 0) {
        struct pollfd ready = {.fd = m.wake_fd, .events = POLLIN};

        left -= consume(&m, next);
        if (left > 0 && hub__mailbox_sleep(&m)) {
            if (poll(&ready, 1, 20000) != 1)
                ck_abort_msg("asleep, with %d posts to come", left);
            hub__mailbox_woken(&m);
        }
    }
    for (int i = 0; i < PRODUCERS; i++) {
        pthread_join(producers[i].thread, &failed);
        ck_assert_ptr_null(failed);
    }
    hub__mailbox_fini(&m);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        posts_come_out_in_the_order_they_went_in,
        bytes_are_those_of_the_frames_that_wait,
        only_a_loop_that_sleeps_is_woken,
        a_wake_up_makes_the_descriptor_readable_until_it_is_taken,
        without_memory_there_is_no_post,
        no_wake_up_is_lost_with_several_producers,
    };

    return testing_run("mailbox", tests, TESTING_LENGTH(tests));
}
