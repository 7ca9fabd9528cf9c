/* text_file.c - see text_file.h. Opening must never block, whatever the path
 * refers to: hence O_NONBLOCK, and only regular files.
 */
#include "base/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static ssize_t read_all(int fd, unsigned char *out, size_t size)
{
    size_t used = 0;

    while (used < size) {
        ssize_t n = read(fd, out + used, size - used);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        used += (size_t)n;
    }
    return (ssize_t)used;
}

static const char *problem_of(const struct stat *status)
{
    if (S_ISDIR(status->st_mode))
        return "is a directory, not a file";
    return S_ISREG(status->st_mode) ? NULL : "is not a regular file";
}

ssize_t text_file_read(const char *path, void *out, size_t size,
                       struct stat *status, const char **problem)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t n = -1;

    *problem = NULL;
    if (fd < 0) {
        *problem = strerror(errno);
        return -1;
    }
    if (fstat(fd, status) < 0)
        *problem = strerror(errno);
    else
        *problem = problem_of(status);
    if (*problem == NULL) {
        n = read_all(fd, out, size);
        if (n < 0)
            *problem = strerror(errno);
    }
    (void)close(fd);
    return n;
}

/* A file of somebody else, such as root, can be there for hubd's group. */
bool text_file_is_open_to_others(const struct stat *status)
{
    mode_t too_much = status->st_uid == geteuid() ? 0077 : 0027;

    return (status->st_mode & too_much) != 0;
}
