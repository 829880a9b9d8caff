#ifndef NODE_STORE_LOCAL_H
#define NODE_STORE_LOCAL_H
/* What a file keeps that is not replicated: answers given, addresses of peers, tickets. */
#include "node/store/store.h"

/* An answer given under an idempotency key (LOCAL: `payload.key`), so that the same request again
 * is answered the same. In the turn's transaction. */
CHT_MUST_USE enum cht_err node_keep_answer(struct node_store *s, struct cht_bytes key,
                                           uint64_t now_ms, struct cht_bytes answer);
/* Copies into `out`. CHT_E_NOTFOUND. */
CHT_MUST_USE enum cht_err node_kept_answer(struct node_store *s, struct cht_bytes key,
                                           struct cht_buf *out);
/* Forget answers older than `before_ms`. */
CHT_MUST_USE enum cht_err node_forget_answers(struct node_store *s, uint64_t before_ms);

/* Note that a device was seen at an address; of each the LIMIT_ADDRESSES seen last are kept. */
CHT_MUST_USE enum cht_err node_keep_address(struct node_store *s,
                                            const uint8_t device[static CRDT_ID_BYTES],
                                            struct cht_bytes address, uint64_t seen_ms);
/* Every address kept, those seen longest ago first. */
CHT_MUST_USE enum cht_err node_each_address(struct node_store *s,
                                            enum cht_err (*each)(void *ctx, const uint8_t *device,
                                                                 struct cht_bytes address),
                                            void *ctx);

#define NODE_TICKET_ID_BYTES     16u
#define NODE_TICKET_SECRET_BYTES 16u

/* A ticket that was handed out. Until it is used `joiner` is all zero but for its last byte, the
 * role (PROTOCOL 7.3) that it gives; 0 there is an admin. */
struct node_ticket_row {
    uint8_t id[NODE_TICKET_ID_BYTES];
    uint8_t secret[NODE_TICKET_SECRET_BYTES];
    uint64_t expiry_ms;
    uint8_t joiner[CRDT_ID_BYTES];
};
/* Was it used? */
bool node_ticket_spent(const struct node_ticket_row *t);
CHT_MUST_USE enum cht_err node_keep_ticket(struct node_store *s, const struct node_ticket_row *t);
/* CHT_E_NOTFOUND. */
CHT_MUST_USE enum cht_err node_kept_ticket(struct node_store *s,
                                           const uint8_t id[static NODE_TICKET_ID_BYTES],
                                           struct node_ticket_row *out);
/* The tickets that have not expired at `now_ms`, newest first; at most `max`. */
CHT_MUST_USE enum cht_err node_live_tickets(struct node_store *s, uint64_t now_ms,
                                            struct node_ticket_row *out, size_t max,
                                            size_t *out_count);

#endif
