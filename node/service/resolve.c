/* `resolve`: one value in the place of several concurrent ones; see plan.h (LOCAL 6.1). */
#include "node/service/plan.h"

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

/* As an ack of a change has it (LOCAL 3.6, 3.9). */
static enum cht_err hold_result(struct plan *p, const struct local_request *request, bool dry)
{
    struct node_service *s = p->s;
    struct service_caller caller = service_caller_of(request);
    size_t at = s->results.len;
    enum cht_err err = crdt_mp_put_map(&s->results, 3u + dry);
    if (err == CHT_OK)
        err = service_put_id("chittyId", &p->items[0].id, &s->results);
    if (err == CHT_OK)
        err = service_put_vector(s, "version", node_replica_applied(s->replica), &s->results);
    if (err == CHT_OK)
        err = node_mp_put_key_bool(&s->results, "changed", true);
    if (err == CHT_OK && dry)
        err = plan_put_would(p, 0, &s->results);
    if (err == CHT_OK)
        err = service_hold_answer(s, &caller, cht_bytes(NULL, 0), at, s->results.len - at);
    if (err != CHT_OK)
        s->results.len = at;
    return err;
}

void service_resolve_conflict(struct node_service *s, const struct local_request *request,
                              struct cht_bytes args)
{
    struct node_fault fault = { 0 };
    struct plan plan = { 0 };
    struct plan_item item = { 0 };
    struct crdt_op *op = NULL;
    uint32_t n;
    const struct node_change change = { .expect = node_mp_get_str(args, "expect") };
    const bool dry = node_mp_get_bool(args, "dry");
    enum cht_err err = service_find(s, node_mp_get_str(args, "chittyId"), 0, &fault, &n);
    if (err == CHT_OK)
        err = plan_init(&plan, s, 1);
    if (err == CHT_OK)
        err = plan_begin(&plan, &node_replica_index(s->replica)->slots[n].id, &item);
    if (err == CHT_OK) {
        op = cht_arena_array(&s->arena, 1, sizeof *op);
        err = op == NULL ? CHT_E_NOMEM : resolve_op(s, args, item.state, &fault, op);
    }
    if (err == CHT_OK) { /* also where the value is the one shown: it joins the others */
        item.ops = (struct plan_ops){ .list = op, .count = 1, .cap = 1 };
        err = plan_expected(&plan, &change, &item, &fault);
    }
    if (err == CHT_OK) {
        plan_take(&plan, &item);
        err = dry ? plan_check(&plan, &fault) : plan_write(&plan, request, &fault);
    }
    if (err == CHT_OK)
        err = hold_result(&plan, request, dry);
    struct service_caller caller = service_caller_of(request);
    if (err == CHT_E_CONFLICT && plan.clash != NULL) {
        service_answer_clash(s, &caller, &plan);
    } else if (err != CHT_OK) {
        fault.error.code = err;
        service_answer_fault(s, &caller, &fault);
    }
}
