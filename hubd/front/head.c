/* head.c - line by line, in place. Lines are changed once they are complete,
 * except for tabs: civetweb rejects the head at the first one it sees.
 */
#include "front/head.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define FILL '\r'        /* civetweb skips it before a request */
#define VERSION_BYTES 11 /* " HTTP/1.1\r\n" */
#define CODING "Transfer-Encoding:"

/* The request line. ----------------------------------------------------- */

/* "method target version", with one space between. */
struct line {
    char *method, *target, *version;
};

/* Splits the line from the method to the LF. */
static bool split(struct line *line, size_t bytes)
{
    char *space = memchr(line->method, ' ', bytes);

    if (space == NULL || space == line->method || bytes <= VERSION_BYTES)
        return false;
    line->target = space + 1;
    line->version = line->method + bytes - VERSION_BYTES;
    if (line->version <= line->target ||
        memcmp(line->version, " HTTP/", 6) != 0 ||
        line->version[VERSION_BYTES - 2] != '\r')
        return false;
    for (char *p = line->method; p < line->version + VERSION_BYTES - 2; p++) {
        if (!isgraph((unsigned char)*p) && p != space && p != line->version)
            return false;
    }
    return true;
}

/* RFC 3986, 3.2, without user name and password. */
static bool is_authority(const char *text, const char *end)
{
    if (text == end)
        return false;
    for (; text < end; text++) {
        if (!isalnum((unsigned char)*text) &&
            strchr("-._~:[]%!$&'()*+,;=", *text) == NULL)
            return false;
    }
    return true;
}

/* Where scheme and host of a target end, or NULL if it does not begin with
 * them. */
static char *origin_end(const struct line *line)
{
    char *host = line->target, *end;

    if (strncasecmp(host, "http://", 7) == 0)
        host += 7;
    else if (strncasecmp(host, "https://", 8) == 0)
        host += 8;
    else
        return NULL;
    end = host + strcspn(host, "/? ");
    return is_authority(host, end) ? end : NULL;
}

/* RFC 9112, 3.2.2: whatever the host is, the request is for us. */
static void drop_origin(struct head *h, struct line *line, char *path)
{
    size_t room;

    /* For the server as a whole: RFC 9112, 3.2.4. */
    h->asterisk = path == line->version &&
                  strncmp(line->method, "OPTIONS ", strlen("OPTIONS ")) == 0;
    if (*path != '/')
        *--path = '/';
    room = (size_t)(path - line->target);
    memmove(line->method + room, line->method,
            (size_t)(line->target - line->method));
    memset(line->method, FILL, room);
    h->start += room;
}

/* If civetweb takes a target for another server's, it closes without an answer.
 */
static void take_target(struct head *h, struct line *line)
{
    char *path = origin_end(line);

    h->asterisk = *line->target == '*' && line->target + 1 == line->version;
    h->strange = path == NULL && !h->asterisk;
    if (path != NULL)
        drop_origin(h, line, path);
    else
        *line->target = h->asterisk ? '/' : '!';
}

/* Makes civetweb reject the method, whatever it would make of the rest. */
static void break_method(const struct head *h, char *text)
{
    char *space = memchr(text + h->start, ' ', h->fields - h->start);

    if (space != NULL)
        *space = '!';
}

static void take_request_line(struct head *h, char *text, size_t end)
{
    struct line line = {text + h->start, NULL, NULL};

    h->fields = end;
    h->plain = split(&line, end - h->start);
    h->bare_lf = end - h->start < 2 || text[end - 2] != '\r';
    if (!h->plain)
        break_method(h, text);
    else if (*line.target != '/')
        take_target(h, &line);
}

/* Fields. --------------------------------------------------------------- */

static void blank_tabs(char *from, char *to)
{
    while (from < to && (from = memchr(from, '\t', (size_t)(to - from))))
        *from = ' ';
}

static bool is_around(char c, bool is_list)
{
    return c == ' ' || (is_list && c == ',');
}

/* Normalizes a field line, up to its CR. */
static void take_field(char *line, char *end)
{
    bool is_coding = (*line | 0x20) == 't' &&
                     (size_t)(end - line) >= strlen(CODING) &&
                     strncasecmp(line, CODING, strlen(CODING)) == 0;
    char *value, *value_end = end;
    size_t room;

    if (!is_coding && end[-1] != ' ')
        return; /* as with nearly all lines */
    value = memchr(line, ':', (size_t)(end - line));
    if (value == NULL)
        return;
    value++;
    while (value_end > value && is_around(value_end[-1], is_coding))
        value_end--;
    room = (size_t)(end - value_end);
    memmove(value + room, value, (size_t)(value_end - value));
    memset(value, ' ', room);
    while (is_coding && value < end && is_around(*value, true))
        *value++ = ' ';
}

/* A field line, or the empty line. */
static void take_field_line(struct head *h, char *text, size_t end)
{
    char *line = text + h->line, *lf = text + end - 1;
    bool has_cr = lf > line && lf[-1] == '\r';

    if (!has_cr && !h->bare_lf) {
        h->bare_lf = true;
        break_method(h, text);
    }
    if (lf - has_cr == line)
        h->end = end;
    else if (has_cr)
        take_field(line, lf - 1);
}

/* RFC 9112, 2.2. A lone CR is not a line, and must not look like one. */
static void skip_empty_lines(struct head *h, char *text, size_t count)
{
    while (h->start < count) {
        size_t end = h->start + (text[h->start] == '\r');

        if (end == count)
            break;
        if (text[end] != '\n') {
            if (end > h->start)
                text[h->start] = ' ';
            break;
        }
        memset(text + h->start, FILL, end + 1 - h->start);
        h->start = end + 1;
    }
    h->line = h->start;
}

void head_take(struct head *head, char *text, size_t before, size_t count)
{
    bool has_tabs = memchr(text + before, '\t', count - before) != NULL;
    struct head *h = head;

    if (h->fields == 0)
        skip_empty_lines(h, text, count);
    while (h->end == 0) {
        char *lf = memchr(text + h->line, '\n', count - h->line);
        size_t end;

        if (has_tabs && h->fields > 0)
            blank_tabs(text + (before > h->line ? before : h->line),
                       lf != NULL ? lf : text + count);
        if (lf == NULL)
            return;
        end = (size_t)(lf - text) + 1;
        if (h->fields == 0)
            take_request_line(h, text, end);
        else
            take_field_line(h, text, end);
        h->line = end;
    }
}
