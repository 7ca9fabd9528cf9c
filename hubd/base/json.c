/* json.c - the pass over a JSON text: a loop that takes one token a turn.
 *
 * What is open is a stack of bits, one a level. Where things lie is remembered
 * for the outermost levels only, for no others are reported. The cursor never
 * moves past a byte that cannot be part of valid JSON, so wherever a step fails
 * it stands on the offset of the error.
 *
 * Threads: any; all state is on the caller's stack.
 */
#include "base/json.h"

#include <stdint.h>
#include <string.h>

#include "base/ascii.h"
#include "base/utf8.h"

#define MEMBER_DEPTH 2 /* members down to here are reported */

enum expect {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_END, /* behind [ */
    EXPECT_NAME,
    EXPECT_NAME_OR_END, /* behind { */
    EXPECT_COMMA_OR_END,
    EXPECT_NOTHING,
};

struct scanner {
    const unsigned char *at, *end;
    enum expect expect;
    unsigned depth; /* how many levels are open */
    /* Bit n: level n + 1 is an object. */
    uint64_t objects[(JSON_DEPTH_MAX + 63) / 64];
    const unsigned char *opened[MEMBER_DEPTH + 1]; /* where level n + 1 began */
    struct json_slice names[MEMBER_DEPTH]; /* the latest at level n + 1 */
    json_member_fn *on_member;
    void *context;
    struct json_value top;
    const char *what; /* of the error */
};

static int fail(struct scanner *s, const char *what)
{
    s->what = s->at < s->end ? what : "the text ends too early";
    return JSON_INVALID;
}

/* The byte at the cursor, or -1 at the end. */
static int peek(const struct scanner *s)
{
    return s->at < s->end ? *s->at : -1;
}

static struct json_slice slice(const unsigned char *start,
                               const unsigned char *end)
{
    return (struct json_slice){(const char *)start, (size_t)(end - start)};
}

static void skip_space(struct scanner *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' ||
                              *s->at == '\r' || *s->at == '\t'))
        s->at++;
}

static int scan_utf8(struct scanner *s)
{
    size_t bad, length;

    while (s->at < s->end && *s->at >= 0x80) {
        length = utf8_sequence(s->at, (size_t)(s->end - s->at), &bad);
        if (length == 0) {
            s->at += bad;
            return fail(s, "not UTF-8");
        }
        s->at += length;
    }
    return 0;
}

/* Tokens. ------------------------------------------------------------- */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Whether one of eight bytes is not plain. Subtracting sets the top bit of a
 * byte that is too small; a borrow only leaves a byte that is not plain itself,
 * so that the answer is exact. */
static bool has_special(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t quotes = word ^ (ones * '"');
    uint64_t backslashes = word ^ (ones * '\\');
    uint64_t marks =
        word | (word - ones * 0x20) | (quotes - ones) | (backslashes - ones);

    return (marks & (ones * 0x80)) != 0;
}

static void skip_plain(struct scanner *s)
{
    uint64_t word;

    for (; s->end - s->at >= (ptrdiff_t)sizeof(word); s->at += sizeof(word)) {
        memcpy(&word, s->at, sizeof(word));
        if (has_special(word))
            break;
    }
    while (s->at < s->end && is_plain(*s->at))
        s->at++;
}

static int scan_escape(struct scanner *s)
{
    int kind;

    s->at++;
    kind = peek(s);
    if (kind <= 0 || !strchr("\"\\/bfnrtu", kind))
        return fail(s, "an unknown escape in a string");
    s->at++;
    for (int i = 0; kind == 'u' && i < 4; i++) {
        if (ascii_hex_value(peek(s)) < 0)
            return fail(s, "\\u without four hexadecimal digits");
        s->at++;
    }
    return 0;
}

static int scan_string(struct scanner *s, struct json_slice *out)
{
    const unsigned char *start = ++s->at;

    for (;;) {
        int c, err;

        skip_plain(s);
        c = peek(s);
        if (c == '"')
            break;
        if (c == '\\')
            err = scan_escape(s);
        else if (c >= 0x80)
            err = scan_utf8(s);
        else
            err = fail(s, "a control character in a string");
        if (err)
            return err;
    }
    *out = slice(start, s->at);
    s->at++;
    return 0;
}

static int scan_digits(struct scanner *s)
{
    if (!ascii_is_digit(peek(s)))
        return fail(s, "a digit is expected");
    while (s->at < s->end && ascii_is_digit(*s->at))
        s->at++;
    return 0;
}

static int scan_integer(struct scanner *s)
{
    if (peek(s) == '-')
        s->at++;
    if (peek(s) != '0')
        return scan_digits(s);
    s->at++;
    return ascii_is_digit(peek(s)) ? fail(s, "a number with a leading zero")
                                   : 0;
}

static int scan_number(struct scanner *s)
{
    int err = scan_integer(s);

    if (!err && peek(s) == '.') {
        s->at++;
        err = scan_digits(s);
    }
    if (!err && (peek(s) == 'e' || peek(s) == 'E')) {
        s->at++;
        if (peek(s) == '+' || peek(s) == '-')
            s->at++;
        err = scan_digits(s);
    }
    return err;
}

static int scan_word(struct scanner *s, const char *word)
{
    for (; *word; word++) {
        if (peek(s) != *word)
            return fail(s, "a value is expected");
        s->at++;
    }
    return 0;
}

/* Structure. ---------------------------------------------------------- */

/* Whether what is open at `level`, from 1, is an object. */
static bool is_object(const struct scanner *s, unsigned level)
{
    return s->objects[(level - 1) / 64] >> ((level - 1) % 64) & 1;
}

/* A value has been read whole, and s->depth levels are open around it. */
static int finish_value(struct scanner *s, const struct json_value *value)
{
    struct json_member member;
    unsigned depth = s->depth;

    if (depth == 0) {
        s->expect = EXPECT_NOTHING;
        s->top = *value;
        return 0;
    }
    s->expect = EXPECT_COMMA_OR_END;
    if (depth > MEMBER_DEPTH || !s->on_member)
        return 0;
    if (!is_object(s, 1) || !is_object(s, depth))
        return 0;
    member = (struct json_member){
        .depth = depth, .name = s->names[depth - 1], .value = *value};
    if (depth == 2)
        member.parent = s->names[0];
    return s->on_member(s->context, &member);
}

#define TEXT_OF(x) TEXT_OF_(x)
#define TEXT_OF_(x) #x

static int open_level(struct scanner *s, bool object)
{
    uint64_t bit = UINT64_C(1) << (s->depth % 64);

    if (s->depth == JSON_DEPTH_MAX)
        return fail(s, "more than " TEXT_OF(JSON_DEPTH_MAX) " nested levels");
    if (object)
        s->objects[s->depth / 64] |= bit;
    else
        s->objects[s->depth / 64] &= ~bit;
    if (s->depth <= MEMBER_DEPTH)
        s->opened[s->depth] = s->at;
    s->depth++;
    s->at++;
    s->expect = object ? EXPECT_NAME_OR_END : EXPECT_VALUE_OR_END;
    return 0;
}

static int close_level(struct scanner *s)
{
    struct json_value value = {0};

    value.type = is_object(s, s->depth) ? JSON_OBJECT : JSON_ARRAY;
    s->at++;
    s->depth--;
    if (s->depth <= MEMBER_DEPTH)
        value.text = slice(s->opened[s->depth], s->at);
    return finish_value(s, &value);
}

static int scan_scalar(struct scanner *s, struct json_value *value)
{
    switch (peek(s)) {
    case '"':
        value->type = JSON_STRING;
        return scan_string(s, &value->text);
    case 't':
        value->type = JSON_TRUE;
        return scan_word(s, "true");
    case 'f':
        value->type = JSON_FALSE;
        return scan_word(s, "false");
    case 'n':
        value->type = JSON_NULL;
        return scan_word(s, "null");
    default:
        value->type = JSON_NUMBER;
        if (peek(s) != '-' && !ascii_is_digit(peek(s)))
            return fail(s, "a value is expected");
        return scan_number(s);
    }
}

static int take_value(struct scanner *s)
{
    const unsigned char *start = s->at;
    struct json_value value = {0};
    int c = peek(s);
    int err;

    if (c == '{' || c == '[')
        return open_level(s, c == '{');
    err = scan_scalar(s, &value);
    if (err)
        return err;
    if (value.type != JSON_STRING)
        value.text = slice(start, s->at);
    return finish_value(s, &value);
}

static int take_name(struct scanner *s)
{
    struct json_slice name;
    int err;

    if (peek(s) != '"')
        return fail(s, "a member name in double quotes is expected");
    err = scan_string(s, &name);
    if (err)
        return err;
    skip_space(s);
    if (peek(s) != ':')
        return fail(s, "a colon is expected");
    s->at++;
    if (s->depth <= MEMBER_DEPTH)
        s->names[s->depth - 1] = name;
    s->expect = EXPECT_VALUE;
    return 0;
}

static int take_comma(struct scanner *s)
{
    bool object = is_object(s, s->depth);

    if (peek(s) != ',')
        return fail(s, object ? "a comma or } is expected"
                              : "a comma or ] is expected");
    s->at++;
    s->expect = object ? EXPECT_NAME : EXPECT_VALUE;
    return 0;
}

static int take_token(struct scanner *s)
{
    switch (s->expect) {
    case EXPECT_VALUE:
        return take_value(s);
    case EXPECT_VALUE_OR_END:
        return peek(s) == ']' ? close_level(s) : take_value(s);
    case EXPECT_NAME:
        return take_name(s);
    case EXPECT_NAME_OR_END:
        return peek(s) == '}' ? close_level(s) : take_name(s);
    case EXPECT_COMMA_OR_END:
        if (peek(s) == (is_object(s, s->depth) ? '}' : ']'))
            return close_level(s);
        return take_comma(s);
    case EXPECT_NOTHING:
        break;
    }
    return fail(s, "more text behind the value");
}

static int scan_text(struct scanner *s)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};

    if (s->end - s->at >= 3 && memcmp(s->at, mark, 3) == 0)
        return fail(s, "a byte order mark");
    skip_space(s);
    while (s->expect != EXPECT_NOTHING || s->at < s->end) {
        int err = take_token(s);

        if (err)
            return err;
        skip_space(s);
    }
    return 0;
}

int json_scan(const char *text, size_t bytes, json_member_fn *on_member,
              void *context, struct json_value *top, struct json_error *error)
{
    const unsigned char *start = (const unsigned char *)(bytes ? text : "");
    struct scanner s = {.at = start,
                        .end = start + bytes,
                        .expect = EXPECT_VALUE,
                        .on_member = on_member,
                        .context = context};
    int err = scan_text(&s);

    if (!err)
        *top = s.top;
    else if (s.what)
        *error = (struct json_error){s.what, (size_t)(s.at - start)};
    return err;
}

/* Strings that have been scanned. ------------------------------------- */

static bool is_high_half(unsigned unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_half(unsigned unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* The UTF-16 code unit of the \uXXXX at `p`, or 0 if there is none. */
static unsigned code_unit(const char *p, const char *end)
{
    unsigned unit = 0;

    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return 0;
    for (int i = 2; i < 6; i++)
        unit = unit << 4 | (unsigned)ascii_hex_value(p[i]);
    return unit;
}

static size_t encode(unsigned point, char out[4])
{
    size_t length = point < 0x80      ? 1
                    : point < 0x800   ? 2
                    : point < 0x10000 ? 3
                                      : 4;
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = length - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)(leads[length] | point);
    return length;
}

/* Undoes the escape at `*p`, a backslash, and moves behind it. Returns how many
 * bytes of UTF-8 it stands for, 0 if it is half a surrogate pair. */
static size_t unescape(const char **p, const char *end, char out[4])
{
    static const char kinds[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    unsigned unit, low;

    if ((*p)[1] != 'u') {
        out[0] = meanings[strchr(kinds, (*p)[1]) - kinds];
        *p += 2;
        return 1;
    }
    unit = code_unit(*p, end);
    *p += 6;
    if (is_low_half(unit))
        return 0;
    if (!is_high_half(unit))
        return encode(unit, out);
    low = code_unit(*p, end);
    if (!is_low_half(low))
        return 0;
    *p += 6;
    return encode(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), out);
}

bool json_string_equals(struct json_slice string, const char *name)
{
    const char *p = string.start;
    const char *end = p + string.bytes;

    while (p < end && *name) {
        char bytes[4];
        size_t count = 1;

        if (*p == '\\')
            count = unescape(&p, end, bytes);
        else
            bytes[0] = *p++;
        if (count == 0 || strncmp(bytes, name, count) != 0)
            return false;
        name += count;
    }
    return p == end && *name == '\0';
}

long json_string_decode(struct json_slice string, char *out, size_t size)
{
    const char *p = string.start;
    const char *end = p + string.bytes;
    size_t used = 0;

    while (p < end) {
        char bytes[4];
        size_t count = 1;

        if (*p == '\\')
            count = unescape(&p, end, bytes);
        else
            bytes[0] = *p++;
        if (count == 0)
            return JSON_STRING_HALF_PAIR;
        if (bytes[0] == '\0')
            return JSON_STRING_NUL;
        if (count >= size - used)
            return JSON_STRING_TOO_LONG;
        memcpy(out + used, bytes, count);
        used += count;
    }
    if (used == size)
        return JSON_STRING_TOO_LONG;
    out[used] = '\0';
    return (long)used;
}
