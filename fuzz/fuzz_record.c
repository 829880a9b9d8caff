/* Membership records: a record that is read has exactly one encoding (PROTOCOL 7.3). */
/* covers: net/record.c net/cutoff.c */
#include "net/record.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* Written again, only the signature differs: the author's secret is not at hand. */
static void write_again(const struct net_record *rec, struct cht_bytes src)
{
    struct net_identity author = { .device = { 0 } };
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    memcpy(author.cert.sign_pk, rec->author, NET_SIGN_PK_BYTES);
    must(net_record_encode(rec, &author, &out) == CHT_OK);
    must(out.len == src.len);
    must(memcmp(out.data, src.data, src.len - NET_SIG_BYTES) == 0);
    cht_buf_clear(&out);
}

/* Read tip by tip and put together in another order it is the same. */
static void cutoff_again(struct cht_bytes cutoff)
{
    struct net_tip tips[LIMIT_CUTOFF_TIPS];
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    struct cht_wire w = net_cutoff_begin(cutoff);
    size_t at = LIMIT_CUTOFF_TIPS;
    while (at > 0 && net_cutoff_next(&w, &tips[at - 1]))
        at--;
    must(cht_wire_end(&w) == CHT_OK);
    must(net_cutoff_put(tips + at, LIMIT_CUTOFF_TIPS - at, &out) == CHT_OK);
    must(cht_bytes_eq(cutoff, cht_buf_view(&out)));
    cht_buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cht_bytes src = cht_bytes(data, len);
    struct net_record rec;
    enum cht_err err = net_record_decode(src, &rec);
    must(err == CHT_OK || err == CHT_E_MALFORMED || err == CHT_E_LIMIT || err == CHT_E_UNSUPPORTED);
    if (err != CHT_OK)
        return 0;
    must(rec.parent_count <= LIMIT_MEMBER_HEADS);
    must(rec.kind == NET_RECORD_REVOKE || net_role_name(rec.role) != NULL);
    if (rec.kind == NET_RECORD_FOUND || rec.kind == NET_RECORD_ADMIT)
        must(net_name_valid(rec.name));
    else
        cutoff_again(rec.cutoff);
    write_again(&rec, src);
    err = net_record_verify(&rec, src);
    must(err == CHT_OK || err == CHT_E_SIGNATURE);
    if (err == CHT_OK && rec.kind == NET_RECORD_FOUND) {
        uint8_t space[CRDT_ID_BYTES];
        net_space_of(src, space);
    }
    return 0;
}
