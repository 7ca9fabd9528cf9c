/* registry.c - does a lookup cost more with a million members?
 *
 * Public API only: a hub in the host's loop, members with a callback, and the
 * time that hub_send() takes to a random one of them, and to a user who is not
 * connected. What is queued is delivered by hub_poll() between the timed
 * batches. Prints one JSON object.
 *
 *   bench_registry [--rounds=N] [MEMBERS]...
 */
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hub/hub.h>

#define BATCH 256
#define BATCHES 400 /* a round */
#define ROUNDS_MAX 101
#define ID_BYTES 32

struct run {
    hub_t *hub;
    uint64_t members;
    uint64_t random;    /* state of xorshift64 */
    uint64_t delivered; /* messages that reached a member */
};

struct result {
    uint64_t members;
    double register_ns;
    double present_ns, present_min_ns, present_max_ns;
    double absent_ns, absent_min_ns, absent_max_ns;
    double bytes; /* a member */
};

static void check(int64_t err, const char *what)
{
    if (err < 0) {
        (void)fprintf(stderr, "bench_registry: %s: %s\n", what,
                      hub_strerror((int)err));
        exit(1);
    }
}

static double now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t next_random(struct run *r)
{
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    return r->random;
}

static int count_delivery(void *data, hub_id id,
                          const struct hub_message *message)
{
    struct run *r = data;

    (void)id;
    (void)message;
    r->delivered++;
    return 0;
}

static void poll_all(struct run *r)
{
    check(hub_poll(r->hub, 0), "hub_poll");
}

/* Registering. -------------------------------------------------------- */

static void register_one(struct run *r, uint64_t index)
{
    char user[ID_BYTES], session[ID_BYTES];
    struct hub_member member = HUB_MEMBER_INIT;

    (void)snprintf(user, sizeof user, "user-%" PRIu64, index);
    (void)snprintf(session, sizeof session, "session-%" PRIu64, index);
    member.user_id = user;
    member.session_id = session;
    member.data = r;
    member.deliver = count_delivery;
    check(hub_register(r->hub, &member, NULL), "hub_register");
}

/* In use on the heap, or mapped for one block of it. */
static double heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return (double)info.uordblks + (double)info.hblkhd;
}

static void register_all(struct run *r, struct result *out)
{
    double before = heap_bytes();
    double started = now_ns();

    for (uint64_t i = 0; i < r->members; i++) {
        register_one(r, i);
        if (i % BATCH == BATCH - 1)
            poll_all(r);
    }
    poll_all(r);
    out->register_ns = (now_ns() - started) / (double)r->members;
    out->bytes = (heap_bytes() - before) / (double)r->members;
}

/* Sending. ------------------------------------------------------------ */

/* Ids from `first` on, as many as there are members. */
static void choose_users(struct run *r, uint64_t first,
                         char users[BATCH][ID_BYTES])
{
    for (size_t i = 0; i < BATCH; i++)
        (void)snprintf(users[i], ID_BYTES, "user-%" PRIu64,
                       first + next_random(r) % r->members);
}

/* Nanoseconds for one hub_send(), the mean of a batch. */
static double time_batch(struct run *r, uint64_t first, int64_t expected)
{
    char users[BATCH][ID_BYTES];
    int64_t reached = 0;
    double started, took;

    choose_users(r, first, users);
    started = now_ns();
    for (size_t i = 0; i < BATCH; i++)
        reached +=
            hub_send(r->hub, HUB_TO_USER(users[i]),
                     HUB_TEXT_OF("{\"type\":\"bench\",\"payload\":1}"), NULL);
    took = now_ns() - started;
    if (reached != expected) {
        (void)fprintf(stderr,
                      "bench_registry: reached %" PRId64 " of %" PRId64 "\n",
                      reached, expected);
        exit(1);
    }
    poll_all(r);
    return took / BATCH;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return count % 2 == 1 ? values[count / 2]
                          : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double time_round(struct run *r, uint64_t first, int64_t expected)
{
    double sum = 0;

    for (size_t i = 0; i < BATCHES; i++)
        sum += time_batch(r, first, expected);
    return sum / BATCHES;
}

static struct result measure(uint64_t members, size_t rounds)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct run r = {.members = members, .random = 88172645463325252u};
    struct result out = {.members = members};
    double present[ROUNDS_MAX], absent[ROUNDS_MAX];

    options.flags = HUB_HOST_LOOP;
    check(hub_create(&r.hub, &options), "hub_create");
    register_all(&r, &out);
    (void)time_batch(&r, 0, BATCH);
    for (size_t i = 0; i < rounds; i++) {
        present[i] = time_round(&r, 0, BATCH);
        absent[i] = time_round(&r, members, 0);
    }
    out.present_ns = median(present, rounds);
    out.present_min_ns = present[0];
    out.present_max_ns = present[rounds - 1];
    out.absent_ns = median(absent, rounds);
    out.absent_min_ns = absent[0];
    out.absent_max_ns = absent[rounds - 1];
    if (r.delivered != BATCH * (1 + rounds * BATCHES)) {
        (void)fprintf(stderr, "bench_registry: %" PRIu64 " deliveries\n",
                      r.delivered);
        exit(1);
    }
    hub_destroy(r.hub);
    (void)malloc_trim(0); /* the next size starts as this one did */
    return out;
}

/* Output. ------------------------------------------------------------- */

static void print_result(const struct result *r)
{
    printf("    {\"members\": %" PRIu64 ", \"register_ns\": %.1f, "
           "\"bytes_per_member\": %.1f,\n"
           "     \"send_present_ns\": %.1f, \"send_present_min_ns\": %.1f, "
           "\"send_present_max_ns\": %.1f,\n"
           "     \"send_absent_ns\": %.1f, \"send_absent_min_ns\": %.1f, "
           "\"send_absent_max_ns\": %.1f}",
           r->members, r->register_ns, r->bytes, r->present_ns,
           r->present_min_ns, r->present_max_ns, r->absent_ns, r->absent_min_ns,
           r->absent_max_ns);
}

static int usage(void)
{
    (void)fprintf(stderr, "usage: bench_registry [--rounds=N] [MEMBERS]...\n");
    return 64;
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);

    return *end == '\0' ? value : 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"rounds", required_argument, NULL, 'r'},
        {NULL, 0, NULL, 0},
    };
    static char *sizes[] = {"1000", "10000", "100000", "1000000", NULL};
    char **size;
    uint64_t rounds = 5;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'r')
            return usage();
        rounds = number(optarg);
    }
    if (rounds == 0 || rounds > ROUNDS_MAX)
        return usage();
    size = optind < argc ? argv + optind : sizes;
    printf("{\"rounds\": %" PRIu64
           ", \"sends_per_round\": %d, \"results\": [\n",
           rounds, BATCH * BATCHES);
    for (; *size != NULL; size++) {
        struct result result;
        uint64_t members = number(*size);

        if (members == 0)
            return usage();
        result = measure(members, rounds);
        print_result(&result);
        printf(size[1] != NULL ? ",\n" : "\n");
        (void)fflush(stdout);
    }
    printf("]}\n");
    return 0;
}
