/* strict_json.h - parses JSON documents from servers and files, such as key
 * sets, into trees of cJSON.
 *
 * cJSON accepts invalid JSON, ends strings at U+0000, and uses the first of two
 * members of the same name; here all of that is an error. Threads: any.
 */
#ifndef HUBD_STRICT_JSON_H
#define HUBD_STRICT_JSON_H

#include <stddef.h>

#include <cjson/cJSON.h>

/* Returns the tree, to be released with cJSON_Delete(), or NULL and `why`, as a
 * phrase to follow a name. */
cJSON *strict_json_parse(const char *text, size_t bytes, const char **why);

/* The member of that name, or NULL if there is none. If there are two, returns
 * NULL and sets `why`, which is left unchanged otherwise. */
const cJSON *strict_json_member(const cJSON *object, const char *name,
                                const char **why);

/* The same for a member that must be a string. */
const char *strict_json_string(const cJSON *object, const char *name,
                               const char **why);

#endif
