/* `undo`: the command, and what it answers; see undo.h (LOCAL 6.7). */
#include "node/service/undo.h"

#include "crdt/limits.h"

#define RECORDS_TOLD 16u /* of one transaction */
#define LEFT_TOLD    64u

struct asked {
    bool redo, list, dry, force;
    uint32_t count;
};

static enum cht_err read_args(struct cht_bytes args, struct node_fault *fault, struct asked *out)
{
    const bool list = node_mp_get_bool(args, "list");
    const uint64_t count = node_mp_get_uint(args, "count", list ? UNDO_COUNT_LIST : 1);
    if (count == 0 || count > UNDO_COUNT_MAX)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("count"),
                              "count has to be 1 to %u", UNDO_COUNT_MAX);
    *out = (struct asked){ .redo = node_mp_get_bool(args, "redo"),
                           .list = list,
                           .dry = node_mp_get_bool(args, "dry"),
                           .force = node_mp_get_bool(args, "force"),
                           .count = (uint32_t)count };
    return CHT_OK;
}

/* --- telling -------------------------------------------------------------------------------- */

/* The names of the fields that a transaction wrote of an entity, each once. */
static enum cht_err put_fields(const struct undo_txn *txn, uint32_t entity, unsigned type,
                               struct cht_buf *out)
{
    const struct crdt_type_schema *t = crdt_schema(type);
    uint32_t count = 0;
    struct cht_buf names;
    cht_buf_init(&names, LIMIT_CLIENT_BYTES);
    enum cht_err err = CHT_OK;
    for (size_t i = 0; t != NULL && err == CHT_OK && i < t->count; i++) {
        bool written = false;
        for (uint32_t k = 0; k < txn->op_count && !written; k++)
            written = txn->ops[k].entity == entity && txn->ops[k].op.field == t->fields[i].number;
        if (written) {
            err = node_mp_put_text(&names, t->fields[i].name);
            count++;
        }
    }
    if (err == CHT_OK)
        err = node_mp_put_text(out, "fields");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, count);
    if (err == CHT_OK)
        err = cht_buf_add(out, cht_buf_view(&names));
    cht_buf_clear(&names);
    return err;
}

/* What the entity is called now; empty when it has no name. */
static enum cht_err put_title(struct node_service *s, uint32_t entity, struct cht_buf *out)
{
    const struct crdt_state *state;
    enum cht_err err = node_replica_state(s->replica, entity, &state);
    if (err != CHT_OK)
        return err;
    const struct crdt_type_schema *t = crdt_schema(state->id.type);
    const struct crdt_field *f =
        t == NULL ? NULL : crdt_field_named(state->id.type, cht_bytes_str(t->title_field));
    const struct crdt_cell *c =
        f == NULL ? NULL : crdt_state_cell(state, f->number, cht_bytes(NULL, 0));
    struct cht_bytes title = { 0 };
    if (c != NULL)
        title =
            node_mp_str(crdt_cell_shown(node_replica_graph(s->replica), state->id.type, c)->bytes);
    return node_mp_put_key_str(out, "title", title);
}

static enum cht_err put_records(struct node_service *s, const struct undo_txn *txn, uint32_t most,
                                struct cht_buf *out)
{
    uint32_t told[RECORDS_TOLD], count = 0;
    for (uint32_t k = 0; k < txn->op_count && count < most; k++) {
        if (count == 0 || told[count - 1] != txn->ops[k].entity)
            told[count++] = txn->ops[k].entity;
    }
    enum cht_err err = node_mp_put_text(out, "records");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, count);
    for (uint32_t i = 0; err == CHT_OK && i < count; i++) {
        const struct crdt_id *id = &node_replica_index(s->replica)->slots[told[i]].id;
        err = crdt_mp_put_map(out, 3);
        if (err == CHT_OK)
            err = service_put_id("chittyId", id, out);
        if (err == CHT_OK)
            err = put_title(s, told[i], out);
        if (err == CHT_OK)
            err = put_fields(txn, told[i], id->type, out);
    }
    return err;
}

/* What was done is told whole, whatever its records are called: these come as far as half of the
 * answer goes. */
static enum cht_err put_txns(struct node_service *s, const struct undo_txn *txns, uint32_t count,
                             struct cht_buf *out)
{
    const size_t start = out->len;
    enum cht_err err = node_mp_put_text(out, "transactions");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, count);
    for (uint32_t i = 0; err == CHT_OK && i < count; i++) {
        char hash[2 * CRDT_HASH_BYTES + 1];
        uint32_t entities = 0;
        crdt_hex(cht_bytes(txns[i].hash.b, CRDT_HASH_BYTES), hash);
        for (uint32_t k = 0; k < txns[i].op_count; k++)
            entities += k == 0 || txns[i].ops[k].entity != txns[i].ops[k - 1].entity;
        err = crdt_mp_put_map(out, 4);
        if (err == CHT_OK)
            err = node_mp_put_key_text(out, "entry", hash);
        if (err == CHT_OK)
            err = node_mp_put_key_uint(out, "stamp", crdt_hlc_ms(txns[i].stamp));
        if (err == CHT_OK)
            err = node_mp_put_key_uint(out, "changes", entities);
        if (err == CHT_OK)
            err = put_records(s, &txns[i],
                              out->len - start > SERVICE_ANSWER_BYTES / 2 ? 0 : RECORDS_TOLD, out);
    }
    return err;
}

static enum cht_err put_left(struct node_service *s, const struct undo_plan *u, struct cht_buf *out)
{
    const uint32_t count = u->left_count < LEFT_TOLD ? u->left_count : LEFT_TOLD;
    enum cht_err err = node_mp_put_text(out, "left");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, count);
    for (uint32_t i = 0; err == CHT_OK && i < count; i++) {
        const struct undo_left *l = &u->left[i];
        const struct crdt_id *id = &node_replica_index(s->replica)->slots[l->entity].id;
        const struct crdt_field *f = crdt_field(id->type, l->field);
        err = crdt_mp_put_map(out, 2u + (l->key.len != 0) + (l->by.seq != 0));
        if (err == CHT_OK)
            err = service_put_id("chittyId", id, out);
        if (err == CHT_OK)
            err = node_mp_put_key_text(out, "field", f == NULL ? "" : f->name);
        if (err == CHT_OK && l->key.len != 0)
            err = node_mp_put_text(out, "key");
        if (err == CHT_OK && l->key.len != 0)
            err = node_value_show(f, l->key, out);
        if (err == CHT_OK && l->by.seq != 0)
            err = service_put_by(s, l->by, out);
    }
    return err;
}

static enum cht_err put_changed(struct undo_plan *u, bool dry, struct cht_buf *out)
{
    struct plan *p = &u->plan;
    enum cht_err err = node_mp_put_text(out, "results");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, p->count);
    for (uint32_t i = 0; err == CHT_OK && i < p->count; i++) {
        err = crdt_mp_put_map(out, 3u + dry);
        if (err == CHT_OK)
            err = service_put_id("chittyId", &p->items[i].id, out);
        if (err == CHT_OK)
            err = service_put_vector(p->s, "version", node_replica_applied(p->s->replica), out);
        if (err == CHT_OK)
            err = node_mp_put_key_bool(out, "changed", p->items[i].ops.count != 0);
        if (err == CHT_OK && dry)
            err = plan_put_would(p, i, out);
    }
    return err;
}

/* --- doing ---------------------------------------------------------------------------------- */

static enum cht_err nothing_found(const struct asked *a, struct node_fault *fault)
{
    (void)node_fault_set(fault, CHT_E_NOTFOUND, cht_bytes(NULL, 0),
                         a->redo ? "there is nothing to redo" : "there is nothing to undo");
    node_fault_hint(fault,
                    "only what was written on this device and for the same actor is "
                    "looked at, the last %u entries",
                    UNDO_WALK_MAX);
    return CHT_E_NOTFOUND;
}

/* They are taken back together or not at all, and one transaction writes so much and no more. */
static enum cht_err too_many(struct node_fault *fault)
{
    (void)node_fault_set(fault, CHT_E_LIMIT, cht_bytes_str("count"),
                         "those changes are of more than %u records", LIMIT_HEAD_ENTRIES);
    node_fault_hint(fault, "undo fewer at once, newest first");
    return CHT_E_LIMIT;
}

/* All of it was changed since. */
static enum cht_err all_left(struct node_service *s, const struct undo_plan *u,
                             struct node_fault *fault)
{
    const struct undo_left *l = &u->left[0];
    const struct crdt_id *id = &node_replica_index(s->replica)->slots[l->entity].id;
    const struct crdt_field *f = crdt_field(id->type, l->field);
    char text[CRDT_ID_TEXT_MAX];
    struct cht_bytes who = cht_bytes_str("somebody");
    crdt_id_text(id, text);
    if (l->by.seq != 0)
        who = service_device_name(
            s, crdt_graph_device_id(node_replica_graph(s->replica), l->by.chain));
    (void)node_fault_set(fault, CHT_E_CONFLICT, cht_bytes(NULL, 0),
                         "nothing was taken back: %.*s changed %s of %s since",
                         (int)(who.len > 64 ? 64 : who.len), (const char *)who.data,
                         f == NULL ? "a field" : f->name, text);
    node_fault_hint(fault, "--force takes it back all the same");
    return CHT_E_CONFLICT;
}

static enum cht_err carry_out(struct node_service *s, const struct local_request *request,
                              const struct asked *a, const struct undo_txn *txns, uint32_t count,
                              struct node_fault *fault)
{
    struct undo_plan u = { 0 };
    enum cht_err err = CHT_OK;
    if (!a->list) {
        err = undo_plan(s, txns, count, a->redo, a->force, false, &u);
        if (err == CHT_E_LIMIT)
            err = too_many(fault);
        if (err == CHT_OK && u.back == 0)
            err = all_left(s, &u, fault);
        if (err == CHT_OK)
            err = a->dry ? plan_check(&u.plan, fault) : plan_write(&u.plan, request, fault);
    }
    if (err == CHT_OK)
        err = crdt_mp_put_map(&s->results, a->list ? 1 : 3);
    if (err == CHT_OK)
        err = put_txns(s, txns, count, &s->results);
    if (err == CHT_OK && !a->list)
        err = put_changed(&u, a->dry, &s->results);
    return err == CHT_OK && !a->list ? put_left(s, &u, &s->results) : err;
}

void service_undo(struct node_service *s, const struct local_request *request,
                  struct cht_bytes args)
{
    struct service_caller caller = service_caller_of(request);
    struct node_fault fault = { 0 };
    struct crdt_id actor = { 0 };
    struct undo_txn *txns = NULL;
    struct asked a = { 0 };
    bool acting = false;
    uint32_t count = 0;
    enum cht_err err = read_args(args, &fault, &a);
    /* the walk sees what is in the log: what this turn wrote goes there first */
    if (err == CHT_OK && node_replica_unsigned(s->replica) != 0) {
        err = node_replica_commit(s->replica, false);
        service_committed_midway(s, err);
    }
    if (err == CHT_OK)
        err = service_actor(request, &fault, &actor, &acting);
    const struct undo_wanted wanted = { a.redo, acting ? &actor : NULL, a.count };
    if (err == CHT_OK)
        err = undo_find(s, &wanted, &txns, &count);
    if (err == CHT_OK && count == 0 && !a.list)
        err = nothing_found(&a, &fault);
    const size_t at = s->results.len;
    if (err == CHT_OK)
        err = carry_out(s, request, &a, txns, count, &fault);
    if (err == CHT_OK && s->results.len - at > SERVICE_ANSWER_BYTES)
        err = CHT_E_LIMIT;
    if (err == CHT_OK)
        err = service_hold_answer(s, &caller, cht_bytes(NULL, 0), at, s->results.len - at);
    if (err != CHT_OK) {
        s->results.len = at;
        fault.error.code = err;
        service_answer_fault(s, &caller, &fault);
    }
}
