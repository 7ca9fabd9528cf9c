/* fuzz_jwks.cpp - whatever is read as a set of keys is one: RapidJSON finds the
 * text valid, and for each key that is used the members that it has to have,
 * once. A set never verifies what nobody has signed. The same bytes as PEM give
 * keys, or an error.
 *
 * Input: the text.
 */
#include "fuzz.h"
#include "json_peer.h"

#include <map>
#include <string.h>
#include <string>
#include <vector>

extern "C" {
#include "access/jwt_keys.h"
}

#define ALLOWED (JWT_BIT(JWT_ALGORITHMS) - 1 - JWT_WITH_SECRET)

/* What is told of a key. */
struct ModelKey {
    bool object;
    std::map<std::string, unsigned> count;
    std::map<std::string, std::string> strings;
};

class SetModel : public PeerListener
{
  public:
    bool read(const char *text, size_t bytes);
    void item(const PeerItem &item) override;

    std::vector<ModelKey> keys;
    unsigned lists = 0;
    bool is_list = false;

  private:
    PeerText text_;
    PeerParser parser_;
    ModelKey key_;
};

bool SetModel::read(const char *text, size_t bytes)
{
    keys.clear();
    lists = 0;
    is_list = false;
    key_ = {};
    text_.read(text, bytes);
    return parser_.parse(text_, *this) && parser_.deepest() <= JSON_DEPTH_MAX;
}

void SetModel::item(const PeerItem &item)
{
    bool in_keys = item.depth >= 1 && item.path[0].is_member &&
                   item.path[0].name == "keys";

    if (!in_keys || (item.depth > 1 && item.path[1].is_member))
        return;
    if (item.depth == 3 && item.path[2].is_member) {
        key_.count[item.path[2].name]++;
        if (item.type == JSON_TYPE_STRING)
            key_.strings[item.path[2].name].assign(item.value,
                                                   item.value_bytes);
    } else if (item.depth == 2) {
        key_.object = item.type == JSON_TYPE_OBJECT;
        keys.push_back(key_);
        key_ = {};
    } else if (item.depth == 1) {
        lists++;
        is_list = item.type == JSON_TYPE_ARRAY;
    }
}

/* One that is used. */
static void check_used(const struct jwt_key_info *info, ModelKey &key)
{
    const std::string type = key.strings["kty"];

    REQUIRE(key.object && key.count["d"] == 0);
    for (const char *name :
         {"kty", "use", "kid", "alg", "crv", "n", "e", "x", "y", "key_ops"})
        REQUIRE(key.count[name] <= 1 || name[1] == '\0');
    REQUIRE(key.count["use"] == 0 || key.strings["use"] == "sig");
    REQUIRE(key.strings["kid"] == info->kid);
    REQUIRE(info->algorithms != 0 && (info->algorithms & ~ALLOWED) == 0);
    if (key.count["alg"] != 0)
        REQUIRE(info->algorithms ==
                JWT_BIT(jwt_algorithm_find(key.strings["alg"].c_str())));
    if (type == "RSA") {
        REQUIRE(strcmp(info->type, "RSA") == 0);
        REQUIRE(info->bits >= 2048 && info->bits <= 8192);
        REQUIRE(key.count["n"] == 1 && key.count["e"] == 1);
        REQUIRE((info->algorithms & ~(unsigned)JWT_WITH_RSA) == 0);
    } else {
        REQUIRE(type == "EC" || type == "OKP");
        REQUIRE(key.strings["crv"] == info->type);
        REQUIRE(key.count["x"] == 1);
        REQUIRE((type == "EC") == (key.count["y"] == 1) || type == "OKP");
    }
}

static void check_forgery(const struct jwt_keys *keys)
{
    static const char input[] = "nobody has signed this";
    static const char bytes[1024] = {1};

    for (unsigned i = 0; i < JWT_ALGORITHMS; i++) {
        struct jwt_signature signature = {(enum jwt_algorithm)i,
                                          NULL,
                                          {input, sizeof(input) - 1},
                                          {bytes, i == JWT_ES384  ? 96u
                                                  : i < JWT_ES256 ? 256u
                                                                  : 64u}};
        const char *why = NULL;
        bool unknown;

        REQUIRE(jwt_keys_verify(keys, &signature, &why, &unknown) == NULL);
        REQUIRE(why != NULL);
    }
}

static void check_set(const char *text, size_t bytes, bool is_file)
{
    static SetModel model;
    const struct jwt_key_info *info;
    const char *why = NULL;
    struct jwt_keys *keys =
        jwt_keys_from_jwks({text, bytes}, ALLOWED, is_file, &why);
    size_t used = 0, index = 0;

    REQUIRE((keys == NULL) == (why != NULL));
    if (keys == NULL)
        return;
    REQUIRE(model.read(text, bytes));
    REQUIRE(model.lists == 1 && model.is_list);
    for (; (info = jwt_keys_info(keys, index)) != NULL; index++) {
        REQUIRE(index < model.keys.size());
        if (info->skipped != NULL) {
            REQUIRE(info->algorithms == 0);
            continue;
        }
        used++;
        check_used(info, model.keys[index]);
    }
    REQUIRE(index == model.keys.size() && index <= JWT_KEYS_MAX);
    REQUIRE(used > 0 && used == jwt_keys_count(keys));
    check_forgery(keys);
    jwt_keys_release(keys);
}

static void check_pem(const char *text, size_t bytes)
{
    const char *why = NULL;
    struct jwt_keys *keys = jwt_keys_from_pem({text, bytes}, ALLOWED, &why);

    REQUIRE((keys == NULL) == (why != NULL));
    if (keys == NULL)
        return;
    REQUIRE(memmem(text, bytes, "-----BEGIN ", 11) != NULL);
    REQUIRE(jwt_keys_count(keys) > 0);
    check_forgery(keys);
    jwt_keys_release(keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const char *text = (const char *)data;

    check_set(text, bytes, false);
    check_set(text, bytes, true);
    check_pem(text, bytes);
    return 0;
}
