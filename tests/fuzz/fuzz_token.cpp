/* fuzz_token.cpp - whatever is accepted as a token is, byte for byte, one that
 * was issued. And of header and claims that are signed, whatever they are, the
 * model of token_model.h has the same opinion.
 *
 * Input: a letter, and what it asks for:
 *   R  the text of a token
 *   E  a byte that picks an issued token, then edits of it, four bytes each
 *   S  a header, a line end, and claims, which get a good signature
 */
#include "fuzz.h"
#include "token_model.h"

#include <string.h>
#include <vector>

extern "C" {
#include "token_mint.h"
}

#define CLAIMS                                                                 \
    "{\"sub\":\"ada\",\"aud\":\"hub\",\"iss\":\"me\",\"exp\":1800003600}"

static struct jwt_keys *keys, *secrets;
static struct jwt_policy policy, secret_policy;
static std::vector<std::string> issued;
static TokenModel model;

static std::string take(char *text)
{
    std::string copy = text;

    free(text);
    return copy;
}

static void issue(const char *algorithm, enum mint_key key, const char *kid)
{
    std::string header = std::string("{\"alg\":\"") + algorithm + "\"";

    for (bool named : {false, true}) {
        if (named)
            header += std::string(",\"kid\":\"") + kid + "\"";
        issued.push_back(
            take(mint_token(algorithm, key, (header + "}").c_str(), CLAIMS)));
    }
}

static void begin()
{
    std::string list;
    const char *why;
    struct slice secret;

    mint_init();
    for (enum mint_key key : {MINT_RSA, MINT_P256, MINT_P384, MINT_ED25519}) {
        const char *kid = key == MINT_RSA    ? ",\"kid\":\"r\""
                          : key == MINT_P256 ? ",\"kid\":\"e\""
                                             : "";

        list += (list.empty() ? "" : ",") + take(mint_jwk(key, kid));
    }
    list = "{\"keys\":[" + list + "]}";
    policy.leeway_ms = MODEL_LEEWAY_MS;
    policy.issuer = MODEL_ISSUER;
    policy.audience = MODEL_AUDIENCE;
    REQUIRE(json_path_parse(&policy.audience_claim, "aud") == 0);
    REQUIRE(json_path_parse(&policy.user_claim, "sub") == 0);
    REQUIRE(json_path_parse(&policy.session_claim, "/sid") == 0);
    secret_policy = policy;
    policy.algorithms = JWT_BIT(JWT_ALGORITHMS) - 1 - JWT_WITH_SECRET;
    secret_policy.algorithms = JWT_BIT(JWT_HS256);
    keys = jwt_keys_from_jwks({list.data(), list.size()}, policy.algorithms,
                              true, &why);
    secret = {mint_secret(MINT_SECRET), strlen(mint_secret(MINT_SECRET))};
    secrets = jwt_keys_from_secrets(&secret, 1, JWT_BIT(JWT_HS256), &why);
    REQUIRE(keys != NULL && secrets != NULL);
    issue("HS256", MINT_SECRET, "s");
    issue("RS256", MINT_RSA, "r");
    issue("PS256", MINT_RSA, "r");
    issue("ES256", MINT_P256, "e");
    issue("ES384", MINT_P384, "e");
    issue("EdDSA", MINT_ED25519, "e");
}

static enum jwt_result verify(const struct jwt_keys *set,
                              const struct jwt_policy &wanted,
                              const std::string &token, struct identity *who)
{
    const char *why = "";
    enum jwt_result result = jwt_verify(
        set, &wanted, {token.data(), token.size()}, MODEL_NOW_MS, who, &why);
    bool is_somebody = result == JWT_GOOD || result == JWT_EXPIRED;

    REQUIRE((why == NULL) == (result == JWT_GOOD));
    REQUIRE((who->user_id[0] != '\0') == is_somebody);
    REQUIRE((who->expires_in_ms > 0) == is_somebody);
    REQUIRE((who->method == IDENTITY_JWT) == is_somebody);
    return result;
}

/* With all keys there are. */
static void check_token(const std::string &token)
{
    struct identity who;

    if (verify(secrets, secret_policy, token, &who) != JWT_GOOD &&
        verify(keys, policy, token, &who) != JWT_GOOD)
        return;
    for (const std::string &one : issued) {
        if (one == token)
            return;
    }
    REQUIRE(!"accepted, and never issued");
}

/* Where an edit is done: anywhere, or by the end of a part, where two spellings
 * are nearest to each other. */
static size_t place_of(const std::string &token, const uint8_t step[4])
{
    size_t at = (size_t)step[1] << 8 | step[2];

    if ((step[0] & 0x80) == 0)
        return at % (token.size() + 1);
    for (size_t dots = step[1] % 3, i = 0; i < token.size(); i++) {
        if (token[i] == '.' && dots-- == 0)
            return i - (step[2] % 3 < i ? step[2] % 3 : 0);
    }
    return token.size() - (step[2] % 3 < token.size() ? step[2] % 3 : 0);
}

static void edit(std::string &token, const uint8_t step[4])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq"
                                   "rstuvwxyz0123456789-_";
    const std::string &other = issued[step[3] % issued.size()];
    size_t at = place_of(token, step);
    char byte = (step[0] & 0x40) != 0 ? alphabet[step[3] % 64] : (char)step[3];

    switch (step[0] % 8) {
    case 0:
        token.insert(at, 1, byte);
        break;
    case 1:
        token.erase(at, 1);
        break;
    case 2:
        token.resize(at);
        break;
    case 3:
        token += token.substr(at, step[3]);
        break;
    case 4: /* a part of another one */
        token = token.substr(0, at) + other.substr(at % other.size());
        break;
    default:
        if (at < token.size())
            token[at] = byte;
    }
}

static void check_edits(const uint8_t *data, size_t bytes)
{
    std::string token;

    if (bytes == 0)
        return;
    token = issued[data[0] % issued.size()];
    for (size_t i = 1; i + 4 <= bytes; i += 4)
        edit(token, data + i);
    check_token(token);
}

static void check_signed(const std::string &text)
{
    size_t end = text.find('\n');
    std::string header = text.substr(0, end);
    std::string claims = end == std::string::npos ? "" : text.substr(end + 1);
    std::string input, token;
    unsigned char mac[MINT_SIGNATURE_MAX];
    struct identity who;
    enum jwt_result result, wanted;
    size_t bytes;

    input = take(mint_base64url(header.data(), header.size())) + "." +
            take(mint_base64url(claims.data(), claims.size()));
    bytes = mint_sign("HS256", MINT_SECRET, input.data(), input.size(), mac);
    token = take(mint_join(input.c_str(), mac, bytes));
    result = verify(secrets, secret_policy, token, &who);
    wanted = model.judge(header, claims);
    REQUIRE(result == wanted);
    if (result != JWT_GOOD && result != JWT_EXPIRED)
        return;
    REQUIRE(model.user() == who.user_id);
    REQUIRE(model.session() == who.session_id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (keys == NULL)
        begin();
    if (bytes == 0)
        return 0;
    if (data[0] == 'E')
        check_edits(data + 1, bytes - 1);
    else if (data[0] == 'S')
        check_signed(std::string((const char *)data + 1, bytes - 1));
    else
        check_token(std::string((const char *)data + 1, bytes - 1));
    return 0;
}
