#ifndef CRDT_GRAPH_H
#define CRDT_GRAPH_H
/* Who wrote what after what: devices, their paths, tips and pasts (PROTOCOL 2.3 to 2.6, 5.1).
 *
 * Each linear run of entries of one device is a *chain*, a small number local to this replica.
 * Normally a device has one; an entry whose previous is inside a chain opens a branch with a parent
 * link. An entry is (chain, seq). The graph holds per chain what is stored (in the log) and what is
 * applied (folded into the state), and the past of the applied tip as a vector. What is older than
 * the tips is asked of the log through `crdt_graph_source`.
 *
 * The graph decides nothing about signatures, rights or values. */
#include "crdt/entry.h"
#include "crdt/vector.h"

#define CRDT_NO_CHAIN  UINT32_MAX
#define CRDT_NO_DEVICE UINT32_MAX

/* An entry named by its place: a chain and a sequence number; seq 0 is the empty place. */
struct crdt_place {
    uint32_t chain, seq;
};

struct crdt_graph_tip {
    uint32_t seq; /* 0: nothing yet */
    struct crdt_hash hash;
    uint8_t epoch[CRDT_EPOCH_BYTES];
    crdt_hlc_stamp hlc;
};

/* From this seq on, a chain is in this epoch (until the next of its list). */
struct crdt_graph_epoch {
    uint32_t seq;
    uint8_t epoch[CRDT_EPOCH_BYTES];
};

/* A device number of a path: number n is the n-1-th of the list (PROTOCOL 2.5). */
struct crdt_graph_number {
    uint32_t device; /* index in the graph */
    uint32_t seq;    /* of the entry that mentioned it first */
};

#define CRDT_GRAPH_MARKS 32u

struct crdt_graph_chain {
    uint32_t device;
    uint32_t parent;     /* CRDT_NO_CHAIN for a path from seq 1 */
    uint32_t branch_seq; /* the last entry shared with the parent; 0 without one */
    struct crdt_graph_tip stored, applied;
    bool open;               /* past and numbers are set up (the parent's part is applied) */
    struct crdt_vector past; /* all applied entries before and with the applied tip */
    struct crdt_graph_number *numbers;
    struct crdt_graph_epoch *epochs;
    uint32_t number_count, epoch_count;
    struct { /* hashes of recent range ends, so that deps on them cost no look-up */
        uint32_t seq;
        struct crdt_hash hash;
    } marks[CRDT_GRAPH_MARKS];
    uint32_t mark_next;
};

struct crdt_graph_device {
    uint8_t id[CRDT_ID_BYTES];
    uint32_t *chains;
    uint32_t chain_count;
};

/* What the log can tell. Each call gives CHT_E_NOTFOUND for what is not held. */
struct crdt_graph_source {
    void *ctx;
    /* The hash of a stored entry. */
    enum cht_err (*hash_at)(void *ctx, struct crdt_place at, struct crdt_hash *out);
    /* Join the past of an applied entry, itself included, into `out`. */
    enum cht_err (*past_at)(void *ctx, struct crdt_place at, struct crdt_vector *out);
};

struct crdt_graph {
    struct crdt_graph_device *devices;
    struct crdt_graph_chain *chains;
    uint32_t device_count, chain_count;
    struct crdt_vector applied; /* all applied entries */
    struct crdt_graph_source source;
};

void crdt_graph_init(struct crdt_graph *g, struct crdt_graph_source source);
void crdt_graph_clear(struct crdt_graph *g);

/* --- devices and chains -------------------------------------------------------------------- */

/* The index of a device, added when new. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err crdt_graph_device(struct crdt_graph *g,
                                            const uint8_t id[static CRDT_ID_BYTES], uint32_t *out);
/* The index of a known device, or CRDT_NO_DEVICE. */
uint32_t crdt_graph_find_device(const struct crdt_graph *g, const uint8_t id[static CRDT_ID_BYTES]);
/* Open an empty chain. CHT_E_LIMIT: LIMIT_CHAINS; CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err crdt_graph_open_chain(struct crdt_graph *g, uint32_t device,
                                                uint32_t parent, uint32_t branch_seq,
                                                uint32_t *out);
const uint8_t *crdt_graph_device_id(const struct crdt_graph *g, uint32_t chain);
/* The epoch in which a stored entry was written; borrowed. */
const uint8_t *crdt_graph_epoch(const struct crdt_graph *g, struct crdt_place at);
/* Walk to the chain that really holds `seq` on the path of `chain` (itself or an ancestor). */
struct crdt_place crdt_graph_on_path(const struct crdt_graph *g, uint32_t chain, uint32_t seq);

/* --- what is stored ------------------------------------------------------------------------ */

/* The hash of a stored entry: a tip, a recent range end, or asked of the log. */
CHT_MUST_USE enum cht_err crdt_graph_hash(const struct crdt_graph *g, struct crdt_place at,
                                          struct crdt_hash *out);
/* Find the stored entry of a device with this seq whose hash starts with `prefix`.
 * CHT_E_NOTFOUND: not held. */
CHT_MUST_USE enum cht_err crdt_graph_locate(const struct crdt_graph *g, uint32_t device,
                                            uint32_t seq, struct cht_bytes prefix,
                                            struct crdt_place *out);
/* A range ending at `tip` was appended to a chain; `first_seq` opened epoch `tip->epoch` when that
 * differs from the epoch before (call once per epoch, in order). CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err crdt_graph_stored(struct crdt_graph *g, uint32_t chain,
                                            uint32_t first_seq, const struct crdt_graph_tip *tip);

/* --- what is applied ----------------------------------------------------------------------- */

/* Prepare to apply the next entry of `chain`, which is stored or (an own one) about to be: checks
 * that its past is applied and joins it into the chain's vector. `*out_past` (borrowed until
 * commit) is then past(e). CHT_E_WAITING: a dep, or the parent's part, is not applied;
 * `*out_missing` (may be NULL) names the dep, zeros for the parent's part; nothing has changed.
 * CHT_E_NOMEM, or an error of the log.
 */
CHT_MUST_USE enum cht_err crdt_graph_begin(struct crdt_graph *g, uint32_t chain,
                                           const struct crdt_header *h,
                                           const struct crdt_vector **out_past,
                                           struct crdt_dep *out_missing);
/* The entry begun is folded: it is the applied tip now. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err crdt_graph_commit(struct crdt_graph *g, uint32_t chain,
                                            const struct crdt_graph_tip *tip);

/* --- names (PROTOCOL 2.5) ------------------------------------------------------------------ */

/* The only tip of a device in `past`. CHT_E_NOTFOUND: none; CHT_E_CONFLICT: several. */
CHT_MUST_USE enum cht_err crdt_graph_only_tip(const struct crdt_graph *g,
                                              const struct crdt_vector *past, uint32_t device,
                                              struct crdt_place *out);
/* Resolve a (number, seq) name of an entry of `chain` whose past is `past`. CHT_E_NOTFOUND. */
CHT_MUST_USE enum cht_err crdt_graph_resolve(const struct crdt_graph *g, uint32_t chain,
                                             const struct crdt_vector *past, uint32_t number,
                                             uint32_t seq, struct crdt_place *out);
/* The name by which an entry of `chain` with past `past` may call `target` (in `past`). */
CHT_MUST_USE enum cht_err crdt_graph_name(const struct crdt_graph *g, uint32_t chain,
                                          const struct crdt_vector *past, struct crdt_place target,
                                          struct crdt_name *out);

/* --- tips ---------------------------------------------------------------------------------- */

/* The tips of a device among its entries in `past` (at most `max`, ascending by chain); returns how
 * many there are through `*out_count`. Errors of the log. */
CHT_MUST_USE enum cht_err crdt_graph_tips(const struct crdt_graph *g,
                                          const struct crdt_vector *past, uint32_t device,
                                          struct crdt_place *out, uint32_t max,
                                          uint32_t *out_count);

#endif
