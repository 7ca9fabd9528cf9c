/* frames.c - see frames.h. */
#include "api/frames.h"

#include <stdarg.h>
#include <stdio.h>

void frames_send(hub_t *hub, hub_id id, const char *format, ...)
{
    char text[FRAME_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)hub_send(hub, HUB_TO_CONNECTION(id), HUB_TEXT_OF(text), NULL);
}

void frames_error(hub_t *hub, hub_id id, const char *code, const char *about,
                  const char *message)
{
    frames_send(hub, id,
                "{\"hub\":\"error\",\"code\":\"%s\"%s%s%s,\"message\":\"%s\"}",
                code, about != NULL ? ",\"for\":\"" : "",
                about != NULL ? about : "", about != NULL ? "\"" : "", message);
}
