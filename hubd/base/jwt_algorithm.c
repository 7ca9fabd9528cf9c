/* jwt_algorithm.c - see jwt_algorithm.h. */
#include "base/jwt_algorithm.h"

#include <string.h>

const char *const jwt_algorithm_names[] = {
    [JWT_HS256] = "HS256",   [JWT_HS384] = "HS384", [JWT_HS512] = "HS512",
    [JWT_RS256] = "RS256",   [JWT_RS384] = "RS384", [JWT_RS512] = "RS512",
    [JWT_PS256] = "PS256",   [JWT_PS384] = "PS384", [JWT_PS512] = "PS512",
    [JWT_ES256] = "ES256",   [JWT_ES384] = "ES384", [JWT_EDDSA] = "EdDSA",
    [JWT_ALGORITHMS] = NULL,
};

enum jwt_algorithm jwt_algorithm_find(const char *name)
{
    unsigned i = 0;

    while (i < JWT_ALGORITHMS && strcmp(name, jwt_algorithm_names[i]) != 0)
        i++;
    return (enum jwt_algorithm)i;
}
