/* Several devices write for themselves through node_replica_write and take from each other by
 * halves; one may be a clone of another's disk. In the end all of them, and the model with all
 * entries, have one root, and nothing that was committed is missing (PROTOCOL 2 to 5). */
#include "tests/prop/court.h"
#include "tests/prop/home.h"
#include "tests/prop/prop.h"
#include "tests/prop/sync.h"
#include "tests/support/history_own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HOMES_MAX    5u
#define STEPS        60u
#define IDS          7u
#define ACTORS       3u
#define OPS_MAX      5u
#define LONG_BYTES   60000u
#define ENTRIES_STOP 1500u /* the model is slow */
#define RULED_STOP   400u  /* … and judging on it slower */

struct exchange {
    struct prop *prop;
    struct space space;
    struct home homes[HOMES_MAX];
    uint32_t home_count, devices; /* clones are homes of the same device */
    struct crdt_id ids[IDS], actors[ACTORS];
    struct history_maker maker; /* draws values */
    struct history drawn;
    struct crdt_hash *written; /* last entries of committed own ranges */
    uint32_t written_count, written_cap;
    uint64_t entries; /* committed own entries */
    uint64_t stop;    /* so many at most */
    bool rulings;     /* they revoke each other, too */
};

static bool chance(struct exchange *x, uint32_t percent)
{
    return history_chance(&x->maker, percent);
}

static uint32_t below(struct exchange *x, uint32_t n)
{
    return seeded_below(&x->maker.random, n);
}

/* --- ops ------------------------------------------------------------------------------------ */

static const struct crdt_field *choose_field(struct exchange *x, unsigned type, uint16_t *number)
{
    const struct crdt_type_schema *t = crdt_schema(type);
    if (chance(x, 15)) {
        *number = CRDT_FIELD_DELETED;
    } else if (t == NULL || chance(x, 5)) {
        *number = (uint16_t)(300 + below(x, 2));
    } else {
        *number = t->fields[below(x, (uint32_t)t->count)].number;
    }
    return crdt_field(type, *number);
}

/* Dots that the client has not read: some of the entity's live values. */
static void choose_keeps(struct exchange *x, struct home *home, const struct crdt_id *id,
                         struct crdt_op *op)
{
    uint32_t n = node_index_find(node_replica_index(home->r), id);
    const struct crdt_state *state;
    if (n == INDEX_NONE)
        return;
    assert_int_equal(CHT_OK, node_replica_state(home->r, n, &state));
    struct crdt_keep *keeps = history_room(&x->maker, 8, sizeof *keeps);
    uint32_t count = 0;
    for (uint32_t i = 0; i < state->count; i++) {
        const struct crdt_cell *c = &state->cells[i];
        bool same = c->field == op->field && cht_bytes_eq(c->key, op->key);
        for (uint32_t k = 0; k < c->count && count < 8; k++) {
            if (!chance(x, same ? 60 : 20) || (!same && op->field != CRDT_FIELD_DELETED))
                continue;
            struct crdt_keep *keep = &keeps[count++];
            keep->index = c->values[k].index;
            keep->name.by_hash = true;
            assert_int_equal(CHT_OK, crdt_graph_hash(node_replica_graph(home->r), c->values[k].at,
                                                     &keep->name.hash));
        }
    }
    op->keeps = keeps;
    op->keep_count = count;
}

static struct cht_bytes long_text(struct exchange *x)
{
    struct cht_buf text;
    cht_buf_init(&text, LONG_BYTES + 8);
    uint8_t *raw = history_room(&x->maker, LONG_BYTES, 1);
    memset(raw, 'a' + (int)below(x, 26), LONG_BYTES);
    assert_int_equal(CHT_OK, crdt_mp_put_str(&text, cht_bytes(raw, LONG_BYTES)));
    struct cht_bytes kept = history_keep_bytes(&x->maker, cht_buf_view(&text));
    cht_buf_clear(&text);
    return kept;
}

/* False when the draw is one that nobody may write. */
static bool choose_op(struct exchange *x, struct home *home, const struct crdt_id *id,
                      struct crdt_op *op)
{
    *op = (struct crdt_op){ .kind = chance(x, 20) ? CRDT_OP_DROP : CRDT_OP_PUT };
    const struct crdt_field *f = choose_field(x, id->type, &op->field);
    bool keyed = f == NULL ? chance(x, 50) : f->kind == CRDT_SET || f->kind == CRDT_MAP;
    if (keyed)
        op->key = history_value(&x->maker, f, true);
    if (op->kind == CRDT_OP_PUT)
        op->value = f != NULL && f->kind == CRDT_TEXT && chance(x, 10)
                        ? long_text(x)
                        : history_value(&x->maker, f, false);
    if (chance(x, 30))
        choose_keeps(x, home, id, op);
    return crdt_op_check(id->type, op) == CHT_OK;
}

/* --- writing -------------------------------------------------------------------------------- */

static void choose_write(struct exchange *x, struct home *home, struct node_write *w)
{
    struct crdt_op *ops = history_room(&x->maker, OPS_MAX, sizeof *ops);
    uint32_t count = 1 + below(x, OPS_MAX);
    *w = (struct node_write){ .id = x->ids[below(x, IDS)], .ops = ops };
    for (uint32_t i = 0; i < count; i++)
        w->count += choose_op(x, home, &w->id, &ops[w->count]);
}

static void write_some(struct exchange *x, struct home *home)
{
    uint32_t count = chance(x, 75) ? 1 : 2 + below(x, 6);
    if (x->entries < x->stop / 2 && chance(x, 1))
        count = LIMIT_HEAD_ENTRIES + 20; /* one head cannot close over it */
    struct node_write *writes = history_room(&x->maker, count, sizeof *writes);
    for (uint32_t i = 0; i < count; i++)
        choose_write(x, home, &writes[i]);
    const struct crdt_id *actor = chance(x, 70) ? NULL : &x->actors[below(x, ACTORS)];
    bool may =
        net_members_standing(node_replica_members(home->r), home->identity->device).standing ==
        NET_STANDS;
    assert_int_equal(may ? CHT_OK : CHT_E_DENIED, node_replica_write(home->r, writes, count, actor,
                                                                     HOME_NOW_MS + below(x, 1000)));
    x->prop->writes += may;
    x->prop->denied += !may;
}

/* What a commit made durable must be there in the end. */
static void note_written(struct exchange *x, const struct home *home)
{
    struct node_commit last = node_replica_last(home->r);
    uint32_t own = 0;
    for (size_t i = 0; i < last.range_count; i++)
        own += last.ranges[i].count;
    x->entries += own;
    if (own == 0)
        return;
    if (x->written_count == x->written_cap) {
        x->written_cap = x->written_cap == 0 ? 64 : x->written_cap * 2;
        x->written = realloc(x->written, x->written_cap * sizeof *x->written);
        assert_non_null(x->written);
    }
    struct crdt_hash *hash = &x->written[x->written_count++];
    *hash = (struct crdt_hash){ 0 };
    memcpy(hash->b, last.last.hash, sizeof last.last.hash);
}

static void write_turn(struct exchange *x, struct home *home)
{
    for (uint32_t i = 1 + below(x, 3); i != 0; i--)
        write_some(x, home);
    assert_int_equal(CHT_OK, node_replica_commit(home->r, chance(x, 40)));
    note_written(x, home);
}

/* --- ruling --------------------------------------------------------------------------------- */

/* One home revokes, demotes or readmits the device of another, or its own; what it may not do is
 * refused. The cut-off is what it has now, or had once. */
static void rule(struct exchange *x, struct home *home)
{
    struct net_members *m = node_replica_members(home->r);
    const uint8_t *device = x->space.devices[below(x, x->devices)].device;
    uint64_t until_ms = chance(x, 30) ? HOME_NOW_MS + below(x, 1000) : UINT64_MAX;
    struct net_tip tips[LIMIT_CUTOFF_TIPS];
    struct cht_buf record;
    size_t count = 0;
    cht_buf_init(&record, LIMIT_RECORD_BYTES);
    assert_int_equal(CHT_OK, node_replica_cutoff(home->r, device, until_ms, tips, &count));
    struct net_revocation gone = { .stamp = crdt_hlc_make(HOME_NOW_MS, 0),
                                   .device = device,
                                   .why = chance(x, 60) ? NET_WHY_LOST : NET_WHY_COMPROMISED,
                                   .tips = tips,
                                   .tip_count = count };
    struct net_role_change role = { .stamp = gone.stamp,
                                    .device = device,
                                    .role = (enum net_role)(1 + below(x, 4)),
                                    .tips = tips,
                                    .tip_count = count };
    struct net_readmission back = { .stamp = gone.stamp, .device = device, .role = NET_ROLE_ADMIN };
    uint32_t what = below(x, 100);
    enum cht_err err = what < 45   ? net_members_revoke(m, &gone, home->identity, &record)
                       : what < 65 ? net_members_change_role(m, &role, home->identity, &record)
                                   : net_members_readmit(m, &back, home->identity, &record);
    if (err == CHT_OK) {
        assert_int_equal(CHT_OK, node_replica_add_record(home->r, cht_buf_view(&record)));
        x->prop->rulings++;
    }
    if (chance(x, 30)) /* in the same turn */
        write_some(x, home);
    assert_int_equal(CHT_OK, node_replica_commit(home->r, chance(x, 40)));
    note_written(x, home);
    cht_buf_clear(&record);
}

/* --- the case ------------------------------------------------------------------------------- */

static void sync_some(struct exchange *x)
{
    uint32_t to = below(x, x->home_count), from = below(x, x->home_count);
    if (to == from)
        return;
    (void)sync_from(&x->homes[to], &x->homes[from], 100 + below(x, 4000),
                    chance(x, 50) ? 1 + below(x, 3) : UINT32_MAX);
    x->prop->syncs++;
}

/* A copy of a running home's disk is started as well. */
static void clone_home(struct exchange *x)
{
    struct home *of = &x->homes[below(x, x->home_count)], *copy = &x->homes[x->home_count];
    char name[32];
    (void)snprintf(name, sizeof name, "home-%u.db", x->home_count);
    if (chance(x, 50))
        home_twin(copy, of, name);
    else
        home_clone(copy, of, name);
    x->home_count++;
}

static void step(struct exchange *x)
{
    struct home *home = &x->homes[below(x, x->home_count)];
    uint32_t what = below(x, 100);
    if (x->rulings && chance(x, 12))
        rule(x, home);
    else if (what < 50 && x->entries < x->stop)
        write_turn(x, home);
    else if (what < 92)
        sync_some(x);
    else if (what < 98)
        home_restart(home, chance(x, 60));
    else if (x->home_count < HOMES_MAX)
        clone_home(x);
}

static void sync_all(struct exchange *x)
{
    uint64_t fresh = 1;
    for (uint32_t rounds = 0; fresh != 0 || rounds < 2; rounds++) { /* records take one, too */
        fresh = 0;
        for (uint32_t i = 0; i < x->home_count; i++)
            for (uint32_t k = 0; k < x->home_count; k++)
                if (i != k)
                    fresh += sync_from(&x->homes[i], &x->homes[k], LIMIT_RANGE_BYTES, UINT32_MAX);
    }
}

/* All entries of a home, as its log gives them back. */
static void feed_model(struct home *home, struct crdt_model *m)
{
    const struct crdt_graph *g = node_replica_graph(home->r);
    struct cht_arena arena;
    cht_arena_init(&arena, SIZE_MAX);
    for (uint32_t c = 0; c < g->chain_count; c++) {
        for (uint32_t seq = g->chains[c].branch_seq + 1; seq <= g->chains[c].stored.seq; seq++) {
            struct crdt_entry e;
            assert_int_equal(
                CHT_OK, node_replica_entry(home->r, (struct crdt_place){ c, seq }, &arena, &e));
            assert_int_equal(CHT_OK, crdt_model_add(m, e.header_bytes, e.body));
            cht_arena_reset(&arena);
        }
    }
    cht_arena_clear(&arena);
}

static void nothing_is_lost(const struct exchange *x, const struct crdt_model *m)
{
    assert_int_equal(x->entries, m->count);
    assert_int_equal(0, m->waiting);
    for (uint32_t i = 0; i < x->written_count; i++) {
        bool found = false;
        for (uint32_t k = 0; k < m->count && !found; k++)
            found = memcmp(m->entries[k].hash.b, x->written[i].b, CRDT_DEP_HASH_BYTES) == 0;
        assert_true(found);
    }
}

/* Is there another entry of that device, epoch and seq? */
static bool forks(const struct crdt_model *m, uint32_t at)
{
    const struct crdt_header *h = &m->entries[at].h;
    for (uint32_t i = 0; i < m->count; i++) {
        const struct crdt_header *o = &m->entries[i].h;
        if (i != at && o->seq == h->seq && memcmp(o->epoch, h->epoch, CRDT_EPOCH_BYTES) == 0 &&
            memcmp(o->device, h->device, CRDT_ID_BYTES) == 0)
            return true;
    }
    return false;
}

static bool has_proof(const struct home *home, const struct crdt_header *h)
{
    size_t count;
    const struct node_fork *f = node_replica_forks(home->r, &count);
    for (size_t i = 0; i < count; i++) {
        if (memcmp(f[i].id.epoch, h->epoch, CRDT_EPOCH_BYTES) == 0 &&
            memcmp(f[i].id.device, h->device, CRDT_ID_BYTES) == 0)
            return true;
    }
    return false;
}

/* Every device and epoch that has a seq twice is proved at every home, and nothing else is. */
static void forks_are_found_exactly(struct exchange *x, const struct home *home,
                                    const struct crdt_model *m)
{
    size_t count, wanted = 0;
    const struct node_fork *f = node_replica_forks(home->r, &count);
    for (uint32_t i = 0; i < m->count; i++) {
        if (forks(m, i))
            assert_true(has_proof(home, &m->entries[i].h));
    }
    for (size_t k = 0; k < count; k++) {
        bool real = false;
        for (uint32_t i = 0; i < m->count && !real; i++)
            real = memcmp(m->entries[i].h.epoch, f[k].id.epoch, CRDT_EPOCH_BYTES) == 0 &&
                   memcmp(m->entries[i].h.device, f[k].id.device, CRDT_ID_BYTES) == 0 &&
                   m->entries[i].h.seq == f[k].seq && forks(m, i);
        assert_true(real);
        wanted++;
    }
    x->prop->forked += wanted != 0;
}

static void check_end(struct exchange *x)
{
    struct crdt_model m;
    crdt_model_init(&m);
    feed_model(&x->homes[0], &m);
    assert_int_equal(CHT_OK, crdt_model_settle(&m));
    uint64_t ruled = court_judge(node_replica_members(x->homes[0].r), &m);
    x->prop->ruled += ruled;
    for (uint32_t i = 0; i < x->home_count; i++) {
        struct home *home = &x->homes[i];
        same_as_model(home->r, &m, &x->prop->seen);
        forks_are_found_exactly(x, home, &m);
        assert_int_equal(ruled, node_replica_count(home->r).ruled);
        verify_whole(home->r);
        if (chance(x, 30)) {
            assert_int_equal(CHT_OK, node_replica_rebuild(home->r));
            same_as_model(home->r, &m, &x->prop->seen);
        }
        home_restart(home, chance(x, 50));
        same_as_model(home->r, &m, &x->prop->seen);
        forks_are_found_exactly(x, home, &m);
    }
    nothing_is_lost(x, &m);
    crdt_model_clear(&m);
}

static void start(struct exchange *x, uint64_t seed)
{
    static const uint8_t types[IDS] = { CRDT_TODO,    CRDT_TODO, CRDT_TOPIC, CRDT_PROJECT,
                                        CRDT_SESSION, 77,        CRDT_TODO };
    cht_arena_init(&x->drawn.arena, SIZE_MAX);
    x->maker.h = &x->drawn;
    x->maker.random = (struct seeded){ .state = seed * 4 + 3 };
    for (uint32_t i = 0; i < 8; i++)
        (void)seeded_next(&x->maker.random);
    for (uint32_t i = 0; i < IDS; i++) {
        x->ids[i].type = types[i];
        seeded_fill(&x->maker.random, x->ids[i].b, CRDT_ID_BYTES);
    }
    for (uint32_t i = 0; i < ACTORS; i++)
        seeded_fill(&x->maker.random, x->actors[i].b, CRDT_ID_BYTES);
    space_make(&x->space, seed);
    x->home_count = 2 + below(x, 3);
    x->devices = x->home_count;
    for (uint32_t i = 0; i < x->home_count; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "home-%u.db", i);
        home_make(&x->homes[i], name, &x->space,
                  i == 0 || chance(x, 50) ? HISTORY_DEVICES_MAX : i + 1, &x->space.devices[i],
                  seed + i);
    }
}

static void exchange(struct prop *p, uint32_t number, bool rulings)
{
    struct exchange x = { .prop = p,
                          .stop = rulings ? RULED_STOP : ENTRIES_STOP,
                          .rulings = rulings };
    start(&x, p->seed * 1000003 + number);
    for (uint32_t i = 0; i < STEPS; i++)
        step(&x);
    sync_all(&x);
    check_end(&x);
    char name[32];
    (void)snprintf(name, sizeof name, "exchange-%u", number);
    home_leave(&x.homes[0], name);
    for (uint32_t i = 1; i < x.home_count; i++)
        home_close(&x.homes[i]);
    space_clear(&x.space);
    cht_arena_clear(&x.drawn.arena);
    free(x.written);
}

void prop_exchange(struct prop *p, uint32_t number)
{
    exchange(p, number, /* rulings= */ false);
}

void prop_exchange_rulings(struct prop *p, uint32_t number)
{
    exchange(p, number, /* rulings= */ true);
}
