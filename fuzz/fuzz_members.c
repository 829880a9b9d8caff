/* The membership DAG under records in any order, by anybody (PROTOCOL 7.4 to 7.6, 7.20 to 7.27).
 * Each four bytes of the input make one record: what is wrong with it, author, subject, and parents
 * among the records made so far. Whatever is held must agree with a plain walk over the parents,
 * and a node that gets it in another order judges the same. */
/* covers: net/members.c net/members_look.c net/seniority.c net/ruling.c net/judge.c */
#include "net/ruling.h"

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

/* Turn the record into one that limits its subject: a role, or with the highest bit a revocation,
 * that leaves up to three entries alone. */
static void limit(struct net_record *rec, const struct net_identity *subject,
                  const uint8_t op[static OP_BYTES], struct cht_buf *cutoff)
{
    struct net_tip tips[3] = { { .seq = 1 }, { .seq = 2 }, { .seq = 3 } };
    rec->kind = (op[0] & 0x80) != 0 ? NET_RECORD_REVOKE : NET_RECORD_ROLE;
    if (rec->kind == NET_RECORD_REVOKE) {
        rec->why = (op[0] & 0x40) != 0 ? NET_WHY_COMPROMISED : NET_WHY_LOST;
        rec->role = 0;
    }
    memcpy(rec->device, subject->device, CRDT_ID_BYTES);
    must(net_cutoff_put(tips, (op[0] >> 4) % 4, cutoff) == CHT_OK);
    rec->cutoff = cht_buf_view(cutoff);
}

/* One record of the input's choosing. */
static struct made *make(struct world *w, const uint8_t op[static OP_BYTES])
{
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES }, cutoff = { .limit = 200 };
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
    if ((op[0] & 8) != 0)
        limit(&rec, &w->device[op[2] % DEVICES], op, &cutoff);
    must(net_record_encode(&rec, &w->device[op[1] % DEVICES], &out) == CHT_OK);
    struct made *made = keep(w, &out);
    cht_buf_clear(&cutoff);
    made->parent_count = rec.parent_count;
    memcpy(made->parents, parents, sizeof parents);
    return made;
}

/* Write as an honest node does, through what is held. */
static void write_honestly(struct world *w, const uint8_t op[static OP_BYTES])
{
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    const struct net_identity *author = &w->device[op[1] % DEVICES];
    const struct net_identity *subject = &w->device[op[2] % DEVICES];
    enum net_role role = (enum net_role)(1 + (op[0] >> 4) % 4);
    struct net_admission admission = { .stamp = w->count,
                                       .role = role,
                                       .cert = &subject->cert,
                                       .name = cht_bytes_str((op[3] & 1) != 0 ? "d\n" : "d") };
    struct net_readmission back = { w->count, subject->device, role };
    struct net_revocation gone = { w->count, subject->device, NET_WHY_LOST, NULL, 0 };
    struct net_role_change change = { w->count, subject->device, role, NULL, 0 };
    enum cht_err err = (op[3] & 6) == 2   ? net_members_readmit(w->m, &back, author, &out)
                       : (op[3] & 6) == 4 ? net_members_revoke(w->m, &gone, author, &out)
                       : (op[3] & 6) == 6 ? net_members_change_role(w->m, &change, author, &out)
                                          : net_members_admit(w->m, &admission, author, &out);
    must(err != CHT_E_MALFORMED && err != CHT_E_NOMEM && err != CHT_E_SIGNATURE);
    if (err == CHT_OK) {
        must(net_members_add(w->m, cht_buf_view(&out)) == CHT_OK);
        const struct net_device *device = net_members_device(w->m, subject->device);
        must(device != NULL && (device->role == 0) == ((op[3] & 6) == 4));
    }
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
        must(d->role == 0 || (uint8_t)role <= d->role);
        must(d->role == net_members_standing(w->m, d->id).role);
        must(net_members_changes(w->m, d->id) != 0 || (uint8_t)role == d->role);
        uint32_t count = net_members_heads_named(w->m, d->id, named);
        must(d->role == 0 || net_members_role(w->m, d->id, named, count, &role) == CHT_OK);
        must(net_members_device(w->m, d->id) == d);
        must(net_members_tagged(w->m, d->id) == d);
        must(net_members_transport(w->m, d->cert.transport_pk) == d);
        must(net_members_access(w->m, d->cert.transport_pk) ==
             (d->role != 0 ? NET_ACCESS_MEMBER : NET_ACCESS_REVOKED));
    }
}

/* Entry 1 is before 2, 2 before 3. */
static enum cht_err inside(void *ctx, const struct net_tip *tip, bool *out)
{
    const uint32_t *seq = ctx;
    *out = *seq <= tip->seq;
    return CHT_OK;
}

/* A node that gets the last first judges each device's entries alike, under the last record. */
static void check_judgements(const struct world *w)
{
    struct crdt_hash head;
    struct net_members *other = net_members_new(w->space);
    must(other != NULL);
    for (uint32_t i = net_members_count(w->m); i-- != 0;) {
        enum cht_err err = net_members_add(other, net_members_record(w->m, i, NULL));
        must(err == CHT_OK || (err == CHT_E_WAITING && i != 0));
    }
    must(net_members_count(other) == net_members_count(w->m));
    (void)net_members_record(w->m, net_members_count(w->m) - 1, &head);
    for (uint32_t i = 0; i < DEVICES; i++) {
        for (uint32_t seq = 1; seq < 5; seq++) {
            struct net_question q = { .device = w->device[i].device,
                                      .heads = &head,
                                      .head_count = 1,
                                      .inside = inside,
                                      .ctx = &seq };
            struct net_judgement a, b;
            enum cht_err err = net_members_judge(w->m, &q, &a);
            must(err == net_members_judge(other, &q, &b));
            must(err == CHT_OK || err == CHT_E_DENIED);
            must(err != CHT_OK || (a.standing == b.standing && a.role == b.role &&
                                   crdt_hash_eq(&a.record, &b.record)));
            must(err != CHT_OK || a.standing == NET_STANDS || net_members_has(w->m, &a.record));
        }
    }
    net_members_free(other);
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
            write_honestly(&w, data + at);
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
    check_judgements(&w);
    net_members_free(w.m);
    return 0;
}
