#ifndef NET_BEACON_H
#define NET_BEACON_H
/* What a node says of itself on the local network, and how members recognise it (PROTOCOL 11).
 *
 * An announcement carries a random name and either *tags*, one for each member that is to recognise
 * it, or the *selector* of an invitation. A tag is made from a key that only the two devices can
 * compute, the hour and the name: to everybody else it is noise, and those of two hours have
 * nothing in common. What comes from the network is a hint and proves nothing. */
#include "crdt/base/buf.h"
#include "crdt/id.h"
#include "crdt/limits.h"
#include "net/identity.h"

#define NET_BEACON_TAG_BYTES      8u
#define NET_BEACON_KEY_BYTES      32u
#define NET_BEACON_NAME_BYTES     16u /* hex digits; the name of an announcement */
#define NET_BEACON_TAGS           64u /* in one announcement, padding included */
#define NET_BEACON_PAD            8u  /* tags are filled up to a multiple of this with noise */
#define NET_BEACON_SELECTOR_BYTES 16u /* the longest selector */
#define NET_BEACON_HOUR_MS        3600000u

/* What an announcement says. */
struct net_beacon {
    size_t tag_count; /* 0: it is an invitation's */
    uint8_t tags[NET_BEACON_TAGS][NET_BEACON_TAG_BYTES];
    size_t selector_len;
    uint8_t selector[NET_BEACON_SELECTOR_BYTES];
};

/* Write it as the data of a DNS TXT record. `tag_count` or `selector_len` is 0, not both
 * (asserted). CHT_E_LIMIT, CHT_E_NOMEM: of the buffer. */
CHT_MUST_USE enum cht_err net_beacon_put(const struct net_beacon *beacon, struct cht_buf *out);
/* Read the data of a TXT record; its strings may come in any order. CHT_E_MALFORMED;
 * CHT_E_UNSUPPORTED: of another version; CHT_E_LIMIT: longer than LIMIT_BEACON_BYTES. */
CHT_MUST_USE enum cht_err net_beacon_read(struct cht_bytes txt, struct net_beacon *out);
/* NET_BEACON_NAME_BYTES lower-case hex digits? */
bool net_beacon_is_name(struct cht_bytes name);

/* The key that two devices share for their tags, whichever computes it. The caller wipes it. */
struct net_beacon_key {
    uint8_t device[CRDT_ID_BYTES]; /* the other one */
    uint8_t key[NET_BEACON_KEY_BYTES];
};

/* With `peer`, whose current transport key is `peer_pk`, in a space. CHT_E_INVALID: that key is
 * none that a key can be agreed with. */
CHT_MUST_USE enum cht_err net_beacon_key(const struct net_identity *own,
                                         const uint8_t space[static CRDT_ID_BYTES],
                                         const uint8_t peer[static CRDT_ID_BYTES],
                                         const uint8_t peer_pk[static NET_TRANSPORT_BYTES],
                                         struct net_beacon_key *out);
/* The tag that `announcer` puts under `name` for the device it shares `key` with. `hour` is hours
 * since the Unix epoch. */
void net_beacon_tag(const uint8_t key[static NET_BEACON_KEY_BYTES],
                    const uint8_t announcer[static CRDT_ID_BYTES], uint64_t hour,
                    struct cht_bytes name, uint8_t out[static NET_BEACON_TAG_BYTES]);
/* The tags for everyone in `keys` (the first NET_BEACON_TAGS of them) announced by `own`, sorted,
 * filled up with `noise`. */
void net_beacon_tags(const struct net_beacon_key *keys, size_t count,
                     const uint8_t own[static CRDT_ID_BYTES], uint64_t hour, struct cht_bytes name,
                     const uint8_t noise[static NET_BEACON_PAD * NET_BEACON_TAG_BYTES],
                     struct net_beacon *out);
/* Which of `keys` is the announcer's, in this hour or a neighbouring one; NULL: nobody's. */
const struct net_beacon_key *net_beacon_whose(const struct net_beacon *beacon,
                                              struct cht_bytes name,
                                              const struct net_beacon_key *keys, size_t count,
                                              uint64_t hour);

#endif
