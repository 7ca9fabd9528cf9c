/* refusal.h - every error that a request can end with, in one table: status,
 * code (in the body, and the label in metrics), extra header lines, and a
 * default message.
 */
#ifndef HUBD_REFUSAL_H
#define HUBD_REFUSAL_H

#define REFUSAL_AGAIN(seconds) "Retry-After: " #seconds "\r\n"

/* Name, status, code, header lines, message. REFUSAL_NONE is success;
 * REFUSAL_STUCK is for /livez when an event loop hangs. */
#define REFUSAL_MAP(X)                                                         \
    X(REFUSAL_NONE, 200, "ok", NULL, "")                                       \
    X(REFUSAL_INVALID_JSON, 400, "invalid_json", NULL,                         \
      "the body is not valid JSON")                                            \
    X(REFUSAL_INVALID_MESSAGE, 400, "invalid_message", NULL,                   \
      "the body is not a message")                                             \
    X(REFUSAL_MISSING_TARGET, 400, "missing_target", NULL,                     \
      "neither targetUserId nor targetSessionId is given")                     \
    X(REFUSAL_INVALID_ID, 400, "invalid_id", NULL, "an id is not valid")       \
    X(REFUSAL_INVALID_BODY, 400, "invalid_body", NULL,                         \
      "the body is incomplete or badly chunked")                               \
    X(REFUSAL_INVALID_REQUEST, 400, "invalid_request", NULL,                   \
      "the request is malformed")                                              \
    X(REFUSAL_INVALID_HANDSHAKE, 400, "invalid_handshake", NULL,               \
      "this is not a WebSocket handshake")                                     \
    X(REFUSAL_INVALID_TICKET_REQUEST, 400, "invalid_ticket_request", NULL,     \
      "the body is not a request for a ticket")                                \
    X(REFUSAL_UNAUTHORIZED, 401, "unauthorized",                               \
      "WWW-Authenticate: Bearer\r\n", "a valid key is required")               \
    X(REFUSAL_TOKEN_EXPIRED, 401, "token_expired",                             \
      "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n",                  \
      "the token has expired")                                                 \
    X(REFUSAL_ORIGIN_NOT_ALLOWED, 403, "origin_not_allowed", NULL,             \
      "pages from this origin may not connect")                                \
    X(REFUSAL_IDENTITY_MISMATCH, 403, "identity_mismatch", NULL,               \
      "userId or sessionId differs from the token or ticket")                  \
    X(REFUSAL_NOT_FOUND, 404, "not_found", NULL,                               \
      "there is nothing at this path")                                         \
    X(REFUSAL_METHOD_NOT_ALLOWED, 405, "method_not_allowed", NULL,             \
      "this path does not support the method")                                 \
    X(REFUSAL_REQUEST_TIMEOUT, 408, "request_timeout", NULL,                   \
      "the request took too long to arrive")                                   \
    X(REFUSAL_TICKETS_OFF, 409, "tickets_off", NULL,                           \
      "tickets are off: HUB_CLIENT_AUTH does not include ticket")              \
    X(REFUSAL_LENGTH_REQUIRED, 411, "length_required", NULL,                   \
      "a Content-Length is required")                                          \
    X(REFUSAL_TOO_LARGE, 413, "too_large", NULL, "the body is too large")      \
    X(REFUSAL_UNSUPPORTED_MEDIA_TYPE, 415, "unsupported_media_type", NULL,     \
      "the Content-Type must be application/json")                             \
    X(REFUSAL_EXPECTATION_FAILED, 417, "expectation_failed", NULL,             \
      "the only supported expectation is 100-continue")                        \
    X(REFUSAL_UNSUPPORTED_VERSION, 426, "unsupported_version",                 \
      "Sec-WebSocket-Version: 13\r\n"                                          \
      "Connection: Upgrade\r\nUpgrade: websocket\r\n",                         \
      "the Sec-WebSocket-Version must be 13")                                  \
    X(REFUSAL_RATE_LIMITED, 429, "rate_limited", REFUSAL_AGAIN(10),            \
      "too many connections")                                                  \
    X(REFUSAL_HEADERS_TOO_LARGE, 431, "headers_too_large", NULL,               \
      "the request head is too large")                                         \
    X(REFUSAL_INTERNAL_ERROR, 500, "internal_error", NULL,                     \
      "the request could not be handled")                                      \
    X(REFUSAL_DRAINING, 503, "draining", REFUSAL_AGAIN(5),                     \
      "the server is shutting down")                                           \
    X(REFUSAL_AT_CAPACITY, 503, "at_capacity", REFUSAL_AGAIN(10),              \
      "the server has reached its connection limit")                           \
    X(REFUSAL_TOO_MANY_TICKETS, 503, "too_many_tickets", REFUSAL_AGAIN(1),     \
      "too many tickets are waiting for their clients")                        \
    X(REFUSAL_KEYS_UNAVAILABLE, 503, "keys_unavailable", REFUSAL_AGAIN(5),     \
      "the keys for checking tokens are not available yet")                    \
    X(REFUSAL_CLUSTER_UNAVAILABLE, 503, "cluster_unavailable",                 \
      REFUSAL_AGAIN(5), "the ticket is from another node")                     \
    X(REFUSAL_OVERLOADED, 503, "overloaded", REFUSAL_AGAIN(1),                 \
      "too many messages are waiting to be delivered")                         \
    X(REFUSAL_OUT_OF_MEMORY, 503, "out_of_memory", REFUSAL_AGAIN(5),           \
      "the server is out of memory")                                           \
    X(REFUSAL_STUCK, 503, "stuck", NULL, "an event loop is not responding")    \
    X(REFUSAL_HTTP_VERSION_NOT_SUPPORTED, 505, "http_version_not_supported",   \
      NULL, "the supported versions are HTTP/1.0 and HTTP/1.1")

enum refusal_kind {
#define REFUSAL_NAME(name, ...) name,
    REFUSAL_MAP(REFUSAL_NAME)
#undef REFUSAL_NAME
        REFUSAL_KINDS,
};

/* The rows of the table. */
extern const struct refusal_row {
    int status;
    const char *code;
    const char *headers; /* whole lines with CRLF, or NULL */
    const char *text;
} refusal_rows[REFUSAL_KINDS];

/* The reason phrase of a status, such as "Not Found". */
const char *refusal_phrase(int status);

/* Why a request is refused. */
struct refusal {
    enum refusal_kind kind;
    int status; /* from the table, like the next two */
    const char *code;
    const char *headers; /* may be replaced */
    const char *fault;   /* groups it in the log; NULL: its message */
    char message[256];
};

/* Fills in `why`; the message is a printf format. Returns -1, so that checks
 * can return it. */
int refuse(struct refusal *why, enum refusal_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with the message of the table. */
int refuse_as(struct refusal *why, enum refusal_kind kind);

#endif
