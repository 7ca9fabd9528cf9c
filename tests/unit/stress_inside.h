/* stress_inside.h - shared by the files of the stress test: the hubs with their
 * guests, and the workers.
 */
#ifndef STRESS_INSIDE_H
#define STRESS_INSIDE_H

#include <pthread.h>

#include "stress.h"
#include "testing.h"

#define STRESS_POOL 64    /* ids that all workers of a hub know */
#define STRESS_CLIENTS 24 /* of one worker */
#define STRESS_PATIENCE 200

struct stress_host {
    hub_t *hub;
    const struct stress_plan *plan;
    struct stress_host *next; /* hears of what is said here; NULL: nobody */
    pthread_t driver;         /* of a HUB_HOST_LOOP hub */

    /* Any thread. */
    atomic_bool stop;   /* the workers and the driver are to end */
    atomic_bool ending; /* HUB_ESHUTDOWN may come */
    atomic_bool shut;   /* a shutdown of ours was the one */
    atomic_int shut_result;
    atomic_uint_fast64_t opened, closed, heard, warned, rejected;
    atomic_uint_fast64_t spread;   /* broadcasts that were accepted */
    atomic_uint_fast64_t faithful; /* of them, heard by who never leaves */
    atomic_uint_fast64_t pool[STRESS_POOL];
};

/* In front of each message of a worker; a client's own look different. */
struct stress_note {
    uint32_t magic, worker, number;
    uint64_t only_for; /* an id, or 0 */
    uint64_t not_for;  /* likewise */
};

#define STRESS_MAGIC 0xC0FFEE01u

/* What some are told first, and nobody else says. */
#define STRESS_GREETING "be greeted"

/* What a recipient has heard of each worker: the last number. */
struct stress_ear {
    uint64_t id; /* of its connection */
    bool awaits_greeting;
    uint32_t last[STRESS_WORKERS];
};

/* The data of a connection; released in `closed`. */
struct stress_guest {
    struct stress_host *host;
    atomic_uint state; /* 0: not in yet, 1: opened, 2: closed */
    bool is_faithful;
    unsigned patience;     /* deliveries until it refuses */
    struct stress_ear ear; /* the loop's thread */
};

/* The other end of a socket, in the hands of one worker. */
struct stress_client {
    int fd; /* -1: none */
    bool is_tcp;
    bool is_rejected;
    bool told_to_close;
    uint8_t input[4096]; /* a part of a frame is kept */
    size_t have;
    struct stress_ear ear;
};

struct stress_worker {
    struct stress_host *host;
    struct testing_gate *half_way; /* passed by each worker */
    uint64_t seed;
    uint32_t index, number; /* number: of its last message */
    int listener;
    struct stress_client clients[STRESS_CLIENTS];
    struct stress_tally tally;
    pthread_t thread;
};

/* Notes that something is wrong; the first text is kept. */
void stress_blame(const char *text);

/* Whether a guest of this patience is greeted. */
bool stress_greets(unsigned patience);

/* Each message that a recipient gets, and then those of the workers. */
void stress_note_first(struct stress_ear *ear, const void *payload,
                       size_t bytes);
void stress_hear(struct stress_host *host, struct stress_ear *ear,
                 const void *payload, size_t bytes);

/* Checks what a call returned. */
void stress_check(struct stress_host *host, int64_t result);

/* To everybody of a hub, or all but some, among whom is nobody that never
 * leaves. `options` may be NULL. */
void stress_spread(struct stress_host *host, const struct hub_target *except,
                   const struct hub_message *message,
                   const struct hub_send_options *options);

/* Enters a guest: a socket, or a member if `fd` is negative, which is the
 * caller's after an error. */
int stress_let_in(struct stress_host *host, int fd, const char *user,
                  const char *session, unsigned patience, hub_id *id);

/* Has a socket rejected, which is the caller's after an error. */
int stress_reject(struct stress_host *host, int fd);

/* Shuts a hub down, as others may do at the same time. */
void stress_shut(struct stress_host *host);

/* stress_worker.c */
bool stress_worker_start(struct stress_worker *worker);
void stress_worker_release(struct stress_worker *worker);

#endif
