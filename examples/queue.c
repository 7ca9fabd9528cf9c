/* queue.c - members that are not sockets: each is a queue with a thread that
 * empties it, as for a broker, a disk or a device.
 *
 * A member's callback must not block, so its queue is bounded, and rejects a
 * message if it is full: then the hub removes that member, without any effect
 * on the others. What happens next is up to the program, here in `closed`.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hub/hub.h>

#define QUEUE_MAX 4
#define MESSAGES 8

struct item {
    size_t bytes;
    char payload[]; /* any bytes, even NUL */
};

struct worker {
    const char *name;
    pthread_t thread;
    struct item *waiting[QUEUE_MAX]; /* lock */
    size_t first, count;             /* lock */
    int taken;                       /* lock */
    int held_up, left; /* lock: do not work; nothing more will come */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* On a thread of the hub. The bytes are valid only during the call. */
static int enqueue(void *data, hub_id id, const struct hub_message *message)
{
    struct worker *worker = data;
    struct item *copy = NULL;

    (void)id;
    pthread_mutex_lock(&lock);
    if (worker->count < QUEUE_MAX)
        copy = malloc(sizeof *copy + message->payload_bytes);
    if (copy != NULL) {
        copy->bytes = message->payload_bytes;
        memcpy(copy->payload, message->payload, copy->bytes);
        worker->waiting[(worker->first + worker->count++) % QUEUE_MAX] = copy;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    return copy != NULL ? 0 : -1;
}

/* The last call for a member. Its queue is still worked off. */
static void closed(hub_t *hub, const struct hub_connection *connection,
                   const struct hub_close_info *info)
{
    struct worker *worker = connection->data;

    (void)hub;
    pthread_mutex_lock(&lock);
    if (info->cause == HUB_CLOSED_LOST)
        printf("%s: its queue was full\n", worker->name);
    worker->left = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void *work(void *data)
{
    struct worker *worker = data;

    pthread_mutex_lock(&lock);
    while (!worker->left || worker->count > 0) {
        struct item *message;

        if (worker->count == 0 || worker->held_up) {
            pthread_cond_wait(&changed, &lock);
            continue;
        }
        message = worker->waiting[worker->first++ % QUEUE_MAX];
        worker->count--;
        pthread_mutex_unlock(&lock);

        free(message); /* here the work would be done */

        pthread_mutex_lock(&lock);
        worker->taken++;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static int join(hub_t *hub, struct worker *worker)
{
    struct hub_member member = HUB_MEMBER_INIT;
    int err;

    member.user_id = worker->name;
    member.data = worker;
    member.deliver = enqueue;
    err = hub_register(hub, &member, NULL);
    if (err == 0 && pthread_create(&worker->thread, NULL, work, worker) != 0)
        err = HUB_ESYSTEM;
    return err;
}

static void wait_for(const int *value, int least)
{
    pthread_mutex_lock(&lock);
    while (*value < least)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

int main(void)
{
    static struct worker fast = {.name = "fast"},
                         slow = {.name = "slow", .held_up = 1};
    struct hub_options options = HUB_OPTIONS_INIT;
    hub_t *hub;
    int err;

    options.closed = closed;
    if ((err = hub_create(&hub, &options)) != 0 ||
        (err = join(hub, &fast)) != 0 || (err = join(hub, &slow)) != 0) {
        fprintf(stderr, "queue: %s\n", hub_strerror(err));
        return 1;
    }

    for (int i = 1; i <= MESSAGES; i++) {
        hub_broadcast(hub, HUB_TEXT_OF("a message"));
        wait_for(&fast.taken, i);
    }
    wait_for(&slow.left, 1);
    pthread_mutex_lock(&lock);
    slow.held_up = 0; /* it works on what it has accepted */
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);

    hub_shutdown(hub, 1000); /* what was sent is delivered first */
    pthread_join(fast.thread, NULL);
    pthread_join(slow.thread, NULL);
    printf("fast: %d messages\nslow: %d messages\n", fast.taken, slow.taken);
    hub_destroy(hub);
    return 0;
}
