/* json_texts.c - see json_texts.h. */
#include "json_texts.h"

#include <stdbool.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

unsigned json_text_draw(struct json_text *r, unsigned below)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return (unsigned)(r->state >> 33) % below;
}

static void put(struct json_text *r, const char *piece)
{
    size_t bytes = strlen(piece);

    if (r->used + bytes <= sizeof(r->bytes)) {
        memcpy(r->bytes + r->used, piece, bytes);
        r->used += bytes;
    }
}

static void put_one_of(struct json_text *r, const char *const *pieces,
                       unsigned count)
{
    put(r, pieces[json_text_draw(r, count)]);
}

static void put_space(struct json_text *r)
{
    static const char *const spaces[] = {"", "", "", " ", "\n", "\t", "\r\n"};

    put_one_of(r, spaces, LENGTH(spaces));
}

static void put_string(struct json_text *r)
{
    static const char *const pieces[] = {
        "a",
        "longer than eight bytes",
        "\\n",
        "\\\"",
        "\\\\",
        "\\u00e9",
        "\\ud83d\\ude00",
        "\xc3\xa9",
        "\\/",
        "\xe6\xbc\xa2",
        "\xf0\x9f\x98\x80",
        "\x7f",
        "\\u0041",
        "{",
        "]",
        "'",
    };

    put(r, "\"");
    for (unsigned n = json_text_draw(r, 5); n > 0; n--)
        put_one_of(r, pieces, LENGTH(pieces));
    put(r, "\"");
}

static void put_scalar(struct json_text *r)
{
    static const char *const pieces[] = {
        "0",    "-0",      "1",     "12345678901234567890",
        "1.10", "-2.5e+3", "1E400", "0.5e-10",
        "true", "false",   "null",
    };

    if (json_text_draw(r, 3) == 0)
        put_string(r);
    else
        put_one_of(r, pieces, LENGTH(pieces));
}

/* Recursion is bounded by the generator itself. */
static void put_value(struct json_text *r, unsigned depth)
{
    bool object = json_text_draw(r, 2);

    put_space(r);
    if (depth == 0 || json_text_draw(r, 3) == 0) {
        put_scalar(r);
    } else {
        put(r, object ? "{" : "[");
        for (unsigned i = 0, n = json_text_draw(r, 4); i < n; i++) {
            put(r, i ? "," : "");
            put_space(r);
            if (object) {
                put_string(r);
                put_space(r);
                put(r, ":");
            }
            put_value(r, depth - 1);
        }
        put_space(r);
        put(r, object ? "}" : "]");
    }
    put_space(r);
}

/* A text that did not fit into the buffer is not whole: draw another. */
void json_text_next(struct json_text *r)
{
    do {
        r->used = 0;
        put_value(r, 5);
    } while (r->used > sizeof(r->bytes) - 64);
}

void json_text_damage(struct json_text *r)
{
    static const char pieces[] = "\"\\,:[]{}019.-+eEtfn u\n\x80\xc3\xff";
    unsigned at = json_text_draw(r, (unsigned)r->used);
    char byte = pieces[json_text_draw(r, sizeof(pieces))];

    switch (json_text_draw(r, 3)) {
    case 0:
        r->bytes[at] = byte;
        break;
    case 1:
        r->bytes[at] = (char)json_text_draw(r, 256);
        break;
    default:
        memmove(r->bytes + at, r->bytes + at + 1, r->used - at - 1);
        r->used--;
        break;
    }
}
