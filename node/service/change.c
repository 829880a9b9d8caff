/* Changes by clients become transactions; see own.h (LOCAL 3, and `resolve` of 6). */
#include "node/service/own.h"
#include "node/store/local.h"

#include <sodium.h>
#include <stdlib.h>

/* One change of a request on its way to be an entry. */
struct planned {
    struct crdt_id id;
    bool changed;
};

static enum cht_err state_of(struct node_service *s, const struct crdt_id *id,
                             const struct crdt_state **out)
{
    uint32_t n = node_index_find(node_replica_index(s->replica), id);
    if (n == INDEX_NONE) {
        *out = NULL;
        return CHT_OK;
    }
    return node_replica_state(s->replica, n, out);
}

/* --- which entity -------------------------------------------------------------------------- */

static enum cht_err choose_entity(struct node_service *s, const struct node_change *c,
                                  struct node_fault *fault, struct crdt_id *out)
{
    if (c->op == NODE_CREATE && c->id.len == 0) {
        out->type = (uint8_t)c->type;
        randombytes_buf(out->b, CRDT_ID_BYTES);
        return CHT_OK;
    }
    if (c->op == NODE_CREATE) {
        const struct crdt_state *state;
        enum cht_err err = crdt_id_parse(c->id, out);
        if (err != CHT_OK || (c->type != 0 && out->type != c->type))
            return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("chittyId"),
                                  "\"%.*s\" is no whole id of this kind: leave it out and one is "
                                  "drawn",
                                  (int)c->id.len, (const char *)c->id.data);
        err = state_of(s, out, &state);
        if (err == CHT_OK && state != NULL && state->count != 0)
            return node_fault_set(fault, CHT_E_EXISTS, cht_bytes_str("chittyId"),
                                  "%.*s exists already: update it", (int)c->id.len,
                                  (const char *)c->id.data);
        return err;
    }
    uint32_t n;
    enum cht_err err = service_find(s, c->id, c->type, fault, &n);
    if (err == CHT_OK)
        *out = node_replica_index(s->replica)->slots[n].id;
    return err;
}

/* --- ops ----------------------------------------------------------------------------------- */

struct ops {
    struct crdt_op *list;
    uint32_t count, cap;
};

static enum cht_err add_op(struct node_service *s, struct ops *ops, const struct crdt_op *op)
{
    if (ops->count == ops->cap) {
        uint32_t cap = ops->cap == 0 ? 8 : ops->cap * 2;
        struct crdt_op *grown = cht_arena_array(&s->arena, cap, sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        if (ops->count != 0)
            memcpy(grown, ops->list, ops->count * sizeof *grown);
        ops->list = grown;
        ops->cap = cap;
    }
    ops->list[ops->count++] = *op;
    return CHT_OK;
}

/* Writing what is shown already, with no other live value, changes nothing (LOCAL 3.3). */
static bool says_nothing(const struct crdt_state *state, const struct crdt_op *op)
{
    const struct crdt_cell *c = state == NULL ? NULL : crdt_state_cell(state, op->field, op->key);
    if (op->kind == CRDT_OP_DROP)
        return c == NULL;
    return c != NULL && c->count == 1 && cht_bytes_eq(c->values[0].bytes, op->value);
}

/* The elements of a set that the new whole set does not name. */
static enum cht_err drop_others(struct node_service *s, const struct crdt_state *state,
                                const struct node_edit *edits, size_t count,
                                const struct crdt_field *f, struct ops *ops)
{
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0; state != NULL && err == CHT_OK && i < state->count; i++) {
        const struct crdt_cell *c = &state->cells[i];
        bool named = c->field != f->number;
        for (size_t k = 0; k < count && !named; k++)
            named = edits[k].kind == NODE_EDIT_PUT && edits[k].field == f &&
                    cht_bytes_eq(edits[k].key, c->key);
        if (named)
            continue;
        struct crdt_op op = { .kind = CRDT_OP_DROP, .field = f->number, .key = c->key };
        err = add_op(s, ops, &op);
    }
    return err;
}

static enum cht_err edits_to_ops(struct node_service *s, const struct crdt_state *state,
                                 const struct node_edit *edits, size_t count, struct ops *ops)
{
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        const struct node_edit *e = &edits[i];
        if (e->kind == NODE_EDIT_WHOLE) {
            err = drop_others(s, state, edits, count, e->field, ops);
            continue;
        }
        struct crdt_op op = { .kind = e->kind == NODE_EDIT_PUT ? CRDT_OP_PUT : CRDT_OP_DROP,
                              .field = e->field->number,
                              .key = e->key,
                              .value = e->value };
        if (!says_nothing(state, &op))
            err = add_op(s, ops, &op);
    }
    return err;
}

static enum cht_err delete_op(struct node_service *s, const struct crdt_state *state, bool deleted,
                              struct ops *ops)
{
    static const uint8_t words[] = { 0xc2, 0xc3 };
    struct crdt_op op = { .kind = CRDT_OP_PUT,
                          .field = CRDT_FIELD_DELETED,
                          .value = cht_bytes(&words[deleted], 1) };
    bool hidden = state != NULL && crdt_state_hidden(state, node_replica_graph(s->replica));
    return hidden == deleted ? CHT_OK : add_op(s, ops, &op);
}

/* --- compare and set ----------------------------------------------------------------------- */

/* Has this cell a live value that is not in what the client had read? */
static bool newer(const struct crdt_cell *c, const struct crdt_vector *seen)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (!crdt_vector_has(seen, c->values[i].at.chain, c->values[i].at.seq))
            return true;
    }
    return false;
}

static bool touches(const struct ops *ops, uint16_t field)
{
    for (uint32_t i = 0; i < ops->count; i++) {
        if (ops->list[i].field == field || ops->list[i].field == CRDT_FIELD_DELETED)
            return true;
    }
    return false;
}

static enum cht_err check_expected(struct node_service *s, const struct node_change *c,
                                   const struct crdt_state *state, const struct ops *ops,
                                   struct node_fault *fault, bool *out_conflict)
{
    *out_conflict = false;
    if (c->expect.len == 0 || state == NULL)
        return CHT_OK;
    struct crdt_vector seen = { 0 };
    enum cht_err err = service_read_vector(s, c->expect, &seen);
    if (err == CHT_E_INVALID)
        (void)node_fault_set(fault, err, cht_bytes_str("expect"),
                             "\"expect\" is no version that this node has given out");
    for (uint32_t i = 0; err == CHT_OK && i < state->count && !*out_conflict; i++)
        *out_conflict = touches(ops, state->cells[i].field) && newer(&state->cells[i], &seen);
    crdt_vector_clear(&seen);
    return err;
}

/* The fields with values that the client had not read, and the latest such value. */
static uint64_t fields_since(const struct crdt_state *state, const struct crdt_vector *seen,
                             struct crdt_place *out_last)
{
    const struct crdt_type_schema *t = crdt_schema(state->id.type);
    uint64_t fields = 0;
    crdt_hlc_stamp last = 0;
    for (uint32_t i = 0; i < state->count; i++) {
        const struct crdt_cell *c = &state->cells[i];
        for (uint32_t k = 0; k < c->count; k++) {
            const struct crdt_value *v = &c->values[k];
            if (crdt_vector_has(seen, v->at.chain, v->at.seq))
                continue;
            const struct crdt_field *f = crdt_field(state->id.type, c->field);
            if (t != NULL && f != NULL && c->field != CRDT_FIELD_DELETED)
                fields |= UINT64_C(1) << (f - t->fields);
            if (v->hlc >= last) {
                last = v->hlc;
                *out_last = v->at;
            }
        }
    }
    return fields;
}

static enum cht_err put_news(struct node_service *s, const struct crdt_state *state,
                             struct cht_bytes expect, struct cht_buf *out)
{
    struct crdt_vector seen = { 0 };
    struct crdt_place last = { 0, 0 };
    enum cht_err err = service_read_vector(s, expect, &seen);
    uint64_t fields = err == CHT_OK ? fields_since(state, &seen, &last) : 0;
    if (err == CHT_OK)
        err = node_mp_put_text(out, "delta");
    if (err == CHT_OK)
        err = service_put_delta(node_replica_graph(s->replica), state, fields, out);
    if (err == CHT_OK)
        err = service_put_by(s, last, out);
    crdt_vector_clear(&seen);
    return err;
}

static void answer_conflict(struct node_service *s, const struct service_caller *caller,
                            const struct crdt_state *state, struct cht_bytes expect)
{
    struct cht_buf out;
    cht_buf_init(&out, SERVICE_ANSWER_BYTES);
    enum cht_err err = service_begin(s, caller, NODE_MSG_CONFLICT, &out);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&out, 6);
    if (err == CHT_OK)
        err = node_mp_put_text(&out, "error");
    if (err == CHT_OK)
        err = crdt_mp_put_map(&out, 3);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&out, "code", cht_err_code(CHT_E_CONFLICT));
    if (err == CHT_OK)
        err = node_mp_put_key_text(&out, "message",
                                   "it was changed since the version you expect; nothing was done");
    if (err == CHT_OK)
        err = node_mp_put_key_bool(&out, "retryable", false);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&out, "domain", crdt_type_domain(state->id.type));
    if (err == CHT_OK)
        err = node_mp_put_text(&out, "entity");
    if (err == CHT_OK)
        err = crdt_mp_put_map(&out, 3);
    if (err == CHT_OK)
        err = service_put_id("chittyId", &state->id, &out);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&out, "type", crdt_type_table(state->id.type));
    if (err == CHT_OK)
        err = node_mp_put_text(&out, "data");
    if (err == CHT_OK)
        err = service_put_data(node_replica_graph(s->replica), state, cht_bytes(NULL, 0), &out);
    if (err == CHT_OK)
        err = service_put_vector(s, "version", node_replica_applied(s->replica), &out);
    if (err == CHT_OK)
        err = put_news(s, state, expect, &out);
    service_send(s, caller, err, &out);
    cht_buf_clear(&out);
}

/* --- one request --------------------------------------------------------------------------- */

struct plan {
    struct node_write *writes;
    struct planned *planned;
    unsigned count, writing;
    const struct crdt_state *clash; /* compare-and-set failed here … */
    struct cht_bytes expected;      /* … against this version */
};

static enum cht_err plan_change(struct node_service *s, const struct node_change *c,
                                struct plan *plan, struct node_fault *fault)
{
    struct planned *p = &plan->planned[plan->count++];
    enum cht_err err = choose_entity(s, c, fault, &p->id);
    const struct crdt_state *state = NULL;
    if (err == CHT_OK)
        err = state_of(s, &p->id, &state);
    struct ops ops = { 0 };
    struct node_id_resolver resolver = service_resolver(s);
    if (err == CHT_OK && (c->op == NODE_CREATE || c->op == NODE_UPDATE)) {
        struct node_edit *edits;
        size_t count;
        err = node_edits_read(p->id.type, c->data, &resolver, &s->arena, fault, &edits, &count);
        if (err == CHT_OK)
            err = node_edits_complete(p->id.type, c->op, s->now_ms, &s->arena, &edits, &count);
        if (err == CHT_OK)
            err = edits_to_ops(s, state, edits, count, &ops);
    } else if (err == CHT_OK) {
        err = delete_op(s, state, c->op == NODE_DELETE, &ops);
    }
    bool conflict = false;
    if (err == CHT_OK)
        err = check_expected(s, c, state, &ops, fault, &conflict);
    if (err != CHT_OK)
        return err;
    if (conflict) {
        plan->clash = state;
        plan->expected = c->expect;
        return CHT_E_CONFLICT;
    }
    p->changed = ops.count != 0;
    if (p->changed)
        plan->writes[plan->writing++] =
            (struct node_write){ .id = p->id, .ops = ops.list, .count = ops.count };
    return CHT_OK;
}

static enum cht_err put_result(struct node_service *s, const struct planned *p, struct cht_buf *out)
{
    enum cht_err err = crdt_mp_put_map(out, 3);
    if (err == CHT_OK)
        err = service_put_id("chittyId", &p->id, out);
    if (err == CHT_OK)
        err = service_put_vector(s, "version", node_replica_applied(s->replica), out);
    return err == CHT_OK ? node_mp_put_key_bool(out, "changed", p->changed) : err;
}

static enum cht_err put_results(struct node_service *s, const struct plan *plan, bool batch,
                                struct cht_buf *out)
{
    if (!batch)
        return put_result(s, &plan->planned[0], out);
    enum cht_err err = crdt_mp_put_map(out, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "results");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, plan->count);
    for (unsigned i = 0; err == CHT_OK && i < plan->count; i++)
        err = put_result(s, &plan->planned[i], out);
    return err;
}

enum cht_err service_hold_answer(struct node_service *s, const struct service_caller *caller,
                                 struct cht_bytes key, size_t at, size_t len)
{
    if (s->written_count == s->written_cap) {
        size_t cap = s->written_cap == 0 ? 64 : s->written_cap * 2;
        struct service_written *grown = realloc(s->written, cap * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        s->written = grown;
        s->written_cap = cap;
    }
    struct service_written *w = &s->written[s->written_count++];
    w->caller = *caller;
    w->key_len = key.len;
    w->result_at = at;
    w->result_len = len;
    if (key.len != 0)
        memcpy(w->key, key.data, key.len);
    return CHT_OK;
}

/* The answer this key had before, in this turn or an earlier one (LOCAL 3.5). */
static bool answered_before(struct node_service *s, const struct service_caller *caller,
                            struct cht_bytes key)
{
    if (key.len == 0)
        return false;
    for (size_t i = 0; i < s->written_count; i++) {
        const struct service_written *w = &s->written[i];
        if (cht_bytes_eq(cht_bytes(w->key, w->key_len), key))
            return service_hold_answer(s, caller, cht_bytes(NULL, 0), w->result_at,
                                       w->result_len) == CHT_OK;
    }
    struct cht_buf result;
    cht_buf_init(&result, SERVICE_ANSWER_BYTES);
    bool found = node_kept_answer(node_replica_store(s->replica), key, &result) == CHT_OK;
    if (found)
        service_answer_result(s, caller, cht_buf_view(&result));
    cht_buf_clear(&result);
    return found;
}

static enum cht_err actor_of(const struct local_request *request, struct node_fault *fault,
                             struct crdt_id *out, bool *out_any)
{
    *out_any = request->msg.actor.len != 0;
    if (!*out_any)
        return CHT_OK;
    if (crdt_id_parse(request->msg.actor, out) != CHT_OK)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("source.chittyId"),
                              "\"%.*s\" is no id", (int)request->msg.actor.len,
                              (const char *)request->msg.actor.data);
    out->type = 0; /* PROTOCOL 2.1: an actor is its 16 bytes */
    return CHT_OK;
}

/* Write what is planned, and hold the answer until it is durable. */
static enum cht_err carry_out(struct node_service *s, const struct local_request *request,
                              const struct node_mutation *m, const struct plan *plan,
                              struct node_fault *fault)
{
    struct crdt_id actor = { 0 };
    bool acting;
    enum cht_err err = actor_of(request, fault, &actor, &acting);
    if (err == CHT_OK && plan->writing != 0) {
        err = node_replica_write(s->replica, plan->writes, plan->writing, acting ? &actor : NULL,
                                 s->now_ms);
        if (err == CHT_E_LIMIT)
            (void)node_fault_set(fault, err, cht_bytes(NULL, 0),
                                 "one change may write %u bytes and %u values at most: split it",
                                 LIMIT_BODY_BYTES, LIMIT_ENTRY_OPS);
        else if (err == CHT_E_DENIED)
            err = service_may_not_write(s, fault);
    }
    struct service_caller caller = service_caller_of(request);
    size_t at = s->results.len;
    if (err == CHT_OK)
        err = put_results(s, plan, m->batch, &s->results);
    struct cht_bytes result = cht_bytes(s->results.data + at, s->results.len - at);
    if (err == CHT_OK && result.len > SERVICE_ANSWER_BYTES)
        err = CHT_E_LIMIT;
    if (err == CHT_OK && plan->writing != 0 && m->key.len != 0)
        err = node_replica_keep_answer(s->replica, m->key, result, s->now_ms);
    if (err == CHT_OK)
        err = service_hold_answer(s, &caller, m->key, at, result.len);
    if (err != CHT_OK)
        s->results.len = at;
    return err;
}

void service_change(struct node_service *s, const struct local_request *request)
{
    struct service_caller caller = service_caller_of(request);
    struct node_fault fault = { 0 };
    struct node_mutation m;
    struct plan plan = { 0 };
    enum cht_err err = node_mutation_read(request->msg.payload, &fault, &m);
    if (err == CHT_OK && answered_before(s, &caller, m.key))
        return;
    if (err == CHT_OK) {
        plan.writes = cht_arena_array(&s->arena, m.count, sizeof *plan.writes);
        plan.planned = cht_arena_array(&s->arena, m.count, sizeof *plan.planned);
        err = plan.writes == NULL || plan.planned == NULL ? CHT_E_NOMEM : CHT_OK;
    }
    for (unsigned i = 0; err == CHT_OK && i < m.count; i++) {
        struct node_change c = node_mutation_next(&m);
        err = plan_change(s, &c, &plan, &fault);
    }
    if (err == CHT_OK)
        err = carry_out(s, request, &m, &plan, &fault);
    if (err == CHT_E_CONFLICT && plan.clash != NULL) {
        answer_conflict(s, &caller, plan.clash, plan.expected);
    } else if (err != CHT_OK) {
        fault.error.code = err;
        service_answer_fault(s, &caller, &fault);
    }
}

/* --- resolve ------------------------------------------------------------------------------- */

static enum cht_err picked_value(struct node_service *s, const struct crdt_state *state,
                                 const struct crdt_cell *cell, uint64_t pick,
                                 struct node_fault *fault, struct cht_bytes *out)
{
    const struct crdt_value **list;
    enum cht_err err = service_order(s, &s->arena, state, cell, &list);
    if (err == CHT_OK && (pick == 0 || pick > cell->count))
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("pick"),
                              "there are values 1 to %u to pick from, not %llu", cell->count,
                              (unsigned long long)pick);
    if (err == CHT_OK)
        *out = list[pick - 1]->bytes;
    return err;
}

static enum cht_err resolve_op(struct node_service *s, struct cht_bytes args,
                               const struct crdt_state *state, struct node_fault *fault,
                               struct crdt_op *op)
{
    struct cht_bytes name = node_mp_get_str(args, "field");
    const struct crdt_field *f;
    enum cht_err err = node_field_find(state->id.type, name, fault, &f);
    struct cht_buf value;
    cht_buf_init(&value, LIMIT_VALUE_BYTES + 16);
    *op = (struct crdt_op){ .kind = CRDT_OP_PUT };
    struct cht_bytes key = node_mp_get(args, "key"), given = node_mp_get(args, "value");
    if (err == CHT_OK)
        op->field = f->number;
    if (err == CHT_OK && key.len != 0)
        err = node_value_take(f, true, key, NULL, fault, &value);
    if (err == CHT_OK)
        err = cht_arena_copy(&s->arena, cht_buf_view(&value), &op->key);
    cht_buf_reset(&value);
    const struct crdt_cell *cell =
        err == CHT_OK ? crdt_state_cell(state, op->field, op->key) : NULL;
    if (err == CHT_OK && cell == NULL)
        err = node_fault_set(fault, CHT_E_NOTFOUND, name, "field \"%.*s\" has no value to resolve",
                             (int)name.len, (const char *)name.data);
    struct node_id_resolver resolver = service_resolver(s);
    if (err == CHT_OK && given.len != 0) {
        err = node_value_take(f, false, given, &resolver, fault, &value);
        if (err == CHT_OK)
            err = cht_arena_copy(&s->arena, cht_buf_view(&value), &op->value);
    } else if (err == CHT_OK) {
        err = picked_value(s, state, cell, node_mp_get_uint(args, "pick", 0), fault, &op->value);
        if (err == CHT_OK) /* the state may let go of it while the op is folded */
            err = cht_arena_copy(&s->arena, op->value, &op->value);
    }
    cht_buf_clear(&value);
    return err;
}

void service_resolve_conflict(struct node_service *s, const struct local_request *request,
                              struct cht_bytes args)
{
    struct node_fault fault = { 0 };
    struct planned p = { .changed = true };
    struct crdt_op op;
    uint32_t n;
    const struct crdt_state *state = NULL;
    enum cht_err err = service_find(s, node_mp_get_str(args, "chittyId"), 0, &fault, &n);
    if (err == CHT_OK)
        err = node_replica_state(s->replica, n, &state);
    if (err == CHT_OK)
        p.id = state->id;
    if (err == CHT_OK)
        err = resolve_op(s, args, state, &fault, &op);
    if (err == CHT_OK) {
        struct node_write write = { .id = p.id, .ops = &op, .count = 1 };
        struct plan plan = { .writes = &write, .planned = &p, .count = 1, .writing = 1 };
        struct node_mutation m = { .count = 1 };
        err = carry_out(s, request, &m, &plan, &fault);
    }
    if (err != CHT_OK) {
        struct service_caller caller = service_caller_of(request);
        fault.error.code = err;
        service_answer_fault(s, &caller, &fault);
    }
}
