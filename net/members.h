#ifndef NET_MEMBERS_H
#define NET_MEMBERS_H
/* The membership of one space: its records as a DAG, and who is admitted (PROTOCOL 7.3 to 7.6).
 *
 * It holds records in the order their parents came, so parents stand before children and the list
 * can be kept in a table and replayed. Records are never removed, also those that turn out not to
 * count. Two nodes that hold the same records agree on everything here but the order.
 *
 * Pointers and spans handed out live until the next net_members_add or net_members_free. */
#include "crdt/base/arena.h"
#include "net/record.h"

#define NET_DEVICE_TAG_BYTES      8u
#define NET_MEMBERS_WAITING       256u            /* records held back for lack of a parent */
#define NET_MEMBERS_WAITING_BYTES (1024u * 1024u) /* their bytes together */

struct net_members;

/* A device that some held record admits. */
struct net_device {
    uint8_t id[CRDT_ID_BYTES];
    struct net_cert cert; /* the one that counts (net_cert_cmp) */
    uint8_t role;         /* its standing (ruling.h): enum net_role, or 0: is no member any more */
    uint8_t name_len;
    char name[LIMIT_NAME_BYTES]; /* no NUL at the end */
    struct crdt_hash record;     /* the record that `cert` and `name` come from */
};

/* The membership of the space with that id, without records. NULL when out of memory. */
struct net_members *net_members_new(const uint8_t space[static CRDT_ID_BYTES]);
void net_members_free(struct net_members *m);
/* The space's id. */
const uint8_t *net_members_space(const struct net_members *m);

/* Add the exact bytes of a record; they are copied. CHT_OK: it is held (now, or already), and with
 * it each record that waited for it; a caller that keeps records looks at what
 * net_members_record has from the count before on. CHT_E_WAITING: verified, but a parent is not
 * held; it is kept until the parent comes (not across a restart). Refused and forgotten:
 * CHT_E_MALFORMED; CHT_E_UNSUPPORTED: a kind of a later level; CHT_E_SIGNATURE; CHT_E_INVALID:
 * another space's; CHT_E_DENIED: its author is no admin under its parents, or no record among
 * them or their ancestors admits the device that a ruling names; CHT_E_LIMIT: too long,
 * LIMIT_RECORDS or LIMIT_RULINGS held (less for those below the recovery key and the founder), or
 * too much waiting; CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err net_members_add(struct net_members *m, struct cht_bytes record);

/* Records that were held before, in a file or by an inviter, are added now: which of them count is
 * worked out once, by net_members_loaded. With each record it is work that grows with all of them:
 * a hostile admin's thousands would hold up every start for minutes. Until then nobody asks for
 * standings. */
void net_members_loading(struct net_members *m);
void net_members_loaded(struct net_members *m);

/* Records held, without those that wait. */
uint32_t net_members_count(const struct net_members *m);
uint32_t net_members_waiting(const struct net_members *m);
/* Bytes of record `index` (below the count), and its hash when `out_hash` is not NULL. */
struct cht_bytes net_members_record(const struct net_members *m, uint32_t index,
                                    struct crdt_hash *out_hash);
/* True when a record with that hash is held. */
bool net_members_has(const struct net_members *m, const struct crdt_hash *record);
/* True when both are held and `ancestor` is `record` or comes before it. */
bool net_members_reaches(const struct net_members *m, const struct crdt_hash *record,
                         const struct crdt_hash *ancestor);

/* All heads, sorted ascending: for a HEADS frame. */
const struct crdt_hash *net_members_heads(const struct net_members *m, uint32_t *out_count);
/* The heads that `device` names in an entry or a record: all of them, or when they are more than
 * LIMIT_MEMBER_HEADS as many, one that gives it the role it has among them. Sorted; returns the
 * count. */
uint32_t net_members_heads_named(const struct net_members *m,
                                 const uint8_t device[static CRDT_ID_BYTES],
                                 struct crdt_hash out[static LIMIT_MEMBER_HEADS]);

/* The most that `device` ever had under `heads` (PROTOCOL 7.6); what was taken back is not looked
 * at: see ruling.h. CHT_E_WAITING: a head is not held; CHT_E_DENIED: not admitted under them, or no
 * heads. Costs a few look-ups. */
CHT_MUST_USE enum cht_err net_members_role(const struct net_members *m,
                                           const uint8_t device[static CRDT_ID_BYTES],
                                           const struct crdt_hash *heads, uint32_t head_count,
                                           enum net_role *out);

/* Devices, in the order they were first admitted here. */
uint32_t net_members_device_count(const struct net_members *m);
const struct net_device *net_members_device_at(const struct net_members *m, uint32_t index);
/* NULL when no held record admits such a device. */
const struct net_device *net_members_device(const struct net_members *m,
                                            const uint8_t id[static CRDT_ID_BYTES]);
/* By the first bytes of the id; of several the first admitted here. */
const struct net_device *net_members_tagged(const struct net_members *m,
                                            const uint8_t tag[static NET_DEVICE_TAG_BYTES]);
/* By the transport key that counts. A hostile member may certify another's key as its own (it gains
 * nothing but this ambiguity): of several the first admitted here that is a member. Who has been
 * told a device id compares that device's certificate instead. */
const struct net_device *net_members_transport(const struct net_members *m,
                                               const uint8_t key[static NET_TRANSPORT_BYTES]);

/* Records that are not in the ancestry of `heads` (those not held here count as having none),
 * parents before children, at most `budget` bytes together but at least one when any is left. The
 * array is in `arena`, the bytes are borrowed. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err net_members_since(const struct net_members *m,
                                            const struct crdt_hash *heads, size_t head_count,
                                            size_t budget, struct cht_arena *arena,
                                            const struct cht_bytes **out_records,
                                            size_t *out_count);

/* --- writing ------------------------------------------------------------------------------- */

/* What the founder puts in. `recovery` may be NULL; `nonce` is random. */
struct net_founding {
    crdt_hlc_stamp stamp;
    struct cht_bytes name;
    const uint8_t *recovery; /* NET_RECOVERY_BYTES, or NULL */
    uint8_t nonce[NET_FOUND_NONCE_BYTES];
};

/* Append the founding record of a new space by `founder`, and tell the space's id.
 * CHT_E_INVALID: the name; CHT_E_LIMIT, CHT_E_NOMEM: the buffer's. */
CHT_MUST_USE enum cht_err net_members_found(const struct net_founding *founding,
                                            const struct net_identity *founder, struct cht_buf *out,
                                            uint8_t out_space[static CRDT_ID_BYTES]);

/* Whom to admit, and as what. */
struct net_admission {
    crdt_hlc_stamp stamp;
    enum net_role role; /* any but NET_ROLE_BRIDGE, which level 1 does not issue */
    const struct net_cert *cert;
    struct cht_bytes name;
};

/* Append a record by `author` that admits a device, under the heads held here. It is not added.
 * CHT_E_DENIED: the author is no admin here; CHT_E_INVALID: the name or the role;
 * CHT_E_SIGNATURE: the certificate; CHT_E_CONFLICT: another device has its transport key;
 * CHT_E_EXISTS: the device is a member already with this or a later certificate; CHT_E_LIMIT: it
 * would have to name too many heads, or the buffer's; CHT_E_NOMEM. One that is no member any more
 * is readmitted (PROTOCOL 7.27). */
CHT_MUST_USE enum cht_err net_members_admit(const struct net_members *m,
                                            const struct net_admission *admission,
                                            const struct net_identity *author, struct cht_buf *out);

struct net_readmission {
    crdt_hlc_stamp stamp;
    const uint8_t *device; /* CRDT_ID_BYTES */
    enum net_role role;
};

/* The same for a device that is known here and no member any more, with the certificate and the
 * name it had. What it wrote outside the cut-off stays void. CHT_E_NOTFOUND: no such device;
 * CHT_E_EXISTS: it is a member; else as net_members_admit. */
CHT_MUST_USE enum cht_err net_members_readmit(const struct net_members *m,
                                              const struct net_readmission *readmission,
                                              const struct net_identity *author,
                                              struct cht_buf *out);

/* `tips` are the entries up to which the device's own stay in force, with all in their past: the
 * ends of ranges, so that a head vouches for them (PROTOCOL 7.20); in any order. */
struct net_revocation {
    crdt_hlc_stamp stamp;
    const uint8_t *device; /* CRDT_ID_BYTES */
    enum net_why why;
    const struct net_tip *tips;
    size_t tip_count;
};

/* Append a record by `author` that revokes a device; of one that is revoked it moves the cut-off
 * to `tips`, up or down. CHT_E_DENIED: the author is no admin here; CHT_E_NOTFOUND: no such device;
 * CHT_E_CONFLICT: it is the only admin; CHT_E_INVALID: a tip twice or with seq 0; CHT_E_LIMIT: more
 * than LIMIT_CUTOFF_TIPS, too many heads to name, or the buffer's; CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err net_members_revoke(const struct net_members *m,
                                             const struct net_revocation *revocation,
                                             const struct net_identity *author,
                                             struct cht_buf *out);

/* Tips as above; what they leave out is void where the new role does not write. */
struct net_role_change {
    crdt_hlc_stamp stamp;
    const uint8_t *device; /* CRDT_ID_BYTES */
    enum net_role role;    /* any but NET_ROLE_BRIDGE */
    const struct net_tip *tips;
    size_t tip_count;
};

/* Append a record by `author` that gives a member another role; the role it has, when that does
 * not write, only moves the cut-off. CHT_E_INVALID: the role, or the tips; CHT_E_NOTFOUND: no such
 * member; CHT_E_EXISTS: it has that role; the rest as net_members_revoke. */
CHT_MUST_USE enum cht_err net_members_change_role(const struct net_members *m,
                                                  const struct net_role_change *change,
                                                  const struct net_identity *author,
                                                  struct cht_buf *out);

#endif
