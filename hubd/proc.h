/* proc.h - what the kernel tells of this process. Threads: any. */
#ifndef HUBD_PROC_H
#define HUBD_PROC_H

/* How many entries a directory such as /proc/self/task has, or -1 if it cannot
 * be read. */
int proc_count(const char *directory);

#endif
