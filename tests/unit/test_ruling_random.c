/* Rulings under random records: what is judged of every device and entry is a function of what is
 * held, never of the order in which it came, and it is what the clauses say (PROTOCOL 7.20
 * to 7.26), read a second time by tests/support/naive_rulings.c.
 *
 * CHITTY_SEED repeats a run, CHITTY_CASES says how many cases it has. */
#include "net/ruling.h"
#include "tests/support/naive_rulings.h"
#include "tests/support/seeded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CASES_USUAL 100u /* a hundredth of the full count */
#define ORDERS      4u
#define STEPS       160u

/* One case: the records and entries as numbers, and as bytes. */
struct made {
    struct naive n;
    struct net_identity id[NAIVE_DEVICES + 1]; /* the last is the recovery key */
    uint8_t space[CRDT_ID_BYTES];
    struct cht_buf bytes[NAIVE_RECORDS];
    uint64_t view[NAIVE_DEVICES]; /* the records that each device knows while it writes */
    struct seeded random;
};

/* A node that is sent all of it in some order. */
struct node {
    const struct made *made;
    struct net_members *m;
    bool has[NAIVE_ENTRIES], judged[NAIVE_ENTRIES];
    enum cht_err err[NAIVE_ENTRIES];
    struct net_judgement kept[NAIVE_ENTRIES];
    uint32_t changes[NAIVE_DEVICES];
};

/* What came up, over a whole run. */
struct outcome {
    uint64_t records, held, rulings, counting, replaced, grants, fallen;
    uint64_t entries, in_force, revoked, lowered, unadmitted, refused, rejudged;
};

static uint64_t seed_of_run;

static uint32_t cases(void)
{
    const char *env = getenv("CHITTY_CASES");
    return env != NULL ? (uint32_t)strtoul(env, NULL, 0) : CASES_USUAL;
}

/* --- making --------------------------------------------------------------------------------- */

static struct net_tip tip_of(const struct made *made, uint32_t entry)
{
    struct net_tip tip = { .seq = 1 };
    uint8_t name[2] = { (uint8_t)entry, entry == NAIVE_NOTHING ? 1 : 0 };
    tip.hash = crdt_hash_of(cht_bytes(name, sizeof name));
    for (uint32_t e = entry; e != NAIVE_NOTHING && made->n.entries[e].prev != NAIVE_NOTHING;
         e = made->n.entries[e].prev)
        tip.seq++;
    if (entry != NAIVE_NOTHING)
        tip.epoch[0] = (uint8_t)made->n.entries[entry].device;
    return tip;
}

static bool chance(struct made *made, uint32_t percent)
{
    return seeded_below(&made->random, 100) < percent;
}

static uint32_t any_device(struct made *made)
{
    return seeded_below(&made->random, NAIVE_DEVICES);
}

/* All that is in the view and its ancestry, and nothing refused. */
static uint64_t closed(const struct naive *n, uint64_t view)
{
    uint64_t all = 0;
    for (uint32_t r = 0; r < n->record_count; r++) {
        if ((view >> r & 1) == 0 || !n->held[r])
            continue;
        all |= UINT64_C(1) << r;
        for (uint32_t k = 0; k < r; k++)
            all |= (uint64_t)n->seen[r][k] << k;
    }
    return all;
}

/* The heads of a view, at most NAIVE_PARENTS. */
static uint32_t heads_of(const struct naive *n, uint64_t view, uint32_t out[NAIVE_PARENTS])
{
    uint32_t count = 0;
    for (uint32_t r = n->record_count; r-- != 0 && count < NAIVE_PARENTS;) {
        bool head = (view >> r & 1) != 0;
        for (uint32_t k = r + 1; k < n->record_count; k++)
            head = head && !((view >> k & 1) != 0 && n->seen[k][r]);
        if (head)
            out[count++] = r;
    }
    return count;
}

/* What a writer knows: usually its view, sometimes an older one, as after a restored backup. */
static uint64_t some_view(struct made *made, uint32_t device)
{
    uint64_t view = made->view[device];
    if (chance(made, 25))
        view = UINT64_C(1) << seeded_below(&made->random, made->n.record_count);
    return closed(&made->n, view | 1);
}

static int by_hash(const void *a, const void *b)
{
    return memcmp(a, b, CRDT_HASH_BYTES);
}

static void encode(struct made *made, uint32_t number)
{
    struct naive_record *r = &made->n.records[number];
    struct net_tip tips[NAIVE_TIPS];
    struct cht_buf cutoff = { .limit = LIMIT_RECORD_BYTES };
    struct net_record rec = { .kind = r->kind,
                              .stamp = number,
                              .parent_count = r->parent_count,
                              .role = r->role,
                              .why = r->why,
                              .cert = made->id[r->device].cert,
                              .name = cht_bytes_str("device") };
    memcpy(rec.space, made->space, CRDT_ID_BYTES);
    memcpy(rec.device, made->id[r->device].device, CRDT_ID_BYTES);
    for (uint32_t i = 0; i < r->parent_count; i++)
        rec.parents[i] = made->n.records[r->parents[i]].hash;
    qsort(rec.parents, rec.parent_count, sizeof rec.parents[0], by_hash);
    for (uint32_t i = 0; i < r->tip_count; i++)
        tips[i] = tip_of(made, r->tips[i]);
    assert_int_equal(CHT_OK, net_cutoff_put(tips, r->tip_count, &cutoff));
    rec.cutoff = cht_buf_view(&cutoff);
    struct cht_buf *out = &made->bytes[number];
    assert_int_equal(CHT_OK, net_record_encode(&rec, &made->id[r->author], out));
    r->hash = crdt_hash_of(cht_buf_view(out));
    cht_buf_clear(&cutoff);
}

static void choose_tips(struct made *made, struct naive_record *r)
{
    uint32_t want = seeded_below(&made->random, NAIVE_TIPS + 1);
    for (uint32_t e = 0; e < made->n.entry_count && r->tip_count < want; e++) {
        if (made->n.entries[e].device == r->device && chance(made, 40))
            r->tips[r->tip_count++] = e;
    }
    if (r->tip_count < want && chance(made, 20))
        r->tips[r->tip_count++] = NAIVE_NOTHING;
}

static void write_record(struct made *made)
{
    struct naive *n = &made->n;
    uint32_t number = n->record_count;
    uint32_t author = chance(made, 4) ? NAIVE_RECOVERY : any_device(made);
    uint64_t view = some_view(made, author == NAIVE_RECOVERY ? any_device(made) : author);
    struct naive_record r = { .author = author, .device = any_device(made) };
    r.parent_count = heads_of(n, view, r.parents);
    bool admin = author == NAIVE_RECOVERY ||
                 naive_ever(n, author, r.parents, r.parent_count) == (uint32_t)NET_ROLE_ADMIN;
    uint32_t what = seeded_below(&made->random, 100);
    r.kind = what < 50 ? NET_RECORD_ADMIT : what < 65 ? NET_RECORD_ROLE : NET_RECORD_REVOKE;
    bool known =
        r.kind == NET_RECORD_ADMIT || naive_ever(n, r.device, r.parents, r.parent_count) != 0;
    if ((!admin || !known) && chance(made, 95))
        return; /* it would be refused */
    if (r.kind == NET_RECORD_REVOKE)
        r.why = chance(made, 60) ? NET_WHY_LOST : NET_WHY_COMPROMISED;
    else
        r.role = chance(made, 70) ? NET_ROLE_ADMIN : (uint8_t)(2 + seeded_below(&made->random, 3));
    if (r.kind != NET_RECORD_ADMIT)
        choose_tips(made, &r);
    n->records[number] = r;
    encode(made, number);
    n->record_count++;
    naive_add(n);
    if (author != NAIVE_RECOVERY && n->held[number])
        made->view[author] |= UINT64_C(1) << number;
}

static void write_entry(struct made *made)
{
    struct naive *n = &made->n;
    struct naive_entry e = { .device = any_device(made), .prev = NAIVE_NOTHING };
    for (uint32_t i = 0; i < n->entry_count; i++) {
        if (n->entries[i].device == e.device && (e.prev == NAIVE_NOTHING || chance(made, 80)))
            e.prev = i;
    }
    e.head_count = heads_of(n, some_view(made, e.device), e.heads);
    if (naive_ever(n, e.device, e.heads, e.head_count) == 0 && chance(made, 95))
        return;
    n->entries[n->entry_count++] = e;
}

static void make(struct made *made, uint32_t number)
{
    struct net_founding founding = { .stamp = 1, .name = cht_bytes_str("first") };
    made->n = (struct naive){ .record_count = 1 };
    made->random = (struct seeded){ .state = (seed_of_run * 1000003 + number) * 2 + 1 };
    for (uint32_t i = 0; i < 8; i++)
        (void)seeded_next(&made->random);
    founding.recovery = made->id[NAIVE_RECOVERY].cert.sign_pk;
    cht_put_u32(founding.nonce, number);
    for (uint32_t i = 0; i < NAIVE_RECORDS; i++)
        cht_buf_init(&made->bytes[i], LIMIT_RECORD_BYTES);
    assert_int_equal(CHT_OK,
                     net_members_found(&founding, &made->id[0], &made->bytes[0], made->space));
    made->n.records[0] =
        (struct naive_record){ .kind = NET_RECORD_FOUND,
                               .role = NET_ROLE_ADMIN,
                               .hash = crdt_hash_of(cht_buf_view(&made->bytes[0])) };
    naive_add(&made->n);
    for (uint32_t i = 0; i < NAIVE_DEVICES; i++)
        made->view[i] = 1;
    uint32_t records = 6 + seeded_below(&made->random, NAIVE_RECORDS - 5);
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t from = any_device(made), to = any_device(made);
        if (made->n.record_count < records && chance(made, 60))
            write_record(made);
        if (made->n.entry_count < NAIVE_ENTRIES && chance(made, 60))
            write_entry(made);
        if (chance(made, 50))
            made->view[to] |= made->view[from];
    }
    naive_decide(&made->n);
}

static void unmake(struct made *made)
{
    for (uint32_t i = 0; i < NAIVE_RECORDS; i++)
        cht_buf_clear(&made->bytes[i]);
}

/* --- a node --------------------------------------------------------------------------------- */

struct asked {
    const struct node *node;
    uint32_t entry;
};

/* Where the entry of that name is held: is it the one asked about, or after it? */
static enum cht_err inside(void *ctx, const struct net_tip *tip, bool *out)
{
    const struct asked *a = ctx;
    const struct naive *n = &a->node->made->n;
    *out = false;
    for (uint32_t e = 0; e < n->entry_count; e++) {
        struct net_tip held = tip_of(a->node->made, e);
        if (!a->node->has[e] || !crdt_hash_eq(&held.hash, &tip->hash))
            continue;
        assert_int_equal(n->entries[a->entry].device, n->entries[e].device);
        for (uint32_t at = e; at != NAIVE_NOTHING && !*out; at = n->entries[at].prev)
            *out = at == a->entry;
    }
    return CHT_OK;
}

static enum cht_err judge(const struct node *node, uint32_t entry, struct net_judgement *out)
{
    const struct naive *n = &node->made->n;
    const struct naive_entry *e = &n->entries[entry];
    struct crdt_hash heads[NAIVE_PARENTS];
    struct asked ctx = { node, entry };
    struct net_question q = { .device = node->made->id[e->device].device,
                              .heads = heads,
                              .head_count = e->head_count,
                              .inside = inside,
                              .ctx = &ctx };
    for (uint32_t i = 0; i < e->head_count; i++)
        heads[i] = n->records[e->heads[i]].hash;
    return net_members_judge(node->m, &q, out);
}

static void keep(struct node *node, uint32_t entry)
{
    node->err[entry] = judge(node, entry, &node->kept[entry]);
    node->judged[entry] = node->err[entry] != CHT_E_WAITING;
}

/* Judge anew what net_members_changes says, and what waited for its heads. */
static uint32_t look_again(struct node *node, uint32_t device)
{
    uint32_t count = 0;
    uint32_t changes = net_members_changes(node->m, node->made->id[device].device);
    for (uint32_t e = 0; e < node->made->n.entry_count; e++) {
        if (!node->has[e] || node->made->n.entries[e].device != device ||
            (node->judged[e] && changes == node->changes[device]))
            continue;
        count += node->judged[e];
        keep(node, e);
    }
    node->changes[device] = changes;
    return count;
}

static void take_entry(struct node *node, uint32_t entry)
{
    uint32_t device = node->made->n.entries[entry].device;
    struct net_tip tip = tip_of(node->made, entry);
    node->has[entry] = true;
    keep(node, entry);
    if (!net_members_cuts_at(node->m, node->made->id[device].device, &tip))
        return;
    for (uint32_t e = 0; e < node->made->n.entry_count; e++) {
        if (node->has[e] && node->made->n.entries[e].device == device)
            keep(node, e);
    }
}

static void take_record(struct node *node, uint32_t record, struct outcome *seen)
{
    const struct naive *n = &node->made->n;
    enum cht_err err = net_members_add(node->m, cht_buf_view(&node->made->bytes[record]));
    if (n->held[record])
        assert_true(err == CHT_OK || err == CHT_E_WAITING);
    else
        assert_true(err == CHT_E_DENIED || err == CHT_E_WAITING);
    for (uint32_t d = 0; d < NAIVE_DEVICES; d++)
        seen->rejudged += look_again(node, d);
}

/* Everything once, in an order of its own; an entry comes after the one before it. */
static void send_all(struct node *node, struct seeded *random, struct outcome *seen)
{
    const struct naive *n = &node->made->n;
    uint32_t items[NAIVE_RECORDS + NAIVE_ENTRIES], count = n->record_count + n->entry_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t j = seeded_below(random, i + 1);
        items[i] = items[j];
        items[j] = i;
    }
    for (uint32_t left = count; left != 0;) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < left; i++) {
            uint32_t item = items[i], entry = item - n->record_count;
            if (item < n->record_count)
                take_record(node, item, seen);
            else if (n->entries[entry].prev == NAIVE_NOTHING || node->has[n->entries[entry].prev])
                take_entry(node, entry);
            else
                items[kept++] = item;
        }
        left = kept;
    }
}

/* --- comparing ------------------------------------------------------------------------------ */

static void same_judgement(const struct net_judgement *a, const struct net_judgement *b)
{
    assert_int_equal(a->standing, b->standing);
    assert_int_equal(a->role, b->role);
    assert_memory_equal(a->record.b, b->record.b, CRDT_HASH_BYTES);
}

static uint32_t record_of(const struct naive *n, const struct crdt_hash *hash)
{
    uint32_t r = 0;
    while (r < n->record_count && !crdt_hash_eq(&n->records[r].hash, hash))
        r++;
    assert_true(r < n->record_count);
    return r;
}

static void as_the_clauses_say(const struct node *node, uint32_t entry, struct outcome *seen)
{
    const struct naive *n = &node->made->n;
    const struct net_judgement *j = &node->kept[entry];
    uint32_t right = naive_right(n, entry);
    seen->entries++;
    assert_int_not_equal(NAIVE_NOTHING, right);
    assert_int_equal(right == 0 ? CHT_E_DENIED : CHT_OK, node->err[entry]);
    if (right == 0) {
        seen->refused++;
        return;
    }
    assert_int_equal(right == NAIVE_NONE ? 0 : right, j->role);
    bool writes = right == (uint32_t)NET_ROLE_ADMIN || right == (uint32_t)NET_ROLE_WRITER;
    assert_int_equal(writes, j->standing == NET_STANDS);
    if (writes) {
        seen->in_force++;
        return;
    }
    uint32_t number = record_of(n, &j->record);
    const struct naive_record *why = &n->records[number];
    assert_int_equal(n->entries[entry].device, why->device);
    seen->revoked += j->standing == NET_VOID_REVOKED;
    seen->lowered += j->standing == NET_VOID_ROLE;
    seen->unadmitted += j->standing == NET_VOID_ADMISSION;
    if (j->standing == NET_VOID_REVOKED)
        assert_int_equal(NET_RECORD_REVOKE, why->kind);
    if (j->standing == NET_VOID_ADMISSION)
        assert_false(n->given[number]);
    if (j->standing == NET_VOID_ROLE)
        assert_int_equal(right, why->role);
}

static void records_as_the_clauses_say(const struct node *node, struct outcome *seen)
{
    const struct naive *n = &node->made->n;
    uint32_t held = 0;
    for (uint32_t r = 0; r < n->record_count; r++) {
        held += n->held[r];
        assert_int_equal(n->held[r], net_members_has(node->m, &n->records[r].hash));
        seen->rulings += n->held[r] && n->records[r].kind >= NET_RECORD_ROLE;
        seen->grants += n->held[r] && n->records[r].role != 0;
        seen->fallen += n->held[r] && n->records[r].role != 0 && !n->given[r];
        seen->counting += n->counts[r];
        seen->replaced += n->replaced[r];
    }
    seen->records += n->record_count;
    seen->held += held;
    assert_int_equal(held, net_members_count(node->m));
    for (uint32_t i = 0; i < held; i++) {
        struct crdt_hash hash;
        (void)net_members_record(node->m, i, &hash);
        uint32_t r = record_of(n, &hash);
        assert_int_equal(n->given[r] || n->counts[r], net_members_counts(node->m, i));
    }
}

static void same_nodes(const struct node *a, const struct node *b)
{
    const struct naive *n = &a->made->n;
    for (uint32_t e = 0; e < n->entry_count; e++) {
        struct net_judgement fresh;
        assert_int_equal(a->err[e], b->err[e]);
        assert_int_equal(b->err[e], judge(b, e, &fresh));
        if (b->err[e] == CHT_OK) {
            same_judgement(&fresh, &b->kept[e]);
            same_judgement(&a->kept[e], &b->kept[e]);
        }
    }
    for (uint32_t d = 0; d < NAIVE_DEVICES; d++) {
        const uint8_t *id = a->made->id[d].device;
        const uint8_t *key = a->made->id[d].cert.transport_pk;
        struct net_judgement x = net_members_standing(a->m, id), y = net_members_standing(b->m, id);
        same_judgement(&x, &y);
        const struct net_device *device = net_members_device(b->m, id);
        assert_int_equal(x.role, device == NULL ? 0 : device->role);
        assert_int_equal(net_members_access(a->m, key), net_members_access(b->m, key));
        assert_int_equal(device == NULL ? NET_ACCESS_UNKNOWN
                         : x.role != 0  ? NET_ACCESS_MEMBER
                                        : NET_ACCESS_REVOKED,
                         net_members_access(b->m, key));
    }
}

/* The records as a node has them, added at once: they say the same. */
static void same_when_loaded(const struct node *node)
{
    struct node copy = *node;
    copy.m = net_members_new(node->made->space);
    net_members_loading(copy.m);
    for (uint32_t i = 0; i < net_members_count(node->m); i++)
        assert_int_equal(CHT_OK, net_members_add(copy.m, net_members_record(node->m, i, NULL)));
    net_members_loaded(copy.m);
    same_nodes(node, &copy);
    for (uint32_t d = 0; d < NAIVE_DEVICES; d++) /* it was decided once */
        assert_true(net_members_changes(copy.m, node->made->id[d].device) <= 1);
    for (uint32_t i = 0; i < net_members_count(node->m); i++)
        assert_int_equal(net_members_counts(node->m, i), net_members_counts(copy.m, i));
    net_members_free(copy.m);
}

static void every_order_gives_what_the_clauses_say(void **state)
{
    struct outcome *seen = *state;
    static struct made made;
    static struct node nodes[ORDERS];
    for (uint8_t i = 0; i <= NAIVE_DEVICES; i++) {
        struct net_seeds seeds = { .sign = { i, 1 }, .transport = { 0, i } };
        net_identity_make(&made.id[i], &seeds, 1, 0);
    }
    for (uint32_t number = 0; number < cases(); number++) {
        make(&made, number);
        for (uint32_t i = 0; i < ORDERS; i++) {
            nodes[i] = (struct node){ .made = &made, .m = net_members_new(made.space) };
            send_all(&nodes[i], &made.random, seen);
            same_nodes(&nodes[0], &nodes[i]);
            same_when_loaded(&nodes[i]);
        }
        records_as_the_clauses_say(&nodes[0], seen);
        for (uint32_t e = 0; e < made.n.entry_count; e++)
            as_the_clauses_say(&nodes[0], e, seen);
        for (uint32_t i = 0; i < ORDERS; i++)
            net_members_free(nodes[i].m);
        unmake(&made);
    }
}

static void report(const char *what, uint64_t count, uint64_t base)
{
    printf("# %llu of %llu %s\n", (unsigned long long)count, (unsigned long long)base, what);
    assert_true(count * 100 >= base);
}

/* Runs last: what the cases held was worth judging. */
static void each_outcome_came_in_at_least_one_of_a_hundred(void **state)
{
    const struct outcome *seen = *state;
    report("records are held", seen->held, seen->records);
    report("records are refused", seen->records - seen->held, seen->records);
    report("rulings count", seen->counting, seen->rulings);
    report("rulings do not", seen->rulings - seen->counting, seen->rulings);
    report("rulings that count are replaced", seen->replaced, seen->counting);
    report("grants are void", seen->fallen, seen->grants);
    report("entries are in force", seen->in_force, seen->entries);
    report("entries are void by a revocation", seen->revoked, seen->entries);
    report("entries are void by a role", seen->lowered, seen->entries);
    report("entries are void by an admission", seen->unadmitted, seen->entries);
    report("entries are refused", seen->refused, seen->entries);
    report("entries were judged anew", seen->rejudged, seen->entries);
}

int main(void)
{
    struct outcome seen = { 0 };
    seed_of_run = seeded_start(1).state;
    struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_gives_what_the_clauses_say),
        cmocka_unit_test(each_outcome_came_in_at_least_one_of_a_hundred),
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tests[i].initial_state = &seen;
    return cmocka_run_group_tests_name("ruling_random", tests, NULL, NULL);
}
