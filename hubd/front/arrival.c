/* arrival.c - see arrival.h. */
#include "front/arrival.h"

void arrival_begin(struct arrival *arrival)
{
    *arrival = (struct arrival){.is_head = true};
}

void arrival_take(struct arrival *arrival, char *at, size_t bytes)
{
    struct arrival *a = arrival;
    size_t before = a->bytes;

    if (a->is_chunked)
        (void)chunks_skip(&a->body, at, bytes);
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

void arrival_follow(struct arrival *arrival)
{
    struct arrival *a = arrival;
    size_t end = a->head.end;

    a->is_chunked = true;
    a->body = (struct chunks){0};
    a->body_bytes = chunks_skip(&a->body, a->buffer + end, a->bytes - end);
}

bool arrival_is_broken(const struct arrival *arrival)
{
    return arrival->is_chunked && chunks_broken(&arrival->body);
}

bool arrival_has_trailers(const struct arrival *arrival)
{
    return arrival->is_chunked && (!chunks_done(&arrival->body) ||
                                   chunks_have_trailers(&arrival->body));
}

void arrival_next(struct arrival *arrival, int64_t length)
{
    struct arrival *a = arrival;
    size_t end = a->head.end, body = a->bytes - end;

    if (a->buffer == NULL)
        return;
    if (a->is_chunked)
        body = a->body_bytes;
    else if ((uint64_t)length < body)
        body = (size_t)length;
    a->bytes -= end + body;
    a->head = (struct head){0};
    a->is_head = true;
    a->is_chunked = false;
    /* civetweb is about to move these bytes to the front. */
    if (a->bytes > 0)
        head_take(&a->head, a->buffer + end + body, 0, a->bytes);
}
