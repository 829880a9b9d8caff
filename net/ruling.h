#ifndef NET_RULING_H
#define NET_RULING_H
/* What the records of a space say about a device and about each of its entries (PROTOCOL 7.20 to
 * 7.28): in force, or void and because of which record.
 *
 * A *grant* is a record that gives a device a role (found, admit, role), a *ruling* one that limits
 * it (role, revoke). What is judged is a function of the records held and of the entries held,
 * never of the order in which they came (but for net_members_changes). It is worked out when a
 * record is added; a question costs a few look-ups, and asks the caller for pasts only where a
 * ruling on the device counts. */
#include "net/members.h"

/* --- entries ------------------------------------------------------------------------------- */

enum net_standing {
    NET_STANDS,         /* in force, with `role` admin or writer */
    NET_VOID_REVOKED,   /* `record` revokes its device, and it is outside the cut-off */
    NET_VOID_ROLE,      /* `record` gives its device a role that does not write, or lowers it to
                         * one and the entry is outside the cut-off */
    NET_VOID_ADMISSION, /* `record` admitted its device and is void itself */
};

struct net_judgement {
    enum net_standing standing;
    unsigned role;           /* enum net_role; 0 for none */
    struct crdt_hash record; /* why it is void; zeros where it stands */
};

/* The entry asked about, or one that is still to be written. */
struct net_question {
    const uint8_t *device;         /* CRDT_ID_BYTES */
    const struct crdt_hash *heads; /* the membership heads in force on its path (PROTOCOL 2.7) */
    uint32_t head_count;           /* at most LIMIT_MEMBER_HEADS */
    /* Is the entry `tip` of the same device, or in the past of it? False where `tip` is not held.
     * An error ends the judgement and is returned. NULL: it is in no past, as a new entry. */
    enum cht_err (*inside)(void *ctx, const struct net_tip *tip, bool *out);
    void *ctx;
};

/* Judge an entry. CHT_E_WAITING: a head is not held; CHT_E_DENIED: the entry is refused, as no
 * record in the ancestry of the heads admits its device (PROTOCOL 7.6); errors of `inside`. */
CHT_MUST_USE enum cht_err net_members_judge(const struct net_members *m,
                                            const struct net_question *question,
                                            struct net_judgement *out);

/* How often what is judged of the device's entries may have changed: who keeps judgements notes
 * this number beside them and judges all entries of the device anew where it differs. It starts
 * at 0 with each struct net_members; 0 for a device that is not known. While it is 0, no
 * record lowers the device's rights, and its entries stand or fall by the role that
 * net_members_role gives. */
uint32_t net_members_changes(const struct net_members *m,
                             const uint8_t device[static CRDT_ID_BYTES]);
/* True when a ruling on the device that counts has exactly this entry in its cut-off. An entry that
 * comes after the ruling and is named so brings others inside: judge all of its device's anew. */
bool net_members_cuts_at(const struct net_members *m, const uint8_t device[static CRDT_ID_BYTES],
                         const struct net_tip *tip);

/* --- devices ------------------------------------------------------------------------------- */

/* How a device stands now, under all records held: as an entry that it would write next. */
struct net_judgement net_members_standing(const struct net_members *m,
                                          const uint8_t device[static CRDT_ID_BYTES]);

enum net_access {
    NET_ACCESS_UNKNOWN, /* nobody here has that key (yet) */
    NET_ACCESS_MEMBER,  /* of whatever role */
    NET_ACCESS_REVOKED, /* was admitted, and is not any more: told so once (PROTOCOL 7.28) */
};
/* May who has this transport key connect? */
enum net_access net_members_access(const struct net_members *m,
                                   const uint8_t transport[static NET_TRANSPORT_BYTES]);

/* --- records ------------------------------------------------------------------------------- */

/* True when record `index` (below the count) has an effect: as a grant, or as a ruling. */
bool net_members_counts(const struct net_members *m, uint32_t index);

#endif
