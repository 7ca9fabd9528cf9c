/* json_peer.cpp - see json_peer.h. The text is rewritten from left to right by
 * two rules that hold in all valid JSON and cannot make invalid JSON valid:
 * strings run from quote to quote, and backslashes are only in them.
 */
#include "json_peer.h"

#include <string.h>

#include "fuzz.h"

/* No double has more: 10^300 and the digits of a fraction stay below its
 * limit. */
static const size_t IntegerDigits = 300;

/* Whether \uXXXX at `at` is a surrogate whose second digit is in the range. */
bool PeerText::is_unit(size_t at, char first, char last) const
{
    static const char hex[] = "0123456789abcdefABCDEF";
    const char *p = text_.c_str() + at;

    if (strncmp(p, "\\u", 2) != 0 || strspn(p + 2, hex) < 4)
        return false;
    return (p[2] | 0x20) == 'd' && (p[3] | 0x20) >= first &&
           (p[3] | 0x20) <= last;
}

/* Returns where it goes on behind the escape at `at`. */
size_t PeerText::read_escape(size_t at)
{
    /* With 0x20 set, digits stay what they are. */
    bool high = is_unit(at, '8', '9') || is_unit(at, 'a', 'b');
    bool low = is_unit(at, 'c', 'f');

    if (!high && !low)
        return at + 2;
    if (high && is_unit(at + 6, 'c', 'f'))
        return at + 12;
    text_.replace(at + 2, 4, "fffd");
    halves_.push_back(at);
    return at + 6;
}

size_t PeerText::read_number(size_t at)
{
    size_t end = text_.find_first_not_of("-+.eE0123456789", at);
    size_t digits = at + (text_[at] == '-'), exponent, stop;

    if (end == std::string::npos)
        end = text_.size();
    stop = text_.find_first_not_of("0123456789", digits);
    stop = stop < end ? stop : end;
    exponent = text_.find_first_of("eE", stop);
    for (size_t i = exponent; i < end; i++) {
        if (text_[i] >= '1' && text_[i] <= '9')
            text_[i] = '0';
    }
    if (stop > digits + IntegerDigits) {
        size_t excess = stop - digits - IntegerDigits;

        text_.erase(digits + IntegerDigits, excess);
        text_.insert(at, excess, ' ');
    }
    return end;
}

void PeerText::read(const char *text, size_t bytes)
{
    bool in_string = false;
    size_t at = 0;

    text_.assign(text, bytes);
    halves_.clear();
    while (at < bytes) {
        char c = text_[at];

        if (in_string && c == '\\') {
            at = read_escape(at);
            continue;
        }
        if (!in_string && (c == '-' || (c >= '0' && c <= '9'))) {
            at = read_number(at);
            continue;
        }
        in_string ^= c == '"';
        at++;
    }
    REQUIRE(text_.size() == bytes);
}

bool PeerText::has_half(size_t begin, size_t end) const
{
    for (size_t half : halves_) {
        if (half >= begin && half < end)
            return true;
    }
    return false;
}

/* Events are given before a bracket is taken, and behind every scalar. */
bool PeerParser::open(bool object)
{
    if (depth_ <= Levels)
        begins_[depth_] = stream_->Tell();
    if (depth_ < Levels) {
        path_[depth_].is_member = object;
        path_[depth_].index = 0;
    }
    depth_++;
    if (depth_ > deepest_)
        deepest_ = depth_;
    return true;
}

bool PeerParser::close(enum json_type type)
{
    PeerItem item = {};

    depth_--;
    item.type = type;
    item.end = stream_->Tell() + 1;
    finish(item);
    return true;
}

bool PeerParser::scalar(enum json_type type, const char *value, size_t bytes)
{
    PeerItem item = {};

    item.type = type;
    item.end = stream_->Tell();
    item.value = value;
    item.value_bytes = bytes;
    finish(item);
    return true;
}

void PeerParser::finish(PeerItem &item)
{
    if (depth_ > Levels)
        return;
    item.depth = depth_;
    item.path = path_;
    item.begin = begins_[depth_];
    listener_->item(item);
    if (depth_ > 0)
        path_[depth_ - 1].index++;
}

bool PeerParser::Key(const char *text, rapidjson::SizeType bytes, bool)
{
    if (depth_ <= Levels) {
        path_[depth_ - 1].name.assign(text, bytes);
        path_[depth_ - 1].name_end = stream_->Tell() - 1;
    }
    return true;
}

bool PeerParser::parse(const PeerText &text, PeerListener &listener)
{
    constexpr unsigned Flags = rapidjson::kParseValidateEncodingFlag |
                               rapidjson::kParseIterativeFlag |
                               rapidjson::kParseNumbersAsStringsFlag |
                               rapidjson::kParseFullPrecisionFlag;
    rapidjson::MemoryStream stream(text.text().data(), text.text().size());

    stream_ = &stream;
    listener_ = &listener;
    depth_ = deepest_ = 0;
    return !reader_.Parse<Flags>(stream, *this).IsError() &&
           stream.Tell() == text.text().size();
}
