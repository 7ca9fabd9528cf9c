/* request_model.c - see request_model.h. */
#include "request_model.h"

#include "fuzz.h"

#include <string.h>
#include <strings.h>

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define HEX DIGITS "abcdefABCDEF"

struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *c, const char *literal)
{
    size_t bytes = strlen(literal);

    if ((size_t)(c->end - c->at) < bytes || memcmp(c->at, literal, bytes) != 0)
        return false;
    c->at += bytes;
    return true;
}

/* The bytes that a set has, or those that it has not. */
static struct model_text take_span(struct cursor *c, const char *set, bool has)
{
    struct model_text text = {c->at, 0};

    while (c->at < c->end && *c->at != '\0' &&
           (strchr(set, *c->at) != NULL) == has)
        c->at++;
    text.bytes = (size_t)(c->at - text.start);
    return text;
}

static bool is_literally(struct model_text text, const char *wanted)
{
    return text.bytes == strlen(wanted) &&
           strncasecmp(text.start, wanted, text.bytes) == 0;
}

static bool is_made_of(struct model_text text, const char *set)
{
    struct cursor c = {text.start, text.start + text.bytes};

    return take_span(&c, set, true).bytes == text.bytes;
}

/* The head, RFC 9112, 3 and 5. ----------------------------------------- */

static const char token[] = DIGITS LETTERS "!#$%&'*+-.^_`|~";

static bool read_field(struct cursor *c, struct model_field *field)
{
    size_t bytes;

    field->name = take_span(c, token, true);
    if (field->name.bytes == 0 || !take(c, ":"))
        return false;
    (void)take_span(c, " \t", true);
    field->value = take_span(c, "\r\n", false);
    bytes = field->value.bytes;
    while (bytes > 0 && strchr(" \t", field->value.start[bytes - 1]))
        bytes--;
    field->value.bytes = bytes;
    return take(c, "\r\n");
}

/* CR LF; and whatever white space civetweb has blotted out as if it were that:
 * what lay behind the request line cannot be told from its traces. */
static bool end_request_line(struct model_head *head, struct cursor *c)
{
    struct cursor rest = *c;
    struct model_text space = take_span(&rest, " \t\r\n", true);
    bool ends_early = memmem(space.start, space.bytes, "\n\n", 2) != NULL;

    if (take(&(struct cursor){c->at, rest.at}, "\r\n\r\n")) {
        c->at += 2;
        return true;
    }
    head->blotted_out = space.bytes >= 4 || ends_early;
    if (space.bytes != 2 || ends_early)
        return false;
    c->at += 2;
    return strchr("\r\n", *space.start) != NULL;
}

static bool read_lines(struct model_head *head, struct cursor *c)
{
    head->method = take_span(c, token, true);
    if (head->method.bytes == 0 || !take(c, " "))
        return false;
    head->target = take_span(c, " \t\r\n\v\f", false);
    if (head->target.bytes == 0 || !take(c, " HTTP/1."))
        return false;
    head->http11 = take(c, "1");
    if ((!head->http11 && !take(c, "0")) || !end_request_line(head, c))
        return false;
    while (!take(c, "\r\n")) {
        if (head->field_count == MODEL_FIELDS_MAX ||
            !read_field(c, &head->fields[head->field_count++]))
            return false;
    }
    return true;
}

size_t model_head_count(const struct model_head *head, const char *name,
                        const struct model_field **first)
{
    size_t count = 0;

    for (size_t i = 0; i < head->field_count; i++) {
        if (is_literally(head->fields[i].name, name) && count++ == 0)
            *first = &head->fields[i];
    }
    return count;
}

/* The next member of a list; it may be empty. */
static struct model_text take_item(struct cursor *c)
{
    struct model_text item;

    (void)take_span(c, " \t,", true);
    item = take_span(c, ",", false);
    while (item.bytes > 0 && strchr(" \t", item.start[item.bytes - 1]))
        item.bytes--;
    return item;
}

/* Framing, RFC 9112, 6; RFC 9110, 7.2 and 10.1.1. ---------------------- */

static bool check_host(const struct model_head *head)
{
    const struct model_field *host;
    size_t count = model_head_count(head, "Host", &host);

    if (count == 0)
        return !head->http11;
    return count == 1 &&
           is_made_of(host->value, DIGITS LETTERS "-._~:[]%!$&'()*+,;=");
}

static bool read_length(struct model_head *head)
{
    const struct model_field *field;
    size_t count = model_head_count(head, "Content-Length", &field);
    unsigned __int128 length = 0;

    head->length = -1;
    if (count == 0)
        return true;
    if (count > 1 || field->value.bytes == 0 ||
        !is_made_of(field->value, DIGITS))
        return false;
    for (size_t i = 0; i < field->value.bytes; i++) {
        length = length * 10 + (unsigned)(field->value.start[i] - '0');
        if (length > INT64_MAX)
            return false;
    }
    head->length = (int64_t)length;
    return true;
}

/* How many members of a list there are, and how many of them are `wanted`. */
static size_t count_members(const struct model_head *head, const char *name,
                            const char *wanted, size_t *others)
{
    size_t found = 0;

    *others = 0;
    for (size_t i = 0; i < head->field_count; i++) {
        struct cursor c = {head->fields[i].value.start, NULL};

        c.end = c.at + head->fields[i].value.bytes;
        while (is_literally(head->fields[i].name, name) && c.at < c.end) {
            struct model_text item = take_item(&c);

            if (is_literally(item, wanted))
                found++;
            else if (item.bytes > 0)
                ++*others;
        }
    }
    return found;
}

static bool read_coding(struct model_head *head)
{
    const struct model_field *field;
    size_t others;
    size_t found = count_members(head, "Transfer-Encoding", "chunked", &others);

    head->chunked = model_head_count(head, "Transfer-Encoding", &field) > 0;
    return !head->chunked ||
           (found == 1 && others == 0 && head->http11 && head->length < 0);
}

static bool read_expectation(struct model_head *head)
{
    size_t others;
    size_t found = count_members(head, "Expect", "100-continue", &others);

    head->expects_continue = head->http11 && found > 0;
    return !head->http11 || others == 0;
}

bool model_head_read(struct model_head *head, const char *text, size_t bytes)
{
    struct cursor c = {text, text + bytes};

    head->field_count = 0;
    head->blotted_out = false;
    while (take(&c, "\r\n") || take(&c, "\n")) /* RFC 9112, 2.2 */
        continue;
    if (!read_lines(head, &c) || c.at - text > MODEL_HEAD_MAX)
        return false;
    head->bytes = (size_t)(c.at - text);
    return check_host(head) && read_length(head) && read_coding(head) &&
           read_expectation(head);
}

/* The handshake. -------------------------------------------------------- */

static bool lists(struct model_text list, const char *wanted)
{
    struct cursor c = {list.start, list.start + list.bytes};

    while (c.at < c.end) {
        if (is_literally(take_item(&c), wanted))
            return true;
    }
    return false;
}

bool model_head_lists(const struct model_head *head, const char *name,
                      const char *wanted, bool first_only)
{
    for (size_t i = 0; i < head->field_count; i++) {
        if (!is_literally(head->fields[i].name, name))
            continue;
        if (lists(head->fields[i].value, wanted))
            return true;
        if (first_only)
            return false;
    }
    return false;
}

bool model_head_upgrades(const struct model_head *head)
{
    const struct model_field *version, *key;

    if (!head->http11 || head->chunked || head->length > 0 ||
        !model_head_lists(head, "Connection", "upgrade", false) ||
        !model_head_lists(head, "Upgrade", "websocket", false))
        return false;
    if (model_head_count(head, "Sec-WebSocket-Version", &version) != 1 ||
        !is_literally(version->value, "13"))
        return false;
    if (model_head_count(head, "Sec-WebSocket-Key", &key) != 1 ||
        key->value.bytes != 24)
        return false;
    return is_made_of((struct model_text){key->value.start, 22},
                      DIGITS LETTERS "+/") &&
           memcmp(key->value.start + 22, "==", 2) == 0;
}

/* Ids. ------------------------------------------------------------------ */

/* Undoes what forms do to a text. Returns the number of bytes, of which no more
 * than `size` are kept, or -1. */
static long decode(struct model_text text, char *out, size_t size)
{
    struct cursor c = {text.start, text.start + text.bytes};
    size_t used = 0;

    while (c.at < c.end) {
        char byte = *c.at++;

        if (byte == '+')
            byte = ' ';
        if (byte == '%') {
            char digits[3] = {0};

            for (size_t i = 0; i < 2; i++, c.at++) {
                if (c.at == c.end || *c.at == '\0' || !strchr(HEX, *c.at))
                    return -1;
                digits[i] = *c.at;
            }
            byte = (char)strtoul(digits, NULL, 16);
        }
        if (used < size)
            out[used] = byte;
        used++;
    }
    return (long)used;
}

static bool read_id(struct model_text value, char id[MODEL_ID_MAX + 1])
{
    char decoded[MODEL_ID_MAX + 1];
    long bytes = decode(value, decoded, sizeof(decoded));

    if (id[0] != '\0' || bytes < 1 || bytes > MODEL_ID_MAX ||
        !fuzz_utf8_is_shown(decoded, (size_t)bytes))
        return false;
    memcpy(id, decoded, (size_t)bytes);
    id[bytes] = '\0';
    return true;
}

bool model_head_ids(const struct model_head *head, char user[MODEL_ID_MAX + 1],
                    char session[MODEL_ID_MAX + 1])
{
    struct cursor c = {head->target.start,
                       head->target.start + head->target.bytes};

    user[0] = session[0] = '\0';
    (void)take_span(&c, "?", false);
    (void)take(&c, "?");
    while (c.at < c.end) {
        struct model_text name = take_span(&c, "=&", false), value = {"", 0};
        char decoded[16] = {0};
        long bytes = decode(name, decoded, sizeof(decoded));

        if (take(&c, "="))
            value = take_span(&c, "&", false);
        (void)take(&c, "&");
        if (bytes == 6 && memcmp(decoded, "userId", 6) == 0 &&
            !read_id(value, user))
            return false;
        if (bytes == 9 && memcmp(decoded, "sessionId", 9) == 0 &&
            !read_id(value, session))
            return false;
    }
    return user[0] != '\0';
}
