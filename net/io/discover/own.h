#ifndef NET_IO_DISCOVER_OWN_H
#define NET_IO_DISCOVER_OWN_H
/* Inside of the discovery helper: helper.c speaks with the node and keeps the avahi client alive,
 * announce.c publishes, browse.c looks for others. One thread; everything happens in callbacks of
 * avahi's poll loop. */
#include "net/beacon.h"
#include "net/lookout.h"

#include <avahi-client/client.h>
#include <avahi-client/lookup.h>
#include <avahi-client/publish.h>
#include <avahi-common/simple-watch.h>

#define QUEUE_MAX      1024u
#define RESOLVING_MAX  128u
#define RESOLVING_MS   1000u /* while others wait: who does not answer by then is given up */
#define TOKENS_MAX     256u  /* resolved in a burst */
#define TOKEN_MS       10u   /* … and one more each */
#define PAUSE_MS       100u
#define SERVICE_TYPE   "_chitty._tcp"
#define SERVICE_DOMAIN "local"

/* One announcement, published or waiting for avahi. */
struct slot {
    bool on;
    char name[NET_LOOKOUT_NAME + 1];
    uint16_t port;
    size_t txt_len;
    uint8_t txt[LIMIT_BEACON_BYTES];
    AvahiEntryGroup *group;
};

/* A service that appeared and is to be resolved. */
struct appeared {
    AvahiIfIndex interface;
    AvahiProtocol protocol;
    char name[NET_BEACON_NAME_BYTES + 1];
};

/* One that is resolved now. */
struct resolving {
    AvahiServiceResolver *resolver; /* NULL: free */
    uint64_t since_ms;
};

struct helper {
    AvahiSimplePoll *loop;
    const AvahiPoll *poll;
    AvahiClient *client;
    bool running; /* the client is: there is someone to ask */
    AvahiTimeout *retry;
    unsigned tries; /* in a row, without a client */
    struct slot slots[NET_LOOKOUT_SLOTS];
    AvahiServiceBrowser *browser;
    /* So many wait, so many are resolved at a time and in a second: members come through a flood of
     * strangers, whose cost has a bound. */
    struct appeared queue[QUEUE_MAX]; /* a ring */
    unsigned queue_first, queue_count;
    struct resolving resolving[RESOLVING_MAX];
    unsigned tokens;
    uint64_t tokens_ms;  /* refilled up to then */
    AvahiTimeout *pause; /* NULL: nothing waits for tokens */
    uint32_t dropped;
    enum net_lookout_state state; /* told last */
    uint32_t dropped_told;
};

/* --- helper.c -------------------------------------------------------------------------------- */

/* To the node; a message that cannot be sent ends the helper. */
void helper_tell(struct helper *h, const struct net_lookout *m);
/* A timer in so many milliseconds, freed by its callback. */
AvahiTimeout *helper_timer(struct helper *h, unsigned ms, AvahiTimeoutCallback callback);
/* How far we are, when that is news. */
void helper_tell_state(struct helper *h, enum net_lookout_state state);

/* --- announce.c ------------------------------------------------------------------------------ */

/* Publish what the slot has, instead of what it published. */
void helper_publish(struct helper *h, enum net_lookout_slot slot);
/* The client is gone, and with it all groups. */
void helper_unpublished(struct helper *h);

/* --- browse.c -------------------------------------------------------------------------------- */

/* Look anew: everything there is will be told again. */
void helper_browse(struct helper *h);
/* The client is gone, and with it browser and resolvers. */
void helper_unbrowsed(struct helper *h);

#endif
