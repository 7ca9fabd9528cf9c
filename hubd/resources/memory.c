/* memory.c - see memory.h. Control groups: cgroups(7), version 2, whose files
 * hold "max" or a number of bytes; and the memory controller of version 1.
 */
#include "resources/memory.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void memory_init(struct memory *memory, size_t limit, size_t max_message_bytes)
{
    size_t least = memory_least(max_message_bytes);

    *memory = (struct memory){.limit = limit};
    if (limit == 0)
        memory->limit =
            (size_t)(memory_available("/proc/self/cgroup", "/sys/fs/cgroup") /
                     2);
    if (memory->limit < least)
        memory->limit = least;
}

size_t memory_least(size_t max_message_bytes)
{
    size_t least = MEMORY_PER_MESSAGE * max_message_bytes;

    return least > MEMORY_LIMIT_MIN ? least : MEMORY_LIMIT_MIN;
}

static size_t for_bodies(const struct memory *memory)
{
    return memory->limit / 4;
}

size_t memory_for_messages(const struct memory *memory)
{
    return memory->limit - for_bodies(memory);
}

bool memory_take(struct memory *memory, size_t bytes)
{
    size_t used = atomic_load(&memory->bodies);

    do {
        if (bytes > for_bodies(memory) - used)
            return false;
    } while (
        !atomic_compare_exchange_weak(&memory->bodies, &used, used + bytes));
    return true;
}

void memory_give(struct memory *memory, size_t bytes)
{
    (void)atomic_fetch_sub(&memory->bodies, bytes);
}

/* What is available. ---------------------------------------------------- */

static uint64_t read_limit(const char *path)
{
    char text[32] = "", *end;
    unsigned long long value;
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return UINT64_MAX;
    if (fgets(text, sizeof(text), file) == NULL)
        text[0] = '\0';
    (void)fclose(file);
    value = strtoull(text, &end, 10);
    return end == text ? UINT64_MAX : value; /* "max", for one */
}

/* The least of a group and those above it. Shortens `group`. */
static uint64_t least_upwards(const char *root, char *group, const char *file)
{
    uint64_t least = UINT64_MAX;

    for (;;) {
        char path[PATH_MAX];
        char *slash = strrchr(group, '/');
        int bytes = snprintf(path, sizeof(path), "%s%s/%s", root, group, file);
        uint64_t limit =
            bytes < (int)sizeof(path) ? read_limit(path) : UINT64_MAX;

        if (limit < least)
            least = limit;
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

/* A line is "0::/group", or "4:cpu,memory:/group" in version 1. */
static uint64_t limit_of_line(const char *root, char *line)
{
    char v1_root[PATH_MAX];
    char *controllers = strchr(line, ':');
    char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');

    if (group == NULL)
        return UINT64_MAX;
    *group++ = '\0';
    controllers++;
    group[strcspn(group, "\n")] = '\0';
    if (*controllers == '\0')
        return least_upwards(root, group, "memory.max");
    if (strstr(controllers, "memory") == NULL)
        return UINT64_MAX;
    (void)snprintf(v1_root, sizeof(v1_root), "%s/memory", root);
    return least_upwards(v1_root, group, "memory.limit_in_bytes");
}

uint64_t memory_available(const char *groups, const char *root)
{
    uint64_t least =
        (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    char line[PATH_MAX];
    FILE *file = fopen(groups, "re");

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        uint64_t limit = limit_of_line(root, line);

        if (limit < least)
            least = limit;
    }
    if (file != NULL)
        (void)fclose(file);
    return least;
}
