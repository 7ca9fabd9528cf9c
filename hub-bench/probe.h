/* probe.h - what the server's processes, and its sockets in the kernel, use.
 *
 * A value is negative if it is unknown: the server runs elsewhere, or belongs
 * to another user. Not thread-safe.
 */
#ifndef HUB_BENCH_PROBE_H
#define HUB_BENCH_PROBE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

#define PROBE_PIDS_MAX 256

struct probe {
    size_t count; /* 0: the server is unknown */
    pid_t pids[PROBE_PIDS_MAX];
    clockid_t clocks[PROBE_PIDS_MAX];
};

/* What was used up to some time. */
struct probe_moment {
    int64_t at_ns;
    int64_t server_cpu_ns; /* of all its threads, ended ones included */
    int64_t own_cpu_ns;
};

/* Uses these processes. Returns 0, or the first that does not exist. */
pid_t probe_take(struct probe *p, const pid_t *pids, size_t count);

/* Uses the processes that have a socket listening on that address, or none if
 * the address is another machine's. */
void probe_find(struct probe *p, const struct sockaddr *address);

void probe_moment(const struct probe *p, struct probe_moment *out);

/* Memory of the processes apart from mapped files: heap, stacks, shared memory,
 * even if swapped out. Pages that they share count once. */
int64_t probe_memory_bytes(const struct probe *p);

/* The buffers of all TCP sockets of this machine. */
int64_t probe_socket_bytes(void);

#endif
