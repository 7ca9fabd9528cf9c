/* log.c - lines wait in a ring of bytes for the writer thread. One lock guards
 * everything here; it is held to copy bytes, never over a system call that can
 * wait.
 *
 * When the ring is full, lines are dropped and counted until the writer has
 * written everything before them; then one line says how many are missing, at
 * the very place where they are. Standard error is shared with other processes,
 * so its flags stay as they are: the writer polls, and writes no more than a
 * writable pipe is guaranteed to take.
 */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log_line.h"

#define RING_BYTES ((size_t)1 << 20)
#define BATCH_BYTES ((size_t)1 << 16)
#define WRITE_BYTES ((size_t)4096) /* PIPE_BUF of Linux */
#define POLL_MS 50        /* how soon a waiting writer notices given_up */
#define OWN_WRITE_MS 1000 /* how long a line without a thread may take */

_Static_assert(BATCH_BYTES >= LOG_LINE_MAX, "a batch holds whole lines");

/* The state of the writer thread. Under the lock, except for the last three. */
struct writer {
    int fd;
    pthread_t thread;
    pthread_cond_t wake;
    pthread_cond_t ended_cond; /* CLOCK_MONOTONIC */
    char *ring;
    size_t head, used;
    uint64_t dropped; /* lines not reported yet */
    bool overflow;    /* dropping until the ring is empty */
    bool failed;      /* the last write failed; report after the next line */
    bool stopping;
    bool ended;
    atomic_bool given_up;    /* log_stop() has returned: free everything */
    bool torn;               /* writer thread: the last line has no end */
    char batch[BATCH_BYTES]; /* writer thread */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct writer *writer;      /* lock; NULL: no thread */
static int log_fd = STDERR_FILENO; /* lock */
static atomic_int least_level = LEVEL_INFO;
static atomic_int line_format = LOG_TEXT;
static atomic_bool to_journal;

/* Priorities of syslog(3). */
static const char *const fronts[] = {
    [LEVEL_DEBUG] = "<7>",
    [LEVEL_INFO] = "<6>",
    [LEVEL_WARN] = "<4>",
    [LEVEL_ERROR] = "<3>",
};

static int64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Writing. ------------------------------------------------------------- */

/* Waits until `fd` is writable. Returns false when the time is up or the writer
 * (which may be NULL) was given up. */
static bool wait_writable(int fd, const struct writer *w, int64_t deadline_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};

    for (;;) {
        if (w ? atomic_load(&w->given_up) : monotonic_ms() >= deadline_ms)
            return false;
        /* An error makes poll() return too; write() then reports it. */
        if (poll(&poll_fd, 1, POLL_MS) > 0)
            return !w || !atomic_load(&w->given_up);
    }
}

/* Returns how many bytes were written before an error or timeout. */
static size_t write_bytes(int fd, const struct writer *w, const char *bytes,
                          size_t count)
{
    int64_t deadline = w ? 0 : monotonic_ms() + OWN_WRITE_MS;
    size_t done = 0;

    while (done < count) {
        size_t piece = count - done < WRITE_BYTES ? count - done : WRITE_BYTES;
        ssize_t n;

        if (!wait_writable(fd, w, deadline))
            break;
        n = write(fd, bytes + done, piece);
        if (n < 0 && errno == EAGAIN) /* writable, but not for this many */
            poll(NULL, 0, POLL_MS);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

static size_t count_lines(const char *bytes, size_t count)
{
    size_t lines = 0;

    for (size_t i = 0; i < count; i++)
        lines += bytes[i] == '\n';
    return lines;
}

static size_t format_now(char out[LOG_LINE_MAX + 1], enum log_level level,
                         const char *event, const struct log_field *fields)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return log_line_format(out, atomic_load(&to_journal) ? fronts[level] : "",
                           (enum log_format)atomic_load(&line_format), &now,
                           level, event, fields);
}

/* Whether it is connected to the journal: see JOURNAL_STREAM in
 * systemd.exec(5). A process that inherits the variable may have been
 * redirected since. */
static bool is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char text[48];

    if (!stream || fstat(fd, &status) < 0)
        return false;
    snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)status.st_dev,
             (uintmax_t)status.st_ino);
    return strcmp(stream, text) == 0;
}

const char *log_front(enum log_level level)
{
    return is_journal(STDERR_FILENO) ? fronts[level] : "";
}

/* The ring. All under the lock. --------------------------------------- */

static void ring_put(struct writer *w, const char *line, size_t bytes)
{
    size_t tail = (w->head + w->used) % RING_BYTES;
    size_t first = RING_BYTES - tail < bytes ? RING_BYTES - tail : bytes;

    memcpy(w->ring + tail, line, first);
    memcpy(w->ring, line + first, bytes - first);
    w->used += bytes;
}

/* Takes whole lines into the batch, as many as fit. */
static size_t ring_take(struct writer *w)
{
    size_t bytes = w->used < BATCH_BYTES ? w->used : BATCH_BYTES;
    size_t first = RING_BYTES - w->head < bytes ? RING_BYTES - w->head : bytes;

    memcpy(w->batch, w->ring + w->head, first);
    memcpy(w->batch + first, w->ring, bytes - first);
    while (bytes > 0 && w->batch[bytes - 1] != '\n')
        bytes--;
    w->head = (w->head + bytes) % RING_BYTES;
    w->used -= bytes;
    return bytes;
}

static void put_line(struct writer *w, const char *line, size_t bytes)
{
    if (w->overflow || bytes > RING_BYTES - w->used) {
        w->overflow = true;
        w->dropped++;
        return;
    }
    ring_put(w, line, bytes);
    w->failed = false;
    pthread_cond_signal(&w->wake);
}

/* The writer thread. --------------------------------------------------- */

static bool has_report(const struct writer *w)
{
    return w->dropped > 0 && !w->failed;
}

/* Waits for something to write, and puts it into the batch: lines, or else a
 * report of `*reported` missing lines. Returns its bytes, 0 at the end. */
static size_t next_batch(struct writer *w, uint64_t *reported)
{
    size_t bytes;

    *reported = 0;
    pthread_mutex_lock(&lock);
    while (w->used == 0 && !has_report(w) && !w->stopping) {
        w->overflow = false;
        pthread_cond_wait(&w->wake, &lock);
    }
    bytes = ring_take(w);
    if (bytes == 0) {
        w->overflow = false;
        *reported = has_report(w) ? w->dropped : 0;
    }
    pthread_mutex_unlock(&lock);
    if (*reported > 0) {
        struct log_field fields[] = {LOG_INT("lines", *reported), {0}};

        bytes = format_now(w->batch, LEVEL_WARN, "log_lines_dropped", fields);
    }
    return bytes;
}

/* Ends a line that a failed write has cut off, so that the next one stands
 * alone; then writes the batch. Returns how much of it was written. */
static size_t write_lines(struct writer *w, size_t bytes)
{
    size_t done;

    if (w->torn && write_bytes(w->fd, w, "\n", 1) != 1)
        return 0;
    done = write_bytes(w->fd, w, w->batch, bytes);
    w->torn = done < bytes && done > 0 && w->batch[done - 1] != '\n';
    return done;
}

/* Returns false once nobody waits for the lines any more. */
static bool write_batch(struct writer *w, size_t bytes, uint64_t reported)
{
    size_t done = write_lines(w, bytes);

    pthread_mutex_lock(&lock);
    if (done == bytes) {
        w->dropped -= reported;
    } else {
        w->failed = true;
        if (reported == 0)
            w->dropped += count_lines(w->batch + done, bytes - done);
    }
    pthread_mutex_unlock(&lock);
    return !atomic_load(&w->given_up);
}

static void free_writer(struct writer *w)
{
    pthread_cond_destroy(&w->wake);
    pthread_cond_destroy(&w->ended_cond);
    free(w->ring);
    free(w);
}

static void *run(void *arg)
{
    struct writer *w = arg;
    uint64_t reported;
    size_t bytes;
    bool given_up;

    while ((bytes = next_batch(w, &reported)) > 0) {
        if (!write_batch(w, bytes, reported))
            break;
    }
    pthread_mutex_lock(&lock);
    w->ended = true;
    given_up = atomic_load(&w->given_up);
    pthread_cond_signal(&w->ended_cond);
    pthread_mutex_unlock(&lock);
    if (given_up)
        free_writer(w);
    return NULL;
}

/* Public. -------------------------------------------------------------- */

static struct writer *create_writer(void)
{
    struct writer *w = calloc(1, sizeof(*w));
    pthread_condattr_t monotonic;

    if (!w)
        return NULL;
    w->ring = malloc(RING_BYTES);
    if (!w->ring) {
        free(w);
        return NULL;
    }
    pthread_cond_init(&w->wake, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->ended_cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
    atomic_init(&w->given_up, false);
    return w;
}

/* With all signals blocked: they are for the other threads of the program. */
static int start_thread(struct writer *w)
{
    sigset_t all, before;
    int err;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    err = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

void log_set_fd(int fd)
{
    pthread_mutex_lock(&lock);
    log_fd = fd;
    pthread_mutex_unlock(&lock);
}

int log_start(enum log_level level, enum log_format format)
{
    struct writer *w = create_writer();
    int err = 0;

    if (!w) {
        errno = ENOMEM;
        return -1;
    }
    pthread_mutex_lock(&lock);
    w->fd = log_fd;
    if (writer)
        err = EALREADY;
    else
        err = start_thread(w);
    if (!err) {
        writer = w;
        atomic_store(&least_level, level);
        atomic_store(&line_format, format);
        atomic_store(&to_journal, is_journal(w->fd));
    }
    pthread_mutex_unlock(&lock);
    if (!err)
        return 0;
    free_writer(w);
    errno = err;
    return -1;
}

static struct timespec timeout_at(int timeout_ms)
{
    struct timespec at;
    long ns;

    clock_gettime(CLOCK_MONOTONIC, &at);
    ns = at.tv_nsec + (long)(timeout_ms % 1000) * 1000000;
    at.tv_sec += timeout_ms / 1000 + ns / 1000000000;
    at.tv_nsec = ns % 1000000000;
    return at;
}

void log_stop(int timeout_ms)
{
    struct timespec deadline = timeout_at(timeout_ms > 0 ? timeout_ms : 0);
    struct writer *w;
    bool ended;
    int err = 0;

    pthread_mutex_lock(&lock);
    w = writer;
    writer = NULL;
    if (!w) {
        pthread_mutex_unlock(&lock);
        return;
    }
    w->stopping = true;
    pthread_cond_signal(&w->wake);
    while (!w->ended && err != ETIMEDOUT)
        err = pthread_cond_timedwait(&w->ended_cond, &lock, &deadline);
    ended = w->ended;
    if (!ended) { /* perhaps inside write(): it frees itself, or exit() does */
        pthread_detach(w->thread);
        atomic_store(&w->given_up, true);
    }
    pthread_mutex_unlock(&lock);
    if (ended) {
        pthread_join(w->thread, NULL);
        free_writer(w);
    }
}

bool log_wants(enum log_level level)
{
    return (int)level >=
           atomic_load_explicit(&least_level, memory_order_relaxed);
}

void log_fields(enum log_level level, const char *event,
                const struct log_field *fields)
{
    char line[LOG_LINE_MAX + 1];
    size_t bytes;
    int fd = -1;

    if (!log_wants(level))
        return;
    bytes = format_now(line, level, event, fields);
    pthread_mutex_lock(&lock);
    if (writer)
        put_line(writer, line, bytes);
    else
        fd = log_fd;
    pthread_mutex_unlock(&lock);
    if (fd >= 0)
        write_bytes(fd, NULL, line, bytes);
}
