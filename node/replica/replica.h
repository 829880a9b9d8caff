#ifndef NODE_REPLICA_REPLICA_H
#define NODE_REPLICA_REPLICA_H
/* A replica of one space: the merge logic of crdt/ on the store.
 *
 * A turn receives ranges and writes own changes, all in memory, then `node_replica_commit` makes
 * it durable in one transaction; only after that may acks, frames and answers leave. When a call
 * fails with anything but a refusal of its input, memory and file no longer agree: the replica is
 * `broken`, refuses everything, and the caller closes and opens it again (the log is the truth). */
#include "crdt/base/arena.h"
#include "net/fork.h"
#include "net/identity.h"
#include "net/members.h"
#include "net/ruling.h"
#include "net/view.h"
#include "node/replica/index.h"
#include "node/store/store.h"

struct node_replica;

struct node_replica_options {
    const char *path;
    enum node_store_mode mode;           /* WRITE or READ; made by node_replica_create */
    const struct net_identity *identity; /* to write; NULL: only read and receive */
    uint8_t epoch[CRDT_EPOCH_BYTES];     /* random, for the first write of this run */
    /* Fills `out` with random bytes, for the epochs after that one; NULL: the system's. */
    void (*draw)(void *ctx, uint8_t *out, size_t len);
    void *draw_ctx;
    uint64_t now_ms; /* the wall clock at the start */
};

/* Make the file of a new space: its founding record, or (joining) its records. `records` stand
 * parents first. CHT_E_EXISTS, CHT_E_SIGNATURE…: a record; errors of the store. */
CHT_MUST_USE enum cht_err node_replica_create(const char *path,
                                              const uint8_t space[static CRDT_ID_BYTES],
                                              const struct cht_bytes *records, size_t count,
                                              struct cht_error *detail);
/* Open and replay the log from where the typed tables stand. */
CHT_MUST_USE enum cht_err node_replica_open(const struct node_replica_options *options,
                                            struct cht_error *detail, struct node_replica **out);
/* Write back what is dirty (when it can) and close. NULL is allowed. */
void node_replica_close(struct node_replica *r);

const uint8_t *node_replica_space(const struct node_replica *r);
struct net_members *node_replica_members(struct node_replica *r);
struct node_store *node_replica_store(struct node_replica *r);
const struct crdt_graph *node_replica_graph(const struct node_replica *r);
const struct node_index *node_replica_index(const struct node_replica *r);
struct crdt_root node_replica_root(const struct node_replica *r);
bool node_replica_broken(const struct node_replica *r);
/* By what; CHT_OK: it is not broken. */
enum cht_err node_replica_fault(const struct node_replica *r);

/* --- receiving ----------------------------------------------------------------------------- */

enum node_receipt {
    NODE_STORED,      /* it will be durable with this turn's commit */
    NODE_KNOWN,       /* held already */
    NODE_UNPLACEABLE, /* the entry before it, the writer, or its membership heads are not held */
    NODE_REFUSED,     /* bytes, hash or head are wrong, or the writer was not admitted */
    NODE_STOPPED,     /* too many branches, or a window of entries waits on this path */
};

/* Check a range from outside and take it into the turn. CHT_OK: `*out` tells. Anything else is a
 * fault of ours and breaks the replica. */
CHT_MUST_USE enum cht_err node_replica_receive(struct node_replica *r,
                                               const struct crdt_range *range, uint64_t now_ms,
                                               enum node_receipt *out);
/* Behind the last NODE_REFUSED: CHT_E_MALFORMED, _LIMIT, _SIGNATURE, _UNSUPPORTED, _DENIED, or
 * _INVALID: its head is true, but bodies of its entries are left out. */
enum cht_err node_replica_refusal(const struct node_replica *r);
/* Apply what became ready through this turn's ranges. Call once after the last receive; when
 * `*out_more` is set the turn is full: commit and call again in the next one. */
CHT_MUST_USE enum cht_err node_replica_settle(struct node_replica *r, uint64_t now_ms,
                                              bool *out_more);
/* Half of the turn's memory is used: take nothing more in before a commit. */
bool node_replica_full(const struct node_replica *r);
/* Take a membership record into the turn; see net_members_add for the refusals. */
CHT_MUST_USE enum cht_err node_replica_add_record(struct node_replica *r, struct cht_bytes record);

/* --- writing ------------------------------------------------------------------------------- */

/* One entry of a transaction: ops on one entity. The ops have passed crdt_op_check. */
struct node_write {
    struct crdt_id id;
    const struct crdt_op *ops;
    uint32_t count;
};
/* Write one transaction as own entries. `actor` NULL: the device itself. CHT_E_LIMIT: an entry
 * passes LIMIT_BODY_BYTES or LIMIT_ENTRY_OPS (nothing is written); CHT_E_DENIED: no identity, or no
 * standing to write (net_members_standing). */
CHT_MUST_USE enum cht_err node_replica_write(struct node_replica *r,
                                             const struct node_write *changes, size_t count,
                                             const struct crdt_id *actor, uint64_t now_ms);
/* Keep the answer to a request under its idempotency key, in this turn's transaction. */
CHT_MUST_USE enum cht_err node_replica_keep_answer(struct node_replica *r, struct cht_bytes key,
                                                   struct cht_bytes answer, uint64_t now_ms);
/* The same for a ticket (node/store/local.h) and for a small value of meta. */
struct node_ticket_row;
CHT_MUST_USE enum cht_err node_replica_keep_ticket(struct node_replica *r,
                                                   const struct node_ticket_row *ticket);
CHT_MUST_USE enum cht_err node_replica_keep_meta(struct node_replica *r, const char *name,
                                                 struct cht_bytes value);
/* Take such a value away; harmless without it. */
CHT_MUST_USE enum cht_err node_replica_drop_meta(struct node_replica *r, const char *name);
/* The epoch of own entries in this run, as long as no other process writes in it. */
const uint8_t *node_replica_epoch(const struct node_replica *r);
/* The vector that answers carry as a version, and compare-and-set asks about: everything applied
 * now, this turn included. Borrowed until the next call that changes the replica. */
const struct crdt_vector *node_replica_applied(const struct node_replica *r);

/* --- forks and twins ----------------------------------------------------------------------- */

/* A device signed two entries of one epoch with one seq (PROTOCOL 4.4). */
struct node_fork {
    struct net_fork_id id;
    uint32_t seq;
    uint64_t at_ms;         /* when the proof was made or came here */
    struct cht_bytes proof; /* net/fork.h */
};
/* The proofs held, in the order they came; borrowed until the next turn. */
const struct node_fork *node_replica_forks(const struct node_replica *r, size_t *out_count);
/* Take a proof from outside into the turn. CHT_OK: taken, held already, or as many as are kept.
 * Refused: CHT_E_MALFORMED, CHT_E_LIMIT, CHT_E_UNSUPPORTED, CHT_E_SIGNATURE; CHT_E_INVALID: of
 * another space; CHT_E_NOTFOUND: of a device that is no member (yet). */
CHT_MUST_USE enum cht_err node_replica_add_fork(struct node_replica *r, struct cht_bytes proof,
                                                uint64_t now_ms);

/* Entries of this device that came from outside: this home did not write them, or lost them. */
struct node_twins {
    uint64_t reclaimed, reclaimed_ms; /* written before this home was started: they were lost here,
                                         and when the last of them was taken back */
    uint64_t elsewhere, elsewhere_ms; /* written after: another process has this device's keys, or
                                         the machine was put back to a snapshot */
};
struct node_twins node_replica_twins(const struct node_replica *r);

/* --- the end of the turn ------------------------------------------------------------------- */

/* Sign and store own entries, commit. `write_back`: also write the rows of touched entities (when
 * the queue is empty, every second under load, before a query). Errors of the store break the
 * replica: nothing of the turn happened. CHT_OK with nothing to do costs nothing. */
CHT_MUST_USE enum cht_err node_replica_commit(struct node_replica *r, bool write_back);
/* The file cannot be written: rows stay as they are until it can. A commit of entries is still
 * tried. */
void node_replica_hold_rows(struct node_replica *r, bool hold);
/* Is anything not yet in the typed tables? */
bool node_replica_dirty(const struct node_replica *r);
/* Own entries written since the last commit. */
size_t node_replica_unsigned(const struct node_replica *r);

/* An entity whose state a turn changed. */
struct node_touch {
    uint32_t n;
    uint64_t fields;        /* bit i: field i of the type's schema; bit 63: one without a row */
    struct crdt_place last; /* the last entry that changed it */
    /* before the turn: it had values; it was hidden; it was an open todo */
    bool was_live, was_hidden, was_open;
};
#define NODE_TOUCH_OTHER 63u

/* What the last commit made durable; good until the next receive or write. */
struct node_commit {
    struct crdt_dep before; /* own entry before the first own range; seq 0: none */
    struct crdt_dep last;
    const struct crdt_range *ranges; /* own ranges, in order */
    size_t range_count;
    const struct node_touch *touched; /* each entity once, in the order first changed */
    size_t touched_count;
    /* entries stored or applied, or records added: in it or in an earlier commit that peers were
     * not told of */
    bool changed;
};
struct node_commit node_replica_last(const struct node_replica *r);
/* Peers have been told: `changed` starts anew. */
void node_replica_told(struct node_replica *r);

/* --- reading ------------------------------------------------------------------------------- */

/* The state of an entity by number, through the cache; borrowed until the next commit.
 * An entity that nothing lives of has an empty state. CHT_E_NOTFOUND: no such number. */
CHT_MUST_USE enum cht_err node_replica_state(struct node_replica *r, uint32_t n,
                                             const struct crdt_state **out);
/* What entities were in the past of an applied entry: folded from the log into `out`, `count`
 * states that the caller clears. Each entity once. It reads the notes of the whole log: not for
 * every turn. CHT_E_NOMEM, errors of the store; on error all of `out` is empty. */
CHT_MUST_USE enum cht_err node_replica_past_states(struct node_replica *r, struct crdt_place at,
                                                   const uint32_t *entities, size_t count,
                                                   struct crdt_state *out);
/* What a sync session reads. Lives as long as the replica. */
struct net_view node_replica_view(struct node_replica *r);

struct node_replica_counts {
    uint64_t entries; /* stored */
    uint64_t waiting; /* stored and not applied */
    uint64_t voids;   /* void ops */
    uint64_t ruled;   /* applied entries that rulings void (PROTOCOL 7.26) */
    uint32_t chains, devices, entities;
};
struct node_replica_counts node_replica_count(const struct node_replica *r);

/* What stands here of one device. */
struct node_replica_written {
    uint64_t waiting, voids; /* entries stored and not applied; void ops */
    uint32_t branches;       /* paths beyond its first */
};
/* Of the last commit, not of a turn under way. Errors of the store. */
CHT_MUST_USE enum cht_err node_replica_written(struct node_replica *r,
                                               const uint8_t device[static CRDT_ID_BYTES],
                                               struct node_replica_written *out);

/* What the entries of a chain wait for that are stored and not applied. */
struct node_wait {
    struct crdt_place next; /* the first of them */
    uint32_t count;
    bool for_build;      /* for one that knows its kinds of ops */
    struct crdt_dep dep; /* for this entry; seq 0: for what stands before it on its path */
};
/* False: nothing of the chain waits. */
bool node_replica_wait(const struct node_replica *r, uint32_t chain, struct node_wait *out);

/* A stored entry, decoded from the log into `arena`. CHT_E_NOTFOUND. */
CHT_MUST_USE enum cht_err node_replica_entry(struct node_replica *r, struct crdt_place at,
                                             struct cht_arena *arena, struct crdt_entry *out);

/* The entries of the log row that holds the one at `at`, decoded into `arena`: `*out_count` of
 * them, the first of seq `*out_first`. CHT_E_NOTFOUND. */
CHT_MUST_USE enum cht_err node_replica_entries(struct node_replica *r, struct crdt_place at,
                                               struct cht_arena *arena,
                                               const struct crdt_entry **out, uint32_t *out_first,
                                               uint32_t *out_count);
/* Has the log row at `at` an entry about entity `n`? Told without decoding it; a row that is not
 * wholly applied may have one and not tell. `*out_first`: seq of its first entry. Of the last
 * commit, not of a turn under way. CHT_E_NOTFOUND. */
CHT_MUST_USE enum cht_err node_replica_row_touches(struct node_replica *r, struct crdt_place at,
                                                   uint32_t n, uint32_t *out_first,
                                                   bool *out_touches);

/* The number of the entity an entry is about; INDEX_NONE: none, or it does not resolve. */
CHT_MUST_USE enum cht_err node_replica_entity_of(struct node_replica *r, struct crdt_place at,
                                                 const struct crdt_entry *e, uint32_t *out);
/* Who an entry was written for, as the 16 bytes of the actor; CHT_E_NOTFOUND: the device itself. */
CHT_MUST_USE enum cht_err node_replica_actor_of(struct node_replica *r, struct crdt_place at,
                                                const struct crdt_entry *e, struct crdt_id *out);
/* Why rulings void an applied entry, in a word ("revoked", "role", "admission"); NULL: they do not.
 */
const char *node_replica_ruled(const struct node_replica *r, struct crdt_place at);
/* How such an entry is judged, and by which record. CHT_E_NOTFOUND: it is not applied. */
CHT_MUST_USE enum cht_err node_replica_judgement(struct node_replica *r, struct crdt_place at,
                                                 struct net_judgement *out);
/* Call `each` for every run of entries of a chain that rulings void. */
void node_replica_each_ruled(const struct node_replica *r,
                             void (*each)(void *ctx, struct crdt_place first, uint32_t count),
                             void *ctx);
/* What a device wrote up to now, as a cut-off names it: the ends of ranges up to which its entries
 * are applied and, as it stamped them, not later than `until_ms` (UINT64_MAX: all). */
CHT_MUST_USE enum cht_err node_replica_cutoff(struct node_replica *r,
                                              const uint8_t device[static CRDT_ID_BYTES],
                                              uint64_t until_ms,
                                              struct net_tip out[static LIMIT_CUTOFF_TIPS],
                                              size_t *out_count);
/* The entities touched by applied entries outside `from`, no order, no duplicates; the caller
 * frees the list. Of the last commit, not of a turn under way. */
CHT_MUST_USE enum cht_err node_replica_since(struct node_replica *r, const struct crdt_vector *from,
                                             uint32_t **out, size_t *out_count);

/* --- checking ------------------------------------------------------------------------------ */

/* A finding of verify: `where` names the row or entry in words. */
typedef void node_problem(void *ctx, const char *where, const char *what);
struct node_verified {
    bool ok;
    struct crdt_root root; /* folded from the log */
    uint64_t chains, entries, problems;
};
/* Write back, then re-hash every chain, check every head, fold the log in a fresh memory and
 * compare everything that is made from it. Errors: of the store, or no memory; damage is a problem,
 * not an error. */
CHT_MUST_USE enum cht_err node_replica_verify(struct node_replica *r, node_problem *each, void *ctx,
                                              struct node_verified *out);
/* The same of a file that no replica can be opened on; nobody else may have it open. What was not
 * yet applied when it was last closed is not told from damage to the notes beside the log. */
CHT_MUST_USE enum cht_err node_replica_verify_file(const char *path, node_problem *each, void *ctx,
                                                   struct cht_error *detail,
                                                   struct node_verified *out);
enum node_scrub { NODE_SCRUB_MORE, NODE_SCRUB_GOOD, NODE_SCRUB_DAMAGE };
/* Read `count` more entities from the typed tables and sum them; at the end of a round the root is
 * what the rows give, and DAMAGE tells that the log gave another. Between turns. */
CHT_MUST_USE enum cht_err node_replica_scrub(struct node_replica *r, uint32_t count,
                                             enum node_scrub *out);
/* Empty all that is made from the log and fold it again. CHT_E_CORRUPT: the log itself is damaged,
 * and the replica broken. */
CHT_MUST_USE enum cht_err node_replica_rebuild(struct node_replica *r);
/* The same for a file that no replica can be opened on. */
CHT_MUST_USE enum cht_err node_replica_rebuild_file(const struct node_replica_options *options,
                                                    struct cht_error *detail);

#endif
