#ifndef NET_MEMBERS_OWN_H
#define NET_MEMBERS_OWN_H
/* What the files of the membership share; only they include it. members.c holds the records,
 * members_look.c answers for them and members_write.c makes new ones; seniority.c and ruling.c work
 * out which of them count, judge.c what follows for a device and its entries.
 *
 * Each held record carries the set of its ancestors as a bitset over the indices below its own
 * (512 bytes at LIMIT_RECORDS), so ancestry is one bit test. The grants to one device form a list
 * from the newest back, and so do the rulings on it; nearly always the first has one element and
 * the second none. */
#include "net/ruling.h"

#define NONE UINT32_MAX

/* Rights are enum net_role, and below them all: */
#define RIGHT_NONE (NET_ROLE_BRIDGE + 1u)

struct row {
    struct crdt_hash hash;
    struct cht_bytes bytes; /* owned: in one allocation with `past` */
    uint64_t *past;         /* bit i: row i is an ancestor; i below the own index */
    struct cht_bytes cutoff;
    uint32_t device;        /* whom it is about */
    uint32_t author;        /* NONE: the recovery key */
    uint32_t grant_before;  /* the row before that is a grant to the same device; NONE at the end */
    uint32_t ruling_before; /* the same for rulings */
    uint32_t senior;   /* of the found and admit rows seen that have its author: the most senior */
    uint32_t support;  /* the grant on which its author's right to write it rests */
    uint16_t depth;    /* of a found or admit record (PROTOCOL 7.23) */
    uint8_t kind, why; /* enum net_record_kind, enum net_why */
    uint8_t role;      /* of a grant */
    uint8_t bound;     /* of a ruling: enum net_role or RIGHT_NONE */
    bool counts;       /* a ruling that counts (7.23) */
    bool replaced;     /* … and of which another stands in place (7.25) */
    bool is_void;      /* a grant that gives nothing (7.24) */
};

/* Open addressing over row or device numbers plus 1; nothing is ever taken out, so of two with an
 * equal key the smaller number is found first. Keys are hashes: their first bytes spread. */
struct index {
    uint32_t *slots;
    uint32_t cap; /* a power of two; 0 when empty */
};

struct waiting {
    struct crdt_hash hash;
    uint8_t *data; /* owned */
    size_t len;
};

/* What stands beside each struct net_device. */
struct subject {
    uint32_t grant_last, ruling_last; /* the newest rows; NONE without one */
    uint32_t changes;                 /* see net_members_changes */
    bool touched;                     /* while what counts is worked out */
};

struct net_members {
    uint8_t space[CRDT_ID_BYTES];
    uint8_t recovery[NET_RECOVERY_BYTES]; /* zeros: none */
    struct row *rows;
    struct net_device *devices;
    struct subject *subjects; /* as many as devices */
    struct crdt_hash *heads;  /* sorted */
    uint32_t row_count, row_cap, device_count, device_cap, head_count, ruling_count;
    struct index by_hash, by_device;
    struct waiting waiting[NET_MEMBERS_WAITING];
    uint32_t waiting_count;
    size_t waiting_bytes;
    bool loading; /* what counts is not worked out */
};

/* The number of a record, or of a device by the first `len` bytes of its id; NONE. */
uint32_t members_find_row(const struct net_members *m, const struct crdt_hash *hash);
uint32_t members_find_device(const struct net_members *m, const uint8_t *id, size_t len);

static inline bool row_is_grant(const struct row *row)
{
    return row->role != 0;
}

static inline bool row_is_ruling(const struct row *row)
{
    return row->bound != 0;
}

static inline size_t members_words(uint32_t index)
{
    return ((size_t)index + 63) / 64;
}

/* Row `row` has row `index` in its ancestry (PROTOCOL 7.21). */
static inline bool members_seen(const struct net_members *m, uint32_t row, uint32_t index)
{
    return index < row && (m->rows[row].past[index / 64] >> (index % 64) & 1) != 0;
}

/* Row `under` is row `index` or has seen it. */
static inline bool members_reaches(const struct net_members *m, uint32_t under, uint32_t index)
{
    return under == index || members_seen(m, under, index);
}

/* The role of a device under one row by what gives it one, 0 for none (7.6): the most. */
unsigned members_role_under(const struct net_members *m, uint32_t device, uint32_t under);

/* Enter depth and seniority of the newest row (seniority.c). */
void members_rank(struct net_members *m, uint32_t row);
/* All rulings in the order of PROTOCOL 7.23; returns how many (at most LIMIT_RULINGS). */
uint32_t members_order(const struct net_members *m, uint32_t out[static LIMIT_RULINGS]);
/* The newest row is complete: work out anew what counts, and what that changes for devices. */
void members_settle(struct net_members *m);
/* The right that an entry or record of the device would have under these heads (NULL: all that is
 * held), which has seen no other ruling: enum net_role or RIGHT_NONE; 0 where no grant under them
 * names the device. At most LIMIT_MEMBER_HEADS. */
unsigned members_right(const struct net_members *m, uint32_t device, const struct crdt_hash *heads,
                       uint32_t head_count);

#endif
