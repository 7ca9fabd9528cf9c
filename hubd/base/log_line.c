/* log_line.c - logfmt and JSON (RFC 8259) differ in what surrounds a pair and
 * in how a value is escaped; the rest is the same.
 */
#include "base/log_line.h"

#include <inttypes.h>

#include "base/linebuf.h"
#include "base/timestamp.h"

#define END_BYTES 32 /* reserved for "left_out" and the line end */

static const char *const level_names[] = {
    [LEVEL_DEBUG] = "debug",
    [LEVEL_INFO] = "info",
    [LEVEL_WARN] = "warn",
    [LEVEL_ERROR] = "error",
};

static void add_name(struct linebuf *line, enum log_format format,
                     const char *name)
{
    if (format == LOG_JSON)
        linebuf_addf(line, "%s\"%s\":", line->used > 0 ? "," : "{", name);
    else
        linebuf_addf(line, "%s%s=", line->used > 0 ? " " : "", name);
}

static void add_string(struct linebuf *line, enum log_format format,
                       const char *name, const char *value)
{
    add_name(line, format, name);
    if (format == LOG_JSON) {
        linebuf_add(line, "\"");
        linebuf_add_json(line, value, LOG_VALUE_BYTES_MAX);
        linebuf_add(line, "\"");
    } else if (linebuf_is_plain(value)) {
        linebuf_add_escaped(line, value, LOG_VALUE_BYTES_MAX);
    } else {
        linebuf_add(line, "\"");
        linebuf_add_escaped(line, value, LOG_VALUE_BYTES_MAX);
        linebuf_add(line, "\"");
    }
}

static void add_number(struct linebuf *line, enum log_format format,
                       const char *name, int64_t value)
{
    add_name(line, format, name);
    linebuf_addf(line, "%" PRId64, value);
}

static void add_time(struct linebuf *line, enum log_format format,
                     const struct timespec *now)
{
    char text[TIMESTAMP_BYTES + 1];

    timestamp_format(now, text);
    add_string(line, format, "time", text);
}

/* Returns whether the pair fitted; if not, none of it is added. */
static bool add_field(struct linebuf *line, enum log_format format,
                      const struct log_field *field)
{
    size_t before = line->used;

    if (field->type == LOG_FIELD_INT)
        add_number(line, format, field->name, field->number);
    else if (field->string)
        add_string(line, format, field->name, field->string);
    if (!line->full)
        return true;
    line->used = before;
    line->at[before] = '\0';
    line->full = false;
    return false;
}

size_t log_line_format(char out[LOG_LINE_MAX + 1], const char *front,
                       enum log_format format, const struct timespec *now,
                       enum log_level level, const char *event,
                       const struct log_field *fields)
{
    int64_t left_out = 0;
    struct linebuf line;
    size_t before;

    linebuf_init(&line, out, LOG_LINE_MAX + 1);
    linebuf_add(&line, front);
    before = line.used;
    linebuf_init(&line, out + before, LOG_LINE_MAX + 1 - END_BYTES - before);
    add_time(&line, format, now);
    add_string(&line, format, "level", level_names[level]);
    add_string(&line, format, "event", event);
    for (; fields->name; fields++)
        left_out += !add_field(&line, format, fields);
    line.size += END_BYTES;
    if (left_out > 0)
        add_number(&line, format, "left_out", left_out);
    linebuf_add(&line, format == LOG_JSON ? "}\n" : "\n");
    return before + line.used;
}
