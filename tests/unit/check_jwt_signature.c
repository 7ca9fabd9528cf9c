/* check_jwt_signature.c - signatures that are forged, truncated, out of range,
 * or valid but in another form. All of them are rejected.
 */
#include <check.h>

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include "jwt_hostile.h"
#include "suite.h"

START_TEST(the_salt_of_pss_is_as_long_as_the_digest)
{
    static const int salts[] = {0, 20, 31, 33, 64, RSA_PSS_SALTLEN_MAX};
    char *input = good_input("PS256");
    unsigned char signature[MINT_SIGNATURE_MAX];

    free(good("PS256", MINT_RSA));
    for (size_t i = 0; i < sizeof(salts) / sizeof(salts[0]); i++) {
        size_t bytes =
            mint_sign_pss(MINT_RSA, salts[i], input, strlen(input), signature);

        refuse_signature("a salt", "PS256", signature, bytes);
    }
    free(input);
}
END_TEST

/* The order of P-256, big-endian. */
static void order_of_p256(unsigned char out[32])
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);

    ck_assert_int_eq(BN_bn2binpad(EC_GROUP_get0_order(group), out, 32), 32);
    EC_GROUP_free(group);
}

START_TEST(numbers_out_of_range_are_no_signature)
{
    unsigned char pair[65] = {0}, order[32], signature[MINT_SIGNATURE_MAX];
    char *input = good_input("ES256");

    order_of_p256(order);
    ck_assert_uint_eq(
        mint_sign("ES256", MINT_P256, input, strlen(input), signature), 64);
    refuse_signature("zeros", "ES256", pair, 64);
    memcpy(pair, signature, 32);
    refuse_signature("s of 0", "ES256", pair, 64);
    memcpy(pair + 32, order, 32);
    refuse_signature("s of n", "ES256", pair, 64);
    memcpy(pair, order, 32);
    memcpy(pair + 32, signature + 32, 32);
    refuse_signature("r of n", "ES256", pair, 64);
    memset(pair, 0, 32);
    refuse_signature("r of 0", "ES256", pair, 64);
    memset(pair, 0xff, 64);
    refuse_signature("ones", "ES256", pair, 64);
    memset(pair, 0, 64);
    pair[31] = pair[63] = 1;
    refuse_signature("r and s of 1", "ES256", pair, 64);
    memcpy(pair, signature + 32, 32);
    memcpy(pair + 32, signature, 32);
    refuse_signature("turned around", "ES256", pair, 64);
    memcpy(pair, signature, 64);
    pair[64] = 0;
    refuse_signature("65 bytes", "ES256", pair, 65);
    refuse_signature("63 bytes", "ES256", signature, 63);
    refuse_signature("half", "ES256", signature, 32);
    refuse_signature("a byte", "ES256", signature, 1);
    memset(pair, 0, 1);
    memcpy(pair + 1, signature, 64);
    refuse_signature("a zero in front", "ES256", pair, 65);
    free(input);
}
END_TEST

START_TEST(der_is_no_signature_of_a_token)
{
    char *input = good_input("ES256");
    unsigned char signature[MINT_SIGNATURE_MAX], *der = NULL;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    int bytes;

    (void)mint_sign("ES256", MINT_P256, input, strlen(input), signature);
    ECDSA_SIG_set0(pair, BN_bin2bn(signature, 32, NULL),
                   BN_bin2bn(signature + 32, 32, NULL));
    bytes = i2d_ECDSA_SIG(pair, &der);
    ck_assert_int_gt(bytes, 64);
    refuse_signature("DER", "ES256", der, (size_t)bytes);
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    free(input);
}
END_TEST

START_TEST(a_signature_of_ed25519_has_one_form)
{
    /* Its order, the least significant byte first. */
    static const unsigned char order[32] = {
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
        0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    char *input = good_input("EdDSA");
    unsigned char signature[MINT_SIGNATURE_MAX], other[65] = {0};
    unsigned carry = 0;

    free(good("EdDSA", MINT_ED25519));
    ck_assert_uint_eq(
        mint_sign("EdDSA", MINT_ED25519, input, strlen(input), signature), 64);
    refuse_signature("zeros", "EdDSA", other, 64);
    memcpy(other, signature, 64);
    refuse_signature("65 bytes", "EdDSA", other, 65);
    refuse_signature("63 bytes", "EdDSA", other, 63);
    refuse_signature("half", "EdDSA", other, 32);
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)signature[32 + i] + order[i];
        other[32 + i] = (unsigned char)carry;
        carry >>= 8;
    }
    refuse_signature("S + L", "EdDSA", other, 64);
    memcpy(other, signature, 64);
    other[63] |= 0x80;
    refuse_signature("the highest bit of S", "EdDSA", other, 64);
    memset(other, 0, 64);
    other[0] = 1; /* the neutral element, and S of 0 */
    refuse_signature("the neutral element", "EdDSA", other, 64);
    free(input);
}
END_TEST

START_TEST(a_mac_is_whole)
{
    char *input = good_input("HS256");
    unsigned char mac[MINT_SIGNATURE_MAX] = {0};
    static const size_t lengths[] = {1, 8, 16, 20, 31, 33, 64};

    free(good("HS256", MINT_SECRET));
    ck_assert_uint_eq(
        mint_sign("HS256", MINT_SECRET, input, strlen(input), mac), 32);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        refuse_signature("another length", "HS256", mac, lengths[i]);
    for (size_t i = 0; i < 32; i++) {
        mac[i] ^= (unsigned char)(1 << i % 8);
        refuse_signature("a bit of it", "HS256", mac, 32);
        mac[i] ^= (unsigned char)(1 << i % 8);
    }
    free(input);
}
END_TEST

START_TEST(a_signature_of_rsa_is_as_long_as_its_key)
{
    unsigned char signature[MINT_SIGNATURE_MAX], other[257] = {0};
    char *input = good_input("RS256");
    BIGNUM *n = NULL;

    ck_assert_uint_eq(
        mint_sign("RS256", MINT_RSA, input, strlen(input), signature), 256);
    memcpy(other + 1, signature, 256);
    refuse_signature("a zero in front", "RS256", other, 257);
    refuse_signature("cut", "RS256", signature, 255);
    memset(other, 0, 257);
    refuse_signature("0", "RS256", other, 256);
    other[255] = 1;
    refuse_signature("1", "RS256", other, 256);
    EVP_PKEY_get_bn_param(mint_pkey(MINT_RSA), "n", &n);
    ck_assert_int_eq(BN_bn2binpad(n, other, 256), 256);
    refuse_signature("n", "RS256", other, 256);
    BN_free(n);
    memset(signature, 0x5a, sizeof(signature));
    refuse_signature("of another size", "RS256", signature, 512);
    refuse_signature("of the largest size", "RS256", signature, 1024);
    free(input);
}
END_TEST

/* libcrypto verifies a signature of PSS without the zeros in front. */
START_TEST(zeros_in_front_cannot_be_left_out)
{
    char *input = good_input("PS256");
    unsigned char signature[MINT_SIGNATURE_MAX];

    do {
        (void)mint_sign("PS256", MINT_RSA, input, strlen(input), signature);
    } while (signature[0] != 0);
    ck_accept(keys, &policy, mint_join(input, signature, 256));
    refuse_signature("without a zero", "PS256", signature + 1, 255);
    free(input);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jwt_signature");
    TCase *tc = tcase_create("jwt_signature");

    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_add_checked_fixture(tc, secrets_setup, secrets_teardown);
    tcase_add_test(tc, the_salt_of_pss_is_as_long_as_the_digest);
    tcase_add_test(tc, numbers_out_of_range_are_no_signature);
    tcase_add_test(tc, der_is_no_signature_of_a_token);
    tcase_add_test(tc, a_signature_of_ed25519_has_one_form);
    tcase_add_test(tc, a_mac_is_whole);
    tcase_add_test(tc, a_signature_of_rsa_is_as_long_as_its_key);
    tcase_add_test(tc, zeros_in_front_cannot_be_left_out);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
