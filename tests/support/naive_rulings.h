#ifndef TESTS_SUPPORT_NAIVE_RULINGS_H
#define TESTS_SUPPORT_NAIVE_RULINGS_H
/* PROTOCOL 7.20 to 7.26 once more, sentence by sentence and without a thought for speed, for the
 * tests to compare with. It shares no code with net/ but the names of its numbers. */
#include "net/record.h"

#define NAIVE_DEVICES  6u
#define NAIVE_RECOVERY 6u /* as an author: the recovery key */
#define NAIVE_RECORDS  40u
#define NAIVE_ENTRIES  48u
#define NAIVE_TIPS     3u
#define NAIVE_PARENTS  8u
#define NAIVE_NOTHING  UINT32_MAX
#define NAIVE_NONE     9u /* below every role */

/* A record by its number; whom and what it names are numbers too. Record 0 is the founding one. */
struct naive_record {
    uint8_t kind, role, why;
    uint32_t author, device;
    uint32_t parents[NAIVE_PARENTS], parent_count;
    uint32_t tips[NAIVE_TIPS], tip_count; /* entries; NAIVE_NOTHING: one that nobody ever has */
    struct crdt_hash hash;
};

struct naive_entry {
    uint32_t device, prev;                     /* NAIVE_NOTHING: the first */
    uint32_t heads[NAIVE_PARENTS], head_count; /* records */
};

struct naive {
    struct naive_record records[NAIVE_RECORDS];
    struct naive_entry entries[NAIVE_ENTRIES];
    uint32_t record_count, entry_count;

    /* worked out by naive_records */
    bool held[NAIVE_RECORDS];
    bool seen[NAIVE_RECORDS][NAIVE_RECORDS]; /* the first has the second in its ancestry */
    bool counts[NAIVE_RECORDS];              /* a ruling that counts */
    bool given[NAIVE_RECORDS];               /* a grant that is not void */
    bool replaced[NAIVE_RECORDS];
};

/* Enter ancestry and whether it is held of the newest record (7.5, 7.20). */
void naive_add(struct naive *n);
/* The most that any record under these heads gives the device (7.6); 0 for nothing. */
uint32_t naive_ever(const struct naive *n, uint32_t device, const uint32_t *heads,
                    uint32_t head_count);
/* Decide what counts. */
void naive_decide(struct naive *n);
/* The right of an entry (7.26): a role or NAIVE_NONE; 0 where it is refused, NAIVE_NOTHING where a
 * head is not held. */
uint32_t naive_right(const struct naive *n, uint32_t entry);

#endif
