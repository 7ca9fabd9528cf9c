/* token_model.h - what a token is worth whose signature is right, by the rules
 * that issuers are told and by what RapidJSON finds in its header and claims.
 */
#ifndef TESTS_FUZZ_TOKEN_MODEL_H
#define TESTS_FUZZ_TOKEN_MODEL_H

#include <map>
#include <string>

#include "json_peer.h"

extern "C" {
#include "access/jwt.h"
}

/* A member of the outermost object. */
struct ModelMember {
    unsigned count;
    enum json_type type;
    std::string value; /* of strings and numbers */
    bool half;         /* it holds half a surrogate pair */
    bool only_strings; /* of an array */
    bool has_audience; /* of an array: MODEL_AUDIENCE is in it */
};

#define MODEL_AUDIENCE "hub"
#define MODEL_ISSUER "me"
#define MODEL_NOW_MS INT64_C(1800000000000)
#define MODEL_LEEWAY_MS 30000

class TokenModel : public PeerListener
{
  public:
    /* Of tokens signed with HS256. */
    enum jwt_result judge(const std::string &header, const std::string &claims);
    const std::string &user() const
    {
        return user_;
    }
    const std::string &session() const
    {
        return session_;
    }
    void item(const PeerItem &item) override;

  private:
    bool read(const std::string &text);
    const ModelMember &member(const char *name);
    bool header_is_good();
    bool claims_are_good(int64_t *expires_ms);

    PeerText text_;
    PeerParser parser_;
    bool object_ = false;
    std::map<std::string, ModelMember> members_;
    std::string user_, session_;
};

#endif
