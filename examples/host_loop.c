/* host_loop.c - the hub inside a program's own epoll loop: no threads of its
 * own, callbacks in the thread that polls.
 *
 * Reads lines from standard input and broadcasts them to two members, until
 * the input ends.
 */
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <hub/hub.h>

/* What was read but not sent yet: part of a line. */
struct input {
    char text[1024];
    size_t bytes;
};

static int print(void *data, hub_id id, const struct hub_message *message)
{
    (void)id;
    printf("%s: %.*s\n", (const char *)data, (int)message->payload_bytes,
           (const char *)message->payload);
    fflush(stdout);
    return 0;
}

static int join(hub_t *hub, const char *user, char *label)
{
    struct hub_member member = HUB_MEMBER_INIT;

    member.user_id = user;
    member.data = label;
    member.deliver = print;
    return hub_register(hub, &member, NULL);
}

static int watch(int epoll_fd, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void broadcast(hub_t *hub, const char *line, size_t bytes)
{
    struct hub_message message = HUB_MESSAGE_INIT;

    message.payload = line;
    message.payload_bytes = bytes;
    hub_broadcast(hub, &message);
}

/* A read returns any number of lines, and the beginning of another. A line that
 * is too long is sent in pieces. Returns 0 at the end of the input. */
static int broadcast_lines(hub_t *hub, struct input *input)
{
    ssize_t bytes = read(STDIN_FILENO, input->text + input->bytes,
                         sizeof input->text - input->bytes);
    const char *line = input->text, *end;

    if (bytes > 0)
        input->bytes += (size_t)bytes;
    while ((end = memchr(line, '\n', input->bytes)) != NULL) {
        broadcast(hub, line, (size_t)(end - line));
        input->bytes -= (size_t)(end - line) + 1;
        line = end + 1;
    }
    if (input->bytes == sizeof input->text ||
        (input->bytes > 0 && bytes <= 0)) {
        broadcast(hub, line, input->bytes);
        input->bytes = 0;
    }
    memmove(input->text, line, input->bytes);
    return bytes > 0;
}

int main(void)
{
    char left[] = "left", right[] = "right";
    struct hub_options options = HUB_OPTIONS_INIT;
    struct input input = {.bytes = 0};
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int running = 1;
    hub_t *hub;
    int err;

    options.flags = HUB_HOST_LOOP;
    err = hub_create(&hub, &options);
    if (err == 0)
        err = join(hub, "ada", left);
    if (err == 0)
        err = join(hub, "bob", right);
    if (err != 0) {
        fprintf(stderr, "host_loop: %s\n", hub_strerror(err));
        return 1;
    }
    if (watch(epoll_fd, hub_fd(hub)) != 0 ||
        watch(epoll_fd, STDIN_FILENO) != 0) {
        perror("host_loop: standard input must be a pipe or a terminal");
        return 1;
    }

    while (running) {
        struct epoll_event events[8];
        int count = epoll_wait(epoll_fd, events, 8, -1);

        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == STDIN_FILENO)
                running = broadcast_lines(hub, &input);
            else
                hub_poll(hub, 0);
        }
    }

    hub_shutdown(hub, 1000);
    hub_destroy(hub);
    close(epoll_fd);
    return 0;
}
