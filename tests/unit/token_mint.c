/* token_mint.c - see token_mint.h. A failure in here means a broken machine,
 * and ends the test.
 */
#include "token_mint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define RSA_BITS 2048
#define NUMBER_BYTES 512

static EVP_PKEY *pkeys[MINT_KEYS];

static void need(int condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "token_mint: %s\n", what);
    abort();
}

/* Keys. ------------------------------------------------------------------- */

void mint_init(void)
{
    pkeys[MINT_RSA] = EVP_RSA_gen(RSA_BITS);
    pkeys[MINT_OTHER_RSA] = EVP_RSA_gen(RSA_BITS);
    pkeys[MINT_P256] = EVP_EC_gen("P-256");
    pkeys[MINT_OTHER_P256] = EVP_EC_gen("P-256");
    pkeys[MINT_P384] = EVP_EC_gen("P-384");
    pkeys[MINT_ED25519] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    pkeys[MINT_OTHER_ED25519] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    for (unsigned i = 0; i < MINT_SECRET; i++)
        need(pkeys[i] != NULL, "no key");
}

void mint_fini(void)
{
    for (unsigned i = 0; i < MINT_KEYS; i++) {
        EVP_PKEY_free(pkeys[i]);
        pkeys[i] = NULL;
    }
}

EVP_PKEY *mint_pkey(enum mint_key key)
{
    return pkeys[key];
}

const char *mint_secret(enum mint_key key)
{
    return key == MINT_SECRET ? "a-secret-that-no-test-would-guess-0123456789-"
                                "abcdefghijklmnopqrs"
                              : "another-secret-that-is-as-long-as-that-"
                                "0123456789-abcdefghijklmn";
}

/* Signatures. ------------------------------------------------------------- */

static const EVP_MD *digest_of(const char *algorithm)
{
    if (strcmp(algorithm, "EdDSA") == 0)
        return NULL;
    return strstr(algorithm, "256") != NULL   ? EVP_sha256()
           : strstr(algorithm, "384") != NULL ? EVP_sha384()
                                              : EVP_sha512();
}

size_t mint_sign_with(const char *algorithm, const void *secret,
                      size_t secret_bytes, const void *input, size_t bytes,
                      unsigned char out[MINT_SIGNATURE_MAX])
{
    unsigned n = 0;

    need(HMAC(digest_of(algorithm), secret, (int)secret_bytes, input, bytes,
              out, &n) != NULL,
         "no HMAC");
    return n;
}

/* `salt_bytes` of -1 is PKCS #1 v1.5. */
static size_t sign(const EVP_MD *digest, EVP_PKEY *pkey, int salt_bytes,
                   const void *input, size_t bytes, unsigned char *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = MINT_SIGNATURE_MAX;
    EVP_PKEY_CTX *padding;

    need(EVP_DigestSignInit(ctx, &padding, digest, NULL, pkey) == 1, "no sign");
    if (salt_bytes >= 0)
        need(EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) ==
                     1 &&
                 EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, salt_bytes) == 1,
             "no PSS");
    need(EVP_DigestSign(ctx, out, &n, input, bytes) == 1, "no signature");
    EVP_MD_CTX_free(ctx);
    return n;
}

/* r and s, each filled up with zeros. */
static size_t flatten(unsigned char *signature, size_t bytes, int half)
{
    const unsigned char *at = signature;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)bytes);

    need(pair != NULL, "no pair");
    need(BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, half) == half &&
             BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + half, half) ==
                 half,
         "no r and s");
    ECDSA_SIG_free(pair);
    return 2 * (size_t)half;
}

size_t mint_sign_pss(enum mint_key key, int salt_bytes, const void *input,
                     size_t bytes, unsigned char out[MINT_SIGNATURE_MAX])
{
    return sign(EVP_sha256(), pkeys[key], salt_bytes, input, bytes, out);
}

size_t mint_sign(const char *algorithm, enum mint_key key, const void *input,
                 size_t bytes, unsigned char out[MINT_SIGNATURE_MAX])
{
    const EVP_MD *digest = digest_of(algorithm);
    size_t n;

    if (algorithm[0] == 'H')
        return mint_sign_with(algorithm, mint_secret(key),
                              strlen(mint_secret(key)), input, bytes, out);
    n = sign(digest, pkeys[key],
             algorithm[0] == 'P' ? EVP_MD_get_size(digest) : -1, input, bytes,
             out);
    if (strncmp(algorithm, "ES", 2) == 0)
        n = flatten(out, n, (EVP_PKEY_get_bits(pkeys[key]) + 7) / 8);
    return n;
}

/* Tokens. ----------------------------------------------------------------- */

char *mint_text(const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    need(vasprintf(&text, format, args) >= 0, "no memory");
    va_end(args);
    return text;
}

/* libcrypto's base64, spelt the other way. */
char *mint_base64url(const void *bytes, size_t count)
{
    char *text = malloc(count / 3 * 4 + 8);

    need(text != NULL, "no memory");
    text[EVP_EncodeBlock((unsigned char *)text, bytes, (int)count)] = '\0';
    text[strcspn(text, "=")] = '\0';
    for (char *p = text; *p != '\0'; p++)
        *p = (char)(*p == '+' ? '-' : *p == '/' ? '_' : *p);
    return text;
}

char *mint_input(const char *header, const char *claims)
{
    char *first = mint_base64url(header, strlen(header));
    char *second = mint_base64url(claims, strlen(claims));
    char *input = mint_text("%s.%s", first, second);

    free(first);
    free(second);
    return input;
}

char *mint_join(const char *input, const void *signature, size_t bytes)
{
    char *third = mint_base64url(signature, bytes);
    char *token = mint_text("%s.%s", input, third);

    free(third);
    return token;
}

char *mint_token(const char *algorithm, enum mint_key key, const char *header,
                 const char *claims)
{
    unsigned char signature[MINT_SIGNATURE_MAX];
    char *input = mint_input(header, claims), *token;
    size_t bytes = mint_sign(algorithm, key, input, strlen(input), signature);

    token = mint_join(input, signature, bytes);
    free(input);
    return token;
}

/* Public keys. ------------------------------------------------------------ */

/* A number of the key as base64url, in `bytes` bytes, or in as many as it has
 * where that is 0. */
static char *number(EVP_PKEY *pkey, const char *name, int bytes)
{
    unsigned char text[NUMBER_BYTES];
    BIGNUM *n = NULL;
    char *encoded;

    need(EVP_PKEY_get_bn_param(pkey, name, &n) == 1, "no number");
    if (bytes == 0)
        bytes = BN_num_bytes(n);
    need(BN_bn2binpad(n, text, bytes) == bytes, "no bytes");
    encoded = mint_base64url(text, (size_t)bytes);
    BN_free(n);
    return encoded;
}

static char *rsa_jwk(EVP_PKEY *pkey, const char *members)
{
    char *n = number(pkey, OSSL_PKEY_PARAM_RSA_N, 0);
    char *e = number(pkey, OSSL_PKEY_PARAM_RSA_E, 0);
    char *jwk = mint_text("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}", n, e,
                          members);

    free(n);
    free(e);
    return jwk;
}

static char *ec_jwk(EVP_PKEY *pkey, const char *members)
{
    int bits = EVP_PKEY_get_bits(pkey);
    char *x = number(pkey, OSSL_PKEY_PARAM_EC_PUB_X, bits / 8);
    char *y = number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, bits / 8);
    char *jwk = mint_text("{\"kty\":\"EC\",\"crv\":\"P-%d\",\"x\":\"%s\","
                          "\"y\":\"%s\"%s}",
                          bits, x, y, members);

    free(x);
    free(y);
    return jwk;
}

static char *ed25519_jwk(EVP_PKEY *pkey, const char *members)
{
    unsigned char bytes[32];
    size_t count = sizeof(bytes);
    char *x, *jwk;

    need(EVP_PKEY_get_raw_public_key(pkey, bytes, &count) == 1, "no bytes");
    x = mint_base64url(bytes, count);
    jwk = mint_text("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"%s}", x,
                    members);
    free(x);
    return jwk;
}

char *mint_jwk(enum mint_key key, const char *members)
{
    switch (EVP_PKEY_get_base_id(pkeys[key])) {
    case EVP_PKEY_RSA:
        return rsa_jwk(pkeys[key], members);
    case EVP_PKEY_EC:
        return ec_jwk(pkeys[key], members);
    default:
        return ed25519_jwk(pkeys[key], members);
    }
}

char *mint_jwks(const char *keys)
{
    return mint_text("{\"keys\":[%s]}", keys);
}

static char *text_of(BIO *bio)
{
    char *data;
    long bytes = BIO_get_mem_data(bio, &data);
    char *text = strndup(data, (size_t)bytes);

    BIO_free(bio);
    need(text != NULL, "no memory");
    return text;
}

char *mint_pem(enum mint_key key)
{
    BIO *bio = BIO_new(BIO_s_mem());

    need(PEM_write_bio_PUBKEY(bio, pkeys[key]) == 1, "no PEM");
    return text_of(bio);
}

char *mint_private_pem(enum mint_key key)
{
    BIO *bio = BIO_new(BIO_s_mem());

    need(PEM_write_bio_PrivateKey(bio, pkeys[key], NULL, NULL, 0, NULL, NULL) ==
             1,
         "no PEM");
    return text_of(bio);
}

char *mint_certificate(enum mint_key key)
{
    const EVP_MD *digest = EVP_PKEY_get_base_id(pkeys[key]) == EVP_PKEY_ED25519
                               ? NULL
                               : EVP_sha256();
    BIO *bio = BIO_new(BIO_s_mem());
    X509 *certificate = X509_new();

    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    need(X509_set_pubkey(certificate, pkeys[key]) == 1 &&
             X509_sign(certificate, pkeys[key], digest) > 0 &&
             PEM_write_bio_X509(bio, certificate) == 1,
         "no certificate");
    X509_free(certificate);
    return text_of(bio);
}
