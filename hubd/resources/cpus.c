/* cpus.c - see cpus.h. */
#include "resources/cpus.h"

#include <sched.h>
#include <stdint.h>
#include <unistd.h>

#include "resources/cgroup.h"

static unsigned runnable(void)
{
    cpu_set_t set[8]; /* as many CPUs as Linux can be built for */
    long online;

    if (sched_getaffinity(0, sizeof(set), set) == 0)
        return (unsigned)CPU_COUNT_S(sizeof(set), set);
    online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : (unsigned)online;
}

unsigned cpus_available(const char *groups, const char *root)
{
    unsigned cpus = runnable();
    uint64_t quota = cgroup_cpus(groups, root);

    return quota < cpus ? (unsigned)quota : cpus;
}
