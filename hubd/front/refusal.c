/* refusal.c - see refusal.h. Pure; any thread. */
#include "front/refusal.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

const struct refusal_row refusal_rows[] = {
#define ROW(name, status, code, headers, text) {status, code, headers, text},
    REFUSAL_MAP(ROW)
#undef ROW
};

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    {200, "OK"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

const char *refusal_phrase(int status)
{
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
        if (phrases[i].status == status)
            return phrases[i].phrase;
    }
    return "";
}

static void fill(struct refusal *why, enum refusal_kind kind)
{
    const struct refusal_row *row = &refusal_rows[kind];

    why->kind = kind;
    why->status = row->status;
    why->code = row->code;
    why->headers = row->headers;
    why->fault = NULL;
}

int refuse(struct refusal *why, enum refusal_kind kind, const char *format, ...)
{
    va_list args;

    fill(why, kind);
    va_start(args, format);
    (void)vsnprintf(why->message, sizeof(why->message), format, args);
    va_end(args);
    return -1;
}

int refuse_as(struct refusal *why, enum refusal_kind kind)
{
    return refuse(why, kind, "%s", refusal_rows[kind].text);
}
