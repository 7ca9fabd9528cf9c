/* post.c - a backend in C that posts to hubd: each line of standard input
 * becomes a message, for one user or for everybody.
 *
 *     HUB_API_KEY=… post http://127.0.0.1:8081 [user] <lines
 *
 * libcurl keeps one connection open, through HUB_PROXY if that is set; cJSON
 * writes the bodies, so that no line can break out of its string. hubd delivers
 * nothing of what it rejects, so lines that it answers with 503 are sent again.
 * After a timeout delivery is unknown, so the user has to decide.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <curl/curl.h>

#define TRIES 5

struct answer {
    char text[1024];
    size_t bytes;
};

static size_t collect(char *data, size_t one, size_t bytes, void *to)
{
    struct answer *answer = to;

    (void)one; /* always 1 */
    if (bytes >= sizeof answer->text - answer->bytes)
        return 0; /* not hubd's answer: an error for libcurl */
    memcpy(answer->text + answer->bytes, data, bytes);
    answer->bytes += bytes;
    answer->text[answer->bytes] = '\0';
    return bytes;
}

/* {"targetUserId": user, "message": {"type": "line", "payload": line}}, or just
 * the message. Release it with cJSON_free(). */
static char *write_body(const char *user, const char *line)
{
    cJSON *message = cJSON_CreateObject(), *body = message;
    char *text = NULL;

    if (user != NULL) {
        body = cJSON_CreateObject();
        cJSON_AddStringToObject(body, "targetUserId", user);
        cJSON_AddItemToObject(body, "message", message);
    }
    if (cJSON_AddStringToObject(message, "type", "line") != NULL &&
        cJSON_AddStringToObject(message, "payload", line) != NULL)
        text = cJSON_PrintUnformatted(body);
    cJSON_Delete(body);
    return text;
}

/* Prints the result. Returns 0 if it was queued. */
static int report(long status, const char *answer)
{
    cJSON *json = cJSON_Parse(answer);
    const cJSON *recipients = cJSON_GetObjectItem(json, "recipients");
    const char *code = cJSON_GetStringValue(cJSON_GetObjectItem(json, "code"));
    const char *message =
        cJSON_GetStringValue(cJSON_GetObjectItem(json, "message"));
    int queued = status == 200 && cJSON_IsNumber(recipients);

    if (queued)
        printf("queued for %d\n", recipients->valueint);
    else
        fprintf(stderr, "post: %ld %s: %s\n", status, code ? code : "?",
                message ? message : "not an answer from hubd");
    cJSON_Delete(json);
    return queued ? 0 : -1;
}

/* Returns 0 once it is queued. */
static int post(CURL *curl, const char *body)
{
    for (int left = TRIES;; left--) {
        struct answer answer = {"", 0};
        curl_off_t wait_s = 0;
        long status = 0;
        CURLcode err;

        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
        err = curl_easy_perform(curl);
        if (err != CURLE_OK) {
            fprintf(stderr, "post: %s\n", curl_easy_strerror(err));
            return -1;
        }
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        if (status != 503 || left == 1)
            return report(status, answer.text);
        curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &wait_s);
        sleep(wait_s > 0 && wait_s < 60 ? (unsigned)wait_s : 1);
    }
}

static struct curl_slist *set_up(CURL *curl, const char *url, const char *key)
{
    const char *proxy = getenv("HUB_PROXY"); /* http_proxy gets no key */
    struct curl_slist *headers;
    char header[4200];

    (void)snprintf(header, sizeof header, "X-API-Key: %s", key);
    headers = curl_slist_append(NULL, header);
    headers = curl_slist_append(headers, "Content-Type: application/json");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, proxy != NULL ? proxy : "");
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 2000L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 10000L); /* in all */
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    return headers;
}

int main(int argc, char **argv)
{
    const char *key = getenv("HUB_API_KEY"), *user = argc > 2 ? argv[2] : NULL;
    struct curl_slist *headers;
    char url[1024], *line = NULL;
    size_t line_bytes = 0;
    int failed = 0;
    CURL *curl;

    if (argc < 2 || key == NULL) {
        fprintf(stderr, "usage: HUB_API_KEY=… post URL [user]\n");
        return 64;
    }
    (void)snprintf(url, sizeof url, "%s/api/%s", argv[1],
                   user != NULL ? "send" : "broadcast");
    curl = curl_easy_init();
    headers = set_up(curl, url, key);
    while (!failed && getline(&line, &line_bytes, stdin) > 0) {
        char *body;

        line[strcspn(line, "\n")] = '\0';
        body = write_body(user, line);
        failed = body == NULL || post(curl, body) != 0;
        cJSON_free(body);
    }
    free(line);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return failed;
}
