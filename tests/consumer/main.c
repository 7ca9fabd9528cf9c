/* main.c - a program that uses libhub as installed: members that take messages
 * through a callback, sends, a broadcast, and their results.
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

/* With a place that was reserved. */
static void enter_later(hub_t *hub, const char *user, struct inbox *inbox)
{
    struct hub_member member = HUB_MEMBER_INIT;
    hub_place_t *place;

    member.user_id = user;
    member.address = "\177\0\0\1";
    member.address_bytes = 4;
    CHECK(hub_reserve(hub, &member, &place) == 0);
    hub_release(hub, place);
    CHECK(hub_reserve(hub, &member, &member.place) == 0);
    CHECK(hub_reserve(hub, &member, &place) == HUB_EFULL_ADDRESS);
    member.data = inbox;
    member.deliver = deliver;
    CHECK(hub_register(hub, &member, NULL) == 0);
}

static int64_t send_to_others(hub_t *hub, const char *session, const char *user,
                              const char *text)
{
    struct hub_send_options options = HUB_SEND_OPTIONS_INIT;
    struct hub_target others = hub_to_session(session);

    others.except = HUB_TO_USER(user);
    return hub_send(hub, &others, HUB_TEXT_OF(text), &options);
}

static void check_refusals(hub_t *hub, hub_id gone)
{
    struct hub_member nobody = HUB_MEMBER_INIT;
    struct hub_target nowhere = HUB_TARGET_INIT;

    CHECK(hub_register(hub, &nobody, NULL) == HUB_EINVAL);
    CHECK(hub_send(hub, &nowhere, HUB_TEXT_OF("x"), NULL) == HUB_EINVAL);
    CHECK(hub_send(hub, HUB_TO_CONNECTION(gone), HUB_TEXT_OF("x"), NULL) ==
          HUB_ENOENT);
    CHECK(hub_send(hub, HUB_TO_USER("nobody"), HUB_TEXT_OF("x"), NULL) == 0);
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
    options.max_connections_per_address = 1;
    CHECK(strcmp(hub_version(), HUB_VERSION) == 0);
    CHECK(hub_create(&hub, &options) == 0);

    enter(hub, "ada", "room", &ada);
    enter(hub, "ada", NULL, &ada);
    enter(hub, "bob", "room", &bob);
    enter_later(hub, "ada", &ada);
    left = enter(hub, "cy", NULL, &bob);
    CHECK(hub_unregister(hub, left) == 0);
    check_refusals(hub, left);

    CHECK(hub_send(hub, HUB_TO_USER("ada"), HUB_TEXT_OF("12345"), NULL) == 3);
    CHECK(hub_send(hub, HUB_TO_SESSION("room"), HUB_TEXT_OF("123"), NULL) == 2);
    CHECK(hub_send(hub, HUB_TO_EITHER("ada", "room"), HUB_TEXT_OF("1"), NULL) ==
          4);
    CHECK(send_to_others(hub, "room", "bob", "1234567") == 1);
    CHECK(hub_broadcast(hub, HUB_BINARY_OF("\0\1", 2)) == 4);

    CHECK(hub_stats(hub, &stats) == 0);
    CHECK(stats.connections == 4 && stats.users == 2 && stats.sessions == 1);
    CHECK(hub_shutdown(hub, 5000) == 0);
    CHECK(hub_broadcast(hub, HUB_TEXT_OF("late")) == HUB_ESHUTDOWN);
    hub_destroy(hub);

    CHECK(atomic_load(&ada.messages) == 11 && atomic_load(&bob.messages) == 3);
    CHECK(atomic_load(&ada.bytes) == 15 + 3 + 3 + 7 + 6);
    CHECK(atomic_load(&bob.bytes) == 3 + 1 + 2);
    printf("C: libhub %s, %d messages\n", hub_version(),
           atomic_load(&ada.messages) + atomic_load(&bob.messages));
    return EXIT_SUCCESS;
}
