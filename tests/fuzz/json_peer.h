/* json_peer.h - RapidJSON as a second opinion on a JSON text: whether it is
 * valid, and the members and elements of its outermost levels.
 *
 * It differs from RFC 8259 in three ways, which this file removes beforehand,
 * so that no verdict needs an exception:
 * - An unpaired surrogate, written as an escape, is valid JSON that cannot be
 *   decoded. RapidJSON rejects one kind and makes something up for the other.
 *   Each is replaced by \ufffd, and its place is remembered.
 * - Numbers beyond a double are valid JSON. The digits of exponents become
 *   zeros; the excess digits of a too long integer become spaces before it.
 * - A NUL ends its streams: it has accepted a text only if it has read all.
 *
 * The nesting depth of a text is not limited here; see `deepest`.
 */
#ifndef TESTS_FUZZ_JSON_PEER_H
#define TESTS_FUZZ_JSON_PEER_H

#include <stddef.h>
#include <string>
#include <vector>

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

extern "C" {
#include "base/json.h"
}

/* The text as RapidJSON is to see it: every byte that means something stays
 * where it was. */
class PeerText
{
  public:
    void read(const char *text, size_t bytes);
    const std::string &text() const
    {
        return text_;
    }
    /* Whether an unpaired surrogate begins in that range. */
    bool has_half(size_t begin, size_t end) const;

  private:
    size_t read_escape(size_t at);
    size_t read_number(size_t at);
    bool is_unit(size_t at, char first, char last) const;

    std::string text_;
    std::vector<size_t> halves_;
};

struct PeerPlace {
    bool is_member;
    size_t index;
    std::string name;
    size_t name_end; /* of its bytes without the quote */
};

struct PeerItem {
    unsigned depth;        /* 0: the whole text */
    const PeerPlace *path; /* `depth` of them */
    enum json_type type;
    size_t begin;      /* of objects and arrays */
    size_t end;        /* behind a quote or bracket */
    const char *value; /* of strings, decoded, and numbers */
    size_t value_bytes;
};

class PeerListener
{
  public:
    virtual ~PeerListener() = default;
    virtual void item(const PeerItem &item) = 0;
};

class PeerParser
{
  public:
    /* Returns whether it is valid. Items come in the order in which they end,
     * and last of all the text itself. */
    bool parse(const PeerText &text, PeerListener &listener);
    unsigned deepest() const
    {
        return deepest_;
    }

    /* What RapidJSON calls. */
    bool Null()
    {
        return scalar(JSON_TYPE_NULL, "", 0);
    }
    bool Bool(bool value)
    {
        return scalar(value ? JSON_TYPE_TRUE : JSON_TYPE_FALSE, "", 0);
    }
    bool RawNumber(const char *text, rapidjson::SizeType bytes, bool)
    {
        return scalar(JSON_TYPE_NUMBER, text, bytes);
    }
    bool String(const char *text, rapidjson::SizeType bytes, bool)
    {
        return scalar(JSON_TYPE_STRING, text, bytes);
    }
    bool Key(const char *text, rapidjson::SizeType bytes, bool);
    bool StartObject()
    {
        return open(true);
    }
    bool StartArray()
    {
        return open(false);
    }
    bool EndObject(rapidjson::SizeType)
    {
        return close(JSON_TYPE_OBJECT);
    }
    bool EndArray(rapidjson::SizeType)
    {
        return close(JSON_TYPE_ARRAY);
    }
    bool Int(int);
    bool Uint(unsigned);
    bool Int64(int64_t);
    bool Uint64(uint64_t);
    bool Double(double);

  private:
    static constexpr unsigned Levels = JSON_ITEM_DEPTH_MAX;

    bool open(bool object);
    bool close(enum json_type type);
    bool scalar(enum json_type type, const char *value, size_t bytes);
    void finish(PeerItem &item);

    rapidjson::Reader reader_;
    rapidjson::MemoryStream *stream_ = nullptr;
    PeerListener *listener_ = nullptr;
    unsigned depth_ = 0, deepest_ = 0;
    size_t begins_[Levels + 1] = {};
    PeerPlace path_[Levels] = {};
};

#endif
