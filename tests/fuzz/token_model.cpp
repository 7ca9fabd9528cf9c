/* token_model.cpp - see token_model.h. Dates are told by an expression and the
 * C library, types by the shell's idea of patterns.
 */
#include "token_model.h"

#include <fnmatch.h>
#include <regex.h>
#include <stdlib.h>

#include "fuzz.h"

#define YEARS_100_MS INT64_C(3162240000000)

void TokenModel::item(const PeerItem &item)
{
    if (item.depth == 0)
        object_ = item.type == JSON_TYPE_OBJECT;
    if (item.depth == 2 && item.path[0].is_member && !item.path[1].is_member) {
        /* It comes before the array that it is in. */
        ModelMember &array = members_["[]" + item.path[0].name];

        if (item.path[1].index == 0)
            array = {0, JSON_TYPE_ARRAY, "", false, true, false};
        if (item.type != JSON_TYPE_STRING)
            array.only_strings = false;
        else if (std::string(item.value, item.value_bytes) == MODEL_AUDIENCE)
            array.has_audience = true;
    }
    if (item.depth != 1 || !item.path[0].is_member)
        return;

    ModelMember &member = members_[item.path[0].name];

    member.count++;
    member.type = item.type;
    member.half = text_.has_half(item.path[0].name_end, item.end);
    member.value.assign(item.value, item.value_bytes);
    if (item.type == JSON_TYPE_ARRAY) {
        const ModelMember &array = members_["[]" + item.path[0].name];

        member.only_strings = array.only_strings;
        member.has_audience = array.has_audience;
    }
}

bool TokenModel::read(const std::string &text)
{
    members_.clear();
    object_ = false;
    text_.read(text.data(), text.size());
    return parser_.parse(text_, *this) && parser_.deepest() <= JSON_DEPTH_MAX &&
           object_;
}

const ModelMember &TokenModel::member(const char *name)
{
    return members_[name];
}

/* Whether it decodes to a text of at most that many bytes. */
static bool is_text(const ModelMember &member, size_t most)
{
    return member.type == JSON_TYPE_STRING && !member.half &&
           member.value.find('\0') == std::string::npos &&
           member.value.size() <= most;
}

static bool is(const ModelMember &member, const char *wanted)
{
    return is_text(member, SIZE_MAX) && member.value == wanted;
}

static bool is_id(const ModelMember &id)
{
    return is_text(id, HUB_ID_BYTES_MAX) && !id.value.empty() &&
           fuzz_utf8_is_shown(id.value.data(), id.value.size());
}

static bool is_date(const ModelMember &date, int64_t *ms)
{
    static regex_t shape;
    static bool ready;

    if (!ready)
        REQUIRE(regcomp(&shape, "^[0-9]{1,12}([.][0-9]+)?$", REG_EXTENDED) ==
                0);
    ready = true;
    if (date.type != JSON_TYPE_NUMBER ||
        regexec(&shape, date.value.c_str(), 0, NULL, 0) != 0)
        return false;
    *ms = 1000 * strtoll(date.value.c_str(), NULL, 10);
    return *ms <= MODEL_NOW_MS + YEARS_100_MS;
}

bool TokenModel::header_is_good()
{
    static const char *const types[] = {"JWT", "at+jwt", "application/JWT",
                                        "application/at+jwt"};
    bool good_type = member("typ").count == 0;

    for (const char *name : {"alg", "kid", "typ"}) {
        if (member(name).count > 1)
            return false;
    }
    for (const char *name : {"crit", "b64", "zip", "enc"}) {
        if (member(name).count > 0)
            return false;
    }
    for (const char *type : types) {
        if (member("typ").count == 1 && is_text(member("typ"), 63) &&
            fnmatch(type, member("typ").value.c_str(), FNM_CASEFOLD) == 0)
            good_type = true;
    }
    return member("alg").count == 1 && is(member("alg"), "HS256") &&
           good_type &&
           (member("kid").count == 0 ||
            is_text(member("kid"), IDENTITY_KID_MAX - 1));
}

bool TokenModel::claims_are_good(int64_t *expires_ms)
{
    const ModelMember &aud = member("aud");
    int64_t begins_ms;

    for (const char *name : {"iss", "aud", "exp", "nbf", "sub", "sid"}) {
        if (member(name).count > 1)
            return false;
    }
    if (member("exp").count == 0 || !is_date(member("exp"), expires_ms))
        return false;
    if (member("nbf").count == 1 &&
        (!is_date(member("nbf"), &begins_ms) ||
         begins_ms > MODEL_NOW_MS + MODEL_LEEWAY_MS))
        return false;
    if (member("iss").count == 0 || !is(member("iss"), MODEL_ISSUER))
        return false;
    if (aud.count == 0 ||
        !(is(aud, MODEL_AUDIENCE) || (aud.type == JSON_TYPE_ARRAY &&
                                      aud.only_strings && aud.has_audience)))
        return false;
    if (member("sub").count == 0 || !is_id(member("sub")))
        return false;
    if (member("sid").count == 1 && !is_id(member("sid")))
        return false;
    user_ = member("sub").value;
    session_ = member("sid").count == 1 ? member("sid").value : "";
    return true;
}

enum jwt_result TokenModel::judge(const std::string &header,
                                  const std::string &claims)
{
    int64_t expires_ms = 0;

    if (!read(header) || !header_is_good() || !read(claims) ||
        !claims_are_good(&expires_ms))
        return JWT_BAD;
    return expires_ms + MODEL_LEEWAY_MS > MODEL_NOW_MS ? JWT_GOOD : JWT_EXPIRED;
}
