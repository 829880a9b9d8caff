#ifndef NET_CLAIMS_H
#define NET_CLAIMS_H
/* What nodes say to each other about claims: payloads of directed messages of the domain "claims"
 * (PROTOCOL 13.5, 13.6). Reading takes the exact bytes of a payload that net_directed_read has let
 * through; spans borrow from them. */
#include "crdt/base/buf.h"
#include "crdt/id.h"
#include "crdt/limits.h"

#define NET_CLAIMS_DOMAIN "claims"
#define NET_CLAIMS_ASK    "ask"
#define NET_CLAIMS_ANSWER "answer"
#define NET_CLAIMS_RENEW  "renew"

/* state, word */
#define NET_CLAIM_STATES(X)                                                                        \
    X(NET_CLAIM_GRANTED, "granted") /* the entry is on its way, or was there */                    \
    X(NET_CLAIM_HELD, "held")       /* by another */                                               \
    X(NET_CLAIM_GONE, "gone")       /* it is not here, hidden or finished */                       \
    X(NET_CLAIM_DENIED, "denied")   /* one of the two devices may not write */                     \
    X(NET_CLAIM_WRONG, "wrong")     /* no ask, or not the arbiter's to answer */

enum net_claim_state {
#define X(sym, word) sym,
    NET_CLAIM_STATES(X)
#undef X
        NET_CLAIM_STATE_COUNT
};

struct net_claim_ask {
    uint64_t number; /* names it in the answer */
    struct crdt_id todo;
    struct cht_bytes holder; /* as net_claim_holder_valid */
    struct crdt_id actor;    /* on whose behalf the entry is written … */
    bool acting;             /* … false: for the device itself */
    bool force;              /* also where another holds it */
};

struct net_claim_answer {
    uint64_t number;
    enum net_claim_state state;
};

/* True for who may hold a todo: 1 … LIMIT_HOLDER_BYTES bytes of UTF-8 without control characters
 * (U+0000 … U+001F, U+007F … U+009F). PROTOCOL 13.1. */
bool net_claim_holder_valid(struct cht_bytes holder);

/* At most LIMIT_CLAIM_BATCH of each; more, or one that is no such thing, is CHT_E_MALFORMED. A
 * state that this build does not know is read as NET_CLAIM_WRONG. */
CHT_MUST_USE enum cht_err net_claims_read_asks(struct cht_bytes payload,
                                               struct net_claim_ask out[static LIMIT_CLAIM_BATCH],
                                               size_t *out_count);
CHT_MUST_USE enum cht_err
net_claims_read_answers(struct cht_bytes payload,
                        struct net_claim_answer out[static LIMIT_CLAIM_BATCH], size_t *out_count);
CHT_MUST_USE enum cht_err net_claims_read_holders(struct cht_bytes payload,
                                                  struct cht_bytes out[static LIMIT_CLAIM_BATCH],
                                                  size_t *out_count);

/* Append a payload. Errors as cht_buf_add. */
CHT_MUST_USE enum cht_err net_claims_put_asks(const struct net_claim_ask *asks, size_t count,
                                              struct cht_buf *out);
CHT_MUST_USE enum cht_err net_claims_put_answers(const struct net_claim_answer *answers,
                                                 size_t count, struct cht_buf *out);
CHT_MUST_USE enum cht_err net_claims_put_holders(const struct cht_bytes *holders, size_t count,
                                                 struct cht_buf *out);

#endif
