/* The `crdt` column of a row, as a damaged file may have it (PROTOCOL 10.4): what unpacks has a
 * blob that unpacks to itself. The first byte chooses the entity's type. */
/* covers: crdt/state_pack.c */
#include "crdt/mp.h"
#include "crdt/state.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static enum cht_err no_log(void *ctx, struct crdt_place at, struct crdt_hash *out)
{
    (void)ctx;
    (void)at;
    (void)out;
    return CHT_E_NOTFOUND;
}

static enum cht_err no_past(void *ctx, struct crdt_place at, struct crdt_vector *out)
{
    (void)ctx;
    (void)at;
    (void)out;
    return CHT_E_NOTFOUND;
}

/* Two devices, the second with a branch from its third entry. */
static void make_graph(struct crdt_graph *g)
{
    const struct crdt_graph_source source = { .hash_at = no_log, .past_at = no_past };
    crdt_graph_init(g, source);
    for (uint8_t i = 0; i < 3; i++) {
        const uint8_t id[CRDT_ID_BYTES] = { i == 2 ? 1 : i };
        struct crdt_graph_tip tip = { .seq = 200, .epoch = { i } };
        uint32_t device, chain;
        must(crdt_graph_device(g, id, &device) == CHT_OK);
        must(crdt_graph_open_chain(g, device, i == 2 ? 1 : CRDT_NO_CHAIN, i == 2 ? 3 : 0, &chain) ==
             CHT_OK);
        must(crdt_graph_stored(g, chain, i == 2 ? 4 : 1, &tip) == CHT_OK);
    }
}

/* Stands for a row whose every column holds the same short text. */
static enum cht_err from_column(void *ctx, uint16_t field, struct cht_bytes *out)
{
    static const uint8_t word[] = { 0xa3, 'r', 'o', 'w' };
    (void)ctx;
    if (field > 100)
        return CHT_E_CORRUPT;
    *out = cht_bytes(word, sizeof word);
    return CHT_OK;
}

static bool in_column(void *ctx, const struct crdt_cell *cell, const struct crdt_value *shown)
{
    struct cht_bytes word;
    return from_column(ctx, cell->field, &word) == CHT_OK && cht_bytes_eq(shown->bytes, word);
}

static void look(const struct crdt_state *s, const struct crdt_graph *g)
{
    struct crdt_root root = { 0 };
    bool contested;
    crdt_state_sum(s, g, &root);
    (void)crdt_state_modified(s);
    (void)crdt_state_hidden(s, g);
    if (crdt_state_contested(s, g, &contested) != CHT_OK)
        return; /* a delete whose past is damaged */
    for (uint32_t i = 0; i < s->count; i++)
        (void)crdt_cell_conflict(s->id.type, &s->cells[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    struct crdt_graph g;
    struct crdt_state state, again;
    struct crdt_id id = { .type = data[0] };
    struct cht_buf blob, twice;
    make_graph(&g);
    crdt_state_init(&state, &id);
    crdt_state_init(&again, &id);
    cht_buf_init(&blob, len * 4 + 64);
    cht_buf_init(&twice, len * 4 + 64);
    if (crdt_state_unpack(cht_bytes(data + 1, len - 1), &g, from_column, NULL, &state) == CHT_OK) {
        look(&state, &g);
        must(crdt_state_pack(&state, &g, in_column, NULL, &blob) == CHT_OK);
        must(crdt_state_unpack(cht_buf_view(&blob), &g, from_column, NULL, &again) == CHT_OK);
        must(crdt_state_pack(&again, &g, in_column, NULL, &twice) == CHT_OK);
        must(cht_bytes_eq(cht_buf_view(&blob), cht_buf_view(&twice)));
    }
    cht_buf_clear(&blob);
    cht_buf_clear(&twice);
    crdt_state_clear(&state);
    crdt_state_clear(&again);
    crdt_graph_clear(&g);
    return 0;
}
