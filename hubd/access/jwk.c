/* jwk.c - makes a public key of libcrypto from the members of a JWK (RFC 7518,
 * 6; RFC 8037, 2).
 */
#include "access/jwk.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "access/strict_json.h"
#include "base/base64url.h"

#define MODULUS_BYTES_MAX (JWT_SIGNATURE_BYTES_MAX + 1) /* with a zero */
#define EXPONENT_BYTES_MAX 16
#define COORDINATE_BYTES_MAX 48
#define ED25519_BYTES 32
#define UNCOMPRESSED 4 /* SEC 1, 2.3.3: both coordinates follow */

#define BAD_NUMBERS "has missing or invalid members for its type"

/* Decodes a member that is base64url. Returns its length, or -1. */
static ssize_t member_bytes(const cJSON *jwk, const char *name,
                            unsigned char *out, size_t size)
{
    const char *why = NULL;
    const char *text = strict_json_string(jwk, name, &why);

    if (text == NULL || why != NULL)
        return -1;
    return base64url_decode(slice_of(text), out, size);
}

static EVP_PKEY *make(const char *type, OSSL_PARAM_BLD *builder)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return pkey;
}

static EVP_PKEY *read_rsa(const cJSON *jwk)
{
    unsigned char modulus[MODULUS_BYTES_MAX], exponent[EXPONENT_BYTES_MAX];
    ssize_t n_bytes = member_bytes(jwk, "n", modulus, sizeof(modulus));
    ssize_t e_bytes = member_bytes(jwk, "e", exponent, sizeof(exponent));
    OSSL_PARAM_BLD *builder;
    EVP_PKEY *pkey = NULL;
    BIGNUM *n, *e;

    if (n_bytes <= 0 || e_bytes <= 0)
        return NULL;
    builder = OSSL_PARAM_BLD_new();
    n = BN_bin2bn(modulus, (int)n_bytes, NULL);
    e = BN_bin2bn(exponent, (int)e_bytes, NULL);
    if (builder != NULL && n != NULL && e != NULL && BN_is_odd(n) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        pkey = make("RSA", builder);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return pkey;
}

static EVP_PKEY *read_point(const cJSON *jwk, const char *group, size_t bytes)
{
    unsigned char point[1 + 2 * COORDINATE_BYTES_MAX] = {UNCOMPRESSED};
    OSSL_PARAM_BLD *builder;
    EVP_PKEY *pkey = NULL;

    if (member_bytes(jwk, "x", point + 1, bytes) != (ssize_t)bytes ||
        member_bytes(jwk, "y", point + 1 + bytes, bytes) != (ssize_t)bytes)
        return NULL;
    builder = OSSL_PARAM_BLD_new();
    if (builder != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME,
                                        group, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY,
                                         point, 1 + 2 * bytes) == 1)
        pkey = make("EC", builder);
    OSSL_PARAM_BLD_free(builder);
    return pkey;
}

static EVP_PKEY *read_ed25519(const cJSON *jwk)
{
    unsigned char x[ED25519_BYTES];

    if (member_bytes(jwk, "x", x, sizeof(x)) != ED25519_BYTES)
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x, sizeof(x));
}

static bool is(const char *text, const char *wanted)
{
    return text != NULL && strcmp(text, wanted) == 0;
}

/* `type` and `curve` are kty and crv, or NULL. */
static const char *read_public(EVP_PKEY **pkey, const cJSON *jwk,
                               const char *type, const char *curve)
{
    if (is(type, "RSA"))
        *pkey = read_rsa(jwk);
    else if (is(type, "EC") && is(curve, "P-256"))
        *pkey = read_point(jwk, SN_X9_62_prime256v1, 32);
    else if (is(type, "EC") && is(curve, "P-384"))
        *pkey = read_point(jwk, SN_secp384r1, COORDINATE_BYTES_MAX);
    else if (is(type, "OKP") && is(curve, "Ed25519"))
        *pkey = read_ed25519(jwk);
    else
        return "is not RSA, P-256, P-384 or Ed25519";
    return *pkey != NULL ? NULL : BAD_NUMBERS;
}

/* The name of a type, also of keys that are left out. */
static const char *name_of(const char *type)
{
    static const char *const names[] = {"RSA", "EC", "OKP", "oct"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (is(type, names[i]))
            return names[i];
    }
    return NULL;
}

static const char *read_kid(struct jwt_key_info *info, const char *kid)
{
    size_t size = kid != NULL ? strlen(kid) + 1 : 0;

    if (size > sizeof(info->kid))
        return "has a kid that is longer than 127 bytes";
    if (size > 0)
        memcpy(info->kid, kid, size);
    return NULL;
}

/* RFC 7517, 4.2 and 4.3: whether the key is for signatures. */
static const char *judge_use(const cJSON *jwk, const char *use)
{
    const char *why = NULL;
    const cJSON *operations = strict_json_member(jwk, "key_ops", &why);
    const cJSON *operation;

    if (why != NULL)
        return why;
    if (use != NULL && strcmp(use, "sig") != 0)
        return "has a use other than sig";
    if (operations == NULL)
        return NULL;
    cJSON_ArrayForEach(operation, operations)
    {
        if (is(cJSON_GetStringValue(operation), "verify"))
            return NULL;
    }
    return "has key_ops without verify";
}

/* Restricts `allowed` to the key's alg. */
static const char *narrow(unsigned *allowed, const char *name)
{
    enum jwt_algorithm algorithm;

    if (name == NULL)
        return NULL;
    algorithm = jwt_algorithm_find(name);
    if (algorithm == JWT_ALGORITHMS)
        return "has an unsupported alg";
    *allowed &= JWT_BIT(algorithm);
    return *allowed == 0 ? JWT_KEY_NOT_ALLOWED : NULL;
}

const char *jwk_read(struct jwt_key *key, const cJSON *jwk, unsigned allowed)
{
    const char *why = NULL, *type, *use, *kid, *name, *curve;
    EVP_PKEY *pkey = NULL;

    if (!cJSON_IsObject(jwk))
        return "is not a JSON object";
    type = strict_json_string(jwk, "kty", &why);
    use = strict_json_string(jwk, "use", &why);
    kid = strict_json_string(jwk, "kid", &why);
    name = strict_json_string(jwk, "alg", &why);
    curve = strict_json_string(jwk, "crv", &why);
    key->info.type = name_of(type);
    if (why == NULL)
        why = read_kid(&key->info, kid);
    if (why == NULL && is(type, "oct"))
        why = "is a secret; secrets belong in HUB_JWT_SECRET_FILE";
    if (cJSON_GetObjectItemCaseSensitive(jwk, "d") != NULL)
        why = JWK_PRIVATE;
    if (why == NULL)
        why = judge_use(jwk, use);
    if (why == NULL)
        why = narrow(&allowed, name);
    if (why == NULL)
        why = read_public(&pkey, jwk, type, curve);
    if (why == NULL)
        why = jwt_key_init(key, pkey, allowed);
    ERR_clear_error();
    return why;
}
