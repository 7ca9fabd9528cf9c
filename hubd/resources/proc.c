/* proc.c - see proc.h. */
#include "resources/proc.h"

#include <dirent.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DESCRIPTORS "/proc/self/fd"
#define STAT_MAX 1024
#define STARTED_FIELD 22 /* of proc(5), stat */
#define FIRST_FIELD 3    /* after the name, which may contain anything */

int proc_count(const char *directory)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    int count = 0;

    if (dir == NULL)
        return -1;
    while ((entry = readdir(dir)) != NULL)
        count += entry->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

/* The first line of a file, or "". */
static void read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "re");

    line[0] = '\0';
    if (file == NULL)
        return;
    if (fgets(line, size, file) == NULL)
        line[0] = '\0';
    (void)fclose(file);
}

/* Newer kernels (6.2) know the number without listing them all. */
uint64_t proc_descriptors(void)
{
    struct stat status;
    int count;

    if (stat(DESCRIPTORS, &status) == 0 && status.st_size > 0)
        return (uint64_t)status.st_size;
    count = proc_count(DESCRIPTORS);
    return count > 0 ? (uint64_t)count - 1 : 0; /* less the directory */
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now) < 0)
        return 0;
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void proc_read_memory(struct proc_memory *memory)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    char line[STAT_MAX], *end;

    read_line("/proc/self/statm", line, sizeof(line));
    memory->virtual_bytes = strtoull(line, &end, 10) * page;
    memory->resident_bytes = strtoull(end, NULL, 10) * page;
}

uint64_t proc_cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t proc_started_ms(void)
{
    uint64_t ticks, since_boot_ms, per_s = (uint64_t)sysconf(_SC_CLK_TCK);
    char line[STAT_MAX], *at;

    read_line("/proc/self/stat", line, sizeof(line));
    at = strrchr(line, ')');
    for (int field = FIRST_FIELD; at != NULL && field <= STARTED_FIELD; field++)
        at = strchr(at + 1, ' ');
    if (at == NULL)
        return 0;
    ticks = strtoull(at, NULL, 10);
    since_boot_ms = clock_ns(CLOCK_BOOTTIME) / 1000000;
    return clock_ns(CLOCK_REALTIME) / 1000000 - since_boot_ms +
           ticks * 1000 / per_s;
}
