/* reject_stage.c - see reject_stage.h. */
#include "reject_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

hub_t *reject_hub;
struct testing_client reject_client = {.fd = -1};
int reject_fd;

static unsigned calls;

static void on_opened(hub_t *from, const struct hub_connection *connection)
{
    (void)from;
    (void)connection;
    calls++;
}

static void on_message(hub_t *from, const struct hub_connection *connection,
                       const struct hub_message *message)
{
    (void)from;
    (void)connection;
    (void)message;
    calls++;
}

static void on_closed(hub_t *from, const struct hub_connection *connection,
                      const struct hub_close_info *info)
{
    (void)from;
    (void)connection;
    (void)info;
    calls++;
}

static void on_expiring(hub_t *from, const struct hub_connection *connection,
                        int64_t remaining_ms)
{
    (void)from;
    (void)connection;
    (void)remaining_ms;
    calls++;
}

struct hub_options reject_options(void)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    calls = 0;
    options.opened = on_opened;
    options.message = on_message;
    options.closed = on_closed;
    options.expiring = on_expiring;
    options.expiry_warning_ms = options.expiry_grace_ms = 1;
    options.max_connections = 1;
    return options;
}

void reject_start(void)
{
    struct hub_options options = reject_options();

    reject_hub = testing_stage(&options);
}

struct hub_rejection reject_with(int code, const char *reason)
{
    struct hub_rejection rejection = HUB_REJECTION_INIT;

    rejection.code = code;
    rejection.reason = reason;
    return rejection;
}

void reject_set_up(const char *preamble)
{
    struct hub_rejection rejection = reject_with(3000, "unauthorized");

    reject_start();
    rejection.preamble = preamble;
    rejection.preamble_bytes = preamble == NULL ? 0 : strlen(preamble);
    reject_fd = testing_client_open(&reject_client);
    ck_assert_int_eq(hub_reject(reject_hub, reject_fd, &rejection), 0);
}

bool reject_is_open(int descriptor)
{
    return fcntl(descriptor, F_GETFD) >= 0;
}

void reject_check_nobody(uint64_t rejected)
{
    struct hub_stats stats = testing_stats(reject_hub);

    ck_assert_uint_eq(stats.rejected, rejected);
    ck_assert_uint_eq(stats.connections, 0);
    ck_assert_uint_eq(stats.users, 0);
    ck_assert_uint_eq(stats.opened, 0);
    ck_assert_uint_eq(stats.closed, 0);
    ck_assert_uint_eq(stats.places, 0);
    ck_assert_uint_eq(stats.messages_in, 0);
    ck_assert_uint_eq(stats.messages_out, 0);
    ck_assert_uint_eq(stats.bytes_out, 0);
    ck_assert_uint_eq(stats.memory_bytes, 0);
    ck_assert_uint_eq(calls, 0);
}

void reject_check_over(void)
{
    ck_assert(!reject_is_open(reject_fd));
    ck_assert_uint_eq(reject_hub->loops[0].host.conn_count, 0);
    ck_assert_uint_eq(atomic_load(&reject_hub->rejecting), 0);
    reject_check_nobody(1);
}

void reject_tear_down(void)
{
    hub_destroy(reject_hub);
    testing_client_close(&reject_client);
    ck_assert_uint_eq(calls, 0);
}

void reject_expect_close(int code, const char *reason)
{
    struct testing_received frame;

    ck_assert(testing_client_receive(&reject_client, &frame));
    ck_assert_uint_eq(frame.first_byte, TESTING_FIN_CLOSE);
    ck_assert_uint_eq(frame.bytes, 2 + strlen(reason));
    ck_assert_int_eq(frame.payload[0] << 8 | frame.payload[1], code);
    ck_assert_mem_eq(frame.payload + 2, reason, strlen(reason));
}

void reject_expect_bytes(const char *bytes, size_t count)
{
    while (count > 0) {
        char got[4096];
        ssize_t n = recv(reject_client.fd, got,
                         count < sizeof got ? count : sizeof got, 0);

        if (n < 0 && errno == EAGAIN) {
            testing_settle(reject_hub);
            continue;
        }
        ck_assert_int_gt(n, 0);
        ck_assert_mem_eq(got, bytes, (size_t)n);
        bytes += n;
        count -= (size_t)n;
    }
}
