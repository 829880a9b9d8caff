/* What peers say about claims, and values of claims from the log: what is read is written and read
 * again the same (PROTOCOL 13.1, 13.5, 13.6). */
/* covers: net/claims.c crdt/claim.c */
#include "crdt/claim.h"
#include "crdt/mp.h"
#include "net/claims.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void try_asks(struct cht_bytes payload)
{
    struct net_claim_ask asks[LIMIT_CLAIM_BATCH], back[LIMIT_CLAIM_BATCH];
    struct cht_buf out;
    size_t count, again;
    if (net_claims_read_asks(payload, asks, &count) != CHT_OK)
        return;
    cht_buf_init(&out, 1u << 20);
    must(net_claims_put_asks(asks, count, &out) == CHT_OK);
    must(net_claims_read_asks(cht_buf_view(&out), back, &again) == CHT_OK && again == count);
    for (size_t i = 0; i < count; i++)
        must(back[i].number == asks[i].number && crdt_id_eq(&back[i].todo, &asks[i].todo) &&
             cht_bytes_eq(back[i].holder, asks[i].holder) && back[i].force == asks[i].force &&
             back[i].acting == asks[i].acting && asks[i].holder.len <= LIMIT_HOLDER_BYTES);
    cht_buf_clear(&out);
}

static void try_answers(struct cht_bytes payload)
{
    struct net_claim_answer answers[LIMIT_CLAIM_BATCH], back[LIMIT_CLAIM_BATCH];
    struct cht_buf out;
    size_t count, again;
    if (net_claims_read_answers(payload, answers, &count) != CHT_OK)
        return;
    cht_buf_init(&out, 1u << 20);
    must(net_claims_put_answers(answers, count, &out) == CHT_OK);
    must(net_claims_read_answers(cht_buf_view(&out), back, &again) == CHT_OK && again == count);
    for (size_t i = 0; i < count; i++)
        must(back[i].number == answers[i].number && back[i].state == answers[i].state);
    cht_buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct cht_bytes payload = cht_bytes(data, len);
    struct cht_bytes holders[LIMIT_CLAIM_BATCH];
    size_t count;
    if (crdt_mp_scan(payload, LIMIT_MSGPACK_DEPTH, 4096) != CHT_OK)
        return 0; /* as net_directed_read and crdt_value_check do before */
    try_asks(payload);
    try_answers(payload);
    if (net_claims_read_holders(payload, holders, &count) == CHT_OK)
        must(count <= LIMIT_CLAIM_BATCH);
    const struct crdt_claim claim = crdt_claim_read(payload);
    must(crdt_claim_cmp(&claim, &claim) == 0);
    return 0;
}
