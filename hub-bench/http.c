/* http.c - see http.h.
 *
 * libcurl says which sockets it waits for, and withdraws that after every
 * response. Following it literally would cost two system calls per request; so
 * a connection stays in the epoll set with its last interest, until it is
 * closed or reports an unwanted event. That is only safe for sockets that are
 * opened and closed through our callbacks (OURS): other descriptors may have
 * been reused meanwhile.
 */
#include "http.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <hub/version.h>

#include "clock.h"

#define TIMEOUT_MS 10000L
#define EVENTS_MAX 64
#define WANTED (1u << 29) /* in interests: libcurl waits for it now */
#define OURS (1u << 30)   /* opened by on_open() */
#define EVENTS(interest) ((interest) & ~(WANTED | OURS))
#define SHOWN_BYTES 120 /* of a body, in an error */

/* Sockets. -------------------------------------------------------------- */

static uint32_t *interest_of(struct http *h, int fd)
{
    size_t wanted = (size_t)fd + 1, size = h->interests_size;

    if (wanted > size) {
        uint32_t *grown = realloc(h->interests, 2 * wanted * sizeof(*grown));

        if (grown == NULL)
            return NULL;
        memset(grown + size, 0, (2 * wanted - size) * sizeof(*grown));
        h->interests = grown;
        h->interests_size = 2 * wanted;
    }
    return &h->interests[fd];
}

static int unwanted(struct http *h, int fd, uint32_t *interest)
{
    *interest &= ~WANTED;
    if (*interest & OURS)
        return 0;
    *interest = 0;
    (void)epoll_ctl(h->epoll, EPOLL_CTL_DEL, fd, NULL);
    return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context,
                     void *unused)
{
    struct http *h = context;
    uint32_t *interest = interest_of(h, fd);
    struct epoll_event event = {.data.fd = fd};
    int operation;

    (void)easy, (void)unused;
    if (interest == NULL)
        return -1;
    if (what == CURL_POLL_REMOVE)
        return unwanted(h, fd, interest);
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) |
                   (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    operation = EVENTS(*interest) == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (EVENTS(*interest) != event.events &&
        epoll_ctl(h->epoll, operation, fd, &event) < 0)
        return -1;
    *interest = event.events | WANTED | (*interest & OURS);
    return 0;
}

static curl_socket_t on_open(void *context, curlsocktype purpose,
                             struct curl_sockaddr *address)
{
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
                    address->protocol);
    uint32_t *interest = fd < 0 ? NULL : interest_of(context, fd);

    (void)purpose;
    if (interest != NULL)
        *interest = OURS;
    return fd;
}

static int on_close(void *context, curl_socket_t fd)
{
    uint32_t *interest = interest_of(context, fd);

    if (interest != NULL)
        *interest = 0; /* close() removes it from the epoll set */
    return close(fd);
}

static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct http *h = context;

    (void)multi;
    h->curl_ns = timeout_ms < 0 ? -1 : now_ns() + timeout_ms * MS_NS;
    return 0;
}

static size_t on_body(char *data, size_t one, size_t bytes, void *context)
{
    struct http_lane *lane = context;
    size_t room = sizeof(lane->body) - 1 - lane->body_bytes;

    (void)one;
    if (bytes < room)
        room = bytes;
    memcpy(lane->body + lane->body_bytes, data, room);
    lane->body_bytes += room;
    return bytes;
}

/* Setting up. ----------------------------------------------------------- */

static int init_lane(struct http *h, struct http_lane *lane,
                     const struct options *o)
{
    CURL *easy = lane->easy = curl_easy_init();

    if (easy == NULL)
        return -1;
    lane->http = h;
    curl_easy_setopt(easy, CURLOPT_URL, o->publish);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, h->headers);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* regardless of http_proxy */
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "hub-bench/" HUB_VERSION);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, lane->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, lane);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, lane);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, h);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, h);
    return 0;
}

static int add_header(struct http *h, const char *text)
{
    struct curl_slist *list = curl_slist_append(h->headers, text);

    if (list == NULL)
        return -1;
    h->headers = list;
    return 0;
}

static int add_key(struct http *h, const char *key)
{
    char *line;
    int err;

    if (key == NULL || *key == '\0')
        return 0;
    if (asprintf(&line, "X-API-Key: %s", key) < 0)
        return -1;
    err = add_header(h, line);
    free(line);
    return err;
}

static int init_multi(struct http *h, const struct options *o)
{
    long lanes = (long)o->connections;

    h->multi = curl_multi_init();
    if (h->multi == NULL)
        return -1;
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, lanes);
    curl_multi_setopt(h->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, lanes);
    if (add_header(h, "Content-Type: application/json") != 0 ||
        add_header(h, "Expect:") != 0 || add_key(h, o->key) != 0)
        return -1;
    h->lanes = calloc(o->connections, sizeof(*h->lanes));
    if (h->lanes == NULL)
        return -1;
    for (; h->count < o->connections; h->count++) {
        h->lanes[h->count].index = h->count;
        if (init_lane(h, &h->lanes[h->count], o) != 0)
            return -1;
    }
    return 0;
}

int http_init(struct http *h, const struct options *o, int wake,
              void (*answered)(void *context, const struct http_answer *answer),
              void *context)
{
    struct epoll_event event = {.events = EPOLLIN};

    *h = (struct http){.answered = answered,
                       .context = context,
                       .curl_ns = -1,
                       .wake = wake,
                       .timer = -1,
                       .epoll = -1};
    h->epoll = epoll_create1(EPOLL_CLOEXEC);
    h->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (h->epoll < 0 || h->timer < 0)
        goto fail;
    event.data.fd = h->timer;
    if (epoll_ctl(h->epoll, EPOLL_CTL_ADD, h->timer, &event) < 0)
        goto fail;
    event.data.fd = wake;
    if (epoll_ctl(h->epoll, EPOLL_CTL_ADD, wake, &event) < 0 ||
        init_multi(h, o) != 0)
        goto fail;
    return 0;
fail:
    http_fini(h);
    return -1;
}

void http_fini(struct http *h)
{
    for (unsigned i = 0; h->lanes != NULL && i < h->count; i++) {
        (void)curl_multi_remove_handle(h->multi, h->lanes[i].easy);
        curl_easy_cleanup(h->lanes[i].easy);
    }
    (void)curl_multi_cleanup(h->multi);
    curl_slist_free_all(h->headers);
    free(h->lanes);
    free(h->interests);
    if (h->timer >= 0)
        (void)close(h->timer);
    if (h->epoll >= 0)
        (void)close(h->epoll);
    *h = (struct http){.timer = -1, .epoll = -1};
}

/* Requests. ------------------------------------------------------------- */

static void finish(struct http *h, CURL *easy, CURLcode result)
{
    struct http_lane *lane;
    struct http_answer answer = {0};

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &lane);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer.status);
    (void)curl_multi_remove_handle(h->multi, easy);
    answer.lane = lane->index;
    lane->body[lane->body_bytes] = '\0';
    answer.body = lane->body;
    if (result != CURLE_OK) {
        answer.status = 0;
        answer.error =
            lane->error[0] != '\0' ? lane->error : curl_easy_strerror(result);
    }
    h->answered(h->context, &answer);
}

static void act(struct http *h, curl_socket_t fd, int events)
{
    CURLMsg *message;
    int ignored;

    (void)curl_multi_socket_action(h->multi, fd, events, &ignored);
    while ((message = curl_multi_info_read(h->multi, &ignored)) != NULL) {
        if (message->msg == CURLMSG_DONE)
            finish(h, message->easy_handle, message->data.result);
    }
}

void http_post(struct http *h, unsigned lane, const char *url, const char *body,
               size_t bytes)
{
    struct http_lane *l = &h->lanes[lane];

    l->body_bytes = 0;
    l->error[0] = '\0';
    if (url != NULL)
        curl_easy_setopt(l->easy, CURLOPT_URL, url);
    curl_easy_setopt(l->easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(l->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bytes);
    (void)curl_multi_add_handle(h->multi, l->easy);
    act(h, CURL_SOCKET_TIMEOUT, 0); /* now rather than in the next turn */
}

static void take_event(struct http *h, const struct epoll_event *event)
{
    int fd = event->data.fd;
    uint32_t *interest = interest_of(h, fd);
    int events = (event->events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                 (event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                 (event->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

    if (interest == NULL || EVENTS(*interest) == 0)
        return; /* closed while handling an earlier event */
    if (*interest & WANTED) {
        act(h, fd, events);
        return;
    }
    (void)epoll_ctl(h->epoll, EPOLL_CTL_DEL, fd, NULL);
    *interest &= OURS;
}

static void set_timer(struct http *h, int64_t ns)
{
    struct itimerspec at = {
        .it_value = {.tv_sec = ns / SECOND_NS, .tv_nsec = ns % SECOND_NS}};

    if (ns == h->timer_ns)
        return;
    h->timer_ns = ns;
    (void)timerfd_settime(h->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

/* How long epoll may wait, in ms, for libcurl; `until_ns` is left to the timer,
 * which is more precise. */
static int timeout_ms(struct http *h, int64_t until_ns)
{
    int64_t now = now_ns(), curl = h->curl_ns, ms = INT_MAX;

    if (until_ns <= now || (curl >= 0 && curl <= now))
        return 0;
    set_timer(h, until_ns);
    if (curl >= 0 && (curl - now) / MS_NS + 1 < ms)
        ms = (curl - now) / MS_NS + 1;
    return (int)ms;
}

void http_turn(struct http *h, int64_t until_ns)
{
    struct epoll_event events[EVENTS_MAX];
    int count =
        epoll_wait(h->epoll, events, EVENTS_MAX, timeout_ms(h, until_ns));

    for (int i = 0; i < count; i++) {
        int fd = events[i].data.fd;
        uint64_t ignored;

        if (fd != h->timer && fd != h->wake) {
            take_event(h, &events[i]);
            continue;
        }
        if (fd == h->timer)
            h->timer_ns = 0;
        (void)!read(fd, &ignored, sizeof(ignored));
    }
    if (h->curl_ns < 0 || h->curl_ns > now_ns())
        return;
    h->curl_ns = -1; /* fires once; libcurl sets it again */
    act(h, CURL_SOCKET_TIMEOUT, 0);
}

void http_explain(const struct http_answer *answer, char *out, size_t size)
{
    char shown[SHOWN_BYTES + 1];
    size_t i;

    if (answer->error != NULL) {
        (void)snprintf(out, size, "%s", answer->error);
        return;
    }
    for (i = 0; i < SHOWN_BYTES && answer->body[i] != '\0'; i++) {
        char c = answer->body[i];

        shown[i] = (char)(c < ' ' || c > '~' ? ' ' : c);
    }
    shown[i] = '\0';
    (void)snprintf(out, size, "HTTP status %ld%s%s", answer->status,
                   i == 0 ? "" : ": ", shown);
}
