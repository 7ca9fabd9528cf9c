/* check_base64url.c - each sequence of bytes has exactly one spelling. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64url.h"
#include "suite.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* RFC 4648, 10, in this alphabet and without padding. */
START_TEST(the_vectors_of_the_rfc)
{
    static const char *const vectors[][2] = {
        {"", ""},
        {"f", "Zg"},
        {"fo", "Zm8"},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg"},
        {"fooba", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy"},
        {"\x3f\xbf\xfb\xff", "P7_7_w"},
        {"\xfb\xef\xbe", "----"},
    };

    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        size_t bytes = strlen(vectors[i][0]);
        char out[16];

        ck_assert_int_eq(base64url_decode(slice_of(vectors[i][1]), out, bytes),
                         (ssize_t)bytes);
        ck_assert_mem_eq(out, vectors[i][0], bytes);
        ck_assert_uint_eq(base64url_encode(vectors[i][0], bytes, out),
                          strlen(vectors[i][1]));
        ck_assert_str_eq(out, vectors[i][1]);
        ck_assert_uint_eq(BASE64URL_CHARACTERS(bytes), strlen(vectors[i][1]));
        if (bytes > 0)
            ck_assert_int_eq(
                base64url_decode(slice_of(vectors[i][1]), out, bytes - 1), -1);
    }
}
END_TEST

START_TEST(each_value_has_one_spelling)
{
    for (unsigned value = 0; value < 1 << 16; value++) {
        char text[4] = {alphabet[value >> 10], alphabet[value >> 4 & 63],
                        alphabet[value << 2 & 63], '\0'};
        unsigned char out[2];
        char again[4];

        ck_assert_int_eq(base64url_decode(slice_of(text), out, 2), 2);
        ck_assert_uint_eq((unsigned)(out[0] << 8 | out[1]), value);
        ck_assert_uint_eq(base64url_encode(out, 2, again), 3);
        ck_assert_str_eq(again, text);
        for (unsigned rest = 1; rest < 4; rest++) {
            text[2] = alphabet[(value << 2 & 63) | rest];
            ck_assert_int_eq(base64url_decode(slice_of(text), out, 2), -1);
        }
    }
}
END_TEST

START_TEST(every_other_byte_is_refused_wherever_it_is)
{
    for (unsigned c = 0; c < 256; c++) {
        bool known = c != 0 && strchr(alphabet, (int)c) != NULL;

        for (size_t at = 0; at < 4; at++) {
            char text[4] = {'A', 'A', 'A', 'A'}, out[3];

            text[at] = (char)c;
            ck_assert_int_eq(
                base64url_decode((struct slice){text, 4}, out, sizeof(out)),
                known ? 3 : -1);
        }
    }
}
END_TEST

START_TEST(lengths_that_no_bytes_have_are_refused)
{
    char text[64], out[64];

    memset(text, 'A', sizeof(text));
    for (size_t bytes = 0; bytes <= sizeof(text); bytes++) {
        ssize_t wanted = bytes % 4 == 1 ? -1 : (ssize_t)(bytes * 6 / 8);

        ck_assert_int_eq(
            base64url_decode((struct slice){text, bytes}, out, sizeof(out)),
            wanted);
        ck_assert_int_le(wanted, (ssize_t)BASE64URL_BYTES(bytes));
    }
    ck_assert_int_eq(base64url_decode(slice_of("Zg=="), out, 64), -1);
    ck_assert_int_eq(base64url_decode(slice_of("Zm8="), out, 64), -1);
    ck_assert_int_eq(base64url_decode(slice_of("Zm9v\n"), out, 64), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base64url");
    TCase *tc = tcase_create("base64url");

    tcase_add_test(tc, the_vectors_of_the_rfc);
    tcase_add_test(tc, each_value_has_one_spelling);
    tcase_add_test(tc, every_other_byte_is_refused_wherever_it_is);
    tcase_add_test(tc, lengths_that_no_bytes_have_are_refused);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
