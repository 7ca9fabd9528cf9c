/* config.h - the settings of hubd: environment variables and long flags of the
 * same names, of which flags win. One table describes them all.
 */
#ifndef HUBD_CONFIG_H
#define HUBD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <hub/hub.h>

#include "base/log.h"
#include "base/netaddr.h"
#include "base/origin.h"
#include "config/jwt_settings.h"
#include "config/client_auth_settings.h"

#define CONFIG_KEY_BYTES_MAX 4096 /* visible ASCII, as in HTTP headers */

#define CONFIG_ADDRESS_BYTES 64 /* fits any numeric address */
#define CONFIG_UNKNOWN_BYTES 256
#define CONFIG_NAME_BYTES_MAX 64 /* of a subprotocol */
#define CONFIG_NODE_BYTES_MAX 32
#define CONFIG_FIELD_NAME_MAX 64 /* of a header, NUL included */

enum config_switch { CONFIG_OFF, CONFIG_ON };

/* Where /metrics is served. */
struct metrics_place {
    enum { METRICS_OFF, METRICS_ON, METRICS_APART } where;
    /* For a listener of its own. */
    char bind[CONFIG_ADDRESS_BYTES]; /* "": the same as HUB_BIND */
    unsigned port;                   /* 0: the kernel picks */
};

/* A port of which there is a listener only if it is given. */
struct optional_port {
    bool given;
    unsigned number; /* 0: the kernel picks */
};

struct config {
    unsigned port;                   /* 0: the kernel picks */
    char bind[CONFIG_ADDRESS_BYTES]; /* a numeric IPv4 or IPv6 address */
    struct optional_port api_port;   /* what is for backends is there alone */
    char api_bind[CONFIG_ADDRESS_BYTES]; /* "": see config_api_bind() */
    char *api_key;          /* HUB_API_KEY, or NULL: see api_key_file */
    char *api_key_previous; /* or NULL */
    char *api_key_file;     /* or NULL */
    int64_t read_timeout_ms;
    int64_t write_timeout_ms;
    int64_t keepalive_timeout_ms;
    size_t max_message_bytes;
    int64_t ping_interval_ms;
    int64_t pong_timeout_ms;
    uint64_t max_connections;
    uint64_t max_connections_per_ip;
    uint64_t max_connections_per_user;
    size_t queue_bytes;
    size_t memory_limit; /* bytes; 0: see memory.h */
    unsigned rate_limit; /* messages per second from one client; 0: no limit */
    enum hub_slow_consumer slow_consumer;
    struct origin_list origins;       /* unless there is a file: see gate.h */
    char *origins_file;               /* or NULL */
    struct origin_hosts public_hosts; /* what "same" stands for */
    char *subprotocols;               /* "a,b", or NULL */
    struct netaddr_list trusted_proxies;
    struct jwt_settings jwt;                   /* see token_auth.h */
    char node_name[CONFIG_NODE_BYTES_MAX + 1]; /* "": see config_name_node() */
    int64_t ticket_ttl_ms;
    uint64_t tickets_max; /* that wait at once */
    unsigned client_auth; /* CLIENT_AUTH_… */
    struct token_places token_from;
    enum session_source session_id_from; /* see config_session_source() */
    char proxy_user_header[CONFIG_FIELD_NAME_MAX];
    char proxy_session_header[CONFIG_FIELD_NAME_MAX];
    int64_t expiry_warning_ms;
    int64_t expiry_grace_ms;
    int64_t shutdown_timeout_ms;
    unsigned loops; /* 0: one for each CPU that may be used */
    enum hub_sender sender;
    struct metrics_place metrics;
    char *metrics_key;          /* or NULL */
    enum config_switch console; /* see console.h */
    enum log_level log_level;
    enum log_format log_format;
    const char *token_file; /* of --check-token, in argv; "-": standard input */
    /* Variables that look like settings but are not: "HUB_A, HUB_B", or "". */
    char unknown[CONFIG_UNKNOWN_BYTES];
};

#define CONFIG_ERROR_BYTES 1024 /* fits any error */

enum config_action {
    CONFIG_RUN,
    CONFIG_CHECK,   /* --check-config */
    CONFIG_TOKEN,   /* --check-token */
    CONFIG_HELP,    /* --help */
    CONFIG_VERSION, /* --version */
    CONFIG_ERROR,
};

/* Reads environ-like `env` (NULL-terminated NAME=value strings) and the flags.
 * Keys in `argv` and `env` are overwritten, so that neither ps nor /proc shows
 * them, and getenv() does not find them. On CONFIG_ERROR `error` holds one line
 * that names the variable (or flag), its value (never a key's) and what it must
 * be. Only after CONFIG_RUN, CONFIG_CHECK and CONFIG_TOKEN is there something
 * to release. */
enum config_action config_read(struct config *config, int argc, char **argv,
                               char **env, char *error, size_t error_bytes);

void config_release(struct config *config);

/* Gives the node a random name if it has none. Returns 0, or -1 with errno. */
int config_name_node(struct config *config);

/* The address that the API listens on. */
const char *config_api_bind(const struct config *config);

/* Wipes the texts of the keys, which are then empty strings: keys.h has copies.
 * That they were set stays known. */
void config_forget_keys(struct config *config);

/* Where session ids come from: never SESSION_AUTO. */
enum session_source config_session_source(const struct config *config);

/* --help: every setting with its meaning and default. */
void config_usage(FILE *out);

/* The effective settings as NAME=value lines, keys masked: --check-config. */
void config_print(const struct config *config, FILE *out);

/* The same as pairs for a log line: calls `emit` for each setting. Names are
 * constants like "ping_interval"; a value is valid during the call. */
void config_each(const struct config *config,
                 void (*emit)(void *context, const char *name,
                              const char *value),
                 void *context);

/* Calls `emit` with one sentence for each setting that is allowed but likely to
 * be a mistake. Returns how many. */
int config_warnings(const struct config *config,
                    void (*emit)(void *context, const char *text),
                    void *context);

#endif
