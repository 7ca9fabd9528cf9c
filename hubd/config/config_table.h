/* config_table.h - the rows of the table of settings, and the kinds of values
 * they have. Only for the config*.c files.
 */
#ifndef HUBD_CONFIG_TABLE_H
#define HUBD_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "config/config.h"
#include "base/linebuf.h"

struct config_setting;

/* How one kind of value is parsed and printed. `field` is the setting's field
 * in struct config. */
struct config_kind {
    bool secret;
    /* Describes the valid values, to follow "takes" or "must be". */
    void (*describe)(const struct config_setting *setting,
                     struct linebuf *line);
    /* Returns 0; CONFIG_INVALID, with the invalid part in `bad` if it is not
     * the whole; CONFIG_NO_MEMORY. The field is unchanged unless 0. */
    int (*parse)(const struct config_setting *setting, const char *text,
                 void *field, char *bad, size_t bad_bytes);
    /* Prints the value as parse() accepts it, or nothing if there is none. */
    void (*print)(const struct config_setting *setting, const void *field,
                  FILE *out);
    void (*release)(void *field); /* or NULL */
};

#define CONFIG_INVALID (-1)
#define CONFIG_NO_MEMORY (-2)

/* A row. The flag is --key with '-' for '_'; if `name` begins with HUB_,
 * --hub-key works too. */
struct config_setting {
    const char *name; /* of the environment variable */
    const char *key;  /* the name in a log line */
    const char *meaning;
    const char *fallback; /* the default, or NULL */
    const struct config_kind *kind;
    size_t offset; /* in struct config */
    /* The range of numbers, durations (in ms) and sizes, inclusive. */
    uint64_t min, max;
    const char *zero;         /* printed for 0, or NULL */
    const char *const *words; /* of an enum, in its order, NULL at the end */
};

#define CONFIG_SETTINGS_MAX 96
extern const struct config_setting config_settings[];
extern const size_t config_setting_count;

extern const struct config_kind config_number;  /* unsigned */
extern const struct config_kind config_port;    /* unsigned */
extern const struct config_kind config_apart;   /* struct optional_port */
extern const struct config_kind config_count;   /* uint64_t */
extern const struct config_kind config_time;    /* int64_t, ms */
extern const struct config_kind config_size;    /* size_t */
extern const struct config_kind config_word;    /* an enum from 0 up */
extern const struct config_kind config_address; /* char[] */
extern const struct config_kind config_node;    /* char[] */
extern const struct config_kind config_key;     /* char * */
extern const struct config_kind config_path;    /* char * */
extern const struct config_kind config_origins; /* struct origin_list */
extern const struct config_kind config_hosts;   /* struct origin_hosts */
extern const struct config_kind config_proxies; /* struct netaddr_list */
extern const struct config_kind config_names;   /* char *, "a,b" */
extern const struct config_kind config_place;   /* struct metrics_place */

/* For kinds whose field is a char * that is allocated, or NULL. The first
 * returns 0 or CONFIG_NO_MEMORY; the last wipes a secret as it releases it. */
int config_text_keep(const char *text, void *field);
void config_text_print(const struct config_setting *setting, const void *field,
                       FILE *out);
void config_text_release(void *field);
void config_text_wipe(void *field);

/* The flag without its dashes. */
#define CONFIG_FLAG_MAX 64
void config_flag(const struct config_setting *setting,
                 char out[CONFIG_FLAG_MAX]);

#endif
