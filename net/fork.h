#ifndef NET_FORK_H
#define NET_FORK_H
/* The proof that a device signed two entries of one epoch with one seq (PROTOCOL 4.4): a process
 * that was duplicated with its memory, or malice. It carries the device's key, so that anybody can
 * check it alone. It changes no state: both branches are applied; it tells people and the device.
 */
#include "crdt/base/arena.h"
#include "crdt/base/buf.h"
#include "crdt/range.h"
#include "net/sign.h"

/* The headers from the entries that differ on, up to one with a head. */
struct net_fork_branch {
    uint32_t count; /* 1 … LIMIT_HEAD_ENTRIES */
    const struct cht_bytes *headers;
    struct crdt_hash first, last; /* hashes of the first and the last; set by net_fork_decode */
    uint8_t head[CRDT_SIG_BYTES]; /* over the hash of the last */
};

struct net_fork {
    uint8_t sign_pk[NET_SIGN_PK_BYTES]; /* the device's D */
    struct net_fork_branch branches[2]; /* the one whose first entry has the smaller hash first */
    /* what the headers say; set by net_fork_decode */
    uint8_t space[CRDT_ID_BYTES], device[CRDT_ID_BYTES], epoch[CRDT_EPOCH_BYTES];
    uint32_t seq;
};

/* What a proof is about: of one epoch, one proof is enough. */
struct net_fork_id {
    uint8_t device[CRDT_ID_BYTES], epoch[CRDT_EPOCH_BYTES];
};
int net_fork_id_cmp(const struct net_fork_id *a, const struct net_fork_id *b);

/* Append the bytes of a proof; the two branches are put in their order. The headers are as
 * net_fork_decode wants them (not looked at). CHT_E_LIMIT: more than LIMIT_FORK_BYTES, or than the
 * buffer; CHT_E_NOMEM. On error `out` is unchanged. */
CHT_MUST_USE enum cht_err net_fork_encode(const struct net_fork *fork, struct cht_buf *out);

/* Take a proof apart: every header is read, each names the hash of the one before, and the first
 * two are of one space, device, epoch and seq and differ. Verifies no signature. Spans borrow from
 * `src`. CHT_E_MALFORMED; CHT_E_LIMIT: longer than LIMIT_FORK_BYTES, or a limit of PROTOCOL 2.8;
 * CHT_E_UNSUPPORTED: of a later version; CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err net_fork_decode(struct cht_bytes src, struct cht_arena *arena,
                                          struct net_fork *out);
/* Check both heads of a decoded proof. CHT_E_SIGNATURE. */
CHT_MUST_USE enum cht_err net_fork_verify(const struct net_fork *fork);

#endif
