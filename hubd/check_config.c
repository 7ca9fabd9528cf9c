/* check_config.c - everything that a start checks before it takes any
 * resources. */
#include "check_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "access/gate.h"
#include "access/keys.h"
#include "access/token_auth.h"
#include "access/token_keys.h"
#include "base/log.h"
#include "front/listen.h"
#include "front/tap.h"

int complain(const char *text, int code)
{
    (void)fprintf(stderr, "%shubd: %s\n",
                  log_front(code == 0 ? LEVEL_WARN : LEVEL_ERROR), text);
    return code;
}

/* A file that cannot be used is an invalid setting too. */
static int check_origins(const struct config *config)
{
    struct origin_list list;
    char error[512];

    if (config->origins_file == NULL)
        return 0;
    if (gate_read_file(&list, config, error, sizeof(error)) < 0)
        return complain(error, EX_CONFIG);
    origin_list_release(&list);
    return 0;
}

static void warn(const char *warning)
{
    if (warning[0] != '\0')
        (void)complain(warning, 0);
}

static void warn_of_setting(void *context, const char *warning)
{
    (void)context;
    warn(warning);
}

/* `api` has the API keys. */
static int check_metrics_key(const struct config *config,
                             const struct keys *api, char *warning,
                             size_t warning_bytes)
{
    char error[512];
    struct keys *keys;

    if (config->metrics_key == NULL)
        return 0;
    keys =
        keys_load_metrics(config, error, sizeof(error), warning, warning_bytes);
    if (keys == NULL)
        return complain(error, EX_CONFIG);
    if (keys_overlap(api, keys))
        warn(KEYS_OVERLAP_WARNING);
    keys_free(keys);
    return 0;
}

/* `keys` is NULL where no tokens are in use, or their keys are elsewhere: no
 * network is asked. */
static int check_token_keys(const struct config *config, struct jwt_keys **keys,
                            char *warning, size_t warning_bytes)
{
    bool in_use = (config->client_auth & CLIENT_AUTH_JWT) != 0 ||
                  token_keys_are_set(config);
    char error[512];

    *keys = NULL;
    if (token_auth_check_settings(config, in_use, error, sizeof(error)) < 0)
        return complain(error, EX_CONFIG);
    if (!in_use || token_keys_are_remote(config))
        return 0;
    *keys =
        token_keys_read(config, error, sizeof(error), warning, warning_bytes);
    return *keys != NULL ? 0 : complain(error, EX_CONFIG);
}

/* As comments: what is printed can be read back as settings. */
static void print_token_keys(const struct config *config,
                             const struct jwt_keys *keys)
{
    const struct jwt_key_info *info;
    char text[1024];
    struct linebuf line;

    for (size_t i = 0; (info = jwt_keys_info(keys, i)) != NULL; i++) {
        linebuf_init(&line, text, sizeof(text));
        token_keys_describe(info, &line);
        (void)printf("# %s: %s\n", token_keys_source(config), text);
    }
}

int check_config(const struct config *config)
{
    char error[512], warning[512] = "", of_metrics[512] = "";
    char of_tokens[512] = "";
    struct jwt_keys *token_keys;
    struct keys *keys;
    int code;

    if (tap_check(error, sizeof(error)) < 0)
        return complain(error, EXIT_FAILURE);
    if (listen_check(config, error, sizeof(error)) < 0)
        return complain(error, EX_CONFIG);
    keys = keys_load(config, error, sizeof(error), warning, sizeof(warning));
    if (keys == NULL)
        return complain(error, EX_CONFIG);
    code = check_metrics_key(config, keys, of_metrics, sizeof(of_metrics));
    keys_free(keys);
    if (code != 0 || check_origins(config) != 0 ||
        check_token_keys(config, &token_keys, of_tokens, sizeof(of_tokens)) !=
            0)
        return EX_CONFIG;
    config_print(config, stdout);
    if (token_keys != NULL)
        print_token_keys(config, token_keys);
    jwt_keys_release(token_keys);
    (void)config_warnings(config, warn_of_setting, NULL);
    warn(warning);
    warn(of_metrics);
    warn(of_tokens);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
