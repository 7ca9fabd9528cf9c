/* tiny_server.c - see tiny_server.h. One thread, one connection at a time. */
#include "tiny_server.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 20
#define HEAD_BYTES 8192

struct page {
    char path[64];
    char *answer;
    size_t bytes;
    unsigned count;
};

struct tiny_server {
    int fd;
    unsigned port;
    bool listening;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* Under the mutex. */
    bool hold, stopping;
    unsigned total;
    struct page pages[TINY_PAGES];
};

static struct page *find(struct tiny_server *server, const char *path)
{
    size_t i = 0;

    while (i < TINY_PAGES && server->pages[i].path[0] != '\0' &&
           strcmp(server->pages[i].path, path) != 0)
        i++;
    return i < TINY_PAGES ? &server->pages[i] : NULL;
}

/* Reads a head; returns whether there was one, and its path. */
static bool read_head(int fd, char path[64])
{
    char head[HEAD_BYTES] = "";
    size_t used = 0;

    while (strstr(head, "\r\n\r\n") == NULL) {
        ssize_t n = read(fd, head + used, sizeof(head) - 1 - used);

        if (n <= 0)
            return false;
        used += (size_t)n;
        head[used] = '\0';
    }
    return sscanf(head, "GET %63s ", path) == 1;
}

static void serve(struct tiny_server *server, int fd)
{
    char path[64], *answer = NULL;
    size_t bytes = 0, sent = 0;
    struct page *page;

    if (!read_head(fd, path))
        return;
    (void)pthread_mutex_lock(&server->mutex);
    server->total++;
    page = find(server, path);
    if (page != NULL)
        page->count++;
    (void)pthread_cond_broadcast(&server->changed);
    while (server->hold && !server->stopping)
        (void)pthread_cond_wait(&server->changed, &server->mutex);
    if (page != NULL && page->answer != NULL) {
        bytes = page->bytes;
        answer = malloc(bytes + 1);
        memcpy(answer, page->answer, bytes);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    while (sent < bytes) {
        ssize_t n = send(fd, answer + sent, bytes - sent, MSG_NOSIGNAL);

        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    free(answer);
    (void)shutdown(fd, SHUT_WR);
    while (read(fd, path, sizeof(path)) > 0)
        ;
}

static void *run(void *data)
{
    struct tiny_server *server = data;
    int fd;

    while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
        serve(server, fd);
        close(fd);
    }
    return NULL;
}

void tiny_server_listen(struct tiny_server *server)
{
    ck_assert_int_eq(listen(server->fd, 64), 0);
    server->listening = true;
    ck_assert_int_eq(pthread_create(&server->thread, NULL, run, server), 0);
}

struct tiny_server *tiny_server_start(bool down)
{
    struct tiny_server *server = calloc(1, sizeof(*server));
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t bytes = sizeof(address);

    (void)pthread_mutex_init(&server->mutex, NULL);
    (void)pthread_cond_init(&server->changed, NULL);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(
        bind(server->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(
        getsockname(server->fd, (struct sockaddr *)&address, &bytes), 0);
    server->port = ntohs(address.sin_port);
    if (!down)
        tiny_server_listen(server);
    return server;
}

void tiny_server_stop(struct tiny_server *server)
{
    (void)pthread_mutex_lock(&server->mutex);
    server->stopping = true;
    (void)pthread_cond_broadcast(&server->changed);
    (void)pthread_mutex_unlock(&server->mutex);
    (void)shutdown(server->fd, SHUT_RDWR);
    if (server->listening)
        (void)pthread_join(server->thread, NULL);
    close(server->fd);
    for (size_t i = 0; i < TINY_PAGES; i++)
        free(server->pages[i].answer);
    (void)pthread_cond_destroy(&server->changed);
    (void)pthread_mutex_destroy(&server->mutex);
    free(server);
}

const char *tiny_server_url(const struct tiny_server *server, const char *path)
{
    static char urls[8][128];
    static unsigned next;
    char *url = urls[next++ % 8];

    (void)snprintf(url, sizeof(urls[0]), "http://127.0.0.1:%u%s", server->port,
                   path);
    return url;
}

void tiny_server_answer(struct tiny_server *server, const char *path,
                        const char *answer, size_t bytes)
{
    struct page *page;

    (void)pthread_mutex_lock(&server->mutex);
    page = find(server, path);
    ck_assert_ptr_nonnull(page);
    free(page->answer);
    page->answer = malloc(bytes + 1);
    page->bytes = bytes;
    memcpy(page->answer, answer, bytes);
    (void)snprintf(page->path, sizeof(page->path), "%s", path);
    (void)pthread_mutex_unlock(&server->mutex);
}

void tiny_server_serve(struct tiny_server *server, const char *path,
                       const char *headers, const char *body)
{
    char *answer = NULL;
    int bytes =
        asprintf(&answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n%s\r\n%s",
                 strlen(body), headers, body);

    ck_assert_int_gt(bytes, 0);
    tiny_server_answer(server, path, answer, (size_t)bytes);
    free(answer);
}

void tiny_server_hold(struct tiny_server *server, bool hold)
{
    (void)pthread_mutex_lock(&server->mutex);
    server->hold = hold;
    (void)pthread_cond_broadcast(&server->changed);
    (void)pthread_mutex_unlock(&server->mutex);
}

/* Under the mutex. */
static unsigned count_of(struct tiny_server *server, const char *path)
{
    const struct page *page = path != NULL ? find(server, path) : NULL;

    return path == NULL ? server->total : page != NULL ? page->count : 0;
}

unsigned tiny_server_count(struct tiny_server *server, const char *path)
{
    unsigned count;

    (void)pthread_mutex_lock(&server->mutex);
    count = count_of(server, path);
    (void)pthread_mutex_unlock(&server->mutex);
    return count;
}

void tiny_server_await(struct tiny_server *server, const char *path,
                       unsigned count)
{
    struct timespec end;
    int err = 0;

    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_S;
    (void)pthread_mutex_lock(&server->mutex);
    while (count_of(server, path) < count && err == 0)
        err = pthread_cond_timedwait(&server->changed, &server->mutex, &end);
    (void)pthread_mutex_unlock(&server->mutex);
    ck_assert_int_eq(err, 0);
}
