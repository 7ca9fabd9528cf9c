/* gate.c - see gate.h. The file is converted to the text that the variable
 * would contain, so that one parser serves both.
 */
#include "access/gate.h"

#include <stdlib.h>
#include <string.h>

#include "base/linebuf.h"
#include "base/log.h"
#include "base/text_file.h"

#define FILE_BYTES_MAX 65536
#define SHOWN_BYTES 256

static int refuse(char *error, size_t error_bytes, const char *path,
                  const char *what, const char *bad)
{
    struct linebuf line;

    linebuf_init(&line, error, error_bytes);
    linebuf_add(&line, "HUB_ALLOWED_ORIGINS_FILE=");
    linebuf_add_escaped(&line, path, SHOWN_BYTES);
    linebuf_add(&line, ": ");
    if (*bad != '\0') {
        linebuf_add(&line, "\"");
        linebuf_add_escaped(&line, bad, SHOWN_BYTES);
        linebuf_add(&line, "\" ");
    }
    linebuf_add(&line, what);
    return -1;
}

/* Turns lines into a comma-separated list, in place. */
static void join_lines(char *text)
{
    char *out = text;

    for (char *line = text, *next; *line != '\0'; line = next) {
        size_t bytes = strcspn(line, "\r\n");

        next = line + bytes + strspn(line + bytes, "\r\n");
        if (bytes == 0 || *line == '#')
            continue;
        if (out != text)
            *out++ = ',';
        memmove(out, line, bytes);
        out += bytes;
    }
    *out = '\0';
}

/* What is wrong if the invalid entry is empty. */
static const char *nothing_in(const char *text)
{
    return text[strspn(text, ", \t")] == '\0' ? "contains no origin"
                                              : "contains an empty entry";
}

static int parse(struct origin_list *out, char *text, size_t bytes,
                 const char *path, char *error, size_t error_bytes)
{
    char bad[SHOWN_BYTES] = "";
    int err;

    if (bytes > FILE_BYTES_MAX)
        return refuse(error, error_bytes, path, "is too large", "");
    if (memchr(text, '\0', bytes) != NULL)
        return refuse(error, error_bytes, path, "contains a NUL byte", "");
    text[bytes] = '\0';
    join_lines(text);
    err = origin_list_parse(out, text, bad, sizeof(bad));
    if (err == 0)
        return 0;
    if (err == -2)
        return refuse(error, error_bytes, path, "out of memory", "");
    if (*bad == '\0')
        return refuse(error, error_bytes, path, nothing_in(text), "");
    return refuse(error, error_bytes, path,
                  "is not an origin such as https://example.com or file://",
                  bad);
}

/* Sets the hosts of a list; releases it if it needs some and there are none. */
static int settle(struct origin_list *list, const struct config *config,
                  char *error, size_t error_bytes)
{
    list->hosts = &config->public_hosts;
    if (!list->same || list->hosts->count > 0)
        return 0;
    origin_list_release(list);
    return refuse(error, error_bytes, config->origins_file,
                  "needs HUB_PUBLIC_HOSTS, which is not set", "same");
}

int gate_read_file(struct origin_list *out, const struct config *config,
                   char *error, size_t error_bytes)
{
    const char *path = config->origins_file;
    char *text = malloc(FILE_BYTES_MAX + 2); /* one too many, and a NUL */
    const char *problem = "out of memory";
    struct stat status;
    ssize_t bytes = -1;
    int err;

    if (text != NULL)
        bytes =
            text_file_read(path, text, FILE_BYTES_MAX + 1, &status, &problem);
    err = bytes < 0 ? refuse(error, error_bytes, path, problem, "")
                    : parse(out, text, (size_t)bytes, path, error, error_bytes);
    free(text);
    return err != 0 ? err : settle(out, config, error, error_bytes);
}

int gate_init(struct gate *gate, const struct config *config, char *error,
              size_t error_bytes)
{
    *gate = (struct gate){.config = config};
    if (config->origins_file != NULL &&
        gate_read_file(&gate->from_file, config, error, error_bytes) < 0)
        return -1;
    (void)pthread_rwlock_init(&gate->lock, NULL);
    return 0;
}

void gate_fini(struct gate *gate)
{
    origin_list_release(&gate->from_file);
    (void)pthread_rwlock_destroy(&gate->lock);
}

void gate_reload(struct gate *gate)
{
    struct origin_list list, old;
    char error[512];

    if (gate->config->origins_file == NULL)
        return;
    if (gate_read_file(&list, gate->config, error, sizeof(error)) < 0) {
        log_event(LEVEL_ERROR, "reload_failed", LOG_STR("error", error),
                  LOG_STR("origins", "unchanged"));
        return;
    }
    (void)pthread_rwlock_wrlock(&gate->lock);
    old = gate->from_file;
    gate->from_file = list;
    (void)pthread_rwlock_unlock(&gate->lock);
    origin_list_release(&old);
    log_event(LEVEL_INFO, "reloaded", LOG_STR("origins", "read"));
}

const struct origin_list *gate_enter(struct gate *gate)
{
    (void)pthread_rwlock_rdlock(&gate->lock);
    return gate->config->origins_file != NULL ? &gate->from_file
                                              : &gate->config->origins;
}

void gate_leave(struct gate *gate)
{
    (void)pthread_rwlock_unlock(&gate->lock);
}
