/* check_config_value.c - each setting: valid values, how they are printed,
 * limits just at and beyond, and the error that says what a value must be.
 */
#include "config_fixture.h"
#include "suite.h"

/* What is given, and the line in which it is printed; NULL: the same. */
#define SIXTY_FOUR                                                             \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

static const struct {
    const char *given, *printed;
} accepted[] = {
    {"PORT=0", NULL},
    {"PORT=1", NULL},
    {"PORT=65535", NULL},
    {"HUB_BIND=127.0.0.1", NULL},
    {"HUB_BIND=::", NULL},
    {"HUB_API_PORT=0", NULL},
    {"HUB_API_PORT=65535", NULL},
    {"HUB_API_PORT=", "HUB_API_PORT=(unset)"},
    {"HUB_BIND=::ffff:127.0.0.1", NULL},
    {"HUB_BIND=ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", NULL},
    {"HUB_API_KEY_PREVIOUS=x", "HUB_API_KEY_PREVIOUS=****"},
    {"READ_TIMEOUT=1ms", NULL},
    {"READ_TIMEOUT=1m30s", NULL},
    {"READ_TIMEOUT=90s", "READ_TIMEOUT=1m30s"},
    {"READ_TIMEOUT=1.5s", "READ_TIMEOUT=1s500ms"},
    {"READ_TIMEOUT=24h", NULL},
    {"HUB_KEEPALIVE_TIMEOUT=2s", NULL},
    {"HUB_KEEPALIVE_TIMEOUT=1h", NULL},
    {"WRITE_TIMEOUT=500ms", NULL},
    {"WRITE_TIMEOUT=24h", NULL},
    {"MAX_MESSAGE_SIZE=1", NULL},
    {"MAX_MESSAGE_SIZE=65536", "MAX_MESSAGE_SIZE=64KB"},
    {"MAX_MESSAGE_SIZE=1gib", "MAX_MESSAGE_SIZE=1GB"},
    {"HUB_PING_INTERVAL=10ms", NULL},
    {"HUB_PING_INTERVAL=24h", NULL},
    {"HUB_PONG_TIMEOUT=1ms", NULL},
    {"HUB_PONG_TIMEOUT=24h", NULL},
    {"HUB_MAX_CONNECTIONS=1000000000", NULL},
    {"HUB_MAX_CONNECTIONS_PER_IP=20", NULL},
    {"HUB_MAX_CONNECTIONS_PER_USER=1", NULL},
    {"HUB_QUEUE_SIZE=1KB", NULL},
    {"HUB_QUEUE_SIZE=4GB", NULL},
    {"HUB_SLOW_CONSUMER=drop-oldest", NULL},
    {"HUB_SLOW_CONSUMER=Drop-Newest", "HUB_SLOW_CONSUMER=drop-newest"},
    {"HUB_ALLOWED_ORIGINS=https://A.org, https://*.b.org:8443",
     "HUB_ALLOWED_ORIGINS=https://a.org,https://*.b.org:8443"},
    {"HUB_ALLOWED_ORIGINS=null, File://, http://localhost:*,A-b+c.d://*",
     "HUB_ALLOWED_ORIGINS=null,file://,http://localhost:*,a-b+c.d://*"},
    {"HUB_ALLOWED_ORIGINS=https://a.org,*",
     "HUB_ALLOWED_ORIGINS=*,https://a.org"},
    {"HUB_PUBLIC_HOSTS=Hub.example.com, hub.example.com:8443\t,[::1]:80",
     "HUB_PUBLIC_HOSTS=hub.example.com,hub.example.com:8443,[::1]:80"},
    {"HUB_SUBPROTOCOLS=access_token", NULL},
    {"HUB_SUBPROTOCOLS=a, b\t,c!#$%&'*+-.^_`|~9",
     "HUB_SUBPROTOCOLS=a,b,c!#$%&'*+-.^_`|~9"},
    {"HUB_SUBPROTOCOLS=" SIXTY_FOUR, NULL},
    {"HUB_TRUSTED_PROXIES=10.1.2.3/8,::1,192.0.2.1, fd00::/8",
     "HUB_TRUSTED_PROXIES=10.0.0.0/8,::1,192.0.2.1,fd00::/8"},
    {"HUB_TRUSTED_PROXIES=0.0.0.0/0,::/0", NULL},
    {"HUB_NODE_NAME=a", NULL},
    {"HUB_CLIENT_AUTH=Ticket, jwt", "HUB_CLIENT_AUTH=jwt,ticket"},
    {"HUB_CLIENT_AUTH=NONE", "HUB_CLIENT_AUTH=none"},
    {"HUB_TOKEN_FROM=query:access_token,Cookie:__Host-sid",
     "HUB_TOKEN_FROM=query:access_token,cookie:__Host-sid"},
    {"HUB_SESSION_ID_FROM=query", NULL},
    {"HUB_PROXY_USER_HEADER=X-Auth-Request-User", NULL},
    {"HUB_NODE_NAME=Hub-7-abcdefghijklmnopqrstuvwxyz", NULL},
    {"HUB_TICKET_TTL=1s", NULL},
    {"HUB_TICKET_TTL=5m", NULL},
    {"HUB_TICKETS_MAX=1", NULL},
    {"HUB_TICKETS_MAX=10000000", NULL},
    {"HUB_SHUTDOWN_TIMEOUT=1ms", NULL},
    {"HUB_SHUTDOWN_TIMEOUT=1h", NULL},
    {"HUB_LOOPS=1", NULL},
    {"HUB_LOOPS=1024", NULL},
    {"HUB_CONSOLE=on", NULL},
    {"HUB_CONSOLE=OFF", "HUB_CONSOLE=off"},
    {"HUB_SENDER=uring", NULL},
    {"HUB_SENDER=SENDMSG", "HUB_SENDER=sendmsg"},
    {"HUB_METRICS=off", NULL},
    {"HUB_METRICS=On", "HUB_METRICS=on"},
    {"HUB_METRICS=127.0.0.1:9108", NULL},
    {"HUB_METRICS=:9108", NULL},
    {"HUB_METRICS=:0", NULL},
    {"HUB_METRICS=0.0.0.0:65535", NULL},
    {"HUB_METRICS=[::1]:9108", NULL},
    {"HUB_METRICS=[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:1", NULL},
    {"HUB_METRICS_KEY=x", "HUB_METRICS_KEY=****"},
    {"HUB_LOG_LEVEL=DEBUG", "HUB_LOG_LEVEL=debug"},
    {"HUB_LOG_LEVEL=warn", NULL},
    {"HUB_LOG_LEVEL=error", NULL},
    {"HUB_LOG_FORMAT=json", NULL},
    /* an empty variable counts as unset */
    {"PORT=", "PORT=8081"},
    {"HUB_LOG_LEVEL=", "HUB_LOG_LEVEL=info"},
    {"HUB_METRICS=", "HUB_METRICS=off"},
    {"HUB_METRICS_KEY=", "HUB_METRICS_KEY=(unset)"},
    {"HUB_API_KEY_FILE=", "HUB_API_KEY_FILE=(unset)"},
};

START_TEST(right_values_are_printed_as_they_are_read)
{
    for (size_t i = 0; i < COUNT(accepted); i++) {
        const char *line = accepted[i].printed;

        if (!line)
            line = accepted[i].given;
        ck_assert_msg(read_env(accepted[i].given) == CONFIG_RUN, "%s", error);
        ck_assert_msg(prints(line), "%s", line);
        config_release(&config);
        if (strchr(line, '*') || strchr(line, '('))
            continue;
        ck_assert_msg(read_env(line) == CONFIG_RUN, "%s", error);
        ck_assert_msg(prints(line), "%s", line);
        config_release(&config);
    }
}
END_TEST

#define TIME_TO_24H " to 24h in whole milliseconds, such as 500ms, 60s or 1m30s"
#define TIME_TO_1H " to 1h in whole milliseconds, such as 500ms, 60s or 1m30s"
#define COUNT_TAKES ": must be a whole number from 0 to 1000000000"
#define ORIGINS_TAKE                                                           \
    "must be a comma list of origins like https://*.example.com, "             \
    "http://localhost:*, same, or *"
#define HOSTS_TAKE                                                             \
    "must be a comma list of names like hub.example.com, "                     \
    "hub.example.com:8443 or [::1]"
#define NAMES_TAKE                                                             \
    "must be a comma list of HTTP tokens like access_token, each of 1 to 64 "  \
    "characters"
#define PROXIES_TAKE                                                           \
    "must be a comma list of addresses and networks like 10.0.0.1 or fd00::/8"

#define METHODS_TAKE "must be none, or a comma list of jwt, ticket and proxy"

#define PLACES_TAKE                                                            \
    "must be a comma list of protocol, authorization, cookie:NAME and "        \
    "query:NAME, at most 8 of them"

#define FIELD_TAKES                                                            \
    "must be the name of a header field, of at most 63 characters"

#define TICKET_TTL_TAKES                                                       \
    ": must be a duration from 1s to 5m in whole milliseconds, such as "       \
    "500ms, 60s or 1m30s"

#define NODE_TAKES ": must be 1 to 32 ASCII letters, digits and hyphens"

#define PLACE_TAKES                                                            \
    ": must be off, on, or a listener of its own such as 127.0.0.1:9108, "     \
    "[::1]:9108 or :9108"

static const struct {
    const char *given, *takes;
} refused[] = {
    {"PORT=eighty", ": must be a port number from 0 to 65535"},
    {"PORT=65536", ": must be a port number from 0 to 65535"},
    {"PORT=-1", ": must be a port number from 0 to 65535"},
    {"PORT= 80", ": must be a port number from 0 to 65535"},
    {"PORT=99999999999999999999", ": must be a port number from 0 to 65535"},
    {"HUB_API_PORT=65536", ": must be a port number from 0 to 65535"},
    {"HUB_API_PORT=off", ": must be a port number from 0 to 65535"},
    {"HUB_API_BIND=localhost", ": must be a numeric IPv4 or IPv6 address"},
    {"HUB_BIND=localhost", ": must be a numeric IPv4 or IPv6 address"},
    {"HUB_BIND=127.0.0.1:80", ": must be a numeric IPv4 or IPv6 address"},
    {"HUB_BIND=[::1]", ": must be a numeric IPv4 or IPv6 address"},
    {"READ_TIMEOUT=60", ": must be a duration from 1ms" TIME_TO_24H},
    {"READ_TIMEOUT=0", ": must be a duration from 1ms" TIME_TO_24H},
    {"READ_TIMEOUT=0s", ": must be a duration from 1ms" TIME_TO_24H},
    {"READ_TIMEOUT=-1s", ": must be a duration from 1ms" TIME_TO_24H},
    {"READ_TIMEOUT=999us", ": must be a duration from 1ms" TIME_TO_24H},
    {"HUB_KEEPALIVE_TIMEOUT=0", ": must be a duration from 2s" TIME_TO_1H},
    {"HUB_KEEPALIVE_TIMEOUT=1s999ms",
     ": must be a duration from 2s" TIME_TO_1H},
    {"HUB_KEEPALIVE_TIMEOUT=61m", ": must be a duration from 2s" TIME_TO_1H},
    {"READ_TIMEOUT=24h1ms", ": must be a duration from 1ms" TIME_TO_24H},
    {"WRITE_TIMEOUT=soon", ": must be a duration from 1ms" TIME_TO_24H},
    {"WRITE_TIMEOUT=24h1ms", ": must be a duration from 1ms" TIME_TO_24H},
    {"MAX_MESSAGE_SIZE=0",
     ": must be a size from 1 to 1GB, such as 512KB, 1MB or plain bytes"},
    {"MAX_MESSAGE_SIZE=1073741825",
     ": must be a size from 1 to 1GB, such as 512KB, 1MB or plain bytes"},
    {"MAX_MESSAGE_SIZE=1.5MB",
     ": must be a size from 1 to 1GB, such as 512KB, 1MB or plain bytes"},
    {"HUB_PING_INTERVAL=9ms", ": must be a duration from 10ms" TIME_TO_24H},
    {"HUB_PING_INTERVAL=25h", ": must be a duration from 10ms" TIME_TO_24H},
    {"HUB_PONG_TIMEOUT=0ms", ": must be a duration from 1ms" TIME_TO_24H},
    {"HUB_PONG_TIMEOUT=1441m", ": must be a duration from 1ms" TIME_TO_24H},
    {"HUB_MAX_CONNECTIONS=1000000001", COUNT_TAKES},
    {"HUB_MAX_CONNECTIONS=many", COUNT_TAKES},
    {"HUB_MAX_CONNECTIONS_PER_IP=-1", COUNT_TAKES},
    {"HUB_MAX_CONNECTIONS_PER_USER=1k", COUNT_TAKES},
    {"HUB_QUEUE_SIZE=1023",
     ": must be a size from 1KB to 4GB, such as 512KB, 1MB or plain bytes"},
    {"HUB_QUEUE_SIZE=4294967297",
     ": must be a size from 1KB to 4GB, such as 512KB, 1MB or plain bytes"},
    {"HUB_SLOW_CONSUMER=drop", ": must be close, drop-oldest or drop-newest"},
    {"HUB_MEMORY_LIMIT=-1",
     ": must be a size from 0 to 1024GB, such as 512KB, 1MB or plain bytes"},
    {"HUB_MEMORY_LIMIT=1025GB",
     ": must be a size from 0 to 1024GB, such as 512KB, 1MB or plain bytes"},
    {"HUB_RATE_LIMIT=1000001", ": must be a whole number from 0 to 1000000"},
    {"HUB_RATE_LIMIT=10/s", ": must be a whole number from 0 to 1000000"},
    {"HUB_ALLOWED_ORIGINS=example.com", ": " ORIGINS_TAKE},
    {"HUB_ALLOWED_ORIGINS=https://a.org,b.org",
     ": \"b.org\" is invalid; " ORIGINS_TAKE},
    {"HUB_ALLOWED_ORIGINS=https://a.org,", ": " ORIGINS_TAKE},
    {"HUB_ALLOWED_ORIGINS=sam", ": " ORIGINS_TAKE},
    {"HUB_PUBLIC_HOSTS=https://a.org", ": " HOSTS_TAKE},
    {"HUB_PUBLIC_HOSTS=a.org,*.b.org", ": \"*.b.org\" is invalid; " HOSTS_TAKE},
    {"HUB_PUBLIC_HOSTS=a.org,", ": " HOSTS_TAKE},
    {"HUB_SUBPROTOCOLS=a b", ": " NAMES_TAKE},
    {"HUB_SUBPROTOCOLS=a,,b", ": " NAMES_TAKE},
    {"HUB_SUBPROTOCOLS=a,b;c", ": \"b;c\" is invalid; " NAMES_TAKE},
    {"HUB_SUBPROTOCOLS=a,\xc3\xa9", ": \"\xc3\xa9\" is invalid; " NAMES_TAKE},
    {"HUB_TRUSTED_PROXIES=proxy", ": " PROXIES_TAKE},
    {"HUB_TRUSTED_PROXIES=10.0.0.1,10.0.0.0/33",
     ": \"10.0.0.0/33\" is invalid; " PROXIES_TAKE},
    {"HUB_TICKET_TTL=999ms", TICKET_TTL_TAKES},
    {"HUB_TICKET_TTL=5m1ms", TICKET_TTL_TAKES},
    {"HUB_TICKETS_MAX=0", ": must be a whole number from 1 to 10000000"},
    {"HUB_TICKETS_MAX=10000001", ": must be a whole number from 1 to 10000000"},
    {"HUB_NODE_NAME=hub_1", NODE_TAKES},
    {"HUB_CLIENT_AUTH=jwt,hook", ": \"hook\" is invalid; " METHODS_TAKE},
    {"HUB_CLIENT_AUTH=jwt,ticket,jwt", ": \"jwt\" is invalid; " METHODS_TAKE},
    {"HUB_CLIENT_AUTH=none,jwt", ": \"none\" is invalid; " METHODS_TAKE},
    {"HUB_TOKEN_FROM=protocol,cookie:",
     ": \"cookie:\" is invalid; " PLACES_TAKE},
    {"HUB_TOKEN_FROM=query:a=b", ": " PLACES_TAKE},
    {"HUB_PROXY_USER_HEADER=X-User:", ": " FIELD_TAKES},
    {"HUB_NODE_NAME=hub.1", NODE_TAKES},
    {"HUB_NODE_NAME=h\xc3\xbc", NODE_TAKES},
    {"HUB_NODE_NAME=Hub-7-abcdefghijklmnopqrstuvwxyz-", NODE_TAKES},
    {"HUB_SHUTDOWN_TIMEOUT=0", ": must be a duration from 1ms to 1h in whole "
                               "milliseconds, such as 500ms, "
                               "60s or 1m30s"},
    {"HUB_SHUTDOWN_TIMEOUT=1h1ms", ": must be a duration from 1ms to 1h in "
                                   "whole milliseconds, such as 500ms, "
                                   "60s or 1m30s"},
    {"HUB_LOOPS=1025", ": must be a whole number from 0 to 1024"},
    {"HUB_LOOPS=two", ": must be a whole number from 0 to 1024"},
    {"HUB_CONSOLE=yes", ": must be off or on"},
    {"HUB_CONSOLE=1", ": must be off or on"},
    {"HUB_SENDER=io_uring", ": must be auto, uring or sendmsg"},
    {"HUB_METRICS=yes", PLACE_TAKES},
    {"HUB_METRICS=9108", PLACE_TAKES},
    {"HUB_METRICS=:", PLACE_TAKES},
    {"HUB_METRICS=:65536", PLACE_TAKES},
    {"HUB_METRICS=:99999999999999999999", PLACE_TAKES},
    {"HUB_METRICS=:-1", PLACE_TAKES},
    {"HUB_METRICS=: 9108", PLACE_TAKES},
    {"HUB_METRICS=127.0.0.1", PLACE_TAKES},
    {"HUB_METRICS=127.0.0.1:", PLACE_TAKES},
    {"HUB_METRICS=127.0.0.1:http", PLACE_TAKES},
    {"HUB_METRICS=localhost:9108", PLACE_TAKES},
    {"HUB_METRICS=::1:9108", PLACE_TAKES},
    {"HUB_METRICS=[::1]", PLACE_TAKES},
    {"HUB_METRICS=[::1]9108", PLACE_TAKES},
    {"HUB_METRICS=[]:9108", PLACE_TAKES},
    {"HUB_METRICS=[127.0.0.1]:9108", PLACE_TAKES},
    {"HUB_METRICS=127.0.0.1:9108,:9109", PLACE_TAKES},
    {"HUB_LOG_LEVEL=verbose", ": must be debug, info, warn or error"},
    {"HUB_LOG_LEVEL=warning", ": must be debug, info, warn or error"},
    {"HUB_LOG_FORMAT=logfmt", ": must be text or json"},
};

START_TEST(a_wrong_value_is_named_with_what_is_right)
{
    char expected[1024], flag[256];

    for (size_t i = 0; i < COUNT(refused); i++) {
        ck_assert_int_eq(read_env(refused[i].given), CONFIG_ERROR);
        snprintf(expected, sizeof(expected), "%s%s", refused[i].given,
                 refused[i].takes);
        ck_assert_str_eq(error, expected);
        as_flag(flag, sizeof(flag), refused[i].given);
        ck_assert_int_eq(read_flag(flag), CONFIG_ERROR);
        snprintf(expected, sizeof(expected), "%s%s", flag, refused[i].takes);
        ck_assert_str_eq(error, expected);
    }
}
END_TEST

START_TEST(every_variable_has_its_flags)
{
    char flag[256], with_prefix[300], *value;

    for (size_t i = 0; i < COUNT(accepted); i++) {
        const char *given = accepted[i].given;

        if (given[strlen(given) - 1] == '=')
            continue;
        as_flag(flag, sizeof(flag), given);
        ck_assert_msg(read_flag(flag) == CONFIG_RUN, "%s", error);
        config_release(&config);
        snprintf(with_prefix, sizeof(with_prefix), "--hub-%s", flag + 2);
        if (strncmp(given, "HUB_", 4) == 0) {
            ck_assert_msg(read_flag(with_prefix) == CONFIG_RUN, "%s", error);
            config_release(&config);
        } else {
            ck_assert_int_eq(read_flag(with_prefix), CONFIG_ERROR);
        }
        value = strchr(flag, '=');
        *value++ = '\0';
        ck_assert_msg(read_with(LIST("HUB_API_KEY=" SECRET),
                                LIST("hubd", flag, value)) == CONFIG_RUN,
                      "%s", error);
        ck_assert(prints(accepted[i].printed ? accepted[i].printed : given));
        config_release(&config);
    }
}
END_TEST

START_TEST(a_node_without_a_name_gets_a_random_one)
{
    char first[CONFIG_NODE_BYTES_MAX + 1];

    ck_assert_int_eq(read_env("OTHER=1"), CONFIG_RUN);
    ck_assert_int_eq(config_name_node(&config), 0);
    ck_assert_uint_eq(strlen(config.node_name), 16);
    ck_assert_uint_eq(
        strspn(config.node_name, "abcdefghijklmnopqrstuvwxyz234567"), 16);
    strcpy(first, config.node_name);
    ck_assert_int_eq(config_name_node(&config), 0);
    ck_assert_str_eq(config.node_name, first);
    config_release(&config);
    ck_assert_int_eq(read_env("OTHER=1"), CONFIG_RUN);
    ck_assert_int_eq(config_name_node(&config), 0);
    ck_assert_str_ne(config.node_name, first);
    config_release(&config);
    ck_assert_int_eq(read_env("HUB_NODE_NAME=Hub-1"), CONFIG_RUN);
    ck_assert_int_eq(config_name_node(&config), 0);
    ck_assert_str_eq(config.node_name, "Hub-1");
    config_release(&config);
}
END_TEST

START_TEST(same_takes_the_names_of_hosts)
{
    const char *key = "HUB_API_KEY=" SECRET;

    ck_assert_int_eq(
        read_with(LIST(key, "HUB_ALLOWED_ORIGINS=https://a.org,same"),
                  LIST("hubd")),
        CONFIG_ERROR);
    ck_assert_str_eq(error,
                     "HUB_PUBLIC_HOSTS: must be set to the names under which "
                     "browsers reach hubd, since HUB_ALLOWED_ORIGINS includes "
                     "same");
    ck_assert_int_eq(read_with(LIST(key, "HUB_ALLOWED_ORIGINS=Same,*,null",
                                    "HUB_PUBLIC_HOSTS=hub.example"),
                               LIST("hubd")),
                     CONFIG_RUN);
    ck_assert(prints("HUB_ALLOWED_ORIGINS=*,same,null"));
    config_release(&config);
    ck_assert_int_eq(read_with(LIST(key, "HUB_ALLOWED_ORIGINS=same",
                                    "HUB_PUBLIC_HOSTS=hub.example"),
                               LIST("hubd")),
                     CONFIG_RUN);
    ck_assert(prints("HUB_ALLOWED_ORIGINS=same"));
    ck_assert(origin_list_allows(&config.origins, "https://hub.example"));
    ck_assert(!origin_list_allows(&config.origins, "https://a.org"));
    config_release(&config);
}
END_TEST

START_TEST(metrics_have_a_port_of_their_own)
{
    static const char same[] = "HUB_METRICS: its port must be different from "
                               "PORT (7)";
    const char *key = "HUB_API_KEY=" SECRET;

    ck_assert_int_eq(
        read_with(LIST(key, "PORT=7", "HUB_METRICS=127.0.0.1:7"), LIST("hubd")),
        CONFIG_ERROR);
    ck_assert_str_eq(error, same);
    ck_assert_int_eq(
        read_with(LIST(key, "HUB_METRICS=:7"), LIST("hubd", "--port=7")),
        CONFIG_ERROR);
    ck_assert_str_eq(error, same);
    ck_assert_int_eq(
        read_with(LIST(key, "PORT=0", "HUB_METRICS=:0"), LIST("hubd")),
        CONFIG_RUN);
    ck_assert_str_eq(config.metrics.bind, "");
    config_release(&config);
    ck_assert_int_eq(
        read_with(LIST(key, "PORT=7", "HUB_METRICS=[::1]:8"), LIST("hubd")),
        CONFIG_RUN);
    ck_assert_str_eq(config.metrics.bind, "::1");
    ck_assert_uint_eq(config.metrics.port, 8);
    config_release(&config);
}
END_TEST

START_TEST(the_api_has_a_port_of_its_own)
{
    const char *key = "HUB_API_KEY=" SECRET;

    /* of a service of Kubernetes that is called hub-api */
    ck_assert_int_eq(read_env("HUB_API_PORT=tcp://10.0.0.1:80"), CONFIG_RUN);
    ck_assert(!config.api_port.given);
    config_release(&config);
    ck_assert_int_eq(read_env("HUB_API_PORT=http://10.0.0.1:80"), CONFIG_ERROR);
    ck_assert_int_eq(read_env("HUB_API_BIND=127.0.0.1"), CONFIG_ERROR);
    ck_assert_str_eq(error, "HUB_API_BIND=127.0.0.1: must be set together with "
                            "HUB_API_PORT");
    ck_assert_int_eq(
        read_with(LIST(key, "PORT=7", "HUB_API_PORT=7"), LIST("hubd")),
        CONFIG_ERROR);
    ck_assert_str_eq(error, "HUB_API_PORT: its port must be different from "
                            "PORT (7)");
    ck_assert_int_eq(
        read_with(LIST(key, "HUB_API_PORT=7", "HUB_METRICS=:7"), LIST("hubd")),
        CONFIG_ERROR);
    ck_assert_str_eq(error, "HUB_METRICS: its port must be different from "
                            "HUB_API_PORT (7)");
    ck_assert_int_eq(read_with(LIST(key, "PORT=0", "HUB_API_PORT=0",
                                    "HUB_METRICS=:0", "HUB_BIND=10.1.2.3"),
                               LIST("hubd")),
                     CONFIG_RUN);
    ck_assert(config.api_port.given);
    ck_assert_uint_eq(config.api_port.number, 0);
    ck_assert_str_eq(config_api_bind(&config), "10.1.2.3");
    config_release(&config);
    ck_assert_int_eq(
        read_with(LIST(key, "HUB_API_PORT=8", "HUB_API_BIND=127.0.0.1"),
                  LIST("hubd")),
        CONFIG_RUN);
    ck_assert_uint_eq(config.api_port.number, 8);
    ck_assert_str_eq(config_api_bind(&config), "127.0.0.1");
    config_release(&config);
}
END_TEST

START_TEST(a_path_has_4095_bytes_at_most)
{
    static char variable[17 + 4096 + 1] = "HUB_API_KEY_FILE=";

    memset(variable + 17, '/', 4095);
    ck_assert_int_eq(read_with(LIST(variable), LIST("hubd")), CONFIG_RUN);
    config_release(&config);
    variable[17 + 4095] = '/';
    ck_assert_int_eq(read_with(LIST(variable), LIST("hubd")), CONFIG_ERROR);
    ck_assert_ptr_nonnull(strstr(error, ": must be a path of 1 to 4095 bytes"));
}
END_TEST

START_TEST(a_wrong_key_is_refused_without_being_shown)
{
    static const char *const keys[] = {"two s3cret",    "s3cret\t",
                                       "s3cr\xc3\xa9t", "s3cret\x7f",
                                       " s3cret",       "s3cret\n"};
    static char variable[12 + 4097 + 1] = "HUB_API_KEY=";
    char flag[64];

    for (size_t i = 0; i < COUNT(keys); i++) {
        snprintf(variable, sizeof(variable), "HUB_API_KEY=%s", keys[i]);
        ck_assert_int_eq(read_with(LIST(variable), LIST("hubd")), CONFIG_ERROR);
        ck_assert_str_eq(
            error, "HUB_API_KEY: must be 1 to 4096 visible ASCII characters");
        snprintf(flag, sizeof(flag), "--api-key-previous=%s", keys[i]);
        ck_assert_int_eq(read_flag(flag), CONFIG_ERROR);
        ck_assert_str_eq(error, "--api-key-previous: must be 1 to 4096 visible "
                                "ASCII characters");
    }
    memset(variable + 12, 'k', 4096);
    variable[12 + 4096] = '\0';
    ck_assert_int_eq(read_with(LIST(variable), LIST("hubd")), CONFIG_RUN);
    config_release(&config);
    variable[12 + 4096] = 'k';
    ck_assert_int_eq(read_with(LIST(variable), LIST("hubd")), CONFIG_ERROR);
}
END_TEST

START_TEST(a_name_may_be_64_bytes_long)
{
    ck_assert_int_eq(read_env("HUB_SUBPROTOCOLS=a," SIXTY_FOUR), CONFIG_RUN);
    config_release(&config);
    ck_assert_int_eq(read_env("HUB_SUBPROTOCOLS=a," SIXTY_FOUR "x"),
                     CONFIG_ERROR);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config_value");
    TCase *tc = tcase_create("config_value");

    tcase_add_test(tc, right_values_are_printed_as_they_are_read);
    tcase_add_test(tc, a_wrong_value_is_named_with_what_is_right);
    tcase_add_test(tc, every_variable_has_its_flags);
    tcase_add_test(tc, a_node_without_a_name_gets_a_random_one);
    tcase_add_test(tc, same_takes_the_names_of_hosts);
    tcase_add_test(tc, metrics_have_a_port_of_their_own);
    tcase_add_test(tc, the_api_has_a_port_of_its_own);
    tcase_add_test(tc, a_path_has_4095_bytes_at_most);
    tcase_add_test(tc, a_name_may_be_64_bytes_long);
    tcase_add_test(tc, a_wrong_key_is_refused_without_being_shown);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
