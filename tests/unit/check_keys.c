/* check_keys.c - keys from settings and files, their errors and warnings, and
 * comparison.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/keys.h"
#include "suite.h"

#define LONG_KEY "0123456789abcdefghijklmnop"

static char error[512], warning[512];
static char dir[64], path[96];

static void make_dir(void)
{
    strcpy(dir, "/tmp/check_keys.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/key", dir);
}

static void remove_dir(void)
{
    unlink(path);
    rmdir(path);
    rmdir(dir);
}

static void write_file(const char *text, size_t bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, bytes), (ssize_t)bytes);
    close(fd);
}

static struct keys *load(char *key, char *previous, char *file)
{
    struct config config = {
        .api_key = key, .api_key_previous = previous, .api_key_file = file};

    strcpy(error, "untouched");
    strcpy(warning, "untouched");
    return keys_load(&config, error, sizeof(error), warning, sizeof(warning));
}

static struct keys *load_file(const char *text)
{
    write_file(text, strlen(text));
    return load(NULL, NULL, path);
}

static bool matches(const struct keys *keys, const char *given)
{
    return keys_match(keys, given, strlen(given));
}

START_TEST(a_key_matches_itself_alone)
{
    struct keys *keys = load(LONG_KEY, NULL, NULL);

    ck_assert_ptr_nonnull(keys);
    ck_assert_str_eq(error, "");
    ck_assert_str_eq(warning, "");
    ck_assert(matches(keys, LONG_KEY));
    ck_assert(!matches(keys, ""));
    ck_assert(!matches(keys, LONG_KEY "x"));
    ck_assert(!matches(keys, "x" LONG_KEY));
    ck_assert(!keys_match(keys, LONG_KEY, strlen(LONG_KEY) - 1));
    ck_assert(!keys_match(keys, LONG_KEY "\0", strlen(LONG_KEY) + 1));
    for (size_t i = 0; i < strlen(LONG_KEY); i++) {
        char other[] = LONG_KEY;

        other[i] ^= 1;
        ck_assert(!matches(keys, other));
        other[i] = '\0';
        ck_assert(!keys_match(keys, other, strlen(LONG_KEY)));
    }
    keys_free(keys);
    keys_free(NULL);
}
END_TEST

START_TEST(both_keys_match_during_a_change)
{
    struct keys *keys = load(LONG_KEY, LONG_KEY "-before", NULL);

    ck_assert(matches(keys, LONG_KEY));
    ck_assert(matches(keys, LONG_KEY "-before"));
    ck_assert(!matches(keys, LONG_KEY "-"));
    ck_assert(!matches(keys, ""));
    keys_free(keys);
    keys = load(LONG_KEY, LONG_KEY, NULL);
    ck_assert(matches(keys, LONG_KEY));
    keys_free(keys);
}
END_TEST

START_TEST(a_key_has_4096_bytes_at_most)
{
    char key[4098 + 1];
    struct keys *keys;

    memset(key, 'k', 4097);
    key[4097] = '\0';
    ck_assert_ptr_null(load(key, NULL, NULL));
    ck_assert_ptr_null(load_file(key));
    ck_assert_ptr_nonnull(
        strstr(error, "contains a key longer than 4096 bytes"));
    key[4096] = '\0';
    keys = load(key, NULL, NULL);
    ck_assert(matches(keys, key));
    key[4096] = 'k';
    ck_assert(!matches(keys, key));
    keys_free(keys);
    strcpy(key + 4096, "\r\n");
    keys = load_file(key);
    ck_assert_msg(keys != NULL, "%s", error);
    ck_assert(keys_match(keys, key, 4096));
    keys_free(keys);
}
END_TEST

START_TEST(line_ends_behind_the_key_in_a_file_do_not_count)
{
    static const char *const texts[] = {
        LONG_KEY,
        LONG_KEY "\n",
        LONG_KEY "\r\n",
        LONG_KEY "\n\r",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct keys *keys = load_file(texts[i]);

        ck_assert_msg(keys != NULL, "%s", error);
        ck_assert(matches(keys, LONG_KEY));
        ck_assert(!matches(keys, LONG_KEY "\n"));
        ck_assert_str_eq(warning, "");
        keys_free(keys);
    }
}
END_TEST

START_TEST(a_file_may_hold_a_second_key)
{
    static const char *const texts[] = {
        LONG_KEY "\nthe-other-key-" LONG_KEY,
        LONG_KEY "\r\nthe-other-key-" LONG_KEY "\r\n",
        "\n\nthe-other-key-" LONG_KEY "\n\n" LONG_KEY "\n\n",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct keys *keys = load_file(texts[i]);

        ck_assert_msg(keys != NULL, "%s", error);
        ck_assert_str_eq(warning, "");
        ck_assert_uint_eq(keys_count(keys), 2);
        ck_assert(matches(keys, LONG_KEY));
        ck_assert(matches(keys, "the-other-key-" LONG_KEY));
        ck_assert(!matches(keys, ""));
        ck_assert(!matches(keys, LONG_KEY "\n"));
        ck_assert(!matches(keys, "the-other-key-"));
        keys_free(keys);
    }
}
END_TEST

START_TEST(two_keys_of_a_file_may_be_as_long_as_one)
{
    char text[2 * 4098 + 2], first[4097], second[4097];
    struct keys *keys;

    memset(first, 'f', 4096);
    memset(second, 's', 4096);
    first[4096] = second[4096] = '\0';
    snprintf(text, sizeof(text), "%s\r\n%s\r\n", first, second);
    keys = load_file(text);
    ck_assert_msg(keys != NULL, "%s", error);
    ck_assert(matches(keys, first));
    ck_assert(matches(keys, second));
    keys_free(keys);
    strcat(text, "\n"); /* what comes then might be anything */
    ck_assert_ptr_null(load_file(text));
    ck_assert_ptr_nonnull(strstr(error, "is larger than two keys"));
}
END_TEST

START_TEST(reading_the_file_again_replaces_its_keys_alone)
{
    struct config config = {.api_key_file = path};
    struct keys *before, *keys;

    write_file(LONG_KEY "\n" LONG_KEY "-2", 2 * strlen(LONG_KEY) + 3);
    before = load(NULL, LONG_KEY "-before", path);
    ck_assert_uint_eq(keys_count(before), 3);
    write_file(LONG_KEY "-new", strlen(LONG_KEY) + 4);
    keys = keys_reload(before, &config, error, sizeof(error), NULL, 0);
    ck_assert_msg(keys != NULL, "%s", error);
    ck_assert_uint_eq(keys_count(keys), 2);
    ck_assert(matches(keys, LONG_KEY "-new"));
    ck_assert(matches(keys, LONG_KEY "-before"));
    ck_assert(!matches(keys, LONG_KEY));
    ck_assert(!matches(keys, LONG_KEY "-2"));
    keys_free(before);
    write_file("", 0);
    ck_assert_ptr_null(
        keys_reload(keys, &config, error, sizeof(error), NULL, 0));
    keys_free(keys);
}
END_TEST

static void expect_file_error(const char *what)
{
    char expected[256];

    snprintf(expected, sizeof(expected), "HUB_API_KEY_FILE=%s: %s", path, what);
    ck_assert_msg(strncmp(error, expected, strlen(expected)) == 0, "%s", error);
    ck_assert_ptr_null(strchr(error, '\n'));
    ck_assert_ptr_null(strstr(error, "secret"));
}

START_TEST(a_file_that_holds_no_key_is_refused)
{
    static const struct {
        const char *text, *what;
    } rows[] = {
        {"", "contains no key"},
        {"\n", "contains no key"},
        {"\r\n\n", "contains no key"},
        {"secret key", "contains an invalid byte"},
        {" secret", "contains an invalid byte"},
        {"secret\t\n", "contains an invalid byte"},
        {"secret\nsecret \n", "contains an invalid byte"},
        {"secret\n\tsecret", "contains an invalid byte"},
        {"secret\nsecret\r\nsecret", "contains more than two keys"},
        {"secr\xc3\xa9t", "contains an invalid byte"},
        {"secret\x7f", "contains an invalid byte"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_ptr_null(load_file(rows[i].text));
        expect_file_error(rows[i].what);
    }
    write_file("secret\0secret", 13);
    ck_assert_ptr_null(load(NULL, NULL, path));
    expect_file_error("contains an invalid byte");
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_refused)
{
    ck_assert_ptr_null(load(NULL, NULL, path));
    expect_file_error("No such file or directory");
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_ptr_null(load(NULL, NULL, path));
    expect_file_error("is a directory, not a file");
    ck_assert_int_eq(rmdir(path), 0);
    /* Nobody writes into it: opening it must not wait for that. */
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_ptr_null(load(NULL, NULL, path));
    expect_file_error("is not a regular file");
    if (geteuid() != 0) { /* root may read everything */
        ck_assert_int_eq(unlink(path), 0);
        write_file(LONG_KEY, strlen(LONG_KEY));
        ck_assert_int_eq(chmod(path, 0), 0);
        ck_assert_ptr_null(load(NULL, NULL, path));
        expect_file_error("Permission denied");
    }
}
END_TEST

START_TEST(a_path_cannot_forge_a_line)
{
    ck_assert_ptr_null(load(NULL, NULL, "/nowhere\nlevel=error \x1b[2J"));
    ck_assert_str_eq(error, "HUB_API_KEY_FILE=/nowhere\\nlevel=error "
                            "\\x1b[2J: No such file or directory");
}
END_TEST

START_TEST(a_weak_key_is_warned_of)
{
    struct keys *keys = load("0123456789abcde", NULL, NULL);

    ck_assert_str_eq(warning, "the API key is shorter than 16 bytes");
    keys_free(keys);
    keys = load("0123456789abcdef", NULL, NULL);
    ck_assert_str_eq(warning, "");
    keys_free(keys);
    keys = load("short", "shorter", NULL);
    ck_assert_str_eq(warning, "HUB_API_KEY_PREVIOUS is shorter than 16 bytes; "
                              "the API key is shorter than 16 bytes");
    keys_free(keys);
    keys = load_file(LONG_KEY "\nshort");
    ck_assert_str_eq(warning, "the second key of HUB_API_KEY_FILE is shorter "
                              "than 16 bytes");
    keys_free(keys);
}
END_TEST

START_TEST(a_file_that_others_can_use_is_warned_of)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0644};

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        struct keys *keys;

        write_file(LONG_KEY, strlen(LONG_KEY));
        ck_assert_int_eq(chmod(path, modes[i]), 0);
        keys = load(NULL, NULL, path);
        ck_assert_ptr_nonnull(keys);
        ck_assert_ptr_nonnull(strstr(warning, "other users can access it"));
        ck_assert_ptr_nonnull(strstr(warning, path));
        ck_assert_ptr_null(strstr(warning, LONG_KEY));
        keys_free(keys);
    }
}
END_TEST

/* As packages leave it: root's, and readable for the group hubd runs as. */
START_TEST(a_file_of_somebody_else_may_be_for_the_group)
{
    static const struct {
        mode_t mode;
        bool warned;
    } cases[] = {{0640, false}, {0440, false}, {0660, true},
                 {0644, true},  {0604, true},  {0602, true}};

    if (geteuid() != 0) /* may not give files away */
        return;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct keys *keys;

        write_file(LONG_KEY, strlen(LONG_KEY));
        ck_assert_int_eq(chown(path, 1, 1), 0);
        ck_assert_int_eq(chmod(path, cases[i].mode), 0);
        keys = load(NULL, NULL, path);
        ck_assert_ptr_nonnull(keys);
        ck_assert_msg((*warning != '\0') == cases[i].warned, "%o: %s",
                      cases[i].mode, warning);
        keys_free(keys);
        ck_assert_int_eq(unlink(path), 0);
    }
}
END_TEST

START_TEST(keys_of_a_setting_are_checked_without_being_shown)
{
    ck_assert_ptr_null(load("my secret", NULL, NULL));
    ck_assert_ptr_nonnull(
        strstr(error, "HUB_API_KEY: contains an invalid byte"));
    ck_assert_ptr_null(strstr(error, "secret"));
    ck_assert_ptr_null(load("", NULL, NULL));
    ck_assert_str_eq(error, "HUB_API_KEY: contains no key");
    ck_assert_ptr_null(load(LONG_KEY, "my secret", NULL));
    ck_assert_ptr_nonnull(
        strstr(error, "HUB_API_KEY_PREVIOUS: contains an invalid byte"));
    ck_assert_ptr_null(strstr(error, "secret"));
    ck_assert_ptr_null(load(NULL, NULL, NULL));
    ck_assert_str_eq(error, "HUB_API_KEY: not set");
}
END_TEST

START_TEST(warnings_need_not_be_asked_for)
{
    struct config config = {.api_key = "short"};
    struct keys *keys = keys_load(&config, error, sizeof(error), NULL, 0);

    ck_assert_ptr_nonnull(keys);
    keys_free(keys);
}
END_TEST

static struct keys *load_metrics(char *key)
{
    struct config config = {.api_key = "of-the-api-0123456789",
                            .metrics_key = key};

    strcpy(error, "untouched");
    strcpy(warning, "untouched");
    return keys_load_metrics(&config, error, sizeof(error), warning,
                             sizeof(warning));
}

START_TEST(the_key_for_metrics_is_no_key_of_the_api)
{
    struct keys *keys = load_metrics(LONG_KEY);

    ck_assert_ptr_nonnull(keys);
    ck_assert_str_eq(error, "");
    ck_assert_str_eq(warning, "");
    ck_assert(matches(keys, LONG_KEY));
    ck_assert(!matches(keys, "of-the-api-0123456789"));
    ck_assert(!matches(keys, ""));
    keys_free(keys);
    keys = load_metrics("short");
    ck_assert_str_eq(warning, "HUB_METRICS_KEY is shorter than 16 bytes");
    keys_free(keys);
    ck_assert_ptr_null(load_metrics("my secret"));
    ck_assert_ptr_nonnull(
        strstr(error, "HUB_METRICS_KEY: contains an invalid byte"));
    ck_assert_ptr_null(strstr(error, "secret"));
}
END_TEST

START_TEST(keys_that_sets_have_in_common_are_found)
{
    struct keys *api = load(LONG_KEY, "the-one-before-that", NULL);
    struct keys *other = load_metrics("something-else-altogether");
    struct keys *first = load_metrics(LONG_KEY);
    struct keys *second = load_metrics("the-one-before-that");

    ck_assert(!keys_overlap(api, other));
    ck_assert(keys_overlap(api, first));
    ck_assert(keys_overlap(api, second));
    ck_assert(!keys_overlap(first, second));
    keys_free(api);
    keys_free(other);
    keys_free(first);
    keys_free(second);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keys");
    TCase *tc = tcase_create("keys");

    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_test(tc, a_key_matches_itself_alone);
    tcase_add_test(tc, both_keys_match_during_a_change);
    tcase_add_test(tc, a_key_has_4096_bytes_at_most);
    tcase_add_test(tc, line_ends_behind_the_key_in_a_file_do_not_count);
    tcase_add_test(tc, a_file_may_hold_a_second_key);
    tcase_add_test(tc, two_keys_of_a_file_may_be_as_long_as_one);
    tcase_add_test(tc, reading_the_file_again_replaces_its_keys_alone);
    tcase_add_test(tc, a_file_that_holds_no_key_is_refused);
    tcase_add_test(tc, a_file_that_cannot_be_read_is_refused);
    tcase_add_test(tc, a_path_cannot_forge_a_line);
    tcase_add_test(tc, a_weak_key_is_warned_of);
    tcase_add_test(tc, a_file_that_others_can_use_is_warned_of);
    tcase_add_test(tc, a_file_of_somebody_else_may_be_for_the_group);
    tcase_add_test(tc, keys_of_a_setting_are_checked_without_being_shown);
    tcase_add_test(tc, warnings_need_not_be_asked_for);
    tcase_add_test(tc, the_key_for_metrics_is_no_key_of_the_api);
    tcase_add_test(tc, keys_that_sets_have_in_common_are_found);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
