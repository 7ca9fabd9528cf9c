/* check_slice.c - comma-separated lists, blanks and copies. */
#include <check.h>
#include <string.h>

#include "base/slice.h"
#include "suite.h"

START_TEST(a_list_falls_into_its_pieces)
{
    static const char *const expected[] = {"a", "b c", "", "d", ""};
    const char *list = " a,\tb c \t,, d,";
    struct slice piece;
    char text[8];
    size_t count = 0;

    ck_assert_uint_eq(slice_count(list), 5);
    while (slice_next(&list, &piece)) {
        ck_assert_uint_lt(count, 5);
        slice_copy(piece, text, sizeof(text));
        ck_assert_str_eq(text, expected[count++]);
    }
    ck_assert_uint_eq(count, 5);
    ck_assert_ptr_null(list);
}
END_TEST

START_TEST(nothing_is_one_empty_piece)
{
    const char *list = "";
    struct slice piece;

    ck_assert_uint_eq(slice_count(list), 1);
    ck_assert(slice_next(&list, &piece));
    ck_assert_uint_eq(piece.bytes, 0);
    ck_assert(!slice_next(&list, &piece));
    list = " \t ";
    ck_assert(slice_next(&list, &piece));
    ck_assert_uint_eq(piece.bytes, 0);
}
END_TEST

START_TEST(a_copy_is_cut_to_fit)
{
    struct slice piece = {"abcdef", 3};
    char text[4];

    slice_copy(piece, text, 4);
    ck_assert_str_eq(text, "abc");
    slice_copy(piece, text, 3);
    ck_assert_str_eq(text, "ab");
    slice_copy(piece, text, 1);
    ck_assert_str_eq(text, "");
    text[0] = 'x';
    slice_copy(piece, text, 0);
    ck_assert_int_eq(text[0], 'x');
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slice");
    TCase *tc = tcase_create("pieces");

    tcase_add_test(tc, a_list_falls_into_its_pieces);
    tcase_add_test(tc, nothing_is_one_empty_piece);
    tcase_add_test(tc, a_copy_is_cut_to_fit);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
