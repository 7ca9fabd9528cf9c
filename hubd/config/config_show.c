/* config_show.c - prints the settings for people: usage, effective values and
 * likely mistakes. Keys are shown as ****.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "config/config_table.h"
#include "base/linebuf.h"

#define TAKES_BYTES_MAX 256
#define IDLE_LIMIT_MS 60000 /* of nginx, HAProxy, cloud load balancers */

static const void *field_of(const struct config *config,
                            const struct config_setting *setting)
{
    return (const char *)config + setting->offset;
}

/* The value as text, or NULL without memory. */
static char *value_text(const struct config *config,
                        const struct config_setting *setting)
{
    const void *field = field_of(config, setting);
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    if (!out)
        return NULL;
    if (!setting->kind->secret)
        setting->kind->print(setting, field, out);
    else if (*(char *const *)field)
        fputs("****", out);
    if (ftell(out) == 0)
        fputs("(unset)", out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* On one line, whatever the text contains. Escapes are at most four times as
 * long. */
static void print_escaped(const char *text, FILE *out)
{
    size_t bytes = strlen(text), size = 4 * bytes + 1;
    char *copy = malloc(size);
    struct linebuf line;

    if (!copy)
        return;
    linebuf_init(&line, copy, size);
    linebuf_add_escaped(&line, text, bytes);
    fputs(copy, out);
    free(copy);
}

void config_print(const struct config *config, FILE *out)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        const struct config_setting *setting = &config_settings[i];
        char *text = value_text(config, setting);

        fprintf(out, "%s=", setting->name);
        print_escaped(text ? text : "(out of memory)", out);
        fputc('\n', out);
        free(text);
    }
}

void config_each(const struct config *config,
                 void (*emit)(void *context, const char *name,
                              const char *value),
                 void *context)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        char *text = value_text(config, &config_settings[i]);

        emit(context, config_settings[i].key, text ? text : "(out of memory)");
        free(text);
    }
}

static void print_setting(const struct config_setting *setting, FILE *out)
{
    char flag[CONFIG_FLAG_MAX], takes[TAKES_BYTES_MAX];
    struct linebuf line;

    config_flag(setting, flag);
    linebuf_init(&line, takes, sizeof(takes));
    setting->kind->describe(setting, &line);
    fprintf(out, "\n  %s, --%s\n", setting->name, flag);
    fprintf(out, "      %s\n", setting->meaning);
    fprintf(out, "      takes %s", takes);
    if (setting->fallback)
        fprintf(out, "\n      default %s",
                setting->zero ? setting->zero : setting->fallback);
    fputc('\n', out);
}

void config_usage(FILE *out)
{
    fputs("Usage: hubd [flag]...\n"
          "\n"
          "Keeps WebSocket connections open and delivers what backends post.\n"
          "\n"
          "  --help          print this and exit\n"
          "  --version       print the version and exit\n"
          "  --check-config  print the settings in effect and exit; status 78 "
          "if one is\n"
          "                  invalid\n"
          "  --check-token   say whom the token in a file (-: standard input) "
          "is for, or why\n"
          "                  it is refused, and exit\n"
          "\n"
          "Each setting is an environment variable and a flag (--port=8081 or\n"
          "--port 8081); the flag wins.\n",
          out);
    for (size_t i = 0; i < config_setting_count; i++)
        print_setting(&config_settings[i], out);
}

/* Whether other machines can connect. */
static bool is_public(const char *bind)
{
    struct netaddr addr;

    return netaddr_parse(&addr, bind, strlen(bind)) != 0 ||
           !netaddr_is_loopback(&addr);
}

int config_warnings(const struct config *config,
                    void (*emit)(void *context, const char *text),
                    void *context)
{
    const struct {
        bool applies;
        const char *text;
    } warnings[] = {
        {config->client_auth == 0, "HUB_CLIENT_AUTH is none: anyone who can "
                                   "connect can claim any userId"},
        {(config->client_auth & CLIENT_AUTH_JWT) == 0 &&
             (config->jwt.secret != NULL || config->jwt.secret_file != NULL ||
              config->jwt.keys_file != NULL),
         "HUB_JWT_… settings have no effect, since HUB_CLIENT_AUTH does not "
         "include jwt"},
        {!config->origins.any && config->origins.count > 0 &&
             origin_list_allows(&config->origins, "null"),
         "HUB_ALLOWED_ORIGINS includes null: every web page can connect from a "
         "sandboxed frame"},
        {config->public_hosts.count > 0 && !config->origins.same &&
             config->origins_file == NULL,
         "HUB_PUBLIC_HOSTS has no effect, since HUB_ALLOWED_ORIGINS does not "
         "include same"},
        {config->ping_interval_ms >= IDLE_LIMIT_MS,
         "HUB_PING_INTERVAL is 60s or more: common proxies cut connections "
         "that are silent for that long"},
        {config->queue_bytes < config->max_message_bytes,
         "HUB_QUEUE_SIZE is less than MAX_MESSAGE_SIZE: larger messages never "
         "fit into a queue"},
        {config->metrics.where == METRICS_ON && config->metrics_key == NULL &&
             is_public(config_api_bind(config)),
         "HUB_METRICS is on without HUB_METRICS_KEY: anyone who can connect "
         "can read /metrics"},
        {config->metrics.where == METRICS_OFF && config->metrics_key != NULL,
         "HUB_METRICS_KEY has no effect, since HUB_METRICS is off"},
        {config->console == CONFIG_ON && is_public(config_api_bind(config)),
         "HUB_CONSOLE is on, and its address lets other machines see it"},
    };
    int count = 0;

    for (size_t i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++) {
        if (!warnings[i].applies)
            continue;
        emit(context, warnings[i].text);
        count++;
    }
    if (config->unknown[0] != '\0') {
        char text[CONFIG_UNKNOWN_BYTES + 64];

        (void)snprintf(text, sizeof(text), "%s: not a setting of hubd",
                       config->unknown);
        emit(context, text);
        count++;
    }
    return count;
}
