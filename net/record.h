#ifndef NET_RECORD_H
#define NET_RECORD_H
/* One membership record: its bytes, taken apart and put together (PROTOCOL 7.3).
 * What the records of a space mean together is in members.h. */
#include "crdt/base/wire.h"
#include "crdt/entry.h"
#include "net/identity.h"

/* Numbers up to NET_RECORD_KIND_MAX that have no name here are reserved. */
enum net_record_kind {
    NET_RECORD_FOUND = 1,
    NET_RECORD_ADMIT = 2,
    NET_RECORD_ROLE = 3,
    NET_RECORD_REVOKE = 7,
    NET_RECORD_KIND_MAX = 10
};

/* What a device may do. A smaller number is more (PROTOCOL 7.5). */
enum net_role {
    NET_ROLE_ADMIN = 1,
    NET_ROLE_WRITER = 2,
    NET_ROLE_READER = 3,
    NET_ROLE_RELAY = 4,
    NET_ROLE_BRIDGE = 5,
};

/* Why a device is revoked (PROTOCOL 7.20). */
enum net_why {
    NET_WHY_LOST = 1,        /* concurrent cut-offs add up */
    NET_WHY_COMPROMISED = 2, /* only what is inside all of them is kept */
};

#define NET_FOUND_NONCE_BYTES 16u
#define NET_RECOVERY_BYTES    32u
#define NET_GRANTS_MAX        256u /* fields a bridge may be granted */

/* An entry of a device that the context names: one of a cut-off. */
struct net_tip {
    uint8_t epoch[CRDT_EPOCH_BYTES];
    uint32_t seq;
    struct crdt_hash hash;
};

/* A record; spans borrow from the bytes it was read from, or from the caller when written. */
struct net_record {
    uint8_t kind;                 /* enum net_record_kind */
    uint8_t space[CRDT_ID_BYTES]; /* zeros in the founding record */
    crdt_hlc_stamp stamp;
    uint32_t parent_count;
    struct crdt_hash parents[LIMIT_MEMBER_HEADS]; /* sorted, no duplicates */

    uint8_t recovery[NET_RECOVERY_BYTES]; /* found: public key, zeros when unset */
    uint8_t nonce[NET_FOUND_NONCE_BYTES]; /* found */
    uint8_t role;                         /* found (admin), admit, role: enum net_role */
    struct net_cert cert;                 /* found, admit: of the founder or the admitted device */
    struct cht_bytes name;                /* found, admit: UTF-8 without control characters */
    struct cht_bytes grants;              /* admit and role of a bridge: as received, checked */

    uint8_t device[CRDT_ID_BYTES]; /* role, revoke: whom it is about */
    uint8_t why;                   /* revoke: enum net_why */
    struct cht_bytes cutoff;       /* role, revoke: as received, checked; see net_cutoff_next */

    uint8_t author[NET_SIGN_PK_BYTES];
    uint8_t sig[NET_SIG_BYTES];
};

/* "admin", "writer", …; NULL for a number that is no role. */
const char *net_role_name(unsigned role);
/* True for a name a device may have: 1 … LIMIT_NAME_BYTES bytes of UTF-8 without control
 * characters (it is printed on terminals). */
bool net_name_valid(struct cht_bytes name);

/* Take a record apart. Verifies nothing: see net_record_verify. CHT_E_MALFORMED; CHT_E_LIMIT:
 * longer than LIMIT_RECORD_BYTES, or more than LIMIT_MEMBER_HEADS parents, NET_GRANTS_MAX grants or
 * LIMIT_CUTOFF_TIPS tips;
 * CHT_E_UNSUPPORTED: a version or kind of a later level. Every record has exactly one encoding. */
CHT_MUST_USE enum cht_err net_record_decode(struct cht_bytes src, struct net_record *out);

/* Check the signatures of `rec`, which was decoded from `src`: the record's by its author, and its
 * certificate's where it has one. Says nothing about whether the author may. CHT_E_SIGNATURE. */
CHT_MUST_USE enum cht_err net_record_verify(const struct net_record *rec, struct cht_bytes src);

/* Append the bytes of `rec`, signed by `author`; `rec->author` and `rec->sig` are not looked at.
 * The caller has kept 7.3's limits and order (asserted). CHT_E_LIMIT, CHT_E_NOMEM: the buffer's. */
CHT_MUST_USE enum cht_err net_record_encode(const struct net_record *rec,
                                            const struct net_identity *author, struct cht_buf *out);

/* The id of the device that the record is about: its certificate's, or the one it names. */
void net_record_subject(const struct net_record *rec, uint8_t out[static CRDT_ID_BYTES]);

/* The bytes of a cut-off: `tips` in any order, at most LIMIT_CUTOFF_TIPS (else CHT_E_LIMIT), each
 * seq at least 1, no duplicates (else CHT_E_INVALID). Appended to `out`. */
CHT_MUST_USE enum cht_err net_cutoff_put(const struct net_tip *tips, size_t count,
                                         struct cht_buf *out);
/* Check the cut-off at the cursor; its bytes, borrowed. Fails the cursor: CHT_E_MALFORMED,
 * CHT_E_LIMIT. */
struct cht_bytes net_cutoff_read(struct cht_wire *w);
/* Begin to read a cut-off that net_record_decode has checked; then each tip, until false. */
struct cht_wire net_cutoff_begin(struct cht_bytes cutoff);
bool net_cutoff_next(struct cht_wire *w, struct net_tip *out);

/* The id of the space that a founding record founds. */
void net_space_of(struct cht_bytes found, uint8_t out[static CRDT_ID_BYTES]);

#endif
