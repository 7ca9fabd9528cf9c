/* cgroup.h - what the control groups of the process let it use: cgroups(7),
 * version 2, and the controllers of version 1. The least limit counts, of a
 * group and of those above it.
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

/* How many CPUs the quota is worth, rounded up; UINT64_MAX: there is none. */
uint64_t cgroup_cpus(const char *groups, const char *root);

#endif
