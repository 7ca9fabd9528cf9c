/* check_config_show.c - what users see: effective values, usage, pairs for the
 * log, warnings.
 */
#include "config_fixture.h"
#include "suite.h"

START_TEST(defaults_are_those_of_the_manual)
{
    char *text;

    ck_assert_int_eq(read_env("OTHER=1"), CONFIG_RUN);
    ck_assert_str_eq(error, "");
    ck_assert_uint_eq(config.port, 8081);
    ck_assert_str_eq(config.bind, "0.0.0.0");
    ck_assert_str_eq(config.api_key, SECRET);
    ck_assert_ptr_null(config.api_key_previous);
    ck_assert_ptr_null(config.api_key_file);
    ck_assert_int_eq(config.read_timeout_ms, 60000);
    ck_assert_int_eq(config.write_timeout_ms, 10000);
    ck_assert_int_eq(config.keepalive_timeout_ms, 120000);
    ck_assert_uint_eq(config.max_message_bytes, 524288);
    ck_assert_int_eq(config.ping_interval_ms, 25000);
    ck_assert_int_eq(config.pong_timeout_ms, 10000);
    ck_assert_uint_eq(config.max_connections, 0);
    ck_assert_uint_eq(config.max_connections_per_ip, 0);
    ck_assert_uint_eq(config.max_connections_per_user, 0);
    ck_assert_uint_eq(config.queue_bytes, 1048576);
    ck_assert_int_eq(config.slow_consumer, HUB_SLOW_CLOSE);
    ck_assert_uint_eq(config.memory_limit, 0);
    ck_assert_uint_eq(config.rate_limit, 100);
    ck_assert(config.origins.any);
    ck_assert_uint_eq(config.trusted_proxies.count, 0);
    ck_assert_int_eq(config.shutdown_timeout_ms, 10000);
    ck_assert_uint_eq(config.loops, 0);
    ck_assert_int_eq(config.metrics.where, METRICS_OFF);
    ck_assert_ptr_null(config.metrics_key);
    ck_assert_int_eq(config.console, CONFIG_OFF);
    ck_assert_int_eq(config.log_level, LEVEL_INFO);
    ck_assert_int_eq(config.log_format, LOG_TEXT);
    text = printed();
    ck_assert_str_eq(text, "PORT=8081\n"
                           "HUB_BIND=0.0.0.0\n"
                           "HUB_API_PORT=(unset)\n"
                           "HUB_API_BIND=(unset)\n"
                           "HUB_API_KEY=****\n"
                           "HUB_API_KEY_PREVIOUS=(unset)\n"
                           "HUB_API_KEY_FILE=(unset)\n"
                           "READ_TIMEOUT=60s\n"
                           "WRITE_TIMEOUT=10s\n"
                           "HUB_KEEPALIVE_TIMEOUT=2m\n"
                           "MAX_MESSAGE_SIZE=512KB\n"
                           "HUB_PING_INTERVAL=25s\n"
                           "HUB_PONG_TIMEOUT=10s\n"
                           "HUB_MAX_CONNECTIONS=0\n"
                           "HUB_MAX_CONNECTIONS_PER_IP=0\n"
                           "HUB_MAX_CONNECTIONS_PER_USER=0\n"
                           "HUB_QUEUE_SIZE=1MB\n"
                           "HUB_SLOW_CONSUMER=close\n"
                           "HUB_MEMORY_LIMIT=half of the memory of the machine "
                           "or the container\n"
                           "HUB_RATE_LIMIT=100\n"
                           "HUB_ALLOWED_ORIGINS=*\n"
                           "HUB_ALLOWED_ORIGINS_FILE=(unset)\n"
                           "HUB_PUBLIC_HOSTS=(unset)\n"
                           "HUB_SUBPROTOCOLS=(unset)\n"
                           "HUB_TRUSTED_PROXIES=(unset)\n"
                           "HUB_CLIENT_AUTH=none\n"
                           "HUB_TOKEN_FROM=protocol,authorization\n"
                           "HUB_SESSION_ID_FROM=auto\n"
                           "HUB_PROXY_USER_HEADER=X-User-Id\n"
                           "HUB_PROXY_SESSION_HEADER=X-Session-Id\n"
                           "HUB_EXPIRY_WARNING=60s\n"
                           "HUB_EXPIRY_GRACE=25s\n"
                           "HUB_JWT_SECRET=(unset)\n"
                           "HUB_JWT_SECRET_FILE=(unset)\n"
                           "HUB_JWT_KEYS_FILE=(unset)\n"
                           "HUB_JWT_KEYS_URL=(unset)\n"
                           "HUB_JWT_KEYS_CA_FILE=(unset)\n"
                           "HUB_JWT_KEYS_REFRESH=10m\n"
                           "HUB_JWT_KEYS_COOLDOWN=30s\n"
                           "HUB_JWT_KEYS_MAX_AGE=0s\n"
                           "HUB_JWT_ISSUER=(unset)\n"
                           "HUB_JWT_AUDIENCE=(unset)\n"
                           "HUB_JWT_AUDIENCE_CLAIM=aud\n"
                           "HUB_JWT_ALGORITHMS=auto\n"
                           "HUB_JWT_TYPE=(unset)\n"
                           "HUB_JWT_LEEWAY=30s\n"
                           "HUB_JWT_USER_CLAIM=sub\n"
                           "HUB_JWT_SESSION_CLAIM=(unset)\n"
                           "HUB_JWT_GROUPS_CLAIM=(unset)\n"
                           "HUB_NODE_NAME=(unset)\n"
                           "HUB_TICKET_TTL=30s\n"
                           "HUB_TICKETS_MAX=100000\n"
                           "HUB_SHUTDOWN_TIMEOUT=10s\n"
                           "HUB_LOOPS=one for each available CPU\n"
                           "HUB_SENDER=auto\n"
                           "HUB_METRICS=off\n"
                           "HUB_METRICS_KEY=(unset)\n"
                           "HUB_CONSOLE=off\n"
                           "HUB_LOG_LEVEL=info\n"
                           "HUB_LOG_FORMAT=text\n");
    free(text);
    config_release(&config);
    ck_assert_ptr_null(config.api_key);
}
END_TEST

START_TEST(usage_tells_of_every_setting)
{
    char *text = NULL, *print;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    config_usage(out);
    fclose(out);
    ck_assert_int_eq(read_env("OTHER=1"), CONFIG_RUN);
    print = printed();
    for (char *line = strtok(print, "\n"); line; line = strtok(NULL, "\n")) {
        char flag[256], entry[600];

        as_flag(flag, sizeof(flag), line);
        *strchr(flag, '=') = '\0';
        snprintf(entry, sizeof(entry), "\n  %.*s, %s\n",
                 (int)strcspn(line, "="), line, flag);
        ck_assert_msg(strstr(text, entry) != NULL, "%s", entry);
    }
    ck_assert_ptr_nonnull(strstr(text, "default 512KB"));
    ck_assert_ptr_nonnull(strstr(text, "default one for each available CPU"));
    ck_assert_ptr_nonnull(strstr(text, "--check-config"));
    ck_assert_ptr_nonnull(strstr(text, "close, drop-oldest or drop-newest"));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        ck_assert_uint_le(strlen(line), 100);
    free(print);
    free(text);
    config_release(&config);
}
END_TEST

struct pairs {
    int count;
    bool port, key, interval;
};

static void take_pair(void *context, const char *name, const char *value)
{
    struct pairs *pairs = context;

    pairs->count++;
    ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz_"),
                      strlen(name));
    ck_assert_ptr_null(strstr(value, "s3cret"));
    pairs->port |= !strcmp(name, "port") && !strcmp(value, "7");
    pairs->key |= !strcmp(name, "api_key") && !strcmp(value, "****");
    pairs->interval |= !strcmp(name, "ping_interval") && !strcmp(value, "25s");
}

START_TEST(pairs_for_the_log_are_all_settings)
{
    struct pairs pairs = {0};

    ck_assert_int_eq(read_env("PORT=7"), CONFIG_RUN);
    config_each(&config, take_pair, &pairs);
    ck_assert_int_eq(pairs.count, 60);
    ck_assert(pairs.port && pairs.key && pairs.interval);
    config_release(&config);
}
END_TEST

static void append(void *context, const char *text)
{
    strcat(context, text);
    strcat(context, "|");
}

START_TEST(what_is_likely_a_mistake_is_warned_of)
{
    char text[1024] = "";

    ck_assert_int_eq(
        read_with(LIST("HUB_API_KEY=" SECRET, "HUB_CLIENT_AUTH=ticket",
                       "HUB_ALLOWED_ORIGINS=https://a.org",
                       "HUB_PING_INTERVAL=59999ms", "HUB_QUEUE_SIZE=512KB"),
                  LIST("hubd")),
        CONFIG_RUN);
    ck_assert_int_eq(config_warnings(&config, append, text), 0);
    ck_assert_str_eq(text, "");
    config_release(&config);
    ck_assert_int_eq(
        read_with(LIST("HUB_API_KEY=" SECRET, "HUB_PING_INTERVAL=60s",
                       "HUB_QUEUE_SIZE=524287"),
                  LIST("hubd")),
        CONFIG_RUN);
    ck_assert_int_eq(config_warnings(&config, append, text), 3);
    ck_assert_ptr_nonnull(strstr(text, "HUB_CLIENT_AUTH is none"));
    ck_assert_ptr_nonnull(strstr(text, "|HUB_PING_INTERVAL"));
    ck_assert_ptr_nonnull(strstr(text, "|HUB_QUEUE_SIZE"));
    config_release(&config);
}
END_TEST

START_TEST(an_origin_that_any_page_can_have_is_warned_of)
{
    char text[1024] = "";

    ck_assert_int_eq(
        read_with(LIST("HUB_API_KEY=" SECRET, "HUB_CLIENT_AUTH=ticket",
                       "HUB_ALLOWED_ORIGINS=https://a.org,null"),
                  LIST("hubd")),
        CONFIG_RUN);
    ck_assert_int_eq(config_warnings(&config, append, text), 1);
    ck_assert_str_eq(text, "HUB_ALLOWED_ORIGINS includes null: every web page "
                           "can connect from a sandboxed frame|");
    config_release(&config);
}
END_TEST

START_TEST(keys_of_tokens_without_effect_are_warned_of)
{
    char text[1024] = "";

    ck_assert_int_eq(
        read_with(LIST("HUB_API_KEY=" SECRET, "HUB_CLIENT_AUTH=ticket",
                       "HUB_JWT_KEYS_FILE=/run/keys"),
                  LIST("hubd")),
        CONFIG_RUN);
    ck_assert_int_eq(config_warnings(&config, append, text), 1);
    ck_assert_ptr_nonnull(strstr(text, "HUB_JWT"));
    config_release(&config);
}
END_TEST

START_TEST(what_browsers_add_unasked_takes_a_list_of_origins)
{
    static const struct {
        const char *auth, *from, *origins;
        bool good;
    } rows[] = {
        {"jwt", "protocol", "*", true},
        {"jwt", "query:t,cookie:sid", "*", false},
        {"jwt", "cookie:sid", "https://a.org", true},
        {"ticket", "cookie:sid", "*", true},
        {"proxy", "protocol", "*", false},
        {"proxy,ticket", "protocol", "https://a.org", true},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char auth[64], from[64], origins[64];
        bool good;

        (void)snprintf(auth, 64, "HUB_CLIENT_AUTH=%s", rows[i].auth);
        (void)snprintf(from, 64, "HUB_TOKEN_FROM=%s", rows[i].from);
        (void)snprintf(origins, 64, "HUB_ALLOWED_ORIGINS=%s", rows[i].origins);
        good = read_with(LIST("HUB_API_KEY=" SECRET, auth, from, origins,
                              "HUB_TRUSTED_PROXIES=10.0.0.1"),
                         LIST("hubd")) == CONFIG_RUN;
        ck_assert_msg(good == rows[i].good, "%s %s %s", auth, from, origins);
        if (good)
            config_release(&config);
        else
            ck_assert_ptr_nonnull(
                strstr(error, "HUB_ALLOWED_ORIGINS must be a list"));
    }
    ck_assert_int_eq(
        read_with(LIST("HUB_API_KEY=" SECRET, "HUB_CLIENT_AUTH=proxy",
                       "HUB_ALLOWED_ORIGINS=https://a.org"),
                  LIST("hubd")),
        CONFIG_ERROR);
    ck_assert_ptr_nonnull(strstr(error, "HUB_TRUSTED_PROXIES must be set"));
}
END_TEST

START_TEST(hosts_without_effect_are_warned_of)
{
    const char *key = "HUB_API_KEY=" SECRET, *hosts = "HUB_PUBLIC_HOSTS=a.org";
    char text[1024] = "";

    ck_assert_int_eq(read_with(LIST(key, "HUB_CLIENT_AUTH=ticket", hosts,
                                    "HUB_ALLOWED_ORIGINS=same"),
                               LIST("hubd")),
                     CONFIG_RUN);
    ck_assert_int_eq(config_warnings(&config, append, text), 0);
    config_release(&config);
    ck_assert_int_eq(read_with(LIST(key, "HUB_CLIENT_AUTH=ticket", hosts,
                                    "HUB_ALLOWED_ORIGINS_FILE=/run/origins"),
                               LIST("hubd")),
                     CONFIG_RUN);
    ck_assert_int_eq(config_warnings(&config, append, text), 0);
    config_release(&config);
    ck_assert_int_eq(read_with(LIST(key, "HUB_CLIENT_AUTH=ticket", hosts,
                                    "HUB_ALLOWED_ORIGINS=https://b.org"),
                               LIST("hubd")),
                     CONFIG_RUN);
    ck_assert_int_eq(config_warnings(&config, append, text), 1);
    ck_assert_str_eq(text, "HUB_PUBLIC_HOSTS has no effect, since "
                           "HUB_ALLOWED_ORIGINS does not include same|");
    config_release(&config);
}
END_TEST

static void expect_unknown(const char *const *env, const char *expected)
{
    char text[1024] = "";

    ck_assert_int_eq(read_with(env, LIST("hubd")), CONFIG_RUN);
    (void)config_warnings(&config, append, text);
    if (*expected == '\0')
        ck_assert_msg(strstr(text, "not a setting") == NULL, "%s", text);
    else
        ck_assert_msg(strstr(text, expected) != NULL, "%s", text);
    ck_assert_ptr_null(strstr(text, "value"));
    config_release(&config);
}

START_TEST(variables_that_are_no_settings_are_warned_of)
{
    char long_name[400];
    const char *many[18] = {"HUB_API_KEY=" SECRET};

    expect_unknown(LIST("HUB_API_KEY=" SECRET, "HUB_QUEUESIZE=value"),
                   "|HUB_QUEUESIZE: not a setting of hubd");
    expect_unknown(LIST("HUB_API_KEY=" SECRET, "HUB_A=value", "HUB_\n=value",
                        "HUB_QUEUE_SIZE=1MB", "HUB_QUEUE_SIZE_=value"),
                   "|HUB_A, HUB_\\n, HUB_QUEUE_SIZE_: not a setting of hubd");
    expect_unknown(LIST("HUB_API_KEY=" SECRET, "HUB=value", "HUBD_X=value",
                        "MAX_MESSAGE=value", "HUB_SERVICE_HOST=value",
                        "HUB_PORT=tcp://10.0.0.1:8081", "HUB_PORT_1_TCP=value",
                        "HUB_METRICS_SERVICE_PORT_A=value",
                        "HUB_METRICS_PORT_9_TCP_ADDR=value"),
                   "");
    expect_unknown(LIST("HUB_API_KEY=" SECRET, "HUB_PORT=8081"),
                   "|HUB_PORT: not a setting");
    memset(long_name, 'X', sizeof(long_name) - 1);
    memcpy(long_name, "HUB_", 4);
    long_name[sizeof(long_name) - 1] = '\0';
    expect_unknown(LIST("HUB_API_KEY=" SECRET, long_name),
                   "XXX...: not a setting");
    memset(long_name + 40, '\0', sizeof(long_name) - 40);
    for (size_t i = 0; i < ARGS_MAX - 1; i++)
        many[i + 1] = long_name;
    expect_unknown(many, "XXX, ...: not a setting");
}
END_TEST

/* How many warnings name HUB_METRICS, with these variables. */
static int warnings_of_metrics(const char *bind, const char *metrics,
                               const char *key)
{
    char text[1024] = "";
    int count = 0;

    ck_assert_int_eq(read_with(LIST("HUB_API_KEY=" SECRET, bind, metrics, key),
                               LIST("hubd")),
                     CONFIG_RUN);
    config_forget_keys(&config);
    (void)config_warnings(&config, append, text);
    for (const char *at = text; (at = strstr(at, "HUB_METRICS")) != NULL; at++)
        count += at == text || at[-1] == '|';
    config_release(&config);
    return count;
}

START_TEST(metrics_for_everybody_are_warned_of)
{
    const char *key = "HUB_METRICS_KEY=0123456789abcdef";
    const char *on = "HUB_METRICS=on", *all = "HUB_BIND=0.0.0.0";

    ck_assert_int_eq(warnings_of_metrics(all, on, "X=1"), 1);
    ck_assert_int_eq(warnings_of_metrics("HUB_BIND=10.1.2.3", on, "X=1"), 1);
    ck_assert_int_eq(warnings_of_metrics("HUB_BIND=::", on, "X=1"), 1);
    ck_assert_int_eq(warnings_of_metrics("HUB_BIND=127.0.0.1", on, "X=1"), 0);
    ck_assert_int_eq(warnings_of_metrics("HUB_BIND=127.9.9.9", on, "X=1"), 0);
    ck_assert_int_eq(warnings_of_metrics("HUB_BIND=::1", on, "X=1"), 0);
    ck_assert_int_eq(warnings_of_metrics(all, on, key), 0);
    ck_assert_int_eq(warnings_of_metrics(all, "HUB_METRICS=:9108", "X=1"), 0);
    ck_assert_int_eq(warnings_of_metrics(all, "HUB_METRICS=off", "X=1"), 0);
    ck_assert_int_eq(warnings_of_metrics(all, "HUB_METRICS=off", key), 1);
}
END_TEST

START_TEST(what_is_on_the_api_port_is_seen_where_that_is)
{
    static const struct {
        const char *bind, *api_bind;
        int warnings;
    } rows[] = {
        {"HUB_BIND=127.0.0.1", "HUB_API_BIND=0.0.0.0", 2},
        {"HUB_BIND=0.0.0.0", "HUB_API_BIND=127.0.0.1", 0},
        {"HUB_BIND=0.0.0.0", "HUB_API_BIND=", 2},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[1024] = "";

        ck_assert_int_eq(
            read_with(LIST("HUB_API_KEY=" SECRET, "HUB_CLIENT_AUTH=ticket",
                           "HUB_ALLOWED_ORIGINS=https://a.org",
                           "HUB_API_PORT=1", "HUB_CONSOLE=on", "HUB_METRICS=on",
                           rows[i].bind, rows[i].api_bind),
                      LIST("hubd")),
            CONFIG_RUN);
        ck_assert_int_eq(config_warnings(&config, append, text),
                         rows[i].warnings);
        config_release(&config);
    }
}
END_TEST

START_TEST(a_console_that_other_machines_see_is_warned_of)
{
    static const struct {
        const char *console, *bind;
        int warnings;
    } rows[] = {
        {"HUB_CONSOLE=off", "HUB_BIND=0.0.0.0", 0},
        {"HUB_CONSOLE=on", "HUB_BIND=0.0.0.0", 1},
        {"HUB_CONSOLE=on", "HUB_BIND=::", 1},
        {"HUB_CONSOLE=on", "HUB_BIND=192.168.1.1", 1},
        {"HUB_CONSOLE=on", "HUB_BIND=127.0.0.1", 0},
        {"HUB_CONSOLE=on", "HUB_BIND=::1", 0},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[1024] = "";

        ck_assert_int_eq(
            read_with(LIST("HUB_API_KEY=" SECRET, "HUB_CLIENT_AUTH=ticket",
                           "HUB_ALLOWED_ORIGINS=https://a.org", rows[i].bind,
                           rows[i].console),
                      LIST("hubd")),
            CONFIG_RUN);
        ck_assert_int_eq(config_warnings(&config, append, text),
                         rows[i].warnings);
        ck_assert_msg((strstr(text, "HUB_CONSOLE") != NULL) ==
                          (rows[i].warnings == 1),
                      "%s %s: %s", rows[i].console, rows[i].bind, text);
        config_release(&config);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config_show");
    TCase *tc = tcase_create("config_show");

    tcase_add_test(tc, defaults_are_those_of_the_manual);
    tcase_add_test(tc, usage_tells_of_every_setting);
    tcase_add_test(tc, pairs_for_the_log_are_all_settings);
    tcase_add_test(tc, what_is_likely_a_mistake_is_warned_of);
    tcase_add_test(tc, an_origin_that_any_page_can_have_is_warned_of);
    tcase_add_test(tc, keys_of_tokens_without_effect_are_warned_of);
    tcase_add_test(tc, what_browsers_add_unasked_takes_a_list_of_origins);
    tcase_add_test(tc, hosts_without_effect_are_warned_of);
    tcase_add_test(tc, variables_that_are_no_settings_are_warned_of);
    tcase_add_test(tc, metrics_for_everybody_are_warned_of);
    tcase_add_test(tc, what_is_on_the_api_port_is_seen_where_that_is);
    tcase_add_test(tc, a_console_that_other_machines_see_is_warned_of);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
