/* jwt.c - checks the parts of a token in this order: the header, the signature,
 * and only then the claims. The expiry is checked last, so that an expired
 * token has no other fault.
 *
 * Header and claims are read in one strict pass each, which only notes where
 * the relevant members are. None of these may occur twice, in whatever
 * spelling.
 */
#include "access/jwt.h"

#include <string.h>
#include <strings.h>

#include "base/ascii.h"
#include "base/base64url.h"
#include "base/id.h"
#include "base/json_string.h"

#define HEADER_BYTES_MAX 4096
#define TYPE_BYTES_MAX 64
#define ALGORITHM_BYTES 16
#define DATE_DIGITS_MAX 12
#define DATE_AHEAD_MAX_MS (INT64_C(100) * 366 * 86400 * 1000)
#define NOTES_MAX 8

struct parts {
    struct slice header, claims, signature, input;
};

/* Members. ---------------------------------------------------------------- */

/* A member to look for. */
struct note {
    const struct json_path *path;       /* depth 0: not looked for */
    unsigned seen[JSON_ITEM_DEPTH_MAX]; /* how often, at each depth */
    enum json_type type;
    struct slice text; /* once seen */
};

struct notes {
    const char *text; /* being scanned */
    struct note *note;
    size_t count;
};

#define STOP 1 /* ends a scan */

static int note_item(void *context, const struct json_item *item)
{
    struct notes *notes = context;

    for (size_t i = 0; i < notes->count; i++) {
        struct note *note = &notes->note[i];
        enum json_path_match match =
            json_path_match(note->path, notes->text, item);

        if (match == JSON_PATH_OTHER)
            continue;
        if (note->seen[item->depth - 1]++ > 0)
            return STOP;
        if (match == JSON_PATH_SAME) {
            note->type = item->value.type;
            note->text = json_slice(notes->text, item->value.text);
        }
    }
    return 0;
}

static bool is_there(const struct note *note)
{
    return note->path->depth > 0 && note->seen[note->path->depth - 1] > 0;
}

/* Scans an object. Returns NULL, or what is wrong. */
static const char *scan(struct slice json, struct note *note, size_t count)
{
    struct notes notes = {json.start, note, count};
    struct json_report report = {note_item, &notes, 1};
    struct json_value top;
    struct json_error error;
    int result;

    for (size_t i = 0; i < count; i++) {
        if (note[i].path->depth > report.depth)
            report.depth = note[i].path->depth;
    }
    result = json_scan(json.start, json.bytes, &report, &top, &error);
    if (result == STOP)
        return "has a duplicate member";
    if (result != 0)
        return "is not JSON";
    return top.type == JSON_TYPE_OBJECT ? NULL : "is not a JSON object";
}

static bool is_text(const struct note *note, const char *text)
{
    return note->type == JSON_TYPE_STRING &&
           json_string_equals(note->text, text);
}

/* The header. ------------------------------------------------------------- */

enum { ALG, KID, TYP, CRIT, B64, ZIP, ENC, HEADERS };

static const struct json_path header_names[HEADERS] = {
    [ALG] = {1, {0}, "alg"},   [KID] = {1, {0}, "kid"}, [TYP] = {1, {0}, "typ"},
    [CRIT] = {1, {0}, "crit"}, [B64] = {1, {0}, "b64"}, [ZIP] = {1, {0}, "zip"},
    [ENC] = {1, {0}, "enc"},
};

/* RFC 8725, 3.11: not logout+jwt, dpop+jwt, secevent+jwt... */
static bool is_for_access(const struct note *type)
{
    static const char prefix[] = "application/"; /* RFC 7515, 4.1.9 */
    char text[TYPE_BYTES_MAX];
    const char *name = text;

    if (type->type != JSON_TYPE_STRING ||
        json_string_decode(type->text, text, sizeof(text)) < 0)
        return false;
    if (strncasecmp(name, prefix, sizeof(prefix) - 1) == 0)
        name += sizeof(prefix) - 1;
    return strcasecmp(name, "JWT") == 0 || strcasecmp(name, "at+jwt") == 0;
}

static const char *check_type(const struct note *type, const char *wanted)
{
    bool good = is_there(type) ? wanted != NULL ? is_text(type, wanted)
                                                : is_for_access(type)
                               : wanted == NULL;

    return good ? NULL : "its type (typ) is not accepted";
}

static const char *read_algorithm(const struct note *note, unsigned allowed,
                                  enum jwt_algorithm *algorithm)
{
    char name[ALGORITHM_BYTES];

    if (!is_there(note) || note->type != JSON_TYPE_STRING ||
        json_string_decode(note->text, name, sizeof(name)) < 0)
        return "its algorithm (alg) is missing or invalid";
    *algorithm = jwt_algorithm_find(name);
    if (*algorithm == JWT_ALGORITHMS || (JWT_BIT(*algorithm) & allowed) == 0)
        return "its algorithm (alg) is not in HUB_JWT_ALGORITHMS";
    return NULL;
}

/* `kid` is a buffer; signature->kid stays NULL if the header has none. */
static const char *read_kid(const struct note *note, char kid[IDENTITY_KID_MAX],
                            struct jwt_signature *signature)
{
    if (!is_there(note))
        return NULL;
    if (note->type != JSON_TYPE_STRING ||
        json_string_decode(note->text, kid, IDENTITY_KID_MAX) < 0)
        return "its key id (kid) is invalid";
    signature->kid = kid;
    return NULL;
}

static const char *read_header(struct slice json,
                               const struct jwt_policy *policy,
                               char kid[IDENTITY_KID_MAX],
                               struct jwt_signature *signature)
{
    struct note note[HEADERS] = {{0}};
    const char *why;

    for (size_t i = 0; i < HEADERS; i++)
        note[i].path = &header_names[i];
    if (scan(json, note, HEADERS) != NULL)
        return "its header is not a JSON object, or has a duplicate member";
    for (size_t i = CRIT; i < HEADERS; i++) {
        if (is_there(&note[i]))
            return "its header has an unsupported member: crit, b64, zip or "
                   "enc";
    }
    why = read_algorithm(&note[ALG], policy->algorithms, &signature->algorithm);
    if (why == NULL)
        why = check_type(&note[TYP], policy->type);
    return why != NULL ? why : read_kid(&note[KID], kid, signature);
}

/* Claims. ----------------------------------------------------------------- */

enum { ISS, EXP, NBF, AUDIENCE, USER, SESSION, CLAIMS };

_Static_assert((int)HEADERS <= NOTES_MAX && (int)CLAIMS <= NOTES_MAX,
               "few enough to look for each at every member");

static const struct json_path claim_names[] = {
    [ISS] = {1, {0}, "iss"},
    [EXP] = {1, {0}, "exp"},
    [NBF] = {1, {0}, "nbf"},
};

/* Reads seconds as ms, and drops fractions. Rejects what others may read as a
 * different time: exponents, and milliseconds. Returns 0 or -1. */
static int read_date(const struct note *note, int64_t now_ms, int64_t *ms)
{
    const char *p = note->text.start, *end = p + note->text.bytes;
    int64_t seconds = 0;

    if (note->type != JSON_TYPE_NUMBER)
        return -1;
    for (; p < end && ascii_is_digit(*p); p++) {
        if (p - note->text.start == DATE_DIGITS_MAX)
            return -1;
        seconds = 10 * seconds + (*p - '0');
    }
    if (p < end && *p == '.')
        for (p++; p < end && ascii_is_digit(*p);)
            p++;
    *ms = 1000 * seconds;
    return p == end && *ms <= now_ms + DATE_AHEAD_MAX_MS ? 0 : -1;
}

struct audience {
    const char *text, *wanted;
    bool found;
};

static int judge_audience(void *context, const struct json_item *item)
{
    struct audience *audience = context;

    if (item->value.type != JSON_TYPE_STRING)
        return STOP;
    audience->found |= json_string_equals(
        json_slice(audience->text, item->value.text), audience->wanted);
    return 0;
}

/* The claim is a string, or an array of strings. */
static bool is_for(const struct note *note, const char *wanted)
{
    struct audience audience = {note->text.start, wanted, false};
    const struct json_report report = {judge_audience, &audience, 1};
    struct json_value top;
    struct json_error error;

    if (!is_there(note))
        return false;
    if (note->type != JSON_TYPE_ARRAY)
        return is_text(note, wanted);
    return json_scan(note->text.start, note->text.bytes, &report, &top,
                     &error) == 0 &&
           audience.found;
}

static bool read_id(const struct note *note, char id[HUB_ID_BYTES_MAX + 1])
{
    long bytes = note->type == JSON_TYPE_STRING
                     ? json_string_decode(note->text, id, HUB_ID_BYTES_MAX + 1)
                     : -1;

    return bytes >= 0 && id_problem(id, (size_t)bytes) == NULL;
}

static const char *read_ids(const struct note *note, struct identity *out)
{
    if (!is_there(&note[USER]))
        return "it has no user id";
    if (!read_id(&note[USER], out->user_id))
        return "its user id is invalid";
    if (is_there(&note[SESSION]) && !read_id(&note[SESSION], out->session_id))
        return "its session id is invalid";
    return NULL;
}

/* `expires_ms` is exp. */
static const char *judge_claims(const struct note *note,
                                const struct jwt_policy *policy, int64_t now_ms,
                                int64_t *expires_ms, struct identity *out)
{
    int64_t begins_ms = 0;

    if (!is_there(&note[EXP]))
        return "it never expires: exp is missing";
    if (read_date(&note[EXP], now_ms, expires_ms) != 0)
        return "its exp is not a time in seconds";
    if (is_there(&note[NBF]) && read_date(&note[NBF], now_ms, &begins_ms) != 0)
        return "its nbf is not a time in seconds";
    if (is_there(&note[NBF]) && begins_ms - policy->leeway_ms > now_ms)
        return "it is not valid yet (nbf)";
    if (policy->issuer != NULL &&
        !(is_there(&note[ISS]) && is_text(&note[ISS], policy->issuer)))
        return "its issuer (iss) is not HUB_JWT_ISSUER";
    if (policy->audience != NULL && !is_for(&note[AUDIENCE], policy->audience))
        return "its audience does not include HUB_JWT_AUDIENCE";
    return read_ids(note, out);
}

static enum jwt_result read_claims(struct slice json,
                                   const struct jwt_policy *policy,
                                   int64_t now_ms, struct identity *out,
                                   const char **why)
{
    struct note note[CLAIMS] = {
        [ISS] = {.path = &claim_names[ISS]},
        [EXP] = {.path = &claim_names[EXP]},
        [NBF] = {.path = &claim_names[NBF]},
        [AUDIENCE] = {.path = &policy->audience_claim},
        [USER] = {.path = &policy->user_claim},
        [SESSION] = {.path = &policy->session_claim},
    };
    int64_t expires_ms;

    if (scan(json, note, CLAIMS) != NULL) {
        *why = "its claims are not a JSON object, or have a duplicate member";
        return JWT_BAD;
    }
    *why = judge_claims(note, policy, now_ms, &expires_ms, out);
    if (*why != NULL)
        return JWT_BAD;
    out->method = IDENTITY_JWT;
    /* 0 would mean never. */
    out->expires_in_ms = expires_ms > now_ms ? expires_ms - now_ms : 1;
    if (expires_ms + policy->leeway_ms > now_ms)
        return JWT_GOOD;
    *why = "it has expired (exp)";
    return JWT_EXPIRED;
}

/* All of it. -------------------------------------------------------------- */

static int split(struct slice token, struct parts *parts)
{
    const char *start = token.start, *end = start + token.bytes;
    const char *first = memchr(start, '.', token.bytes), *second = NULL;

    if (first != NULL)
        second = memchr(first + 1, '.', (size_t)(end - first - 1));
    if (second == NULL)
        return -1;
    parts->header = (struct slice){start, (size_t)(first - start)};
    parts->claims = (struct slice){first + 1, (size_t)(second - first - 1)};
    parts->signature = (struct slice){second + 1, (size_t)(end - second - 1)};
    parts->input = (struct slice){start, (size_t)(second - start)};
    return 0;
}

#define BAD_PART "a part of it is empty, too long, or not base64url"

/* Decodes a part; an empty result means BAD_PART. */
static struct slice decode(struct slice part, char *out, size_t size)
{
    ssize_t bytes = base64url_decode(part, out, size);

    return (struct slice){out, bytes > 0 ? (size_t)bytes : 0};
}

static enum jwt_result verify_signature(const struct jwt_keys *keys,
                                        const struct jwt_policy *policy,
                                        const struct parts *parts,
                                        struct identity *out, const char **why)
{
    char header[HEADER_BYTES_MAX], bytes[JWT_SIGNATURE_BYTES_MAX];
    char kid[IDENTITY_KID_MAX];
    struct slice json = decode(parts->header, header, sizeof(header));
    struct jwt_signature signature = {
        .input = parts->input,
        .bytes = decode(parts->signature, bytes, sizeof(bytes)),
    };
    const struct jwt_key_info *key = NULL;
    bool unknown = false;

    *why = BAD_PART;
    if (json.bytes > 0 && signature.bytes.bytes > 0)
        *why = read_header(json, policy, kid, &signature);
    if (*why == NULL && keys != NULL)
        key = jwt_keys_verify(keys, &signature, why, &unknown);
    else if (*why == NULL)
        unknown = true, *why = "there are no keys yet";
    explicit_bzero(bytes, signature.bytes.bytes);
    if (key == NULL)
        return unknown ? JWT_UNKNOWN : JWT_BAD;
    memcpy(out->kid, key->kid, sizeof(out->kid));
    return JWT_GOOD;
}

static enum jwt_result verify_claims(const struct jwt_policy *policy,
                                     const struct parts *parts, int64_t now_ms,
                                     struct identity *out, const char **why)
{
    char claims[BASE64URL_BYTES(JWT_BYTES_MAX)];
    struct slice json = decode(parts->claims, claims, sizeof(claims));
    enum jwt_result result = JWT_BAD;

    *why = BAD_PART;
    if (json.bytes > 0)
        result = read_claims(json, policy, now_ms, out, why);
    explicit_bzero(claims, json.bytes);
    return result;
}

enum jwt_result jwt_verify(const struct jwt_keys *keys,
                           const struct jwt_policy *policy, struct slice token,
                           int64_t now_ms, struct identity *out,
                           const char **why)
{
    enum jwt_result result = JWT_BAD;
    struct parts parts;

    *out = (struct identity){0};
    *why = "it is empty, or longer than 16384 bytes";
    if (token.bytes == 0 || token.bytes > JWT_BYTES_MAX)
        return JWT_BAD;
    *why = "it is not a token: a token has three parts";
    if (split(token, &parts) == 0)
        result = verify_signature(keys, policy, &parts, out, why);
    if (result == JWT_GOOD)
        result = verify_claims(policy, &parts, now_ms, out, why);
    if (result != JWT_GOOD && result != JWT_EXPIRED)
        *out = (struct identity){0};
    return result;
}
