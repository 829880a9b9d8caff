#ifndef TESTS_SUPPORT_TOY_H
#define TESTS_SUPPORT_TOY_H
/* A replica in memory for testing sync sessions: hash chains, deps, forks, membership records and a
 * state root, each as plain as they can be. An entry adds one row that is live for ever. Payloads
 * and heads are the toy's own; a session looks at neither. */
#include "crdt/root.h"
#include "net/session.h"

struct toy_entry {
    struct crdt_dep id;
    struct crdt_hash hash;
    const struct toy_entry *prev;     /* NULL for seq 1 */
    uint8_t dep[CRDT_DEP_HASH_BYTES]; /* an entry of anyone; zeros: none */
    uint32_t value, pad;              /* pad: bytes of padding in the payload */
    bool head;                        /* a commit ends here */
};

/* Entries are interned: the same bytes are the same object in every replica of a world. */
struct toy_world {
    struct toy_entry **table; /* open addressing by hash */
    size_t count, cap;
};
void toy_world_clear(struct toy_world *w);

struct toy_held {
    const struct toy_entry *entry;
    bool applied;
};

struct toy_record {
    struct crdt_hash hash;
    uint8_t bytes[4096];
    size_t len;
};

struct toy_replica {
    struct toy_world *world;
    uint8_t device[CRDT_ID_BYTES], epoch[CRDT_EPOCH_BYTES];
    const struct toy_entry *own; /* our last entry */
    struct toy_held *held;
    size_t held_count, held_cap;
    uint32_t *index; /* open addressing over `held` by hash; 0: empty, else position + 1 */
    size_t index_cap;
    struct crdt_root root;
    struct toy_record *records;
    size_t record_count, record_cap;
    struct net_fork_id forks[8]; /* fork proofs, ascending; a toy's proof is its id */
    size_t fork_count;
    /* kept up to date by toy_refresh */
    struct crdt_dep *stored, *applied;
    size_t stored_count, applied_count;
    struct crdt_hash member_heads[64];
    size_t member_head_count;
    /* what a test may set */
    bool busy;                   /* base() says CHT_E_BUSY */
    enum net_verdict verdict;    /* other than NET_STORED: given for every range, nothing is kept */
    const struct toy_entry *rot; /* this entry's row is damaged */
};

void toy_replica_init(struct toy_replica *r, struct toy_world *world, uint8_t number);
void toy_replica_clear(struct toy_replica *r);
struct net_view toy_view(struct toy_replica *r);

/* One commit of `count` own entries with `pad` bytes each; the first depends on `dep` (may be
 * NULL). Returns the last. */
const struct toy_entry *toy_commit(struct toy_replica *r, uint32_t count, uint32_t pad,
                                   uint32_t value, const struct toy_entry *dep);
/* Take in one range as the node would. */
enum net_verdict toy_receive(struct toy_replica *r, const struct crdt_range *range);
/* Apply what can be applied and work out the tips anew. */
void toy_refresh(struct toy_replica *r);
/* Copy every entry and record of `from` (a backup). The copy writes on as the same device. */
void toy_copy(struct toy_replica *to, const struct toy_replica *from);
/* A new record below the present heads, with `pad` bytes of padding (at most 3000). */
void toy_record_add(struct toy_replica *r, uint32_t number, uint32_t pad);
enum cht_err toy_record_receive(struct toy_replica *r, struct cht_bytes bytes);

/* A fork proof from outside. CHT_E_MALFORMED. */
enum cht_err toy_fork_receive(struct toy_replica *r, struct cht_bytes proof);

bool toy_holds(const struct toy_replica *r, const struct toy_entry *e);
/* The ranges of the own entries after `before` (NULL: all), through the view's own read. */
void toy_own_ranges(struct toy_replica *r, const struct toy_entry *before, struct cht_arena *arena,
                    struct net_run *out);
/* Equal entries, records and roots. */
bool toy_equal(const struct toy_replica *a, const struct toy_replica *b);

#endif
