/* The membership DAG under records in any order, by anybody (PROTOCOL 7.4 to 7.6). Each four bytes
 * of the input make one record: what is wrong with it, author, subject, and parents among the
 * records made so far. Whatever is held must agree with a plain walk over the parents. */
/* covers: net/members.c net/members_write.c */
#include "net/members.h"

#include <stdlib.h>

#define DEVICES     8u
#define RECORDS_MAX 48u
#define OP_BYTES    4u

struct made {
    uint8_t bytes[2048];
    size_t len;
    struct crdt_hash hash;
    uint32_t parent_count, parents[LIMIT_MEMBER_HEADS];
};

struct world {
    struct net_identity device[DEVICES];
    struct made made[RECORDS_MAX];
    uint32_t count;
    struct net_members *m;
    uint8_t space[CRDT_ID_BYTES];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static struct cht_bytes bytes_of(const struct made *made)
{
    return cht_bytes(made->bytes, made->len);
}

static struct made *keep(struct world *w, struct cht_buf *out)
{
    struct made *made = &w->made[w->count++];
    must(out->len <= sizeof made->bytes);
    memcpy(made->bytes, out->data, out->len);
    made->len = out->len;
    made->hash = crdt_hash_of(cht_buf_view(out));
    made->parent_count = 0;
    cht_buf_clear(out);
    return made;
}

static void begin(struct world *w)
{
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    struct net_founding founding = { .stamp = 1, .name = cht_bytes_str("founder") };
    for (uint8_t i = 0; i < DEVICES; i++) {
        struct net_seeds seeds = { .sign = { i, 1 }, .transport = { 0, i } };
        net_identity_make(&w->device[i], &seeds, 1, 1);
    }
    must(net_members_found(&founding, &w->device[0], &out, w->space) == CHT_OK);
    w->m = net_members_new(w->space);
    must(w->m != NULL);
    must(net_members_add(w->m, bytes_of(keep(w, &out))) == CHT_OK);
}

static int by_hash(const void *a, const void *b)
{
    return memcmp(a, b, CRDT_HASH_BYTES);
}

/* One record of the input's choosing. */
static struct made *make(struct world *w, const uint8_t op[static OP_BYTES])
{
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    struct net_record rec = { .kind = NET_RECORD_ADMIT,
                              .stamp = w->count,
                              .role = (uint8_t)(1 + (op[0] >> 4) % 4),
                              .cert = w->device[op[2] % DEVICES].cert,
                              .name = cht_bytes_str("device") };
    uint32_t parents[LIMIT_MEMBER_HEADS], step = 1 + op[3] % 7, want = 1 + op[3] / 64;
    memcpy(rec.space, w->space, CRDT_ID_BYTES);
    rec.space[0] ^= (op[0] & 7) == 7; /* another space's */
    for (uint32_t i = op[3] % w->count; i < w->count && rec.parent_count < want; i += step) {
        parents[rec.parent_count] = i;
        rec.parents[rec.parent_count++] = w->made[i].hash;
    }
    qsort(rec.parents, rec.parent_count, sizeof rec.parents[0], by_hash);
    must(net_record_encode(&rec, &w->device[op[1] % DEVICES], &out) == CHT_OK);
    struct made *made = keep(w, &out);
    made->parent_count = rec.parent_count;
    memcpy(made->parents, parents, sizeof parents);
    return made;
}

/* Admit as an honest node does, through what is held. */
static void admit(struct world *w, const uint8_t op[static OP_BYTES])
{
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    struct net_admission admission = { .stamp = w->count,
                                       .role = NET_ROLE_ADMIN,
                                       .cert = &w->device[op[2] % DEVICES].cert,
                                       .name = cht_bytes_str((op[3] & 1) != 0 ? "d\n" : "d") };
    enum cht_err err = net_members_admit(w->m, &admission, &w->device[op[1] % DEVICES], &out);
    must(err == CHT_OK || err == CHT_E_DENIED || err == CHT_E_EXISTS || err == CHT_E_INVALID);
    if (err == CHT_OK)
        must(net_members_add(w->m, cht_buf_view(&out)) == CHT_OK);
    cht_buf_clear(&out);
}

/* The plain walk: is `ancestor` among the records that `from` stands on? */
static bool walk(const struct world *w, uint32_t from, uint32_t ancestor)
{
    bool seen = from == ancestor;
    if (from < ancestor)
        return false; /* parents were made before */
    for (uint32_t i = 0; !seen && i < w->made[from].parent_count; i++)
        seen = walk(w, w->made[from].parents[i], ancestor);
    return seen;
}

static void check_ancestry(const struct world *w)
{
    for (uint32_t a = 0; a < w->count; a++) {
        if (!net_members_has(w->m, &w->made[a].hash))
            continue;
        for (uint32_t i = 0; i < w->made[a].parent_count; i++)
            must(net_members_has(w->m, &w->made[w->made[a].parents[i]].hash));
        for (uint32_t b = a > 6 ? a - 6 : 0; b <= a; b++) {
            bool held = net_members_has(w->m, &w->made[b].hash);
            must(net_members_reaches(w->m, &w->made[a].hash, &w->made[b].hash) ==
                 (held && walk(w, a, b)));
        }
    }
}

static void check_devices(const struct world *w)
{
    uint32_t head_count;
    const struct crdt_hash *heads = net_members_heads(w->m, &head_count);
    must(head_count > 0 && net_members_count(w->m) <= LIMIT_RECORDS);
    for (uint32_t i = 0; i < net_members_device_count(w->m); i++) {
        const struct net_device *d = net_members_device_at(w->m, i);
        struct crdt_hash named[LIMIT_MEMBER_HEADS];
        enum net_role role;
        must(net_members_role(w->m, d->id, heads, head_count, &role) == CHT_OK);
        must((uint8_t)role == d->role);
        uint32_t count = net_members_heads_named(w->m, d->id, named);
        must(net_members_role(w->m, d->id, named, count, &role) == CHT_OK);
        must(net_members_device(w->m, d->id) == d);
        must(net_members_tagged(w->m, d->id) == d);
        must(net_members_transport(w->m, d->cert.transport_pk) == d);
    }
}

/* A second node that is sent what the first has ends up with the same heads. */
static void check_sending(const struct world *w)
{
    struct cht_arena arena;
    struct net_members *other = net_members_new(w->space);
    const struct cht_bytes *list;
    size_t count = 1;
    uint32_t here, there;
    cht_arena_init(&arena, 1u << 20);
    must(other != NULL);
    while (count > 0) {
        const struct crdt_hash *known = net_members_heads(other, &there);
        must(net_members_since(w->m, known, there, 1000, &arena, &list, &count) == CHT_OK);
        for (size_t i = 0; i < count; i++)
            must(net_members_add(other, list[i]) == CHT_OK);
        cht_arena_reset(&arena);
    }
    const struct crdt_hash *a = net_members_heads(w->m, &here);
    const struct crdt_hash *b = net_members_heads(other, &there);
    must(here == there && memcmp(a, b, here * sizeof *a) == 0);
    must(net_members_count(other) == net_members_count(w->m));
    net_members_free(other);
    cht_arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct world w;
    w.count = 0;
    begin(&w);
    for (size_t at = 0; at + OP_BYTES <= len && w.count < RECORDS_MAX; at += OP_BYTES) {
        if ((data[at] & 7) == 6) {
            admit(&w, data + at);
            continue;
        }
        struct made *made = make(&w, data + at);
        if ((data[at] & 7) == 5)
            continue; /* made and kept back: what names it waits */
        made->bytes[made->len - 1] ^= (data[at] & 7) == 4; /* the signature */
        enum cht_err err = net_members_add(w.m, bytes_of(made));
        must(err != CHT_E_MALFORMED && err != CHT_E_NOMEM && err != CHT_E_LIMIT);
        must(err != CHT_OK || net_members_has(w.m, &made->hash));
    }
    for (uint32_t i = 0; i < w.count; i++) { /* now all of them, late */
        enum cht_err err = net_members_add(w.m, bytes_of(&w.made[i]));
        must(err != CHT_E_MALFORMED);
    }
    check_ancestry(&w);
    check_devices(&w);
    check_sending(&w);
    net_members_free(w.m);
    return 0;
}
