/* cpus.h - how many CPUs the process may use. */
#ifndef HUBD_CPUS_H
#define HUBD_CPUS_H

/* Those it may run on, see sched_setaffinity(2), and no more than the time that
 * its control groups let it have: 1 at least. See cgroup.h. */
unsigned cpus_available(const char *groups, const char *root);

#endif
