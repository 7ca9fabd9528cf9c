/* fuzz_json.cpp - the strict pass over JSON and the reading of posted bodies,
 * compared with RapidJSON: both accept the same texts, find the same members
 * and elements in the same places, and what is forwarded is what was posted.
 * Fed in pieces, the pass finds the same as in the whole.
 *
 * Deliberate differences, each checked as well: more than JSON_DEPTH_MAX levels
 * are rejected only here; an unpaired surrogate is valid but cannot be decoded
 * (see json_peer.h for the others); members that are read must not be given
 * twice (see publish_model.cpp).
 *
 * Input: a byte that picks the largest message and the pieces, then the text.
 */
#include "fuzz.h"
#include "json_peer.h"
#include "publish_model.h"

#include <string.h>
#include <vector>

extern "C" {
#include "base/json_string.h"
}

/* 2026-01-02T03:04:05.678Z */
static const struct timespec now = {1767323045, 678999999};
static const char time_now[] = "\"2026-01-02T03:04:05.678Z\"";

/* The text that is being looked at, and what the pass found in it. */
struct Item {
    struct json_item item;
    struct json_place path[JSON_ITEM_DEPTH_MAX];
};
struct Scan {
    std::vector<Item> items;
    struct json_value top;
    struct json_error error;
    int result;
};

static const char *text;
static PeerText peer_text;
static PeerParser parser;
static Scan whole, pieces;

static int take_item(void *context, const struct json_item *item)
{
    Scan *scan = static_cast<Scan *>(context);
    Item copy = {*item, {}};

    for (unsigned i = 0; i < item->depth; i++)
        copy.path[i] = item->path[i];
    scan->items.push_back(copy);
    return 0;
}

static struct json_report report_to(Scan &scan)
{
    scan.items.clear();
    scan.top = {};
    scan.error = {};
    return {take_item, &scan, JSON_ITEM_DEPTH_MAX};
}

static struct slice slice_of(struct json_span span)
{
    return json_slice(text, span);
}

/* Strings. -------------------------------------------------------------- */

/* Whatever is in the text once its escapes are undone must be `value`, and
 * what cannot be had as a C string is told apart. */
static void check_string(struct json_span span, const std::string &value)
{
    static std::vector<char> out;
    bool half = peer_text.has_half(span.offset, span.offset + span.bytes);
    struct slice slice = slice_of(span);
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

/* Members and elements. -------------------------------------------------- */

class Comparison : public PeerListener
{
  public:
    void item(const PeerItem &item) override;
    size_t seen() const
    {
        return seen_;
    }

  private:
    static void compare(const struct json_value &value, const PeerItem &item);
    static void compare(const struct json_place &ours, const PeerPlace &place);

    size_t seen_ = 0;
};

void Comparison::compare(const struct json_value &value, const PeerItem &item)
{
    size_t begin = value.text.offset;
    size_t end = begin + value.text.bytes;

    REQUIRE(value.type == item.type);
    REQUIRE(end == item.end - (value.type == JSON_TYPE_STRING));
    if (value.type == JSON_TYPE_STRING) {
        REQUIRE(text[begin - 1] == '"');
        check_string(value.text, std::string(item.value, item.value_bytes));
    } else if (value.type == JSON_TYPE_NUMBER) {
        /* Spaces: see PeerText. */
        size_t first = peer_text.text().find_first_not_of(' ', begin);

        REQUIRE(end - first == item.value_bytes);
        REQUIRE(peer_text.text().compare(first, end - first, item.value,
                                         item.value_bytes) == 0);
        REQUIRE(text[begin] != ' ');
    } else if (value.type == JSON_TYPE_OBJECT ||
               value.type == JSON_TYPE_ARRAY) {
        REQUIRE(begin == item.begin);
    } else {
        REQUIRE(value.text.bytes == (value.type == JSON_TYPE_FALSE ? 5 : 4));
    }
}

void Comparison::compare(const struct json_place &ours, const PeerPlace &place)
{
    REQUIRE(ours.is_member == place.is_member);
    REQUIRE(ours.index == place.index);
    if (!ours.is_member)
        return;
    REQUIRE(ours.name.offset + ours.name.bytes == place.name_end);
    check_string(ours.name, place.name);
}

void Comparison::item(const PeerItem &item)
{
    if (item.depth == 0) {
        compare(whole.top, item);
        return;
    }
    REQUIRE(seen_ < whole.items.size());

    const Item &ours = whole.items[seen_++];

    REQUIRE(ours.item.depth == item.depth);
    for (unsigned i = 0; i < item.depth; i++)
        compare(ours.path[i], item.path[i]);
    compare(ours.item.value, item);
}

class Deaf : public PeerListener
{
  public:
    void item(const PeerItem &) override
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
    if (json_scan(text, error.offset, nullptr, &top, &again) != 0)
        REQUIRE(again.offset == error.offset);
    if (error.offset == bytes)
        return;
    REQUIRE(json_scan(text, error.offset + 1, nullptr, &top, &again) ==
            JSON_INVALID);
    REQUIRE(again.offset == error.offset);
}

/* Returns whether it is valid and not too deep. */
static bool check_scan(size_t bytes)
{
    struct json_report report = report_to(whole);
    bool valid;
    Deaf deaf;

    whole.result = json_scan(text, bytes, &report, &whole.top, &whole.error);
    valid = whole.result == 0;
    REQUIRE(valid == (parser.parse(peer_text, deaf) &&
                      parser.deepest() <= JSON_DEPTH_MAX));
    if (valid) {
        Comparison comparison;

        (void)parser.parse(peer_text, comparison);
        REQUIRE(comparison.seen() == whole.items.size());
    } else {
        check_offset(bytes, whole.error);
    }
    return valid;
}

/* Pieces. --------------------------------------------------------------- */

static bool same(struct json_span a, struct json_span b)
{
    return a.offset == b.offset && a.bytes == b.bytes;
}

static bool same(const struct json_value &a, const struct json_value &b)
{
    return a.type == b.type && same(a.text, b.text);
}

static bool same(const Item &a, const Item &b)
{
    if (a.item.depth != b.item.depth || !same(a.item.value, b.item.value))
        return false;
    for (unsigned i = 0; i < a.item.depth; i++) {
        if (a.path[i].is_member != b.path[i].is_member ||
            a.path[i].index != b.path[i].index ||
            !same(a.path[i].name, b.path[i].name))
            return false;
    }
    return true;
}

/* Each piece is a copy of its own, which is gone when the next one comes. */
static void check_pieces(size_t bytes, uint32_t seed, size_t most)
{
    struct json_report report = report_to(pieces);
    struct json_scanner scanner;
    size_t at = 0, piece;

    json_begin(&scanner, &report);
    for (; at < bytes; at += piece) {
        piece = most > 1 ? fuzz_draw(&seed, most + 1) : 1;
        if (piece > bytes - at)
            piece = bytes - at;
        std::vector<char> copy(text + at, text + at + piece);
        (void)json_feed(&scanner, copy.data(), piece);
    }
    REQUIRE(json_end(&scanner) == whole.result);
    REQUIRE(pieces.items.size() == whole.items.size());
    for (size_t i = 0; i < whole.items.size(); i++)
        REQUIRE(same(pieces.items[i], whole.items[i]));
    REQUIRE(whole.result != 0 || same(scanner.top, whole.top));
    REQUIRE(scanner.error.what == whole.error.what);
    REQUIRE(scanner.error.offset == whole.error.offset);
}

/* Bodies. --------------------------------------------------------------- */

static PublishModel send_model(PUBLISH_SEND);
static PublishModel broadcast_model(PUBLISH_BROADCAST);
static PublishModel forwarded_model(PUBLISH_BROADCAST);
static PeerText forwarded_text;

static void check_target(bool has, const char *id, const ModelField &field)
{
    REQUIRE(has == (field.count > 0 && field.type != JSON_TYPE_NULL));
    REQUIRE(!has || field.value == id);
}

/* What leaves is the bytes that came, with a timestamp if there was none or
 * null; and it is a message itself. */
static void check_forwarded(const struct publish_request &request,
                            const ModelFields &posted)
{
    std::string wanted(text + posted.message.begin,
                       posted.message.end - posted.message.begin);
    const ModelFields &f = forwarded_model.fields();

    const ModelField &time = posted.timestamp;
    bool given = time.count > 0 && time.type != JSON_TYPE_NULL;

    if (time.count == 0)
        wanted.insert(wanted.size() - 1,
                      std::string(",\"timestamp\":") + time_now);
    else if (!given)
        wanted.replace(time.begin - posted.message.begin, time.end - time.begin,
                       time_now);
    REQUIRE(wanted.compare(0, wanted.size(), request.message,
                           request.message_bytes) == 0);
    forwarded_text.read(request.message, request.message_bytes);
    forwarded_model.begin(&forwarded_text);
    REQUIRE(parser.parse(forwarded_text, forwarded_model));
    REQUIRE(forwarded_model.problem(SIZE_MAX) == nullptr);
    REQUIRE(f.type.value == posted.type.value);
    REQUIRE(f.payload.type == posted.payload.type);
    REQUIRE(f.payload.value == posted.payload.value ||
            f.payload.type != JSON_TYPE_STRING);
    REQUIRE(f.timestamp.value == time.value || !given);
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
    check_pieces(bytes, data[0], 1);
    check_pieces(bytes, data[0], 12);
    check_publish(PUBLISH_SEND, send_model, bytes, valid, max_message_bytes);
    check_publish(PUBLISH_BROADCAST, broadcast_model, bytes, valid,
                  max_message_bytes);
    return 0;
}
