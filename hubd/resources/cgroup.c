/* cgroup.c - see cgroup.h. What cannot be read counts as no limit. */
#include "resources/cgroup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 64

/* Reads the limit that a group's directory holds. */
typedef uint64_t read_fn(const char *directory);

struct controller {
    const char *name;
    read_fn *v1, *v2;
};

/* Files. --------------------------------------------------------------- */

static void read_line(const char *directory, const char *name,
                      char line[LINE_BYTES])
{
    char path[PATH_MAX];
    int bytes = snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = bytes < (int)sizeof(path) ? fopen(path, "re") : NULL;

    line[0] = '\0';
    if (file == NULL)
        return;
    if (fgets(line, LINE_BYTES, file) == NULL)
        line[0] = '\0';
    (void)fclose(file);
}

/* "max" and negative numbers mean no limit. */
static uint64_t number_of(const char *text, const char **rest)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);

    *rest = end;
    return end == text || value > INT64_MAX ? UINT64_MAX : value;
}

static uint64_t read_number(const char *directory, const char *name)
{
    char line[LINE_BYTES];
    const char *rest;

    read_line(directory, name, line);
    return number_of(line, &rest);
}

static uint64_t cpus_of(uint64_t quota, uint64_t period)
{
    if (quota == 0 || quota == UINT64_MAX || period == 0 ||
        period == UINT64_MAX)
        return UINT64_MAX;
    return (quota - 1) / period + 1;
}

static uint64_t read_memory_v1(const char *directory)
{
    return read_number(directory, "memory.limit_in_bytes");
}

static uint64_t read_memory_v2(const char *directory)
{
    return read_number(directory, "memory.max");
}

static uint64_t read_cpu_v1(const char *directory)
{
    return cpus_of(read_number(directory, "cpu.cfs_quota_us"),
                   read_number(directory, "cpu.cfs_period_us"));
}

/* Quota and period on one line. */
static uint64_t read_cpu_v2(const char *directory)
{
    char line[LINE_BYTES];
    const char *rest;
    uint64_t quota;

    read_line(directory, "cpu.max", line);
    quota = number_of(line, &rest);
    return cpus_of(quota, number_of(rest, &rest));
}

/* Groups. -------------------------------------------------------------- */

/* The lowest limit of a group and its ancestors. Shortens `group`. */
static uint64_t least_upwards(const char *root, char *group, read_fn *read)
{
    uint64_t least = UINT64_MAX;

    for (;;) {
        char directory[PATH_MAX];
        char *slash = strrchr(group, '/');
        int bytes = snprintf(directory, sizeof(directory), "%s%s", root, group);
        uint64_t limit =
            bytes < (int)sizeof(directory) ? read(directory) : UINT64_MAX;

        if (limit < least)
            least = limit;
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

/* Whether the name is in a list like "cpu,cpuacct". */
static bool is_listed(const char *list, const char *name)
{
    size_t bytes = strlen(name);

    while (*list != '\0') {
        size_t length = strcspn(list, ",");

        if (length == bytes && memcmp(list, name, bytes) == 0)
            return true;
        list += length;
        list += *list == ',';
    }
    return false;
}

/* A line is "0::/group", or "4:cpu,memory:/group" in version 1. */
static uint64_t limit_of_line(const struct controller *controller,
                              const char *root, char *line)
{
    char v1_root[PATH_MAX];
    char *list = strchr(line, ':');
    char *group = list == NULL ? NULL : strchr(list + 1, ':');

    if (group == NULL)
        return UINT64_MAX;
    *group++ = '\0';
    list++;
    group[strcspn(group, "\n")] = '\0';
    if (*list == '\0')
        return least_upwards(root, group, controller->v2);
    if (!is_listed(list, controller->name))
        return UINT64_MAX;
    (void)snprintf(v1_root, sizeof(v1_root), "%s/%s", root, controller->name);
    return least_upwards(v1_root, group, controller->v1);
}

static uint64_t least_of(const struct controller *controller,
                         const char *groups, const char *root)
{
    uint64_t least = UINT64_MAX;
    char line[PATH_MAX];
    FILE *file = fopen(groups, "re");

    if (file == NULL)
        return least;
    while (fgets(line, sizeof(line), file) != NULL) {
        uint64_t limit = limit_of_line(controller, root, line);

        if (limit < least)
            least = limit;
    }
    (void)fclose(file);
    return least;
}

uint64_t cgroup_memory(const char *groups, const char *root)
{
    static const struct controller memory = {"memory", read_memory_v1,
                                             read_memory_v2};

    return least_of(&memory, groups, root);
}

uint64_t cgroup_cpus(const char *groups, const char *root)
{
    static const struct controller cpu = {"cpu", read_cpu_v1, read_cpu_v2};

    return least_of(&cpu, groups, root);
}
