#ifndef NET_LOOKOUT_H
#define NET_LOOKOUT_H
/* What a node and its discovery helper say to each other. The helper speaks with avahi and holds no
 * keys; each message is one packet of a socket pair. It parses what strangers send, so the node
 * trusts its messages no more than theirs. */
#include "crdt/base/buf.h"
#include "crdt/limits.h"
#include "net/ticket.h"

#define NET_LOOKOUT_BYTES (128u + LIMIT_BEACON_BYTES) /* the longest message */
#define NET_LOOKOUT_NAME  63u                         /* the longest name in DNS-SD */
#define NET_LOOKOUT_FD    0                           /* the helper's end of the socket pair */

/* Announcements of one node; each is a service of its own. */
enum net_lookout_slot { NET_LOOKOUT_MEMBERS = 0, NET_LOOKOUT_PAIRING = 1, NET_LOOKOUT_SLOTS };

enum net_lookout_kind {
    /* the node's */
    NET_LOOKOUT_ANNOUNCE = 1, /* slot, name, port, txt: instead of what the slot announced */
    NET_LOOKOUT_WITHDRAW = 2, /* slot */
    NET_LOOKOUT_AGAIN = 3,    /* look anew, as if nothing had been found */
    /* the helper's */
    NET_LOOKOUT_STATE = 4, /* state, dropped */
    NET_LOOKOUT_FOUND = 5, /* name, host, port, txt */
    NET_LOOKOUT_GONE = 6,  /* name */
    NET_LOOKOUT_TAKEN = 7, /* slot: another node announces under that name */
};

/* How far the helper has come. */
enum net_lookout_state {
    NET_LOOKOUT_NO_BUS = 1,    /* no D-Bus: asked again after a while */
    NET_LOOKOUT_NO_DAEMON = 2, /* no avahi-daemon: D-Bus tells when it comes */
    NET_LOOKOUT_RUNNING = 3,
};

struct net_lookout {
    enum net_lookout_kind kind;
    enum net_lookout_slot slot;
    enum net_lookout_state state;
    uint32_t dropped;      /* services not told for want of room, since the helper's start */
    struct cht_bytes name; /* 1 … NET_LOOKOUT_NAME bytes */
    struct net_host host;  /* numeric */
    uint16_t port;         /* not 0 */
    struct cht_bytes txt;  /* at most LIMIT_BEACON_BYTES, of a TXT record */
};

/* Write one message. The fields that its kind has are valid (asserted). CHT_E_LIMIT, CHT_E_NOMEM:
 * of the buffer. */
CHT_MUST_USE enum cht_err net_lookout_put(const struct net_lookout *m, struct cht_buf *out);
/* Read one; spans borrow from `packet`. CHT_E_MALFORMED. */
CHT_MUST_USE enum cht_err net_lookout_read(struct cht_bytes packet, struct net_lookout *out);

#endif
