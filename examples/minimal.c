/* minimal.c - three members, a send and a broadcast.
 *
 *     cc minimal.c $(pkg-config --cflags --libs libhub) && ./a.out
 */
#include <stdio.h>

#include <hub/hub.h>

static int print(void *data, hub_id id, const struct hub_message *message)
{
    (void)id;
    printf("%s got: %.*s\n", (const char *)data, (int)message->payload_bytes,
           (const char *)message->payload);
    return 0;
}

static int join(hub_t *hub, const char *user, const char *session, char *label)
{
    struct hub_member member = HUB_MEMBER_INIT;

    member.user_id = user;
    member.session_id = session;
    member.data = label;
    member.deliver = print;
    return hub_register(hub, &member, NULL);
}

int main(void)
{
    char phone[] = "ada's phone", laptop[] = "ada's laptop", tablet[] = "bob";
    hub_t *hub;
    int err = hub_create(&hub, NULL);

    if (err == 0)
        err = join(hub, "ada", "s1", phone);
    if (err == 0)
        err = join(hub, "ada", "s2", laptop);
    if (err == 0)
        err = join(hub, "bob", NULL, tablet);
    if (err != 0) {
        fprintf(stderr, "minimal: %s\n", hub_strerror(err));
        return 1;
    }

    printf("to ada: %lld\n", (long long)hub_send(hub, HUB_TO_USER("ada"),
                                                 HUB_TEXT_OF("hello"), NULL));
    printf("to all: %lld\n",
           (long long)hub_broadcast(hub, HUB_TEXT_OF("dinner is ready")));

    hub_shutdown(hub, 1000); /* what was sent is delivered first */
    hub_destroy(hub);
    return 0;
}
