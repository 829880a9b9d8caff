/* The log as people read it; see own.h (LOCAL 4.7). */
#include "node/service/own.h"

#include <stdio.h>
#include <stdlib.h>

#define LOG_USUAL 50u

/* Where the walk back along each chain stands. */
struct walk {
    struct crdt_place at;
    crdt_hlc_stamp stamp;
};

static enum cht_err load(struct node_service *s, struct walk *w, struct cht_arena *arena,
                         struct crdt_entry *out)
{
    enum cht_err err = node_replica_entry(s->replica, w->at, arena, out);
    if (err == CHT_OK)
        w->stamp = out->header.hlc;
    return err;
}

static enum cht_err put_op(unsigned type, const struct crdt_op *op, struct cht_buf *out)
{
    const struct crdt_field *f = crdt_field(type, op->field);
    enum cht_err bad = crdt_op_check(type, op);
    bool put = op->kind == CRDT_OP_PUT;
    bool key = bad == CHT_OK && op->key.len != 0, value = bad == CHT_OK && put;
    enum cht_err err = crdt_mp_put_map(out, 2u + (f != NULL) + key + value + (bad != CHT_OK));
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "op", put ? "put" : "drop");
    if (err == CHT_OK && f != NULL)
        err = node_mp_put_key_text(out, "field", f->name);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "number", op->field);
    if (err == CHT_OK && key)
        err = node_mp_put_text(out, "key");
    if (err == CHT_OK && key)
        err = node_value_show(f, op->key, out);
    if (err == CHT_OK && value)
        err = node_mp_put_text(out, "value");
    if (err == CHT_OK && value)
        err = node_value_show(f, op->value, out);
    if (err == CHT_OK && bad != CHT_OK)
        err = node_mp_put_key_text(out, "void", cht_err_code(bad));
    return err;
}

static enum cht_err put_ops(unsigned type, const struct crdt_entry *e, struct cht_arena *arena,
                            struct cht_buf *out)
{
    struct crdt_op *ops;
    uint32_t count;
    enum cht_err err = node_mp_put_text(out, "ops");
    if (crdt_body_decode(e->body, arena, &ops, &count) != CHT_OK)
        count = 0;
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, count);
    for (uint32_t i = 0; err == CHT_OK && i < count; i++)
        err = put_op(type, &ops[i], out);
    return err;
}

static enum cht_err put_entry(struct node_service *s, struct crdt_place at,
                              const struct crdt_entry *e, uint32_t n, struct cht_arena *arena,
                              struct cht_buf *out)
{
    const struct crdt_header *h = &e->header;
    const struct node_index *x = node_replica_index(s->replica);
    char hash[2 * CRDT_HASH_BYTES + 1], device[2 * CRDT_ID_BYTES + 1],
        epoch[2 * CRDT_EPOCH_BYTES + 1];
    crdt_hex(cht_bytes(e->hash.b, CRDT_HASH_BYTES), hash);
    crdt_hex(cht_bytes(h->device, CRDT_ID_BYTES), device);
    crdt_hex(cht_bytes(h->epoch, CRDT_EPOCH_BYTES), epoch);
    bool waits = node_replica_graph(s->replica)->chains[at.chain].applied.seq < at.seq;
    enum cht_err err = crdt_mp_put_map(out, 8u + (n != INDEX_NONE) + waits);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "entry", hash);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "device", device);
    if (err == CHT_OK)
        err = node_mp_put_key_str(out, "deviceName", service_device_name(s, h->device));
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "epoch", epoch);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "seq", h->seq);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "stamp", crdt_hlc_ms(h->hlc));
    if (err == CHT_OK && n != INDEX_NONE)
        err = service_put_id("chittyId", &x->slots[n].id, out);
    if (err == CHT_OK)
        err = service_put_actor(s, "actor", at, out);
    if (err == CHT_OK && waits)
        err = node_mp_put_key_bool(out, "waits", true);
    return err == CHT_OK ? put_ops(n == INDEX_NONE ? 0 : x->slots[n].id.type, e, arena, out) : err;
}

/* Walk all chains back together, newest stamp first. */
static enum cht_err walk_back(struct node_service *s, struct walk *walks, uint32_t chains,
                              uint32_t wanted, uint64_t limit, struct cht_buf *out, uint32_t *count)
{
    const struct crdt_graph *g = node_replica_graph(s->replica);
    struct cht_arena arena;
    cht_arena_init(&arena, LIMIT_TURN_BYTES);
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && *count < limit) {
        struct walk *next = NULL;
        for (uint32_t c = 0; c < chains; c++) {
            if (walks[c].at.seq > g->chains[c].branch_seq &&
                (next == NULL || walks[c].stamp > next->stamp))
                next = &walks[c];
        }
        if (next == NULL)
            break;
        struct crdt_entry e;
        uint32_t n;
        struct crdt_place at = next->at;
        cht_arena_reset(&arena);
        err = load(s, next, &arena, &e);
        if (err == CHT_OK)
            err = node_replica_entity_of(s->replica, at, &e, &n);
        if (err == CHT_OK && (wanted == INDEX_NONE || n == wanted)) {
            err = put_entry(s, at, &e, n, &arena, out);
            ++*count;
        }
        next->at.seq--;
        struct crdt_entry before;
        if (err == CHT_OK && next->at.seq > g->chains[at.chain].branch_seq)
            err = load(s, next, &arena, &before);
    }
    cht_arena_clear(&arena);
    return err;
}

void service_log(struct node_service *s, const struct service_caller *c, const struct node_query *q)
{
    const struct crdt_graph *g = node_replica_graph(s->replica);
    struct node_fault fault = { 0 };
    uint32_t wanted = INDEX_NONE, count = 0;
    enum cht_err err = CHT_OK;
    if (q->id.len != 0)
        err = service_find(s, q->id, q->type, &fault, &wanted);
    if (err != CHT_OK) {
        fault.error.code = err;
        service_answer_fault(s, c, &fault);
        return;
    }
    struct cht_buf records, out;
    cht_buf_init(&records, SERVICE_ANSWER_BYTES - 4096);
    cht_buf_init(&out, SERVICE_ANSWER_BYTES);
    struct walk *walks = cht_arena_array(&s->arena, g->chain_count, sizeof *walks);
    struct cht_arena first;
    cht_arena_init(&first, LIMIT_TURN_BYTES);
    err = walks == NULL ? CHT_E_NOMEM : CHT_OK;
    for (uint32_t i = 0; err == CHT_OK && i < g->chain_count; i++) {
        struct crdt_entry e;
        walks[i].at = (struct crdt_place){ i, g->chains[i].stored.seq };
        cht_arena_reset(&first);
        if (walks[i].at.seq > g->chains[i].branch_seq)
            err = load(s, &walks[i], &first, &e);
    }
    cht_arena_clear(&first);
    uint64_t limit = q->limit == LIMIT_QUERY_ROWS ? LOG_USUAL : q->limit;
    if (err == CHT_OK)
        err = walk_back(s, walks, g->chain_count, wanted, limit, &records, &count);
    if (err == CHT_OK)
        err = service_begin(s, c, NODE_MSG_STATE_SNAPSHOT, &out);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&out, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(&out, "records");
    if (err == CHT_OK)
        err = crdt_mp_put_array(&out, count);
    if (err == CHT_OK)
        err = cht_buf_add(&out, cht_buf_view(&records));
    service_send(s, c, err, &out);
    cht_buf_clear(&records);
    cht_buf_clear(&out);
}
