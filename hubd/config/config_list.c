/* config_list.c - the kinds of values that are comma lists: origins, addresses,
 * names. No individual setting appears here either.
 */
#include "config/config_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/slice.h"

static void describe_origins(const struct config_setting *setting,
                             struct linebuf *line)
{
    (void)setting;
    linebuf_add(line, "a comma list of origins like https://*.example.com, "
                      "http://localhost:*, same, or *");
}

/* The list parsers return the codes of config_table.h. */
static int parse_origins(const struct config_setting *setting, const char *text,
                         void *field, char *bad, size_t bad_bytes)
{
    (void)setting;
    return origin_list_parse(field, text, bad, bad_bytes);
}

static void print_origins(const struct config_setting *setting,
                          const void *field, FILE *out)
{
    const struct origin_list *list = field;

    (void)setting;
    if (list->any)
        fputc('*', out);
    if (list->same)
        fputs(list->any ? ",same" : "same", out);
    for (size_t i = 0; i < list->count; i++)
        fprintf(out, "%s%s", i > 0 || list->any || list->same ? "," : "",
                list->patterns[i]);
}

static void release_origins(void *field)
{
    origin_list_release(field);
}

static void describe_hosts(const struct config_setting *setting,
                           struct linebuf *line)
{
    (void)setting;
    linebuf_add(line, "a comma list of names like hub.example.com, "
                      "hub.example.com:8443 or [::1]");
}

static int parse_hosts(const struct config_setting *setting, const char *text,
                       void *field, char *bad, size_t bad_bytes)
{
    (void)setting;
    return origin_hosts_parse(field, text, bad, bad_bytes);
}

static void print_hosts(const struct config_setting *setting, const void *field,
                        FILE *out)
{
    const struct origin_hosts *list = field;

    (void)setting;
    for (size_t i = 0; i < list->count; i++)
        fprintf(out, "%s%s", i > 0 ? "," : "", list->hosts[i]);
}

static void release_hosts(void *field)
{
    origin_hosts_release(field);
}

static void describe_proxies(const struct config_setting *setting,
                             struct linebuf *line)
{
    (void)setting;
    linebuf_add(line, "a comma list of addresses and networks like 10.0.0.1 "
                      "or fd00::/8");
}

static int parse_proxies(const struct config_setting *setting, const char *text,
                         void *field, char *bad, size_t bad_bytes)
{
    (void)setting;
    return netaddr_list_parse(field, text, bad, bad_bytes);
}

static void print_proxies(const struct config_setting *setting,
                          const void *field, FILE *out)
{
    const struct netaddr_list *list = field;

    (void)setting;
    for (size_t i = 0; i < list->count; i++) {
        const struct netaddr_net *net = &list->nets[i];
        char base[NETADDR_TEXT_MAX];
        unsigned bits = net->prefix_bits;

        netaddr_format(&net->base, base);
        fprintf(out, "%s%s", i > 0 ? "," : "", base);
        if (bits < 128) /* for IPv4, the prefix counts from bit 96 */
            fprintf(out, "/%u", strchr(base, ':') ? bits : bits - 96);
    }
}

static void release_proxies(void *field)
{
    netaddr_list_release(field);
}

static void describe_names(const struct config_setting *setting,
                           struct linebuf *line)
{
    (void)setting;
    linebuf_addf(line,
                 "a comma list of HTTP tokens like access_token, each of 1 to "
                 "%d characters",
                 CONFIG_NAME_BYTES_MAX);
}

static int parse_names(const struct config_setting *setting, const char *text,
                       void *field, char *bad, size_t bad_bytes)
{
    char *list = malloc(strlen(text) + 1), *end = list;
    struct slice name;

    (void)setting;
    if (!list)
        return CONFIG_NO_MEMORY;
    while (slice_next(&text, &name)) {
        if (!ascii_is_token(name.start, name.bytes) ||
            name.bytes > CONFIG_NAME_BYTES_MAX) {
            slice_copy(name, bad, bad_bytes);
            free(list);
            return CONFIG_INVALID;
        }
        if (end != list)
            *end++ = ',';
        end = mempcpy(end, name.start, name.bytes);
    }
    *end = '\0';
    *(char **)field = list;
    return 0;
}

const struct config_kind config_origins = {
    .describe = describe_origins,
    .parse = parse_origins,
    .print = print_origins,
    .release = release_origins,
};
const struct config_kind config_hosts = {
    .describe = describe_hosts,
    .parse = parse_hosts,
    .print = print_hosts,
    .release = release_hosts,
};
const struct config_kind config_proxies = {
    .describe = describe_proxies,
    .parse = parse_proxies,
    .print = print_proxies,
    .release = release_proxies,
};
const struct config_kind config_names = {
    .describe = describe_names,
    .parse = parse_names,
    .print = config_text_print,
    .release = config_text_release,
};
