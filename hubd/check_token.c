/* check_token.c - see check_token.h. */
#include "check_token.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "access/jwt.h"
#include "access/token_auth.h"
#include "access/token_keys.h"
#include "base/linebuf.h"
#include "check_config.h"

/* One more than the limit, and a line end. */
#define TOKEN_BYTES (JWT_BYTES_MAX + 3)

static bool is_space(char c)
{
    return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

/* Returns 0, or -1 with errno. */
static int read_token(const char *path, char *out, struct slice *token)
{
    FILE *file = strcmp(path, "-") != 0 ? fopen(path, "re") : stdin;
    int err = -1;

    if (file == NULL)
        return -1;
    *token = (struct slice){out, fread(out, 1, TOKEN_BYTES, file)};
    if (ferror(file) == 0)
        err = 0;
    if (file != stdin)
        (void)fclose(file);
    while (token->bytes > 0 && is_space(out[token->bytes - 1]))
        token->bytes--;
    return err;
}

static void print_pair(const char *name, const char *value)
{
    char text[4 * HUB_ID_BYTES_MAX + 1];
    struct linebuf line;

    if (value[0] == '\0')
        return;
    linebuf_init(&line, text, sizeof(text));
    linebuf_add_escaped(&line, value, HUB_ID_BYTES_MAX);
    (void)printf(" %s=\"%s\"", name, text);
}

static void print_identity(const struct identity *who)
{
    print_pair("user", who->user_id);
    print_pair("session", who->session_id);
    print_pair("kid", who->kid);
}

static int report(enum token_result result, const struct identity *who,
                  const char *why)
{
    if (result == TOKEN_GOOD) {
        (void)printf("good:");
        print_identity(who);
        (void)printf(" expires_in_s=%lld\n",
                     (long long)(who->expires_in_ms / 1000));
        return EXIT_SUCCESS;
    }
    (void)printf("refused: %s", why);
    if (result == TOKEN_EXPIRED) {
        (void)printf("; otherwise it would be good:");
        print_identity(who);
    }
    (void)printf("\n");
    return EXIT_FAILURE;
}

int check_token(const struct config *config)
{
    char error[1024], text[TOKEN_BYTES];
    enum token_result result;
    struct token_auth *auth;
    struct identity who;
    struct slice token;
    const char *why;

    if (read_token(config->token_file, text, &token) < 0) {
        (void)snprintf(error, sizeof(error), "--check-token: %s",
                       strerror(errno));
        return complain(error, EX_CONFIG);
    }
    if (token_auth_check_settings(config, true, error, sizeof(error)) < 0)
        return complain(error, EX_CONFIG);
    auth = token_auth_create_once(config, error, sizeof(error));
    if (auth == NULL)
        return complain(error, token_keys_are_remote(config) ? EXIT_FAILURE
                                                             : EX_CONFIG);
    result = token_auth_check(auth, token, &who, &why);
    explicit_bzero(text, sizeof(text));
    token_auth_destroy(auth);
    return report(result, &who, why);
}
