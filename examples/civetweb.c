/* civetweb.c - a civetweb program that embeds the hub: a vote on what to drink,
 * whose result everybody sees as it changes.
 *
 *     civetweb [port]
 *
 * A page opens ws://…/live?user=ada; `POST /vote?user=ada&for=tea` counts a
 * vote, sends everybody the new result, and thanks ada. The hub is called
 * directly from civetweb's threads, as it may be from any thread.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hub/hub.h>

#include "take_socket.h"

struct vote {
    hub_t *hub;
    pthread_mutex_t lock; /* the counts, and the order of their broadcasts */
    unsigned coffee, tea;
};

/* Returns 0 without the variable, or if it is too long. */
static int read_variable(const struct mg_request_info *request,
                         const char *name, char *value, size_t bytes)
{
    const char *query = request->query_string;

    return query != NULL &&
           mg_get_var(query, strlen(query), name, value, bytes) > 0;
}

static int has_user(const struct mg_request_info *request)
{
    char user[HUB_ID_BYTES_MAX + 1];

    return read_variable(request, "user", user, sizeof user);
}

static void enter(void *data, int fd, const struct mg_request_info *request)
{
    const struct vote *vote = data;
    struct hub_member member = HUB_MEMBER_INIT;
    char user[HUB_ID_BYTES_MAX + 1];
    int err;

    (void)read_variable(request, "user", user, sizeof user);
    member.user_id = user; /* is copied */
    err = hub_adopt(vote->hub, fd, &member, NULL);
    if (err != 0) {
        fprintf(stderr, "civetweb: %s: %s\n", user, hub_strerror(err));
        close(fd); /* after an error it is still ours */
    }
}

/* Returns the number of recipients, or one of the hub's errors. */
static int64_t count_vote(struct vote *vote, int is_tea, const char *user)
{
    char news[64];
    int64_t told;

    pthread_mutex_lock(&vote->lock);
    vote->tea += is_tea != 0;
    vote->coffee += is_tea == 0;
    (void)snprintf(news, sizeof news, "{\"coffee\":%u,\"tea\":%u}",
                   vote->coffee, vote->tea);
    told =
        hub_broadcast(vote->hub, HUB_TEXT_OF(news)); /* queues, never blocks */
    pthread_mutex_unlock(&vote->lock);
    if (told >= 0)
        (void)hub_send(vote->hub, HUB_TO_USER(user),
                       HUB_TEXT_OF("{\"thanks\":true}"), NULL);
    return told;
}

static int refuse(struct mg_connection *connection, int status, const char *why)
{
    mg_send_http_error(connection, status, "%s", why);
    return status;
}

static int on_vote(struct mg_connection *connection, void *vote)
{
    const struct mg_request_info *request = mg_get_request_info(connection);
    char user[HUB_ID_BYTES_MAX + 1], choice[16], body[64];
    int64_t told;
    int bytes;

    if (strcmp(request->request_method, "POST") != 0)
        return refuse(connection, 405, "POST only");
    if (!read_variable(request, "user", user, sizeof user) ||
        !read_variable(request, "for", choice, sizeof choice) ||
        (strcmp(choice, "coffee") != 0 && strcmp(choice, "tea") != 0))
        return refuse(connection, 400, "user, and for=coffee or for=tea");
    told = count_vote(vote, strcmp(choice, "tea") == 0, user);
    if (told < 0) /* the loops are behind, or it is shutting down */
        return refuse(connection, 503, hub_strerror((int)told));
    bytes = snprintf(body, sizeof body, "{\"told\":%" PRId64 "}\n", told);
    mg_send_http_ok(connection, "application/json", bytes);
    mg_write(connection, body, (size_t)bytes);
    return 200;
}

int main(int argc, char **argv)
{
    const char *port = argc > 1 ? argv[1] : "8080";
    const char *web_options[] = {"listening_ports", port, "num_threads", "16",
                                 NULL};
    struct vote vote = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct socket_taker taker = {
        .may_enter = has_user, .take = enter, .data = &vote};
    struct mg_callbacks callbacks = {0};
    struct mg_server_port listening;
    struct mg_context *web;
    sigset_t signals;
    int taken, err;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* in all later threads */
    err = hub_create(&vote.hub, NULL);
    if (err != 0) {
        fprintf(stderr, "civetweb: %s\n", hub_strerror(err));
        return 1;
    }
    mg_init_library(0);
    web = mg_start(&callbacks, NULL, web_options);
    if (web == NULL || mg_get_server_ports(web, 1, &listening) != 1) {
        fprintf(stderr, "civetweb: cannot listen on port %s\n", port);
        return 1;
    }
    mg_set_request_handler(web, "/vote", on_vote, &vote);
    take_sockets(web, "/live", &taker);
    printf("http://127.0.0.1:%d/vote and /live\n", listening.port);
    fflush(stdout);

    sigwait(&signals, &taken);
    hub_shutdown(vote.hub, 5000); /* clients are told when to come back */
    mg_stop(web);                 /* nothing calls the hub any more */
    hub_destroy(vote.hub);
    mg_exit_library();
    return 0;
}
