/* start_line.c - logs the settings as pairs of one line; keys are masked by
 * config_show.c. Runs once, before other threads.
 */
#include "config/start_line.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define PAIRS_MAX 97 /* a version, and all settings */

struct pairs {
    struct log_field fields[PAIRS_MAX + 1];
    char *values[PAIRS_MAX];
    size_t count;
};

static void add(void *context, const char *name, const char *value)
{
    struct pairs *pairs = context;

    if (pairs->count == PAIRS_MAX)
        return;
    pairs->values[pairs->count] = strdup(value);
    pairs->fields[pairs->count] = LOG_STR(name, pairs->values[pairs->count]);
    pairs->count++;
}

static void warn(void *context, const char *text)
{
    (void)context;
    log_event(LEVEL_WARN, "setting", LOG_STR("warning", text));
}

void start_line(const struct config *config)
{
    struct pairs pairs = {0};

    add(&pairs, "version", hub_version());
    config_each(config, add, &pairs);
    log_fields(LEVEL_INFO, "start", pairs.fields);
    for (size_t i = 0; i < pairs.count; i++)
        free(pairs.values[i]);
    (void)config_warnings(config, warn, NULL);
}
