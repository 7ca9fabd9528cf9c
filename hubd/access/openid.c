/* openid.c - see openid.h. */
#include "access/openid.h"

#include <string.h>

#include "access/strict_json.h"

static const char *read_url(const cJSON *tree, const char *issuer,
                            char url[OPENID_URL_BYTES])
{
    const char *why = NULL;
    const char *from = strict_json_string(tree, "issuer", &why);
    const char *keys = strict_json_string(tree, "jwks_uri", &why);

    if (why != NULL)
        return why;
    if (keys == NULL)
        return "has neither keys nor a jwks_uri";
    if (from == NULL || strcmp(from, issuer) != 0)
        return "has an issuer that is not HUB_JWT_ISSUER";
    if (strlen(keys) >= OPENID_URL_BYTES)
        return "has a jwks_uri that is too long";
    memcpy(url, keys, strlen(keys) + 1);
    return NULL;
}

enum openid openid_read(struct slice json, const char *issuer,
                        char url[OPENID_URL_BYTES], const char **why)
{
    cJSON *tree = strict_json_parse(json.start, json.bytes, why);
    enum openid kind = OPENID_WRONG;

    if (tree != NULL && cJSON_GetObjectItemCaseSensitive(tree, "keys") != NULL)
        kind = OPENID_KEYS;
    else if (tree != NULL)
        *why = read_url(tree, issuer, url);
    if (tree != NULL && kind != OPENID_KEYS && *why == NULL)
        kind = OPENID_CONFIG;
    cJSON_Delete(tree);
    return kind;
}
