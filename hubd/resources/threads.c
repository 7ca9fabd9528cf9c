/* threads.c - see threads.h. There is no other way to find out: the limits of
 * the user, of control groups and of the machine count different things.
 */
#include "resources/threads.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#include "resources/proc.h"

#define GONE_MS 1000

static void *wait_for_end(void *end)
{
    while (sem_wait(end) != 0)
        ;
    return NULL;
}

int threads_count(void)
{
    return proc_count("/proc/self/task");
}

/* A joined thread still counts for a moment. */
static void await_count(int most)
{
    static const struct timespec pause = {0, 1000000};

    for (int ms = 0; ms < GONE_MS && threads_count() > most; ms++)
        (void)nanosleep(&pause, NULL);
}

unsigned threads_available(unsigned wanted, size_t stack_bytes)
{
    pthread_t *threads = calloc(wanted, sizeof(*threads));
    int before = threads_count();
    unsigned count = 0;
    pthread_attr_t attr;
    sem_t end;

    if (threads == NULL)
        return 0;
    (void)sem_init(&end, 0, 0);
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, stack_bytes);
    while (count < wanted &&
           pthread_create(&threads[count], &attr, wait_for_end, &end) == 0)
        count++;
    for (unsigned i = 0; i < count; i++)
        (void)sem_post(&end);
    for (unsigned i = 0; i < count; i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_attr_destroy(&attr);
    (void)sem_destroy(&end);
    free(threads);
    await_count(before);
    return count;
}
