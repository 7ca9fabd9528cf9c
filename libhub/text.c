/* text.c - codes and causes in words; constants only. */
#include <hub/hub.h>

const char *hub_strerror(int error)
{
    switch (error) {
#define TEXT_OF(name, code, text)                                              \
    case name:                                                                 \
        return text;
        HUB_ERROR_MAP(TEXT_OF)
#undef TEXT_OF
    default:
        return error >= 0 ? "no error" : "unknown error";
    }
}

const char *hub_version(void)
{
    return HUB_VERSION;
}

const char *hub_close_cause_name(enum hub_close_cause cause)
{
    switch (cause) {
#define NAME_OF(name, text)                                                    \
    case name:                                                                 \
        return text;
        HUB_CLOSE_CAUSE_MAP(NAME_OF)
#undef NAME_OF
    }
    return "unknown";
}

const char *hub_sender_name(enum hub_sender sender)
{
    switch (sender) {
    case HUB_SENDER_AUTO:
        return "auto";
    case HUB_SENDER_URING:
        return "uring";
    case HUB_SENDER_SENDMSG:
        return "sendmsg";
    }
    return "unknown";
}
