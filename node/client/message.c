/* The envelope of the local protocol and its framing (LOCAL 1.3, 2). */
#include "node/client/message.h"

#include "crdt/limits.h"

#include <assert.h>

static const char *const type_words[NODE_MSG_TYPE_COUNT] = {
#define X(sym, word) [sym] = (word),
    NODE_MSG_TYPES(X)
#undef X
};

const char *node_msg_type_word(enum node_msg_type type)
{
    return (unsigned)type < NODE_MSG_TYPE_COUNT ? type_words[type] : NULL;
}

static bool type_of(struct cht_bytes word, enum node_msg_type *out)
{
    for (unsigned i = 0; i < NODE_MSG_TYPE_COUNT; i++) {
        if (cht_bytes_eq(word, cht_bytes_str(type_words[i]))) {
            *out = (enum node_msg_type)i;
            return true;
        }
    }
    return false;
}

/* A field that may be absent but has to be of its kind when there (LOCAL 2.3). */
static bool kind_is(struct cht_bytes object, enum crdt_mp_kind kind)
{
    return object.len == 0 || node_mp_kind(object) == kind;
}

enum { OF_ID, OF_TYPE, OF_SOURCE, OF_TARGET, OF_METADATA, OF_PAYLOAD, OF_MESSAGE };
static const struct cht_bytes message_keys[OF_MESSAGE] = {
    [OF_ID] = NODE_MP_KEY("id"),
    [OF_TYPE] = NODE_MP_KEY("type"),
    [OF_SOURCE] = NODE_MP_KEY("source"),
    [OF_TARGET] = NODE_MP_KEY("target"),
    [OF_METADATA] = NODE_MP_KEY("metadata"),
    [OF_PAYLOAD] = NODE_MP_KEY("payload"),
};
static const struct cht_bytes source_keys[] = { NODE_MP_KEY("nodeId"), NODE_MP_KEY("platform"),
                                                NODE_MP_KEY("chittyId") };
static const struct cht_bytes target_keys[] = { NODE_MP_KEY("broadcast"), NODE_MP_KEY("nodeIds"),
                                                NODE_MP_KEY("platforms") };
static const struct cht_bytes metadata_keys[] = { NODE_MP_KEY("timestamp"),
                                                  NODE_MP_KEY("vectorClock"), NODE_MP_KEY("ttl"),
                                                  NODE_MP_KEY("causality") };

static enum cht_err read_parts(const struct cht_bytes *of, struct cht_error *detail,
                               struct node_msg *m)
{
    struct cht_bytes source[3], target[3], metadata[4];
    if (!kind_is(of[OF_SOURCE], CRDT_MP_MAP) || !kind_is(of[OF_TARGET], CRDT_MP_MAP) ||
        !kind_is(of[OF_METADATA], CRDT_MP_MAP))
        return cht_fail(detail, CHT_E_MALFORMED, "source, target and metadata have to be maps");
    node_mp_pick(of[OF_SOURCE], source_keys, 3, source);
    node_mp_pick(of[OF_TARGET], target_keys, 3, target);
    node_mp_pick(of[OF_METADATA], metadata_keys, 4, metadata);
    m->node_id = node_mp_str(source[0]);
    m->platform = node_mp_str(source[1]);
    m->actor = node_mp_str(source[2]);
    m->broadcast = node_mp_bool(target[0]);
    m->node_ids = target[1];
    m->platforms = target[2];
    m->timestamp_ms = node_mp_uint(metadata[0], 0);
    m->vector = metadata[1];
    uint64_t ttl = node_mp_uint(metadata[2], 0);
    m->ttl_s = ttl > UINT32_MAX ? UINT32_MAX : (uint32_t)ttl;
    const struct cht_bytes causality = metadata[3];
    if (!kind_is(m->node_ids, CRDT_MP_ARRAY) || !kind_is(m->platforms, CRDT_MP_ARRAY) ||
        !kind_is(m->vector, CRDT_MP_MAP) || !kind_is(causality, CRDT_MP_ARRAY))
        return cht_fail(detail, CHT_E_MALFORMED,
                        "nodeIds, platforms and causality have to be arrays, vectorClock a map");
    struct node_mp_iter it = node_mp_iter(causality);
    struct cht_bytes first;
    if (node_mp_next(&it, NULL, &first))
        m->reply_to = node_mp_str(first);
    return CHT_OK;
}

enum cht_err node_msg_read(struct cht_bytes bytes, struct cht_error *detail,
                           struct cht_bytes *out_id, struct node_msg *out)
{
    if (bytes.len > LIMIT_CLIENT_BYTES)
        return cht_fail(detail, CHT_E_LIMIT, "a local message may have 1048576 bytes");
    enum cht_err err = crdt_mp_scan(bytes, NODE_MSG_DEPTH, LIMIT_MSGPACK_OBJECTS);
    if (err != CHT_OK)
        return cht_fail(detail, err, "the message is not one well-formed msgpack document");
    if (node_mp_kind(bytes) != CRDT_MP_MAP)
        return cht_fail(detail, CHT_E_MALFORMED, "a message has to be a map");
    struct cht_bytes of[OF_MESSAGE];
    node_mp_pick(bytes, message_keys, OF_MESSAGE, of);
    struct node_msg m = { .id = node_mp_str(of[OF_ID]), .payload = of[OF_PAYLOAD] };
    if (m.id.len == 0 || m.id.len > NODE_MSG_ID_BYTES || !crdt_utf8_valid(m.id))
        return cht_fail(detail, CHT_E_MALFORMED, "id has to be a text of 1 to 64 bytes");
    if (out_id != NULL)
        *out_id = m.id;
    if (node_mp_kind(of[OF_TYPE]) != CRDT_MP_STR)
        return cht_fail(detail, CHT_E_MALFORMED, "type has to be a text");
    if (!type_of(node_mp_str(of[OF_TYPE]), &m.type))
        return cht_fail(detail, CHT_E_UNSUPPORTED, "type is none of the message types");
    if (node_mp_kind(m.payload) != CRDT_MP_MAP)
        return cht_fail(detail, CHT_E_MALFORMED, "payload has to be a map");
    err = read_parts(of, detail, &m);
    if (err == CHT_OK)
        *out = m;
    return err;
}

/* A part of the envelope that is always the same: keys and heads, one after the other. */
#define FIXED(out, text) cht_buf_add(out, cht_bytes(text, sizeof(text) - 1))

static enum cht_err put_lists(struct cht_buf *out, const struct node_msg *m)
{
    enum cht_err err = CHT_OK;
    if (m->node_ids.len > 0)
        err = node_mp_put_key_raw(out, "nodeIds", m->node_ids);
    if (err == CHT_OK && m->platforms.len > 0)
        err = node_mp_put_key_raw(out, "platforms", m->platforms);
    return err;
}

static enum cht_err put_source_and_target(struct cht_buf *out, const struct node_msg *m)
{
    const unsigned lists = (m->node_ids.len > 0 ? 1u : 0u) + (m->platforms.len > 0 ? 1u : 0u);
    enum cht_err err = FIXED(out, "\xa6"
                                  "source"
                                  "\x83\xa6"
                                  "nodeId");
    if (err == CHT_OK)
        err = crdt_mp_put_str(out, m->node_id);
    if (err == CHT_OK)
        err = FIXED(out, "\xa8"
                         "platform");
    if (err == CHT_OK)
        err = crdt_mp_put_str(out, m->platform);
    if (err == CHT_OK)
        err = FIXED(out, "\xa8"
                         "chittyId");
    if (err == CHT_OK)
        err = crdt_mp_put_str(out, m->actor);
    if (err == CHT_OK)
        err = FIXED(out, "\xa6"
                         "target");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 1 + lists);
    if (err == CHT_OK)
        err = FIXED(out, "\xa9"
                         "broadcast");
    if (err == CHT_OK)
        err = crdt_mp_put_bool(out, m->broadcast);
    return err == CHT_OK ? put_lists(out, m) : err;
}

static enum cht_err put_metadata(struct cht_buf *out, const struct node_msg *m)
{
    enum cht_err err = FIXED(out, "\xa8"
                                  "metadata"
                                  "\x84\xa9"
                                  "timestamp");
    if (err == CHT_OK)
        err = crdt_mp_put_uint(out, m->timestamp_ms);
    if (err == CHT_OK)
        err = FIXED(out, "\xab"
                         "vectorClock");
    if (err == CHT_OK)
        err = m->vector.len > 0 ? cht_buf_add(out, m->vector) : crdt_mp_put_map(out, 0);
    if (err == CHT_OK)
        err = FIXED(out, "\xa9"
                         "causality");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, m->reply_to.len > 0 ? 1 : 0);
    if (err == CHT_OK && m->reply_to.len > 0)
        err = crdt_mp_put_str(out, m->reply_to);
    if (err == CHT_OK)
        err = FIXED(out, "\xa3"
                         "ttl");
    return err == CHT_OK ? crdt_mp_put_uint(out, m->ttl_s) : err;
}

enum cht_err node_msg_begin(struct cht_buf *out, const struct node_msg *m)
{
    assert((unsigned)m->type < NODE_MSG_TYPE_COUNT);
    assert(m->id.len > 0 && m->id.len <= NODE_MSG_ID_BYTES);
    enum cht_err err = FIXED(out, "\x86\xa2"
                                  "id");
    if (err == CHT_OK)
        err = crdt_mp_put_str(out, m->id);
    if (err == CHT_OK)
        err = FIXED(out, "\xa4"
                         "type");
    if (err == CHT_OK)
        err = node_mp_put_text(out, type_words[m->type]);
    if (err == CHT_OK)
        err = put_source_and_target(out, m);
    if (err == CHT_OK)
        err = put_metadata(out, m);
    return err == CHT_OK ? FIXED(out, "\xa7"
                                      "payload")
                         : err;
}

enum cht_err node_msg_write(struct cht_buf *out, const struct node_msg *m)
{
    assert(m->payload.len > 0);
    enum cht_err err = node_msg_begin(out, m);
    return err != CHT_OK ? err : cht_buf_add(out, m->payload);
}

enum cht_err node_fault_write_with(struct cht_buf *out, const struct node_fault *fault,
                                   const char *key, struct cht_bytes object)
{
    const bool hint = fault->hint[0] != '\0', field = fault->field[0] != '\0';
    enum cht_err err = crdt_mp_put_map(out, 3u + hint + field + (object.len != 0));
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "code", cht_err_code(fault->error.code));
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "message", cht_error_text(&fault->error));
    if (err == CHT_OK && hint)
        err = node_mp_put_key_text(out, "hint", fault->hint);
    if (err == CHT_OK && field)
        err = node_mp_put_key_text(out, "field", fault->field);
    if (err == CHT_OK)
        err = node_mp_put_key_bool(out, "retryable", cht_err_retryable(fault->error.code));
    return err == CHT_OK && object.len != 0 ? node_mp_put_key_raw(out, key, object) : err;
}

enum cht_err node_fault_write(struct cht_buf *out, const struct node_fault *fault)
{
    return node_fault_write_with(out, fault, "", cht_bytes(NULL, 0));
}

enum cht_err node_msg_write_error(struct cht_buf *out, const struct node_msg *base,
                                  struct cht_bytes reply_to, const struct node_fault *fault)
{
    uint8_t id[NODE_MSG_ID_BYTES];
    struct node_msg m = *base;
    m.type = NODE_MSG_ACK;
    m.reply_to = reply_to;
    m.id = node_msg_answer_id(reply_to, id);
    enum cht_err err = node_msg_begin(out, &m);
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "error");
    return err != CHT_OK ? err : node_fault_write(out, fault);
}

static enum cht_err code_of(struct cht_bytes word)
{
    for (unsigned i = 1; i < CHT_ERR_COUNT; i++) {
        if (cht_bytes_eq(word, cht_bytes_str(cht_err_code((enum cht_err)i))))
            return (enum cht_err)i;
    }
    return CHT_E_INTERNAL;
}

enum cht_err node_msg_fault(const struct node_msg *m, struct node_fault *fault)
{
    const struct cht_bytes error = node_mp_get(m->payload, "error");
    if (node_mp_kind(error) != CRDT_MP_MAP)
        return CHT_OK;
    const enum cht_err code = code_of(node_mp_get_str(error, "code"));
    const struct cht_bytes text = node_mp_get_str(error, "message");
    const struct cht_bytes hint = node_mp_get_str(error, "hint");
    (void)node_fault_set(fault, code, node_mp_get_str(error, "field"), "%.*s",
                         (int)(text.len > CHT_ERROR_TEXT_MAX ? CHT_ERROR_TEXT_MAX : text.len),
                         text.data == NULL ? "" : (const char *)text.data);
    node_fault_hint(fault, "%.*s",
                    (int)(hint.len > NODE_FAULT_HINT_MAX ? NODE_FAULT_HINT_MAX : hint.len),
                    hint.data == NULL ? "" : (const char *)hint.data);
    if (fault != NULL)
        fault->answered = true;
    return code;
}

/* LOCAL 4.1 and 5.1 */
bool node_msg_final(const struct node_msg *m)
{
    if (m->type == NODE_MSG_STATE_SNAPSHOT)
        return !node_mp_get_bool(m->payload, "more");
    return m->type == NODE_MSG_ACK || m->type == NODE_MSG_CONFLICT;
}

struct cht_bytes node_msg_answer_id(struct cht_bytes reply_to, uint8_t room[NODE_MSG_ID_BYTES])
{
    size_t len = reply_to.len < NODE_MSG_ID_BYTES - 2 ? reply_to.len : NODE_MSG_ID_BYTES - 2;
    /* Never cut a UTF-8 character in two: step back over its continuation bytes. */
    while (len < reply_to.len && len > 0 && (reply_to.data[len] & 0xC0) == 0x80)
        len--;
    room[0] = 'a';
    room[1] = '/';
    if (len > 0)
        memcpy(room + 2, reply_to.data, len);
    return cht_bytes(room, len + 2);
}

enum cht_err node_frame_next(struct cht_bytes stream, struct cht_bytes *out, size_t *out_used)
{
    if (stream.len < NODE_FRAME_HEAD_BYTES)
        return CHT_E_WAITING;
    const uint32_t len = cht_get_u32(stream.data);
    if (len == 0 || len > LIMIT_CLIENT_BYTES)
        return CHT_E_LIMIT;
    if (stream.len - NODE_FRAME_HEAD_BYTES < len)
        return CHT_E_WAITING;
    *out = cht_bytes(stream.data + NODE_FRAME_HEAD_BYTES, len);
    *out_used = NODE_FRAME_HEAD_BYTES + len;
    return CHT_OK;
}

enum cht_err node_frame_put(struct cht_buf *out, struct cht_bytes message)
{
    assert(message.len > 0 && message.len <= LIMIT_CLIENT_BYTES);
    enum cht_err err = cht_buf_reserve(out, NODE_FRAME_HEAD_BYTES + message.len);
    if (err == CHT_OK)
        err = cht_buf_add_u32(out, (uint32_t)message.len);
    if (err == CHT_OK)
        err = cht_buf_add(out, message);
    return err;
}
