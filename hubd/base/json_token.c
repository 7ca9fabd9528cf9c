/* json_token.c - see json_token.h.
 *
 * A token that is cut off leaves in scanner->part which part it was in, and in
 * ->step how far it got. Reading continues with the same function, which starts
 * where it stopped: a whole token, as nearly all are, takes the same path.
 */
#include "base/json_token.h"

#include <limits.h>
#include <string.h>

#include "base/ascii.h"
#include "base/utf8.h"

enum part {
    PART_NONE,
    PART_STRING,
    PART_ESCAPE,
    PART_DIGITS, /* of an escape */
    PART_CHARACTER,
    PART_NUMBER,
    PART_WORD,
    PART_MARK,
};

int json_fail(struct json_scanner *s, const char *what)
{
    s->error = (struct json_error){what, json_offset(s)};
    return JSON_INVALID;
}

static enum json_token invalid(struct json_scanner *s, const char *what)
{
    (void)json_fail(s, what);
    return JSON_TOKEN_INVALID;
}

static enum json_token cut(struct json_scanner *s, enum part part)
{
    s->part = part;
    return JSON_TOKEN_CUT;
}

static void begin(struct json_scanner *s, enum json_type type)
{
    s->item.value.type = type;
    s->item.value.text.offset = json_offset(s);
}

static enum json_token finish(struct json_scanner *s)
{
    s->item.value.text.bytes = json_offset(s) - s->item.value.text.offset;
    return JSON_TOKEN_WHOLE;
}

/* Strings. ------------------------------------------------------------ */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Whether one of eight bytes is not plain. Subtracting sets the top bit of a
 * byte that is too small; a borrow only comes from a byte that is not plain
 * itself, so the answer is exact. */
static bool has_special(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t quotes = word ^ (ones * '"');
    uint64_t backslashes = word ^ (ones * '\\');
    uint64_t marks =
        word | (word - ones * 0x20) | (quotes - ones) | (backslashes - ones);

    return (marks & (ones * 0x80)) != 0;
}

static void skip_plain(struct json_scanner *s)
{
    const unsigned char *p = s->at;
    uint64_t word;

    for (; s->end - p >= (ptrdiff_t)sizeof(word); p += sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        if (has_special(word))
            break;
    }
    while (p < s->end && is_plain(*p))
        p++;
    s->at = p;
}

static bool is_escape(unsigned char letter)
{
    switch (letter) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
    case 'u':
        return true;
    default:
        return false;
    }
}

/* The digits of \uXXXX, of which `missing` are still to come. */
static enum json_token read_digits(struct json_scanner *s, unsigned missing)
{
    for (; missing > 0; missing--, s->at++) {
        if (s->at == s->end) {
            s->step = missing;
            return cut(s, PART_DIGITS);
        }
        if (ascii_hex_value(*s->at) < 0)
            return invalid(s, "\\u without four hexadecimal digits");
    }
    return JSON_TOKEN_WHOLE;
}

/* From the byte after the backslash on. */
static enum json_token read_escape(struct json_scanner *s)
{
    if (s->at == s->end)
        return cut(s, PART_ESCAPE);
    if (!is_escape(*s->at))
        return invalid(s, "an unknown escape in a string");
    return *s->at++ == 'u' ? read_digits(s, 4) : JSON_TOKEN_WHOLE;
}

/* A character whose first s->step bytes are in s->cut. */
static enum json_token read_character(struct json_scanner *s)
{
    while (s->at < s->end) {
        size_t bad, length;

        s->cut[s->step] = *s->at;
        length = utf8_sequence(s->cut, s->step + 1, &bad);
        if (length == 0 && bad <= s->step)
            return invalid(s, "invalid UTF-8");
        s->at++;
        s->step++;
        if (length > 0)
            return JSON_TOKEN_WHOLE;
    }
    return cut(s, PART_CHARACTER);
}

static enum json_token read_characters(struct json_scanner *s)
{
    while (s->at < s->end && *s->at >= 0x80) {
        size_t left = (size_t)(s->end - s->at), bad;
        size_t length = utf8_sequence(s->at, left, &bad);

        if (length == 0) {
            s->step = 0;
            return read_character(s);
        }
        s->at += length;
    }
    return JSON_TOKEN_WHOLE;
}

/* Continues within a string. */
static enum json_token read_string(struct json_scanner *s)
{
    for (;;) {
        enum json_token token;

        skip_plain(s);
        if (s->at == s->end)
            return cut(s, PART_STRING);
        if (*s->at == '"')
            break;
        if (*s->at == '\\') {
            s->at++;
            token = read_escape(s);
        } else if (*s->at >= 0x80) {
            token = read_characters(s);
        } else {
            token = invalid(s, "a control character in a string");
        }
        if (token != JSON_TOKEN_WHOLE)
            return token;
    }
    (void)finish(s);
    s->at++;
    return JSON_TOKEN_WHOLE;
}

enum json_token json_token_string(struct json_scanner *s)
{
    s->at++;
    begin(s, JSON_TYPE_STRING);
    return read_string(s);
}

/* Numbers. ------------------------------------------------------------ */

/* How far a number has been read, by its last byte. */
enum number {
    NUMBER_END, /* not part of it: the number has ended */
    NUMBER_BEGIN,
    NUMBER_MINUS,
    NUMBER_ZERO,
    NUMBER_INTEGER,
    NUMBER_POINT,
    NUMBER_FRACTION,
    NUMBER_E,
    NUMBER_E_SIGN,
    NUMBER_EXPONENT,
};

enum byte {
    BYTE_OTHER,
    BYTE_ZERO,
    BYTE_DIGIT,
    BYTE_POINT,
    BYTE_E,
    BYTE_PLUS,
    BYTE_MINUS,
    BYTE_KINDS = 8, /* a power of two, for the address in the table */
};

static const unsigned char byte_kinds[UCHAR_MAX + 1] = {
    ['0'] = BYTE_ZERO,  ['1'] = BYTE_DIGIT, ['2'] = BYTE_DIGIT,
    ['3'] = BYTE_DIGIT, ['4'] = BYTE_DIGIT, ['5'] = BYTE_DIGIT,
    ['6'] = BYTE_DIGIT, ['7'] = BYTE_DIGIT, ['8'] = BYTE_DIGIT,
    ['9'] = BYTE_DIGIT, ['.'] = BYTE_POINT, ['e'] = BYTE_E,
    ['E'] = BYTE_E,     ['+'] = BYTE_PLUS,  ['-'] = BYTE_MINUS,
};

/* RFC 8259, 6: the next state, by state and kind of byte. */
static const unsigned char numbers[][BYTE_KINDS] = {
    [NUMBER_BEGIN] = {[BYTE_MINUS] = NUMBER_MINUS,
                      [BYTE_ZERO] = NUMBER_ZERO,
                      [BYTE_DIGIT] = NUMBER_INTEGER},
    [NUMBER_MINUS] = {[BYTE_ZERO] = NUMBER_ZERO, [BYTE_DIGIT] = NUMBER_INTEGER},
    [NUMBER_ZERO] = {[BYTE_POINT] = NUMBER_POINT, [BYTE_E] = NUMBER_E},
    [NUMBER_INTEGER] = {[BYTE_ZERO] = NUMBER_INTEGER,
                        [BYTE_DIGIT] = NUMBER_INTEGER,
                        [BYTE_POINT] = NUMBER_POINT,
                        [BYTE_E] = NUMBER_E},
    [NUMBER_POINT] =
        {[BYTE_ZERO] = NUMBER_FRACTION, [BYTE_DIGIT] = NUMBER_FRACTION},
    [NUMBER_FRACTION] = {[BYTE_ZERO] = NUMBER_FRACTION,
                         [BYTE_DIGIT] = NUMBER_FRACTION,
                         [BYTE_E] = NUMBER_E},
    [NUMBER_E] = {[BYTE_ZERO] = NUMBER_EXPONENT,
                  [BYTE_DIGIT] = NUMBER_EXPONENT,
                  [BYTE_PLUS] = NUMBER_E_SIGN,
                  [BYTE_MINUS] = NUMBER_E_SIGN},
    [NUMBER_E_SIGN] =
        {[BYTE_ZERO] = NUMBER_EXPONENT, [BYTE_DIGIT] = NUMBER_EXPONENT},
    [NUMBER_EXPONENT] =
        {[BYTE_ZERO] = NUMBER_EXPONENT, [BYTE_DIGIT] = NUMBER_EXPONENT},
};

static bool may_end(unsigned number)
{
    return number == NUMBER_ZERO || number == NUMBER_INTEGER ||
           number == NUMBER_FRACTION || number == NUMBER_EXPONENT;
}

static enum json_token read_number(struct json_scanner *s)
{
    const unsigned char *p = s->at;
    unsigned number = s->step, next;

    for (; p < s->end; p++, number = next) {
        next = numbers[number][byte_kinds[*p]];
        if (next == NUMBER_END)
            break;
    }
    s->at = p;
    s->step = number;
    if (p == s->end)
        return cut(s, PART_NUMBER);
    if (number == NUMBER_ZERO && ascii_is_digit(*p))
        return invalid(s, "a number with a leading zero");
    return may_end(number) ? finish(s) : invalid(s, "expected a digit");
}

static enum json_token begin_number(struct json_scanner *s)
{
    begin(s, JSON_TYPE_NUMBER);
    s->step = numbers[NUMBER_BEGIN][byte_kinds[*s->at]];
    if (s->step == NUMBER_END)
        return invalid(s, "expected a value");
    s->at++;
    return read_number(s);
}

/* Words. -------------------------------------------------------------- */

static enum json_token read_word(struct json_scanner *s)
{
    static const unsigned char words[][6] = {
        [JSON_TYPE_TRUE] = "true",
        [JSON_TYPE_FALSE] = "false",
        [JSON_TYPE_NULL] = "null",
    };
    const unsigned char *word = words[s->item.value.type] + s->step;

    for (; *word != '\0' && s->at < s->end; word++, s->at++) {
        if (*s->at != *word)
            return invalid(s, "expected a value");
    }
    s->step = (unsigned)(word - words[s->item.value.type]);
    return *word == '\0' ? finish(s) : cut(s, PART_WORD);
}

static enum json_token begin_word(struct json_scanner *s, enum json_type type)
{
    begin(s, type);
    s->step = 0;
    return read_word(s);
}

enum json_token json_token_scalar(struct json_scanner *s)
{
    switch (*s->at) {
    case '"':
        return json_token_string(s);
    case 't':
        return begin_word(s, JSON_TYPE_TRUE);
    case 'f':
        return begin_word(s, JSON_TYPE_FALSE);
    case 'n':
        return begin_word(s, JSON_TYPE_NULL);
    default:
        return begin_number(s);
    }
}

/* The byte order mark. ------------------------------------------------ */

static const unsigned char mark[] = {0xef, 0xbb, 0xbf};

/* The text is wrong from its first byte on; the other bytes tell why. */
static enum json_token end_mark(struct json_scanner *s)
{
    s->error.what =
        s->step == sizeof(mark) ? "a byte order mark" : "expected a value";
    s->error.offset = 0;
    return JSON_TOKEN_INVALID;
}

static enum json_token read_mark(struct json_scanner *s)
{
    for (; s->step < sizeof(mark); s->step++, s->at++) {
        if (s->at == s->end)
            return cut(s, PART_MARK);
        if (*s->at != mark[s->step])
            break;
    }
    return end_mark(s);
}

enum json_token json_token_mark(struct json_scanner *s)
{
    s->step = 0;
    return read_mark(s);
}

/* Tokens that were cut. ----------------------------------------------- */

static enum json_token resume(struct json_scanner *s, enum part part)
{
    enum json_token token = JSON_TOKEN_WHOLE;

    switch (part) {
    case PART_NUMBER:
        return read_number(s);
    case PART_WORD:
        return read_word(s);
    case PART_MARK:
        return read_mark(s);
    case PART_ESCAPE:
        token = read_escape(s);
        break;
    case PART_DIGITS:
        token = read_digits(s, s->step);
        break;
    case PART_CHARACTER:
        token = read_character(s);
        break;
    case PART_STRING:
    case PART_NONE:
        break;
    }
    return token == JSON_TOKEN_WHOLE ? read_string(s) : token;
}

enum json_token json_token_resume(struct json_scanner *s)
{
    enum part part = s->part;

    s->part = PART_NONE;
    return resume(s, part);
}

enum json_token json_token_end(struct json_scanner *s)
{
    if (s->part == PART_MARK)
        return end_mark(s);
    if (s->part == PART_NUMBER && may_end(s->step))
        return finish(s);
    return invalid(s, "the text ends too early");
}
