/* Reads of single entities and of what stands behind them; see own.h (LOCAL 4). Lists, the log and
 * conflicts are streams in files of their own. */
#include "node/service/own.h"

#include <stdio.h>

void service_query(struct node_service *s, const struct local_request *request)
{
    struct service_caller c = service_caller_of(request);
    struct node_fault fault = { 0 };
    struct node_query q;
    if (request->msg.type == NODE_MSG_HEARTBEAT) {
        static const uint8_t empty_map[] = { 0x80 };
        service_answer_result(s, &c, cht_bytes(empty_map, sizeof empty_map));
        return;
    }
    if (request->msg.type != NODE_MSG_QUERY && request->msg.type != NODE_MSG_STATE_REQUEST) {
        service_fail(s, &c, CHT_E_UNSUPPORTED, "only requests are answered");
        return;
    }
    enum cht_err err = node_query_read(
        request->msg.payload, request->msg.type == NODE_MSG_STATE_REQUEST ? NODE_GET : NODE_LIST,
        &fault, &q);
    if (err != CHT_OK) {
        fault.error.code = err;
        service_answer_fault(s, &c, &fault);
        return;
    }
    static void (*const ops[NODE_QUERY_OP_COUNT])(
        struct node_service *, const struct service_caller *, const struct node_query *) = {
        [NODE_GET] = service_get,
        [NODE_LIST] = service_list,
        [NODE_SHOW] = service_show,
        [NODE_CONFLICTS] = service_conflicts,
        [NODE_LOG] = service_log,
        [NODE_CYCLES] = service_cycles,
        [NODE_DUPLICATES] = service_duplicates,
        [NODE_CLAIMS] = service_claims_query,
        [NODE_WATCH] = service_watch_start,
        [NODE_UNWATCH] = service_watch_stop,
    };
    ops[q.op](s, &c, &q);
}

/* A snapshot of records: `{ more?, records: [ … ] }` up to the records. */
static enum cht_err begin_records(struct node_service *s, const struct service_caller *c,
                                  uint32_t count, struct cht_buf *out)
{
    enum cht_err err = service_begin(s, c, NODE_MSG_STATE_SNAPSHOT, out);
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "records");
    return err == CHT_OK ? crdt_mp_put_array(out, count) : err;
}

/* `*out_alias`: the record that was asked for, where another is told in its place; else NULL. */
static enum cht_err find_state(struct node_service *s, const struct service_caller *c,
                               const struct node_query *q, const struct crdt_state **out,
                               const struct crdt_id **out_alias)
{
    struct node_fault fault = { 0 };
    uint32_t n;
    enum cht_err err = service_find_exact(s, q->id, q->type, &fault, &n);
    *out_alias = NULL;
    if (err == CHT_OK && !q->exact && service_survivor(s, n) != n) {
        *out_alias = &node_replica_index(s->replica)->slots[n].id;
        n = service_survivor(s, n);
    }
    if (err == CHT_OK)
        err = node_replica_state(s->replica, n, out);
    if (err != CHT_OK) {
        fault.error.code = err;
        service_answer_fault(s, c, &fault);
    }
    return err;
}

void service_get(struct node_service *s, const struct service_caller *c, const struct node_query *q)
{
    const struct crdt_state *state;
    const struct crdt_id *alias;
    if (find_state(s, c, q, &state, &alias) != CHT_OK)
        return;
    struct service_titles titles = { 0 };
    struct cht_buf out;
    cht_buf_init(&out, SERVICE_ANSWER_BYTES);
    enum cht_err err = begin_records(s, c, 1, &out);
    if (err == CHT_OK)
        err = service_put_record(s, state, q->fields, q->titles ? &titles : NULL, alias, &out);
    service_send(s, c, err, &out);
    cht_buf_clear(&out);
}

/* --- show ---------------------------------------------------------------------------------- */

static enum cht_err put_cell(struct node_service *s, const struct crdt_state *state,
                             const struct crdt_cell *cell, struct cht_buf *out)
{
    const struct crdt_field *f = crdt_field(state->id.type, cell->field);
    enum cht_err err = crdt_mp_put_map(out, 2u + (f != NULL) + (cell->key.len != 0));
    if (err == CHT_OK && f != NULL)
        err = node_mp_put_key_text(out, "field", f->name);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "number", cell->field);
    if (err == CHT_OK && cell->key.len != 0)
        err = node_mp_put_text(out, "key");
    if (err == CHT_OK && cell->key.len != 0)
        err = node_value_show(f, cell->key, out);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "values");
    return err == CHT_OK ? service_put_values(s, state, cell, out) : err;
}

void service_show(struct node_service *s, const struct service_caller *c,
                  const struct node_query *q)
{
    const struct crdt_state *state;
    const struct crdt_id *alias;
    if (find_state(s, c, q, &state, &alias) != CHT_OK)
        return;
    struct cht_buf out;
    cht_buf_init(&out, SERVICE_ANSWER_BYTES);
    const char *type = crdt_type_table(state->id.type);
    enum cht_err err = begin_records(s, c, 1, &out);
    if (err == CHT_OK)
        err =
            crdt_mp_put_map(&out, 5u + q->titles + (alias != NULL) + service_merged(s, &state->id));
    if (err == CHT_OK)
        err = service_put_id("chittyId", &state->id, &out);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&out, "type", type == NULL ? "other" : type);
    if (err == CHT_OK)
        err = service_put_vector(s, "version", node_replica_applied(s->replica), &out);
    if (err == CHT_OK)
        err = node_mp_put_key_bool(&out, "deleted",
                                   crdt_state_hidden(state, node_replica_graph(s->replica)));
    if (err == CHT_OK)
        err = node_mp_put_text(&out, "cells");
    if (err == CHT_OK)
        err = crdt_mp_put_array(&out, state->count);
    for (uint32_t i = 0; err == CHT_OK && i < state->count; i++)
        err = put_cell(s, state, &state->cells[i], &out);
    struct service_titles titles = { 0 };
    if (err == CHT_OK && q->titles)
        err = service_put_cell_titles(s, state->id.type, state->cells, state->count, &titles, &out);
    if (err == CHT_OK)
        err = service_put_merged(s, &state->id, alias, &out);
    service_send(s, c, err, &out);
    cht_buf_clear(&out);
}
