/* main.c - soak_driver: loads a hub, and judges how it copes.
 *
 * One thread: clients, backends and judge see events in one order. It prints
 * JSON lines: "progress" every second, "ready" when a drain may begin, and one
 * "result" at the end. SIGTERM and SIGINT end the load early but orderly.
 */
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "clock.h"
#include "crowd.h"
#include "histogram.h"
#include "judge.h"
#include "poster.h"

#define TICK_NS (5 * MS_NS)
#define LOST_S 15 /* a message that has not come by then */
#define READY_S 3 /* of load before a drain */
#define DRAIN_MAX_S 60

struct run {
    struct judge judge;
    struct crowd crowd;
    struct poster poster;
    struct crowd_plan people;
    struct poster_plan posts;
    double seconds;
    uint64_t seed;
    bool drain;
    int64_t started_ns, longest_gap_ns;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

/* What it prints. --------------------------------------------------------- */

#define PRINT(name)                                                            \
    (void)printf(",\"" #name "\":%llu", (unsigned long long)f->name);

static void print_counts(const struct judge_counts *f)
{
    JUDGE_WRONGS(PRINT)
    JUDGE_FIGURES(PRINT)
}

static void print_crowd(const struct crowd_figures *f)
{
    CROWD_FIGURES(PRINT)
}

static void print_poster(const struct poster_figures *f)
{
    POSTER_FIGURES(PRINT)
}

static void print_latency(const struct histogram *h)
{
    if (h->count == 0)
        return;
    (void)printf(",\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f",
                 histogram_quantile(h, 0.5) / 1e6,
                 histogram_quantile(h, 0.99) / 1e6, (double)h->max_ns / 1e6);
}

static void print_state(struct run *r, const char *event)
{
    (void)printf("{\"event\":\"%s\",\"seconds\":%.3f,\"present\":%d", event,
                 (double)(now_ns() - r->started_ns) / 1e9,
                 r->judge.all.present);
    print_counts(&r->judge.counts);
    print_crowd(&r->crowd.figures);
    print_poster(&r->poster.figures);
    print_latency(&r->judge.latency);
    (void)printf(",\"longest_gap_ms\":%.1f", (double)r->longest_gap_ns / 1e6);
}

static void print_progress(struct run *r)
{
    print_state(r, "progress");
    (void)printf("}\n");
    (void)fflush(stdout);
}

static void print_result(struct run *r)
{
    print_state(r, "result");
    (void)printf(",\"wrongs\":%llu,\"faults\":[",
                 (unsigned long long)judge_wrongs(&r->judge));
    for (unsigned i = 0; i < r->judge.fault_count; i++)
        (void)printf("%s\"%s\"", i == 0 ? "" : ",", r->judge.faults[i]);
    (void)printf("]}\n");
    (void)fflush(stdout);
}

/* Running. ---------------------------------------------------------------- */

static void turn(struct run *r, int64_t *tick_ns)
{
    struct pollfd waits[] = {{.fd = r->crowd.epoll, .events = POLLIN},
                             {.fd = r->poster.http.epoll, .events = POLLIN}};
    int64_t before = now_ns(), now;

    (void)poll(waits, 2, 2);
    now = now_ns();
    crowd_turn(&r->crowd, now);
    if (now >= *tick_ns) {
        crowd_tick(&r->crowd, now);
        *tick_ns = now + TICK_NS;
    }
    poster_turn(&r->poster, now_ns());
    if (now_ns() - before > r->longest_gap_ns)
        r->longest_gap_ns = now_ns() - before;
}

static int64_t lost_ns(const struct run *r)
{
    return (int64_t)(LOST_S * (double)SECOND_NS * r->people.slowness);
}

/* Turns until `over` says so, or a moment has come. */
static void turn_until(struct run *r, bool (*over)(const struct run *),
                       int64_t until_ns)
{
    int64_t tick_ns = 0, second_ns = now_ns(), now;

    while ((now = now_ns()) < until_ns && !over(r)) {
        turn(r, &tick_ns);
        if (now < second_ns)
            continue;
        judge_expire(&r->judge, now - lost_ns(r));
        print_progress(r);
        second_ns += SECOND_NS;
    }
}

static bool is_interrupted(const struct run *r)
{
    (void)r;
    return interrupted != 0;
}

static bool has_landed(const struct run *r)
{
    return r->poster.busy == 0 && r->judge.waiting == 0;
}

static bool is_empty(const struct run *r)
{
    return r->poster.busy == 0 && crowd_is_empty(&r->crowd);
}

/* Everything that is due comes; then everybody leaves. */
static void load(struct run *r)
{
    turn_until(r, is_interrupted,
               r->started_ns + (int64_t)(r->seconds * (double)SECOND_NS));
    r->poster.over = true;
    turn_until(r, has_landed, now_ns() + lost_ns(r) + SECOND_NS);
    crowd_close(&r->crowd, now_ns());
    turn_until(r, is_empty, now_ns() + 2 * lost_ns(r));
}

/* Somebody else ends the hub when this is ready. */
static void load_and_drain(struct run *r)
{
    turn_until(r, is_interrupted, now_ns() + READY_S * SECOND_NS);
    judge_drain(&r->judge);
    print_state(r, "ready");
    (void)printf("}\n");
    (void)fflush(stdout);
    turn_until(r, is_empty, now_ns() + DRAIN_MAX_S * SECOND_NS);
}

static int run(struct run *r)
{
    letter_init();
    if (crowd_init(&r->crowd, &r->judge, &r->people, r->seed) != 0 ||
        poster_init(&r->poster, &r->judge, &r->crowd, &r->posts,
                    r->seed * 31 + 7) != 0) {
        perror("soak_driver");
        return EXIT_FAILURE;
    }
    r->started_ns = now_ns();
    if (r->drain)
        load_and_drain(r);
    else
        load(r);
    if (!is_empty(r))
        judge_fault(&r->judge, &r->judge.counts.misbehaved,
                    "clients were left that did not come to their end");
    judge_finish(&r->judge);
    print_result(r);
    poster_fini(&r->poster);
    crowd_fini(&r->crowd);
    judge_fini(&r->judge);
    return EXIT_SUCCESS;
}

static int read_options(struct run *r, int argc, char **argv)
{
    static const struct option flags[] = {
        {"port", required_argument, NULL, 'p'},
        {"seconds", required_argument, NULL, 't'},
        {"clients", required_argument, NULL, 'c'},
        {"broadcasts", required_argument, NULL, 'b'},
        {"sends", required_argument, NULL, 's'},
        {"slowness", required_argument, NULL, 'l'},
        {"seed", required_argument, NULL, 'r'},
        {"drain", no_argument, NULL, 'd'},
        {0},
    };
    int flag;

    while ((flag = getopt_long(argc, argv, "", flags, NULL)) != -1) {
        double value = optarg == NULL ? 0 : strtod(optarg, NULL);

        switch (flag) {
        case 'p':
            r->people.port = r->posts.port = (uint16_t)value;
            break;
        case 't':
            r->seconds = value;
            break;
        case 'c':
            r->people.clients = (uint32_t)value;
            break;
        case 'b':
            r->posts.broadcasts = value;
            break;
        case 's':
            r->posts.sends = value;
            break;
        case 'l':
            r->people.slowness = value;
            break;
        case 'r':
            r->seed = (uint64_t)value;
            break;
        case 'd':
            r->drain = r->people.steady_only = r->posts.good_only = true;
            break;
        default:
            return -1;
        }
    }
    return optind == argc && r->people.port != 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    static struct run r = {
        .people = {.clients = 1500, .slowness = 1},
        .posts = {.broadcasts = 10, .sends = 200},
        .seconds = 10,
        .seed = 1,
    };
    struct sigaction action = {.sa_handler = on_signal};
    struct rlimit files;

    r.posts.key = getenv("HUB_API_KEY");
    if (read_options(&r, argc, argv) != 0 || r.posts.key == NULL ||
        r.people.clients < 10 || r.people.clients > 4000) {
        (void)fprintf(stderr,
                      "usage: HUB_API_KEY=... soak_driver --port=N "
                      "[--seconds=N] [--clients=10...4000] [--drain]\n");
        return EXIT_FAILURE;
    }
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    return run(&r);
}
