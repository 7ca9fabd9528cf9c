/* fuzz_upgrade.c - a request on its way to a WebSocket: its normalization,
 * civetweb's parser (a stand-in for it), the strict check of the result, the
 * origins from a file, the handshake, and the quotas.
 *
 * The verdict must be that of a model that reads the raw bytes by the RFCs, and
 * an accepted id the one that the model decodes.
 *
 * Input: the file of origins, a NUL, and the request, in which byte 1 stands
 * for 4000 letters.
 */
#include "fuzz.h"
#include "request_model.h"

#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_civetweb.h"
#include "access/gate.h"
#include "front/head.h"
#include "front/request.h"
#include "access/admission.h"
#include "api/ws.h"

#define PADDING 4000
#define FILE_MAX 4096
#define PER_USER 2
#define SUBPROTOCOLS "chat,v2"

static struct {
    int fd; /* the file of origins */
    struct config config, without_file;
    hub_t *hub;
    char *buffer; /* civetweb's, on the heap */
    char *text;   /* what was put into it */
} room;

static bool prepare(void)
{
    static char path[64];
    struct hub_options options = HUB_OPTIONS_INIT;

    room.fd = memfd_create("origins", MFD_CLOEXEC);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", room.fd);
    room.config.origins_file = path;
    room.without_file.origins.any = true;
    options.flags = HUB_HOST_LOOP;
    options.max_connections_per_user = PER_USER;
    options.max_connections_per_address = PER_USER + 1;
    room.buffer = malloc(REQUEST_HEAD_MAX);
    room.text = malloc(REQUEST_HEAD_MAX);
    REQUIRE(room.fd >= 0 && room.buffer != NULL && room.text != NULL);
    REQUIRE(hub_create(&room.hub, &options) == 0);
    return true;
}

/* Refusals are of the documented kinds, and can be shown to anybody. */
static void check_refusal(const struct refusal *why, int first, int second,
                          int third)
{
    REQUIRE(why->status == first || why->status == second ||
            why->status == third);
    REQUIRE(strspn(why->code, "abcdefghijklmnopqrstuvwxyz_") ==
            strlen(why->code));
    REQUIRE(why->message[0] != '\0');
    REQUIRE(fuzz_utf8_is_shown(why->message, strlen(why->message)));
    REQUIRE((why->status == 426) == (why->headers != NULL));
}

/* The request line and fields. ------------------------------------------ */

/* Returns how many bytes the request has, with room for no more. */
static size_t write_text(const uint8_t *data, size_t bytes)
{
    size_t used = 0;

    for (size_t i = 0; i < bytes && used < REQUEST_HEAD_MAX; i++) {
        size_t count = data[i] == 1 ? PADDING : 1;

        if (count > REQUEST_HEAD_MAX - used)
            count = REQUEST_HEAD_MAX - used;
        memset(room.text + used, data[i] == 1 ? 'a' : data[i], count);
        used += count;
    }
    return used;
}

static void check_request(const struct request *r, const struct model_head *m)
{
    REQUIRE(r->http11 == m->http11);
    REQUIRE(r->content_length == m->length);
    REQUIRE(r->chunked == m->chunked);
    REQUIRE(r->has_body == (m->chunked || m->length > 0));
    REQUIRE(r->expects_continue == m->expects_continue);
    REQUIRE(!r->keep_alive ||
            !model_head_lists(m, "Connection", "close", false));
    REQUIRE(!r->keep_alive || r->http11 ||
            model_head_lists(m, "Connection", "keep-alive", true));
}

/* The same, whatever pieces it comes in. Returns where it ends. */
static size_t make_plain(size_t bytes)
{
    static char whole[REQUEST_HEAD_MAX];
    struct head head = {0}, other = {0};

    memcpy(room.buffer, room.text, bytes);
    memset(room.buffer + bytes, 'x', REQUEST_HEAD_MAX - bytes);
    memcpy(whole, room.buffer, REQUEST_HEAD_MAX);
    head_take(&other, whole, 0, bytes);
    head_take(&head, room.buffer, 0, bytes / 3);
    head_take(&head, room.buffer, bytes / 3, bytes - bytes / 2);
    head_take(&head, room.buffer, bytes - bytes / 2, bytes);
    REQUIRE(memcmp(whole, room.buffer, REQUEST_HEAD_MAX) == 0);
    REQUIRE(head.start == other.start && head.fields == other.fields &&
            head.end == other.end && head.plain == other.plain &&
            head.asterisk == other.asterisk && head.strange == other.strange);
    REQUIRE(head.start <= head.line && head.line <= bytes);
    return head.end;
}

/* What is said of it where civetweb refuses. */
static void check_fault(size_t bytes)
{
    enum head_parsed parsed = (enum head_parsed)(bytes % 5);
    struct refusal why = {0};
    struct head head = {0};

    head_take(&head, room.buffer, 0, bytes);
    if (head_fault(&head, room.buffer, bytes, REQUEST_HEAD_MAX, parsed, &why))
        check_refusal(&why, 400, 431, 400);
    else
        REQUIRE(head.start == bytes);
}

/* Returns whether civetweb would call hubd with it, and hubd go on. */
static bool read_request(struct request *request, struct mg_request_info *info,
                         struct model_head *model, size_t bytes)
{
    struct refusal why = {0};
    bool valid, passes;
    size_t end;

    (void)make_plain(bytes);
    check_fault(bytes);
    end = make_plain(bytes);
    if (!fake_civetweb(room.buffer, REQUEST_HEAD_MAX, info))
        return false;
    if (strcmp(info->http_version, "1.0") != 0 &&
        strcmp(info->http_version, "1.1") != 0)
        return false; /* civetweb answers 505 */
    valid = model_head_read(model, room.text, bytes);
    passes = request_check(request, info, room.buffer, &why) == 0;
    /* HTTP/1.0 without a field: the white space behind its line looks like the
     * end of the head, whatever comes then. It is answered as what it seems to
     * be, and nothing more is read from that connection. */
    if (passes && model->blotted_out && info->num_headers == 0) {
        REQUIRE(!request->http11 && !request->keep_alive && !request->has_body);
        return false;
    }
    REQUIRE(passes == valid);
    REQUIRE(!valid || end == model->bytes);
    if (valid)
        check_request(request, model);
    else
        check_refusal(&why, 400, 417, 431);
    return valid;
}

/* Origins. -------------------------------------------------------------- */

/* The lines of the file as one comma list, told differently. */
static void join_lines(const uint8_t *file, size_t bytes, char *out)
{
    bool comment = false, begun = false, any = false;

    for (size_t i = 0; i < bytes; i++) {
        bool line_end = file[i] == '\r' || file[i] == '\n';

        if (line_end) {
            comment = begun = false;
            continue;
        }
        if (!begun) {
            begun = true;
            comment = file[i] == '#';
            if (!comment && any)
                *out++ = ',';
            any |= !comment;
        }
        if (!comment)
            *out++ = (char)file[i];
    }
    *out = '\0';
}

/* Returns whether the file can be read, and the gate is open to be asked. */
static bool open_gate(struct gate *gate, const uint8_t *file, size_t bytes,
                      struct origin_list *model)
{
    static char joined[FILE_MAX + 1];
    static const char name[] = "HUB_ALLOWED_ORIGINS_FILE=";
    char bad[16], error[1024] = "";
    bool valid;

    join_lines(file, bytes, joined);
    valid = origin_list_parse(model, joined, bad, sizeof(bad)) == 0;
    if (valid && model->same) { /* there are no HUB_PUBLIC_HOSTS */
        origin_list_release(model);
        valid = false;
    }
    REQUIRE(ftruncate(room.fd, 0) == 0);
    REQUIRE(pwrite(room.fd, file, bytes, 0) == (ssize_t)bytes);
    REQUIRE((gate_init(gate, &room.config, error, sizeof(error)) == 0) ==
            valid);
    if (!valid) {
        REQUIRE(strncmp(error, name, strlen(name)) == 0);
        REQUIRE(fuzz_utf8_is_shown(error, strlen(error)));
    }
    return valid;
}

static bool is_origin_allowed(const struct model_head *head,
                              const struct origin_list *list)
{
    const struct model_field *field;
    size_t count = model_head_count(head, "Origin", &field);
    char origin[512];

    if (count == 0)
        return true;
    if (count > 1 || field->value.bytes >= sizeof(origin))
        return false;
    memcpy(origin, field->value.start, field->value.bytes);
    origin[field->value.bytes] = '\0';
    return origin_list_allows(list, origin);
}

/* The handshake. -------------------------------------------------------- */

/* One user may connect PER_USER times; then everything is given back. */
static void check_sessions(const char *user_id)
{
    struct hub_stats stats = HUB_STATS_INIT;
    struct hub_member members[PER_USER + 1];
    struct netaddr addr = {{0}};
    struct refusal why = {0};

    for (size_t i = 0; i < PER_USER + 1; i++) {
        members[i] = (struct hub_member)HUB_MEMBER_INIT;
        members[i].user_id = user_id;
        REQUIRE((admission_open(room.hub, &addr, 1, i % 2 == 0, &members[i],
                                &why) == 0) == (i < PER_USER));
    }
    REQUIRE(why.status == 429);
    for (size_t i = 0; i < PER_USER; i++)
        admission_close(room.hub, &members[i]);
    REQUIRE(hub_stats(room.hub, &stats) == 0 && stats.places == 0);
}

/* None is named that was not offered, or is not ours. */
static void check_subprotocol(struct slice chosen,
                              const struct model_head *head)
{
    static const char header[] = "Sec-WebSocket-Protocol";
    bool chat = chosen.bytes == 4 && memcmp(chosen.start, "chat", 4) == 0;
    bool v2 = chosen.bytes == 2 && memcmp(chosen.start, "v2", 2) == 0;
    bool v1 = chosen.bytes == 6 && memcmp(chosen.start, "hub.v1", 6) == 0;

    REQUIRE(chat || v2 || v1 || chosen.bytes == 0);
    REQUIRE(v1 == model_head_lists(head, header, "hub.v1", false));
    REQUIRE(!chat || model_head_lists(head, header, "chat", false));
    REQUIRE(!v2 || model_head_lists(head, header, "v2", false));
}

static void check_upgrade(const struct request *request,
                          const struct model_head *head,
                          const struct origin_list *origins,
                          const struct origin_list *model_origins)
{
    char user[MODEL_ID_MAX + 1], session[MODEL_ID_MAX + 1];
    struct ws_upgrade upgrade;
    struct refusal why = {0};
    bool valid = model_head_upgrades(head);
    bool allowed = is_origin_allowed(head, model_origins);
    bool named = model_head_ids(head, user, session);

    if (ws_check_handshake(&upgrade, request, SUBPROTOCOLS, &why) != 0 ||
        ws_check_client(&upgrade, request, origins, &why) != 0) {
        REQUIRE(!valid || !allowed || !named);
        check_refusal(&why, 400, valid ? 403 : 426, 400);
        REQUIRE((why.status == 403) == (valid && !allowed));
        return;
    }
    REQUIRE(valid && allowed);
    if (upgrade.user_id[0] == '\0')
        return; /* nobody is named, which another part refuses */
    REQUIRE(named);
    REQUIRE(strcmp(upgrade.user_id, user) == 0);
    REQUIRE(strcmp(upgrade.session_id, session) == 0);
    check_subprotocol(upgrade.subprotocol, head);
    check_sessions(user);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static bool prepared;
    static struct model_head head;
    static struct mg_request_info info;
    const uint8_t *nul = bytes > 0 ? memchr(data, 0, bytes) : NULL;
    struct origin_list model_origins = {.any = true};
    struct request request;
    struct gate gate;

    prepared = prepared || prepare();
    if (nul == NULL || nul - data > FILE_MAX)
        return 0;
    bytes = write_text(nul + 1, bytes - (size_t)(nul + 1 - data));
    if (nul == data) {
        REQUIRE(gate_init(&gate, &room.without_file, NULL, 0) == 0);
    } else if (!open_gate(&gate, data, (size_t)(nul - data), &model_origins)) {
        return 0;
    }
    if (read_request(&request, &info, &head, bytes)) {
        check_upgrade(&request, &head, gate_enter(&gate), &model_origins);
        gate_leave(&gate);
    }
    gate_fini(&gate);
    origin_list_release(&model_origins);
    return 0;
}
