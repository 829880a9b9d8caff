#ifndef NET_DIRECTED_H
#define NET_DIRECTED_H
/* Directed messages between nodes (PROTOCOL 8.10): the SyncMessage map of the local protocol, as
 * msgpack. Only `event`, `command` and `query` travel so; what the other types of the original
 * documents mean has frames of its own. They are no entries: nothing is logged, nothing is resent.
 */
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"
#include "crdt/hash.h"

enum net_directed_type { NET_DIRECTED_EVENT, NET_DIRECTED_COMMAND, NET_DIRECTED_QUERY };

struct net_directed {
    enum net_directed_type type;
    struct cht_bytes id;     /* the string `id`; may be empty */
    struct cht_bytes domain; /* payload.domain, payload.operation; empty when absent */
    struct cht_bytes operation;
    bool broadcast;       /* target.broadcast */
    uint64_t expires_ms;  /* metadata.timestamp + ttl, since the Unix epoch */
    struct cht_bytes map; /* the whole, exact bytes */
};

/* Read and judge a message for `device` (its 32 hex digits must stand in target.nodeIds, or
 * target.broadcast be true). Spans borrow from `map`. `commands`: those that are let through, each
 * "domain.operation".
 * CHT_E_MALFORMED: no bounded msgpack map, or a field of another kind; CHT_E_LIMIT: too long, or a
 * ttl outside 1 … LIMIT_MESSAGE_TTL_S; CHT_E_UNSUPPORTED: another type; CHT_E_NOTFOUND: not for
 * this device; CHT_E_EXPIRED: past its time by more than clocks may differ (CRDT_HLC_DRIFT_MS_MAX);
 * CHT_E_DENIED: a command that is not let through. */
CHT_MUST_USE enum cht_err net_directed_read(struct cht_bytes map,
                                            const uint8_t device[CRDT_ID_BYTES],
                                            const char *const *commands, size_t command_count,
                                            uint64_t wall_ms, struct net_directed *out);

#endif
