/* The chains of the log, read row by row without decoding; see chains.h. */
#include "node/doctor/chains.h"

#include "crdt/rfc3339.h"
#include "node/store/glance.h"

#include <stdio.h>
#include <stdlib.h>

struct chain {
    uint32_t device, parent, branch_seq;
    uint32_t next;                 /* seq of the row that is to follow */
    bool rows;                     /* it has one */
    uint32_t ahead_from, ahead_to; /* entries of rows stamped in the future; 0: none */
    uint32_t ahead_rows;
    crdt_hlc_stamp ahead; /* the furthest */
};

struct epoch {
    struct crdt_place from;
    uint8_t epoch[CRDT_EPOCH_BYTES];
};

struct chains {
    struct doctor *d;
    struct chain *chains;
    uint8_t (*devices)[CRDT_ID_BYTES];
    struct epoch *epochs; /* ascending by chain and seq */
    size_t epoch_count, epoch_cap;
    uint32_t chain_count, device_count;
    crdt_hlc_stamp limit; /* above it is the future */
    bool gap;
};

/* --- reading --------------------------------------------------------------------------------- */

static enum cht_err take_device(void *ctx, uint32_t n, const uint8_t *id)
{
    struct chains *c = ctx;
    if (n != c->device_count || n >= LIMIT_CHAINS)
        return CHT_E_CORRUPT;
    memcpy(c->devices[c->device_count++], id, CRDT_ID_BYTES);
    return CHT_OK;
}

static enum cht_err take_chain(void *ctx, uint32_t n, uint32_t device, uint32_t parent,
                               uint32_t branch_seq)
{
    struct chains *c = ctx;
    if (n != c->chain_count || n >= LIMIT_CHAINS || device >= c->device_count ||
        (parent != CRDT_NO_CHAIN && parent >= n))
        return CHT_E_CORRUPT;
    c->chains[c->chain_count++] = (struct chain){
        .device = device, .parent = parent, .branch_seq = branch_seq, .next = branch_seq + 1
    };
    return CHT_OK;
}

static enum cht_err take_epoch(void *ctx, struct crdt_place from, const uint8_t *epoch)
{
    struct chains *c = ctx;
    if (c->epoch_count == c->epoch_cap) {
        const size_t cap = c->epoch_cap == 0 ? 64 : 2 * c->epoch_cap;
        struct epoch *epochs = realloc(c->epochs, cap * sizeof *epochs);
        if (epochs == NULL)
            return CHT_E_NOMEM;
        c->epochs = epochs;
        c->epoch_cap = cap;
    }
    struct epoch *e = &c->epochs[c->epoch_count++];
    e->from = from;
    memcpy(e->epoch, epoch, CRDT_EPOCH_BYTES);
    return CHT_OK;
}

static enum cht_err take_row(void *ctx, const struct node_log_glance *row)
{
    struct chains *c = ctx;
    if (row->first.chain >= c->chain_count)
        return CHT_OK; /* written since the chains were read */
    struct chain *chain = &c->chains[row->first.chain];
    if (row->first.seq != chain->next && !c->gap) {
        char hex[2 * CRDT_ID_BYTES + 1];
        crdt_hex(cht_bytes(c->devices[chain->device], CRDT_ID_BYTES), hex);
        doctor_say(c->d->report, DOCTOR_PROBLEM, "chains.gap",
                   "entries %u to %u of device %s are missing in the log", chain->next,
                   row->first.seq - 1, hex);
        doctor_remedy(c->d->report, "keep this home, and join the space again from another device; "
                                    "chitty-node verify tells more");
        c->gap = true;
    }
    chain->next = row->first.seq + row->count;
    chain->rows = true;
    if (row->stamp <= c->limit)
        return CHT_OK;
    if (chain->ahead_rows++ == 0)
        chain->ahead_from = row->first.seq;
    chain->ahead_to = chain->next - 1;
    chain->ahead = row->stamp > chain->ahead ? row->stamp : chain->ahead;
    return CHT_OK;
}

/* --- judging --------------------------------------------------------------------------------- */

static bool is_own(const struct chains *c, const char *hex)
{
    return strcmp(hex, c->d->device) == 0;
}

static void say_ahead(const struct chains *c, const struct chain *chain, const char *hex)
{
    char when[CRDT_RFC3339_MAX] = "after the year 9999";
    if (crdt_hlc_ms(chain->ahead) <= CRDT_RFC3339_MS_MAX)
        crdt_rfc3339_text(crdt_hlc_ms(chain->ahead), when);
    if (is_own(c, hex)) {
        doctor_say(c->d->report, DOCTOR_WARNING, "clock.own",
                   "this device's entries %u to %u are stamped from the future, up to %s: its "
                   "clock was ahead then, or is behind now",
                   chain->ahead_from, chain->ahead_to, when);
        doctor_remedy(c->d->report, "set the clock: timedatectl set-ntp true");
    } else {
        doctor_say(c->d->report, DOCTOR_WARNING, "clock.ahead",
                   "entries %u to %u of device %s are stamped from the future, up to %s: against "
                   "concurrent changes they win, until the next change that has seen them",
                   chain->ahead_from, chain->ahead_to, hex, when);
        doctor_remedy(c->d->report, "set the clock of that device: timedatectl set-ntp true");
    }
}

/* The epoch of the entry with this seq on a chain; NULL: the chain does not have it. */
static const uint8_t *epoch_at(const struct chains *c, uint32_t chain, uint32_t seq)
{
    const uint8_t *found = NULL;
    if (!c->chains[chain].rows || seq >= c->chains[chain].next)
        return NULL;
    for (size_t i = 0; i < c->epoch_count; i++) {
        if (c->epochs[i].from.chain == chain && c->epochs[i].from.seq <= seq)
            found = c->epochs[i].epoch;
    }
    return found;
}

/* Was the branch written in the epoch of what goes on beside it? Only two running copies do that
 * (PROTOCOL 2.3); a home that is started again writes in an epoch of its own. */
static bool in_one_epoch(const struct chains *c, uint32_t n)
{
    const struct chain *chain = &c->chains[n];
    const uint32_t seq = chain->branch_seq + 1;
    const uint8_t *epoch = epoch_at(c, n, seq);
    for (uint32_t i = 0; epoch != NULL && i < c->chain_count; i++) {
        const struct chain *o = &c->chains[i];
        const bool beside = i == chain->parent ||
                            (i != n && o->device == chain->device && o->parent == chain->parent &&
                             o->branch_seq == chain->branch_seq);
        const uint8_t *other = beside ? epoch_at(c, i, seq) : NULL;
        if (other != NULL && memcmp(other, epoch, CRDT_EPOCH_BYTES) == 0)
            return true;
    }
    return false;
}

static void say_branch(const struct chains *c, uint32_t n, const char *hex)
{
    const struct chain *chain = &c->chains[n];
    const bool same = in_one_epoch(c, n);
    const bool own = is_own(c, hex);
    if (same) {
        doctor_say(c->d->report, own ? DOCTOR_WARNING : DOCTOR_NOTE, "chains.fork",
                   "device %s wrote entry %u twice: a copy of it ran at the same time; both are "
                   "kept",
                   hex, chain->branch_seq + 1);
        doctor_remedy(c->d->report, "let only one of the copies run; in the other's home: "
                                    "chitty-node init, and join");
    } else {
        doctor_say(c->d->report, DOCTOR_NOTE, "chains.branch",
                   "device %s went on from its entry %u in two ways: its home was restored or "
                   "copied; both are kept",
                   hex, chain->branch_seq);
    }
}

static void judge(const struct chains *c)
{
    uint32_t tips = 0;
    for (uint32_t i = 0; i < c->chain_count; i++) {
        const struct chain *chain = &c->chains[i];
        char hex[2 * CRDT_ID_BYTES + 1];
        crdt_hex(cht_bytes(c->devices[chain->device], CRDT_ID_BYTES), hex);
        tips += chain->rows ? 1 : 0;
        if (chain->ahead_rows != 0)
            say_ahead(c, chain, hex);
        bool first = true;
        for (uint32_t k = 0; k < i; k++)
            first &= c->chains[k].device != chain->device;
        if (!first && chain->rows)
            say_branch(c, i, hex);
    }
    if (!c->gap)
        doctor_say(c->d->report, DOCTOR_OK, "chains", "%u chain%s, none with a gap", tips,
                   tips == 1 ? "" : "s");
}

enum cht_err doctor_chains(struct doctor *d, struct node_store *store)
{
    struct chains c = { .d = d, .limit = crdt_hlc_make(d->now_ms + CRDT_HLC_DRIFT_MS_MAX, 0) };
    const struct node_book_reader reader = {
        .ctx = &c, .device = take_device, .chain = take_chain, .epoch = take_epoch
    };
    c.chains = calloc(LIMIT_CHAINS, sizeof *c.chains);
    c.devices = calloc(LIMIT_CHAINS, sizeof *c.devices);
    enum cht_err err = c.chains == NULL || c.devices == NULL ? CHT_E_NOMEM : CHT_OK;
    if (err == CHT_OK)
        err = node_book_read(store, &reader);
    if (err == CHT_OK)
        err = node_log_glance(store, take_row, &c);
    if (err == CHT_OK)
        judge(&c);
    free(c.chains);
    free(c.devices);
    free(c.epochs);
    return err;
}
