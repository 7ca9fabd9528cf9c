/* ws.c - checks an opening handshake, in the order in which refusals help most:
 * is it a handshake, may this page connect, who is it.
 */
#include "api/ws.h"

#include <string.h>
#include <strings.h>

#include "access/credential.h"
#include "base/ascii.h"
#include "base/id.h"
#include "base/slice.h"

#define NAME_MAX_BYTES 16

static int check_headers(char *accept, const struct request *r,
                         struct refusal *why)
{
    struct hub_handshake handshake = HUB_HANDSHAKE_INIT;
    const char *name, *value, *problem;
    int err;

    handshake.method = "GET"; /* routes.c accepts no other method */
    handshake.http_version = r->http11 ? "1.1" : "1.0";
    for (unsigned at = 0; request_next(r, &at, &name, &value);)
        (void)hub_handshake_header(&handshake, name, value);
    err = hub_handshake_check(&handshake, accept, &problem);
    if (err == HUB_ENOTSUP)
        return refuse_as(why, REFUSAL_UNSUPPORTED_VERSION);
    if (err != 0)
        return refuse(why, REFUSAL_INVALID_HANDSHAKE, "%s", problem);
    if (r->has_body)
        return refuse(why, REFUSAL_INVALID_HANDSHAKE,
                      "a WebSocket handshake has no body");
    return 0;
}

static int check_origin(const struct request *r,
                        const struct origin_list *origins, struct refusal *why)
{
    unsigned count;
    struct slice text = request_header(r->info, "Origin", &count);
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

/* Decodes percent-encoding as in forms, with '+' for a space. Stops after
 * `size` bytes. Returns the number of bytes, or -1. */
static long decode(const char *text, size_t bytes, char *out, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < bytes && used < size; i++) {
        char c = text[i];

        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            if (i + 2 >= bytes || ascii_hex_value(text[i + 1]) < 0 ||
                ascii_hex_value(text[i + 2]) < 0)
                return -1;
            c = (char)(ascii_hex_value(text[i + 1]) * 16 +
                       ascii_hex_value(text[i + 2]));
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
        problem = id_problem(id, (size_t)used);
    if (problem != NULL)
        return refuse(why, REFUSAL_INVALID_ID, "%s %s", name, problem);
    id[used] = '\0';
    return 0;
}

/* Reads one name=value of the query. */
static int read_parameter(struct ws_upgrade *upgrade, const char *text,
                          size_t bytes, struct refusal *why)
{
    const char *equals = memchr(text, '=', bytes);
    size_t name_bytes = equals != NULL ? (size_t)(equals - text) : bytes;
    const char *value = equals != NULL ? equals + 1 : text + bytes;
    size_t value_bytes = bytes - (size_t)(value - text);
    char name[NAME_MAX_BYTES];
    long used = decode(text, name_bytes, name, sizeof(name));

    if (used == 6 && memcmp(name, "userId", 6) == 0)
        return read_id(upgrade->user_id, "userId", value, value_bytes, why);
    if (used == 9 && memcmp(name, "sessionId", 9) == 0)
        return read_id(upgrade->session_id, "sessionId", value, value_bytes,
                       why);
    return 0; /* not one of ours */
}

int ws_read_ids(struct ws_upgrade *upgrade, const char *query,
                struct refusal *why)
{
    upgrade->user_id[0] = upgrade->session_id[0] = '\0';
    while (query != NULL && *query != '\0') {
        size_t bytes = strcspn(query, "&");

        if (read_parameter(upgrade, query, bytes, why) < 0)
            return -1;
        query += bytes;
        if (*query == '&')
            query++;
    }
    return 0;
}

/* The entry of our list that equals `wanted`, byte by byte; or empty. */
static struct slice find_subprotocol(const char *list, struct slice wanted)
{
    struct slice ours;

    while (slice_next(&list, &ours)) {
        if (ours.bytes == wanted.bytes &&
            memcmp(ours.start, wanted.start, ours.bytes) == 0)
            return ours;
    }
    return (struct slice){NULL, 0};
}

/* The first subprotocol that the client offers and we may accept: RFC 6455,
 * 4.2.2. */
static struct slice choose_subprotocol(const struct request *request,
                                       const char *list)
{
    struct slice chosen = {NULL, 0};
    const char *name, *value;
    struct slice offered;

    for (unsigned at = 0;
         chosen.bytes == 0 && request_next(request, &at, &name, &value);) {
        if (strcasecmp(name, "Sec-WebSocket-Protocol") != 0)
            continue;
        while (chosen.bytes == 0 && slice_next(&value, &offered))
            chosen = find_subprotocol(list, offered);
    }
    return chosen;
}

int ws_check_handshake(struct ws_upgrade *upgrade,
                       const struct request *request, const char *subprotocols,
                       struct refusal *why)
{
    upgrade->speaks_v1 = credential_offers_v1(request);
    upgrade->subprotocol = upgrade->speaks_v1
                               ? slice_of(HUB_V1)
                               : choose_subprotocol(request, subprotocols);
    return check_headers(upgrade->accept, request, why);
}

int ws_check_client(struct ws_upgrade *upgrade, const struct request *request,
                    const struct origin_list *origins, struct refusal *why)
{
    if (check_origin(request, origins, why) < 0)
        return -1;
    return ws_read_ids(upgrade, request->query, why);
}
