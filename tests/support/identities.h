#ifndef TESTS_SUPPORT_IDENTITIES_H
#define TESTS_SUPPORT_IDENTITIES_H
/* Devices with known keys, and spaces of them. */
#include "net/members.h"

/* The device whose seeds are 32 times `number` and 32 times `number + 1`. */
static inline void identity_of(uint8_t number, struct net_identity *out)
{
    struct net_seeds seeds;
    memset(seeds.sign, number, sizeof seeds.sign);
    memset(seeds.transport, number + 1, sizeof seeds.transport);
    net_identity_make(out, &seeds, /* serial= */ 1, crdt_hlc_make(1000, 0));
}

/* Append the founding record of a space by `founder`, named "laptop". */
static inline enum cht_err found_by(const struct net_identity *founder, struct cht_buf *out,
                                    uint8_t out_space[static CRDT_ID_BYTES])
{
    struct net_founding founding = { .stamp = crdt_hlc_make(1001, 0),
                                     .name = cht_bytes_str("laptop") };
    memset(founding.nonce, 0x30, sizeof founding.nonce);
    return net_members_found(&founding, founder, out, out_space);
}

#endif
