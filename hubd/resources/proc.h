/* proc.h - what the kernel tells of this process. Threads: any. */
#ifndef HUBD_PROC_H
#define HUBD_PROC_H

#include <stdint.h>

/* What cannot be told is 0. */
struct proc_memory {
    uint64_t virtual_bytes, resident_bytes;
};

void proc_read_memory(struct proc_memory *memory);

/* Of all threads there are and were. */
uint64_t proc_cpu_ns(void);

/* How many are open. */
uint64_t proc_descriptors(void);

/* When the process was started, in milliseconds since 1970. By the clock as it
 * is now: to be asked once. */
uint64_t proc_started_ms(void);

/* How many entries a directory such as /proc/self/task has, or -1 if it cannot
 * be read. */
int proc_count(const char *directory);

#endif
