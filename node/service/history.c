/* The log as people read it, streamed: all chains are walked back together, newest stamp first, and
 * each log row is decoded once; see own.h (LOCAL 4.7). What is written meanwhile lies behind the
 * walk and is not told. With a vector only what came after it is walked; with a project every entry
 * is looked at for whether it is of it, up to a bound that the chains share. */
#include "crdt/undo.h"
#include "node/service/own.h"

#include <stdio.h>
#include <stdlib.h>

#define LOG_ROWS_KEPT  64u   /* with more chains than this no decoded row is kept */
#define LOG_LOOKED_MAX 1024u /* entries looked at for their project */
#define LOG_KNOWN      64u
#define LOG_LOOKED_MIN 64u /* … of one chain */

/* Where the walk back along one chain stands: on an entry to be told next, or at its end. */
struct log_walk {
    struct crdt_place at;
    uint32_t floor_seq; /* the first entry to be told is the one after */
    uint32_t looks;     /* entries that may still be looked at for their project */
    crdt_hlc_stamp stamp;
    struct cht_arena arena; /* the row that holds it, decoded */
    const struct crdt_entry *entries;
    uint32_t first, count;
};

/* Of an entity it is known whether it is of the project. */
struct log_known {
    bool is, belongs;
    uint32_t n;
};

struct log_stream {
    struct node_service *s;
    struct service_caller caller;
    uint32_t replaced; /* the service's, when it began */
    uint32_t wanted;   /* entity number; INDEX_NONE: all */
    uint32_t project;  /* entity number; INDEX_NONE: any */
    bool since, titled;
    bool partial; /* some that may be of the project were not looked at */
    struct cht_buf vector;
    struct service_titles titles;
    struct log_known known[LOG_KNOWN]; /* entries come in runs of the same few entities */
    uint64_t left;                     /* entries that may still be told */
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

/* Append "titles": what the record and the actor are called. */
static enum cht_err put_entry_titles(struct node_service *s, struct service_titles *titles,
                                     struct crdt_place at, const struct crdt_entry *e, uint32_t n,
                                     struct cht_buf *out)
{
    const struct node_index *x = node_replica_index(s->replica);
    struct service_title_map map;
    struct crdt_id actor;
    enum cht_err err = node_mp_put_text(out, "titles");
    if (err == CHT_OK)
        err = service_title_map(out, &map);
    if (err == CHT_OK && n != INDEX_NONE)
        err = service_title_put(s, titles, cht_bytes_str("chittyId"), &x->slots[n].id, &map);
    if (err != CHT_OK || node_replica_actor_of(s->replica, at, e, &actor) != CHT_OK)
        return err;
    actor.type = CRDT_SESSION;
    return service_title_put(s, titles, cht_bytes_str("actor"), &actor, &map);
}

static enum cht_err put_entry(struct node_service *s, struct service_titles *titles,
                              struct crdt_place at, const struct crdt_entry *e, uint32_t n,
                              struct cht_arena *arena, struct cht_buf *out)
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
    enum cht_err err = crdt_mp_put_map(out, 8u + (n != INDEX_NONE) + waits + (ruled != NULL) +
                                                (ops.marks != 0) + (titles != NULL));
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
    if (err == CHT_OK && titles != NULL)
        err = put_entry_titles(s, titles, at, e, n, out);
    return err == CHT_OK ? put_ops(n == INDEX_NONE ? 0 : x->slots[n].id.type, &ops, out) : err;
}

/* --- walking -------------------------------------------------------------------------------- */

static bool over(const struct log_walk *w)
{
    return w->at.seq <= w->floor_seq;
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

/* --- of a project ----------------------------------------------------------------------------- */

/* The entity that a link of this name leads to; INDEX_NONE. */
static uint32_t linked(struct log_stream *l, const struct crdt_state *state, const char *name)
{
    const struct crdt_field *f = crdt_field_named(state->id.type, cht_bytes_str(name));
    const struct crdt_cell *c =
        f == NULL ? NULL : crdt_state_cell(state, f->number, cht_bytes(NULL, 0));
    struct crdt_id id;
    if (c == NULL)
        return INDEX_NONE;
    const struct crdt_value *v =
        crdt_cell_shown(node_replica_graph(l->s->replica), state->id.type, c);
    const struct cht_bytes raw = crdt_mp_peek(v->bytes).data;
    if (raw.len != 1 + CRDT_ID_BYTES)
        return INDEX_NONE;
    id.type = raw.data[0];
    memcpy(id.b, raw.data + 1, CRDT_ID_BYTES);
    return node_index_find(node_replica_index(l->s->replica), &id);
}

/* It is the project, or belongs to it; what is said belongs where what it is about does. */
static bool of_project(struct log_stream *l, uint32_t n, unsigned hops)
{
    static const char *const ways[] = { "about", "session" };
    const struct crdt_state *state;
    if (n == l->project)
        return true;
    if (n == INDEX_NONE || node_replica_state(l->s->replica, n, &state) != CHT_OK)
        return false;
    const unsigned type = state->id.type;
    if (linked(l, state, "project") == l->project)
        return true;
    for (size_t i = 0; type == CRDT_MESSAGE && hops > 0 && i < sizeof ways / sizeof ways[0]; i++) {
        if (node_replica_state(l->s->replica, n, &state) == CHT_OK &&
            of_project(l, linked(l, state, ways[i]), hops - 1))
            return true;
    }
    return false;
}

/* Is the entry, about entity `n`, one that is asked for? */
static bool asked_for(struct log_stream *l, struct log_walk *w, uint32_t n)
{
    if (l->wanted != INDEX_NONE && n != l->wanted)
        return false;
    if (l->project == INDEX_NONE)
        return true;
    if (w->looks == 0) {
        l->partial = true;
        w->floor_seq = w->at.seq;
        return false;
    }
    w->looks--;
    if (n == INDEX_NONE)
        return false;
    struct log_known *known = &l->known[n % LOG_KNOWN];
    if (!known->is || known->n != n)
        *known = (struct log_known){ .is = true, .n = n, .belongs = of_project(l, n, 1) };
    return known->belongs;
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
        if (err == CHT_OK && (l->wanted != INDEX_NONE || l->project != INDEX_NONE))
            err = node_replica_entity_of(l->s->replica, w->at, e, &n);
        if (err == CHT_OK && asked_for(l, w, n)) {
            w->stamp = e->header.hlc;
            break;
        }
        if (!over(w))
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
        err = put_entry(l->s, l->titled ? &l->titles : NULL, w->at, e, n, &ops, out);
    cht_arena_clear(&ops);
    w->at.seq--;
    l->left--;
    return err == CHT_OK ? settle(l, w) : err;
}

/* --- the stream ----------------------------------------------------------------------------- */

/* The last message tells up to where the log was looked at, and whether all of it was. */
static enum cht_err begin_last(struct log_stream *l, struct cht_buf *out, size_t *at)
{
    bool more = l->partial;
    for (uint32_t i = 0; i < l->walk_count; i++)
        more |= !over(&l->walks[i]);
    const size_t len = l->vector.len;
    enum cht_err err = more ? node_mp_put_key_bool(&l->vector, "partial", true) : CHT_OK;
    if (err == CHT_OK)
        err = service_records_begin_last(l->s, &l->caller, cht_buf_view(&l->vector),
                                         (len != 0 ? 1u : 0u) + (more ? 1u : 0u), out, at);
    l->vector.len = len;
    return err;
}

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
        err = more ? service_records_begin(l->s, &l->caller, more, out, &at)
                   : begin_last(l, out, &at);
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
    cht_buf_clear(&l->vector);
    free(l);
}

/* Entries that still wait are told when they are applied, where only news is asked for. */
static enum cht_err start_walks(struct log_stream *l, const struct crdt_vector *since)
{
    const struct crdt_graph *g = node_replica_graph(l->s->replica);
    const bool news = l->since || l->project != INDEX_NONE;
    enum cht_err err = CHT_OK;
    uint32_t going = 0;
    for (uint32_t i = 0; i < l->walk_count; i++) {
        struct log_walk *w = &l->walks[i];
        const uint32_t seen = crdt_vector_get(since, i);
        w->at = (struct crdt_place){ i, news ? g->chains[i].applied.seq : g->chains[i].stored.seq };
        w->floor_seq = seen > g->chains[i].branch_seq ? seen : g->chains[i].branch_seq;
        cht_arena_init(&w->arena, LIMIT_TURN_BYTES);
        going += !over(w);
    }
    for (uint32_t i = 0; err == CHT_OK && i < l->walk_count; i++) {
        l->walks[i].looks = LOG_LOOKED_MAX / (going == 0 ? 1 : going);
        if (l->walks[i].looks < LOG_LOOKED_MIN)
            l->walks[i].looks = LOG_LOOKED_MIN;
        err = settle(l, &l->walks[i]);
    }
    return err;
}

/* What the question names: entity, project, vector. */
struct log_asked {
    uint32_t wanted, project;
    struct crdt_vector since;
};

static enum cht_err read_asked(struct node_service *s, const struct node_query *q,
                               struct node_fault *fault, struct log_asked *a)
{
    enum cht_err err = q->id.len == 0 ? CHT_OK : service_find(s, q->id, q->type, fault, &a->wanted);
    if (err == CHT_OK && q->project.len != 0)
        err = service_find(s, q->project, CRDT_PROJECT, fault, &a->project);
    if (err == CHT_OK && q->since.len != 0 && service_read_vector(s, q->since, &a->since) != CHT_OK)
        err = node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("since"),
                             "\"since\" is no vector that this node has given out");
    return err;
}

static enum cht_err start(struct node_service *s, const struct service_caller *c,
                          const struct node_query *q, const struct log_asked *a)
{
    const uint32_t chains = node_replica_graph(s->replica)->chain_count;
    struct log_stream *l = calloc(1, sizeof *l + chains * sizeof l->walks[0]);
    if (l == NULL)
        return CHT_E_NOMEM;
    l->s = s;
    l->caller = *c;
    l->replaced = s->replaced;
    l->wanted = a->wanted;
    l->project = a->project;
    l->since = q->since.len != 0;
    l->titled = q->titles;
    l->left = q->limit;
    l->walk_count = chains;
    cht_buf_init(&l->vector, SERVICE_ANSWER_BYTES);
    enum cht_err err =
        service_put_vector(s, "vector", node_replica_applied(s->replica), &l->vector);
    if (err == CHT_OK || err == CHT_E_LIMIT) /* of thousands of chains none is told */
        err = start_walks(l, &a->since);
    if (err != CHT_OK) {
        end_stream(l);
        return err;
    }
    struct local_stream stream = { .state = l, .next = next_message, .end = end_stream };
    (void)!c->out->stream(c->out->ctx, c->client, &stream);
    return CHT_OK;
}

void service_log(struct node_service *s, const struct service_caller *c, const struct node_query *q)
{
    struct node_fault fault = { 0 };
    struct log_asked asked = { .wanted = INDEX_NONE, .project = INDEX_NONE };
    enum cht_err err = read_asked(s, q, &fault, &asked);
    if (err != CHT_OK) {
        fault.error.code = err;
        service_answer_fault(s, c, &fault);
    } else if ((err = start(s, c, q, &asked)) != CHT_OK)
        service_fail(s, c, err, "");
    crdt_vector_clear(&asked.since);
}
