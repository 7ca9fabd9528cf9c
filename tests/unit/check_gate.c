/* check_gate.c - origins from a file, and reading it again. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access/gate.h"
#include "suite.h"

static char path[] = "/tmp/check_gate.XXXXXX";
static char error[512];

static int read_from(struct origin_list *list, char *file)
{
    static struct config config;

    config.origins_file = file;
    return gate_read_file(list, &config, error, sizeof(error));
}

static void make_file(void)
{
    int fd;

    strcpy(path + strlen(path) - 6, "XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void remove_file(void)
{
    unlink(path);
}

static void write_bytes(const void *bytes, size_t count)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
    ck_assert_int_eq(fclose(file), 0);
}

static void write_text(const char *text)
{
    write_bytes(text, strlen(text));
}

static bool allows(struct gate *gate, const char *origin)
{
    bool allowed = origin_list_allows(gate_enter(gate), origin);

    gate_leave(gate);
    return allowed;
}

START_TEST(lines_and_commas_both_separate)
{
    struct origin_list list;

    write_text(
        "# ours\r\n\r\nhttps://a.example\r\n"
        "https://*.b.example, http://c.example:8080\n#https://d.example");
    ck_assert_int_eq(read_from(&list, path), 0);
    ck_assert_uint_eq(list.count, 3);
    ck_assert(origin_list_allows(&list, "https://a.example"));
    ck_assert(origin_list_allows(&list, "https://x.b.example"));
    ck_assert(origin_list_allows(&list, "http://c.example:8080"));
    ck_assert(!origin_list_allows(&list, "https://d.example"));
    origin_list_release(&list);
}
END_TEST

START_TEST(a_star_allows_everything)
{
    struct origin_list list;

    write_text("*\n");
    ck_assert_int_eq(read_from(&list, path), 0);
    ck_assert(list.any);
    origin_list_release(&list);
}
END_TEST

START_TEST(what_is_wrong_is_named)
{
    static const char *const empty[] = {"", "\n", "# none\n", " \n\n", ","};
    struct origin_list list;
    static char large[65537];

    write_text("https://a.example\nnonsense\n");
    ck_assert_int_eq(read_from(&list, path), -1);
    ck_assert_ptr_nonnull(strstr(error, path));
    ck_assert_ptr_nonnull(strstr(error, "\"nonsense\""));

    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        write_text(empty[i]);
        ck_assert_int_eq(read_from(&list, path), -1);
        ck_assert_ptr_nonnull(strstr(error, ": contains no origin"));
    }

    write_text("https://a.example,\nhttps://b.example\n");
    ck_assert_int_eq(read_from(&list, path), -1);
    ck_assert_ptr_nonnull(strstr(error, ": contains an empty entry"));

    write_bytes("https://a.example\0x", 19);
    ck_assert_int_eq(read_from(&list, path), -1);
    ck_assert_ptr_nonnull(strstr(error, "NUL"));

    memset(large, '\n', sizeof(large));
    write_bytes(large, sizeof(large));
    ck_assert_int_eq(read_from(&list, path), -1);
    ck_assert_ptr_nonnull(strstr(error, "too large"));

    ck_assert_int_eq(read_from(&list, (char[]){"/tmp"}), -1);
    ck_assert_ptr_nonnull(strstr(error, "directory"));

    remove_file();
    ck_assert_int_eq(read_from(&list, path), -1);
    ck_assert_ptr_nonnull(strstr(error, "No such file"));
}
END_TEST

START_TEST(same_in_a_file_stands_for_the_hosts_of_the_settings)
{
    char name[] = "hub.example", *names[] = {name};
    struct config config = {.origins_file = path};
    struct origin_list list;
    struct gate gate;

    write_text("https://a.example\nsame\n");
    ck_assert_int_eq(gate_read_file(&list, &config, error, sizeof(error)), -1);
    ck_assert_ptr_nonnull(strstr(error, path));
    ck_assert_ptr_nonnull(strstr(error, "\"same\" needs HUB_PUBLIC_HOSTS"));

    config.public_hosts = (struct origin_hosts){names, 1};
    ck_assert_int_eq(gate_init(&gate, &config, error, sizeof(error)), 0);
    ck_assert(allows(&gate, "https://a.example"));
    ck_assert(allows(&gate, "https://hub.example"));
    ck_assert(!allows(&gate, "https://b.example"));
    write_text("https://b.example");
    gate_reload(&gate);
    ck_assert(!allows(&gate, "https://hub.example"));
    write_text("same");
    gate_reload(&gate);
    ck_assert(allows(&gate, "https://hub.example"));
    gate_fini(&gate);
}
END_TEST

START_TEST(a_reload_replaces_the_list)
{
    struct config config = {.origins_file = path};
    struct gate gate;

    write_text("https://a.example");
    ck_assert_int_eq(gate_init(&gate, &config, error, sizeof(error)), 0);
    ck_assert(allows(&gate, "https://a.example"));
    ck_assert(!allows(&gate, "https://b.example"));
    write_text("https://b.example");
    gate_reload(&gate);
    ck_assert(!allows(&gate, "https://a.example"));
    ck_assert(allows(&gate, "https://b.example"));
    gate_fini(&gate);
}
END_TEST

START_TEST(a_reload_that_fails_keeps_the_list)
{
    struct config config = {.origins_file = path};
    struct gate gate;

    write_text("https://a.example");
    ck_assert_int_eq(gate_init(&gate, &config, error, sizeof(error)), 0);
    write_text("nonsense");
    gate_reload(&gate);
    ck_assert(allows(&gate, "https://a.example"));
    remove_file();
    gate_reload(&gate);
    ck_assert(allows(&gate, "https://a.example"));
    gate_fini(&gate);
}
END_TEST

START_TEST(without_a_file_the_settings_count)
{
    struct config config = {0};
    struct gate gate;

    config.origins.any = true;
    ck_assert_int_eq(gate_init(&gate, &config, error, sizeof(error)), 0);
    ck_assert(allows(&gate, "https://anything.example"));
    gate_reload(&gate);
    ck_assert(allows(&gate, "https://anything.example"));
    gate_fini(&gate);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gate");
    TCase *tests = tcase_create("gate");

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, make_file, remove_file);
    tcase_add_test(tests, lines_and_commas_both_separate);
    tcase_add_test(tests, a_star_allows_everything);
    tcase_add_test(tests, what_is_wrong_is_named);
    tcase_add_test(tests, same_in_a_file_stands_for_the_hosts_of_the_settings);
    tcase_add_test(tests, a_reload_replaces_the_list);
    tcase_add_test(tests, a_reload_that_fails_keeps_the_list);
    tcase_add_test(tests, without_a_file_the_settings_count);
    return suite_run(suite);
}
