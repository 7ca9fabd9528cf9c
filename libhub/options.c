/* options.c - checks the host's options, and fills in the defaults. */
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define DEFAULT_MESSAGE_BYTES ((size_t)512 * 1024)
#define DEFAULT_QUEUE_BYTES ((size_t)1024 * 1024)
#define DEFAULT_BACKLOG_BYTES ((size_t)64 * 1024 * 1024)
#define DEFAULT_PING_MS 25000u
#define DEFAULT_PONG_MS 10000u
#define DEFAULT_WRITE_MS 10000u
#define DEFAULT_MESSAGE_MS 60000u
#define DEFAULT_CLOSE_MS 5000u
#define DEFAULT_WARNING_MS 60000u
#define DEFAULT_GRACE_MS 25000u
#define DEFAULT_EXPIRY_REASON "expired"
#define RATE_MAX 1000000u

/* Tests choose by an environment variable, so that each can run with either
 * sender. */
#ifdef HUB_TESTING
#include <stdlib.h>
#define AUTO_SENDER                                                            \
    (getenv("HUB_TEST_SENDMSG") != NULL ? HUB_SENDER_SENDMSG : HUB_SENDER_AUTO)
#else
#define AUTO_SENDER HUB_SENDER_AUTO
#endif

static void fill_in(size_t *value, size_t fallback)
{
    if (*value == 0)
        *value = fallback;
}

static void fill_in_ms(unsigned *value, unsigned fallback)
{
    if (*value == 0)
        *value = fallback;
}

/* The CPUs that the caller, and the threads it creates, may run on. */
static unsigned count_cpus(void)
{
    cpu_set_t set[8]; /* as many CPUs as Linux can be built for */
    long cpus;

    if (sched_getaffinity(0, sizeof set, set) == 0)
        cpus = CPU_COUNT_S(sizeof set, set);
    else
        cpus = sysconf(_SC_NPROCESSORS_ONLN);
    if (cpus < 1)
        return 1;
    return cpus > (long)HUB__LOOPS_MAX ? HUB__LOOPS_MAX : (unsigned)cpus;
}

int hub__options_read(struct hub_options *out, const struct hub_options *in)
{
    if (in == NULL)
        memset(out, 0, sizeof *out);
    else if (hub__struct_read(out, sizeof *out, in) != 0)
        return HUB_EINVAL;
    if ((out->flags & ~HUB_HOST_LOOP) != 0 || out->loops > HUB__LOOPS_MAX ||
        out->messages_per_s > RATE_MAX ||
        !hub__reason_is_valid(out->expiry_reason))
        return HUB_EINVAL;
    if ((out->flags & HUB_HOST_LOOP) != 0 && out->loops > 1)
        return HUB_EINVAL;
    switch (out->slow_consumer) {
    case HUB_SLOW_CLOSE:
    case HUB_SLOW_DROP_OLDEST:
    case HUB_SLOW_DROP_NEWEST:
        break;
    default:
        return HUB_EINVAL;
    }
    switch (out->sender) {
    case HUB_SENDER_AUTO:
    case HUB_SENDER_URING:
    case HUB_SENDER_SENDMSG:
        break;
    default:
        return HUB_EINVAL;
    }

    if (out->sender == HUB_SENDER_AUTO)
        out->sender = AUTO_SENDER;
    if ((out->flags & HUB_HOST_LOOP) != 0)
        out->loops = 1;
    if (out->loops == 0)
        out->loops = count_cpus();
    fill_in(&out->max_message_bytes, DEFAULT_MESSAGE_BYTES);
    fill_in(&out->queue_bytes, DEFAULT_QUEUE_BYTES);
    fill_in(&out->backlog_bytes, DEFAULT_BACKLOG_BYTES);
    /* Otherwise there could be messages that never fit. */
    if (out->memory_bytes != 0 &&
        out->memory_bytes / 2 / HUB__BUDGET_PARTS < out->max_message_bytes)
        return HUB_EINVAL;
    fill_in_ms(&out->ping_interval_ms, DEFAULT_PING_MS);
    fill_in_ms(&out->pong_timeout_ms, DEFAULT_PONG_MS);
    fill_in_ms(&out->write_timeout_ms, DEFAULT_WRITE_MS);
    fill_in_ms(&out->message_timeout_ms, DEFAULT_MESSAGE_MS);
    fill_in_ms(&out->close_timeout_ms, DEFAULT_CLOSE_MS);
    fill_in_ms(&out->expiry_warning_ms, DEFAULT_WARNING_MS);
    fill_in_ms(&out->expiry_grace_ms, DEFAULT_GRACE_MS);
    if (out->expiry_reason == NULL)
        out->expiry_reason = DEFAULT_EXPIRY_REASON;
    return 0;
}
