/* mhd_upgrade.c - libmicrohttpd leaves the WebSocket's own headers to the
 * program: they are looked at here, and OpenSSL does the arithmetic.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strcasestr() */
#endif
#include "mhd_upgrade.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <openssl/evp.h>

#define KEY_CHARS 24 /* sixteen bytes in base64 */
#define ACCEPT_CHARS 28
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

enum MHD_Result mhd_answer(struct MHD_Connection *connection, unsigned status,
                           const char *text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result;

    if (response == NULL)
        return MHD_NO;
    if (status == MHD_HTTP_UPGRADE_REQUIRED)
        (void)MHD_add_response_header(response, "Sec-WebSocket-Version", "13");
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static const char *header_of(struct MHD_Connection *connection,
                             const char *name)
{
    const char *value =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);

    return value == NULL ? "" : value;
}

/* RFC 6455, 4.2.2, 5.4. Returns 0, or -1 for a key that is none. */
static int accept_of(const char *key, char accept[ACCEPT_CHARS + 1])
{
    unsigned char bytes[KEY_CHARS], digest[EVP_MAX_MD_SIZE];
    char text[KEY_CHARS + sizeof GUID];
    unsigned digest_bytes;

    if (strlen(key) != KEY_CHARS || strcmp(key + KEY_CHARS - 2, "==") != 0 ||
        EVP_DecodeBlock(bytes, (const unsigned char *)key, KEY_CHARS) < 0)
        return -1;
    (void)snprintf(text, sizeof text, "%s%s", key, GUID);
    if (EVP_Digest(text, strlen(text), digest, &digest_bytes, EVP_sha1(),
                   NULL) != 1)
        return -1;
    EVP_EncodeBlock((unsigned char *)accept, digest, (int)digest_bytes);
    return 0;
}

enum MHD_Result mhd_upgrade(struct MHD_Connection *connection,
                            const char *version, MHD_UpgradeHandler upgraded,
                            void *data)
{
    char accept[ACCEPT_CHARS + 1];
    struct MHD_Response *response;
    enum MHD_Result result;

    if (strcmp(version, MHD_HTTP_VERSION_1_1) != 0 ||
        strcasecmp(header_of(connection, "Upgrade"), "websocket") != 0 ||
        strcasestr(header_of(connection, "Connection"), "upgrade") == NULL ||
        accept_of(header_of(connection, "Sec-WebSocket-Key"), accept) != 0)
        return mhd_answer(connection, MHD_HTTP_BAD_REQUEST, "a WebSocket\n");
    if (strcmp(header_of(connection, "Sec-WebSocket-Version"), "13") != 0)
        return mhd_answer(connection, MHD_HTTP_UPGRADE_REQUIRED, "13\n");
    response = MHD_create_response_for_upgrade(upgraded, data);
    if (response == NULL)
        return MHD_NO;
    (void)MHD_add_response_header(response, "Upgrade", "websocket");
    (void)MHD_add_response_header(response, "Sec-WebSocket-Accept", accept);
    result =
        MHD_queue_response(connection, MHD_HTTP_SWITCHING_PROTOCOLS, response);
    MHD_destroy_response(response);
    return result;
}

int mhd_take_socket(MHD_socket socket, struct MHD_UpgradeResponseHandle *handle,
                    size_t bytes_behind)
{
    int fd = -1;

    if (bytes_behind == 0)
        fd = fcntl(socket, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    /* Closes MHD's number only: the duplicate keeps the connection open. With
     * TLS there is no such shortcut, for then MHD stays in between; its handle
     * would be kept until `closed` is called. */
    MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
    return fd;
}
