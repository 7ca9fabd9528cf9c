/* config_fixture.h - shared by the tests of settings: variables and flags in
 * memory of their own, read into one struct config.
 */
#ifndef TESTS_CONFIG_FIXTURE_H
#define TESTS_CONFIG_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ARGS_MAX 16
#define SECRET "s3cret-s3cret-s3cret"

static struct config config;
static char error[CONFIG_ERROR_BYTES];

/* Arguments in memory that can be overwritten, as that of main() can. */
static struct {
    char text[ARGS_MAX][256];
    char *argv[ARGS_MAX + 1];
    int argc;
} args;

static inline void set_args(const char *const *list)
{
    memset(&args, 0, sizeof(args));
    for (const char *const *at = list; *at; at++) {
        ck_assert_int_lt(args.argc, ARGS_MAX);
        snprintf(args.text[args.argc], sizeof(args.text[0]), "%s", *at);
        args.argv[args.argc] = args.text[args.argc];
        args.argc++;
    }
    args.argv[args.argc] = NULL;
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline enum config_action read_with(const char *const *env,
                                           const char *const *flags)
{
    char *copies[ARGS_MAX + 1] = {0};
    enum config_action action;

    set_args(flags);
    for (size_t i = 0; env[i]; i++)
        copies[i] = strdup(env[i]);
    strcpy(error, "untouched");
    action = config_read(&config, args.argc, args.argv, copies, error,
                         sizeof(error));
    for (size_t i = 0; copies[i]; i++)
        free(copies[i]); /* nothing may point into it any more */
    return action;
}

static inline enum config_action read_env(const char *variable)
{
    return read_with(LIST("HUB_API_KEY=" SECRET, variable), LIST("hubd"));
}

static inline enum config_action read_flag(const char *flag)
{
    return read_with(LIST("HUB_API_KEY=" SECRET), LIST("hubd", flag));
}

static inline char *printed(void)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    config_print(&config, out);
    fclose(out);
    return text;
}

static inline bool prints(const char *line)
{
    char *text = printed(), with_end[512];
    bool found;

    snprintf(with_end, sizeof(with_end), "%s\n", line);
    found = strstr(text, with_end) != NULL;
    free(text);
    return found;
}

/* --ping-interval=9ms for HUB_PING_INTERVAL=9ms. */
static inline void as_flag(char *out, size_t size, const char *variable)
{
    char *end;

    if (strncmp(variable, "HUB_", 4) == 0)
        variable += 4;
    snprintf(out, size, "--%s", variable);
    end = strchr(out, '=');
    for (char *p = out + 2; p < end; p++)
        *p = *p == '_' ? '-' : (char)(*p | 0x20);
}

#endif
