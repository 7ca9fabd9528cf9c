/* options.h - the command line. */
#ifndef HUB_BENCH_OPTIONS_H
#define HUB_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "url.h"

#define OPTIONS_PIDS_MAX 256
#define OPTIONS_PUBLISH_BYTES 2048

enum options_action {
    OPTIONS_RUN,
    OPTIONS_HELP,
    OPTIONS_VERSION,
    OPTIONS_ERROR,
};

/* When a message is complete. */
enum options_until {
    UNTIL_DELIVERED, /* the last delivery */
    UNTIL_ACCEPTED,  /* the HTTP response */
};

struct options {
    const char *url_text;
    struct url url;
    char publish[OPTIONS_PUBLISH_BYTES]; /* may contain {user} */
    char *key;         /* NULL or "": no key is sent; allocated */
    const char *label; /* NULL: none */
    unsigned clients;
    unsigned connect_window; /* concurrent handshakes; 0: all */
    unsigned connections;    /* HTTP connections for publishing: the lanes */
    unsigned threads;        /* receiving threads */
    unsigned window;         /* messages in flight; 0: a rate is given */
    size_t bytes;            /* of a message */
    double rate;             /* messages a second; 0: a window is given */
    double stalled_percent;
    int64_t duration_ns, warmup_ns, idle_ns;
    bool send; /* to one user each, instead of everybody */
    enum options_until until;
    bool until_given;
    bool json, quiet;
    pid_t pids[OPTIONS_PIDS_MAX];
    size_t pid_count; /* 0: found through /proc */
};

/* Reads argv, in which the key is wiped, and HUB_API_KEY. OPTIONS_ERROR leaves
 * one line in `error`. */
enum options_action options_read(struct options *o, int argc, char **argv,
                                 char *error, size_t error_size);
void options_release(struct options *o);

void options_help(FILE *out);

#endif
