/* flags.h - all flags: name, valid values, and the function that reads the
 * value.
 */
#ifndef HUB_BENCH_FLAGS_H
#define HUB_BENCH_FLAGS_H

#include <getopt.h>
#include <stdbool.h>

#include "options.h"

#define FLAGS_COUNT 21
#define FLAGS_LETTERS (2 * FLAGS_COUNT + 2)

struct flag {
    const char *name;
    const char *takes;                                 /* NULL: no value */
    bool (*read)(struct options *o, const char *text); /* false: wrong */
    int code;    /* the letter, or a number above all letters */
    bool secret; /* the value is never shown */
};

/* Finds a flag by its code; NULL if there is none. */
const struct flag *flags_find(int code);

/* Converts them to the form that getopt_long() expects. */
void flags_describe(struct option longs[FLAGS_COUNT + 1],
                    char letters[FLAGS_LETTERS]);

/* The value of --key, which may also come from the environment. */
bool flags_read_key(struct options *o, const char *text);

#endif
