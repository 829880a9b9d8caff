/* Reading the typed tables again in small steps, so that what rotted on disk is noticed without
 * being asked for: the root is kept in step with the log, not with the rows; see replica.h
 * (PROTOCOL 5.8, 5.9). */
#include "node/replica/own.h"

/* The entity as its row has it, or as memory has it when that is newer. */
static enum cht_err sum_entity(struct node_replica *r, uint32_t n)
{
    if (n < r->slot_cap && (r->slots[n].flags & SLOT_DIRTY) != 0) {
        crdt_state_sum(r->slots[n].state, &r->graph, &r->scrub.sum);
        return CHT_OK;
    }
    struct crdt_state state;
    crdt_state_init(&state, &r->entities.slots[n].id);
    enum cht_err err = node_rows_read(r->store, &r->graph, n, &state);
    if (err == CHT_OK)
        crdt_state_sum(&state, &r->graph, &r->scrub.sum);
    crdt_state_clear(&state);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

enum cht_err node_replica_scrub(struct node_replica *r, uint32_t count, enum node_scrub *out)
{
    *out = NODE_SCRUB_MORE;
    if (r->broken)
        return CHT_E_INTERNAL;
    for (; count != 0 && r->scrub.next < r->entities.count; count--) {
        enum cht_err err = sum_entity(r, r->scrub.next);
        if (err == CHT_E_CORRUPT)
            r->scrub.damaged = true;
        else if (err != CHT_OK)
            return err;
        r->scrub.next++;
    }
    if (r->scrub.next < r->entities.count)
        return CHT_OK;
    bool same = !r->scrub.damaged && crdt_root_eq(&r->scrub.sum, &r->root);
    r->root = r->scrub.sum; /* what is shown is what the rows hold: peers will find the row */
    r->scrub = (struct replica_scrub){ 0 };
    *out = same ? NODE_SCRUB_GOOD : NODE_SCRUB_DAMAGE;
    return CHT_OK;
}

void replica_scrub_change(struct node_replica *r, uint32_t n, const struct crdt_root *before)
{
    if (n >= r->scrub.next)
        return; /* will be read with its change */
    struct crdt_root delta = r->root;
    struct crdt_hash old;
    crdt_root_bytes(before, old.b);
    crdt_root_sub(&delta, &old);
    crdt_root_join(&r->scrub.sum, &delta);
}
