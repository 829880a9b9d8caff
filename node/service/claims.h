#ifndef NODE_SERVICE_CLAIMS_H
#define NODE_SERVICE_CLAIMS_H
/* Who works on what (PROTOCOL 13, LOCAL 8): for the running daemon, and for the rest of the
 * service.
 *
 * leases.c knows all claims that are shown, and when each gave a sign of life; held.c remembers
 * what sessions of this device hold, so that a loss is noticed; claim.c carries the commands out,
 * claim_write.c makes their entries, claim_end.c ends claims with the changes that end them,
 * claim_ask.c speaks with arbiters, claim_tell.c tells. */
#include "crdt/claim.h"
#include "net/claims.h"
#include "node/service/service.h"

#define CLAIMS_LEASE_MS  ((uint64_t)15 * 60 * 1000)
#define CLAIMS_ANSWER_MS 300u /* an arbiter is waited for so long (PROTOCOL 13.5) */

/* --- for the daemon ------------------------------------------------------------------------- */

/* Read what is held from the tables; before anything comes from peers. What goes wrong is tried
 * again with the next request. */
void service_claims_open(struct node_service *s);
/* After this long without a sign of life a claim has lapsed; 0: the usual time. */
void service_claims_lease(struct node_service *s, uint64_t lease_ms);
/* A turn begins: the monotonic clock. Before anything else of it. */
void service_claims_clock(struct node_service *s, uint64_t mono_ms);
/* When the next turn is needed; UINT64_MAX: there is nothing to wait for. */
uint64_t service_claims_due_ms(const struct node_service *s);
/* Everything has come in: asks go out, those that took too long are written here, claims of this
 * arbiter that others wrote are confirmed. Before the commit, while the file can be written. */
void service_claims_work(struct node_service *s);
/* What came is folded: asks whose claim is here are answered with the commit. */
void service_claims_settled(struct node_service *s);
/* A directed message of the domain "claims" from a member. CHT_E_MALFORMED, CHT_E_DENIED: it is to
 * be counted against the sender. */
CHT_MUST_USE enum cht_err service_claims_heard(struct node_service *s,
                                               const uint8_t from[static CRDT_ID_BYTES],
                                               struct cht_bytes operation,
                                               struct cht_bytes payload);

#endif
