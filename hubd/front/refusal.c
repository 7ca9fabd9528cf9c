/* refusal.c - the fields of a refusal, filled in.
 *
 * Pure; any thread.
 */
#include "front/refusal.h"

#include <stdarg.h>
#include <stdio.h>

int refuse(struct refusal *why, int status, const char *code,
           const char *headers, const char *format, ...)
{
    va_list args;

    why->status = status;
    why->code = code;
    why->headers = headers;
    va_start(args, format);
    (void)vsnprintf(why->message, sizeof(why->message), format, args);
    va_end(args);
    return -1;
}

int refuse_draining(struct refusal *why)
{
    return refuse(why, 503, "draining", "Retry-After: 5\r\n",
                  "the server is shutting down");
}

int refuse_no_memory(struct refusal *why)
{
    return refuse(why, 503, "out_of_memory", "Retry-After: 5\r\n",
                  "the server is out of memory");
}

int refuse_overloaded(struct refusal *why)
{
    return refuse(why, 503, "overloaded", "Retry-After: 1\r\n",
                  "too many messages are waiting");
}

int refuse_late(struct refusal *why)
{
    return refuse(why, 408, "request_timeout", NULL,
                  "the request did not come in time");
}
