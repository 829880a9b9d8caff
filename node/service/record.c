/* Entities as clients read them; see own.h (LOCAL 4.4, 4.5). */
#include "node/service/own.h"

#include <stdio.h>
#include <stdlib.h>

enum cht_err service_put_value(unsigned type, uint16_t field, struct cht_bytes value,
                               struct cht_buf *out)
{
    return node_value_show(crdt_field(type, field), value, out);
}

bool service_field_wanted(struct cht_bytes fields, const char *name)
{
    if (fields.len == 0)
        return true;
    struct node_mp_iter it = node_mp_iter(fields);
    struct cht_bytes v;
    while (node_mp_next(&it, NULL, &v)) {
        if (cht_bytes_eq(node_mp_str(v), cht_bytes_str(name)))
            return true;
    }
    return false;
}

/* The first cell of a field, and how many it has (sets and maps: one a key). */
static uint32_t cells_of(const struct crdt_state *state, uint16_t field, uint32_t *out_first)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < state->count; i++) {
        if (state->cells[i].field != field)
            continue;
        if (count++ == 0)
            *out_first = i;
    }
    return count;
}

static enum cht_err put_field(const struct crdt_graph *g, const struct crdt_state *state,
                              const struct crdt_field *f, uint32_t first, uint32_t count,
                              struct cht_buf *out)
{
    enum cht_err err = node_mp_put_text(out, f->name);
    if (err == CHT_OK && f->kind == CRDT_SET)
        err = crdt_mp_put_array(out, count);
    if (err == CHT_OK && f->kind == CRDT_MAP)
        err = crdt_mp_put_map(out, count);
    for (uint32_t i = first; err == CHT_OK && i < first + count; i++) {
        const struct crdt_cell *c = &state->cells[i];
        if (f->kind == CRDT_SET)
            err = node_value_show(f, c->key, out);
        if (f->kind == CRDT_MAP)
            err = cht_buf_add(out, c->key);
        if (err == CHT_OK && f->kind != CRDT_SET)
            err = node_value_show(f, crdt_cell_shown(g, state->id.type, c)->bytes, out);
    }
    return err;
}

enum cht_err service_put_data(const struct crdt_graph *g, const struct crdt_state *state,
                              struct cht_bytes fields, struct cht_buf *out)
{
    const struct crdt_type_schema *t = crdt_schema(state->id.type);
    uint32_t count = 0, first = 0;
    for (size_t i = 0; t != NULL && i < t->count; i++)
        count += t->fields[i].number != CRDT_FIELD_DELETED &&
                 service_field_wanted(fields, t->fields[i].name) &&
                 cells_of(state, t->fields[i].number, &first) != 0;
    enum cht_err err = crdt_mp_put_map(out, count);
    for (size_t i = 0; t != NULL && err == CHT_OK && i < t->count; i++) {
        const struct crdt_field *f = &t->fields[i];
        uint32_t cells = f->number == CRDT_FIELD_DELETED || !service_field_wanted(fields, f->name)
                             ? 0
                             : cells_of(state, f->number, &first);
        if (cells != 0)
            err = put_field(g, state, f, first, cells, out);
    }
    return err;
}

enum cht_err service_put_delta(const struct crdt_graph *g, const struct crdt_state *state,
                               uint64_t fields, struct cht_buf *out)
{
    const struct crdt_type_schema *t = crdt_schema(state->id.type);
    uint32_t count = 0, first = 0;
    for (size_t i = 0; t != NULL && i < t->count; i++)
        count += (fields >> i & 1) != 0 && t->fields[i].number != CRDT_FIELD_DELETED;
    enum cht_err err = crdt_mp_put_map(out, count);
    for (size_t i = 0; t != NULL && err == CHT_OK && i < t->count; i++) {
        const struct crdt_field *f = &t->fields[i];
        if ((fields >> i & 1) == 0 || f->number == CRDT_FIELD_DELETED)
            continue;
        uint32_t cells = cells_of(state, f->number, &first);
        if (cells != 0) {
            err = put_field(g, state, f, first, cells, out);
            continue;
        }
        err = node_mp_put_text(out, f->name);
        if (err == CHT_OK)
            err = crdt_mp_put_nil(out);
    }
    return err;
}

/* "unknown": the cells of fields that this build does not know, as they are. */
static enum cht_err put_unknown(const struct crdt_graph *g, const struct crdt_state *state,
                                uint32_t count, struct cht_buf *out)
{
    enum cht_err err = node_mp_put_text(out, "unknown");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, count);
    for (uint32_t i = 0; err == CHT_OK && i < state->count; i++) {
        const struct crdt_cell *c = &state->cells[i];
        if (crdt_field(state->id.type, c->field) != NULL)
            continue;
        err = crdt_mp_put_map(out, 2u + (c->key.len != 0));
        if (err == CHT_OK)
            err = node_mp_put_key_uint(out, "number", c->field);
        if (err == CHT_OK && c->key.len != 0)
            err = node_mp_put_key_raw(out, "key", c->key);
        if (err == CHT_OK)
            err = node_mp_put_key_raw(out, "value", crdt_cell_shown(g, state->id.type, c)->bytes);
    }
    return err;
}

static uint32_t unknown_cells(const struct crdt_state *state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < state->count; i++)
        count += crdt_field(state->id.type, state->cells[i].field) == NULL;
    return count;
}

enum cht_err service_put_record(struct node_service *s, const struct crdt_state *state,
                                struct cht_bytes fields, struct service_titles *titles,
                                const struct crdt_id *alias, struct cht_buf *out)
{
    const struct crdt_graph *g = node_replica_graph(s->replica);
    struct node_row_info info;
    enum cht_err err = node_row_info(g, state, &info);
    const uint32_t unknown = fields.len == 0 ? unknown_cells(state) : 0;
    uint32_t keys = 3u + (fields.len == 0) + info.hidden + (info.conflicts != 0) +
                    (titles != NULL) + (unknown != 0) + (alias != NULL) +
                    service_merged(s, &state->id);
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, keys);
    if (err == CHT_OK)
        err = service_put_id("chittyId", &state->id, out);
    const char *type = crdt_type_table(state->id.type);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "type", type == NULL ? "other" : type);
    if (err == CHT_OK && fields.len == 0)
        err = service_put_vector(s, "version", node_replica_applied(s->replica), out);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "data");
    if (err == CHT_OK)
        err = service_put_data(g, state, fields, out);
    if (err == CHT_OK && titles != NULL)
        err = service_put_titles(s, state, fields, titles, out);
    if (err == CHT_OK && info.hidden)
        err = node_mp_put_key_bool(out, "deleted", true);
    if (err == CHT_OK && info.conflicts != 0)
        err = node_mp_put_key_uint(out, "conflicts", info.conflicts);
    if (err == CHT_OK && unknown != 0)
        err = put_unknown(g, state, unknown, out);
    return err == CHT_OK ? service_put_merged(s, &state->id, alias, out) : err;
}

/* --- live values --------------------------------------------------------------------------- */

enum cht_err service_order(const struct node_service *s, struct cht_arena *arena,
                           const struct crdt_state *state, const struct crdt_cell *cell,
                           const struct crdt_value ***out)
{
    const struct crdt_value *shown =
        crdt_cell_shown(node_replica_graph(s->replica), state->id.type, cell);
    const struct crdt_value **list = cht_arena_array(arena, cell->count, sizeof *list);
    if (list == NULL)
        return CHT_E_NOMEM;
    list[0] = shown;
    uint32_t count = 1;
    for (uint32_t i = 0; i < cell->count; i++) {
        const struct crdt_value *v = &cell->values[i];
        if (v == shown)
            continue;
        uint32_t at = count++;
        while (at > 1 && (list[at - 1]->hlc < v->hlc ||
                          (list[at - 1]->hlc == v->hlc && list[at - 1]->at.chain > v->at.chain))) {
            list[at] = list[at - 1];
            at--;
        }
        list[at] = v;
    }
    *out = list;
    return CHT_OK;
}

static enum cht_err put_dot(const struct crdt_graph *g, const struct crdt_value *v,
                            struct cht_buf *out)
{
    char device[2 * CRDT_ID_BYTES + 1], epoch[2 * CRDT_EPOCH_BYTES + 1], text[96];
    crdt_hex(cht_bytes(crdt_graph_device_id(g, v->at.chain), CRDT_ID_BYTES), device);
    crdt_hex(cht_bytes(crdt_graph_epoch(g, v->at), CRDT_EPOCH_BYTES), epoch);
    (void)snprintf(text, sizeof text, "%s/%s/%u/%u", device, epoch, v->at.seq, v->index);
    enum cht_err err = node_mp_put_key_text(out, "dot", text);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "stamp", crdt_hlc_ms(v->hlc));
    return err == CHT_OK ? node_mp_put_key_text(out, "device", device) : err;
}

enum cht_err service_put_values(struct node_service *s, const struct crdt_state *state,
                                const struct crdt_cell *cell, struct cht_buf *out)
{
    const struct crdt_graph *g = node_replica_graph(s->replica);
    const struct crdt_value **list;
    enum cht_err err = service_order(s, &s->arena, state, cell, &list);
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, cell->count);
    for (uint32_t i = 0; err == CHT_OK && i < cell->count; i++) {
        err = crdt_mp_put_map(out, 7);
        if (err == CHT_OK)
            err = node_mp_put_text(out, "value");
        if (err == CHT_OK)
            err = service_put_value(state->id.type, cell->field, list[i]->bytes, out);
        if (err == CHT_OK)
            err = put_dot(g, list[i], out);
        if (err == CHT_OK)
            err = node_mp_put_key_str(
                out, "deviceName",
                service_device_name(s, crdt_graph_device_id(g, list[i]->at.chain)));
        if (err == CHT_OK)
            err = service_put_actor(s, "actor", list[i]->at, out);
        if (err == CHT_OK)
            err = node_mp_put_key_bool(out, "shown", i == 0);
    }
    return err;
}
