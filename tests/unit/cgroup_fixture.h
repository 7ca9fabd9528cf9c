/* cgroup_fixture.h - control groups in a directory of their own, for one test
 * at a time: `cgroup_root` is where they are mounted, `cgroup_groups` the file
 * that names those of the process.
 */
#ifndef CGROUP_FIXTURE_H
#define CGROUP_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char cgroup_root[] = "/tmp/check_cgroup_XXXXXX";
static char cgroup_groups[sizeof(cgroup_root) + 16];

/* Makes a file below the root, and the directories on the way. */
static void cgroup_write(const char *path, const char *text)
{
    char whole[256];
    FILE *file;

    (void)snprintf(whole, sizeof(whole), "%s/%s", cgroup_root, path);
    for (char *p = strchr(whole + 5, '/'); p != NULL; p = strchr(p + 1, '/')) {
        *p = '\0';
        (void)mkdir(whole, 0700);
        *p = '/';
    }
    file = fopen(whole, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void cgroup_set_up(void)
{
    strcpy(cgroup_root + strlen(cgroup_root) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(cgroup_root));
    (void)snprintf(cgroup_groups, sizeof(cgroup_groups), "%s/groups",
                   cgroup_root);
}

static void cgroup_tear_down(void)
{
    char command[64];

    (void)snprintf(command, sizeof(command), "rm -r %s", cgroup_root);
    ck_assert_int_eq(system(command), 0);
}

#endif
