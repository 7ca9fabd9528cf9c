/* publish_model.cpp - see publish_model.h. */
#include "publish_model.h"

#include <regex.h>
#include <string.h>
#include <time.h>

#include "fuzz.h"

void PublishModel::begin(const PeerText *text)
{
    ModelFields *f = &fields_;

    for (ModelField *field : {&f->message, &f->user, &f->session, &f->type,
                              &f->payload, &f->timestamp})
        field->count = 0;
    text_ = text;
    object_ = false;
}

ModelField *PublishModel::find(const PeerItem &item)
{
    const PeerPlace &place = item.path[item.depth - 1];
    const std::string &name = place.name;
    bool inner = item.depth == 2 && item.path[0].is_member &&
                 item.path[0].name == "message";

    if (!place.is_member)
        return nullptr;
    if (kind_ == PUBLISH_SEND && item.depth == 1)
        return name == "message"           ? &fields_.message
               : name == "targetUserId"    ? &fields_.user
               : name == "targetSessionId" ? &fields_.session
                                           : nullptr;
    if (kind_ == PUBLISH_BROADCAST ? item.depth != 1 : !inner)
        return nullptr;
    return name == "type"        ? &fields_.type
           : name == "payload"   ? &fields_.payload
           : name == "timestamp" ? &fields_.timestamp
                                 : nullptr;
}

void PublishModel::item(const PeerItem &item)
{
    ModelField *field = nullptr;

    if (item.depth > 0) {
        field = find(item);
    } else {
        object_ = item.type == JSON_TYPE_OBJECT;
        if (kind_ == PUBLISH_BROADCAST)
            field = &fields_.message;
    }
    if (field == nullptr)
        return;
    field->count++;
    field->type = item.type;
    field->begin = item.begin;
    field->end = item.end;
    if (item.type != JSON_TYPE_STRING)
        return;
    field->value.assign(item.value, item.value_bytes);
    field->half = item.depth > 0 &&
                  text_->has_half(item.path[item.depth - 1].name_end, item.end);
}

static bool is_id(const ModelField &id)
{
    return id.type == JSON_TYPE_STRING && !id.half && !id.value.empty() &&
           id.value.size() <= 256 &&
           fuzz_utf8_is_shown(id.value.data(), id.value.size());
}

/* The shape by an expression, the day by the calendar of libc. */
static bool is_timestamp(const ModelField &field)
{
    static const char shape[] =
        "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
        "([Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:([0-5][0-9]|60)(\\.[0-9]+)?)?"
        "([Zz]|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?)?$";
    static regex_t expression;
    static const int compiled =
        regcomp(&expression, shape, REG_EXTENDED | REG_NOSUB);
    const std::string &text = field.value;
    struct tm tm = {};

    REQUIRE(compiled == 0);
    if (field.type != JSON_TYPE_STRING || field.half ||
        text.size() != strlen(text.c_str()) ||
        regexec(&expression, text.c_str(), 0, nullptr, 0) != 0)
        return false;
    tm.tm_year = atoi(text.substr(0, 4).c_str()) - 1900;
    tm.tm_mon = atoi(text.substr(5, 2).c_str()) - 1;
    tm.tm_mday = atoi(text.substr(8, 2).c_str());
    (void)timegm(&tm); /* the 31st of a shorter month becomes another day */
    return tm.tm_mday == atoi(text.substr(8, 2).c_str());
}

/* Null counts as not given. */
const char *PublishModel::target_problem() const
{
    bool any = false;

    for (const ModelField *id : {&fields_.user, &fields_.session}) {
        if (id->count == 0 || id->type == JSON_TYPE_NULL)
            continue;
        if (!is_id(*id))
            return "invalid_id";
        any = true;
    }
    return any ? nullptr : "missing_target";
}

const char *PublishModel::problem(size_t max_message_bytes) const
{
    const ModelFields &f = fields_;
    const char *problem = nullptr;

    if (!object_)
        return "invalid_message";
    for (const ModelField *field :
         {&f.message, &f.user, &f.session, &f.type, &f.payload, &f.timestamp}) {
        if (field->count > 1)
            return "invalid_message";
    }
    if (kind_ == PUBLISH_SEND)
        problem = target_problem();
    if (problem != nullptr)
        return problem;
    if (f.message.count == 0 || f.message.type != JSON_TYPE_OBJECT)
        return "invalid_message";
    if (f.message.end - f.message.begin > max_message_bytes)
        return "too_large";
    if (f.type.count == 0 || f.type.type != JSON_TYPE_STRING ||
        f.type.value.empty() || f.payload.count == 0)
        return "invalid_message";
    if (f.timestamp.count > 0 && f.timestamp.type != JSON_TYPE_NULL &&
        !is_timestamp(f.timestamp))
        return "invalid_message";
    return nullptr;
}
