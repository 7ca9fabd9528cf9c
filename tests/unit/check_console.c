/* check_console.c - which files of the live page are compiled in, and that
 * these are all that the page asks for.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "observe/console.h"
#include "observe/console_files.h"
#include "suite.h"

#define PREFIX "/console/"
#define FILE_BYTES_MAX 100000

static size_t bytes_of(const struct console_file *file)
{
    return (size_t)(file->end - file->bytes);
}

static const char *name_of(const struct console_file *file)
{
    return strcmp(file->path, "/console") == 0 ? "index.html"
                                               : file->path + strlen(PREFIX);
}

static FILE *open_source(const char *name)
{
    static const char *const places[] = {HUBD_CONSOLE_DIR, HUBD_CLIENT_DIR};
    FILE *file = NULL;

    for (size_t i = 0; i < 2 && file == NULL; i++) {
        char path[4096];

        (void)snprintf(path, sizeof(path), "%s/%s", places[i], name);
        file = fopen(path, "rb");
    }
    ck_assert_msg(file != NULL, "%s", name);
    return file;
}

START_TEST(files_are_in_the_program_as_they_are_in_the_source)
{
    static char source[FILE_BYTES_MAX];

    ck_assert_uint_gt(console_file_count, 10);
    for (size_t i = 0; i < console_file_count; i++) {
        const struct console_file *part = &console_files[i];
        FILE *file = open_source(name_of(part));
        size_t bytes = fread(source, 1, sizeof(source), file);

        fclose(file);
        ck_assert_msg(bytes == bytes_of(part), "%s: %zu, not %zu", part->path,
                      bytes_of(part), bytes);
        ck_assert_msg(memcmp(source, part->bytes, bytes) == 0, "%s",
                      part->path);
    }
}
END_TEST

static bool ends_with(const char *text, const char *end)
{
    size_t bytes = strlen(text), end_bytes = strlen(end);

    return bytes >= end_bytes && strcmp(text + bytes - end_bytes, end) == 0;
}

START_TEST(types_are_those_of_the_names)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".svg", "image/svg+xml"},
    };

    for (size_t i = 0; i < console_file_count; i++) {
        const char *found = NULL;

        for (size_t j = 0; j < sizeof(types) / sizeof(types[0]); j++) {
            if (ends_with(name_of(&console_files[i]), types[j].end))
                found = types[j].type;
        }
        ck_assert_ptr_nonnull(found);
        ck_assert_str_eq(console_files[i].type, found);
    }
}
END_TEST

START_TEST(only_whole_paths_are_known)
{
    static const char *const known[] = {"/console", "/console/stats",
                                        "/console/console.js",
                                        "/console/hub-client.js"};
    static const char *const others[] = {
        "",
        "/",
        "/console/",
        "/consol",
        "/Console",
        "/console/index.html",
        "/console/stats/",
        "/console/Stats",
        "/console/console.j",
        "/console/console.js/",
        "/console//console.js",
        "/console/./console.js",
        "/console/%63onsole.js",
        "/console/package.json",
        "/hub-client.js",
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        ck_assert_msg(console_has(known[i]), "%s", known[i]);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_msg(!console_has(others[i]), "%s", others[i]);
}
END_TEST

/* Calls `use` with what stands between each `before` and the next quote. */
static unsigned each_quoted(const struct console_file *part, const char *before,
                            void (*use)(const char *name))
{
    const unsigned char *at = part->bytes;
    unsigned count = 0;

    while ((at = memmem(at, (size_t)(part->end - at), before,
                        strlen(before))) != NULL) {
        char name[64] = "";

        at += strlen(before);
        for (size_t i = 0; i + 1 < sizeof(name) && at < part->end; i++) {
            if (*at == '"' || *at == '\'')
                break;
            name[i] = (char)*at++;
        }
        use(name);
        count++;
    }
    return count;
}

static void needs_module(const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof(path), PREFIX "%s", name);
    ck_assert_msg(console_has(path), "%s is imported", name);
}

static void needs_part(const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "/%s", name);
    ck_assert_msg(name[0] == '#' || console_has(path), "%s is linked", name);
}

START_TEST(whatever_the_page_asks_for_is_there)
{
    unsigned modules = 0, links = 0;

    for (size_t i = 0; i < console_file_count; i++) {
        const struct console_file *part = &console_files[i];

        modules += each_quoted(part, "from './", needs_module);
        if (strcmp(part->path, "/console") != 0)
            continue;
        links += each_quoted(part, "src=\"", needs_part);
        links += each_quoted(part, "href=\"", needs_part);
    }
    ck_assert_uint_gt(modules, 10);
    ck_assert_uint_ge(links, 4);
}
END_TEST

START_TEST(nothing_is_asked_of_others)
{
    static const char space[] = "http://www.w3.org/2000/svg"; /* a mere name */

    for (size_t i = 0; i < console_file_count; i++) {
        const struct console_file *part = &console_files[i];
        const unsigned char *at = part->bytes;

        while ((at = memmem(at, (size_t)(part->end - at), "://", 3)) != NULL) {
            size_t before = (size_t)(at - part->bytes);

            ck_assert_msg(before >= 4 &&
                              (size_t)(part->end - at) > sizeof(space) - 5 &&
                              memcmp(at - 4, space, sizeof(space) - 1) == 0,
                          "%s names a server at %zu", part->path, before);
            at++;
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("console");
    TCase *tc = tcase_create("console");

    tcase_add_test(tc, files_are_in_the_program_as_they_are_in_the_source);
    tcase_add_test(tc, types_are_those_of_the_names);
    tcase_add_test(tc, only_whole_paths_are_known);
    tcase_add_test(tc, whatever_the_page_asks_for_is_there);
    tcase_add_test(tc, nothing_is_asked_of_others);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
