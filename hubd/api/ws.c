/* ws.c - the checks of an opening handshake, in the order in which their
 * refusals help most: is it a handshake, may this page connect, who is it.
 */
#include "api/ws.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "api/publish.h"

#define KEY_BYTES 24 /* base64 of 16 bytes */
#define NAME_MAX_BYTES 16

static int no_handshake(struct refusal *why, const char *what)
{
    return refuse(why, REFUSAL_INVALID_HANDSHAKE, "%s", what);
}

static bool is_key(struct request_text key)
{
    if (key.bytes != KEY_BYTES || memcmp(key.start + 22, "==", 2) != 0)
        return false;
    for (size_t i = 0; i < 22; i++) {
        char c = key.start[i];

        if (!isalnum((unsigned char)c) && c != '+' && c != '/')
            return false;
    }
    return true;
}

/* civetweb reads the first header of each name, untrimmed at the end: what it
 * would see otherwise than we do must not pass. */
static bool is_trimmed(struct request_text text)
{
    return text.start != NULL && text.start[text.bytes] == '\0';
}

static int check_headers(const struct request *r, struct refusal *why)
{
    const struct mg_request_info *info = r->info;
    struct request_text version, key;
    unsigned versions, keys;

    if (!r->http11)
        return no_handshake(why, "a WebSocket handshake needs HTTP/1.1");
    if (!request_list_has(request_header(info, "Connection", NULL), "upgrade"))
        return no_handshake(why, "the Connection header must hold 'Upgrade'");
    if (!request_list_has(request_header(info, "Upgrade", NULL), "websocket"))
        return no_handshake(why, "the Upgrade header must hold 'websocket'");
    version = request_header(info, "Sec-WebSocket-Version", &versions);
    if (versions != 1 || !request_text_is(version, "13") ||
        !is_trimmed(version))
        return refuse_as(why, REFUSAL_UNSUPPORTED_VERSION);
    key = request_header(info, "Sec-WebSocket-Key", &keys);
    if (keys != 1 || !is_key(key) || !is_trimmed(key))
        return no_handshake(why, "Sec-WebSocket-Key must be given once, as the "
                                 "base64 of 16 bytes");
    if (r->has_body)
        return no_handshake(why, "a WebSocket handshake has no body");
    return 0;
}

static int check_origin(const struct request *r,
                        const struct origin_list *origins, struct refusal *why)
{
    unsigned count;
    struct request_text text = request_header(r->info, "Origin", &count);
    char origin[512];

    if (count == 0 && origin_list_allows(origins, NULL))
        return 0;
    if (count == 1 && text.bytes < sizeof(origin)) {
        memcpy(origin, text.start, text.bytes);
        origin[text.bytes] = '\0';
        if (origin_list_allows(origins, origin))
            return 0;
    }
    return refuse_as(why, REFUSAL_ORIGIN_NOT_ALLOWED);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Undoes percent-encoding as forms write it, with '+' for a space. Stops when
 * `size` bytes are full. Returns the number of bytes, or -1. */
static long decode(const char *text, size_t bytes, char *out, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < bytes && used < size; i++) {
        char c = text[i];

        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            if (i + 2 >= bytes || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0)
                return -1;
            c = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
        }
        out[used++] = c;
    }
    return (long)used;
}

static int read_id(char id[HUB_ID_BYTES_MAX + 1], const char *name,
                   const char *text, size_t bytes, struct refusal *why)
{
    const char *problem = "is not percent-encoded correctly";
    long used;

    if (id[0] != '\0')
        return refuse(why, REFUSAL_INVALID_ID, "%s is given twice", name);
    used = decode(text, bytes, id, HUB_ID_BYTES_MAX + 1);
    if (used >= 0)
        problem = publish_id_problem(id, (size_t)used);
    if (problem != NULL)
        return refuse(why, REFUSAL_INVALID_ID, "%s %s", name, problem);
    id[used] = '\0';
    return 0;
}

/* One name=value of the query. */
static int read_parameter(struct ws_ids *ids, const char *text, size_t bytes,
                          struct refusal *why)
{
    const char *equals = memchr(text, '=', bytes);
    size_t name_bytes = equals != NULL ? (size_t)(equals - text) : bytes;
    const char *value = equals != NULL ? equals + 1 : text + bytes;
    size_t value_bytes = bytes - (size_t)(value - text);
    char name[NAME_MAX_BYTES];
    long used = decode(text, name_bytes, name, sizeof(name));

    if (used == 6 && memcmp(name, "userId", 6) == 0)
        return read_id(ids->user_id, "userId", value, value_bytes, why);
    if (used == 9 && memcmp(name, "sessionId", 9) == 0)
        return read_id(ids->session_id, "sessionId", value, value_bytes, why);
    return 0; /* somebody else's parameter */
}

int ws_read_ids(struct ws_ids *ids, const char *query, struct refusal *why)
{
    ids->user_id[0] = ids->session_id[0] = '\0';
    while (query != NULL && *query != '\0') {
        size_t bytes = strcspn(query, "&");

        if (read_parameter(ids, query, bytes, why) < 0)
            return -1;
        query += bytes;
        if (*query == '&')
            query++;
    }
    if (ids->user_id[0] == '\0')
        return refuse(why, REFUSAL_INVALID_ID, "userId is missing");
    return 0;
}

int ws_check(struct ws_ids *ids, const struct request *request,
             const struct origin_list *origins, struct refusal *why)
{
    if (check_headers(request, why) < 0 ||
        check_origin(request, origins, why) < 0)
        return -1;
    return ws_read_ids(ids, request->query, why);
}
