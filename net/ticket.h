#ifndef NET_TICKET_H
#define NET_TICKET_H
/* A ticket: one line of text that lets one device join a space (PROTOCOL 7.7). It names the space
 * and the inviter's keys and addresses, and carries a secret: who has the ticket can use it, once,
 * until it expires. */
#include "net/record.h"

#define NET_TICKET_SECRET_BYTES 16u
#define NET_TICKET_HOSTS        8u
#define NET_HOST_BYTES          64u
#define NET_TICKET_TEXT_MAX     1024u /* the longest ticket and its NUL */

/* A host name or address: letters, digits and ".:%_-", 1 … NET_HOST_BYTES of them. */
struct net_host {
    uint8_t len;
    char text[NET_HOST_BYTES]; /* no NUL at the end */
};

struct net_ticket {
    uint8_t space[CRDT_ID_BYTES];
    uint8_t sign_pk[NET_SIGN_PK_BYTES];        /* the inviter's D */
    uint8_t transport_pk[NET_TRANSPORT_BYTES]; /* the inviter's T */
    uint8_t secret[NET_TICKET_SECRET_BYTES];   /* random */
    uint64_t expires_ms;                       /* since the Unix epoch */
    uint16_t pair_port;                        /* of the pairing listener on each host */
    uint16_t sync_port;                        /* of the sync endpoint on each host; 0: none */
    uint8_t host_count;
    struct net_host hosts[NET_TICKET_HOSTS]; /* best first */
};

/* Take over the text of a host. CHT_E_INVALID: its length or a character. */
CHT_MUST_USE enum cht_err net_host_set(struct net_host *host, struct cht_bytes text);

/* Write the ticket's text with a final NUL; returns its length. The ticket holds 1 …
 * NET_TICKET_HOSTS valid hosts (asserted). The caller wipes `out`. */
size_t net_ticket_text(const struct net_ticket *ticket, char out[static NET_TICKET_TEXT_MAX]);

/* Read a ticket as people paste it: any case, I and L as 1, O as 0, spaces, line ends and hyphens
 * ignored. CHT_E_INVALID: not a ticket, mistyped or cut short; CHT_E_UNSUPPORTED: of a later
 * version. `detail` (may be NULL) says which, for a person. */
CHT_MUST_USE enum cht_err net_ticket_parse(struct cht_bytes text, struct net_ticket *out,
                                           struct cht_error *detail);

/* CHT_E_EXPIRED when its time is over at `now_ms`. */
CHT_MUST_USE enum cht_err net_ticket_check(const struct net_ticket *ticket, uint64_t now_ms);

/* Wipe the secret and all else. NULL is fine. */
void net_ticket_clear(struct net_ticket *ticket);

#endif
