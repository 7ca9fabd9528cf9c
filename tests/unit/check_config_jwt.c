/* check_config_jwt.c - the settings of tokens, and --check-token. */
#include "config_fixture.h"
#include "suite.h"

#define JWT_SECRET "s3cret of tokens"

START_TEST(algorithms_are_a_set)
{
    ck_assert_int_eq(read_env("HUB_JWT_ALGORITHMS=EdDSA, RS256,RS256"),
                     CONFIG_RUN);
    ck_assert_uint_eq(config.jwt.algorithms,
                      JWT_BIT(JWT_EDDSA) | JWT_BIT(JWT_RS256));
    ck_assert(prints("HUB_JWT_ALGORITHMS=RS256,EdDSA"));
    config_release(&config);
    ck_assert_int_eq(read_env("HUB_JWT_ALGORITHMS=Auto"), CONFIG_RUN);
    ck_assert_uint_eq(config.jwt.algorithms, 0);
    ck_assert(prints("HUB_JWT_ALGORITHMS=auto"));
    config_release(&config);
}
END_TEST

START_TEST(another_word_is_no_algorithm)
{
    static const char *const others[] = {
        "none", "HS256,none", "hs256",      "HS256,",
        ",",    "ES512",      "auto,HS256", "HS256 HS512",
    };

    for (size_t i = 0; i < COUNT(others); i++) {
        char variable[64];

        snprintf(variable, sizeof(variable), "HUB_JWT_ALGORITHMS=%s",
                 others[i]);
        ck_assert_int_eq(read_env(variable), CONFIG_ERROR);
        ck_assert_ptr_nonnull(strstr(error, "must be auto, or a comma list"));
    }
    ck_assert_ptr_nonnull(strstr(error, "HS256 HS512"));
}
END_TEST

START_TEST(claims_are_names_or_pointers)
{
    static const char *const good[] = {"sub", "https://a.example/id", "/a/b/0",
                                       "/", "a b"};
    static const char *const others[] = {"/a/b/c/d/e", "/~", "/~2", "a\nb",
                                         "a\xff"};
    char variable[64];

    for (size_t i = 0; i < COUNT(good); i++) {
        snprintf(variable, sizeof(variable), "HUB_JWT_USER_CLAIM=%s", good[i]);
        ck_assert_int_eq(read_env(variable), CONFIG_RUN);
        ck_assert_str_eq(config.jwt.user_claim, good[i]);
        ck_assert(prints(variable));
        config_release(&config);
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        snprintf(variable, sizeof(variable), "HUB_JWT_SESSION_CLAIM=%s",
                 others[i]);
        ck_assert_int_eq(read_env(variable), CONFIG_ERROR);
        ck_assert_ptr_nonnull(strstr(error, "JSON pointer"));
    }
}
END_TEST

START_TEST(urls_are_of_http)
{
    static const char *const good[] = {"https://id.example/a?b=c",
                                       "http://[::1]:8080/keys"};
    static const char *const others[] = {
        "id.example/keys",
        "ftp://id.example/",
        "https:/id.example/",
        "https://id.example/a b",
        "https://id.example/\xc3\xa9",
    };
    char variable[64];

    for (size_t i = 0; i < COUNT(good); i++) {
        snprintf(variable, sizeof(variable), "HUB_JWT_KEYS_URL=%s", good[i]);
        ck_assert_int_eq(read_env(variable), CONFIG_RUN);
        ck_assert_str_eq(config.jwt.keys_url, good[i]);
        ck_assert(prints(variable));
        config_release(&config);
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        snprintf(variable, sizeof(variable), "HUB_JWT_KEYS_URL=%s", others[i]);
        ck_assert_int_eq(read_env(variable), CONFIG_ERROR);
        ck_assert_ptr_nonnull(strstr(error, "must be a URL"));
    }
}
END_TEST

START_TEST(texts_are_what_a_token_can_hold)
{
    char text[1100] = "HUB_JWT_ISSUER=";
    size_t prefix = strlen(text);

    ck_assert_int_eq(read_env("HUB_JWT_ISSUER=https://\xc3\xa9/ x"),
                     CONFIG_RUN);
    ck_assert_str_eq(config.jwt.issuer, "https://\xc3\xa9/ x");
    config_release(&config);
    ck_assert_int_eq(read_env("HUB_JWT_ISSUER=a\x7f"), CONFIG_ERROR);
    ck_assert_int_eq(read_env("HUB_JWT_ISSUER=a\tb"), CONFIG_ERROR);
    ck_assert_int_eq(read_env("HUB_JWT_AUDIENCE=\xc3"), CONFIG_ERROR);
    memset(text + prefix, 'x', 1025);
    ck_assert_int_eq(read_env(text), CONFIG_ERROR);
    text[prefix + 1024] = '\0';
    ck_assert_int_eq(read_env(text), CONFIG_RUN);
    config_release(&config);
}
END_TEST

START_TEST(there_are_no_groups_yet)
{
    ck_assert_int_eq(read_env("HUB_JWT_GROUPS_CLAIM=groups"), CONFIG_ERROR);
    ck_assert_str_eq(error, "HUB_JWT_GROUPS_CLAIM=groups: must be unset: "
                            "hubd has no groups yet");
    ck_assert_int_eq(read_env("HUB_JWT_GROUPS_CLAIM="), CONFIG_RUN);
    config_release(&config);
}
END_TEST

/* Secrets. -------------------------------------------------------------- */

START_TEST(a_secret_is_never_shown)
{
    ck_assert_int_eq(read_env("HUB_JWT_SECRET=" JWT_SECRET), CONFIG_RUN);
    ck_assert_str_eq(config.jwt.secret, JWT_SECRET);
    ck_assert(prints("HUB_JWT_SECRET=****"));
    config_forget_keys(&config);
    ck_assert_str_eq(config.jwt.secret, "");
    ck_assert(prints("HUB_JWT_SECRET=****"));
    config_release(&config);
    ck_assert_int_eq(read_env("HUB_JWT_SECRET=" JWT_SECRET " "), CONFIG_ERROR);
    ck_assert_ptr_null(strstr(error, "s3cret"));
    ck_assert_int_eq(read_env("HUB_JWT_SECRET= x"), CONFIG_ERROR);
    ck_assert_int_eq(read_env("HUB_JWT_SECRET=a\tb"), CONFIG_ERROR);
}
END_TEST

START_TEST(a_secret_on_the_command_line_is_overwritten)
{
    static const char *const forms[][3] = {
        {"--jwt-secret=" JWT_SECRET, "--port=1"},
        {"--hub-jwt-secret=" JWT_SECRET, "--port=1"},
        {"--jwt-secret", JWT_SECRET, "--port=1"},
    };

    for (size_t i = 0; i < COUNT(forms); i++) {
        ck_assert_int_eq(
            read_with(LIST("HUB_API_KEY=" SECRET),
                      LIST("hubd", forms[i][0], forms[i][1], forms[i][2])),
            CONFIG_RUN);
        ck_assert_str_eq(config.jwt.secret, JWT_SECRET);
        for (int arg = 0; arg < args.argc; arg++)
            ck_assert_ptr_null(strstr(args.argv[arg], "s3cret"));
        config_release(&config);
    }
}
END_TEST

/* --check-token. -------------------------------------------------------- */

START_TEST(a_token_can_be_checked_without_a_key_of_the_api)
{
    static const char *const forms[][2] = {
        {"--check-token", "-"},
        {"--check-token=-", NULL},
    };

    for (size_t i = 0; i < COUNT(forms); i++) {
        ck_assert_int_eq(
            read_with(LIST("PORT=7"), LIST("hubd", forms[i][0], forms[i][1])),
            CONFIG_TOKEN);
        ck_assert_str_eq(config.token_file, "-");
        ck_assert_uint_eq(config.port, 7);
        config_release(&config);
    }
    ck_assert_int_eq(read_with(LIST("PORT=7"),
                               LIST("hubd", "--check-token", "a", "--port=8")),
                     CONFIG_TOKEN);
    ck_assert_str_eq(config.token_file, "a");
    ck_assert_uint_eq(config.port, 8);
    config_release(&config);
}
END_TEST

START_TEST(it_takes_a_file)
{
    static const char *const forms[][2] = {
        {"--check-token", NULL},
        {"--check-token=", NULL},
        {"--check-token", "--port=8"},
    };

    for (size_t i = 0; i < COUNT(forms); i++) {
        ck_assert_int_eq(
            read_with(LIST("PORT=7"), LIST("hubd", forms[i][0], forms[i][1])),
            CONFIG_ERROR);
        ck_assert_ptr_nonnull(strstr(error, "--check-token: takes a file"));
    }
    ck_assert_int_eq(
        read_with(LIST("PORT=7"), LIST("hubd", "--check-tokens=a")),
        CONFIG_ERROR);
    ck_assert_ptr_nonnull(strstr(error, "unknown flag"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config_jwt");
    TCase *tc = tcase_create("config_jwt");

    tcase_add_test(tc, algorithms_are_a_set);
    tcase_add_test(tc, another_word_is_no_algorithm);
    tcase_add_test(tc, claims_are_names_or_pointers);
    tcase_add_test(tc, urls_are_of_http);
    tcase_add_test(tc, texts_are_what_a_token_can_hold);
    tcase_add_test(tc, there_are_no_groups_yet);
    tcase_add_test(tc, a_secret_is_never_shown);
    tcase_add_test(tc, a_secret_on_the_command_line_is_overwritten);
    tcase_add_test(tc, a_token_can_be_checked_without_a_key_of_the_api);
    tcase_add_test(tc, it_takes_a_file);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
