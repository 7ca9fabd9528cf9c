/* proc.h - what the kernel says about this process. Threads: any. */
#ifndef HUBD_PROC_H
#define HUBD_PROC_H

#include <stdint.h>

/* Unknown values are 0. */
struct proc_memory {
    uint64_t virtual_bytes, resident_bytes;
};

void proc_read_memory(struct proc_memory *memory);

/* CPU time of all threads, ended ones included. */
uint64_t proc_cpu_ns(void);

/* The number of open descriptors. */
uint64_t proc_descriptors(void);

/* When the process was started, in milliseconds since 1970. Computed from the
 * current clock, so ask only once. */
uint64_t proc_started_ms(void);

/* How many entries a directory such as /proc/self/task has, or -1 if it cannot
 * be read. */
int proc_count(const char *directory);

#endif
