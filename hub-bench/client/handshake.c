/* handshake.c - see handshake.h. */
#include "client/handshake.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define SHA1_BYTES 20
#define SHOWN_BYTES 60 /* of a status line, in a reason */

void handshake_key(char key[HANDSHAKE_KEY_BYTES],
                   const uint8_t random[HANDSHAKE_RANDOM_BYTES])
{
    (void)EVP_EncodeBlock((unsigned char *)key, random, HANDSHAKE_RANDOM_BYTES);
}

int handshake_accept(char accept[HANDSHAKE_ACCEPT_BYTES], const char *key)
{
    char text[HANDSHAKE_KEY_BYTES + sizeof(GUID)];
    unsigned char hash[EVP_MAX_MD_SIZE];
    int bytes = snprintf(text, sizeof(text), "%s" GUID, key);

    if (EVP_Digest(text, (size_t)bytes, hash, NULL, EVP_sha1(), NULL) != 1)
        return -1;
    (void)EVP_EncodeBlock((unsigned char *)accept, hash, SHA1_BYTES);
    return 0;
}

size_t handshake_request(char *out, size_t size, const char *authority,
                         const char *target, const char *key)
{
    return (size_t)snprintf(out, size,
                            "GET %s%s HTTP/1.1\r\n"
                            "Host: %s\r\n"
                            "Upgrade: websocket\r\n"
                            "Connection: Upgrade\r\n"
                            "Sec-WebSocket-Key: %s\r\n"
                            "Sec-WebSocket-Version: 13\r\n\r\n",
                            *target == '/' ? "" : "/", target, authority, key);
}

/* The trimmed value of a header, in a head that ends with an empty line; NULL
 * if there is none. */
static const char *find_header(const char *head, const char *end,
                               const char *name, size_t *bytes)
{
    size_t name_bytes = strlen(name);
    const char *line = head;

    while ((line = memchr(line, '\n', (size_t)(end - line))) != NULL) {
        const char *stop;

        line++;
        if ((size_t)(end - line) <= name_bytes || line[name_bytes] != ':' ||
            strncasecmp(line, name, name_bytes) != 0)
            continue;
        line += name_bytes + 1;
        stop = memchr(line, '\r', (size_t)(end - line));
        if (stop == NULL)
            return NULL;
        while (line < stop && (*line == ' ' || *line == '\t'))
            line++;
        while (stop > line && (stop[-1] == ' ' || stop[-1] == '\t'))
            stop--;
        *bytes = (size_t)(stop - line);
        return line;
    }
    return NULL;
}

static bool is_accepted(const char *head, const char *end, const char *key)
{
    char accept[HANDSHAKE_ACCEPT_BYTES];
    size_t bytes;
    const char *value = find_header(head, end, "Sec-WebSocket-Accept", &bytes);

    return value != NULL && bytes == sizeof(accept) - 1 &&
           handshake_accept(accept, key) == 0 &&
           memcmp(value, accept, bytes) == 0;
}

/* The status line without its version, made printable. */
static void describe_status(const char *answer, size_t bytes, char *why,
                            size_t why_size)
{
    size_t used = 0;

    for (size_t i = 9; i < bytes && used + 1 < why_size; i++) {
        char c = answer[i];

        if (c == '\r' || used == SHOWN_BYTES)
            break;
        why[used++] = (char)(c >= ' ' && c <= '~' ? c : '?');
    }
    why[used] = '\0';
}

int handshake_check(const char *answer, size_t bytes, const char *key,
                    char *why, size_t why_size)
{
    const char *end = answer + bytes, *upgrade;
    size_t length;

    if (bytes < 13 || memcmp(answer, "HTTP/1.", 7) != 0) {
        (void)snprintf(why, why_size, "the answer is not HTTP/1.1");
        return -1;
    }
    if (memcmp(answer + 8, " 101", 4) != 0) {
        describe_status(answer, bytes, why, why_size);
        return -1;
    }
    upgrade = find_header(answer, end, "Upgrade", &length);
    if (upgrade == NULL || length != strlen("websocket") ||
        strncasecmp(upgrade, "websocket", length) != 0) {
        (void)snprintf(why, why_size, "the 101 does not upgrade to websocket");
        return -1;
    }
    if (!is_accepted(answer, end, key)) {
        (void)snprintf(why, why_size, "wrong Sec-WebSocket-Accept");
        return -1;
    }
    return 0;
}
