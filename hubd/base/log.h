/* log.h - one line per event on standard error, as logfmt or JSON.
 *
 * log_event() never blocks: lines go through a bounded queue to a writer
 * thread, so that a blocked pipe or a full disk loses lines (which are counted
 * and reported), but never delays messages. Values are escaped, so that nobody
 * can forge a line.
 */
#ifndef HUBD_LOG_H
#define HUBD_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARN, LEVEL_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

/* A name=value pair of a line. Names are our constants: [a-z_]+. */
struct log_field {
    const char *name; /* NULL ends the list */
    enum { LOG_FIELD_STRING, LOG_FIELD_INT } type;
    const char *string; /* NULL: the pair is left out */
    int64_t number;
};

#define LOG_STR(n, s) ((struct log_field){(n), LOG_FIELD_STRING, (s), 0})
#define LOG_INT(n, i)                                                          \
    ((struct log_field){(n), LOG_FIELD_INT, NULL, (int64_t)(i)})

/* Where lines go from the next log_start() on, or at once while no thread runs;
 * by default standard error. The descriptor stays the caller's, and its flags
 * are not changed. */
void log_set_fd(int fd);

/* Starts the writer thread. Before that, and after log_stop(), lines are
 * written by the caller's own thread, which waits for at most a second. Returns
 * 0 or -1 with errno (EALREADY: it is running). */
int log_start(enum log_level level, enum log_format format);

/* Writes what is queued, for at most `timeout_ms`, and ends the thread. What is
 * left then is lost. */
void log_stop(int timeout_ms);

/* The prefix of a line of that level on standard error: its priority as in
 * sd-daemon(3), if systemd's journal reads it, or nothing. */
const char *log_front(enum log_level level);

/* Whether lines of that level are written. */
bool log_wants(enum log_level level);

/* Writes time (UTC, milliseconds), level, event (our constant), and the pairs:
 * log_event(LEVEL_INFO, "connected", LOG_STR("user", user), LOG_INT("n", 3));
 */
void log_fields(enum log_level level, const char *event,
                const struct log_field *fields);
#define log_event(level, ...)                                                  \
    LOG_EVENT_(level, __VA_ARGS__, ((struct log_field){0}))
#define LOG_EVENT_(level, event, ...)                                          \
    log_fields((level), (event), (struct log_field[]){__VA_ARGS__})

#endif
