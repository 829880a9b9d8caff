/* Payloads about claims; see claims.h (PROTOCOL 13.5, 13.6). */
#include "net/claims.h"

#include "crdt/mp.h"

static const char *const state_words[] = {
#define X(sym, word) [sym] = (word),
    NET_CLAIM_STATES(X)
#undef X
};

/* --- reading -------------------------------------------------------------------------------- */

/* The value at a key of a map; empty when absent. The first of equal keys counts. */
static struct cht_bytes member(struct cht_bytes map, const char *key)
{
    struct cht_wire w = cht_wire(map);
    struct crdt_mp head = crdt_mp_next(&w);
    for (uint64_t i = 0; head.kind == CRDT_MP_MAP && i < head.u && w.err == CHT_OK; i++) {
        struct cht_bytes name = crdt_mp_skip(&w), value = crdt_mp_skip(&w);
        if (w.err != CHT_OK)
            break;
        struct crdt_mp n = crdt_mp_peek(name);
        if (n.kind == CRDT_MP_STR && cht_bytes_eq(n.data, cht_bytes_str(key)))
            return value;
    }
    return cht_bytes(NULL, 0);
}

static bool read_uint(struct cht_bytes value, uint64_t *out)
{
    struct crdt_mp v = { .kind = CRDT_MP_NIL };
    if (value.len != 0)
        v = crdt_mp_peek(value);
    *out = v.u;
    return v.kind == CRDT_MP_UINT;
}

static bool read_text(struct cht_bytes value, size_t len_max, struct cht_bytes *out)
{
    struct crdt_mp v = { .kind = CRDT_MP_NIL };
    if (value.len != 0)
        v = crdt_mp_peek(value);
    *out = v.data;
    return v.kind == CRDT_MP_STR && v.data.len != 0 && v.data.len <= len_max &&
           crdt_utf8_valid(v.data);
}

bool net_claim_holder_valid(struct cht_bytes holder)
{
    if (holder.len == 0 || holder.len > LIMIT_HOLDER_BYTES || !crdt_utf8_valid(holder))
        return false;
    for (size_t i = 0; i < holder.len; i++) {
        if (holder.data[i] < 0x20 || holder.data[i] == 0x7f ||
            (holder.data[i] == 0xc2 && holder.data[i + 1] < 0xa0)) /* U+0080 … U+009F */
            return false;
    }
    return true;
}

static bool read_holder(struct cht_bytes value, struct cht_bytes *out)
{
    return read_text(value, LIMIT_HOLDER_BYTES, out) && net_claim_holder_valid(*out);
}

static bool read_bool(struct cht_bytes value)
{
    return value.len == 1 && value.data[0] == 0xc3;
}

static bool read_id(struct cht_bytes value, struct crdt_id *out)
{
    struct cht_bytes text;
    return read_text(value, CRDT_ID_TEXT_MAX, &text) && crdt_id_parse(text, out) == CHT_OK;
}

static bool read_ask(struct cht_bytes map, struct net_claim_ask *out)
{
    struct cht_bytes actor = member(map, "actor");
    *out = (struct net_claim_ask){ .acting = actor.len != 0,
                                   .force = read_bool(member(map, "force")) };
    if (out->acting && !read_id(actor, &out->actor))
        return false;
    return read_uint(member(map, "ask"), &out->number) &&
           read_id(member(map, "todo"), &out->todo) && out->todo.type == CRDT_TODO &&
           read_holder(member(map, "holder"), &out->holder);
}

static bool read_answer(struct cht_bytes map, struct net_claim_answer *out)
{
    struct cht_bytes word;
    *out = (struct net_claim_answer){ .state = NET_CLAIM_WRONG };
    if (!read_uint(member(map, "ask"), &out->number) || !read_text(member(map, "state"), 32, &word))
        return false;
    for (unsigned i = 0; i < NET_CLAIM_STATE_COUNT; i++) {
        if (cht_bytes_eq(word, cht_bytes_str(state_words[i])))
            out->state = (enum net_claim_state)i;
    }
    return true;
}

/* The array at a key: its elements follow at the cursor. CHT_E_MALFORMED: none, or too many. */
static enum cht_err open_list(struct cht_bytes payload, const char *key, struct cht_wire *out,
                              size_t *out_count)
{
    *out = cht_wire(member(payload, key));
    struct crdt_mp list = crdt_mp_next(out);
    if (out->err != CHT_OK || list.kind != CRDT_MP_ARRAY || list.u > LIMIT_CLAIM_BATCH)
        return CHT_E_MALFORMED;
    *out_count = (size_t)list.u;
    return CHT_OK;
}

enum cht_err net_claims_read_asks(struct cht_bytes payload,
                                  struct net_claim_ask out[static LIMIT_CLAIM_BATCH],
                                  size_t *out_count)
{
    struct cht_wire w;
    size_t count;
    enum cht_err err = open_list(payload, "asks", &w, &count);
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        err = read_ask(crdt_mp_skip(&w), &out[i]) ? CHT_OK : CHT_E_MALFORMED;
    if (err == CHT_OK)
        *out_count = count;
    return err;
}

enum cht_err net_claims_read_answers(struct cht_bytes payload,
                                     struct net_claim_answer out[static LIMIT_CLAIM_BATCH],
                                     size_t *out_count)
{
    struct cht_wire w;
    size_t count;
    enum cht_err err = open_list(payload, "answers", &w, &count);
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        err = read_answer(crdt_mp_skip(&w), &out[i]) ? CHT_OK : CHT_E_MALFORMED;
    if (err == CHT_OK)
        *out_count = count;
    return err;
}

enum cht_err net_claims_read_holders(struct cht_bytes payload,
                                     struct cht_bytes out[static LIMIT_CLAIM_BATCH],
                                     size_t *out_count)
{
    struct cht_wire w;
    size_t count;
    enum cht_err err = open_list(payload, "holders", &w, &count);
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        err = read_holder(crdt_mp_skip(&w), &out[i]) ? CHT_OK : CHT_E_MALFORMED;
    if (err == CHT_OK)
        *out_count = count;
    return err;
}

/* --- writing -------------------------------------------------------------------------------- */

static enum cht_err put_text(struct cht_buf *out, const char *text)
{
    return crdt_mp_put_str(out, cht_bytes_str(text));
}

static enum cht_err put_id(struct cht_buf *out, const char *key, const struct crdt_id *id)
{
    char text[CRDT_ID_TEXT_MAX];
    enum cht_err err = put_text(out, key);
    crdt_id_text(id, text);
    return err == CHT_OK ? put_text(out, text) : err;
}

/* The payload up to the elements of its list. */
static enum cht_err begin(struct cht_buf *out, const char *operation, const char *list,
                          size_t count)
{
    const char *const words[] = { "domain", NET_CLAIMS_DOMAIN, "operation", operation, list };
    enum cht_err err = crdt_mp_put_map(out, 3);
    for (size_t i = 0; err == CHT_OK && i < sizeof words / sizeof words[0]; i++)
        err = put_text(out, words[i]);
    return err == CHT_OK ? crdt_mp_put_array(out, (uint32_t)count) : err;
}

static enum cht_err put_ask(const struct net_claim_ask *ask, struct cht_buf *out)
{
    enum cht_err err = crdt_mp_put_map(out, 3u + ask->acting + ask->force);
    if (err == CHT_OK)
        err = put_text(out, "ask");
    if (err == CHT_OK)
        err = crdt_mp_put_uint(out, ask->number);
    if (err == CHT_OK)
        err = put_id(out, "todo", &ask->todo);
    if (err == CHT_OK)
        err = put_text(out, "holder");
    if (err == CHT_OK)
        err = crdt_mp_put_str(out, ask->holder);
    if (err == CHT_OK && ask->acting)
        err = put_id(out, "actor", &ask->actor);
    if (err == CHT_OK && ask->force)
        err = put_text(out, "force");
    return err == CHT_OK && ask->force ? crdt_mp_put_bool(out, true) : err;
}

enum cht_err net_claims_put_asks(const struct net_claim_ask *asks, size_t count,
                                 struct cht_buf *out)
{
    enum cht_err err = begin(out, NET_CLAIMS_ASK, "asks", count);
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        err = put_ask(&asks[i], out);
    return err;
}

enum cht_err net_claims_put_answers(const struct net_claim_answer *answers, size_t count,
                                    struct cht_buf *out)
{
    enum cht_err err = begin(out, NET_CLAIMS_ANSWER, "answers", count);
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        err = crdt_mp_put_map(out, 2);
        if (err == CHT_OK)
            err = put_text(out, "ask");
        if (err == CHT_OK)
            err = crdt_mp_put_uint(out, answers[i].number);
        if (err == CHT_OK)
            err = put_text(out, "state");
        if (err == CHT_OK)
            err = put_text(out, state_words[answers[i].state]);
    }
    return err;
}

enum cht_err net_claims_put_holders(const struct cht_bytes *holders, size_t count,
                                    struct cht_buf *out)
{
    enum cht_err err = begin(out, NET_CLAIMS_RENEW, "holders", count);
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        err = crdt_mp_put_str(out, holders[i]);
    return err;
}
