/* cpus.h - how many CPUs the process may use. */
#ifndef HUBD_CPUS_H
#define HUBD_CPUS_H

/* The CPUs it may run on, see sched_setaffinity(2), limited by the CPU quota of
 * its control groups, see cgroup.h: at least 1. */
unsigned cpus_available(const char *groups, const char *root);

#endif
