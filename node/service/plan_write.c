/* What is planned becomes the entries of one transaction; see plan.h (LOCAL 3). */
#include "crdt/limits.h"
#include "node/service/loop.h"
#include "node/service/plan.h"

enum cht_err plan_too_large(struct node_fault *fault)
{
    return node_fault_set(fault, CHT_E_LIMIT, cht_bytes(NULL, 0),
                          "one change may write %u bytes and %u values at most: split it",
                          LIMIT_BODY_BYTES, LIMIT_ENTRY_OPS);
}

static bool is_delete(const struct crdt_op *op)
{
    static const uint8_t yes[] = { 0xc3 };
    return op->field == CRDT_FIELD_DELETED && op->kind == CRDT_OP_PUT &&
           cht_bytes_eq(op->value, cht_bytes(yes, sizeof yes));
}

/* A delete has seen what was written before its entry, not what its own entry writes
 * (PROTOCOL 5.6): where a change writes values too, it comes after them. Orders the ops so and
 * answers how many belong to the first entry; all of them where one is enough. */
static uint32_t before_delete(struct plan_ops *ops)
{
    uint32_t others = 0, last = 0, at = 0;
    for (uint32_t i = 0; i < ops->count; i++) {
        const struct crdt_op *op = &ops->list[i];
        others += op->field != CRDT_FIELD_DELETED && op->kind == CRDT_OP_PUT;
        last += op->field == CRDT_FIELD_DELETED;
        at = is_delete(op) ? i : at;
    }
    const struct crdt_op deletion = ops->list[at];
    if (others == 0 || last != 1 || !is_delete(&deletion)) /* two: undo puts back a conflict */
        return ops->count;
    memmove(&ops->list[at], &ops->list[at + 1], (ops->count - at - 1) * sizeof deletion);
    ops->list[ops->count - 1] = deletion;
    return ops->count - 1;
}

enum cht_err plan_writes(struct plan *p, struct node_write **out, size_t *out_count,
                         struct node_fault *fault)
{
    size_t count = 0;
    struct node_write *writes = cht_arena_array(&p->s->arena, 2 * (size_t)p->count, sizeof *writes);
    if (writes == NULL)
        return CHT_E_NOMEM;
    for (uint32_t i = 0; i < p->count; i++) {
        struct plan_item *item = &p->items[i];
        if (item->ops.count == 0)
            continue;
        const uint32_t first = before_delete(&item->ops);
        writes[count++] = (struct node_write){ item->id, item->ops.list, first };
        if (first != item->ops.count)
            writes[count++] = (struct node_write){ item->id, item->ops.list + first, 1 };
    }
    *out = writes;
    *out_count = count;
    return p->circles ? CHT_OK : service_loop_check(p->s, writes, count, fault);
}

enum cht_err plan_check(struct plan *p, struct node_fault *fault)
{
    struct node_service *s = p->s;
    struct node_write *writes;
    size_t count = 0;
    struct cht_buf body;
    cht_buf_init(&body, LIMIT_BODY_BYTES);
    enum cht_err err = plan_writes(p, &writes, &count, fault);
    if (err == CHT_OK && count != 0 &&
        net_members_standing(node_replica_members(s->replica), s->identity->device).standing !=
            NET_STANDS)
        err = service_may_not_write(s, fault);
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        cht_buf_reset(&body);
        err = crdt_body_encode(writes[i].ops, writes[i].count, &body);
        if (err == CHT_E_LIMIT)
            err = plan_too_large(fault);
    }
    cht_buf_clear(&body);
    return err;
}

enum cht_err plan_write(struct plan *p, const struct local_request *request,
                        struct node_fault *fault)
{
    struct node_service *s = p->s;
    struct crdt_id actor = { 0 };
    bool acting;
    size_t count = 0;
    struct node_write *writes;
    enum cht_err err = service_actor(request, fault, &actor, &acting);
    if (err == CHT_OK)
        err = plan_writes(p, &writes, &count, fault);
    if (err != CHT_OK || count == 0)
        return err;
    err = node_replica_write(s->replica, writes, count, acting ? &actor : NULL, s->now_ms);
    if (err == CHT_E_LIMIT)
        err = plan_too_large(fault);
    else if (err == CHT_E_DENIED)
        err = service_may_not_write(s, fault);
    return err;
}
