/* mhd_upgrade.c - libmicrohttpd leaves the WebSocket's own headers to the
 * program, and the program leaves them to libhub.
 */
#include "mhd_upgrade.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <hub/hub.h>

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

static enum MHD_Result take_header(void *handshake, enum MHD_ValueKind kind,
                                   const char *name, const char *value)
{
    (void)kind;
    (void)hub_handshake_header(handshake, name, value == NULL ? "" : value);
    return MHD_YES;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, int error,
                              const char *problem)
{
    return mhd_answer(connection,
                      error == HUB_ENOTSUP ? MHD_HTTP_UPGRADE_REQUIRED
                                           : MHD_HTTP_BAD_REQUEST,
                      problem);
}

enum MHD_Result mhd_upgrade(struct MHD_Connection *connection,
                            const char *version, MHD_UpgradeHandler upgraded,
                            void *data)
{
    struct hub_handshake handshake = HUB_HANDSHAKE_INIT;
    char accept[HUB_ACCEPT_BYTES + 1];
    struct MHD_Response *response;
    enum MHD_Result result;
    const char *problem;
    int err;

    handshake.method = MHD_HTTP_METHOD_GET; /* checked by the caller */
    handshake.http_version = version;
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, take_header,
                                    &handshake);
    err = hub_handshake_check(&handshake, accept, &problem);
    if (err != 0)
        return refuse(connection, err, problem);
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
    /* Closes only MHD's descriptor: the duplicate keeps the connection open.
     * With TLS this does not work, because MHD stays in between; then keep its
     * handle until `closed` is called. */
    MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
    return fd;
}
