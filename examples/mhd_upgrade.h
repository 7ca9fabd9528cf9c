/* mhd_upgrade.h - the opening handshake of a WebSocket (RFC 6455, 4.2) in a
 * libmicrohttpd program. */
#ifndef MHD_UPGRADE_H
#define MHD_UPGRADE_H

#include <microhttpd.h>

/* Answers a request with 101, after which `upgraded` has the socket, or with
 * what is wrong with it. */
enum MHD_Result mhd_upgrade(struct MHD_Connection *connection,
                            const char *version, MHD_UpgradeHandler upgraded,
                            void *data);

/* A descriptor of our own for a socket that MHD has upgraded; MHD is done with
 * it then. -1 if there is none to be had, or if the client sent bytes before
 * the handshake was over, which it must not, and which MHD has read. */
int mhd_take_socket(MHD_socket socket, struct MHD_UpgradeResponseHandle *handle,
                    size_t bytes_behind);

/* A response without more to say. */
enum MHD_Result mhd_answer(struct MHD_Connection *connection, unsigned status,
                           const char *text);

#endif
