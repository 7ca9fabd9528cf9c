/* mhd_upgrade.h - the opening handshake of a WebSocket (RFC 6455, 4.2) in a
 * libmicrohttpd program. */
#ifndef MHD_UPGRADE_H
#define MHD_UPGRADE_H

#include <microhttpd.h>

/* Answers a request with 101, after which `upgraded` gets the socket, or with
 * an error. */
enum MHD_Result mhd_upgrade(struct MHD_Connection *connection,
                            const char *version, MHD_UpgradeHandler upgraded,
                            void *data);

/* Our own descriptor for a socket that MHD has upgraded, and is then done with.
 * -1 without a free descriptor, or if the client sent bytes before the
 * handshake was complete, which it must not, and which MHD has already read. */
int mhd_take_socket(MHD_socket socket, struct MHD_UpgradeResponseHandle *handle,
                    size_t bytes_behind);

/* A plain response. */
enum MHD_Result mhd_answer(struct MHD_Connection *connection, unsigned status,
                           const char *text);

#endif
