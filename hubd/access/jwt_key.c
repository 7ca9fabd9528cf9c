/* jwt_key.c - verifies signatures with libcrypto.
 *
 * A public key is prepared for each algorithm when it is read, because finding
 * digests by name takes longer than some verifications. Nothing in a token says
 * what kind of key is needed: the key does, so that no public key is ever taken
 * for a secret.
 */
#include "access/jwt_key.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX (8 * JWT_SIGNATURE_BYTES_MAX)
#define EXPONENT_BITS_MAX 64 /* a larger one makes verifying slow */
#define GROUP_NAME_BYTES 32

static const struct algorithm {
    const char *digest; /* NULL: given by the key */
    size_t bytes;       /* minimum of a secret; of each of r and s */
    bool pss;
} algorithms[JWT_ALGORITHMS] = {
    [JWT_HS256] = {"SHA2-256", 32, false},
    [JWT_HS384] = {"SHA2-384", 48, false},
    [JWT_HS512] = {"SHA2-512", 64, false},
    [JWT_RS256] = {"SHA2-256", 0, false},
    [JWT_RS384] = {"SHA2-384", 0, false},
    [JWT_RS512] = {"SHA2-512", 0, false},
    [JWT_PS256] = {"SHA2-256", 0, true},
    [JWT_PS384] = {"SHA2-384", 0, true},
    [JWT_PS512] = {"SHA2-512", 0, true},
    [JWT_ES256] = {"SHA2-256", 32, false},
    [JWT_ES384] = {"SHA2-384", 48, false},
    [JWT_EDDSA] = {NULL, 0, false},
};

/* Types. ------------------------------------------------------------------ */

static bool has_good_exponent(const EVP_PKEY *pkey)
{
    BIGNUM *e = NULL;
    bool good = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
                BN_is_odd(e) && !BN_is_one(e) &&
                BN_num_bits(e) <= EXPONENT_BITS_MAX;

    BN_free(e);
    return good;
}

static const char *judge_rsa(struct jwt_key_info *info, const EVP_PKEY *pkey)
{
    info->type = "RSA";
    info->algorithms = JWT_WITH_RSA;
    if (info->bits < RSA_BITS_MIN)
        return "has fewer than 2048 bits";
    if (info->bits > RSA_BITS_MAX)
        return "has more than 8192 bits";
    return has_good_exponent(pkey) ? NULL : "has an invalid exponent";
}

/* Whether the point is on its curve. */
static bool is_point(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool good = ctx != NULL && EVP_PKEY_public_check(ctx) == 1;

    EVP_PKEY_CTX_free(ctx);
    return good;
}

static const char *judge_ec(struct jwt_key_info *info, EVP_PKEY *pkey)
{
    char group[GROUP_NAME_BYTES] = "";
    size_t bytes;

    (void)EVP_PKEY_get_group_name(pkey, group, sizeof(group), &bytes);
    if (strcmp(group, SN_X9_62_prime256v1) == 0) {
        info->type = "P-256";
        info->algorithms = JWT_BIT(JWT_ES256);
    } else if (strcmp(group, SN_secp384r1) == 0) {
        info->type = "P-384";
        info->algorithms = JWT_BIT(JWT_ES384);
    } else {
        info->type = "EC";
        return "is on a curve other than P-256 and P-384";
    }
    return is_point(pkey) ? NULL : "is not a point on its curve";
}

/* Sets the type, bits and algorithms. */
static const char *judge(struct jwt_key_info *info, EVP_PKEY *pkey)
{
    info->bits = (unsigned)EVP_PKEY_get_bits(pkey);
    switch (EVP_PKEY_get_base_id(pkey)) {
    case EVP_PKEY_RSA:
        return judge_rsa(info, pkey);
    case EVP_PKEY_EC:
        return judge_ec(info, pkey);
    case EVP_PKEY_ED25519:
        info->type = "Ed25519";
        info->algorithms = JWT_BIT(JWT_EDDSA);
        return NULL;
    default:
        return "is of a type other than RSA, EC and Ed25519";
    }
}

/* Initialization. --------------------------------------------------------- */

static EVP_MD_CTX *prepare(const struct algorithm *algorithm, EVP_PKEY *pkey)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding;

    if (ctx != NULL &&
        EVP_DigestVerifyInit_ex(ctx, &padding, algorithm->digest, NULL, NULL,
                                pkey, NULL) == 1 &&
        (!algorithm->pss ||
         (EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1 &&
          EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST) ==
              1)))
        return ctx;
    EVP_MD_CTX_free(ctx);
    return NULL;
}

const char *jwt_key_init(struct jwt_key *key, EVP_PKEY *pkey, unsigned allowed)
{
    const char *why = judge(&key->info, pkey);

    key->pkey = pkey;
    if (why != NULL)
        return why;
    key->info.algorithms &= allowed;
    if (key->info.algorithms == 0)
        return JWT_KEY_NOT_ALLOWED;
    for (unsigned i = 0; i < JWT_ALGORITHMS; i++) {
        if ((key->info.algorithms & JWT_BIT(i)) == 0)
            continue;
        key->ready[i] = prepare(&algorithms[i], pkey);
        if (key->ready[i] == NULL)
            return "cannot be used by libcrypto";
    }
    return NULL;
}

size_t jwt_key_secret_least(unsigned allowed)
{
    size_t least = 0;

    for (unsigned i = JWT_HS256; i <= JWT_HS512; i++) {
        if ((allowed & JWT_BIT(i)) != 0)
            least = algorithms[i].bytes;
    }
    return least;
}

const char *jwt_key_init_secret(struct jwt_key *key, struct slice secret,
                                unsigned allowed)
{
    key->info.type = "secret";
    key->info.bits = (unsigned)(8 * secret.bytes);
    key->info.algorithms = JWT_WITH_SECRET & allowed;
    key->secret = secret;
    if (key->info.algorithms == 0)
        return JWT_KEY_NOT_ALLOWED;
    if (secret.bytes < jwt_key_secret_least(allowed))
        return "is too short for one of HUB_JWT_ALGORITHMS";
    key->mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    return key->mac != NULL ? NULL : "cannot be used by libcrypto";
}

void jwt_key_fini(struct jwt_key *key)
{
    for (unsigned i = 0; i < JWT_ALGORITHMS; i++)
        EVP_MD_CTX_free(key->ready[i]);
    EVP_PKEY_free(key->pkey);
    EVP_MAC_free(key->mac);
    *key = (struct jwt_key){0};
}

/* Verifying. -------------------------------------------------------------- */

static const unsigned char *bytes_of(struct slice text)
{
    return (const unsigned char *)text.start;
}

/* Compares in constant time. libcrypto wipes what it has derived from the
 * secret. */
static bool verify_secret(const struct jwt_key *key,
                          const struct algorithm *algorithm, struct slice input,
                          struct slice signature)
{
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(key->mac);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                         (char *)algorithm->digest, 0),
        OSSL_PARAM_construct_end(),
    };
    unsigned char mac[EVP_MAX_MD_SIZE];
    size_t bytes = 0;
    bool good = ctx != NULL &&
                EVP_MAC_init(ctx, bytes_of(key->secret), key->secret.bytes,
                             params) == 1 &&
                EVP_MAC_update(ctx, bytes_of(input), input.bytes) == 1 &&
                EVP_MAC_final(ctx, mac, &bytes, sizeof(mac)) == 1 &&
                bytes == signature.bytes &&
                CRYPTO_memcmp(mac, signature.start, bytes) == 0;

    EVP_MAC_CTX_free(ctx);
    OPENSSL_cleanse(mac, sizeof(mac)); /* others could use this signature */
    return good;
}

static bool verify_public(const struct jwt_key *key,
                          enum jwt_algorithm algorithm, struct slice input,
                          struct slice signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx != NULL &&
                EVP_MD_CTX_copy_ex(ctx, key->ready[algorithm]) == 1 &&
                EVP_DigestVerify(ctx, bytes_of(signature), signature.bytes,
                                 bytes_of(input), input.bytes) == 1;

    EVP_MD_CTX_free(ctx);
    return good;
}

/* Tokens have r followed by s; libcrypto expects DER, and checks their ranges
 * itself. */
static bool verify_ec(const struct jwt_key *key, enum jwt_algorithm algorithm,
                      struct slice input, struct slice signature)
{
    int bytes = (int)algorithms[algorithm].bytes, der_bytes = 0;
    unsigned char *der = NULL;
    ECDSA_SIG *pair;
    BIGNUM *r, *s;
    bool good = false;

    if (signature.bytes != 2 * (size_t)bytes)
        return false;
    pair = ECDSA_SIG_new();
    r = BN_bin2bn(bytes_of(signature), bytes, NULL);
    s = BN_bin2bn(bytes_of(signature) + bytes, bytes, NULL);
    if (pair != NULL && r != NULL && s != NULL &&
        ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL; /* `pair` owns them now */
        der_bytes = i2d_ECDSA_SIG(pair, &der);
    }
    if (der_bytes > 0)
        good =
            verify_public(key, algorithm, input,
                          (struct slice){(const char *)der, (size_t)der_bytes});
    OPENSSL_free(der);
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return good;
}

/* A shorter signature would be another spelling, without leading zeros, which
 * libcrypto accepts for PSS (RFC 8017, 8.1.2). */
static bool verify_rsa(const struct jwt_key *key, enum jwt_algorithm algorithm,
                       struct slice input, struct slice signature)
{
    return signature.bytes == (size_t)EVP_PKEY_get_size(key->pkey) &&
           verify_public(key, algorithm, input, signature);
}

static bool verify(const struct jwt_key *key, enum jwt_algorithm algorithm,
                   struct slice input, struct slice signature)
{
    unsigned bit = JWT_BIT(algorithm);

    if ((bit & JWT_WITH_SECRET) != 0)
        return verify_secret(key, &algorithms[algorithm], input, signature);
    if ((bit & JWT_WITH_RSA) != 0)
        return verify_rsa(key, algorithm, input, signature);
    if (algorithm == JWT_EDDSA)
        return verify_public(key, algorithm, input, signature);
    return verify_ec(key, algorithm, input, signature);
}

bool jwt_key_verify(const struct jwt_key *key, enum jwt_algorithm algorithm,
                    struct slice input, struct slice signature)
{
    bool good;

    if ((key->info.algorithms & JWT_BIT(algorithm)) == 0)
        return false;
    good = verify(key, algorithm, input, signature);
    if (!good)
        ERR_clear_error();
    return good;
}
