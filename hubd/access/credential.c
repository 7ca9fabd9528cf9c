/* credential.c - see credential.h. */
#include "access/credential.h"

#include <string.h>
#include <strings.h>

#define OFFERED_TOKEN "hub.token."
#define OFFERED_TICKET "hub.ticket."

static bool equals(struct slice text, const char *wanted)
{
    return strlen(wanted) == text.bytes &&
           memcmp(text.start, wanted, text.bytes) == 0;
}

/* Skips the prefix, if there is one. */
static bool skip(struct slice *text, const char *prefix)
{
    size_t bytes = strlen(prefix);

    if (text->bytes < bytes || memcmp(text->start, prefix, bytes) != 0)
        return false;
    text->start += bytes;
    text->bytes -= bytes;
    return true;
}

static int refuse_credential(struct refusal *why)
{
    return refuse(why, REFUSAL_UNAUTHORIZED, "%s", CREDENTIAL_REQUIRED);
}

/* Accepts the same credential twice, but no two different ones. */
static int note(struct credential *out, enum credential_kind kind,
                struct slice text, struct refusal *why)
{
    bool first = out->kind == CREDENTIAL_NONE;

    if (text.bytes == 0 ||
        (!first && (out->kind != kind || out->text.bytes != text.bytes ||
                    memcmp(out->text.start, text.start, text.bytes) != 0)))
        return refuse_credential(why);
    *out = (struct credential){kind, text};
    return 0;
}

/* Subprotocols. -------------------------------------------------------- */

static bool next_protocol(const struct request *r, struct request_list *list,
                          struct slice *protocol)
{
    if (list->info == NULL)
        *list = (struct request_list){.info = r->info,
                                      .name = "Sec-WebSocket-Protocol"};
    return request_list_next(list, protocol);
}

bool credential_offers_v1(const struct request *r)
{
    struct request_list list = {0};
    struct slice protocol;

    while (next_protocol(r, &list, &protocol)) {
        if (equals(protocol, HUB_V1))
            return true;
    }
    return false;
}

static int read_protocols(struct credential *out, const struct request *r,
                          bool tokens, bool tickets, struct refusal *why)
{
    struct request_list list = {0};
    struct slice text;

    while (next_protocol(r, &list, &text)) {
        enum credential_kind kind = CREDENTIAL_NONE;

        if (tokens && skip(&text, OFFERED_TOKEN))
            kind = CREDENTIAL_TOKEN;
        else if (tickets && skip(&text, OFFERED_TICKET))
            kind = CREDENTIAL_TICKET;
        else
            continue;
        if (!credential_offers_v1(r))
            return refuse(why, REFUSAL_INVALID_HANDSHAKE,
                          "a token or ticket among the subprotocols also "
                          "requires hub.v1");
        if (note(out, kind, text, why) < 0)
            return -1;
    }
    return 0;
}

/* Other headers. ------------------------------------------------------- */

static int read_authorization(struct credential *out, const struct request *r,
                              struct refusal *why)
{
    static const char scheme[] = "Bearer ";
    const size_t bytes = sizeof(scheme) - 1;
    struct slice value;

    for (unsigned at = 0;
         request_next_header(r, "Authorization", &at, &value);) {
        if (value.bytes < bytes || strncasecmp(value.start, scheme, bytes) != 0)
            return refuse_credential(why);
        value.start += bytes;
        value.bytes -= bytes;
        if (note(out, CREDENTIAL_TOKEN, slice_trim(value), why) < 0)
            return -1;
    }
    return 0;
}

/* Takes the piece before the next separator. Returns false at the end. */
static bool next_piece(struct slice *rest, char separator, struct slice *piece)
{
    const char *end;

    if (rest->start == NULL)
        return false;
    end = memchr(rest->start, separator, rest->bytes);
    *piece = *rest;
    if (end == NULL) {
        rest->start = NULL;
        return true;
    }
    piece->bytes = (size_t)(end - rest->start);
    rest->bytes -= piece->bytes + 1;
    rest->start = end + 1;
    return true;
}

/* Whether the piece is name=…; reduces it to what follows. */
static bool is_named(struct slice *piece, const char *name)
{
    struct slice text = *piece;

    if (!skip(&text, name) || !skip(&text, "="))
        return false;
    *piece = text;
    return true;
}

/* RFC 6265, 4.2.1. */
static int read_cookies(struct credential *out, const struct request *r,
                        const char *name, struct refusal *why)
{
    struct slice line, cookie;

    for (unsigned at = 0; request_next_header(r, "Cookie", &at, &line);) {
        while (next_piece(&line, ';', &cookie)) {
            cookie = slice_trim(cookie);
            if (is_named(&cookie, name) &&
                note(out, CREDENTIAL_TOKEN, cookie, why) < 0)
                return -1;
        }
    }
    return 0;
}

/* Tokens and tickets have no characters that a query must encode, so they are
 * there verbatim. */
static int read_query(struct credential *out, const char *query,
                      const char *name, enum credential_kind kind,
                      struct refusal *why)
{
    struct slice rest = {query, query != NULL ? strlen(query) : 0}, pair;

    while (next_piece(&rest, '&', &pair)) {
        if (is_named(&pair, name) && note(out, kind, pair, why) < 0)
            return -1;
    }
    return 0;
}

static int read_place(struct credential *out, const struct request *r,
                      const struct token_place *place, struct refusal *why)
{
    switch (place->kind) {
    case TOKEN_IN_AUTHORIZATION:
        return read_authorization(out, r, why);
    case TOKEN_IN_COOKIE:
        return read_cookies(out, r, place->name, why);
    case TOKEN_IN_QUERY:
        return read_query(out, r->query, place->name, CREDENTIAL_TOKEN, why);
    case TOKEN_IN_PROTOCOL:
    default:
        return 0; /* see read_protocols() */
    }
}

int credential_read(struct credential *out, const struct request *r,
                    unsigned methods, const struct token_places *places,
                    struct refusal *why)
{
    bool jwt = (methods & CLIENT_AUTH_JWT) != 0;
    bool tickets = (methods & CLIENT_AUTH_TICKET) != 0;
    bool tokens = jwt && token_places_have(places, TOKEN_IN_PROTOCOL);

    *out = (struct credential){0};
    if (methods == 0)
        return 0;
    if (read_protocols(out, r, tokens, tickets, why) < 0)
        return -1;
    for (size_t i = 0; jwt && i < places->count; i++) {
        if (read_place(out, r, &places->places[i], why) < 0)
            return -1;
    }
    return tickets ? read_query(out, r->query, "ticket", CREDENTIAL_TICKET, why)
                   : 0;
}

void credential_forget(const struct request *r)
{
    request_wipe(r->info, "Sec-WebSocket-Protocol");
    request_wipe(r->info, "Cookie");
}
