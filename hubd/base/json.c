/* json.c - the pass over a JSON text: a loop that takes one token at a time.
 *
 * Open levels are a stack of bits, one per level. Positions are kept only for
 * the outermost levels, since no others are reported. All state is in the
 * scanner, so the loop may stop after any byte and continue with the next
 * piece; a whole text is a single piece.
 */
#include "base/json.h"

#include <assert.h>
#include <string.h>

#include "base/json_token.h"

enum expect {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_END, /* after [ */
    EXPECT_NAME,
    EXPECT_NAME_OR_END, /* after { */
    EXPECT_COLON,
    EXPECT_COMMA_OR_END,
    EXPECT_NOTHING,
};

static void skip_space(struct json_scanner *s)
{
    const unsigned char *p = s->at;

    while (p < s->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    s->at = p;
}

/* Items. -------------------------------------------------------------- */

/* s->item.value has been read whole, and s->depth levels are open around it. */
static int finish_value(struct json_scanner *s)
{
    if (s->depth == 0) {
        s->expect = EXPECT_NOTHING;
        s->top = s->item.value;
        return 0;
    }
    s->expect = EXPECT_COMMA_OR_END;
    if (s->depth > s->report.depth)
        return 0;
    s->item.depth = s->depth;
    s->item.path = s->path;
    return s->report.on_item(s->report.context, &s->item);
}

/* Levels. ------------------------------------------------------------- */

#define TEXT_OF(x) TEXT_OF_(x)
#define TEXT_OF_(x) #x

static int open_level(struct json_scanner *s, bool object)
{
    uint64_t bit = UINT64_C(1) << (s->depth % 64);

    if (s->depth == JSON_DEPTH_MAX)
        return json_fail(
            s, "nested more than " TEXT_OF(JSON_DEPTH_MAX) " levels deep");
    if (object)
        s->objects[s->depth / 64] |= bit;
    else
        s->objects[s->depth / 64] &= ~bit;
    if (s->depth <= s->report.depth)
        s->opened[s->depth] = json_offset(s);
    if (s->depth < s->report.depth)
        s->path[s->depth] = (struct json_place){.is_member = object};
    s->depth++;
    s->in_object = object;
    s->at++;
    s->expect = object ? EXPECT_NAME_OR_END : EXPECT_VALUE_OR_END;
    return 0;
}

static int close_level(struct json_scanner *s)
{
    struct json_value *value = &s->item.value;
    unsigned outer = --s->depth - 1; /* nothing, for the top value */

    s->at++;
    value->type = s->in_object ? JSON_TYPE_OBJECT : JSON_TYPE_ARRAY;
    if (s->depth <= s->report.depth) {
        value->text.offset = s->opened[s->depth];
        value->text.bytes = json_offset(s) - value->text.offset;
    }
    s->in_object = s->depth > 0 && (s->objects[outer / 64] >> outer % 64 & 1);
    return finish_value(s);
}

/* Tokens. ------------------------------------------------------------- */

static int take_colon(struct json_scanner *s)
{
    if (*s->at != ':')
        return json_fail(s, "expected a colon");
    s->at++;
    s->expect = EXPECT_VALUE;
    return 0;
}

static int finish_name(struct json_scanner *s)
{
    if (s->depth <= s->report.depth)
        s->path[s->depth - 1].name = s->item.value.text;
    s->expect = EXPECT_COLON;
    return 0;
}

/* After a string, number or word; one that is cut off waits for more. */
static int finish_token(struct json_scanner *s, enum json_token token)
{
    switch (token) {
    case JSON_TOKEN_WHOLE:
        break;
    case JSON_TOKEN_CUT:
        return 0;
    case JSON_TOKEN_INVALID:
        return JSON_INVALID;
    }
    if (s->expect == EXPECT_NAME || s->expect == EXPECT_NAME_OR_END)
        return finish_name(s);
    return finish_value(s);
}

static int take_value(struct json_scanner *s)
{
    if (*s->at == '{' || *s->at == '[')
        return open_level(s, *s->at == '{');
    return finish_token(s, json_token_scalar(s));
}

static int take_name(struct json_scanner *s)
{
    if (*s->at != '"')
        return json_fail(s, "expected a member name in double quotes");
    return finish_token(s, json_token_string(s));
}

static int take_comma(struct json_scanner *s)
{
    if (*s->at != ',')
        return json_fail(s, s->in_object ? "expected a comma or }"
                                         : "expected a comma or ]");
    s->at++;
    s->expect = s->in_object ? EXPECT_NAME : EXPECT_VALUE;
    if (s->depth <= s->report.depth)
        s->path[s->depth - 1].index++;
    return 0;
}

static int take_token(struct json_scanner *s)
{
    switch ((enum expect)s->expect) {
    case EXPECT_VALUE:
        return take_value(s);
    case EXPECT_VALUE_OR_END:
        return *s->at == ']' ? close_level(s) : take_value(s);
    case EXPECT_NAME:
        return take_name(s);
    case EXPECT_NAME_OR_END:
        return *s->at == '}' ? close_level(s) : take_name(s);
    case EXPECT_COLON:
        return take_colon(s);
    case EXPECT_COMMA_OR_END:
        if (*s->at == (s->in_object ? '}' : ']'))
            return close_level(s);
        return take_comma(s);
    case EXPECT_NOTHING:
        break;
    }
    return json_fail(s, "unexpected text after the value");
}

/* The whole of it. ---------------------------------------------------- */

static int take_tokens(struct json_scanner *s)
{
    int err = 0;

    if (s->part)
        err = finish_token(s, json_token_resume(s));
    else if (json_offset(s) == 0 && *s->at == 0xef)
        err = finish_token(s, json_token_mark(s));
    while (!err) {
        skip_space(s);
        if (s->at == s->end)
            break;
        err = take_token(s);
    }
    return err;
}

void json_begin(struct json_scanner *scanner, const struct json_report *report)
{
    memset(scanner, 0, offsetof(struct json_scanner, objects));
    scanner->expect = EXPECT_VALUE;
    if (report && report->on_item)
        scanner->report = *report;
    assert(scanner->report.depth <= JSON_ITEM_DEPTH_MAX);
}

int json_feed(struct json_scanner *scanner, const char *bytes, size_t count)
{
    struct json_scanner *s = scanner;

    if (s->result != 0 || count == 0)
        return s->result;
    s->start = s->at = (const unsigned char *)bytes;
    s->end = s->start + count;
    s->result = take_tokens(s);
    s->before = json_offset(s);
    s->start = s->at = s->end = NULL;
    return s->result;
}

int json_end(struct json_scanner *scanner)
{
    struct json_scanner *s = scanner;

    if (s->result == 0 && s->part)
        s->result = finish_token(s, json_token_end(s));
    if (s->result == 0 && s->expect != EXPECT_NOTHING)
        s->result = json_fail(s, "the text ends too early");
    return s->result;
}

int json_scan(const char *text, size_t bytes, const struct json_report *report,
              struct json_value *top, struct json_error *error)
{
    struct json_scanner s;
    int result;

    json_begin(&s, report);
    (void)json_feed(&s, text, bytes);
    result = json_end(&s);
    if (result == 0)
        *top = s.top;
    else if (s.error.what)
        *error = s.error;
    return result;
}

/* What callers have to keep. ------------------------------------------ */

/* Where the item that is being read at the innermost level begins, or where the
 * next one can begin. */
static size_t item_begin(const struct json_scanner *s)
{
    switch ((enum expect)s->expect) {
    case EXPECT_COLON:
        return s->path[s->depth - 1].name.offset;
    case EXPECT_VALUE:
        if (s->in_object)
            return s->path[s->depth - 1].name.offset;
        break;
    case EXPECT_VALUE_OR_END:
    case EXPECT_NAME:
    case EXPECT_NAME_OR_END:
        break;
    case EXPECT_COMMA_OR_END:
    case EXPECT_NOTHING:
        return s->before;
    }
    return s->part ? s->item.value.text.offset : s->before;
}

size_t json_kept(const struct json_scanner *scanner, unsigned depth)
{
    const struct json_scanner *s = scanner;
    const struct json_place *place;

    assert(depth > 0 && depth <= s->report.depth);
    if (s->depth < depth)
        return s->before;
    if (s->depth == depth)
        return item_begin(s);
    place = &s->path[depth - 1];
    return place->is_member ? place->name.offset : s->opened[depth];
}
