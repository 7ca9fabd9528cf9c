/* fuzz_json.cpp - the strict pass over JSON and the reading of posted bodies,
 * beside RapidJSON: both find the same texts valid, the same members in the
 * same places, and what is forwarded is what was posted.
 *
 * Deliberate differences, each checked as well: more than JSON_DEPTH_MAX levels
 * are refused here alone; half a surrogate pair is valid and cannot be decoded
 * (see json_peer.h for the others); members that are read must not be given
 * twice (see publish_model.cpp).
 *
 * Input: a byte that picks the largest message, then the text.
 */
#include "fuzz.h"
#include "json_peer.h"
#include "publish_model.h"

#include <string.h>
#include <vector>

/* 2026-01-02T03:04:05.678Z */
static const struct timespec now = {1767323045, 678999999};
static const char stamp[] = ",\"timestamp\":\"2026-01-02T03:04:05.678Z\"}";

/* The text that is being looked at, and what the pass found in it. */
static const char *text;
static PeerText peer_text;
static PeerParser parser;
static std::vector<struct json_member> members;

static int take_member(void *, const struct json_member *member)
{
    members.push_back(*member);
    return 0;
}

static size_t offset(const char *at)
{
    return (size_t)(at - text);
}

/* Strings. -------------------------------------------------------------- */

/* Whatever is in the text once its escapes are undone must be `value`, and
 * what cannot be had as a C string is told apart. */
static void check_string(struct json_slice slice, const std::string &value)
{
    static std::vector<char> out;
    size_t begin = offset(slice.start);
    bool half = peer_text.has_half(begin, begin + slice.bytes);
    bool nul = value.find('\0') != std::string::npos;
    long bytes;

    out.resize(value.size() + 1);
    bytes = json_string_decode(slice, out.data(), out.size());
    if (half || nul) {
        REQUIRE((half && bytes == JSON_STRING_HALF_PAIR) ||
                (nul && bytes == JSON_STRING_NUL));
        return;
    }
    REQUIRE(bytes == (long)value.size());
    REQUIRE(memcmp(out.data(), value.c_str(), value.size() + 1) == 0);
    REQUIRE(json_string_equals(slice, value.c_str()));
    REQUIRE(!json_string_equals(slice, (value + "x").c_str()));
    REQUIRE(json_string_decode(slice, out.data(), value.size()) ==
            JSON_STRING_TOO_LONG);
}

/* Members. -------------------------------------------------------------- */

class Comparison : public PeerListener
{
  public:
    explicit Comparison(const struct json_value &top) : top_(top)
    {
    }
    void member(const PeerMember &member) override;
    size_t seen() const
    {
        return seen_;
    }

  private:
    static void compare(const struct json_value &value,
                        const PeerMember &member);

    const struct json_value &top_;
    size_t seen_ = 0;
};

void Comparison::compare(const struct json_value &value,
                         const PeerMember &member)
{
    size_t begin = offset(value.text.start);
    size_t end = begin + value.text.bytes;

    REQUIRE(value.type == member.type);
    REQUIRE(end == member.end - (value.type == JSON_STRING));
    if (value.type == JSON_STRING) {
        REQUIRE(text[begin - 1] == '"');
        check_string(value.text, std::string(member.value, member.value_bytes));
    } else if (value.type == JSON_NUMBER) {
        /* Spaces: see PeerText. */
        size_t first = peer_text.text().find_first_not_of(' ', begin);

        REQUIRE(end - first == member.value_bytes);
        REQUIRE(peer_text.text().compare(first, end - first, member.value,
                                         member.value_bytes) == 0);
        REQUIRE(text[begin] != ' ');
    } else if (value.type == JSON_OBJECT || value.type == JSON_ARRAY) {
        REQUIRE(begin == member.begin);
    } else {
        REQUIRE(value.text.bytes == (value.type == JSON_FALSE ? 5 : 4));
    }
}

void Comparison::member(const PeerMember &member)
{
    if (member.depth == 0) {
        compare(top_, member);
        return;
    }
    REQUIRE(seen_ < members.size());

    const struct json_member &ours = members[seen_++];

    REQUIRE(ours.depth == member.depth);
    REQUIRE(offset(ours.name.start) + ours.name.bytes == member.name_end);
    check_string(ours.name, *member.name);
    if (member.depth == 2)
        check_string(ours.parent, *member.parent);
    compare(ours.value, member);
}

class Deaf : public PeerListener
{
  public:
    void member(const PeerMember &) override
    {
    }
};

/* The text before the offset of an error is the beginning of something valid,
 * and with one byte more it is not. */
static void check_offset(size_t bytes, const struct json_error &error)
{
    struct json_error again;
    struct json_value top;

    REQUIRE(error.what != nullptr && error.offset <= bytes);
    if (json_scan(text, error.offset, nullptr, nullptr, &top, &again) != 0)
        REQUIRE(again.offset == error.offset);
    if (error.offset == bytes)
        return;
    REQUIRE(json_scan(text, error.offset + 1, nullptr, nullptr, &top, &again) ==
            JSON_INVALID);
    REQUIRE(again.offset == error.offset);
}

/* Returns whether it is valid and not too deep. */
static bool check_scan(size_t bytes)
{
    struct json_error error = {};
    struct json_value top = {};
    Deaf deaf;
    bool valid;

    members.clear();
    valid = json_scan(text, bytes, take_member, nullptr, &top, &error) == 0;
    REQUIRE(valid == (parser.parse(peer_text, deaf) &&
                      parser.deepest() <= JSON_DEPTH_MAX));
    if (valid) {
        Comparison comparison(top);

        (void)parser.parse(peer_text, comparison);
        REQUIRE(comparison.seen() == members.size());
    } else {
        check_offset(bytes, error);
    }
    return valid;
}

/* Bodies. --------------------------------------------------------------- */

static PublishModel send_model(PUBLISH_SEND);
static PublishModel broadcast_model(PUBLISH_BROADCAST);
static PublishModel forwarded_model(PUBLISH_BROADCAST);
static PeerText forwarded_text;

static void check_target(bool has, const char *id, const ModelField &field)
{
    REQUIRE(has == (field.count > 0 && field.type != JSON_NULL));
    REQUIRE(!has || field.value == id);
}

/* What leaves is the bytes that came, with a timestamp if there was none; and
 * it is a message itself. */
static void check_forwarded(const struct publish_request &request,
                            const ModelFields &posted)
{
    std::string wanted(text + posted.message.begin,
                       posted.message.end - posted.message.begin);
    const ModelFields &f = forwarded_model.fields();

    if (posted.timestamp.count == 0)
        wanted.replace(wanted.size() - 1, 1, stamp);
    REQUIRE(wanted.compare(0, wanted.size(), request.message,
                           request.message_bytes) == 0);
    forwarded_text.read(request.message, request.message_bytes);
    forwarded_model.begin(&forwarded_text);
    REQUIRE(parser.parse(forwarded_text, forwarded_model));
    REQUIRE(forwarded_model.problem(SIZE_MAX) == nullptr);
    REQUIRE(f.type.value == posted.type.value);
    REQUIRE(f.payload.type == posted.payload.type);
    REQUIRE(f.payload.value == posted.payload.value ||
            f.payload.type != JSON_STRING);
    REQUIRE(f.timestamp.value == posted.timestamp.value ||
            posted.timestamp.count == 0);
}

static void check_refusal(const struct refusal &error, const char *code)
{
    REQUIRE(code != nullptr && strcmp(error.code, code) == 0);
    REQUIRE(error.status == (strcmp(code, "too_large") == 0 ? 413 : 400));
    REQUIRE(error.message[0] != '\0');
    for (const char *p = error.message; *p; p++)
        REQUIRE(*p >= ' ' && *p <= '~');
}

static void check_publish(enum publish_kind kind, PublishModel &model,
                          size_t bytes, bool valid, size_t max_message_bytes)
{
    const ModelFields &f = model.fields();
    struct publish_request request;
    struct refusal error = {};
    const char *code = "invalid_json";

    if (valid) {
        model.begin(&peer_text);
        (void)parser.parse(peer_text, model);
        code = model.problem(max_message_bytes);
    }
    if (publish_read(&request, kind, text, bytes, max_message_bytes, &now,
                     &error) != 0) {
        check_refusal(error, code);
        return;
    }
    REQUIRE(code == nullptr);
    check_target(request.has_user, request.user_id, f.user);
    check_target(request.has_session, request.session_id, f.session);
    check_forwarded(request, f);
    publish_release(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    size_t max_message_bytes;
    bool valid;

    if (bytes < 1)
        return 0;
    max_message_bytes = (data[0] & 15) == 0 ? 1 << 30 : 4u * data[0];
    text = (const char *)data + 1;
    bytes--;
    peer_text.read(text, bytes);
    valid = check_scan(bytes);
    check_publish(PUBLISH_SEND, send_model, bytes, valid, max_message_bytes);
    check_publish(PUBLISH_BROADCAST, broadcast_model, bytes, valid,
                  max_message_bytes);
    return 0;
}
