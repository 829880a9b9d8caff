/* Folding the log anew into the file, with or without a replica that could be opened; see replica.h
 * (PROTOCOL 10.6). */
#include "node/replica/load.h"

static enum cht_err clear_store(struct node_store *store)
{
    enum cht_err err = node_store_begin(store);
    if (err == CHT_OK)
        err = node_rows_clear(store);
    if (err == CHT_OK)
        err = node_store_commit(store);
    if (err != CHT_OK)
        node_store_rollback(store);
    return err;
}

enum cht_err node_replica_rebuild(struct node_replica *r)
{
    if (r->broken || !r->writable)
        return CHT_E_DENIED;
    enum cht_err err = node_replica_commit(r, false);
    if (err == CHT_OK)
        err = clear_store(r->store);
    /* from here on a start would do the same: the positions are gone, the log is replayed */
    if (err == CHT_OK)
        err = replica_reset(r);
    if (err == CHT_OK)
        err = replica_replay(r, crdt_hlc_ms(r->clock.last));
    return err == CHT_OK ? CHT_OK : replica_break(r, err);
}

enum cht_err node_replica_rebuild_file(const struct node_replica_options *options,
                                       struct cht_error *detail)
{
    struct node_store *store = NULL;
    struct node_replica *r = NULL;
    enum cht_err err = node_store_open(options->path, NODE_STORE_MEND, detail, &store);
    if (err != CHT_OK)
        return err;
    err = clear_store(store);
    if (err != CHT_OK)
        (void)cht_fail(detail, err, node_store_message(store));
    node_store_close(store);
    if (err == CHT_OK)
        err = node_replica_open(options, detail, &r);
    node_replica_close(r);
    return err;
}
