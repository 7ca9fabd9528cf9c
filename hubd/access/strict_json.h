/* strict_json.h - JSON documents of servers that we ask and of files that we
 * read, such as key sets, as trees of cJSON.
 *
 * cJSON takes what is no JSON, ends a string at U+0000, and takes the first of
 * two members of one name: none of that gets by here. Threads: any.
 */
#ifndef HUBD_STRICT_JSON_H
#define HUBD_STRICT_JSON_H

#include <stddef.h>

#include <cjson/cJSON.h>

/* Returns the tree, to be released with cJSON_Delete(), or NULL and what is
 * wrong, as a phrase to follow a name. */
cJSON *strict_json_parse(const char *text, size_t bytes, const char **why);

/* The member of that name, or NULL: there is none. Where there are two, NULL,
 * and `why` says so, which is left alone otherwise. */
const cJSON *strict_json_member(const cJSON *object, const char *name,
                                const char **why);

/* The same for a member that has to be a string. */
const char *strict_json_string(const cJSON *object, const char *name,
                               const char **why);

#endif
