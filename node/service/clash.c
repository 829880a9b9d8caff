/* Compare and set: what a change expects, and the answer when it is not so; see plan.h (LOCAL 3.4,
 * 5.3). */
#include "node/service/plan.h"

/* Has this cell a live value that is not in what the client had read? */
static bool newer(const struct crdt_cell *c, const struct crdt_vector *seen)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (!crdt_vector_has(seen, c->values[i].at.chain, c->values[i].at.seq))
            return true;
    }
    return false;
}

static bool touches(const struct plan_ops *ops, uint16_t field)
{
    for (uint32_t i = 0; i < ops->count; i++) {
        if (ops->list[i].field == field || ops->list[i].field == CRDT_FIELD_DELETED)
            return true;
    }
    return false;
}

enum cht_err plan_expected(struct plan *p, const struct node_change *c,
                           const struct plan_item *item, struct node_fault *fault)
{
    const struct crdt_state *state = item->state;
    bool clash = false;
    if (c->expect.len == 0 || state == NULL)
        return CHT_OK;
    struct crdt_vector seen = { 0 };
    enum cht_err err = service_read_vector(p->s, c->expect, &seen);
    if (err == CHT_E_INVALID)
        (void)node_fault_set(fault, err, cht_bytes_str("expect"),
                             "\"expect\" is no version that this node has given out");
    for (uint32_t i = 0; err == CHT_OK && i < state->count && !clash; i++)
        clash = touches(&item->ops, state->cells[i].field) && newer(&state->cells[i], &seen);
    crdt_vector_clear(&seen);
    if (err != CHT_OK || !clash)
        return err;
    p->clash = state;
    p->expected = c->expect;
    return CHT_E_CONFLICT;
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

void service_answer_clash(struct node_service *s, const struct service_caller *caller,
                          const struct plan *p)
{
    const struct crdt_state *state = p->clash;
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
        err = put_news(s, state, p->expected, &out);
    service_send(s, caller, err, &out);
    cht_buf_clear(&out);
}
