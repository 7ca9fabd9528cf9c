/* fd_plan.c - divides the descriptors between HTTP and WebSockets.
 *
 * fd_plan_make() is pure; the rest runs once, before any thread starts.
 */
#include "resources/fd_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "resources/proc.h"

#define SLACK 16             /* the listener, key files, what libraries open */
#define WORKER_DESCRIPTORS 2 /* its socket, and a file that it reads */
#define GUESS 64             /* open descriptors, if there is no /proc */
#define RESERVE_MAX 64       /* above base: inherited, or just closed */

int64_t fd_plan_raise(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -1;
    if (limit.rlim_cur != limit.rlim_max) {
        struct rlimit raised = {limit.rlim_max, limit.rlim_max};

        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            limit = raised;
    }
    return limit.rlim_cur > INT_MAX ? INT_MAX : (int64_t)limit.rlim_cur;
}

int fd_plan_guard_standard(void)
{
    for (;;) {
        /* open() takes the lowest free number: once that is above 2, there is
         * no gap. */
        int fd = open("/dev/null", O_RDWR);

        if (fd < 0)
            return -1;
        if (fd > STDERR_FILENO)
            return close(fd);
    }
}

int fd_plan_in_use(void)
{
    uint64_t count = proc_descriptors();

    return count == 0 ? GUESS : (int)count;
}

static unsigned at_most(int64_t value, unsigned limit)
{
    return value < (int64_t)limit ? (unsigned)value : limit;
}

int64_t fd_plan_least(int in_use)
{
    return 2 * ((int64_t)in_use + SLACK +
                (int64_t)(WORKER_DESCRIPTORS + 1) * FD_PLAN_WORKERS_MIN);
}

int fd_plan_make(struct fd_plan *plan, int64_t descriptors, int in_use,
                 uint64_t wanted)
{
    int64_t room = descriptors / 2 - in_use - SLACK;
    int64_t reserve = descriptors / 16;

    if (descriptors < fd_plan_least(in_use))
        return -1;
    if (reserve > RESERVE_MAX)
        reserve = RESERVE_MAX;
    *plan = (struct fd_plan){.descriptors = (uint64_t)descriptors};
    plan->workers =
        at_most(room / (WORKER_DESCRIPTORS + 1), FD_PLAN_WORKERS_MAX);
    room -= WORKER_DESCRIPTORS * (int64_t)plan->workers;
    plan->queue = at_most(room, FD_PLAN_QUEUE_MAX);
    plan->base = in_use + SLACK + (int)plan->queue +
                 WORKER_DESCRIPTORS * (int)plan->workers;
    plan->sockets = (uint64_t)(descriptors - plan->base - reserve);
    if (wanted != 0 && wanted < plan->sockets)
        plan->sockets = wanted;
    return 0;
}
