#ifndef NODE_REPLICA_OWN_H
#define NODE_REPLICA_OWN_H
/* Inside node/replica only: what a replica is made of. */
#include "crdt/mp.h"
#include "node/replica/replica.h"

/* Entities kept in memory between turns. About 1 KiB each. */
#define REPLICA_CACHE_MAX 20000u
/* Entries that may wait on one path before it is left alone (at most one credit window). */
#define REPLICA_WAITING_MAX 4096u

/* A log row of this turn: a new one, or an older one of which more was applied. */
struct replica_row {
    struct crdt_place first;
    uint32_t count;
    enum crdt_codec codec;
    struct cht_bytes payload;
    uint8_t head[CRDT_SIG_BYTES];
    struct crdt_hash tip;
    crdt_hlc_stamp stamp;
    struct crdt_entry *entries; /* in the turn's arena */
    bool fresh;                 /* to be inserted; else only entities and pasts are updated */
    bool advanced;              /* entries of it were applied in this turn */
    uint32_t *entities;         /* numbers touched, as they came; in the arena */
    uint32_t entity_count, entity_cap;
    struct cht_buf pasts;
};

enum slot_flags {
    SLOT_DIRTY = 1u << 0,   /* differs from its row */
    SLOT_ROW = 1u << 1,     /* has a row */
    SLOT_TOUCHED = 1u << 2, /* changed in this turn */
    SLOT_AGAIN = 1u << 3,   /* folded anew: its row is made anew too */
    SLOT_OPS = 1u << 4,     /* an op that is not void was folded (known with SLOT_AGAIN) */
};

struct replica_slot {
    struct crdt_state *state; /* NULL: not in memory */
    uint32_t touch;           /* with SLOT_TOUCHED: its place in the turn's list */
    uint8_t flags;
    uint8_t row; /* NODE_ROW_*: what of the row may differ */
};

struct replica_spelt {
    uint32_t n;
    struct crdt_id id;
    struct crdt_place place;
};

struct replica_void {
    struct crdt_place place;
    uint32_t op;     /* NODE_VOID_WHOLE, NODE_VOID_RULED */
    const char *why; /* a word; static */
    bool gone;       /* the row is to be taken away: it is void no more */
};

/* Entries of a chain that rulings void, as runs, ascending, and what judging its next entry needs
 * (rulings.c). */
struct replica_run {
    uint32_t from, to;
    enum net_standing why;
};
struct replica_ruled {
    struct replica_run *runs;
    uint32_t count, cap;
    uint32_t heads_at; /* the entry at which `heads` are in force; 0: not known */
    uint32_t head_count;
    struct crdt_hash heads[LIMIT_MEMBER_HEADS];
};

/* The past of a tip of a cut-off, itself included: it never changes. */
struct replica_cut {
    struct net_tip tip;
    uint32_t device;
    struct crdt_vector past;
};
#define REPLICA_CUTS 8u

struct replica_number {
    uint32_t chain, k;
    struct crdt_graph_number number;
};

/* Of an own entry, until its row is made. */
struct replica_own_note {
    uint32_t entity;          /* INDEX_NONE: dep-only */
    size_t past_at, past_len; /* its packed past in own_pasts, where a transaction starts */
};

/* A growing array of one turn; items are plain data. */
struct replica_list {
    void *items;
    size_t count, cap;
};
CHT_MUST_USE enum cht_err replica_push(struct replica_list *l, const void *item, size_t size);

/* What the next entry of a chain waits for. */
struct replica_wait {
    bool set;
    bool for_build;      /* for one that knows its kinds of ops; not in this run */
    struct crdt_dep dep; /* zeros: the parent's part */
};

/* How far the typed tables were read again (scrub.c). */
struct replica_scrub {
    uint32_t next;        /* entity */
    struct crdt_root sum; /* of those before it, kept in step with changes */
    bool damaged;         /* a row could not be read */
};

struct node_replica {
    struct node_store *store;
    struct crdt_graph graph;
    struct net_members *members;
    struct crdt_root root;
    struct replica_scrub scrub;
    struct crdt_hlc clock;
    uint8_t space[CRDT_ID_BYTES];
    bool broken, writable;
    const struct crdt_vector *upto; /* a verifying fold: apply nothing beyond; else NULL */
    bool lagging; /* entries were stored or applied since the typed tables were written */

    struct node_index entities, actors;
    struct replica_slot *slots; /* by entity number */
    uint32_t slot_cap;
    struct replica_list dirty; /* uint32_t: slots with SLOT_DIRTY */
    uint32_t loaded;

    const struct net_identity *identity;
    uint8_t epoch[CRDT_EPOCH_BYTES];
    uint32_t own_chain;   /* CRDT_NO_CHAIN until the first write of this run */
    uint32_t heads_named; /* records held when membership heads were named last */
    bool epoch_spent;     /* another process writes in it too: draw another before the next write */
    void (*draw)(void *ctx, uint8_t *out, size_t len);
    void *draw_ctx;
    uint64_t started_ms;

    struct replica_list forks;      /* struct node_fork, proofs on the heap; kept in meta */
    struct replica_list fork_looks; /* struct replica_look: rows of this turn to compare */
    struct node_twins twins;        /* kept in meta */
    bool twins_changed;

    struct replica_wait *waits; /* by chain */
    uint32_t wait_cap;
    uint64_t entry_count, void_count;
    enum cht_err refusal; /* behind the last NODE_REFUSED */
    enum cht_err broken_by;
    bool hold; /* no rows are written */

    struct replica_ruled *ruled; /* by chain */
    uint32_t ruled_cap;
    uint64_t ruled_count; /* applied entries that rulings void */
    uint32_t *changes;    /* by device: net_members_changes when it was judged last */
    uint32_t changes_cap;
    uint32_t records_seen; /* records looked at for `peaceful` */
    bool unruly;           /* a record rules, or gives a role that does not write */
    bool rejudge;          /* something below is to be judged again in this commit */
    uint8_t *refolds;      /* by entity number, 1: to be folded anew in this commit; NULL: none */
    struct replica_cut cuts[REPLICA_CUTS];
    unsigned cut_next;

    /* the turn */
    struct cht_arena arena;
    bool over; /* the last turn is committed: the next call that changes something starts a new one
                */
    struct replica_list rows;      /* struct replica_row * */
    struct replica_list own;       /* struct crdt_entry of own writes, not yet signed */
    struct replica_list own_notes; /* struct replica_own_note, as `own` */
    struct cht_buf own_pasts;
    struct replica_list own_txns;  /* uint32_t: entries of each transaction, in order */
    struct crdt_before own_before; /* what stands before own.items[0] */
    struct replica_list spelt, actors_spelt, voids, numbers; /* book rows to add */
    uint32_t devices_kept, chains_kept, records_kept;        /* how many of them the file has */
    struct replica_list epochs;                              /* struct replica_epoch */
    struct replica_list touched;                             /* struct node_touch */
    struct replica_list answers;                             /* struct replica_answer */
    struct replica_list tickets;                             /* struct node_ticket_row */
    struct replica_list metas;                               /* struct replica_meta */
    struct node_commit last;
    bool changed; /* in this turn */
    bool untold;  /* in it or an earlier one, and peers were not told */
    struct cht_buf scratch;
};

/* An answer kept with the turn; the bytes are in the turn's arena. */
struct replica_answer {
    struct cht_bytes key, answer;
    uint64_t at_ms;
};

struct replica_meta {
    const char *name; /* both in the turn's arena */
    struct cht_bytes value;
    bool gone; /* the row is taken away */
};

struct replica_epoch {
    struct crdt_place from;
    uint8_t epoch[CRDT_EPOCH_BYTES];
};

/* Start a turn when the last one is committed. */
void replica_turn(struct node_replica *r);
/* Half of the turn's memory is used. */
bool replica_full(const struct node_replica *r);
/* Note a fault: the replica is broken from here on. Returns `err`. */
enum cht_err replica_break(struct node_replica *r, enum cht_err err);

/* --- rows.c: the log as the replica sees it, this turn's rows included ---------------------- */

void replica_rows_clear(struct node_replica *r);
CHT_MUST_USE enum cht_err replica_row_new(struct node_replica *r, struct replica_row **out);
/* The row that holds an entry, decoded; read from the log when it is not of this turn. */
CHT_MUST_USE enum cht_err replica_row_at(struct node_replica *r, struct crdt_place at,
                                         struct cht_arena *arena, struct replica_row *out);
/* The same as a row of this turn that can be advanced. */
CHT_MUST_USE enum cht_err replica_row_open(struct node_replica *r, struct crdt_place at,
                                           struct replica_row **out);
/* What stands before (chain, seq + 1): the entry at (chain, seq) and its place; seq 0: zeros. */
CHT_MUST_USE enum cht_err replica_before(struct node_replica *r, struct crdt_place at,
                                         const uint8_t device[static CRDT_ID_BYTES],
                                         struct crdt_before *out);
struct crdt_graph_source replica_source(struct node_replica *r);
/* The past of an applied entry, without itself, into an empty vector. */
CHT_MUST_USE enum cht_err replica_past(struct node_replica *r, struct crdt_place at,
                                       struct crdt_vector *out);
/* The row of this turn that holds an entry; NULL. */
const struct replica_row *replica_row_of_turn(const struct node_replica *r, struct crdt_place at);
/* Tell the graph that entries were appended to a chain, epoch by epoch. */
CHT_MUST_USE enum cht_err replica_stored(struct node_replica *r, uint32_t chain,
                                         const struct crdt_entry *entries, uint32_t count);

/* --- apply.c -------------------------------------------------------------------------------- */

/* Apply entries of the row from the chain's applied tip on. CHT_E_WAITING: one is not ready. */
CHT_MUST_USE enum cht_err replica_apply_row(struct node_replica *r, struct replica_row *row,
                                            uint64_t now_ms);
/* Apply whatever is stored and ready; `*out_more`: the turn is full, commit and call again. */
CHT_MUST_USE enum cht_err replica_apply_ready(struct node_replica *r, uint64_t now_ms,
                                              bool *out_more);

/* The number of what the entry with this hash spelt, looked for in `past`. CHT_E_NOTFOUND. */
CHT_MUST_USE enum cht_err replica_find_spelt(struct node_replica *r, const struct node_index *x,
                                             const struct crdt_vector *past,
                                             const struct crdt_hash *hash, uint32_t *out);

/* --- refold.c ------------------------------------------------------------------------------- */

/* Empty the state of the entities in `refolds` and fold it again from the log, this turn's sealed
 * rows included, under the rulings as they are. Inside a transaction: the rows of many are written
 * and let go on the way. */
CHT_MUST_USE enum cht_err replica_refold(struct node_replica *r);

/* --- rulings.c ------------------------------------------------------------------------------ */

/* Is the applied entry void by a ruling (PROTOCOL 7.26)? */
bool replica_is_ruled(const struct node_replica *r, struct crdt_place at);
/* Judge the entry that is applied next on its chain, and note it when it is void. */
CHT_MUST_USE enum cht_err replica_judge(struct node_replica *r, struct crdt_place at,
                                        const struct crdt_entry *e, bool *out_void);
/* A void entry as the file has it, behind all others of its chain. CHT_E_CORRUPT: the word. */
CHT_MUST_USE enum cht_err replica_ruled_load(struct node_replica *r, struct crdt_place at,
                                             const char *why);
/* All of the file's records are loaded: what is void was judged under them. */
CHT_MUST_USE enum cht_err replica_ruled_loaded(struct node_replica *r);
/* Records were added: judge again with the commit what they may concern. */
void replica_records_came(struct node_replica *r);
/* With `rejudge`: judge again; entities of which something changed are noted in `refolds`. */
CHT_MUST_USE enum cht_err replica_rejudge(struct node_replica *r);
void replica_ruled_clear(struct node_replica *r);

/* --- cache.c -------------------------------------------------------------------------------- */

CHT_MUST_USE enum cht_err replica_slot(struct node_replica *r, uint32_t n,
                                       struct replica_slot **out);
/* The entry at `by` is about to change an entity's `field`; its slot is loaded. */
CHT_MUST_USE enum cht_err replica_touch(struct node_replica *r, uint32_t n, struct crdt_place by,
                                        uint16_t field);
void replica_cache_trim(struct node_replica *r);
void replica_cache_clear(struct node_replica *r);
/* Write the rows of all dirty entities and the positions they reflect; inside a transaction. */
CHT_MUST_USE enum cht_err replica_write_back(struct node_replica *r);
/* The rows alone. */
CHT_MUST_USE enum cht_err replica_write_rows(struct node_replica *r);
/* Let go of all entities whose rows are written, also of those touched in this turn. */
void replica_cache_drop(struct node_replica *r);
void replica_written(struct node_replica *r);

/* --- scrub.c -------------------------------------------------------------------------------- */

/* An entity's ops moved the root on from `before`. */
void replica_scrub_change(struct node_replica *r, uint32_t n, const struct crdt_root *before);

/* --- author.c ------------------------------------------------------------------------------- */

/* Sign and encode this turn's own entries into rows and `last`. */
CHT_MUST_USE enum cht_err replica_seal(struct node_replica *r);

/* --- forks.c -------------------------------------------------------------------------------- */

/* A row was stored on a chain of a device with several: compare at the commit. */
struct replica_look {
    struct crdt_place from;
    uint64_t now_ms;
};
CHT_MUST_USE enum cht_err replica_forks_note(struct node_replica *r, struct crdt_place from,
                                             uint64_t now_ms);
/* After the seal: prove what this turn's rows fork, and keep what is to be kept. */
CHT_MUST_USE enum cht_err replica_forks_find(struct node_replica *r);
/* Read what the file has. */
CHT_MUST_USE enum cht_err replica_forks_load(struct node_replica *r);
void replica_forks_clear(struct node_replica *r);
/* May another branch of this device be opened by a range whose first new entry has that seq? */
CHT_MUST_USE enum cht_err replica_branch_allowed(struct node_replica *r, uint32_t device,
                                                 uint32_t seq, bool *out);
/* Own entries were taken in from outside: they are counted, and what is written from here on
 * follows them in an epoch that nobody else has. */
void replica_new_epoch(struct node_replica *r);
void replica_own_returned(struct node_replica *r, const struct crdt_entry *entries, uint32_t count,
                          uint64_t now_ms);

/* --- serve.c -------------------------------------------------------------------------------- */

extern const struct net_view_ops replica_view_ops;
enum cht_err replica_digest(void *ctx, const uint8_t *prefix, unsigned nibbles,
                            struct net_digest out[static NET_DIGEST_CHILDREN]);
enum cht_err replica_digest_rows(void *ctx, const uint8_t *prefix, unsigned nibbles, size_t max,
                                 struct cht_arena *arena, const struct net_row **out_rows,
                                 size_t *out_count);

/* A dep that names an entry. */
struct crdt_dep replica_dep(const struct node_replica *r, struct crdt_place at,
                            const struct crdt_hash *hash);

#endif
