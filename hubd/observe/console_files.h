/* console_files.h - the files of the live page, which are compiled in. */
#ifndef HUBD_CONSOLE_FILES_H
#define HUBD_CONSOLE_FILES_H

#include <stddef.h>

struct console_file {
    const char *path; /* of the request */
    const char *type; /* a media type */
    const unsigned char *bytes, *end;
};

extern const struct console_file console_files[];
extern const size_t console_file_count;

#endif
