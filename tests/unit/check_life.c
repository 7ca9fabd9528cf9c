/* check_life.c - a hub is made and destroyed, with every resource failing in
 * turn, and with callbacks that are still at work.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "testing.h"
#include "testing_rings.h"

START_TEST(a_hub_comes_and_goes)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    static int data;
    hub_t *hub;

    ck_assert_int_eq(hub_create(&hub, NULL), 0);
    ck_assert_ptr_null(hub_data(hub));
    hub_destroy(hub);
    options.data = &data;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    ck_assert_ptr_eq(hub_data(hub), &data);
    hub_destroy(hub);
    hub_destroy(NULL);
    ck_assert_ptr_null(hub_data(NULL));
}
END_TEST

/* Only a loop that may send in either way does without some memory. */
static void check_sender(hub_t *hub, const struct hub_options *options,
                         unsigned refused)
{
    struct hub_stats stats = HUB_STATS_INIT;

    ck_assert_int_eq(hub_stats(hub, &stats), 0);
    if (options->sender == HUB_SENDER_URING)
        ck_assert_uint_eq(stats.uring_loops, stats.loops);
    if (refused == 0)
        return;
    ck_assert_int_eq(options->sender, HUB_SENDER_AUTO);
    ck_assert_uint_eq(stats.uring_loops,
                      testing_has_rings() ? stats.loops - 1 : 0);
}

static void check_memory(const struct hub_options *options)
{
    unsigned nth = 0, refused;
    hub_t *hub = NULL;
    int err;

    do {
        testing_fail_allocation(++nth);
        err = hub_create(&hub, options);
        refused = testing_allow_memory();
        if (err != 0) {
            ck_assert_int_eq(err, HUB_ENOMEM);
            ck_assert_ptr_null(hub);
            ck_assert_uint_eq(refused, 1);
        } else {
            check_sender(hub, options, refused);
            hub_destroy(hub);
            hub = NULL;
        }
    } while (refused > 0);
    ck_assert_uint_gt(nth, 7);
}

START_TEST(without_memory_there_is_no_hub)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    for (unsigned sender = HUB_SENDER_AUTO; sender <= HUB_SENDER_SENDMSG;
         sender++) {
        if (sender == HUB_SENDER_URING && !testing_has_rings())
            continue;
        options.sender = (enum hub_sender)sender;
        options.loops = 3;
        options.flags = 0;
        check_memory(&options);
        options.loops = 0;
        options.flags = HUB_HOST_LOOP;
        check_memory(&options);
    }
}
END_TEST

START_TEST(without_descriptors_there_is_no_hub)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct rlimit before, few;
    unsigned allowed = 0;
    hub_t *hub = NULL;
    int err, fd = dup(0);

    options.loops = 2;
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    do {
        few = (struct rlimit){(rlim_t)fd + allowed++, before.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
        err = hub_create(&hub, &options);
        if (err != 0) {
            ck_assert_int_eq(err, HUB_ESYSTEM);
            ck_assert_int_eq(errno, EMFILE);
            ck_assert_ptr_null(hub);
        }
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
        ck_assert_uint_lt(allowed, 20);
    } while (err != 0);
    ck_assert_uint_ge(allowed, 7); /* three a loop; some are taken, perhaps */
    hub_destroy(hub);
    ck_assert_int_eq(dup(0), fd); /* none was left open */
    close(fd);
}
END_TEST

static char said[200];

static void keep_said(void *data, enum hub_log_level level, const char *text)
{
    (void)data;
    ck_assert_int_eq(level, HUB_LOG_INFO);
    strncpy(said, text, sizeof said - 1);
}

START_TEST(it_says_how_it_sends)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    unsigned nth = 0;
    hub_t *hub;

    options.log = keep_said;
    options.loops = 3;
    options.sender = HUB_SENDER_SENDMSG;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    ck_assert_str_eq(said, "sending with sendmsg");
    hub_destroy(hub);
    if (!testing_has_rings())
        return;
    options.sender = HUB_SENDER_URING;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    ck_assert_str_eq(said, "sending with io_uring");
    hub_destroy(hub);
    if (getenv("HUB_TEST_SENDMSG") != NULL)
        return;
    options.sender = HUB_SENDER_AUTO;
    do /* until it is a ring that there is no memory for */
        testing_fail_allocation(++nth);
    while (hub_create(&hub, &options) != 0);
    ck_assert_uint_eq(testing_allow_memory(), 1);
    ck_assert_ptr_nonnull(strstr(said, "with io_uring in 2 of 3 loops"));
    hub_destroy(hub);
}
END_TEST

/* One loop's callbacks keep sending to the other's while the hub goes. */
static int send_on(void *data, hub_id id, const struct hub_message *message)
{
    (void)id;
    (void)message;
    hub_broadcast(*(hub_t **)data, HUB_TEXT_OF("again"));
    return 0;
}

START_TEST(destroying_while_callbacks_send_is_safe)
{
    for (int round = 0; round < 50; round++) {
        struct hub_options options = HUB_OPTIONS_INIT;
        struct hub_member member = HUB_MEMBER_INIT;
        hub_t *hub;

        options.loops = 3;
        ck_assert_int_eq(hub_create(&hub, &options), 0);
        member.user_id = "u";
        member.data = &hub;
        member.deliver = send_on;
        for (int i = 0; i < 6; i++)
            ck_assert_int_eq(hub_register(hub, &member, NULL), 0);
        ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("go")), 6);
        hub_destroy(hub);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_hub_comes_and_goes,
        without_memory_there_is_no_hub,
        without_descriptors_there_is_no_hub,
        it_says_how_it_sends,
        destroying_while_callbacks_send_is_safe,
    };

    return testing_run("life", tests, TESTING_LENGTH(tests));
}
