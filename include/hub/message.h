/* message.h - what a hub is given to deliver: a message, whom it is for, and
 * how it is to be sent. A part of hub.h, which includes it.
 */
#ifndef HUB_MESSAGE_H
#define HUB_MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Messages and targets. ----------------------------------------------- */

/* Names one connection for good: an id is never reused, so a stale one yields
 * HUB_ENOENT and never reaches another connection. 0 names nobody. */
typedef struct hub_id {
    uint64_t value; /* for comparing and printing only */
} hub_id;

#define HUB_ID_BYTES_MAX 256 /* of a user or session id */

/* The opcodes of RFC 6455, 11.8. */
enum hub_kind {
    HUB_TEXT = 1,   /* the caller ensures valid UTF-8 */
    HUB_BINARY = 2, /* any bytes */
};

/* A message: opaque bytes. */
struct hub_message {
    size_t struct_size;   /* as HUB_MESSAGE_INIT sets it */
    enum hub_kind kind;   /* text or binary */
    const void *payload;  /* may be NULL when payload_bytes is 0 */
    size_t payload_bytes; /* of a string: without its NUL */
};

/* An empty text. */
#define HUB_MESSAGE_INIT                                                       \
    {                                                                          \
        sizeof(struct hub_message), HUB_TEXT, NULL, 0                          \
    }

/* A text message from a string, which is not copied here. */
static inline struct hub_message hub_text(const char *text)
{
    struct hub_message m = HUB_MESSAGE_INIT;

    m.payload = text;
    m.payload_bytes = strlen(text);
    return m;
}

/* A binary message from bytes, which are not copied here. */
static inline struct hub_message hub_binary(const void *bytes, size_t count)
{
    struct hub_message m = HUB_MESSAGE_INIT;

    m.kind = HUB_BINARY;
    m.payload = bytes;
    m.payload_bytes = count;
    return m;
}

/* Flags of hub_target. */
#define HUB_TO_EVERYBODY 0x1u /* all connections */

#define HUB_TARGET_NAMES_MAX 65536 /* of a target, and of its `except` */

/* Whom to reach: the connections that any of the fields names, each of them
 * once, without those that `except` names. A user or session without
 * connections adds nobody, and neither does an id whose connection has left;
 * only if `id` is all the target names, that is HUB_ENOENT. A target must name
 * something, and at most HUB_TARGET_NAMES_MAX ids, users and sessions. */
struct hub_target {
    size_t struct_size;              /* as HUB_TARGET_INIT sets it */
    unsigned flags;                  /* HUB_TO_EVERYBODY, or 0 */
    hub_id id;                       /* a connection; 0: none */
    const char *user_id;             /* all connections of a user, or NULL */
    const char *session_id;          /* all connections of a session, or NULL */
    const hub_id *ids;               /* more connections */
    size_t id_count;                 /* how many; 0: ids may be NULL */
    const char *const *user_ids;     /* more users, none of them NULL */
    size_t user_id_count;            /* how many; 0: user_ids may be NULL */
    const char *const *session_ids;  /* more sessions, none of them NULL */
    size_t session_id_count;         /* how many, likewise */
    const struct hub_target *except; /* who is left out, or NULL. It may name
                                        nobody, and has no `except` itself. */
};

/* Nobody yet. */
#define HUB_TARGET_INIT                                                        \
    {                                                                          \
        sizeof(struct hub_target), 0, {0}, NULL, NULL, NULL, 0, NULL, 0, NULL, \
            0, NULL                                                            \
    }

/* All connections. */
static inline struct hub_target hub_to_everybody(void)
{
    struct hub_target t = HUB_TARGET_INIT;

    t.flags = HUB_TO_EVERYBODY;
    return t;
}

/* All connections of a user. */
static inline struct hub_target hub_to_user(const char *user_id)
{
    struct hub_target t = HUB_TARGET_INIT;

    t.user_id = user_id;
    return t;
}

/* All connections of a session. */
static inline struct hub_target hub_to_session(const char *session_id)
{
    struct hub_target t = HUB_TARGET_INIT;

    t.session_id = session_id;
    return t;
}

/* All connections of a user and all of a session, each of them once. */
static inline struct hub_target hub_to_either(const char *user_id,
                                              const char *session_id)
{
    struct hub_target t = HUB_TARGET_INIT;

    t.user_id = user_id;
    t.session_id = session_id;
    return t;
}

/* One connection. */
static inline struct hub_target hub_to_connection(hub_id id)
{
    struct hub_target t = HUB_TARGET_INIT;

    t.id = id;
    return t;
}

#ifndef __cplusplus
/* All connections of a user, for one call:
 *
 *     hub_send(hub, HUB_TO_USER("ada"), HUB_TEXT_OF("hello"), NULL);
 *
 * This and the following macros yield pointers that are valid until the end of
 * the enclosing block; the body of an `if` or a loop is a block too, with or
 * without braces. C++ has overloads of hub_send() and hub_broadcast() instead,
 * which take what the functions above return:
 *
 *     hub_send(hub, hub_to_user("ada"), hub_text("hello")); */
#define HUB_TO_USER(user_id) ((const struct hub_target[]){hub_to_user(user_id)})

/* All connections of a session, for one call. */
#define HUB_TO_SESSION(session_id)                                             \
    ((const struct hub_target[]){hub_to_session(session_id)})

/* All connections of a user and all of a session, for one call. */
#define HUB_TO_EITHER(user_id, session_id)                                     \
    ((const struct hub_target[]){hub_to_either((user_id), (session_id))})

/* One connection, for one call. */
#define HUB_TO_CONNECTION(id)                                                  \
    ((const struct hub_target[]){hub_to_connection(id)})

/* All connections, for one call. */
#define HUB_EVERYBODY ((const struct hub_target[]){hub_to_everybody()})

/* A text message from a string, for one call. */
#define HUB_TEXT_OF(text) ((const struct hub_message[]){hub_text(text)})

/* A binary message from bytes, for one call. */
#define HUB_BINARY_OF(bytes, count)                                            \
    ((const struct hub_message[]){hub_binary((bytes), (count))})
#endif

/* How to send. */
struct hub_send_options {
    size_t struct_size; /* as HUB_SEND_OPTIONS_INIT sets it */
    unsigned wait_ms;   /* how long to wait, at most, if the call would return
                           HUB_EAGAIN; 0: not at all. A callback must not wait
                           (HUB_EDEADLK), and the thread that drives a
                           HUB_HOST_LOOP hub would wait for itself. */
    unsigned flags;     /* 0: there are none yet */
};

/* All defaults. */
#define HUB_SEND_OPTIONS_INIT                                                  \
    {                                                                          \
        sizeof(struct hub_send_options), 0, 0                                  \
    }

#ifdef __cplusplus
}
#endif

#endif
