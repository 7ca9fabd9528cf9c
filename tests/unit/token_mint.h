/* token_mint.h - an issuer of tokens: keys of every kind, and tokens of any
 * form signed with them. It uses only libcrypto and the C library, so that it
 * shares no mistakes with the code under test.
 */
#ifndef TESTS_TOKEN_MINT_H
#define TESTS_TOKEN_MINT_H

#include <stddef.h>

#include <openssl/evp.h>

enum mint_key {
    MINT_RSA,
    MINT_OTHER_RSA,
    MINT_P256,
    MINT_OTHER_P256,
    MINT_P384,
    MINT_ED25519,
    MINT_OTHER_ED25519,
    MINT_SECRET, /* of 64 bytes of text */
    MINT_OTHER_SECRET,
    MINT_KEYS,
};

#define MINT_SIGNATURE_MAX 1024

/* Makes the keys, and releases them. */
void mint_init(void);
void mint_fini(void);

/* Of the public keys. Not the caller's. */
EVP_PKEY *mint_pkey(enum mint_key key);
const char *mint_secret(enum mint_key key);

/* Signs as that algorithm does, whatever the key is meant for. Returns the
 * bytes of the signature, in the form of tokens. */
size_t mint_sign(const char *algorithm, enum mint_key key, const void *input,
                 size_t bytes, unsigned char out[MINT_SIGNATURE_MAX]);
/* HMAC with any bytes as the secret. */
size_t mint_sign_with(const char *algorithm, const void *secret,
                      size_t secret_bytes, const void *input, size_t bytes,
                      unsigned char out[MINT_SIGNATURE_MAX]);
/* PSS with a salt of that many bytes. */
size_t mint_sign_pss(enum mint_key key, int salt_bytes, const void *input,
                     size_t bytes, unsigned char out[MINT_SIGNATURE_MAX]);

/* All texts that follow are new ones, to be released with free(). */

char *mint_base64url(const void *bytes, size_t count);
/* "header.claims" of these texts. */
char *mint_input(const char *header, const char *claims);
char *mint_join(const char *input, const void *signature, size_t bytes);
/* A token, with the header as it is given. */
char *mint_token(const char *algorithm, enum mint_key key, const char *header,
                 const char *claims);

/* The public key as a JWK, with members such as ",\"kid\":\"a\"" behind. */
char *mint_jwk(enum mint_key key, const char *members);
/* A set of one, or of more with commas between. */
char *mint_jwks(const char *keys);
char *mint_pem(enum mint_key key);
char *mint_private_pem(enum mint_key key);
/* Signed by itself. */
char *mint_certificate(enum mint_key key);

/* printf() into a new text. */
__attribute__((format(printf, 1, 2))) char *mint_text(const char *format, ...);

#endif
