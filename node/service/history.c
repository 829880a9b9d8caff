/* The log as people read it, streamed: all chains are walked back together, newest stamp first, and
 * each log row is decoded once; see own.h (LOCAL 4.7). What is written meanwhile lies behind the
 * walk and is not told. */
#include "crdt/undo.h"
#include "node/service/own.h"

#include <stdio.h>
#include <stdlib.h>

#define LOG_ROWS_KEPT 64u /* with more chains than this no decoded row is kept */

/* Where the walk back along one chain stands: on an entry to be told next, or at its end. */
struct log_walk {
    struct crdt_place at;
    uint32_t branch_seq; /* the chain's first entry is the one after */
    crdt_hlc_stamp stamp;
    struct cht_arena arena; /* the row that holds it, decoded */
    const struct crdt_entry *entries;
    uint32_t first, count;
};

struct log_stream {
    struct node_service *s;
    struct service_caller caller;
    uint32_t replaced; /* the service's, when it began */
    uint32_t wanted;   /* entity number; INDEX_NONE: all */
    uint64_t left;     /* entries that may still be told */
    uint32_t walk_count;
    struct log_walk walks[];
};

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

/* The ops of an entry, and apart from them what it takes back (PROTOCOL 6.4). */
struct entry_ops {
    struct crdt_op *list;
    uint32_t count, marks;
    enum crdt_undo_kind kind; /* of its marks */
};

static void read_ops(const struct crdt_entry *e, struct cht_arena *arena, struct entry_ops *out)
{
    struct crdt_hash first;
    *out = (struct entry_ops){ 0 };
    if (crdt_body_decode(e->body, arena, &out->list, &out->count) != CHT_OK)
        out->count = 0;
    for (uint32_t i = 0; i < out->count; i++)
        out->marks += crdt_undo_read(&out->list[i], &out->kind, &first);
}

static enum cht_err put_marks(const struct entry_ops *ops, struct cht_buf *out)
{
    enum cht_err err = node_mp_put_text(out, ops->kind == CRDT_REDOES ? "redoes" : "undoes");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, ops->marks);
    for (uint32_t i = 0; err == CHT_OK && i < ops->count; i++) {
        enum crdt_undo_kind kind;
        struct crdt_hash first;
        char hash[2 * CRDT_HASH_BYTES + 1];
        if (!crdt_undo_read(&ops->list[i], &kind, &first))
            continue;
        crdt_hex(cht_bytes(first.b, CRDT_HASH_BYTES), hash);
        err = node_mp_put_text(out, hash);
    }
    return err;
}

static enum cht_err put_ops(unsigned type, const struct entry_ops *ops, struct cht_buf *out)
{
    enum cht_err err = node_mp_put_text(out, "ops");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, ops->count - ops->marks);
    for (uint32_t i = 0; err == CHT_OK && i < ops->count; i++) {
        enum crdt_undo_kind kind;
        struct crdt_hash first;
        if (!crdt_undo_read(&ops->list[i], &kind, &first))
            err = put_op(type, &ops->list[i], out);
    }
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
    const char *ruled = node_replica_ruled(s->replica, at);
    struct entry_ops ops;
    read_ops(e, arena, &ops);
    enum cht_err err =
        crdt_mp_put_map(out, 8u + (n != INDEX_NONE) + waits + (ruled != NULL) + (ops.marks != 0));
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
        err = service_put_actor_of(s, "actor", at, e, out);
    if (err == CHT_OK && waits)
        err = node_mp_put_key_bool(out, "waits", true);
    if (err == CHT_OK && ruled != NULL)
        err = node_mp_put_key_text(out, "void", ruled);
    if (err == CHT_OK && ops.marks != 0)
        err = put_marks(&ops, out);
    return err == CHT_OK ? put_ops(n == INDEX_NONE ? 0 : x->slots[n].id.type, &ops, out) : err;
}

/* --- walking -------------------------------------------------------------------------------- */

static bool over(const struct log_walk *w)
{
    return w->at.seq <= w->branch_seq;
}

static enum cht_err load_row(struct log_stream *l, struct log_walk *w)
{
    if (w->entries != NULL && w->at.seq >= w->first)
        return CHT_OK;
    cht_arena_reset(&w->arena);
    w->entries = NULL;
    return node_replica_entries(l->s->replica, w->at, &w->arena, &w->entries, &w->first, &w->count);
}

/* Rows without the wanted entity are passed over by the list that each row has of its own. */
static enum cht_err pass_rows(struct log_stream *l, struct log_walk *w)
{
    const struct crdt_graph *g = node_replica_graph(l->s->replica);
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && !over(w) && w->at.seq <= g->chains[w->at.chain].applied.seq &&
           (w->entries == NULL || w->at.seq < w->first)) {
        uint32_t first;
        bool touches;
        err = node_replica_row_touches(l->s->replica, w->at, l->wanted, &first, &touches);
        if (err == CHT_OK && touches)
            break;
        w->at.seq = first - 1;
    }
    return err;
}

/* Stand on the next entry to be told, from where it is. */
static enum cht_err settle(struct log_stream *l, struct log_walk *w)
{
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && !over(w)) {
        uint32_t n = INDEX_NONE;
        if (l->wanted != INDEX_NONE)
            err = pass_rows(l, w);
        if (err != CHT_OK || over(w))
            break;
        err = load_row(l, w);
        const struct crdt_entry *e = err == CHT_OK ? &w->entries[w->at.seq - w->first] : NULL;
        if (err == CHT_OK && l->wanted != INDEX_NONE)
            err = node_replica_entity_of(l->s->replica, w->at, e, &n);
        if (err == CHT_OK && n == l->wanted) {
            w->stamp = e->header.hlc;
            break;
        }
        w->at.seq--;
    }
    if (l->walk_count > LOG_ROWS_KEPT || over(w)) {
        cht_arena_clear(&w->arena);
        w->entries = NULL;
    }
    return err;
}

static struct log_walk *newest(struct log_stream *l)
{
    struct log_walk *found = NULL;
    for (uint32_t i = 0; i < l->walk_count; i++) {
        struct log_walk *w = &l->walks[i];
        if (!over(w) && (found == NULL || w->stamp > found->stamp))
            found = w;
    }
    return l->left == 0 ? NULL : found;
}

static enum cht_err tell_entry(struct log_stream *l, struct log_walk *w, struct cht_buf *out)
{
    struct cht_arena ops;
    uint32_t n;
    cht_arena_init(&ops, LIMIT_TURN_BYTES);
    enum cht_err err = load_row(l, w);
    const struct crdt_entry *e = err == CHT_OK ? &w->entries[w->at.seq - w->first] : NULL;
    if (err == CHT_OK)
        err = node_replica_entity_of(l->s->replica, w->at, e, &n);
    if (err == CHT_OK)
        err = put_entry(l->s, w->at, e, n, &ops, out);
    cht_arena_clear(&ops);
    w->at.seq--;
    l->left--;
    return err == CHT_OK ? settle(l, w) : err;
}

/* --- the stream ----------------------------------------------------------------------------- */

static enum cht_err next_message(void *state, struct cht_buf *out, bool *out_end)
{
    struct log_stream *l = state;
    struct cht_buf records;
    struct log_walk *w = NULL;
    uint32_t count = 0;
    size_t at = 0;
    cht_buf_init(&records, LIMIT_CLIENT_BYTES);
    enum cht_err err = l->replaced == l->s->replaced ? CHT_OK : CHT_E_BUSY;
    while (err == CHT_OK && records.len < SERVICE_STREAM_BYTES && (w = newest(l)) != NULL) {
        err = tell_entry(l, w, &records);
        count++;
    }
    bool more = err == CHT_OK && newest(l) != NULL;
    if (err == CHT_OK)
        err = service_records_begin(l->s, &l->caller, more, out, &at);
    if (err == CHT_OK)
        err = cht_buf_add(out, cht_buf_view(&records));
    if (err == CHT_OK)
        service_records_end(out, at, count);
    cht_buf_clear(&records);
    *out_end = !more;
    return err;
}

static void end_stream(void *state)
{
    struct log_stream *l = state;
    for (uint32_t i = 0; i < l->walk_count; i++)
        cht_arena_clear(&l->walks[i].arena);
    free(l);
}

static enum cht_err start_walks(struct log_stream *l)
{
    const struct crdt_graph *g = node_replica_graph(l->s->replica);
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0; err == CHT_OK && i < l->walk_count; i++) {
        struct log_walk *w = &l->walks[i];
        w->at = (struct crdt_place){ i, g->chains[i].stored.seq };
        w->branch_seq = g->chains[i].branch_seq;
        cht_arena_init(&w->arena, LIMIT_TURN_BYTES);
        err = settle(l, w);
    }
    return err;
}

void service_log(struct node_service *s, const struct service_caller *c, const struct node_query *q)
{
    struct node_fault fault = { 0 };
    uint32_t wanted = INDEX_NONE, chains = node_replica_graph(s->replica)->chain_count;
    enum cht_err err = q->id.len == 0 ? CHT_OK : service_find(s, q->id, q->type, &fault, &wanted);
    if (err != CHT_OK) {
        fault.error.code = err;
        service_answer_fault(s, c, &fault);
        return;
    }
    struct log_stream *l = calloc(1, sizeof *l + chains * sizeof l->walks[0]);
    if (l == NULL) {
        service_fail(s, c, CHT_E_NOMEM, "");
        return;
    }
    l->s = s;
    l->caller = *c;
    l->replaced = s->replaced;
    l->wanted = wanted;
    l->left = q->limit;
    l->walk_count = chains;
    err = start_walks(l);
    if (err != CHT_OK) {
        end_stream(l);
        service_fail(s, c, err, "");
        return;
    }
    struct local_stream stream = { .state = l, .next = next_message, .end = end_stream };
    (void)!c->out->stream(c->out->ctx, c->client, &stream);
}
