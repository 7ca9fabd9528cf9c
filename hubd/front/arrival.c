/* arrival.c - see arrival.h. */
#include "front/arrival.h"

#include <string.h>

void arrival_begin(struct arrival *arrival)
{
    *arrival = (struct arrival){.is_head = true};
}

void arrival_take(struct arrival *arrival, char *at, size_t bytes)
{
    struct arrival *a = arrival;
    size_t before = a->bytes;

    a->last[0] = a->last[1];
    if (bytes > 1)
        a->last[0] = at[bytes - 2];
    a->last[1] = at[bytes - 1];
    if (a->is_head && a->buffer == NULL)
        a->buffer = at;
    a->is_head = a->is_head && at == a->buffer + before;
    if (!a->is_head)
        return;
    a->bytes += bytes;
    head_take(&a->head, a->buffer, before, a->bytes);
}

void arrival_end(struct arrival *arrival)
{
    arrival->is_head = false;
}

void arrival_next(struct arrival *arrival, int64_t length)
{
    struct arrival *a = arrival;
    size_t end = a->head.end, body = a->bytes - end;

    if (a->buffer == NULL)
        return;
    if (length < 0)
        body = head_chunked_bytes(a->buffer + end, body);
    else if ((uint64_t)length < body)
        body = (size_t)length;
    a->bytes -= end + body;
    a->head = (struct head){0};
    a->is_head = true;
    /* civetweb is about to move these bytes to the front. */
    if (a->bytes > 0)
        head_take(&a->head, a->buffer + end + body, 0, a->bytes);
}

bool arrival_has_trailers(const struct arrival *arrival)
{
    const char *behind = arrival->buffer + arrival->head.end;
    size_t in_buffer = arrival->bytes - arrival->head.end;
    size_t body = head_chunked_bytes(behind, in_buffer);
    const char *last = body < in_buffer ? behind + body - 2 : arrival->last;

    return memcmp(last, "\r\n", 2) != 0;
}
