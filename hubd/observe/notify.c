/* notify.c - see notify.h. A state that could not be sent is sent again with
 * the next tick: without READY=1 the manager would kill a healthy hubd.
 *
 * Both sides of the watchdog use CLOCK_MONOTONIC, which stops while the machine
 * sleeps. After only the process was suspended, this thread may be the first to
 * run; loops that have not turned yet are checked again soon.
 */
#include "observe/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "observe/health.h"
#include "base/linebuf.h"
#include "base/log.h"

#define STATUS_EVERY_MS 5000
#define AGAIN_MS 100 /* after a tick at which something was missing */
#define MESSAGE_BYTES 256

static void warn(const char *name, const char *what)
{
    log_event(LEVEL_WARN, "notify", LOG_STR("variable", name),
              LOG_STR("error", what));
}

/* Whether a variable is set to a number above zero, and which. */
static bool read_number(const char *name, uint64_t *out)
{
    const char *text = getenv(name);
    size_t digits;

    if (text == NULL || *text == '\0')
        return false;
    digits = strspn(text, "0123456789");
    errno = 0;
    *out = strtoull(text, NULL, 10);
    if (text[digits] == '\0' && errno == 0 && *out > 0)
        return true;
    warn(name, "must be a whole number above 0");
    return false;
}

static int64_t read_watchdog(void)
{
    const char *other = getenv("WATCHDOG_PID");
    uint64_t usec, pid;

    if (other != NULL && *other != '\0' &&
        (!read_number("WATCHDOG_PID", &pid) || pid != (uint64_t)getpid()))
        return 0;
    if (!read_number("WATCHDOG_USEC", &usec))
        return 0;
    usec /= 1000;
    if (usec > INT32_MAX) /* the longest wait in main.c is far below */
        return INT32_MAX;
    return usec > 0 ? (int64_t)usec : 1;
}

/* A path, or '@' and an abstract name: see unix(7). */
static bool read_address(struct notify *notify, const char *text)
{
    struct sockaddr_un *address = &notify->address;
    size_t bytes = strlen(text);

    if ((*text != '/' && *text != '@') || bytes < 2)
        return false;
    /* A path includes its NUL, an abstract name has none. */
    if (bytes + (*text == '/') > sizeof(address->sun_path))
        return false;
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, text, bytes);
    if (*text == '@')
        address->sun_path[0] = '\0';
    notify->address_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
                                        bytes + (*text == '/'));
    return true;
}

void notify_init(struct notify *notify)
{
    const char *text = getenv("NOTIFY_SOCKET");

    *notify = (struct notify){.fd = -1, .every_ms = STATUS_EVERY_MS};
    if (text == NULL || *text == '\0')
        return;
    if (!read_address(notify, text)) {
        warn("NOTIFY_SOCKET", "must be a path, or '@' and a name");
        return;
    }
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (notify->fd < 0) {
        warn("NOTIFY_SOCKET", strerror(errno));
        return;
    }
    notify->watchdog_ms = read_watchdog();
    /* Managers recommend half of it; a tick may come late. */
    if (notify->watchdog_ms > 0 && notify->watchdog_ms / 3 < notify->every_ms)
        notify->every_ms = notify->watchdog_ms / 3;
    if (notify->every_ms < 1)
        notify->every_ms = 1;
}

void notify_fini(struct notify *notify)
{
    if (notify->fd >= 0)
        (void)close(notify->fd);
    notify->fd = -1;
}

static bool send_text(struct notify *notify, const char *text)
{
    ssize_t n;

    do {
        n = sendto(notify->fd, text, strlen(text), MSG_NOSIGNAL,
                   (const struct sockaddr *)&notify->address,
                   notify->address_bytes);
    } while (n < 0 && errno == EINTR);
    notify->failed = n < 0;
    if (notify->failed && !notify->warned) {
        notify->warned = true;
        warn("NOTIFY_SOCKET", strerror(errno));
    }
    return !notify->failed;
}

static void send_state(struct notify *notify, const char *state)
{
    if (notify->fd < 0)
        return;
    notify->pending = send_text(notify, state) ? NULL : state;
    notify->next_ms = 0;
}

void notify_ready(struct notify *notify)
{
    send_state(notify, notify->reload[0] != '\0' ? notify->reload : "READY=1");
}

/* If the beginning cannot be sent, it is sent along with the end, which systemd
 * accepts: a manager that has asked for the reload waits for both. */
void notify_reloading(struct notify *notify)
{
    struct linebuf text;
    struct timespec now;

    if (notify->fd < 0)
        return;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    notify->pending = NULL; /* it may point to what is overwritten here */
    linebuf_init(&text, notify->reload, sizeof(notify->reload));
    linebuf_addf(&text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
                 (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
    if (send_text(notify, notify->reload))
        notify->reload[0] = '\0';
    else
        linebuf_add(&text, "\nREADY=1");
}

void notify_stopping(struct notify *notify)
{
    notify->draining = true;
    send_state(notify, "STOPPING=1");
}

int64_t notify_wait_ms(const struct notify *notify, int64_t now_ms,
                       int64_t most_ms)
{
    if (notify->fd < 0)
        return most_ms;
    if (notify_is_due(notify, now_ms))
        return 0;
    return notify->next_ms - now_ms < most_ms ? notify->next_ms - now_ms
                                              : most_ms;
}

bool notify_is_due(const struct notify *notify, int64_t now_ms)
{
    return notify->fd >= 0 && now_ms >= notify->next_ms;
}

static void describe(char out[NOTIFY_STATUS_BYTES], const struct notify *notify,
                     bool stuck, const struct hub_stats *stats)
{
    (void)snprintf(out, NOTIFY_STATUS_BYTES,
                   "%s%" PRIu64 " connections of %" PRIu64 " users",
                   notify->draining ? "draining, "
                   : stuck          ? "an event loop is stuck, "
                                    : "",
                   stats->connections, stats->users);
}

void notify_tick(struct notify *notify, int64_t now_ms,
                 const struct hub_stats *stats)
{
    bool stuck = !notify->draining && health_is_stuck(stats);
    char text[MESSAGE_BYTES], status[NOTIFY_STATUS_BYTES];
    struct linebuf message;

    if (!notify_is_due(notify, now_ms))
        return;
    linebuf_init(&message, text, sizeof(text));
    if (notify->pending != NULL)
        linebuf_addf(&message, "%s\n", notify->pending);
    if (notify->watchdog_ms > 0 && !stuck)
        linebuf_add(&message, "WATCHDOG=1\n");
    describe(status, notify, stuck, stats);
    if (strcmp(status, notify->status) != 0)
        linebuf_addf(&message, "STATUS=%s\n", status);
    notify->next_ms = now_ms + notify->every_ms;
    if (message.used > 0 && send_text(notify, text)) {
        notify->pending = NULL;
        (void)snprintf(notify->status, sizeof(notify->status), "%s", status);
    }
    if ((stuck || notify->failed) && AGAIN_MS < notify->every_ms)
        notify->next_ms = now_ms + AGAIN_MS;
}
