/* floor.c - what a broadcast costs if nothing is done but sending.
 *
 * The handshake and the three HTTP paths a benchmark needs, and then: one
 * thread, one frame, one loop over all sockets in the order they came. No
 * registry, no queues, no heartbeat: a socket that takes no more misses the
 * message, and that is counted. Whatever a real hub costs beyond this is its
 * own overhead, and it cannot get below this without another way into the
 * kernel.
 *
 *   --sender=send    a send(2) for each socket
 *   --sender=uring   the same sends, 256 at a time in one io_uring submission
 *
 * One thread on purpose: with more, the result would show how the threads
 * share, not what a send costs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256
#define BATCH 256
#define REQUEST_MAX (1024 * 1024)
#define FRAME_HEADER_MAX 10
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

struct conn {
    int fd;
    bool is_client;     /* after the handshake */
    bool gone;          /* closed; freed at the end of the turn */
    char *request;      /* what has come of it, NUL-terminated */
    size_t request_len; /* in bytes */
    struct conn *next;  /* in floor.gone */
};

struct floor {
    int epoll_fd, listen_fd;
    const char *key;
    struct io_uring ring;
    bool has_ring;
    struct conn **clients; /* in the order they came */
    size_t client_count, client_room;
    struct conn *gone;
    bool clients_left;        /* some of `clients` are gone */
    uint64_t missed, cut_off; /* sends that took nothing; only a part */
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* Connections. -------------------------------------------------------- */

static void watch(struct floor *f, int fd, void *data)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};

    if (epoll_ctl(f->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll_ctl");
}

static void end(struct floor *f, struct conn *c)
{
    if (c->gone)
        return;
    c->gone = true;
    f->clients_left |= c->is_client;
    (void)close(c->fd);
    c->next = f->gone;
    f->gone = c;
}

/* Takes those that left out of `clients`. */
static void compact(struct floor *f)
{
    size_t kept = 0;

    if (!f->clients_left)
        return;
    for (size_t i = 0; i < f->client_count; i++) {
        if (!f->clients[i]->gone)
            f->clients[kept++] = f->clients[i];
    }
    f->client_count = kept;
    f->clients_left = false;
}

/* Events of one epoll_wait() may name a connection that an earlier one of them
 * ended, so none is freed before the last. */
static void bury(struct floor *f)
{
    compact(f);
    while (f->gone != NULL) {
        struct conn *c = f->gone;

        f->gone = c->next;
        free(c->request);
        free(c);
    }
}

static void add_client(struct floor *f, struct conn *c)
{
    if (f->client_count == f->client_room) {
        f->client_room = f->client_room == 0 ? 1024 : f->client_room * 2;
        f->clients = reallocarray((void *)f->clients, f->client_room,
                                  sizeof(struct conn *));
        if (f->clients == NULL)
            die("reallocarray");
    }
    f->clients[f->client_count++] = c;
    c->is_client = true;
    free(c->request);
    c->request = NULL;
    c->request_len = 0;
}

static void accept_all(struct floor *f)
{
    const int on = 1;

    for (;;) {
        struct conn *c;
        int fd =
            accept4(f->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0)
            return;
        c = calloc(1, sizeof *c);
        if (c == NULL)
            die("calloc");
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        c->fd = fd;
        watch(f, fd, c);
    }
}

/* Sending. ------------------------------------------------------------ */

/* A socket that took a part of a frame is out of step, and closed. */
static void count_result(struct floor *f, struct conn *c, ssize_t result,
                         size_t bytes)
{
    if (result == (ssize_t)bytes)
        return;
    if (result == -EAGAIN) {
        f->missed++;
        return;
    }
    f->cut_off++;
    end(f, c);
}

static void send_plain(struct floor *f, const uint8_t *frame, size_t bytes)
{
    for (size_t i = 0; i < f->client_count; i++) {
        struct conn *c = f->clients[i];
        ssize_t sent;

        sent = send(c->fd, frame, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
        count_result(f, c, sent < 0 ? -errno : sent, bytes);
    }
}

static void send_batch(struct floor *f, size_t from, size_t count,
                       const uint8_t *frame, size_t bytes)
{
    struct io_uring_cqe *cqe;
    unsigned head, seen = 0;

    for (size_t i = from; i < from + count; i++) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&f->ring);

        io_uring_prep_send(sqe, f->clients[i]->fd, frame, bytes,
                           MSG_DONTWAIT | MSG_NOSIGNAL);
        io_uring_sqe_set_data(sqe, f->clients[i]);
    }
    if (io_uring_submit_and_wait(&f->ring, (unsigned)count) != (int)count)
        die("io_uring_submit_and_wait");
    io_uring_for_each_cqe(&f->ring, head, cqe)
    {
        count_result(f, io_uring_cqe_get_data(cqe), cqe->res, bytes);
        seen++;
    }
    io_uring_cq_advance(&f->ring, seen);
}

static void send_uring(struct floor *f, const uint8_t *frame, size_t bytes)
{
    for (size_t i = 0; i < f->client_count; i += BATCH) {
        size_t left = f->client_count - i;

        send_batch(f, i, left < BATCH ? left : BATCH, frame, bytes);
    }
}

/* RFC 6455, 5.2: final, text, not masked. */
static size_t write_header(uint8_t *out, size_t bytes)
{
    out[0] = 0x81;
    if (bytes < 126) {
        out[1] = (uint8_t)bytes;
        return 2;
    }
    if (bytes <= UINT16_MAX) {
        out[1] = 126;
        out[2] = (uint8_t)(bytes >> 8);
        out[3] = (uint8_t)bytes;
        return 4;
    }
    out[1] = 127;
    for (size_t i = 0; i < 8; i++)
        out[2 + i] = (uint8_t)((uint64_t)bytes >> (56 - 8 * i));
    return 10;
}

static size_t broadcast(struct floor *f, const char *body, size_t bytes)
{
    uint8_t *frame;
    size_t header;

    compact(f);
    frame = malloc(FRAME_HEADER_MAX + bytes);
    if (frame == NULL)
        die("malloc");
    header = write_header(frame, bytes);
    memcpy(frame + header, body, bytes);
    if (f->has_ring)
        send_uring(f, frame, header + bytes);
    else
        send_plain(f, frame, header + bytes);
    free(frame);
    return f->client_count;
}

/* HTTP. --------------------------------------------------------------- */

/* The value of a header of the request: where it starts, and its length. */
static const char *header_value(const char *request, const char *name,
                                size_t *bytes)
{
    size_t name_len = strlen(name);
    const char *line = strstr(request, "\r\n");

    while (line != NULL && line[2] != '\r') {
        line += 2;
        if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':') {
            line += name_len + 1;
            line += strspn(line, " \t");
            *bytes = strcspn(line, "\r");
            return line;
        }
        line = strstr(line, "\r\n");
    }
    *bytes = 0;
    return NULL;
}

static bool header_is(const char *request, const char *name, const char *wanted)
{
    size_t bytes;
    const char *value = header_value(request, name, &bytes);

    return value != NULL && strlen(wanted) == bytes &&
           memcmp(value, wanted, bytes) == 0;
}

static void say(struct floor *f, struct conn *c, const char *text, int bytes)
{
    if (send(c->fd, text, (size_t)bytes, MSG_DONTWAIT | MSG_NOSIGNAL) != bytes)
        end(f, c);
}

static void answer(struct floor *f, struct conn *c, const char *status,
                   const char *json)
{
    char out[1024];
    int bytes = snprintf(out, sizeof out,
                         "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
                         "Content-Length: %zu\r\n\r\n%s",
                         status, strlen(json), json);

    say(f, c, out, bytes);
}

static void upgrade(struct floor *f, struct conn *c)
{
    char text[128], accept[64], out[256];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_len = 0;
    size_t key_len;
    const char *key = header_value(c->request, "Sec-WebSocket-Key", &key_len);
    int bytes;

    if (key == NULL || key_len != 24) {
        answer(f, c, "400 Bad Request", "{\"status\":\"error\"}");
        return;
    }
    bytes = snprintf(text, sizeof text, "%.*s" GUID, (int)key_len, key);
    if (EVP_Digest(text, (size_t)bytes, digest, &digest_len, EVP_sha1(),
                   NULL) != 1)
        die("SHA-1");
    (void)EVP_EncodeBlock((unsigned char *)accept, digest, (int)digest_len);
    bytes = snprintf(out, sizeof out,
                     "HTTP/1.1 101 Switching Protocols\r\n"
                     "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %s\r\n\r\n",
                     accept);
    add_client(f, c);
    say(f, c, out, bytes);
}

static void answer_health(struct floor *f, struct conn *c)
{
    char json[256];

    (void)snprintf(json, sizeof json,
                   "{\"status\":\"healthy\",\"stats\":{\"total_connections\":"
                   "%zu,\"missed\":%llu,\"cut_off\":%llu}}",
                   f->client_count, (unsigned long long)f->missed,
                   (unsigned long long)f->cut_off);
    answer(f, c, "200 OK", json);
}

static void answer_broadcast(struct floor *f, struct conn *c, const char *body,
                             size_t bytes)
{
    char json[128];

    if (!header_is(c->request, "X-API-Key", f->key)) {
        answer(f, c, "401 Unauthorized", "{\"status\":\"error\"}");
        return;
    }
    (void)snprintf(json, sizeof json,
                   "{\"status\":\"success\",\"message\":\"sent\","
                   "\"recipients\":%zu}",
                   broadcast(f, body, bytes));
    answer(f, c, "200 OK", json);
}

static bool asks_for(const char *request, const char *start)
{
    return strncmp(request, start, strlen(start)) == 0;
}

/* Answers a request that is there whole. Returns its length, or 0. */
static size_t take_request(struct floor *f, struct conn *c)
{
    char *end_of_head = strstr(c->request, "\r\n\r\n");
    size_t head, body = 0, value_len;
    const char *value;

    if (end_of_head == NULL)
        return 0;
    head = (size_t)(end_of_head - c->request) + 4;
    value = header_value(c->request, "Content-Length", &value_len);
    if (value != NULL)
        body = strtoul(value, NULL, 10);
    if (body > REQUEST_MAX) {
        end(f, c);
        return 0;
    }
    if (c->request_len - head < body)
        return 0;
    if (asks_for(c->request, "GET /ws?"))
        upgrade(f, c);
    else if (asks_for(c->request, "GET /health "))
        answer_health(f, c);
    else if (asks_for(c->request, "POST /api/broadcast "))
        answer_broadcast(f, c, c->request + head, body);
    else
        answer(f, c, "404 Not Found", "{\"status\":\"error\"}");
    return head + body;
}

static void read_http(struct floor *f, struct conn *c)
{
    char piece[16384];
    ssize_t got = recv(c->fd, piece, sizeof piece, MSG_DONTWAIT);
    size_t used;
    char *grown;

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || c->request_len > REQUEST_MAX + sizeof piece) {
        end(f, c);
        return;
    }
    grown = realloc(c->request, c->request_len + (size_t)got + 1);
    if (grown == NULL)
        die("realloc");
    c->request = grown;
    memcpy(c->request + c->request_len, piece, (size_t)got);
    c->request_len += (size_t)got;
    c->request[c->request_len] = '\0';
    while (!c->gone && (used = take_request(f, c)) > 0 && !c->is_client) {
        c->request_len -= used;
        memmove(c->request, c->request + used, c->request_len + 1);
    }
}

/* Clients of a benchmark say nothing until they leave: what comes is a Close
 * frame, answered with the end of the stream, or thrown away. */
static void read_client(struct floor *f, struct conn *c)
{
    char piece[16384];
    ssize_t got = recv(c->fd, piece, sizeof piece, MSG_DONTWAIT);

    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR) ||
        (got > 0 && ((uint8_t)piece[0] & 0x0f) == 0x8))
        end(f, c);
}

/* Setting up. --------------------------------------------------------- */

static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void listen_on(struct floor *f, uint16_t port)
{
    const int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    f->listen_fd =
        socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (f->listen_fd < 0 ||
        setsockopt(f->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) <
            0 ||
        bind(f->listen_fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(f->listen_fd, 4096) < 0)
        die("listen");
}

static void make_ring(struct floor *f)
{
    int err = io_uring_queue_init(BATCH, &f->ring,
                                  IORING_SETUP_SINGLE_ISSUER |
                                      IORING_SETUP_DEFER_TASKRUN);

    if (err == -EINVAL) /* before Linux 6.1 */
        err = io_uring_queue_init(BATCH, &f->ring, 0);
    if (err < 0) {
        (void)fprintf(stderr, "floor: no io_uring: %s\n", strerror(-err));
        exit(1);
    }
    f->has_ring = true;
}

static void run(struct floor *f)
{
    struct epoll_event events[EVENTS];

    for (;;) {
        int count = epoll_wait(f->epoll_fd, events, EVENTS, -1);

        for (int i = 0; i < count; i++) {
            struct conn *c = events[i].data.ptr;

            if (c == NULL)
                accept_all(f);
            else if (c->gone)
                continue;
            else if (c->is_client)
                read_client(f, c);
            else
                read_http(f, c);
        }
        bury(f);
    }
}

static int usage(void)
{
    (void)fprintf(
        stderr, "usage: HUB_API_KEY=KEY floor --port=N --sender=send|uring\n");
    return 64;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"sender", required_argument, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    struct floor f = {.key = getenv("HUB_API_KEY")};
    const char *sender = "send";
    unsigned long port = 0;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'p')
            port = strtoul(optarg, NULL, 10);
        else if (option == 's')
            sender = optarg;
        else
            return usage();
    }
    if (f.key == NULL || port == 0 || port > UINT16_MAX || optind != argc ||
        (strcmp(sender, "send") != 0 && strcmp(sender, "uring") != 0))
        return usage();
    raise_descriptors();
    f.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (f.epoll_fd < 0)
        die("epoll_create1");
    if (strcmp(sender, "uring") == 0)
        make_ring(&f);
    listen_on(&f, (uint16_t)port);
    watch(&f, f.listen_fd, NULL);
    run(&f);
}
