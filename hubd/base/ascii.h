/* ascii.h - character classes of bytes, independent of the locale. */
#ifndef HUBD_ASCII_H
#define HUBD_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static inline bool ascii_is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* The white space within a header line (RFC 9110, 5.6.3). */
static inline bool ascii_is_blank(int c)
{
    return c == ' ' || c == '\t';
}

/* What tokens are made of (RFC 9110, 5.6.2). */
static inline bool ascii_is_tchar(int c)
{
    return ascii_is_digit(c) || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* Whether the text is a token (RFC 9110, 5.6.2). */
static inline bool ascii_is_token(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (!ascii_is_tchar(text[i]))
            return false;
    }
    return bytes > 0;
}

/* The value of a hexadecimal digit, or -1. */
static inline int ascii_hex_value(int c)
{
    if (ascii_is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

#endif
