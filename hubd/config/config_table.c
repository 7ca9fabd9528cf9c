/* config_table.c - the one table of settings: parsing, --help, --check-config,
 * errors and the start line in the log all come from it.
 */
#include "config/config_table.h"

#include <ctype.h>
#include <string.h>

#include "config/config_jwt.h"
#include "config/config_auth.h"

#define FIELD(name) .offset = offsetof(struct config, name)
#define RANGE(low, high) .min = (low), .max = (high)

#define SECOND_MS UINT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define KB UINT64_C(1024)
#define GB (KB * KB * KB)
#define CONNECTIONS_MAX UINT64_C(1000000000)
#define LOOPS_MAX 1024
#define RATE_MAX 1000000
#define TICKETS_MAX 10000000

/* config_word stores an enum through a pointer to unsigned. */
#define IS_UNSIGNED(type)                                                      \
    _Static_assert(_Generic((type)0, unsigned : 1, default : 0),               \
                   "compatible with unsigned")
IS_UNSIGNED(enum hub_slow_consumer);
IS_UNSIGNED(enum hub_sender);
IS_UNSIGNED(enum config_switch);
IS_UNSIGNED(enum session_source);
IS_UNSIGNED(enum log_level);
IS_UNSIGNED(enum log_format);

static const char *const slow_consumer_words[] = {
    [HUB_SLOW_CLOSE] = "close",
    [HUB_SLOW_DROP_OLDEST] = "drop-oldest",
    [HUB_SLOW_DROP_NEWEST] = "drop-newest",
    NULL,
};

static const char *const sender_words[] = {
    [HUB_SENDER_AUTO] = "auto",
    [HUB_SENDER_URING] = "uring",
    [HUB_SENDER_SENDMSG] = "sendmsg",
    NULL,
};

static const char *const switch_words[] = {
    [CONFIG_OFF] = "off",
    [CONFIG_ON] = "on",
    NULL,
};

static const char *const session_words[] = {
    [SESSION_AUTO] = "auto",
    [SESSION_FROM_CLAIM] = "claim",
    [SESSION_FROM_QUERY] = "query",
    NULL,
};

static const char *const log_level_words[] = {
    [LEVEL_DEBUG] = "debug", [LEVEL_INFO] = "info",    [LEVEL_WARN] = "warn",
    [LEVEL_ERROR] = "error", [LEVEL_ERROR + 1] = NULL,
};

static const char *const log_format_words[] = {
    [LOG_TEXT] = "text",
    [LOG_JSON] = "json",
    NULL,
};

/* clang-format off */
const struct config_setting config_settings[] = {
    {"PORT", "port", "TCP port to listen on; 0: the kernel picks one", "8081",
     &config_port, FIELD(port), RANGE(0, 65535)},
    {"HUB_BIND", "bind", "address to listen on", "0.0.0.0",
     &config_address, FIELD(bind)},
    {"HUB_API_PORT", "api_port",
     "TCP port for backends and operators; PORT is then for clients only", NULL,
     &config_apart, FIELD(api_port), RANGE(0, 65535)},
    {"HUB_API_BIND", "api_bind",
     "address to listen on for that port, instead of HUB_BIND", NULL,
     &config_address, FIELD(api_bind)},
    {"HUB_API_KEY", "api_key",
     "the key that backends send; required, here or in a file", NULL,
     &config_key, FIELD(api_key)},
    {"HUB_API_KEY_PREVIOUS", "api_key_previous",
     "a second key that is accepted while keys are rotated", NULL,
     &config_key, FIELD(api_key_previous)},
    {"HUB_API_KEY_FILE", "api_key_file",
     "file with the key that backends send, and optionally a second one",
     NULL,
     &config_path, FIELD(api_key_file)},
    {"READ_TIMEOUT", "read_timeout",
     "how long a client may take to send its HTTP request", "60s",
     &config_time, FIELD(read_timeout_ms), RANGE(1, 24 * HOUR_MS)},
    {"WRITE_TIMEOUT", "write_timeout",
     "how long a connection may take no bytes before it counts as dead", "10s",
     &config_time, FIELD(write_timeout_ms), RANGE(1, 24 * HOUR_MS)},
    {"HUB_KEEPALIVE_TIMEOUT", "keepalive_timeout",
     "how long a backend's idle HTTP connection stays open", "2m",
     &config_time, FIELD(keepalive_timeout_ms),
     RANGE(2 * SECOND_MS, HOUR_MS)},
    {"MAX_MESSAGE_SIZE", "max_message_size",
     "largest WebSocket message, and largest message in an API body", "512KB",
     &config_size, FIELD(max_message_bytes), RANGE(1, GB)},
    {"HUB_PING_INTERVAL", "ping_interval",
     "silence on a connection before it gets a ping", "25s",
     &config_time, FIELD(ping_interval_ms), RANGE(10, 24 * HOUR_MS)},
    {"HUB_PONG_TIMEOUT", "pong_timeout",
     "silence after the ping before the connection is closed", "10s",
     &config_time, FIELD(pong_timeout_ms), RANGE(1, 24 * HOUR_MS)},
    {"HUB_MAX_CONNECTIONS", "max_connections",
     "connections at a time; 0: as many as there are descriptors for", "0",
     &config_count, FIELD(max_connections), RANGE(0, CONNECTIONS_MAX)},
    {"HUB_MAX_CONNECTIONS_PER_IP", "max_connections_per_ip",
     "connections per address; 0: no limit", "0",
     &config_count, FIELD(max_connections_per_ip), RANGE(0, CONNECTIONS_MAX)},
    {"HUB_MAX_CONNECTIONS_PER_USER", "max_connections_per_user",
     "connections per user id; 0: no limit", "0",
     &config_count, FIELD(max_connections_per_user),
     RANGE(0, CONNECTIONS_MAX)},
    {"HUB_QUEUE_SIZE", "queue_size",
     "bytes that may wait for one connection", "1MB",
     &config_size, FIELD(queue_bytes), RANGE(KB, 4 * GB)},
    {"HUB_SLOW_CONSUMER", "slow_consumer",
     "what to do when a connection's queue is full", "close",
     &config_word, FIELD(slow_consumer), .words = slow_consumer_words},
    {"HUB_MEMORY_LIMIT", "memory_limit",
     "memory for all messages in flight; requests beyond it get 503", "0",
     &config_size, FIELD(memory_limit), RANGE(0, 1024 * GB),
     .zero = "half of the memory of the machine or the container"},
    {"HUB_RATE_LIMIT", "rate_limit",
     "messages per second from one client, pings included; 0: no limit", "100",
     &config_number, FIELD(rate_limit), RANGE(0, RATE_MAX)},
    {"HUB_ALLOWED_ORIGINS", "allowed_origins",
     "origins of the web pages that may connect", "*",
     &config_origins, FIELD(origins)},
    {"HUB_ALLOWED_ORIGINS_FILE", "allowed_origins_file",
     "file to take that list from instead; read again on SIGHUP", NULL,
     &config_path, FIELD(origins_file)},
    {"HUB_PUBLIC_HOSTS", "public_hosts",
     "names under which browsers reach hubd; same allows pages loaded from them",
     NULL, &config_hosts, FIELD(public_hosts)},
    {"HUB_SUBPROTOCOLS", "subprotocols",
     "WebSocket subprotocols to accept when a client offers them", NULL,
     &config_names, FIELD(subprotocols)},
    {"HUB_TRUSTED_PROXIES", "trusted_proxies",
     "proxies whose X-Forwarded-For is trusted", NULL,
     &config_proxies, FIELD(trusted_proxies)},
    {"HUB_CLIENT_AUTH", "client_auth",
     "how clients authenticate; none: not at all", "none",
     &config_methods, FIELD(client_auth)},
    {"HUB_TOKEN_FROM", "token_from",
     "where tokens may be in a handshake", "protocol,authorization",
     &config_token_places, FIELD(token_from)},
    {"HUB_SESSION_ID_FROM", "session_id_from",
     "where session ids come from; auto: query without authentication", "auto",
     &config_word, FIELD(session_id_from), .words = session_words},
    {"HUB_PROXY_USER_HEADER", "proxy_user_header",
     "header in which a trusted proxy names the user", "X-User-Id",
     &config_field_name, FIELD(proxy_user_header)},
    {"HUB_PROXY_SESSION_HEADER", "proxy_session_header",
     "header in which the proxy names the session", "X-Session-Id",
     &config_field_name, FIELD(proxy_session_header)},
    {"HUB_EXPIRY_WARNING", "expiry_warning",
     "how long before its token expires a client is warned", "60s",
     &config_time, FIELD(expiry_warning_ms), RANGE(SECOND_MS, HOUR_MS)},
    {"HUB_EXPIRY_GRACE", "expiry_grace",
     "how long after its token expires a client is disconnected", "25s",
     &config_time, FIELD(expiry_grace_ms), RANGE(1, HOUR_MS)},
    {"HUB_JWT_SECRET", "jwt_secret",
     "secret that tokens of clients are signed with", NULL,
     &config_secret, FIELD(jwt.secret)},
    {"HUB_JWT_SECRET_FILE", "jwt_secret_file",
     "file with that secret, and, on a second line, the previous one", NULL,
     &config_path, FIELD(jwt.secret_file)},
    {"HUB_JWT_KEYS_FILE", "jwt_keys_file",
     "file with public keys that verify tokens: a JWKS, or PEM", NULL,
     &config_path, FIELD(jwt.keys_file)},
    {"HUB_JWT_KEYS_URL", "jwt_keys_url",
     "URL of such a JWKS, or of an OpenID configuration", NULL,
     &config_url, FIELD(jwt.keys_url)},
    {"HUB_JWT_KEYS_CA_FILE", "jwt_keys_ca_file",
     "file with the certificate authorities to trust there, as PEM", NULL,
     &config_path, FIELD(jwt.keys_ca_file)},
    {"HUB_JWT_KEYS_REFRESH", "jwt_keys_refresh",
     "how often keys are fetched from there", "10m",
     &config_time, FIELD(jwt.keys_refresh_ms), RANGE(SECOND_MS, 24 * HOUR_MS)},
    {"HUB_JWT_KEYS_COOLDOWN", "jwt_keys_cooldown",
     "minimum time between fetches, also for tokens with unknown keys", "30s",
     &config_time, FIELD(jwt.keys_cooldown_ms), RANGE(100, HOUR_MS)},
    {"HUB_JWT_KEYS_MAX_AGE", "jwt_keys_max_age",
     "how long keys stay in use while fetches fail; 0: no limit", "0",
     &config_time, FIELD(jwt.keys_max_age_ms), RANGE(0, 720 * HOUR_MS)},
    {"HUB_JWT_ISSUER", "jwt_issuer",
     "required issuer of tokens (iss); unset: any", NULL,
     &config_text, FIELD(jwt.issuer)},
    {"HUB_JWT_AUDIENCE", "jwt_audience",
     "required audience of tokens (aud); *: any", NULL,
     &config_text, FIELD(jwt.audience)},
    {"HUB_JWT_AUDIENCE_CLAIM", "jwt_audience_claim",
     "claim with the audience", "aud",
     &config_claim, FIELD(jwt.audience_claim)},
    {"HUB_JWT_ALGORITHMS", "jwt_algorithms",
     "accepted signatures; auto: those usual for the kind of key", "auto",
     &config_algorithms, FIELD(jwt.algorithms)},
    {"HUB_JWT_TYPE", "jwt_type",
     "required type of tokens (typ); unset: none, JWT or at+jwt", NULL,
     &config_text, FIELD(jwt.type)},
    {"HUB_JWT_LEEWAY", "jwt_leeway",
     "by how much the clocks of issuer and hub may differ", "30s",
     &config_time, FIELD(jwt.leeway_ms), RANGE(0, 10 * MINUTE_MS)},
    {"HUB_JWT_USER_CLAIM", "jwt_user_claim",
     "claim with the user id", "sub",
     &config_claim, FIELD(jwt.user_claim)},
    {"HUB_JWT_SESSION_CLAIM", "jwt_session_claim",
     "claim with the session id, if tokens have one", NULL,
     &config_claim, FIELD(jwt.session_claim)},
    {"HUB_JWT_GROUPS_CLAIM", "jwt_groups_claim",
     "claim with the groups of a user; not supported yet", NULL,
     &config_not_yet, FIELD(jwt.groups_claim)},
    {"HUB_NODE_NAME", "node_name",
     "a name for this hubd; random at each start unless set",
     NULL, &config_node, FIELD(node_name)},
    {"HUB_TICKET_TTL", "ticket_ttl",
     "how long a ticket is valid, unless its request says otherwise",
     "30s", &config_time, FIELD(ticket_ttl_ms),
     RANGE(SECOND_MS, 5 * MINUTE_MS)},
    {"HUB_TICKETS_MAX", "tickets_max",
     "maximum number of unused tickets", "100000",
     &config_count, FIELD(tickets_max), RANGE(1, TICKETS_MAX)},
    {"HUB_SHUTDOWN_TIMEOUT", "shutdown_timeout",
     "how long a graceful shutdown may take", "10s",
     &config_time, FIELD(shutdown_timeout_ms), RANGE(1, HOUR_MS)},
    {"HUB_LOOPS", "loops",
     "event loops, one thread each; 0: one for each available CPU", "0",
     &config_number, FIELD(loops), RANGE(0, LOOPS_MAX),
     .zero = "one for each available CPU"},
    {"HUB_SENDER", "sender",
     "how frames reach the kernel; auto: io_uring where it is allowed",
     "auto",
     &config_word, FIELD(sender), .words = sender_words},
    {"HUB_METRICS", "metrics",
     "where /metrics is served for Prometheus, if at all", "off",
     &config_place, FIELD(metrics)},
    {"HUB_METRICS_KEY", "metrics_key",
     "key for /metrics; without one, anyone who can connect may read it", NULL,
     &config_key, FIELD(metrics_key)},
    {"HUB_CONSOLE", "console",
     "a live page at /console, for development", "off",
     &config_word, FIELD(console), .words = switch_words},
    {"HUB_LOG_LEVEL", "log_level", "lowest level that is logged", "info",
     &config_word, FIELD(log_level), .words = log_level_words},
    {"HUB_LOG_FORMAT", "log_format",
     "text: logfmt; json: one JSON object per line", "text",
     &config_word, FIELD(log_format), .words = log_format_words},
};
/* clang-format on */

const size_t config_setting_count =
    sizeof(config_settings) / sizeof(config_settings[0]);

_Static_assert(sizeof(config_settings) / sizeof(config_settings[0]) <=
                   CONFIG_SETTINGS_MAX,
               "room for all in arrays with one element a row");

void config_flag(const struct config_setting *setting,
                 char out[CONFIG_FLAG_MAX])
{
    size_t i = 0;

    for (; setting->key[i] && i + 1 < CONFIG_FLAG_MAX; i++)
        out[i] = setting->key[i];
    out[i] = '\0';
    for (char *p = out; *p; p++) {
        if (*p == '_')
            *p = '-';
    }
}
