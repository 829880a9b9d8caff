#ifndef TESTS_PROP_COURT_H
#define TESTS_PROP_COURT_H
/* The members of a random history, who revoke each other while it is written (PROTOCOL 7.20). */
#include "crdt/model.h"
#include "net/ruling.h"
#include "tests/support/seeded.h"
#include "tests/support/space.h"

#define COURT_RECORDS_MAX 48u

struct court {
    struct seeded random;
    const struct space *space;
    struct net_members *held[HISTORY_DEVICES_MAX]; /* what each device has heard */
    struct cht_bytes records[COURT_RECORDS_MAX];   /* all, parents first; the space's own first */
    uint32_t count;
    uint32_t most; /* so many at most */
    struct crdt_hash heads[LIMIT_MEMBER_HEADS];
    uint32_t revokes, roles, admits;
    struct cht_arena arena;
};

void court_make(struct court *c, const struct space *space, uint64_t seed);
void court_clear(struct court *c);
/* For struct history_space: what a device has heard now; sometimes it hears or rules first. */
const struct crdt_hash *court_heads_of(void *ctx, const struct history *h, uint32_t device,
                                       uint32_t *out_count);
/* One more record, under all that `members` holds, by its most senior admin in office: a revocation
 * of the device with the tips that the model holds of it; misnamed: with their hashes, but epochs
 * that they are not of. False: nobody is in office. */
bool court_raise(struct court *c, const struct net_members *members, const struct crdt_model *m,
                 uint32_t device, bool misnamed, struct cht_bytes *out);

/* Say of each entry of a settled model whether rulings void it; returns how many applied ones. The
 * pasts that it asks for are the model's. */
uint64_t court_judge(const struct net_members *members, struct crdt_model *m);

#endif
