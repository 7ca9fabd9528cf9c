/* log.c - see log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_BYTES 256

void hub__log(const struct hub_options *options, enum hub_log_level level,
              const char *format, ...)
{
    char text[LINE_BYTES];
    va_list args;

    if (options->log == NULL)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    options->log(options->data, level, text);
}
