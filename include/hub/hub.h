/* hub.h - deliver messages to people who are connected right now.
 *
 * A hub knows its connections by user id, session id and connection id, and
 * delivers what it is given to one user, one session, one connection or to
 * everybody. A connection is either a socket on which a WebSocket handshake
 * (RFC 6455) has been completed by some HTTP server, handed over with
 * hub_adopt(), or anything else that can take a message, described by a
 * callback and added with hub_register().
 *
 * Each function below ends with three fixed lines:
 *   Threads:  any   - from any thread at any time, callbacks included
 *             outer - from any thread, but not from inside a callback
 *             host  - only from the thread that drives a HUB_HOST_LOOP hub
 *             quiet - while no other call on the same hub is under way
 *   Owns:     who releases what
 *   Returns:  0 or a count, or one of the negative codes of HUB_ERROR_MAP
 * A function that returns an error has changed nothing. Without a hub,
 * functions that can return an error return HUB_EINVAL.
 *
 * Structs grow only at their end. One that the caller fills in begins with its
 * size, which its HUB_..._INIT sets; a field that is zero has its default, or
 * means none. A caller built against a longer struct works as long as the
 * fields that this library does not know are zero. The structs that callbacks
 * get belong to the library, and may be longer in a later version.
 */
#ifndef HUB_HUB_H
#define HUB_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hub/message.h>
#include <hub/stats.h>
#include <hub/version.h>

#if defined(__GNUC__)
#define HUB_API __attribute__((visibility("default")))
#else
#define HUB_API
#endif

#ifdef __cplusplus
extern "C" {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" /* hub_stats(), struct hub_stats */
#endif

/* Errors. ------------------------------------------------------------- */

/* Each error with its code and the text of hub_strerror(). */
#define HUB_ERROR_MAP(X)                                                       \
    X(HUB_EINVAL, -1, "an argument is missing or out of range")                \
    X(HUB_ENOMEM, -2, "out of memory")                                         \
    X(HUB_ENOENT, -3, "no such connection")                                    \
    X(HUB_ESHUTDOWN, -4, "the hub is shutting down")                           \
    X(HUB_EFULL, -5, "the hub has reached its connection limit")               \
    X(HUB_EAGAIN, -6, "the event loops are behind; try again")                 \
    X(HUB_ETIMEDOUT, -7, "the deadline passed before everything was done")     \
    X(HUB_EDEADLK, -8, "the call would wait for the caller itself")            \
    X(HUB_ESYSTEM, -9, "a system call failed; errno says why")                 \
    X(HUB_ENOTSOCK, -10, "not a connected stream socket")                      \
    X(HUB_ENOTSUP, -11, "what was asked for is not supported here")            \
    X(HUB_EFULL_USER, -12, "the user has reached its connection limit")        \
    X(HUB_EFULL_ADDRESS, -13, "the address has reached its connection limit")

/* What functions return when they fail. */
enum hub_error {
#define HUB_ERROR_ENUM(name, code, text) name = (code),
    HUB_ERROR_MAP(HUB_ERROR_ENUM)
#undef HUB_ERROR_ENUM
};

/* One English sentence for a code of HUB_ERROR_MAP; never NULL.
 * Threads: any.  Owns: the text is constant.  Returns: see above. */
HUB_API const char *hub_strerror(int error);

/* The version of the linked library, in the form of HUB_VERSION.
 * Threads: any.  Owns: the text is constant.  Returns: see above. */
HUB_API const char *hub_version(void);

/* Types. -------------------------------------------------------------- */

/* A hub; opaque. */
typedef struct hub hub_t;

#define HUB_ADDRESS_BYTES_MAX 16 /* of hub_member.address */
#define HUB_REASON_BYTES_MAX 123 /* of a close reason, RFC 6455 5.5 */
#define HUB_REJECTIONS_MAX 1024  /* at a time, see hub_reject() */

/* Takes one message for one member. `payload` is valid only during the call.
 * Runs on the thread that drives the member's event loop, one call at a time
 * per member, in the order of the sends. Any result but 0 says that the member
 * can take no more: it leaves the hub with HUB_CLOSED_LOST. */
typedef int hub_deliver_fn(void *data, hub_id id,
                           const struct hub_message *message);

/* A reserved place in the hub; see hub_reserve(). */
typedef struct hub_place hub_place_t;

/* Who connects. Ids have 1 to HUB_ID_BYTES_MAX bytes, and are compared byte by
 * byte and copied. */
struct hub_member {
    size_t struct_size;      /* as HUB_MEMBER_INIT sets it */
    const char *user_id;     /* required, unless there is a place */
    const char *session_id;  /* or NULL */
    void *data;              /* handed back in every callback */
    hub_deliver_fn *deliver; /* hub_register() only */
    const void *preamble;    /* hub_adopt() only: bytes to send before all
                                messages, such as the reply to the handshake;
                                not counted as sent; copied; or NULL */
    size_t preamble_bytes;   /* of it */
    const void *address;     /* where it comes from, as any bytes, for
                                max_connections_per_address; copied */
    size_t address_bytes;    /* at most HUB_ADDRESS_BYTES_MAX; 0: no address,
                                and no limit per address */
    hub_place_t *place;      /* from hub_reserve(), or NULL. With one, ids and
                                address are those it was reserved for; if they
                                are given here too, they must be the same. */
    int64_t expires_ms;      /* until it expires, from the call on, see
                                hub_extend(); 0: never */
    const struct hub_message *greeting; /* the first message it gets, before
                                           any other and right after the
                                           preamble; copied; or NULL */
};

/* Nobody yet; set at least user_id. */
#define HUB_MEMBER_INIT                                                        \
    {                                                                          \
        sizeof(struct hub_member), NULL, NULL, NULL, NULL, NULL, 0, NULL, 0,   \
            NULL, 0, NULL                                                      \
    }

/* Why a socket is rejected. */
struct hub_rejection {
    size_t struct_size;    /* as HUB_REJECTION_INIT sets it */
    const void *preamble;  /* as in struct hub_member */
    size_t preamble_bytes; /* of it */
    int code;              /* of the Close frame, as in hub_close(); required */
    const char *reason;    /* in it, or NULL */
};

/* No reason yet; set at least code. */
#define HUB_REJECTION_INIT                                                     \
    {                                                                          \
        sizeof(struct hub_rejection), NULL, 0, 0, NULL                         \
    }

/* A connection as callbacks see it; valid only during the callback. */
struct hub_connection {
    hub_id id;              /* as hub_register() or hub_adopt() gave it */
    const char *user_id;    /* as in struct hub_member */
    const char *session_id; /* NULL without one */
    void *data;             /* of struct hub_member */
};

/* Each cause with its word, see hub_close_cause_name(). */
#define HUB_CLOSE_CAUSE_MAP(X)                                                 \
    X(HUB_CLOSED_BY_PEER, "peer")              /* its Close frame came */      \
    X(HUB_CLOSED_BY_HOST, "host")              /* hub_close, _unregister */    \
    X(HUB_CLOSED_SHUTDOWN, "shutdown")         /* hub_shutdown, _destroy */    \
    X(HUB_CLOSED_LOST, "lost")                 /* end of stream or error */    \
    X(HUB_CLOSED_PROTOCOL_ERROR, "protocol")   /* 1002, 1007, 1008 or 1009 */  \
    X(HUB_CLOSED_SLOW_CONSUMER, "slow")        /* its queue was full */        \
    X(HUB_CLOSED_PONG_TIMEOUT, "pong_timeout") /* nothing after a ping */      \
    X(HUB_CLOSED_WRITE_TIMEOUT, "write_timeout") /* took no bytes */           \
    X(HUB_CLOSED_ERROR, "error")                 /* a failure on our side */   \
    X(HUB_CLOSED_EXPIRED, "expired")             /* see hub_extend() */

/* Why a connection ended. */
enum hub_close_cause {
#define HUB_CLOSE_CAUSE_ENUM(name, text) name,
    HUB_CLOSE_CAUSE_MAP(HUB_CLOSE_CAUSE_ENUM)
#undef HUB_CLOSE_CAUSE_ENUM
};

/* The cause in one word, as in HUB_CLOSE_CAUSE_MAP.
 * Threads: any.  Owns: the text is constant.  Returns: never NULL. */
HUB_API const char *hub_close_cause_name(enum hub_close_cause cause);

/* How a connection ended, and what it carried. */
struct hub_close_info {
    enum hub_close_cause cause; /* who or what ended it */
    int code; /* RFC 6455, 7.4: of the first Close frame; 1006: there was none,
                 1005: it carried no code */
    int64_t duration_ms;                /* since `opened` */
    uint64_t messages_in, messages_out; /* data messages, whole */
    uint64_t bytes_in, bytes_out;       /* on the wire, headers included */
};

/* The severity of a log line. */
enum hub_log_level {
    HUB_LOG_DEBUG, /* details for debugging the library */
    HUB_LOG_INFO,  /* normal operation */
    HUB_LOG_WARN,  /* it works, but worse than it should */
    HUB_LOG_ERROR, /* a part of it has stopped working */
};

/* What happens when a connection's queue is full, see hub_options.queue_bytes.
 * A message is always sent whole or not at all. */
enum hub_slow_consumer {
    HUB_SLOW_CLOSE = 0,   /* close it with 1013 */
    HUB_SLOW_DROP_OLDEST, /* make room by dropping the oldest messages */
    HUB_SLOW_DROP_NEWEST, /* drop the new message */
};

/* How the bytes of many connections reach the kernel. */
enum hub_sender {
    HUB_SENDER_AUTO = 0, /* io_uring where available, else sendmsg */
    HUB_SENDER_URING,    /* a batch in one system call; if a ring fails later,
                            its loop falls back to sendmsg and logs that */
    HUB_SENDER_SENDMSG,  /* one system call per connection */
};

/* The sender in one word: "auto", "uring" or "sendmsg".
 * Threads: any.  Owns: the text is constant.  Returns: never NULL. */
HUB_API const char *hub_sender_name(enum hub_sender sender);

/* Flags of hub_options. */
#define HUB_HOST_LOOP 0x1u /* no threads: the host calls hub_poll() */

/* How a hub is set up; a field that is zero has its default.
 *
 * Callbacks run on a loop thread, or inside hub_poll(); for one connection they
 * never overlap, and come in the order opened, message and expiring..., closed.
 * A callback may call all functions marked 'any'; it must not block, since it
 * would hold up the other connections of its loop. */
struct hub_options {
    size_t struct_size;       /* as HUB_OPTIONS_INIT sets it */
    unsigned flags;           /* HUB_HOST_LOOP, or 0 */
    unsigned loops;           /* event loops, one thread each, at most 1024; one
                                 with HUB_HOST_LOOP; 0: one for each CPU
                                 that the caller may run on */
    uint64_t max_connections; /* 0: no limit */
    size_t max_message_bytes; /* largest message from a peer; 0: 512 KiB */
    size_t queue_bytes;       /* may wait for one connection; 0: 1 MiB */
    size_t backlog_bytes; /* may wait for one loop to handle it; 0: 64 MiB */
    enum hub_slow_consumer slow_consumer; /* when a queue is full */
    unsigned ping_interval_ms;            /* silence before a ping; 0: 25 000 */
    unsigned pong_timeout_ms;    /* silence after the ping; 0: 10 000 */
    unsigned write_timeout_ms;   /* taking no bytes at all; 0: 10 000 */
    unsigned message_timeout_ms; /* from a message's first byte to its last;
                                    0: 60 000 */
    unsigned close_timeout_ms;   /* for the peer's part in a close; 0: 5 000 */

    void *data; /* for hub_data() */
    /* The first call for a connection. */
    void (*opened)(hub_t *hub, const struct hub_connection *connection);
    /* A complete message from a socket. */
    void (*message)(hub_t *hub, const struct hub_connection *connection,
                    const struct hub_message *message);
    /* The last call for a connection: its data may be released in here. */
    void (*closed)(hub_t *hub, const struct hub_connection *connection,
                   const struct hub_close_info *info);
    /* From any thread that is inside the library. */
    void (*log)(void *data, enum hub_log_level level, const char *text);

    enum hub_sender sender;  /* for the sockets of all loops */
    unsigned messages_per_s; /* from one peer, pings and pongs included, in
                                bursts of up to ten seconds' worth; a peer that
                                sends more is closed with 1008; at most
                                1 000 000; 0: no limit */
    size_t memory_bytes;     /* for the messages of all connections together:
                                one half for those that are queued, one for
                                those that are partly received; at least 32
                                times max_message_bytes; 0: no limit. One
                                connection may hold a sixteenth of what is free;
                                beyond that, it is a slow consumer, or is closed
                                with 1013. */
    uint64_t max_connections_per_user;    /* 0: no limit */
    uint64_t max_connections_per_address; /* 0: no limit */

    /* The connection expires in remaining_ms; 0: it has. See hub_extend(). */
    void (*expiring)(hub_t *hub, const struct hub_connection *connection,
                     int64_t remaining_ms);
    unsigned expiry_warning_ms; /* from `expiring` to the expiry; 0: 60 000 */
    unsigned expiry_grace_ms;   /* from the expiry to the close; 0: 25 000 */
    const char *expiry_reason; /* in the Close frame; copied; NULL: "expired" */
};

/* All defaults, no callbacks. */
#define HUB_OPTIONS_INIT                                                       \
    {                                                                          \
        sizeof(struct hub_options), 0, 0, 0, 0, 0, 0, HUB_SLOW_CLOSE, 0, 0, 0, \
            0, 0, NULL, NULL, NULL, NULL, NULL, HUB_SENDER_AUTO, 0, 0, 0, 0,   \
            NULL, 0, 0, NULL                                                   \
    }

/* The hub. ------------------------------------------------------------ */

/* Makes a hub and starts its event loops. `options` may be NULL.
 * Threads: any.
 * Owns:    the caller calls hub_destroy(); options are copied.
 * Returns: 0 · HUB_EINVAL a value out of range, an unknown flag or field ·
 *          HUB_ENOMEM · HUB_ESYSTEM no descriptor or thread available ·
 *          HUB_ENOTSUP HUB_SENDER_URING was asked for, and io_uring is not
 *          available; errno says why. */
HUB_API int hub_create(hub_t **hub, const struct hub_options *options);

/* Cuts off the connections that hub_shutdown() has left, without a Close frame,
 * calls `closed` for each of them, joins the threads and releases the hub. NULL
 * is allowed.
 * Threads: quiet, outside callbacks.
 * Owns:    the hub is gone; sockets it had adopted are closed. */
HUB_API void hub_destroy(hub_t *hub);

/* hub_options.data, or NULL without a hub.  Threads: any. */
HUB_API void *hub_data(const hub_t *hub);

/* Changes hub_options.max_connections; existing connections stay.
 * Threads: any.  Returns: 0 · HUB_EINVAL. */
HUB_API int hub_set_max_connections(hub_t *hub, uint64_t max_connections);

/* Reserves a place for a connection that is about to be added. It counts toward
 * all three limits like a connection, so that a handshake need only be accepted
 * if there is room. Of the member, only ids and address are used.
 * Threads: any.
 * Owns:    the place is the caller's until it is passed to hub_register() or
 *          hub_adopt() with the member, or to hub_release(); one of these must
 *          happen before hub_destroy().
 * Returns: 0 and the place · HUB_EINVAL an id that is missing, empty or too
 *          long, or an address that is too long · HUB_EFULL · HUB_EFULL_USER ·
 *          HUB_EFULL_ADDRESS · HUB_ENOMEM · HUB_ESHUTDOWN. */
HUB_API int hub_reserve(hub_t *hub, const struct hub_member *member,
                        hub_place_t **place);

/* Gives back a place that no connection has taken. NULL is allowed.
 * Threads: any.
 * Owns:    the place is gone. */
HUB_API void hub_release(hub_t *hub, hub_place_t *place);

/* Adds a member that takes messages through member->deliver. Without a place,
 * it reserves one itself.
 * Threads: any. `opened` may run before this returns.
 * Owns:    member is copied, and its place is the hub's; member->data stays the
 *          caller's, to be released in `closed` at the earliest. After an error
 *          no callback runs, and the place is still the caller's.
 * Returns: 0 and the id (`id` may be NULL) · HUB_EINVAL as hub_reserve(), or no
 *          `deliver`, a preamble, a negative expires_ms, a greeting that
 *          hub_send() would not take, or a place reserved for somebody else ·
 *          HUB_ENOMEM · HUB_ESHUTDOWN · without a place also HUB_EFULL,
 *          HUB_EFULL_USER and HUB_EFULL_ADDRESS. */
HUB_API int hub_register(hub_t *hub, const struct hub_member *member,
                         hub_id *id);

/* Adds a connected stream socket. The server's side of the opening handshake
 * (RFC 6455, 4.2.2) must have been sent completely, or be member->preamble, and
 * nothing beyond the client's side of it may have been read. From then on the
 * hub speaks the protocol: frames, fragments, pings, close. With a preamble, a
 * client that has seen the answer to its handshake gets every message that is
 * sent afterwards.
 * Threads: any. `opened` may run before this returns.
 * Owns:    the hub closes fd; after an error it is still the caller's. The rest
 *          as in hub_register().
 * Returns: as hub_register(), and HUB_ENOTSOCK; HUB_EINVAL if there is a
 *          `deliver`, or no preamble where preamble_bytes is not 0. */
HUB_API int hub_adopt(hub_t *hub, int fd, const struct hub_member *member,
                      hub_id *id);

/* Takes a socket like hub_adopt(), but only to tell its peer why it is closed;
 * web pages learn nothing about a rejected handshake. Sends the preamble and
 * a Close frame, and discards what the peer sends until its own Close frame
 * arrives, the stream ends, or about two seconds have passed. Such a socket is
 * not a connection: it has no id, no callbacks and no place, and in the
 * statistics it only counts as `rejected`. A shutdown closes it at once.
 * Threads: any.
 * Owns:    rejection is copied; the hub closes fd; after an error it is still
 *          the caller's.
 * Returns: 0 · HUB_EINVAL as hub_close(), or no preamble where preamble_bytes
 *          is not 0 · HUB_ENOTSOCK · HUB_EFULL there are HUB_REJECTIONS_MAX
 *          already · HUB_ENOMEM · HUB_ESHUTDOWN. */
HUB_API int hub_reject(hub_t *hub, int fd,
                       const struct hub_rejection *rejection);

/* Queues a message for the connections that `target` names; `options` may be
 * NULL. Either all of them get it or none does. Messages from one thread reach
 * a connection in the order of the calls. Success means queued, not received.
 * Threads: any, but see hub_send_options.wait_ms.
 * Owns:    the payload is copied once, however many the recipients.
 * Returns: the number of connections it was queued for, which may be 0 ·
 *          HUB_EINVAL a target that names nothing, or too many, a list that is
 *          missing, an invalid kind, no payload although payload_bytes is not
 *          0, an unknown flag or field · HUB_ENOENT the target is `id` alone,
 *          and that connection has left · HUB_ENOMEM · HUB_EAGAIN backlog_bytes
 *          or memory_bytes are used up, or a loop has broadcasts for about a
 *          second to write · HUB_EDEADLK wait_ms in a callback · HUB_ESHUTDOWN,
 *          also while it waits. */
HUB_API int64_t hub_send(hub_t *hub, const struct hub_target *target,
                         const struct hub_message *message,
                         const struct hub_send_options *options);

/* Queues a message for every connection: hub_send() with HUB_TO_EVERYBODY and
 * no options.
 * Threads, Owns, Returns: as hub_send(). */
HUB_API int64_t hub_broadcast(hub_t *hub, const struct hub_message *message);

/* Sets a new expiry for a connection: in `expires_ms`, or never if that is 0.
 * `expiring` is called once, expiry_warning_ms before the expiry, or at once if
 * less is left, and again after each extension. expiry_grace_ms after the
 * expiry, the connection is closed after what is queued for it, with code 3000
 * and expiry_reason, and with HUB_CLOSED_EXPIRED; if many are due, a thousand a
 * second. Until then it can still be extended. Takes effect in the connection's
 * loop.
 * Threads: any.
 * Returns: 0, also if the connection is just being closed · HUB_ENOENT as
 *          hub_close() · HUB_EINVAL a negative expires_ms · HUB_ENOMEM. */
HUB_API int hub_extend(hub_t *hub, hub_id id, int64_t expires_ms);

/* Closes a connection once what is queued for it has been sent: a socket gets a
 * Close frame with `code` and `reason` (NULL: none) and close_timeout_ms to
 * answer. When this returns, the connection has left the hub and is neither
 * reachable nor counted; `closed` is called later, with HUB_CLOSED_BY_HOST.
 * Threads: any.
 * Owns:    reason is copied.
 * Returns: 0 · HUB_ENOENT, also while the hub shuts down and closes everything
 *          itself · HUB_EINVAL a code that must not be sent (RFC 6455, 7.4), a
 *          reason that is too long or not UTF-8 · HUB_ENOMEM. */
HUB_API int hub_close(hub_t *hub, hub_id id, int code, const char *reason);

/* Takes a connection out of the hub without a Close frame. What was queued for
 * a member is still delivered; a socket is closed at once.
 * Threads: any.
 * Owns:    as hub_close(): `closed` is called later.
 * Returns: 0 · HUB_ENOENT as hub_close() · HUB_ENOMEM. */
HUB_API int hub_unregister(hub_t *hub, hub_id id);

/* Fills in as much of `stats` as fits into stats->struct_size.
 * Threads: any.  Returns: 0 · HUB_EINVAL. */
HUB_API int hub_stats(hub_t *hub, struct hub_stats *stats);

/* Shuts the hub down gracefully: it takes no new connections and no new
 * messages, delivers what is queued, and sends every socket a Close frame with
 * 1001. These are spread out, a thousand a second or as many as it takes to
 * send all in half of `timeout_ms`, and their reason says when to come back,
 * spread out likewise: `shutting down; retry-after-ms=2750`. Until its own
 * Close frame is sent, a connection is open, and `message` may be called for
 * it. Waits until all are gone, or for at most `timeout_ms`, after which the
 * rest are cut off. With HUB_HOST_LOOP, it drives the loop meanwhile.
 * Threads: outer (host with HUB_HOST_LOOP), once.
 * Returns: 0 · HUB_ETIMEDOUT some had to be cut off · HUB_ESHUTDOWN it was
 *          called before · HUB_EDEADLK called from a callback. */
HUB_API int hub_shutdown(hub_t *hub, unsigned timeout_ms);

/* The opening handshake. ---------------------------------------------- */

#define HUB_ACCEPT_BYTES 28 /* of a Sec-WebSocket-Accept */

/* A client's part of the opening handshake (RFC 6455, 4.2.1), for programs
 * whose HTTP server leaves that to them: set method and http_version, pass each
 * header line to hub_handshake_header(), and call hub_handshake_check().
 * Nothing is copied: the texts must stay in place until then. Grows like struct
 * hub_options. */
struct hub_handshake {
    size_t struct_size;       /* as HUB_HANDSHAKE_INIT sets it */
    const char *method;       /* of the request, such as "GET" */
    const char *http_version; /* "HTTP/1.1", or just "1.1" */
    const char *version;      /* filled in: Sec-WebSocket-Version, or NULL */
    const char *key;          /* filled in: Sec-WebSocket-Key, or NULL */
    unsigned versions, keys;  /* filled in: how many there were */
    unsigned connection;      /* filled in: 1 if Connection lists "upgrade" */
    unsigned upgrade;         /* filled in: 1 if Upgrade lists "websocket" */
};

/* No header line yet. */
#define HUB_HANDSHAKE_INIT                                                     \
    {                                                                          \
        sizeof(struct hub_handshake), NULL, NULL, NULL, NULL, 0, 0, 0, 0       \
    }

/* Takes in one header line, whatever its name. Lines may come in any order.
 * Threads: any.
 * Owns:    the value stays the caller's, and must stay in place until the
 *          check.
 * Returns: 0 · HUB_EINVAL. */
HUB_API int hub_handshake_header(struct hub_handshake *handshake,
                                 const char *name, const char *value);

/* Checks whether this is a valid handshake. If so, it is to be answered with
 * 101, `Upgrade: websocket`, `Connection: Upgrade` and a Sec-WebSocket-Accept,
 * which is written to `accept`: HUB_ACCEPT_BYTES and a NUL. If not, `problem`
 * (may be NULL) gets a sentence that says why.
 * Threads: any.
 * Owns:    the sentence is constant.
 * Returns: 0 · HUB_ENOTSUP another version of the protocol, to be answered with
 *          426 and `Sec-WebSocket-Version: 13` · HUB_EINVAL anything else, to
 *          be answered with 400. */
HUB_API int hub_handshake_check(const struct hub_handshake *handshake,
                                char *accept, const char **problem);

/* Computes just the Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455,
 * 4.2.2).
 * Threads: any.
 * Owns:    `accept` has room for HUB_ACCEPT_BYTES and a NUL.
 * Returns: 0 · HUB_EINVAL a key that is not the base64 of 16 bytes. */
HUB_API int hub_accept_key(const char *key, char *accept);

/* The loop in the host's hands (HUB_HOST_LOOP). ----------------------- */

/* A descriptor that becomes readable when hub_poll() has something to do,
 * timers included. Watch it, but do not read from it.
 * Threads: any.
 * Owns:    the hub.
 * Returns: the descriptor · HUB_EINVAL the hub has threads of its own. */
HUB_API int hub_fd(const hub_t *hub);

/* Waits for work for up to timeout_ms (0: not at all, -1: indefinitely), and
 * does it.
 * Threads: host.
 * Returns: 0 · HUB_EINVAL the hub has threads of its own · HUB_EDEADLK called
 *          from a callback · HUB_ESYSTEM. */
HUB_API int hub_poll(hub_t *hub, int timeout_ms);

#ifdef __cplusplus
#pragma GCC diagnostic pop
}

/* For C++: these take what hub_to_user(), hub_text() and the like return,
 * without a variable for it. They also work if this header is included within
 * extern "C". */
extern "C++" {
inline int64_t hub_send(hub_t *hub, const hub_target &target,
                        const hub_message &message,
                        const hub_send_options *options = nullptr)
{
    return hub_send(hub, &target, &message, options);
}

inline int64_t hub_broadcast(hub_t *hub, const hub_message &message)
{
    return hub_broadcast(hub, &message);
}
}
#endif

#endif
