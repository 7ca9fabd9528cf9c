/* strict.c - all code in hub.h, initializers and inline functions, for C and
 * C++ compilers with all warnings. */
#include <hub/hub.h>

int use(void);

int use(void)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct hub_member member = HUB_MEMBER_INIT;
    struct hub_rejection rejection = HUB_REJECTION_INIT;
    struct hub_stats stats = HUB_STATS_INIT;
    struct hub_message text = hub_text("1");
    struct hub_message bytes = hub_binary("12", 2);
    struct hub_send_options sending = HUB_SEND_OPTIONS_INIT;
    struct hub_target targets[5];

    targets[0] = hub_to_user("u");
    targets[1] = hub_to_session("s");
    targets[2] = hub_to_either("u", "s");
    targets[3] = hub_to_connection(targets[0].id);
    targets[4] = hub_to_everybody();
    targets[4].except = &targets[3];
#ifdef __cplusplus
    if (hub_send(NULL, targets[4], text, &sending) == hub_broadcast(NULL, text))
        return 0;
#else
    if (hub_send(NULL, HUB_TO_USER("u"), HUB_TEXT_OF("1"), &sending) ==
            hub_send(NULL, HUB_TO_SESSION("s"), HUB_BINARY_OF("12", 2), NULL) ||
        hub_send(NULL, HUB_TO_EITHER("u", "s"), &text, NULL) ==
            hub_send(NULL, HUB_TO_CONNECTION(targets[3].id), &bytes, NULL) ||
        hub_send(NULL, HUB_EVERYBODY, &text, NULL) ==
            hub_broadcast(NULL, &text))
        return 0;
#endif
    return options.struct_size + member.struct_size + stats.struct_size >
               text.payload_bytes + bytes.payload_bytes &&
           targets[3].user_id == targets[1].user_id &&
           targets[2].session_id != member.session_id &&
           rejection.reason == options.expiry_reason &&
           hub_strerror(HUB_EINVAL) != hub_version() &&
           hub_histogram_bound_us(0) < stats.deliveries.sum_us;
}
