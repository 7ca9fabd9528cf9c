/* cgroup.h - the limits of the process's control groups: cgroups(7), version 2,
 * and the controllers of version 1. The lowest limit of a group and its
 * ancestors applies.
 *
 * `groups` is a file like /proc/self/cgroup, `root` where they are mounted.
 */
#ifndef HUBD_CGROUP_H
#define HUBD_CGROUP_H

#include <stdint.h>

#define CGROUP_GROUPS "/proc/self/cgroup"
#define CGROUP_ROOT "/sys/fs/cgroup"

/* Bytes; UINT64_MAX: no limit. */
uint64_t cgroup_memory(const char *groups, const char *root);

/* How many CPUs the quota amounts to, rounded up; UINT64_MAX: no quota. */
uint64_t cgroup_cpus(const char *groups, const char *root);

#endif
