/* client.h - one WebSocket client: its socket and its state. What it receives
 * is read elsewhere, by frame.h.
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
    CLIENT_NONE,       /* not started yet */
    CLIENT_CONNECTING, /* TCP */
    CLIENT_SHAKING,    /* the request is sent */
    CLIENT_OPEN,
    CLIENT_STALLED, /* open, but no longer read */
    CLIENT_CLOSING, /* Close is sent */
    CLIENT_GONE,
};

/* Needed only until the handshake is complete. */
struct client_opening {
    int64_t since_ns; /* connect() */
    char key[HANDSHAKE_KEY_BYTES];
    size_t used; /* of answer */
    char answer[CLIENT_ANSWER_MAX];
};

struct client {
    int fd; /* -1: none */
    uint8_t phase;
    struct client_opening *opening; /* NULL before and after the handshake */
};

/* Starts to connect. `receive_buffer` is SO_RCVBUF, 0 for the kernel's choice.
 * Returns 0 or an errno. */
int client_connect(struct client *c, const struct sockaddr *address,
                   socklen_t address_bytes, int receive_buffer);

/* Continues when the socket is writable: sends the handshake. Returns 0 or an
 * errno. */
int client_request(struct client *c, const char *authority, const char *target);

/* Takes bytes of the answer. Returns how many belong to it once it is complete
 * and valid, 0 if more are needed, or -1 and the reason in `why`. */
long client_answer(struct client *c, const uint8_t *data, size_t bytes,
                   char *why, size_t why_size);

/* The answer was valid: releases what only the handshake needs. */
void client_opened(struct client *c);

/* Sends a masked control frame, if the socket takes it without waiting. */
void client_control(const struct client *c, unsigned opcode,
                    const uint8_t *payload, size_t bytes);

/* Whether the server still keeps its side open, as far as TCP knows. */
bool client_is_held(const struct client *c);

/* Closes the socket and releases everything. */
void client_drop(struct client *c);

#endif
