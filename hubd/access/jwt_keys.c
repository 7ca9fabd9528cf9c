/* jwt_keys.c - sets of keys, and which of them are tried for a token.
 *
 * A token that names its key is verified with the keys of that name; if there
 * are none, with those without a name. Anyone can make us try keys, so only a
 * few are tried.
 */
#include "access/jwt_keys.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "access/jwk.h"
#include "access/strict_json.h"
#include "base/secret.h"
#include "config/config.h"

#define HOLDS_PRIVATE                                                          \
    "contains a private key, but hubd must only get public ones"

struct secrets {
    unsigned char text[JWT_SECRETS_MAX][CONFIG_KEY_BYTES_MAX];
};

struct jwt_keys {
    atomic_uint holders;
    size_t count;
    struct jwt_key key[JWT_KEYS_MAX];
    struct secrets *secrets; /* or NULL */
};

/* A set. ------------------------------------------------------------------ */

static struct jwt_keys *create(const char **why)
{
    struct jwt_keys *keys = calloc(1, sizeof(*keys));

    *why = keys == NULL ? "out of memory" : NULL;
    if (keys != NULL)
        atomic_init(&keys->holders, 1);
    return keys;
}

struct jwt_keys *jwt_keys_hold(struct jwt_keys *keys)
{
    (void)atomic_fetch_add(&keys->holders, 1);
    return keys;
}

void jwt_keys_release(struct jwt_keys *keys)
{
    if (keys == NULL || atomic_fetch_sub(&keys->holders, 1) != 1)
        return;
    for (size_t i = 0; i < keys->count; i++)
        jwt_key_fini(&keys->key[i]);
    secret_free(keys->secrets, sizeof(*keys->secrets));
    free(keys);
}

size_t jwt_keys_count(const struct jwt_keys *keys)
{
    size_t used = 0;

    for (size_t i = 0; i < keys->count; i++)
        used += keys->key[i].info.skipped == NULL;
    return used;
}

const struct jwt_key_info *jwt_keys_info(const struct jwt_keys *keys,
                                         size_t index)
{
    return index < keys->count ? &keys->key[index].info : NULL;
}

/* Making one. ------------------------------------------------------------- */

static bool is_used(const struct jwt_key *key, enum jwt_algorithm algorithm)
{
    return (key->info.algorithms & JWT_BIT(algorithm)) != 0;
}

/* Whether the set already has as many candidates as can be tried for a token.
 */
static bool is_one_too_many(const struct jwt_keys *keys,
                            const struct jwt_key *key)
{
    for (unsigned algorithm = 0; algorithm < JWT_ALGORITHMS; algorithm++) {
        size_t others = 0;

        if (key->info.kid[0] != '\0' || !is_used(key, algorithm))
            continue;
        for (size_t i = 0; i < keys->count; i++)
            others += keys->key[i].info.kid[0] == '\0' &&
                      is_used(&keys->key[i], algorithm);
        if (others >= JWT_CANDIDATES_MAX)
            return true;
    }
    return false;
}

/* Adds the next key, which has been filled in; `why`: it cannot be used. */
static void take(struct jwt_keys *keys, const char *why)
{
    struct jwt_key *key = &keys->key[keys->count];
    struct jwt_key_info info;

    if (why == NULL && is_one_too_many(keys, key))
        why = "exceeds the limit of 4 keys without a kid";
    if (why != NULL) {
        info = key->info;
        jwt_key_fini(key);
        info.algorithms = 0;
        info.skipped = why;
        key->info = info;
    }
    keys->count++;
}

/* Releases the set and returns NULL if there is a `why`, or no usable key. */
static struct jwt_keys *conclude(struct jwt_keys *keys, const char **why)
{
    ERR_clear_error();
    if (*why == NULL && jwt_keys_count(keys) == 0)
        *why = "contains no usable key";
    if (*why == NULL)
        return keys;
    jwt_keys_release(keys);
    return NULL;
}

/* Key sets. --------------------------------------------------------------- */

static void read_list(struct jwt_keys *keys, const cJSON *list,
                      unsigned allowed, bool is_file, const char **why)
{
    const cJSON *jwk;

    cJSON_ArrayForEach(jwk, list)
    {
        const char *problem;

        if (keys->count == JWT_KEYS_MAX) {
            *why = "contains more than 64 keys";
            return;
        }
        problem = jwk_read(&keys->key[keys->count], jwk, allowed);
        take(keys, problem);
        if (is_file && problem != NULL && strcmp(problem, JWK_PRIVATE) == 0)
            *why = HOLDS_PRIVATE;
    }
}

struct jwt_keys *jwt_keys_from_jwks(struct slice json, unsigned allowed,
                                    bool is_file, const char **why)
{
    struct jwt_keys *keys = create(why);
    const cJSON *list;
    cJSON *tree;

    if (keys == NULL)
        return NULL;
    tree = strict_json_parse(json.start, json.bytes, why);
    list = strict_json_member(tree, "keys", why);
    if (*why == NULL && !cJSON_IsArray(list))
        *why = "has no array named keys";
    if (*why == NULL)
        read_list(keys, list, allowed, is_file, why);
    cJSON_Delete(tree);
    return conclude(keys, why);
}

/* PEM. -------------------------------------------------------------------- */

static EVP_PKEY *key_of_certificate(const unsigned char **at, long bytes)
{
    X509 *certificate = d2i_X509(NULL, at, bytes);
    EVP_PKEY *pkey = certificate != NULL ? X509_get_pubkey(certificate) : NULL;

    X509_free(certificate);
    return pkey;
}

/* Reads one block. */
static const char *read_block(EVP_PKEY **pkey, const char *name,
                              const unsigned char *data, long bytes)
{
    const unsigned char *at = data;

    if (strcmp(name, PEM_STRING_PUBLIC) == 0)
        *pkey = d2i_PUBKEY(NULL, &at, bytes);
    else if (strcmp(name, PEM_STRING_RSA_PUBLIC) == 0)
        *pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, bytes);
    else if (strcmp(name, PEM_STRING_X509) == 0)
        *pkey = key_of_certificate(&at, bytes);
    else
        return "is PEM, but neither a public key nor a certificate";
    return *pkey != NULL && at == data + bytes ? NULL : "is damaged";
}

static bool is_private(const char *name)
{
    return strstr(name, "PRIVATE KEY") != NULL;
}

static const char *take_block(struct jwt_keys *keys, const char *name,
                              const unsigned char *data, long bytes,
                              unsigned allowed)
{
    EVP_PKEY *pkey = NULL;
    const char *why;

    if (is_private(name))
        return HOLDS_PRIVATE;
    if (keys->count == JWT_KEYS_MAX)
        return "contains more than 64 keys";
    why = read_block(&pkey, name, data, bytes);
    if (why == NULL)
        why = jwt_key_init(&keys->key[keys->count], pkey, allowed);
    else
        EVP_PKEY_free(pkey);
    take(keys, why);
    return NULL;
}

/* Whether the end was reached without another BEGIN line. */
static bool is_at_end(void)
{
    return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

struct jwt_keys *jwt_keys_from_pem(struct slice pem, unsigned allowed,
                                   const char **why)
{
    struct jwt_keys *keys = create(why);
    char *name, *header;
    unsigned char *data;
    BIO *bio;
    long bytes;

    if (keys == NULL)
        return NULL;
    bio = BIO_new_mem_buf(pem.start, (int)pem.bytes);
    if (bio == NULL)
        *why = "out of memory";
    while (*why == NULL && PEM_read_bio(bio, &name, &header, &data, &bytes)) {
        *why = take_block(keys, name, data, bytes, allowed);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(data, (size_t)bytes);
    }
    if (*why == NULL && !is_at_end())
        *why = "contains damaged PEM";
    if (*why == NULL && keys->count == 0)
        *why = "is neither a JWKS nor PEM with public keys or certificates";
    BIO_free(bio);
    return conclude(keys, why);
}

/* Secrets. ---------------------------------------------------------------- */

struct jwt_keys *jwt_keys_from_secrets(const struct slice *secrets,
                                       size_t count, unsigned allowed,
                                       const char **why)
{
    struct jwt_keys *keys = create(why);

    if (keys == NULL)
        return NULL;
    keys->secrets = secret_new(sizeof(*keys->secrets));
    if (keys->secrets == NULL)
        *why = "out of memory";
    if (count > JWT_SECRETS_MAX)
        *why = "contains more than two secrets";
    for (size_t i = 0; i < count && *why == NULL; i++) {
        unsigned char *text = keys->secrets->text[i];
        struct slice copy = {(const char *)text, secrets[i].bytes};

        if (copy.bytes > CONFIG_KEY_BYTES_MAX) {
            *why = "contains a secret of more than 4096 bytes";
            break;
        }
        memcpy(text, secrets[i].start, copy.bytes);
        *why = jwt_key_init_secret(&keys->key[i], copy, allowed);
        take(keys, *why);
    }
    return conclude(keys, why);
}

/* Verifying. -------------------------------------------------------------- */

/* The keys to try: those of the token's kid, or else those without one. A token
 * without a kid may be signed by any key. */
struct candidates {
    const struct jwt_key *key[JWT_CANDIDATES_MAX];
    size_t count; /* may exceed the array: too many to try */
};

static void add(struct candidates *candidates, const struct jwt_key *key)
{
    if (candidates->count < JWT_CANDIDATES_MAX)
        candidates->key[candidates->count] = key;
    candidates->count++;
}

static void choose(const struct jwt_keys *keys,
                   const struct jwt_signature *signature,
                   struct candidates *named, struct candidates *others)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct jwt_key *key = &keys->key[i];
        const char *kid = signature->kid;

        if (!is_used(key, signature->algorithm))
            continue;
        if (kid != NULL && kid[0] != '\0' && strcmp(kid, key->info.kid) == 0)
            add(named, key);
        else if (kid == NULL || key->info.kid[0] == '\0')
            add(others, key);
    }
}

const struct jwt_key_info *
jwt_keys_verify(const struct jwt_keys *keys,
                const struct jwt_signature *signature, const char **why,
                bool *unknown)
{
    struct candidates named = {.count = 0}, others = {.count = 0};
    const struct candidates *tried;

    choose(keys, signature, &named, &others);
    *unknown = named.count == 0;
    tried = *unknown ? &others : &named;
    if (tried->count == 0) {
        *why = "there is no key with its kid and algorithm";
        return NULL;
    }
    if (tried->count > JWT_CANDIDATES_MAX) {
        *why = "more than 4 keys could have signed it, and it names no kid";
        return NULL;
    }
    for (size_t i = 0; i < tried->count; i++) {
        if (jwt_key_verify(tried->key[i], signature->algorithm,
                           signature->input, signature->bytes))
            return &tried->key[i]->info;
    }
    *why = "its signature is invalid";
    return NULL;
}
