/* check_config.c - the sources of settings, invalid arguments, keys that stay
 * hidden, and random input.
 */
#include "config_fixture.h"
#include "suite.h"

START_TEST(a_flag_wins_over_the_variable)
{
    ck_assert_int_eq(read_with(LIST("HUB_API_KEY=" SECRET, "PORT=1"),
                               LIST("hubd", "--port", "2")),
                     CONFIG_RUN);
    ck_assert_uint_eq(config.port, 2);
    config_release(&config);
    /* and the variable is not even looked at */
    ck_assert_int_eq(read_with(LIST("HUB_API_KEY=" SECRET, "PORT=x"),
                               LIST("hubd", "--port=3")),
                     CONFIG_RUN);
    ck_assert_uint_eq(config.port, 3);
    config_release(&config);
    ck_assert_int_eq(read_with(LIST("HUB_API_KEY=" SECRET),
                               LIST("hubd", "--port=3", "--port=4")),
                     CONFIG_RUN);
    ck_assert_uint_eq(config.port, 4);
    config_release(&config);
}
END_TEST

START_TEST(only_the_whole_name_of_a_variable_counts)
{
    ck_assert_int_eq(read_with(LIST("HUB_API_KEY=" SECRET, "PORTS=1", "XPORT=2",
                                    "PORT", "port=3", "PORT=4", "PORT=5"),
                               LIST("hubd")),
                     CONFIG_RUN);
    ck_assert_uint_eq(config.port, 4); /* the first one, as in getenv() */
    config_release(&config);
}
END_TEST

START_TEST(arguments_that_make_no_sense_are_refused)
{
    static const struct {
        const char *flag, *error;
    } rows[] = {
        {"--prot=80", "--prot: unknown flag; see --help"},
        {"--PORT=80", "--PORT: unknown flag; see --help"},
        {"--por=80", "--por: unknown flag; see --help"},
        {"--hub-port=80", "--hub-port: unknown flag; see --help"},
        {"--ping_interval=1s", "--ping_interval: unknown flag; see --help"},
        {"--help=1", "--help: unknown flag; see --help"},
        {"--x\x1b[2J\n", "--x...: unknown flag; see --help"},
        {"--api-key " SECRET, "--api-key...: unknown flag; see --help"},
        {"--api-key:" SECRET, "--api-key...: unknown flag; see --help"},
        {"--port", "--port: missing value; must be a port number from 0 to "
                   "65535"},
        {"--api-key",
         "--api-key: missing value; must be 1 to 4096 visible ASCII "
         "characters"},
        {"--port=", "--port=: must be a port number from 0 to 65535"},
        {"-p", "argument 1: must be a flag such as --port=8081; see --help"},
        {"8081", "argument 1: must be a flag such as --port=8081; see --help"},
        {"", "argument 1: must be a flag such as --port=8081; see --help"},
        {"--", "argument 1: must be a flag such as --port=8081; see --help"},
        {"--=" SECRET,
         "argument 1: must be a flag such as --port=8081; see --help"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        ck_assert_int_eq(read_flag(rows[i].flag), CONFIG_ERROR);
        ck_assert_str_eq(error, rows[i].error);
    }
    ck_assert_int_eq(read_with(LIST("HUB_API_KEY=" SECRET),
                               LIST("hubd", "--port", "--loops=1")),
                     CONFIG_ERROR);
    ck_assert_ptr_nonnull(strstr(error, "--port: missing value"));
}
END_TEST

START_TEST(a_long_value_is_cut_and_escaped_in_the_error)
{
    char value[200] = "PORT=\n\x1b\xff";

    memset(value + 8, 'x', sizeof(value) - 9);
    ck_assert_int_eq(read_env(value), CONFIG_ERROR);
    ck_assert_ptr_nonnull(strstr(error, "PORT=\\n\\x1b\\xffxxx"));
    ck_assert_ptr_nonnull(strstr(error, "xxx...: must be a port number"));
    ck_assert_uint_lt(strlen(error), 150);
}
END_TEST

START_TEST(a_small_error_buffer_is_enough_not_to_crash)
{
    char small[8], *argv[] = {NULL};

    for (size_t size = 1; size <= sizeof(small); size++) {
        ck_assert_int_eq(config_read(&config, 0, argv, NULL, small, size),
                         CONFIG_ERROR);
        ck_assert_uint_lt(strlen(small), size);
    }
}
END_TEST

START_TEST(exactly_one_source_of_the_key_is_required)
{
    ck_assert_int_eq(read_with(LIST("PORT=1"), LIST("hubd")), CONFIG_ERROR);
    ck_assert_ptr_nonnull(strstr(error, "HUB_API_KEY: must be set to"));
    ck_assert_ptr_nonnull(strstr(error, "HUB_API_KEY_FILE"));
    ck_assert_int_eq(read_with(LIST("HUB_API_KEY="), LIST("hubd")),
                     CONFIG_ERROR);
    ck_assert_int_eq(read_env("HUB_API_KEY_FILE=/run/key"), CONFIG_ERROR);
    ck_assert_str_eq(error, "HUB_API_KEY and HUB_API_KEY_FILE are both set: "
                            "one of them must be unset");
    ck_assert_int_eq(read_with(LIST("HUB_API_KEY_FILE=/run/a\nkey"),
                               LIST("hubd", "--check-config")),
                     CONFIG_CHECK);
    ck_assert_str_eq(config.api_key_file, "/run/a\nkey");
    ck_assert(prints("HUB_API_KEY_FILE=/run/a\\nkey"));
    ck_assert(prints("HUB_API_KEY=(unset)"));
    config_release(&config);
}
END_TEST

static void expect_no_secret(void)
{
    ck_assert_ptr_null(strstr(error, "s3cret"));
    for (size_t i = 0; i < ARGS_MAX; i++) {
        for (size_t at = 0; at + 6 < sizeof(args.text[i]); at++)
            ck_assert(memcmp(args.text[i] + at, "s3cret", 6) != 0);
    }
}

START_TEST(keys_do_not_stay_in_the_arguments)
{
    static const struct {
        const char *flags[6];
        enum config_action action;
    } rows[] = {
        {{"hubd", "--api-key", SECRET}, CONFIG_RUN},
        {{"hubd", "--api-key=" SECRET}, CONFIG_RUN},
        {{"hubd", "--hub-api-key=" SECRET}, CONFIG_RUN},
        {{"hubd", "--api-key=--" SECRET}, CONFIG_RUN},
        {{"hubd", "--api-key=" SECRET, "--api-key", SECRET}, CONFIG_RUN},
        {{"hubd", "--api-key=" SECRET, "--api-key-previous", SECRET},
         CONFIG_RUN},
        {{"hubd", "--api-key=" SECRET, "--check-config"}, CONFIG_CHECK},
        {{"hubd", "--api-key=" SECRET, "--help"}, CONFIG_HELP},
        {{"hubd", "--version", "--api-key", SECRET}, CONFIG_VERSION},
        {{"hubd", "--api-key=" SECRET, "--port=x"}, CONFIG_ERROR},
        {{"hubd", "--wrong", "--api-key=" SECRET}, CONFIG_ERROR},
        {{"hubd", "--port", "--api-key", SECRET}, CONFIG_ERROR},
        {{"hubd", "--api-key=" SECRET, "--api-key-file=/x"}, CONFIG_ERROR},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        enum config_action action = read_with(LIST("OTHER=1"), rows[i].flags);

        ck_assert_msg(action == rows[i].action, "row %zu: %s", i, error);
        expect_no_secret();
        if (action == CONFIG_RUN || action == CONFIG_CHECK) {
            char *text = printed();

            ck_assert_ptr_nonnull(strstr(config.api_key, SECRET));
            ck_assert_ptr_null(strstr(text, "s3cret"));
            free(text);
            config_release(&config);
        }
    }
}
END_TEST

START_TEST(keys_do_not_stay_in_the_environment)
{
    static const struct {
        const char *flags[3];
        enum config_action action;
    } rows[] = {
        {{"hubd"}, CONFIG_RUN},
        {{"hubd", "--check-config"}, CONFIG_CHECK},
        {{"hubd", "--help"}, CONFIG_HELP},
        {{"hubd", "--port=x"}, CONFIG_ERROR},
        {{"hubd", "--api-key=other"}, CONFIG_RUN},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char key[] = "HUB_API_KEY=" SECRET, again[] = "HUB_API_KEY=" SECRET,
             old[] = "HUB_API_KEY_PREVIOUS=" SECRET, port[] = "PORT=77",
             other[] = "XHUB_API_KEY=" SECRET;
        char *env[] = {key, port, old, again, other, NULL};

        set_args(rows[i].flags);
        ck_assert_int_eq(config_read(&config, args.argc, args.argv, env, error,
                                     sizeof(error)),
                         rows[i].action);
        for (size_t at = 0; at < sizeof(key); at++)
            ck_assert(key[at] == '\0' && again[at] == '\0');
        for (size_t at = 0; at < sizeof(old); at++)
            ck_assert_int_eq(old[at], '\0');
        ck_assert_str_eq(port, "PORT=77");
        ck_assert_str_eq(other, "XHUB_API_KEY=" SECRET);
        config_release(&config);
    }
}
END_TEST

START_TEST(forgotten_keys_are_still_shown_as_set)
{
    size_t bytes;

    ck_assert_int_eq(read_with(LIST("HUB_API_KEY=" SECRET), LIST("hubd")),
                     CONFIG_RUN);
    bytes = strlen(config.api_key);
    config_forget_keys(&config);
    for (size_t i = 0; i < bytes; i++)
        ck_assert_int_eq(config.api_key[i], '\0');
    ck_assert(prints("HUB_API_KEY=****"));
    ck_assert(prints("HUB_API_KEY_PREVIOUS=(unset)"));
    config_release(&config);
}
END_TEST

/* Parts of a key that was not quoted, say. */
START_TEST(a_misplaced_key_is_not_repeated)
{
    ck_assert_int_eq(read_flag(SECRET), CONFIG_ERROR);
    ck_assert_ptr_null(strstr(error, "s3cret"));
    ck_assert_int_eq(read_flag("--api-kye=" SECRET), CONFIG_ERROR);
    ck_assert_ptr_null(strstr(error, "s3cret"));
}
END_TEST

START_TEST(actions_need_no_settings)
{
    char *argv[] = {NULL};

    ck_assert_int_eq(read_with(LIST("PORT=x"), LIST("hubd", "--help")),
                     CONFIG_HELP);
    ck_assert_int_eq(read_with(LIST("PORT=x"), LIST("hubd", "--version")),
                     CONFIG_VERSION);
    ck_assert_int_eq(read_with(LIST("PORT=x"), LIST("hubd", "--check-config",
                                                    "--version", "--what")),
                     CONFIG_VERSION);
    ck_assert_int_eq(read_with(LIST("PORT=x"), LIST("hubd", "--check-config")),
                     CONFIG_ERROR);
    ck_assert_int_eq(read_flag("--check-config"), CONFIG_CHECK);
    config_release(&config);
    ck_assert_int_eq(config_read(&config, 0, argv, NULL, error, sizeof(error)),
                     CONFIG_ERROR);
}
END_TEST

/* Random input. -------------------------------------------------------- */

#define RANDOM_ROUNDS 3000

static unsigned random_state;

static unsigned next_random(unsigned below)
{
    random_state = random_state * 1103515245u + 12345u;
    return (random_state >> 16) % below;
}

/* Pieces of real settings mixed with bytes of any value. */
static void random_text(char *out, size_t size)
{
    static const char *const parts[] = {
        "--",
        "port",
        "hub-",
        "api-key",
        "PORT",
        "HUB_",
        "=",
        "API_KEY",
        "_FILE",
        "1",
        "65536",
        "s",
        "ms",
        "h",
        ".",
        ",",
        "*",
        "https://",
        "*.",
        "a.org",
        ":",
        "[",
        "::1",
        "]",
        "/",
        "10.0.0.0",
        "KB",
        "GiB",
        "-",
        " ",
        "LOOPS",
        "loops",
        "close",
        "drop-",
        "oldest",
        "READ_TIMEOUT",
        "--help",
        "trusted-proxies",
        "allowed-origins",
        "ALLOWED_ORIGINS",
        "TRUSTED_PROXIES",
        "18446744073709551615",
        "9999999h",
    };
    size_t used = 0;

    out[0] = '\0';
    for (unsigned n = next_random(8); n > 0; n--) {
        const char *part = parts[next_random(COUNT(parts))];
        char byte[2] = {(char)(1 + next_random(255)), '\0'};

        if (next_random(6) == 0)
            part = byte;
        if (used + strlen(part) >= size)
            break;
        strcpy(out + used, part);
        used += strlen(part);
    }
}

static void expect_one_line(void)
{
    ck_assert(error[0] != '\0');
    for (const char *p = error; *p; p++)
        ck_assert((unsigned char)*p >= ' ' && *p != 0x7f);
    ck_assert_ptr_null(strstr(error, "s3cret"));
}

START_TEST(random_settings_never_crash)
{
    char texts[6][128];
    int outcomes[CONFIG_ERROR + 1] = {0};

    random_state = 1;
    for (int i = 0; i < RANDOM_ROUNDS; i++) {
        enum config_action action;

        for (size_t k = 0; k < 6; k++)
            random_text(texts[k], sizeof(texts[k]));
        action = read_with(
            LIST("HUB_API_KEY=" SECRET, texts[0], texts[1], texts[2]),
            i % 2 ? LIST("hubd") : LIST("hubd", texts[3], texts[4], texts[5]));
        outcomes[action]++;
        if (action == CONFIG_RUN || action == CONFIG_CHECK) {
            free(printed());
            config_release(&config);
        } else if (action == CONFIG_ERROR) {
            expect_one_line();
        }
    }
    ck_assert_int_gt(outcomes[CONFIG_RUN], 100);
    ck_assert_int_gt(outcomes[CONFIG_ERROR], 100);
}
END_TEST

/* Each setting's own parser with a value that is half right. */
START_TEST(random_values_never_crash)
{
    static const char *const flags[] = {
        "--port",          "--bind",
        "--api-key",       "--api-key-previous",
        "--read-timeout",  "--max-message-size",
        "--ping-interval", "--max-connections",
        "--queue-size",    "--slow-consumer",
        "--loops",         "--allowed-origins",
        "--log-level",     "--trusted-proxies",
    };
    char value[128];

    random_state = 2;
    for (int i = 0; i < RANDOM_ROUNDS; i++) {
        enum config_action action;

        random_text(value, sizeof(value));
        action =
            read_with(LIST("HUB_API_KEY=" SECRET),
                      LIST("hubd", flags[next_random(COUNT(flags))], value));
        if (action == CONFIG_RUN) {
            free(printed());
            config_release(&config);
        } else if (action == CONFIG_ERROR) {
            expect_one_line();
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *tc = tcase_create("config");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_flag_wins_over_the_variable);
    tcase_add_test(tc, only_the_whole_name_of_a_variable_counts);
    tcase_add_test(tc, arguments_that_make_no_sense_are_refused);
    tcase_add_test(tc, a_long_value_is_cut_and_escaped_in_the_error);
    tcase_add_test(tc, a_small_error_buffer_is_enough_not_to_crash);
    tcase_add_test(tc, exactly_one_source_of_the_key_is_required);
    tcase_add_test(tc, keys_do_not_stay_in_the_arguments);
    tcase_add_test(tc, keys_do_not_stay_in_the_environment);
    tcase_add_test(tc, forgotten_keys_are_still_shown_as_set);
    tcase_add_test(tc, a_misplaced_key_is_not_repeated);
    tcase_add_test(tc, actions_need_no_settings);
    tcase_add_test(tc, random_settings_never_crash);
    tcase_add_test(tc, random_values_never_crash);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
