/* publish_model.h - the expected outcome of a body posted to /api/send or
 * /api/broadcast, by the documented rules and by what RapidJSON finds in it.
 */
#ifndef TESTS_FUZZ_PUBLISH_MODEL_H
#define TESTS_FUZZ_PUBLISH_MODEL_H

#include <string>

#include "json_peer.h"

extern "C" {
#include "api/publish.h"
}

/* A member that is read. */
struct ModelField {
    unsigned count;
    enum json_type type; /* of the last one */
    size_t begin, end;   /* of its text, quotes included */
    std::string value;   /* of a string */
    bool half;           /* it contains an unpaired surrogate */
};

struct ModelFields {
    ModelField message, user, session, type, payload, timestamp;
};

class PublishModel : public PeerListener
{
  public:
    explicit PublishModel(enum publish_kind kind) : kind_(kind)
    {
    }
    void begin(const PeerText *text);
    void item(const PeerItem &item) override;
    const ModelFields &fields() const
    {
        return fields_;
    }
    /* The code of the refusal, or NULL. To be asked about valid JSON. */
    const char *problem(size_t max_message_bytes) const;

  private:
    ModelField *find(const PeerItem &item);
    const char *target_problem() const;

    enum publish_kind kind_;
    const PeerText *text_ = nullptr;
    ModelFields fields_ = {};
    bool object_ = false; /* the text is one */
};

#endif
