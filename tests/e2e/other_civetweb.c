/* other_civetweb.c - reads for civetweb in a way that hubd cannot see. Loaded
 * before the real one, it simulates a civetweb that does not call recv().
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <civetweb.h>

struct mg_connection {
    int fd;
};

struct mg_connection *mg_connect_client(const char *host, int port, int use_ssl,
                                        char *error, size_t error_bytes)
{
    struct sockaddr_in peer = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port)};
    struct mg_connection *conn = malloc(sizeof(*conn));

    (void)use_ssl;
    (void)error;
    (void)error_bytes;
    if (conn == NULL || inet_pton(AF_INET, host, &peer.sin_addr) != 1)
        abort();
    conn->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(conn->fd, (struct sockaddr *)&peer, sizeof(peer)) < 0)
        abort();
    return conn;
}

int mg_get_response(struct mg_connection *conn, char *error, size_t error_bytes,
                    int timeout)
{
    char answer[256];

    (void)error;
    (void)error_bytes;
    (void)timeout;
    return read(conn->fd, answer, sizeof(answer)) > 0 ? 0 : -1;
}

void mg_close_connection(struct mg_connection *conn)
{
    (void)close(conn->fd);
    free(conn);
}
