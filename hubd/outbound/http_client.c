/* http_client.c - see http_client.h. It uses libcurl's multi interface for
 * single transfers, because that can be woken up.
 */
#include "outbound/http_client.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/ascii.h"
#include "base/netaddr.h"
#include "base/slice.h"
#include "outbound/curl.h"

#define CONNECT_MS 5000L
#define POLL_MS 1000
#define AGE_MAX_S (INT64_C(365) * 86400)
#define STATUS_OK 200

struct http_client {
    const struct curl *curl;
    CURLM *multi;
    atomic_bool stopped;
};

/* URLs. ------------------------------------------------------------------- */

/* IPv6 addresses are in brackets. */
static bool is_loopback(const char *host)
{
    size_t bytes = strlen(host);
    struct netaddr addr;

    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (host[0] == '[' && host[bytes - 1] == ']') {
        host++;
        bytes -= 2;
    }
    return netaddr_parse(&addr, host, bytes) == 0 && netaddr_is_loopback(&addr);
}

/* Parses a URL; `local`: it is on this machine. */
static const char *take_apart(const struct curl *curl, CURLU *parts,
                              const char *url, bool *local, bool *https)
{
    char *scheme = NULL, *host = NULL;
    const char *why = NULL;

    if (curl->url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER) !=
            CURLUE_OK ||
        curl->url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl->url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        why = "must be a URL such as https://id.example/keys, without a user";
    if (why == NULL) {
        *https = strcmp(scheme, "https") == 0;
        *local = is_loopback(host);
        if (!*https && strcmp(scheme, "http") != 0)
            why = "must be https";
    }
    curl->free(scheme);
    curl->free(host);
    return why;
}

static const char *judge(const struct curl *curl, const char *url, bool *local)
{
    CURLU *parts = curl->url();
    bool https = false;
    const char *why = "out of memory";

    *local = false;
    if (parts != NULL)
        why = take_apart(curl, parts, url, local, &https);
    curl->url_cleanup(parts);
    if (why == NULL && !https && !*local)
        why = "must be https; http is allowed on this machine only: to "
              "127.0.0.1, ::1 or localhost";
    return why;
}

int http_client_judge(const char *url, char *error, size_t error_bytes)
{
    const struct curl *curl = curl_load(error, error_bytes);
    const char *why;
    bool local;

    if (curl == NULL)
        return -1;
    why = judge(curl, url, &local);
    if (why == NULL)
        return 0;
    (void)snprintf(error, error_bytes, "%s", why);
    return -1;
}

/* Answers. ---------------------------------------------------------------- */

struct transfer {
    const struct http_question *question;
    struct http_document *document;
    bool too_large;
};

static size_t take_body(char *bytes, size_t size, size_t count, void *data)
{
    struct transfer *transfer = data;
    struct http_document *document = transfer->document;

    count *= size;
    if (count > transfer->question->bytes_max - document->bytes) {
        transfer->too_large = true;
        return 0;
    }
    memcpy(document->text + document->bytes, bytes, count);
    document->bytes += count;
    return count;
}

/* RFC 9111, 5.2.2.1: in seconds, or -1. */
static int64_t age_of(struct slice directive)
{
    static const char name[] = "max-age=";
    int64_t seconds = 0;
    size_t i = sizeof(name) - 1;

    if (directive.bytes <= i || strncasecmp(directive.start, name, i) != 0)
        return -1;
    for (; i < directive.bytes && ascii_is_digit(directive.start[i]); i++) {
        if (seconds < AGE_MAX_S)
            seconds = 10 * seconds + (directive.start[i] - '0');
    }
    return i == directive.bytes ? seconds : -1;
}

/* Uses the lowest max-age. */
static void read_cache_control(struct http_document *document,
                               const char *directives)
{
    struct slice piece;

    while (slice_next(&directives, &piece)) {
        int64_t seconds = age_of(piece);

        if (seconds >= 0 &&
            (document->max_age_ms < 0 || seconds * 1000 < document->max_age_ms))
            document->max_age_ms = seconds * 1000;
    }
}

static size_t take_header(char *bytes, size_t size, size_t count, void *data)
{
    static const char name[] = "Cache-Control:";
    struct transfer *transfer = data;
    char line[512];

    count *= size;
    if (count < sizeof(name) || count >= sizeof(line) ||
        strncasecmp(bytes, name, sizeof(name) - 1) != 0)
        return count;
    memcpy(line, bytes, count);
    line[count] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    read_cache_control(transfer->document, line + sizeof(name) - 1);
    return count;
}

/* Asking. ----------------------------------------------------------------- */

static bool set_up(const struct curl *curl, CURL *easy,
                   struct transfer *transfer, bool local, char *problem)
{
    const struct http_question *question = transfer->question;
    const struct {
        CURLoption option;
        long value;
    } numbers[] = {
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_SSL_VERIFYPEER, 1},
        {CURLOPT_SSL_VERIFYHOST, 2},
        {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
        {CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS},
        {CURLOPT_TIMEOUT_MS, (long)question->timeout_ms},
#if LIBCURL_VERSION_NUM >= 0x075700
        {CURLOPT_QUICK_EXIT, 1}, /* do not wait for a pending DNS lookup */
#endif
    };
    bool good =
        curl->easy_setopt(easy, CURLOPT_URL, question->url) == CURLE_OK &&
        curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") ==
            CURLE_OK &&
        curl->easy_setopt(easy, CURLOPT_USERAGENT, "hubd") == CURLE_OK &&
        curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, problem) == CURLE_OK &&
        curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
        curl->easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
        curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header) ==
            CURLE_OK &&
        curl->easy_setopt(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        good = good && curl->easy_setopt(easy, numbers[i].option,
                                         numbers[i].value) == CURLE_OK;
    /* Proxies in the environment are for other machines. */
    if (local)
        good = good && curl->easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
    if (question->ca_file != NULL)
        good = good &&
               curl->easy_setopt(easy, CURLOPT_CAINFO, question->ca_file) ==
                   CURLE_OK &&
               curl->easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
    return good;
}

/* Runs until the transfer is complete, or stopped. */
static CURLcode run(struct http_client *client)
{
    const struct curl *curl = client->curl;
    int running = 1, left;
    CURLMsg *message;

    while (running > 0) {
        if (atomic_load(&client->stopped))
            return CURLE_ABORTED_BY_CALLBACK;
        if (curl->multi_perform(client->multi, &running) != CURLM_OK ||
            (running > 0 && curl->multi_poll(client->multi, NULL, 0, POLL_MS,
                                             NULL) != CURLM_OK))
            return CURLE_FAILED_INIT;
    }
    message = curl->multi_info_read(client->multi, &left);
    return message != NULL ? message->data.result : CURLE_FAILED_INIT;
}

/* Evaluates the outcome. Returns 0 or -1. */
static int conclude(const struct curl *curl, CURL *easy, CURLcode result,
                    const struct transfer *transfer, const char *problem,
                    char *error, size_t error_bytes)
{
    long status = 0;

    (void)curl->easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (transfer->too_large)
        (void)snprintf(error, error_bytes, "is larger than %zu KB",
                       transfer->question->bytes_max / 1024);
    else if (result != CURLE_OK)
        (void)snprintf(error, error_bytes, "%s",
                       problem[0] != '\0' ? problem
                                          : curl->easy_strerror(result));
    else if (status != STATUS_OK)
        (void)snprintf(error, error_bytes, "answers with status %ld", status);
    else
        return 0;
    return -1;
}

static int transfer(struct http_client *client, CURL *easy,
                    struct transfer *transfer, bool local, char *error,
                    size_t error_bytes)
{
    char problem[CURL_ERROR_SIZE] = "";
    CURLcode result = CURLE_OUT_OF_MEMORY;

    if (set_up(client->curl, easy, transfer, local, problem) &&
        client->curl->multi_add_handle(client->multi, easy) == CURLM_OK) {
        result = run(client);
        (void)client->curl->multi_remove_handle(client->multi, easy);
    }
    return conclude(client->curl, easy, result, transfer, problem, error,
                    error_bytes);
}

int http_client_ask(struct http_client *client,
                    const struct http_question *question,
                    struct http_document *document, char *error,
                    size_t error_bytes)
{
    struct transfer state = {question, document, false};
    const char *why;
    bool local;
    CURL *easy;
    int err = -1;

    *document = (struct http_document){.max_age_ms = -1};
    why = judge(client->curl, question->url, &local);
    if (why != NULL) {
        (void)snprintf(error, error_bytes, "%s", why);
        return -1;
    }
    document->text = malloc(question->bytes_max);
    easy = client->curl->easy_init();
    if (document->text != NULL && easy != NULL)
        err = transfer(client, easy, &state, local, error, error_bytes);
    else
        (void)snprintf(error, error_bytes, "out of memory");
    client->curl->easy_cleanup(easy);
    if (err != 0) {
        free(document->text);
        document->text = NULL;
    }
    return err;
}

/* Life. ------------------------------------------------------------------- */

struct http_client *http_client_create(char *error, size_t error_bytes)
{
    const struct curl *curl = curl_load(error, error_bytes);
    struct http_client *client;

    if (curl == NULL)
        return NULL;
    client = calloc(1, sizeof(*client));
    if (client != NULL) {
        client->curl = curl;
        client->multi = curl->multi_init();
        if (client->multi != NULL)
            return client;
    }
    free(client);
    (void)snprintf(error, error_bytes, "out of memory");
    return NULL;
}

void http_client_destroy(struct http_client *client)
{
    if (client == NULL)
        return;
    (void)client->curl->multi_cleanup(client->multi);
    free(client);
}

void http_client_stop(struct http_client *client)
{
    atomic_store(&client->stopped, true);
    (void)client->curl->multi_wakeup(client->multi);
}
