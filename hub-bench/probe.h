/* probe.h - what the server's processes, and the kernel's sockets, cost.
 *
 * A figure is negative where it cannot be known: the server runs elsewhere, or
 * belongs to somebody else. Not for two threads at once.
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
    size_t count; /* 0: the server is not known */
    pid_t pids[PROBE_PIDS_MAX];
    clockid_t clocks[PROBE_PIDS_MAX];
};

/* What was used up to a moment. */
struct probe_moment {
    int64_t at_ns;
    int64_t server_cpu_ns; /* of all its threads, ended ones too */
    int64_t own_cpu_ns;
};

/* Takes these processes. Returns 0, or the first that is none. */
pid_t probe_take(struct probe *p, const pid_t *pids, size_t count);

/* Takes the processes that hold a listening socket of that address, or none if
 * the address is another machine's. */
void probe_find(struct probe *p, const struct sockaddr *address);

void probe_moment(const struct probe *p, struct probe_moment *out);

/* Memory of the processes that is no file's: heap, stacks, shared memory, also
 * where it was swapped out. Pages that several of them share count once. */
int64_t probe_memory_bytes(const struct probe *p);

/* What all TCP sockets of this machine have in buffers. */
int64_t probe_socket_bytes(void);

#endif
