/* text_file.h - reads a small regular file completely. Threads: any. */
#ifndef HUBD_TEXT_FILE_H
#define HUBD_TEXT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Reads as much as there is room for. Returns the number of bytes, and owner
 * and mode in `status`, or -1 and what is wrong, as a phrase to follow the
 * path. */
ssize_t text_file_read(const char *path, void *out, size_t size,
                       struct stat *status, const char **problem);

#define TEXT_FILE_OPEN                                                         \
    "other users can access it; its mode should be 0600, or 0640 if it "       \
    "belongs to root and hubd's group"

/* Whether that is so of a file that holds a secret. */
bool text_file_is_open_to_others(const struct stat *status);

#endif
