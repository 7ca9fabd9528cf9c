/* token_fixture.h - shared by the tests of token settings: valid settings, and
 * a file.
 */
#ifndef TESTS_TOKEN_FIXTURE_H
#define TESTS_TOKEN_FIXTURE_H

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/config.h"
#include "token_mint.h"

static char error[512];
static char dir[64], path[96];
static struct config config;

static inline void token_setup(void)
{
    mint_init();
}

static inline void token_teardown(void)
{
    mint_fini();
}

/* Of each test: nothing says yet where keys come from. */
static inline void settings_setup(void)
{
    strcpy(dir, "/tmp/check_token.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/keys", dir);
    config = (struct config){
        .jwt = {.audience = (char *)"hub",
                .audience_claim = (char *)"aud",
                .user_claim = (char *)"sub",
                .leeway_ms = 30000},
    };
    strcpy(error, "untouched");
}

static inline void settings_teardown(void)
{
    unlink(path);
    rmdir(path);
    rmdir(dir);
}

/* Takes the text. */
static inline void write_file(char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)fchmod(fd, mode);
    close(fd);
    free(text);
}

/* Claims that are good for as many seconds from now on. */
static inline char *claims_for(int seconds)
{
    return mint_text("{\"sub\":\"ada\",\"aud\":\"hub\",\"exp\":%lld}",
                     (long long)time(NULL) + seconds);
}

#endif
