#ifndef NODE_DAEMON_DISCOVERY_H
#define NODE_DAEMON_DISCOVERY_H
/* Inside node/daemon only: finding other nodes on the local network (PROTOCOL 11). The helper
 * process (cli/chitty_discover.c) speaks with avahi; what it tells is checked here, compared with
 * the members, and becomes addresses to dial. It is a hint: the pinned key decides.
 *
 * discover.c runs the helper, found.c keeps what was found, beacons.c says what is announced. */
#include "net/beacon.h"
#include "net/lookout.h"
#include "node/daemon/own.h"

#define DISCOVER_HOSTS 8u /* addresses of one announcement kept */

/* An announcement of another node. */
struct daemon_found {
    bool used, member;
    uint64_t order; /* of the last time it was told */
    char name[NET_BEACON_NAME_BYTES + 1];
    uint16_t port;
    size_t host_count;
    struct net_host hosts[DISCOVER_HOSTS];
    struct net_beacon beacon;
    uint8_t device[CRDT_ID_BYTES]; /* with `member` */
};

struct daemon_discovery {
    /* the helper */
    int fd; /* -1: it does not run */
    pid_t pid;
    uint64_t started_ms, restart_ms;
    unsigned failures; /* in a row */
    bool missing;      /* there is no such program */
    enum net_lookout_state state;
    uint64_t starts;
    /* what is announced */
    char name[NET_BEACON_NAME_BYTES + 1];
    uint64_t hour;
    uint64_t jitter_ms;  /* ours begins its hours so much later */
    bool announced;      /* tags, under `name` */
    uint64_t renamed_ms; /* when a name was last taken by another */
    struct net_beacon pairing;
    char pairing_name[NET_BEACON_NAME_BYTES + 1];
    uint16_t pairing_port; /* 0: no invitation is announced */
    /* who is to recognise us, and be recognised */
    struct net_beacon_key *keys; /* LIMIT_PEERS of them, in locked memory */
    size_t key_count;
    uint8_t space[CRDT_ID_BYTES];
    uint32_t records; /* of the membership that the keys are of */
    /* what was found */
    struct daemon_found found[LIMIT_BEACONS];
    uint64_t order;
    uint64_t tokens_ms; /* refilled up to then */
    unsigned tokens;
    uint64_t looking_until_ms; /* somebody asks for candidates */
    size_t wanted_len;         /* … with this selector */
    uint8_t wanted[NET_BEACON_SELECTOR_BYTES];
    uint64_t dropped, malformed, helper_dropped;
};

/* --- discover.c ------------------------------------------------------------------------------ */

/* Make ready; the helper starts when there is someone to find. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err daemon_discover_open(struct node_daemon *d);
void daemon_discover_close(struct node_daemon *d);
/* To wait on; -1: nothing. */
int daemon_discover_fd(const struct node_daemon *d);
/* Take what the helper has said. */
void daemon_discover_ready(struct node_daemon *d);
/* Start or restart the helper, follow the hour and the membership. */
void daemon_discover_tick(struct node_daemon *d);
uint64_t daemon_discover_due_ms(const struct node_daemon *d);
/* Our machine woke or its addresses changed: look anew. */
void daemon_discover_again(struct node_daemon *d);
/* One message to the helper, when it runs. */
void daemon_discover_tell(struct node_daemon *d, const struct net_lookout *m);

/* --- beacons.c ------------------------------------------------------------------------------- */

/* Keys of the members, when the membership is another than before. */
void daemon_beacons_follow(struct node_daemon *d);
/* Announce tags and invitation to a helper that knows nothing yet. */
void daemon_beacons_tell(struct node_daemon *d);
/* A new hour, another name. */
void daemon_beacons_tick(struct node_daemon *d);
uint64_t daemon_beacons_due_ms(const struct node_daemon *d);
/* Another node has the name. */
void daemon_beacons_taken(struct node_daemon *d, enum net_lookout_slot slot);
/* Is there anything to announce or to look for? */
bool daemon_beacons_wanted(const struct node_daemon *d);
uint64_t daemon_beacons_hour(const struct node_daemon *d);

/* --- found.c --------------------------------------------------------------------------------- */

void daemon_found_take(struct node_daemon *d, const struct net_lookout *m);
void daemon_found_gone(struct node_daemon *d, struct cht_bytes name);
/* Other members are known than before: compare all again. */
void daemon_found_compare(struct node_daemon *d);

/* --- for pairing by code --------------------------------------------------------------------- */

/* Announce that a listener for the invitation with this selector (1 … NET_BEACON_SELECTOR_BYTES
 * bytes) waits on `port`, instead of what was announced; an empty one withdraws. Without discovery
 * nothing happens. */
void daemon_discover_pairing(struct node_daemon *d, struct cht_bytes selector, uint16_t port);
/* The announcements seen now with that selector, at most `max`; each is another listener, with the
 * addresses it has (borrowed until the next turn). Asking makes the helper look for them for the
 * next half minute: ask again in the turns that follow, each message of the helper makes one. Their
 * number at most `max`. */
size_t daemon_discover_candidates(struct node_daemon *d, struct cht_bytes selector,
                                  const struct daemon_found **out, size_t max);

/* --- for `status` ---------------------------------------------------------------------------- */

enum cht_err daemon_put_discovery(void *ctx, struct cht_buf *out);

#endif
