#ifndef NET_VIEW_H
#define NET_VIEW_H
/* What a sync session may read of one space's replica. The daemon implements it on its store, the
 * tests in memory. A session only reads through here; what it wants changed leaves it as an effect.
 *
 * Every call answers from one state: what the last committed turn left. Between the calls that one
 * `net_session_*` call makes nothing may change. Results live in the arena handed in (or in the
 * replica) until the arena is reset. A tip is named by `struct crdt_dep`: device, epoch, seq and
 * the first 16 bytes of the entry's hash. "The path of a tip" is the entries reached from it by
 * previous, through any epochs; seqs along it run down to 1 without a gap. */
#include "crdt/base/arena.h"
#include "crdt/entry.h"
#include "crdt/range.h"
#include "net/fork.h"

#define NET_PREFIX_NIBBLES_MAX 34u /* an entity is type and id: 17 bytes */
#define NET_DIGEST_CHILDREN    16u

/* Where this replica stands: the content of a HEADS (PROTOCOL 8.6). */
struct net_heads {
    const struct crdt_dep *stored; /* ends of all paths durable here, in crdt_dep_cmp order */
    size_t stored_count;
    const struct crdt_dep *applied; /* tips of what is applied; may be the same array */
    size_t applied_count;
    struct crdt_hash root;                /* state root at `applied` (PROTOCOL 5.8) */
    const struct crdt_hash *member_heads; /* sorted ascending */
    size_t member_head_count;
    uint16_t level; /* protocol level in force */
};

/* Ranges to send, in order along one path. */
struct net_run {
    const struct crdt_range *ranges; /* `own` and `device_tag` need not be set */
    size_t count;      /* 0: the next range does not fit the budget, or nothing is left */
    uint32_t last_seq; /* of the last entry in `ranges`; unset when count is 0 */
    uint8_t last_hash[CRDT_DEP_HASH_BYTES];
    bool complete; /* the last entry is the wanted tip */
};

/* One of the 16 parts of the live values under a prefix. */
struct net_digest {
    uint8_t sum[CRDT_HASH_BYTES]; /* sum mod 2^256 of their terms (PROTOCOL 5.8), little-endian */
    uint64_t count;               /* how many terms */
};

/* One live value, as named when a bisect has reached it. */
struct net_row {
    struct crdt_id entity;
    uint16_t field;
    struct cht_bytes key;          /* exact msgpack; empty when there is none */
    uint8_t device[CRDT_ID_BYTES]; /* its dot: device, epoch, seq, index */
    uint8_t epoch[CRDT_EPOCH_BYTES];
    uint32_t seq;
    uint16_t index;
    struct crdt_hash term; /* H(term) of the value, as it stands in the state root (PROTOCOL 5.8) */
};

struct net_view_ops {
    /* Where the replica stands. CHT_E_NOMEM, CHT_E_IO. */
    enum cht_err (*heads)(void *ctx, struct cht_arena *arena, struct net_heads *out);

    /* Is this entry stored durably here (applied, waiting or void alike)? */
    bool (*has)(void *ctx, const struct crdt_dep *entry);

    /* From where to ask for a tip that is not held: the held entry of its device that is most
     * likely on its path, with a seq below the tip's (the highest of the same epoch, else the
     * highest tip below). seq 0 and a zero hash: nothing is held, ask from the first.
     * CHT_E_BUSY: this path has a credit window of entries waiting, or more branches than are
     * pulled; nothing may be asked now. */
    enum cht_err (*base)(void *ctx, const struct crdt_dep *tip, uint32_t *out_seq,
                         uint8_t out_hash[CRDT_DEP_HASH_BYTES]);

    /* Ranges along the path of `tip`, from seq `from` to the tip at most, as they are to be sent
     * (thinned, re-encoded where a stored range starts before `from`). `before` is the hash of the
     * entry at from - 1 (zeros when from is 1). At most LIMIT_FRAME_RANGES of them, the payloads
     * adding up to at most `budget` bytes.
     * CHT_E_NOTFOUND: the tip is not held, or part of its path is gone. CHT_E_CONFLICT: the entry
     * at from - 1 on its path is another one. CHT_E_NOMEM, CHT_E_IO, CHT_E_CORRUPT. */
    enum cht_err (*read)(void *ctx, const struct crdt_dep *tip, uint32_t from,
                         const uint8_t before[CRDT_DEP_HASH_BYTES], size_t budget,
                         struct cht_arena *arena, struct net_run *out);

    /* The entry at seq `seq` on the path of `tip`, for a MISS. CHT_E_NOTFOUND as for read, and when
     * seq is above the tip's. */
    enum cht_err (*at)(void *ctx, const struct crdt_dep *tip, uint32_t seq, struct crdt_dep *out);

    /* Membership records held that are not in the ancestry of `heads` (heads not held here count as
     * having none), parents before children, at most `budget` bytes together (at least one when any
     * is left). CHT_E_NOMEM, CHT_E_IO. */
    enum cht_err (*records)(void *ctx, const struct crdt_hash *heads, size_t head_count,
                            size_t budget, struct cht_arena *arena,
                            const struct cht_bytes **out_records, size_t *out_count);

    /* Sums of the live values whose entity starts with the `nibbles` half-bytes of `prefix` (high
     * half first, type before id), split by the next half-byte. nibbles < NET_PREFIX_NIBBLES_MAX.
     * CHT_E_NOMEM, CHT_E_IO. */
    enum cht_err (*digest)(void *ctx, const uint8_t *prefix, unsigned nibbles,
                           struct net_digest out[static NET_DIGEST_CHILDREN]);

    /* The live values under a prefix of up to NET_PREFIX_NIBBLES_MAX half-bytes, in ascending order
     * of (type, id, field, key, dot, index), the first `max` of them. CHT_E_NOMEM, CHT_E_IO. */
    enum cht_err (*rows)(void *ctx, const uint8_t *prefix, unsigned nibbles, size_t max,
                         struct cht_arena *arena, const struct net_row **out_rows,
                         size_t *out_count);

    /* The fork proofs held, ascending (net_fork_id_cmp); NULL: none ever are. CHT_E_NOMEM. */
    enum cht_err (*forks)(void *ctx, struct cht_arena *arena, const struct net_fork_id **out_ids,
                          size_t *out_count);
    /* The bytes of one. CHT_E_NOTFOUND. Together with `forks`. */
    enum cht_err (*fork)(void *ctx, const struct net_fork_id *id, struct cht_bytes *out);
};

struct net_view {
    const struct net_view_ops *ops;
    void *ctx; /* handed to every call */
};

#endif
