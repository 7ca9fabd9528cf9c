/* proc.c - see proc.h. */
#include "proc.h"

#include <dirent.h>
#include <stddef.h>

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
