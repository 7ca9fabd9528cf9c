/* strict_json.c - see strict_json.h. */
#include "access/strict_json.h"

#include <string.h>

#include "base/json.h"

/* In valid JSON, U+0000 can only be in a string as an escape. An escaped
 * backslash before u0000 is rejected too; nobody needs that. */
static bool has_nul(const char *text, size_t bytes)
{
    return memmem(text, bytes, "\\u0000", 6) != NULL;
}

cJSON *strict_json_parse(const char *text, size_t bytes, const char **why)
{
    struct json_value top;
    struct json_error error;
    cJSON *tree;

    if (json_scan(text, bytes, NULL, &top, &error) != 0) {
        *why = "is not JSON";
        return NULL;
    }
    if (top.type != JSON_TYPE_OBJECT) {
        *why = "is not a JSON object";
        return NULL;
    }
    if (has_nul(text, bytes)) {
        *why = "contains U+0000";
        return NULL;
    }
    tree = cJSON_ParseWithLength(text, bytes);
    if (tree == NULL)
        *why = "is not Unicode, or too large";
    return tree;
}

const cJSON *strict_json_member(const cJSON *object, const char *name,
                                const char **why)
{
    const cJSON *found = NULL, *member;

    cJSON_ArrayForEach(member, object)
    {
        if (member->string == NULL || strcmp(member->string, name) != 0)
            continue;
        if (found != NULL) {
            *why = "has a duplicate member";
            return NULL;
        }
        found = member;
    }
    return found;
}

const char *strict_json_string(const cJSON *object, const char *name,
                               const char **why)
{
    const cJSON *member = strict_json_member(object, name, why);

    if (member != NULL && !cJSON_IsString(member))
        *why = "has a member that is not a string";
    return cJSON_GetStringValue(member);
}
