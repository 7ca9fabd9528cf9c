// main.cpp - the same outside view from C++17: initializers, callbacks and
// helper functions of the header in the hands of a stricter compiler.
//
// Messages arrive on the threads of the hub, under a lock here; hub_shutdown()
// returns when all of them have been delivered.
#include <hub/hub.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace
{

void check(bool condition, const char *what)
{
    if (condition)
        return;
    std::cerr << "failed: " << what << '\n';
    std::exit(EXIT_FAILURE);
}

class Inbox
{
  public:
    void take(const hub_message &message)
    {
        const std::lock_guard<std::mutex> held(mutex);
        messages.emplace_back(static_cast<const char *>(message.payload),
                              message.payload_bytes);
    }

    std::vector<std::string> messages;

  private:
    std::mutex mutex;
};

int deliver(void *data, hub_id, const hub_message *message)
{
    static_cast<Inbox *>(data)->take(*message);
    return 0;
}

hub_id enter(hub_t *hub, const char *user, const char *session, Inbox &inbox)
{
    hub_member member = HUB_MEMBER_INIT;
    hub_id id{};

    member.user_id = user;
    member.session_id = session;
    member.data = &inbox;
    member.deliver = deliver;
    check(hub_register(hub, &member, &id) == 0, "hub_register");
    return id;
}

} // namespace

int main()
{
    hub_options options = HUB_OPTIONS_INIT;
    hub_t *raw = nullptr;
    int closed = 0;

    options.loops = 1;
    options.data = &closed;
    options.closed = [](hub_t *hub, const hub_connection *,
                        const hub_close_info *) {
        ++*static_cast<int *>(hub_data(hub)); // one loop: one thread
    };
    check(hub_create(&raw, &options) == 0, "hub_create");

    Inbox ada, bob;
    {
        const std::unique_ptr<hub_t, decltype(&hub_destroy)> hub(raw,
                                                                 hub_destroy);
        const hub_id id = enter(hub.get(), "ada", "room", ada);
        enter(hub.get(), "bob", nullptr, bob);

        check(hub_send(hub.get(), hub_to_connection(id), hub_text("1")) == 1,
              "to a connection");
        check(hub_send(hub.get(), hub_to_user("bob"), hub_text("2")) == 1,
              "to a user");
        check(hub_send(hub.get(), hub_to_either("bob", "room"),
                       hub_text("3")) == 2,
              "to either");
        check(hub_broadcast(hub.get(), hub_binary("45", 2)) == 2,
              "to everybody");

        const hub_message six = hub_text("6");
        const hub_target bobs = hub_to_user("bob");
        hub_target others = hub_to_everybody();
        others.except = &bobs;
        check(hub_send(hub.get(), others, six) == 1, "to all but bob");
        check(hub_send(hub.get(), &bobs, &six, nullptr) == 1, "by pointer");

        struct hub_stats stats = HUB_STATS_INIT;
        check(hub_stats(hub.get(), &stats) == 0 && stats.users == 2,
              "hub_stats");
        check(hub_shutdown(hub.get(), 5000) == 0, "hub_shutdown");
    }
    check(ada.messages == std::vector<std::string>{"1", "3", "45", "6"},
          "ada's");
    check(bob.messages == std::vector<std::string>{"2", "3", "45", "6"},
          "bob's");
    check(closed == 2, "closed was called for both");
    std::cout << "C++: libhub " << hub_version() << ", "
              << ada.messages.size() + bob.messages.size() << " messages\n";
    return EXIT_SUCCESS;
}
