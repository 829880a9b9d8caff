/* What the node does with bytes of a local client before any state is touched: framing, envelope,
 * payloads and edits (LOCAL 1.3, 2, 3, 4, 6). A message that is read is written and read again: the
 * same parts have to come out. */
/* covers: node/client/message.c node/client/mpmap.c node/client/request.c node/client/edits.c */
#include "crdt/base/arena.h"
#include "crdt/limits.h"
#include "node/client/edits.h"
#include "node/client/message.h"
#include "node/client/request.h"

#include <stdlib.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void same(struct cht_bytes a, struct cht_bytes b)
{
    require(cht_bytes_eq(a, b));
}

static void round_trip(const struct node_msg *m)
{
    struct cht_buf out;
    struct node_msg again;
    cht_buf_init(&out, 2 * LIMIT_CLIENT_BYTES);
    require(node_msg_write(&out, m) == CHT_OK);
    if (out.len <= LIMIT_CLIENT_BYTES) {
        require(node_msg_read(cht_buf_view(&out), NULL, NULL, &again) == CHT_OK);
        require(again.type == m->type && again.broadcast == m->broadcast);
        require(again.timestamp_ms == m->timestamp_ms && again.ttl_s == m->ttl_s);
        same(again.id, m->id);
        same(again.actor, m->actor);
        same(again.reply_to, m->reply_to);
        same(again.payload, m->payload);
    }
    cht_buf_clear(&out);
}

/* Prefixes resolve to something, as in the node; others are nobody's. */
static enum cht_err resolve(void *ctx, struct cht_bytes text, unsigned type,
                            struct node_fault *fault, struct crdt_id *out)
{
    struct crdt_id_prefix prefix;
    (void)ctx;
    if (crdt_id_prefix_parse(text, &prefix) != CHT_OK)
        return node_fault_set(fault, CHT_E_NOTFOUND, text, "nothing begins so");
    out->type = (uint8_t)(type != 0 ? type : CRDT_TODO);
    memcpy(out->b, prefix.low, sizeof out->b);
    return CHT_OK;
}

static void read_edits(unsigned type, unsigned op, struct cht_bytes data)
{
    struct cht_arena arena;
    struct node_fault fault = { 0 };
    struct node_edit *edits;
    size_t count = 0;
    struct cht_buf shown;
    cht_arena_init(&arena, LIMIT_TURN_BYTES);
    cht_buf_init(&shown, LIMIT_CLIENT_BYTES);
    const struct node_id_resolver resolver = { .resolve = resolve };
    enum cht_err err = node_edits_read(type, data, op == NODE_CREATE ? &resolver : NULL, &arena,
                                       &fault, &edits, &count);
    require(err == CHT_OK || fault.error.code == err);
    const struct node_shown before = { .exists = op != NODE_CREATE };
    if (err == CHT_OK)
        require(node_edits_complete(type, &before, 5, &arena, &edits, &count) == CHT_OK);
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        require(edits[i].field != NULL);
        if (edits[i].kind == NODE_EDIT_PUT) {
            require(crdt_value_check(edits[i].field, edits[i].value, false) == CHT_OK);
            cht_buf_reset(&shown);
            require(node_value_show(edits[i].field, edits[i].value, &shown) == CHT_OK);
        }
    }
    cht_buf_clear(&shown);
    cht_arena_clear(&arena);
}

/* An error that was read is written and read again the same. */
static void read_answer(const struct node_msg *m)
{
    struct node_fault fault = { 0 }, again = { 0 };
    struct cht_buf out;
    struct node_msg error;
    (void)node_msg_final(m);
    if (node_msg_fault(m, &fault) == CHT_OK)
        return;
    cht_buf_init(&out, LIMIT_CLIENT_BYTES);
    require(node_msg_write_error(&out, m, m->id, &fault) == CHT_OK);
    require(node_msg_read(cht_buf_view(&out), NULL, NULL, &error) == CHT_OK);
    require(node_msg_fault(&error, &again) == fault.error.code && node_msg_final(&error));
    same(error.reply_to, m->id);
    require(strcmp(again.hint, fault.hint) == 0 && strcmp(again.field, fault.field) == 0);
    cht_buf_clear(&out);
}

/* What was checked once is read again without a fault. */
static void read_query(const struct node_query *q)
{
    struct node_mp_iter it = node_mp_iter(q->where);
    struct node_cond c;
    uint64_t count = 0;
    require(q->limit > 0 && q->limit <= LIMIT_QUERY_ROWS && q->offset <= INT64_MAX);
    require(q->sort_count <= NODE_SORTS_MAX && (q->is >> NODE_IS_COUNT) == 0);
    for (size_t i = 0; i < q->sort_count; i++)
        require(q->sort[i].field != NULL);
    for (; node_where_next(&it, q->type, &c); count++)
        require(c.field != NULL && node_cond_fits(c.field, c.op));
    require(count == node_mp_count(q->where) && count <= NODE_CONDS_MAX);
}

static void read_payload(const struct node_msg *m)
{
    struct node_fault fault = { 0 };
    struct node_mutation mutation;
    struct node_query query;
    struct node_command command;
    if (node_mutation_read(m->payload, &fault, &mutation) == CHT_OK) {
        for (unsigned i = 0; i < mutation.count; i++) {
            const struct node_change change = node_mutation_next(&mutation);
            read_edits(change.type == 0 ? CRDT_TODO : change.type, change.op, change.data);
            require(node_change_op_word(change.op) != NULL);
        }
    } else {
        require(fault.error.code != CHT_OK && fault.error.text[0] != '\0');
    }
    if (node_query_read(m->payload, NODE_LIST, &fault, &query) == CHT_OK)
        read_query(&query);
    else
        require(fault.error.code != CHT_OK && fault.error.text[0] != '\0');
    if (node_command_read(m->payload, &fault, &command) == CHT_OK)
        require(command.name.len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cht_bytes left = cht_bytes(data, len);
    struct cht_bytes message;
    size_t used;
    while (node_frame_next(left, &message, &used) == CHT_OK) {
        struct cht_error why = { 0 };
        struct cht_bytes id;
        struct node_msg m;
        const enum cht_err err = node_msg_read(message, &why, &id, &m);
        require(err == why.code);
        if (err == CHT_OK) {
            round_trip(&m);
            read_answer(&m);
            read_payload(&m);
        }
        left = cht_bytes(left.data + used, left.len - used);
    }
    return 0;
}
