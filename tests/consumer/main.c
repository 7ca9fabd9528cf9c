/* main.c - a program that knows libhub only as installed: members that take
 * messages through a callback, sends, a broadcast, and what comes back.
 *
 * Messages arrive on the threads of the hub, so the counts are atomic;
 * hub_shutdown() returns when all of them have been delivered.
 */
#include <hub/hub.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);    \
            exit(EXIT_FAILURE);                                                \
        }                                                                      \
    } while (0)

struct inbox {
    atomic_int messages;
    atomic_size_t bytes;
};

static int deliver(void *data, hub_id id, const struct hub_message *message)
{
    struct inbox *inbox = (struct inbox *)data;

    (void)id;
    atomic_fetch_add(&inbox->messages, 1);
    atomic_fetch_add(&inbox->bytes, message->payload_bytes);
    return 0;
}

static hub_id enter(hub_t *hub, const char *user, const char *session,
                    struct inbox *inbox)
{
    struct hub_member member = HUB_MEMBER_INIT;
    hub_id id;

    member.user_id = user;
    member.session_id = session;
    member.data = inbox;
    member.deliver = deliver;
    CHECK(hub_register(hub, &member, &id) == 0);
    return id;
}

static void check_refusals(hub_t *hub, hub_id gone)
{
    struct hub_member nobody = HUB_MEMBER_INIT;
    struct hub_target nowhere = {{0}, NULL, NULL};

    CHECK(hub_register(hub, &nobody, NULL) == HUB_EINVAL);
    CHECK(hub_send(hub, nowhere, hub_text("x")) == HUB_EINVAL);
    CHECK(hub_send(hub, hub_to_connection(gone), hub_text("x")) == HUB_ENOENT);
    CHECK(hub_send(hub, hub_to_user("nobody"), hub_text("x")) == 0);
    CHECK(strlen(hub_strerror(HUB_ENOENT)) > 0);
}

int main(void)
{
    static struct inbox ada, bob;
    struct hub_options options = HUB_OPTIONS_INIT;
    struct hub_stats stats = HUB_STATS_INIT;
    hub_t *hub;
    hub_id left;

    options.loops = 1;
    CHECK(strcmp(hub_version(), HUB_VERSION) == 0);
    CHECK(hub_create(&hub, &options) == 0);

    enter(hub, "ada", "room", &ada);
    enter(hub, "ada", NULL, &ada);
    enter(hub, "bob", "room", &bob);
    left = enter(hub, "cy", NULL, &bob);
    CHECK(hub_unregister(hub, left) == 0);
    check_refusals(hub, left);

    CHECK(hub_send(hub, hub_to_user("ada"), hub_text("12345")) == 2);
    CHECK(hub_send(hub, hub_to_session("room"), hub_text("123")) == 2);
    CHECK(hub_send(hub, hub_to_either("ada", "room"), hub_text("1")) == 3);
    CHECK(hub_broadcast(hub, hub_binary("\0\1", 2)) == 3);

    CHECK(hub_stats(hub, &stats) == 0);
    CHECK(stats.connections == 3 && stats.users == 2 && stats.sessions == 1);
    CHECK(hub_shutdown(hub, 5000) == 0);
    CHECK(hub_broadcast(hub, hub_text("late")) == HUB_ESHUTDOWN);
    hub_destroy(hub);

    CHECK(atomic_load(&ada.messages) == 7 && atomic_load(&bob.messages) == 3);
    CHECK(atomic_load(&ada.bytes) == 10 + 3 + 2 + 4);
    CHECK(atomic_load(&bob.bytes) == 3 + 1 + 2);
    printf("C: libhub %s, %d messages\n", hub_version(),
           atomic_load(&ada.messages) + atomic_load(&bob.messages));
    return EXIT_SUCCESS;
}
