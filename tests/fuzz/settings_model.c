/* settings_model.c - see settings_model.h. Numbers are computed with exact
 * 128-bit arithmetic; networks and origins are checked by what must and must
 * not match them.
 */
#include "settings_model.h"

#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/netaddr.h"
#include "base/origin.h"
#include "base/units.h"

#define DIGITS_MAX 9    /* behind a point: nanoseconds of a second */
#define ORIGIN_MAX 1024 /* longer ones are left alone */

/* Numbers. -------------------------------------------------------------- */

enum opinion { WRONG, RIGHT, NO_OPINION };

/* Digits up to what surely fits; `count` of them. */
static unsigned __int128 read_digits(const char **at, size_t *count)
{
    unsigned __int128 value = 0;

    for (*count = 0; **at >= '0' && **at <= '9'; ++*at, ++*count) {
        if (value < (unsigned __int128)1 << 90)
            value = value * 10 + (unsigned)(**at - '0');
    }
    return value;
}

static uint64_t unit_ns(const char **at)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {
        {"h", 3600000000000}, {"ms", 1000000},   {"m", 60000000000},
        {"s", 1000000000},    {"us", 1000},      {"ns", 1},
        {"\u00b5s", 1000},    {"\u03bcs", 1000},
    };

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        size_t bytes = strlen(units[i].name);

        if (strncmp(*at, units[i].name, bytes) == 0) {
            *at += bytes;
            return units[i].ns;
        }
    }
    return 0;
}

/* No opinion on fractions with more digits than nanoseconds need: hubd refuses
 * sums of parts of a nanosecond. */
static enum opinion read_duration(const char *at, unsigned __int128 *ms)
{
    unsigned __int128 total = 0;
    bool unsure = false;

    at += *at == '+';
    *ms = 0;
    if (strcmp(at, "0") == 0)
        return RIGHT;
    do {
        size_t whole_digits, digits = 0;
        unsigned __int128 value = read_digits(&at, &whole_digits);
        unsigned __int128 scale = 1;
        uint64_t ns;

        if (*at == '.') {
            at++;
            while (*at >= '0' && *at <= '9') {
                if (++digits <= DIGITS_MAX) {
                    value = value * 10 + (unsigned)(*at - '0');
                    scale *= 10;
                }
                at++;
            }
        }
        ns = unit_ns(&at);
        if (whole_digits + digits == 0 || ns == 0)
            return WRONG;
        unsure |= digits > DIGITS_MAX;
        if (value >= (unsigned __int128)1 << 80)
            return unsure ? NO_OPINION : WRONG; /* centuries of nanoseconds */
        if (!unsure && value * ns % scale != 0)
            return WRONG;
        total += value * ns / scale;
        if (total > UINT64_MAX)
            return unsure ? NO_OPINION : WRONG;
    } while (*at != '\0');
    *ms = total / 1000000;
    if (unsure)
        return NO_OPINION;
    return total % 1000000 == 0 ? RIGHT : WRONG;
}

void settings_check_duration(const char *text)
{
    unsigned __int128 wanted;
    enum opinion opinion = read_duration(text, &wanted);
    char shown[UNITS_TEXT_MAX];
    int64_t ms, again;
    bool valid = units_parse_duration(&ms, text) == 0;

    if (opinion != NO_OPINION)
        REQUIRE(valid == (opinion == RIGHT));
    if (!valid)
        return;
    REQUIRE(ms >= 0);
    REQUIRE(opinion == NO_OPINION || (unsigned __int128)ms == wanted);
    units_format_duration(shown, ms);
    REQUIRE(units_parse_duration(&again, shown) == 0 && again == ms);
}

void settings_check_size(const char *text)
{
    const char *unit = text;
    size_t digits;
    unsigned __int128 wanted = read_digits(&unit, &digits);
    char shown[UNITS_TEXT_MAX];
    uint64_t bytes, again;
    bool valid = digits > 0;

    if (*unit != '\0' && strchr("kKmMgG", *unit)) {
        wanted <<= 10 * (strcspn("kmg", (char[]){(char)(*unit | 32), 0}) + 1);
        unit++;
        if ((*unit == 'i' || *unit == 'I') && (unit[1] | 32) == 'b')
            unit++;
    }
    unit += *unit == 'b' || *unit == 'B';
    valid = valid && *unit == '\0' && wanted <= UINT64_MAX;
    REQUIRE((units_parse_size(&bytes, text) == 0) == valid);
    if (!valid)
        return;
    REQUIRE(bytes == (uint64_t)wanted);
    units_format_size(shown, bytes);
    REQUIRE(units_parse_size(&again, shown) == 0 && again == bytes);
}

void settings_check_count(const char *text)
{
    const char *end = text;
    size_t digits;
    unsigned __int128 wanted = read_digits(&end, &digits);
    uint64_t count;
    bool valid = digits > 0 && *end == '\0' && wanted <= UINT64_MAX;

    REQUIRE((units_parse_count(&count, text) == 0) == valid);
    REQUIRE(!valid || count == (uint64_t)wanted);
}

/* Addresses. ------------------------------------------------------------ */

static bool is_v4(const struct netaddr *addr)
{
    static const uint8_t zeros[10];

    return memcmp(addr->bytes, zeros, sizeof(zeros)) == 0 &&
           addr->bytes[10] == 0xFF && addr->bytes[11] == 0xFF;
}

/* An address with one bit turned belongs to a network if the bit is behind the
 * prefix; IPv4 belongs to no shorter prefix than its own. */
static void check_net(const struct netaddr_list *list)
{
    const struct netaddr_net *net = &list->nets[0];

    REQUIRE(net->prefix_bits <= 128);
    for (unsigned bit = 0; bit < 128; bit++) {
        struct netaddr addr = net->base;

        addr.bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        REQUIRE(netaddr_list_has(list, &addr) ==
                (bit >= net->prefix_bits &&
                 !(net->prefix_bits < 96 && is_v4(&addr))));
    }
}

void settings_check_addresses(const char *text)
{
    struct netaddr_list list;
    struct netaddr addr, again;
    char shown[NETADDR_TEXT_MAX], bad[16];

    if (netaddr_parse(&addr, text, strlen(text)) == 0) {
        netaddr_format(&addr, shown);
        REQUIRE(netaddr_parse(&again, shown, strlen(shown)) == 0);
        REQUIRE(memcmp(&addr, &again, sizeof(addr)) == 0);
        REQUIRE(is_v4(&addr) == (strchr(shown, ':') == NULL));
    }
    if (netaddr_list_parse(&list, text, bad, sizeof(bad)) != 0)
        return;
    REQUIRE(list.count > 0);
    if (list.count == 1)
        check_net(&list);
    /* Whoever is first in line, the client is the peer or somebody trusted
     * vouched for. */
    addr = netaddr_client(&list, list.nets[0].base, text);
    again = netaddr_client(&(struct netaddr_list){0}, addr, text);
    REQUIRE(memcmp(&addr, &again, sizeof(addr)) == 0);
    netaddr_list_release(&list);
}

/* Origins. -------------------------------------------------------------- */

static void turn_case(char *text)
{
    for (; *text != '\0'; text++) {
        if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z'))
            *text ^= 0x20;
    }
}

static void require_allowed(const struct origin_list *list, const char *text)
{
    char other[ORIGIN_MAX + 16];

    REQUIRE(strlen(text) < sizeof(other));
    strcpy(other, text);
    turn_case(other);
    REQUIRE(origin_list_allows(list, text));
    REQUIRE(origin_list_allows(list, other));
}

/* Any port; returns whether that was it. What the pattern says of the rest, one
 * with a port would say as well. */
static bool check_any_port(const struct origin_list *list, const char *pattern)
{
    char text[ORIGIN_MAX + 16], bad[16];
    size_t bytes = strlen(pattern) - 1;
    struct origin_list other;

    if (bytes < 2 || strcmp(pattern + bytes - 1, ":*") != 0)
        return false;
    REQUIRE(!origin_list_allows(list, pattern));
    (void)snprintf(text, sizeof(text), "%.*s65535", (int)bytes, pattern);
    if (strstr(text, "://*") != NULL) { /* of any host there is */
        REQUIRE(!origin_list_allows(list, text));
    } else if (strlen(strstr(text, "://")) <= 240) {
        require_allowed(list, text);
    }
    REQUIRE(origin_list_parse(&other, text, bad, sizeof(bad)) == 0);
    origin_list_release(&other);
    (void)snprintf(text, sizeof(text), "%.*s0", (int)bytes, pattern);
    REQUIRE(!origin_list_allows(list, text));
    return true;
}

/* A pattern allows what it names, in either case, and nothing that only begins
 * or ends like it. */
static void check_pattern(const struct origin_list *list, const char *pattern)
{
    const char *host = strstr(pattern, "://");
    char text[ORIGIN_MAX + 16];
    int scheme;

    REQUIRE(!origin_list_allows(list, ""));
    REQUIRE(origin_list_allows(list, "null") == (strcmp(pattern, "null") == 0));
    (void)snprintf(text, sizeof(text), "x%s", pattern);
    REQUIRE(!origin_list_allows(list, text));
    if (host == NULL) {
        REQUIRE(strcmp(pattern, "null") == 0);
        return;
    }
    host += 3;
    scheme = (int)(host - pattern);
    if (check_any_port(list, pattern))
        return;
    if (*host == '\0') { /* "file://" */
        require_allowed(list, pattern);
        (void)snprintf(text, sizeof(text), "%sx", pattern);
        REQUIRE(!origin_list_allows(list, text));
        return;
    }
    if (*host == '*' && host[1] != '.') { /* any host, not none */
        (void)snprintf(text, sizeof(text), "%.*s%s", scheme, pattern, host + 1);
        REQUIRE(!origin_list_allows(list, text));
        (void)snprintf(text, sizeof(text), "%.*sa-b.c%s", scheme, pattern,
                       host + 1);
    } else if (*host == '*') {
        REQUIRE(!origin_list_allows(list, pattern));
        (void)snprintf(text, sizeof(text), "%.*s%s", scheme, pattern, host + 2);
        REQUIRE(!origin_list_allows(list, text));
        (void)snprintf(text, sizeof(text), "%.*sx%s", scheme, pattern,
                       host + 2);
        REQUIRE(!origin_list_allows(list, text));
        (void)snprintf(text, sizeof(text), "%.*sa-b.c%s", scheme, pattern,
                       host + 1);
    } else {
        (void)snprintf(text, sizeof(text), "%.*sx%s", scheme, pattern, host);
        REQUIRE(!origin_list_allows(list, text));
        (void)snprintf(text, sizeof(text), "%s", pattern);
    }
    if (strlen(host) <= 240) /* of the 255 bytes a host may have */
        require_allowed(list, text);
}

void settings_check_origins(const char *text)
{
    struct origin_list list;
    char bad[16];

    if (strlen(text) > ORIGIN_MAX ||
        origin_list_parse(&list, text, bad, sizeof(bad)) != 0)
        return;
    REQUIRE(list.any || list.same || list.count > 0);
    REQUIRE(origin_list_allows(&list, NULL));
    if (!list.any && !list.same && list.count == 1)
        check_pattern(&list, list.patterns[0]);
    if (list.any)
        REQUIRE(origin_list_allows(&list, "null"));
    origin_list_release(&list);
}

/* A page of a host is one of the web, of the host's own port or, where it has
 * none, of the scheme's. */
static void check_host(const struct origin_list *list, const char *host)
{
    bool has_port = host[strcspn(host, "]")] == ']' ? strstr(host, "]:") != NULL
                                                    : strchr(host, ':') != NULL;
    char text[ORIGIN_MAX + 32];

    (void)snprintf(text, sizeof(text), "https://%s", host);
    require_allowed(list, text);
    (void)snprintf(text, sizeof(text), "http://%s", host);
    require_allowed(list, text);
    (void)snprintf(text, sizeof(text), "capacitor://%s", host);
    REQUIRE(!origin_list_allows(list, text));
    (void)snprintf(text, sizeof(text), "https://x.%s", host);
    REQUIRE(!origin_list_allows(list, text));
    (void)snprintf(text, sizeof(text), "https://%s.x", host);
    REQUIRE(!origin_list_allows(list, text));
    if (has_port)
        return;
    (void)snprintf(text, sizeof(text), "https://%s:443", host);
    require_allowed(list, text);
    (void)snprintf(text, sizeof(text), "https://%s:80", host);
    REQUIRE(!origin_list_allows(list, text));
}

void settings_check_hosts(const char *text)
{
    struct origin_hosts hosts;
    struct origin_list list = {.same = true, .hosts = &hosts};
    char bad[16];

    if (strlen(text) > ORIGIN_MAX ||
        origin_hosts_parse(&hosts, text, bad, sizeof(bad)) != 0)
        return;
    REQUIRE(hosts.count > 0);
    REQUIRE(origin_list_allows(&list, NULL));
    REQUIRE(!origin_list_allows(&list, "null"));
    if (hosts.count == 1)
        check_host(&list, hosts.hosts[0]);
    origin_hosts_release(&hosts);
}
