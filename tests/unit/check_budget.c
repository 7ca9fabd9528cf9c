/* check_budget.c - what is taken, what is left, and one connection's share;
 * also while many threads take and give.
 */
#include "base/budget.h"

#include "testing.h"

#define THREADS 4
#define STEPS 100000

START_TEST(no_more_is_taken_than_there_is)
{
    struct hub__budget b = {.limit = 100};

    ck_assert(hub__budget_take(&b, 60));
    ck_assert(!hub__budget_take(&b, 41));
    ck_assert_uint_eq(hub__budget_used(&b), 60);
    ck_assert(hub__budget_take(&b, 40));
    ck_assert(hub__budget_take(&b, 0));
    ck_assert(!hub__budget_take(&b, 1));
    ck_assert(!hub__budget_take(&b, SIZE_MAX));
    hub__budget_give(&b, 60);
    ck_assert_uint_eq(hub__budget_used(&b), 40);
    ck_assert(hub__budget_take(&b, 60));
}
END_TEST

START_TEST(what_was_charged_beyond_the_limit_is_not_taken_again)
{
    struct hub__budget b = {.limit = 100};

    hub__budget_charge(&b, 130);
    ck_assert(!hub__budget_take(&b, 0));
    ck_assert(!hub__budget_take(&b, 1));
    ck_assert_uint_eq(hub__budget_share(&b), 0);
    hub__budget_give(&b, 31);
    ck_assert(hub__budget_take(&b, 1));
    ck_assert(!hub__budget_take(&b, 1));
}
END_TEST

START_TEST(a_share_is_a_sixteenth_of_what_is_free)
{
    struct hub__budget b = {.limit = 1600};

    ck_assert_uint_eq(hub__budget_share(&b), 100);
    ck_assert(hub__budget_take(&b, 800));
    ck_assert_uint_eq(hub__budget_share(&b), 50);
    ck_assert(hub__budget_take(&b, 800));
    ck_assert_uint_eq(hub__budget_share(&b), 0);
}
END_TEST

START_TEST(without_a_limit_everything_fits_and_is_counted)
{
    struct hub__budget b = {.limit = SIZE_MAX};

    ck_assert(hub__budget_take(&b, (size_t)1 << 40));
    ck_assert_uint_ge(hub__budget_share(&b), (size_t)1 << 40);
    ck_assert_uint_eq(hub__budget_used(&b), (size_t)1 << 40);
}
END_TEST

struct taker {
    struct hub__budget *budget;
    uint64_t seed;
    unsigned over; /* times more than the limit was in use */
    pthread_t thread;
};

static void *take_and_give(void *context)
{
    struct taker *t = context;
    size_t held = 0;

    for (int i = 0; i < STEPS; i++) {
        size_t bytes = testing_random(&t->seed) % 40;

        if (hub__budget_take(t->budget, bytes)) {
            held += bytes;
            t->over += hub__budget_used(t->budget) > t->budget->limit;
        } else {
            hub__budget_give(t->budget, held);
            held = 0;
        }
    }
    hub__budget_give(t->budget, held);
    return NULL;
}

START_TEST(many_threads_never_take_more_than_there_is)
{
    struct hub__budget b = {.limit = 1000};
    struct taker takers[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        takers[i] = (struct taker){.budget = &b, .seed = i + 1};
        ck_assert_int_eq(
            pthread_create(&takers[i].thread, NULL, take_and_give, &takers[i]),
            0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(takers[i].thread, NULL);
        ck_assert_uint_eq(takers[i].over, 0);
    }
    ck_assert_uint_eq(hub__budget_used(&b), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        no_more_is_taken_than_there_is,
        what_was_charged_beyond_the_limit_is_not_taken_again,
        a_share_is_a_sixteenth_of_what_is_free,
        without_a_limit_everything_fits_and_is_counted,
        many_threads_never_take_more_than_there_is,
    };

    return testing_run("budget", tests, TESTING_LENGTH(tests));
}
