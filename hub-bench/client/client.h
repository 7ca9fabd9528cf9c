/* client.h - one WebSocket client: its socket, and how far it has got. What it
 * is sent others read, by frame.h.
 */
#ifndef HUB_BENCH_CLIENT_H
#define HUB_BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "client/handshake.h"

#define CLIENT_ANSWER_MAX 8192 /* bytes of an answer to a handshake */

enum client_phase {
    CLIENT_NONE,       /* not tried yet */
    CLIENT_CONNECTING, /* TCP */
    CLIENT_SHAKING,    /* the request is sent */
    CLIENT_OPEN,
    CLIENT_STALLED, /* open, but not read any more */
    CLIENT_CLOSING, /* Close is sent */
    CLIENT_GONE,
};

/* Only needed until the handshake is over. */
struct client_opening {
    int64_t since_ns; /* connect() */
    char key[HANDSHAKE_KEY_BYTES];
    size_t used; /* of answer */
    char answer[CLIENT_ANSWER_MAX];
};

struct client {
    int fd; /* -1: none */
    uint8_t phase;
    struct client_opening *opening; /* NULL before and after */
};

/* Begins to connect. `receive_buffer` is SO_RCVBUF, 0 for the kernel's choice.
 * Returns 0 or an errno. */
int client_connect(struct client *c, const struct sockaddr *address,
                   socklen_t address_bytes, int receive_buffer);

/* Goes on when the socket is writable: sends the handshake. Returns 0 or an
 * errno. */
int client_request(struct client *c, const char *authority, const char *target);

/* Takes bytes of the answer. Returns how many belong to it when it is complete
 * and good, 0 if there must be more, or -1 with the reason in `why`. */
long client_answer(struct client *c, const uint8_t *data, size_t bytes,
                   char *why, size_t why_size);

/* The answer was good: lets go of what only the handshake needs. */
void client_opened(struct client *c);

/* Sends a masked control frame, if the socket takes it at once. */
void client_control(const struct client *c, unsigned opcode,
                    const uint8_t *payload, size_t bytes);

/* Whether the server still holds its side open, as far as TCP knows. */
bool client_is_held(const struct client *c);

/* Closes the socket and lets go of everything. */
void client_drop(struct client *c);

#endif
