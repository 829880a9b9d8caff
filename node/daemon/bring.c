/* Taking an old space's content into a new one: own entries under the same ids, with an empty past,
 * all live values of a cell in one entry, so that its conflicts stay conflicts; see own.h. How far
 * it got is kept in the same transaction as the entries. */
#include "node/daemon/own.h"

#include <stdlib.h>
#include <sys/stat.h>

#define BRING_TURN 256u /* entities a transaction of the store */

/* The ops of one entry, cut between cells where a body would grow too large. */
struct bring {
    struct crdt_op ops[LIMIT_ENTRY_OPS];
    uint32_t count;
    size_t bytes;
};

static enum cht_err flush(struct node_replica *to, const struct crdt_id *id, struct bring *b,
                          uint64_t now_ms)
{
    struct node_write write = { .id = *id, .ops = b->ops, .count = b->count };
    enum cht_err err = b->count == 0 ? CHT_OK : node_replica_write(to, &write, 1, NULL, now_ms);
    b->count = 0;
    b->bytes = 0;
    return err;
}

static enum cht_err bring_entity(struct node_replica *to, const struct crdt_state *state,
                                 struct bring *b, uint64_t now_ms)
{
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0; err == CHT_OK && i < state->count; i++) {
        const struct crdt_cell *c = &state->cells[i];
        size_t bytes = 0;
        for (uint32_t k = 0; k < c->count; k++)
            bytes += c->values[k].bytes.len + c->key.len + 16;
        if (b->count + c->count > LIMIT_ENTRY_OPS || b->bytes + bytes > LIMIT_BODY_BYTES - 64)
            err = flush(to, &state->id, b, now_ms);
        for (uint32_t k = 0; err == CHT_OK && k < c->count && b->count < LIMIT_ENTRY_OPS; k++)
            b->ops[b->count++] = (struct crdt_op){
                .kind = CRDT_OP_PUT, .field = c->field, .key = c->key, .value = c->values[k].bytes
            };
        b->bytes += bytes;
    }
    return err == CHT_OK ? flush(to, &state->id, b, now_ms) : err;
}

static enum cht_err bring_all(struct node_replica *from, struct node_replica *to, uint32_t next)
{
    struct bring *b = calloc(1, sizeof *b);
    enum cht_err err = b == NULL ? CHT_E_NOMEM : CHT_OK;
    uint32_t count = node_replica_index(from)->count;
    while (err == CHT_OK && next < count) {
        uint8_t raw[4];
        uint32_t upto = count - next < BRING_TURN ? count : next + BRING_TURN;
        for (uint32_t n = next; err == CHT_OK && n < upto; n++) {
            const struct crdt_state *state;
            err = node_replica_state(from, n, &state);
            if (err == CHT_OK)
                err = bring_entity(to, state, b, node_wall_ms());
        }
        next = upto;
        cht_put_u32(raw, next);
        if (err == CHT_OK)
            err = node_replica_keep_meta(to, "brought", cht_bytes(raw, sizeof raw));
        if (err == CHT_OK)
            err = node_replica_commit(to, true);
        daemon_arrow(ARROW_BROUGHT);
    }
    free(b);
    return err;
}

enum cht_err daemon_bring(struct node_home *h, struct node_fault *fault)
{
    struct cht_buf path, done;
    struct cht_error detail = { 0 };
    struct node_replica *from = NULL;
    struct node_store *store = node_replica_store(h->replica);
    cht_buf_init(&path, NODE_PATH_MAX);
    cht_buf_init(&done, 16);
    enum cht_err err = node_store_get_meta(store, "bring", &path);
    bool wanted = err == CHT_OK && path.len != 0;
    uint32_t next = 0;
    if (wanted && node_store_get_meta(store, "brought", &done) == CHT_OK && done.len == 4)
        next = cht_get_u32(done.data);
    if (wanted)
        err = cht_buf_add_u8(&path, '\0');
    if (wanted && err == CHT_OK) {
        struct node_replica_options options = { .path = (const char *)path.data,
                                                .mode = NODE_STORE_WRITE, /* its log may be ahead */
                                                .now_ms = node_wall_ms() };
        err = node_replica_open(&options, &detail, &from);
        if (err == CHT_OK)
            err = bring_all(from, h->replica, next);
        node_replica_close(from);
        if (err == CHT_OK)
            err = node_store_put_meta(store, "bring", cht_bytes(NULL, 0));
        if (err == CHT_OK)
            (void)chmod((const char *)path.data, 0400); /* kept, to look at */
        else
            (void)node_fault_set(fault, err, cht_bytes(NULL, 0),
                                 "what the old space %s holds cannot be brought along: %s",
                                 (const char *)path.data, cht_error_text(&detail));
    }
    cht_buf_clear(&path);
    cht_buf_clear(&done);
    return wanted ? err : CHT_OK;
}
