/* check_options.c - what hub_create() accepts and rejects, and how the options
 * may grow on either side.
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "testing.h"
#include "testing_rings.h"

static int read_with(const struct hub_options *in)
{
    struct hub_options out;

    return hub__options_read(&out, in);
}

START_TEST(without_options_there_are_defaults)
{
    struct hub_options zero = HUB_OPTIONS_INIT, from_null, from_zero;

    ck_assert_int_eq(hub__options_read(&from_null, NULL), 0);
    ck_assert_int_eq(hub__options_read(&from_zero, &zero), 0);
    ck_assert_uint_ge(from_null.loops, 1);
    ck_assert_uint_eq(from_null.loops, from_zero.loops);
    ck_assert_uint_eq(from_zero.max_connections, 0);
    ck_assert_uint_eq(from_zero.max_message_bytes, 512 * 1024);
    ck_assert_uint_eq(from_zero.queue_bytes, 1024 * 1024);
    ck_assert_uint_eq(from_zero.backlog_bytes, 64 * 1024 * 1024);
    ck_assert_int_eq(from_zero.slow_consumer, HUB_SLOW_CLOSE);
    ck_assert_uint_eq(from_zero.ping_interval_ms, 25000);
    ck_assert_uint_eq(from_zero.pong_timeout_ms, 10000);
    ck_assert_uint_eq(from_zero.write_timeout_ms, 10000);
    ck_assert_uint_eq(from_zero.message_timeout_ms, 60000);
    ck_assert_uint_eq(from_zero.close_timeout_ms, 5000);
    ck_assert_uint_eq(from_zero.expiry_warning_ms, 60000);
    ck_assert_uint_eq(from_zero.expiry_grace_ms, 25000);
    ck_assert_str_eq(from_zero.expiry_reason, "expired");
    ck_assert_int_eq(from_zero.sender, from_null.sender);
    ck_assert(from_zero.closed == NULL && from_zero.log == NULL);
}
END_TEST

START_TEST(loops_are_as_many_as_there_are_cpus_to_run_on)
{
    struct hub_options out;
    cpu_set_t before, one;
    size_t cpu = 0;

    ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
    ck_assert_int_eq(hub__options_read(&out, NULL), 0);
    ck_assert_uint_eq(out.loops, (unsigned)CPU_COUNT(&before));
    while (!CPU_ISSET(cpu, &before))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_int_eq(hub__options_read(&out, NULL), 0);
    ck_assert_uint_eq(out.loops, 1);
    ck_assert_int_eq(sched_setaffinity(0, sizeof before, &before), 0);
}
END_TEST

START_TEST(what_is_given_is_kept)
{
    static const enum hub_sender senders[] = {HUB_SENDER_URING,
                                              HUB_SENDER_SENDMSG};
    static int data;
    struct hub_options in = HUB_OPTIONS_INIT, out;

    in.loops = 3;
    in.max_connections = 4;
    in.max_message_bytes = 5;
    in.queue_bytes = 6;
    in.backlog_bytes = 7;
    in.slow_consumer = HUB_SLOW_DROP_NEWEST;
    in.ping_interval_ms = 8;
    in.pong_timeout_ms = 9;
    in.write_timeout_ms = 10;
    in.message_timeout_ms = 11;
    in.close_timeout_ms = UINT_MAX;
    in.expiry_warning_ms = 12;
    in.expiry_grace_ms = 13;
    in.expiry_reason = "late";
    in.data = &data;
    testing_record(&in);
    for (size_t i = 0; i < TESTING_LENGTH(senders); i++) {
        in.sender = senders[i];
        ck_assert_int_eq(hub__options_read(&out, &in), 0);
        ck_assert_int_eq(memcmp(&in, &out, sizeof in), 0);
    }
}
END_TEST

START_TEST(values_out_of_range_are_refused)
{
    struct hub_options o = HUB_OPTIONS_INIT;

    o.flags = 2;
    ck_assert_int_eq(read_with(&o), HUB_EINVAL);
    o.flags = 0x80000001u;
    ck_assert_int_eq(read_with(&o), HUB_EINVAL);
    o.flags = 0;
    o.loops = HUB__LOOPS_MAX;
    ck_assert_int_eq(read_with(&o), 0);
    o.loops = HUB__LOOPS_MAX + 1;
    ck_assert_int_eq(read_with(&o), HUB_EINVAL);
    o.loops = 1;
    o.slow_consumer = (enum hub_slow_consumer)3;
    ck_assert_int_eq(read_with(&o), HUB_EINVAL);
    o.slow_consumer = (enum hub_slow_consumer) - 1;
    ck_assert_int_eq(read_with(&o), HUB_EINVAL);
    o.slow_consumer = HUB_SLOW_CLOSE;
    o.messages_per_s = 1000000;
    ck_assert_int_eq(read_with(&o), 0);
    o.messages_per_s = 1000001;
    ck_assert_int_eq(read_with(&o), HUB_EINVAL);
    o.messages_per_s = 0;
    o.memory_bytes = 32 * 512 * 1024;
    ck_assert_int_eq(read_with(&o), 0);
    o.memory_bytes--;
    ck_assert_int_eq(read_with(&o), HUB_EINVAL);
    o.max_message_bytes = 512 * 1024 - 1;
    ck_assert_int_eq(read_with(&o), 0);
    o.max_message_bytes = 0;
    o.memory_bytes = 0;
    o.sender = (enum hub_sender)3;
    ck_assert_int_eq(read_with(&o), HUB_EINVAL);
    o.sender = (enum hub_sender) - 1;
    ck_assert_int_eq(read_with(&o), HUB_EINVAL);
    o.sender = HUB_SENDER_SENDMSG;
    ck_assert_int_eq(read_with(&o), 0);
}
END_TEST

START_TEST(a_reason_has_to_fit_into_a_close_frame)
{
    struct hub_options o = HUB_OPTIONS_INIT;
    char reason[HUB_REASON_BYTES_MAX + 2];

    memset(reason, 'r', sizeof reason);
    reason[HUB_REASON_BYTES_MAX + 1] = '\0';
    o.expiry_reason = reason;
    ck_assert_int_eq(read_with(&o), HUB_EINVAL);
    reason[HUB_REASON_BYTES_MAX] = '\0';
    ck_assert_int_eq(read_with(&o), 0);
    reason[0] = '\xFF';
    ck_assert_int_eq(read_with(&o), HUB_EINVAL);
    o.expiry_reason = "";
    ck_assert_int_eq(read_with(&o), 0);
}
END_TEST

START_TEST(a_host_loop_is_a_single_loop)
{
    struct hub_options in = HUB_OPTIONS_INIT, out;

    in.flags = HUB_HOST_LOOP;
    ck_assert_int_eq(hub__options_read(&out, &in), 0);
    ck_assert_uint_eq(out.loops, 1);
    in.loops = 1;
    ck_assert_int_eq(read_with(&in), 0);
    in.loops = 2;
    ck_assert_int_eq(read_with(&in), HUB_EINVAL);
}
END_TEST

START_TEST(an_older_caller_has_fewer_fields)
{
    struct hub_options in = HUB_OPTIONS_INIT, out;

    in.loops = 2;
    in.ping_interval_ms = 77;
    in.struct_size = offsetof(struct hub_options, ping_interval_ms);
    ck_assert_int_eq(hub__options_read(&out, &in), 0);
    ck_assert_uint_eq(out.loops, 2);
    ck_assert_uint_eq(out.ping_interval_ms, 25000);

    in.struct_size = sizeof in.struct_size;
    ck_assert_int_eq(hub__options_read(&out, &in), 0);
    ck_assert_uint_eq(out.max_message_bytes, 512 * 1024);
    for (size_t size = 0; size < sizeof in.struct_size; size++) {
        in.struct_size = size;
        ck_assert_int_eq(read_with(&in), HUB_EINVAL);
    }
}
END_TEST

/* Those that knew no senders have the choice made for them. */
START_TEST(a_caller_from_before_senders_gets_one)
{
    struct hub_options in = HUB_OPTIONS_INIT, out;
    hub_t *hub;

    in.sender = (enum hub_sender)77;
    in.struct_size = offsetof(struct hub_options, sender);
    ck_assert_int_eq(hub__options_read(&out, &in), 0);
    ck_assert_int_ne(out.sender, 77);
    ck_assert_int_eq(hub_create(&hub, &in), 0);
    hub_destroy(hub);
}
END_TEST

START_TEST(a_newer_caller_may_not_ask_for_what_is_not_there)
{
    struct {
        struct hub_options options;
        unsigned char later[24];
    } in = {.options = HUB_OPTIONS_INIT};

    for (size_t extra = 0; extra <= sizeof in.later; extra++) {
        in.options.struct_size = sizeof in.options + extra;
        ck_assert_int_eq(read_with(&in.options), 0);
    }
    for (size_t i = 0; i < sizeof in.later; i++) {
        in.later[i] = 1;
        in.options.struct_size = sizeof in.options + i;
        ck_assert_int_eq(read_with(&in.options), 0);
        in.options.struct_size++;
        ck_assert_int_eq(read_with(&in.options), HUB_EINVAL);
        in.later[i] = 0;
    }
}
END_TEST

START_TEST(a_hub_with_wrong_options_is_not_made)
{
    struct hub_options o = HUB_OPTIONS_INIT;
    hub_t *hub = (hub_t *)&o;

    o.flags = 0x10;
    ck_assert_int_eq(hub_create(&hub, &o), HUB_EINVAL);
    ck_assert_ptr_eq(hub, &o);
    o.flags = 0;
    o.sender = (enum hub_sender)3;
    ck_assert_int_eq(hub_create(&hub, &o), HUB_EINVAL);
    ck_assert_ptr_eq(hub, &o);
    ck_assert_int_eq(hub_create(NULL, NULL), HUB_EINVAL);
}
END_TEST

/* Where the kernel refuses io_uring, or libhub was built without it; in another
 * process, so no assertions. */
static int create_refused(void)
{
    struct hub_options o = HUB_OPTIONS_INIT;
    struct hub_stats stats = HUB_STATS_INIT;
    hub_t *hub = NULL;

    o.loops = 3;
    o.sender = HUB_SENDER_URING;
    if (hub_create(&hub, &o) != HUB_ENOTSUP || hub != NULL ||
        (errno != EPERM && errno != EOPNOTSUPP))
        return 1;
    o.flags = HUB_HOST_LOOP;
    o.loops = 1;
    o.sender = HUB_SENDER_AUTO;
    if (hub_create(&hub, &o) != 0 || hub_stats(hub, &stats) != 0 ||
        stats.loops != 1 || stats.uring_loops != 0)
        return 2;
    hub_destroy(hub);
    return 0;
}

START_TEST(a_sender_that_is_not_to_be_had_is_not_replaced)
{
    int result = testing_without_rings(create_refused);

    if (result >= 0)
        ck_assert_int_eq(result, 0);
    else
        puts("options: io_uring cannot be refused here");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        without_options_there_are_defaults,
        loops_are_as_many_as_there_are_cpus_to_run_on,
        what_is_given_is_kept,
        values_out_of_range_are_refused,
        a_reason_has_to_fit_into_a_close_frame,
        a_host_loop_is_a_single_loop,
        an_older_caller_has_fewer_fields,
        a_caller_from_before_senders_gets_one,
        a_newer_caller_may_not_ask_for_what_is_not_there,
        a_hub_with_wrong_options_is_not_made,
        a_sender_that_is_not_to_be_had_is_not_replaced,
    };

    return testing_run("options", tests, TESTING_LENGTH(tests));
}
