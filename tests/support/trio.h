#ifndef TESTS_SUPPORT_TRIO_H
#define TESTS_SUPPORT_TRIO_H
/* Three devices of one space with the real service; what each writes is kept as parcels, which
 * arrive at the others one by one in whatever order a test likes. */
#include "tests/support/service_fixture.h"

#define TRIO    3u
#define PARCELS 512u

struct parcel {
    struct crdt_range range;
    uint8_t *payload;
    unsigned from;
};

struct trio {
    char folder[64];
    uint8_t space[CRDT_ID_BYTES];
    struct cht_buf records[TRIO]; /* the founding, then who is admitted */
    struct machine m[TRIO];
    struct parcel parcels[PARCELS];
    unsigned count;
    unsigned got[TRIO][TRIO]; /* by receiver and sender: how many parcels of it were looked at */
};

/* What a device wrote in its last turn becomes parcels. */
static inline void trio_wrote(struct trio *t, unsigned from)
{
    const struct node_commit last = node_replica_last(t->m[from].replica);
    for (size_t i = 0; i < last.range_count; i++) {
        assert_true(t->count < PARCELS);
        struct parcel *p = &t->parcels[t->count++];
        *p = (struct parcel){ .range = last.ranges[i], .from = from };
        p->payload = malloc(last.ranges[i].payload.len + 1);
        assert_non_null(p->payload);
        memcpy(p->payload, last.ranges[i].payload.data, last.ranges[i].payload.len);
        p->range.payload.data = p->payload;
    }
}

static inline void trio_do(struct trio *t, unsigned on, const char *payload)
{
    machine_do(&t->m[on], payload);
    trio_wrote(t, on);
}

static inline void trio_command(struct trio *t, unsigned on, const char *payload)
{
    if (machine_ask(&t->m[on], NODE_MSG_COMMAND, payload) != CHT_OK)
        fail_msg("%s: %s", payload, t->m[on].fault.error.text);
    trio_wrote(t, on);
}

/* The next parcel of `from` that `to` has not got arrives; false: it has all. */
static inline bool trio_arrive(struct trio *t, unsigned from, unsigned to)
{
    unsigned *at = &t->got[to][from];
    bool more;
    while (*at < t->count && t->parcels[*at].from != from)
        ++*at;
    if (*at == t->count || from == to)
        return false;
    struct machine *m = &t->m[to];
    enum node_receipt receipt;
    m->now_ms += 100;
    service_turn(m->service, m->now_ms);
    assert_int_equal(
        CHT_OK, node_replica_receive(m->replica, &t->parcels[(*at)++].range, m->now_ms, &receipt));
    assert_int_equal(NODE_STORED, receipt);
    assert_int_equal(CHT_OK, node_replica_settle(m->replica, m->now_ms, &more));
    assert_int_equal(CHT_OK, node_replica_commit(m->replica, true));
    service_after(m->service, CHT_OK);
    return true;
}

/* Everything arrives everywhere. */
static inline void trio_all_arrive(struct trio *t)
{
    for (unsigned to = 0; to < TRIO; to++) {
        for (unsigned from = 0; from < TRIO; from++) {
            while (trio_arrive(t, from, to))
                ;
        }
    }
}

static inline void trio_same_roots(const struct trio *t)
{
    uint8_t first[CRDT_HASH_BYTES], other[CRDT_HASH_BYTES];
    machine_root(&t->m[0], first);
    for (unsigned i = 1; i < TRIO; i++) {
        machine_root(&t->m[i], other);
        assert_memory_equal(first, other, sizeof first);
    }
}

static inline void trio_admit(struct trio *t, const struct net_identity *founder, unsigned which,
                              const char *name)
{
    struct net_identity of;
    identity_of((uint8_t)(0x10 * (which + 1)), &of);
    struct net_record admit = { .kind = NET_RECORD_ADMIT,
                                .stamp = crdt_hlc_make(1001 + which, 0),
                                .parent_count = 1,
                                .parents = { crdt_hash_of(cht_buf_view(&t->records[which - 1])) },
                                .role = NET_ROLE_ADMIN,
                                .cert = of.cert,
                                .name = cht_bytes_str(name) };
    memcpy(admit.space, t->space, sizeof admit.space);
    assert_int_equal(CHT_OK, net_record_encode(&admit, founder, &t->records[which]));
}

static inline int trio_up(void **state)
{
    static const char *const names[TRIO] = { "laptop", "desktop", "server" };
    struct trio *t = calloc(1, sizeof *t);
    assert_non_null(t);
    (void)setenv("TZ", "UTC0", 1);
    (void)snprintf(t->folder, sizeof t->folder, "/tmp/chitty-trio-XXXXXX");
    assert_non_null(mkdtemp(t->folder));
    struct net_identity founder;
    identity_of(0x10, &founder);
    for (unsigned i = 0; i < TRIO; i++)
        cht_buf_init(&t->records[i], LIMIT_RECORD_BYTES);
    assert_int_equal(CHT_OK, found_by(&founder, &t->records[0], t->space));
    trio_admit(t, &founder, 1, names[1]);
    trio_admit(t, &founder, 2, names[2]);
    for (unsigned i = 0; i < TRIO; i++) {
        struct machine *m = &t->m[i];
        struct cht_bytes records[TRIO];
        struct cht_error detail = { 0 };
        for (unsigned k = 0; k < TRIO; k++)
            records[k] = cht_buf_view(&t->records[k]);
        identity_of((uint8_t)(0x10 * (i + 1)), &m->identity);
        m->name = names[i];
        m->now_ms = MACHINE_NOW_MS;
        (void)snprintf(m->path, sizeof m->path, "%s/%s.db", t->folder, names[i]);
        if (node_replica_create(m->path, t->space, records, TRIO, &detail) != CHT_OK)
            fail_msg("create: %s", cht_error_text(&detail));
        machine_open(m);
    }
    *state = t;
    return 0;
}

static inline int trio_down(void **state)
{
    struct trio *t = *state;
    for (unsigned i = 0; i < TRIO; i++) {
        machine_close(&t->m[i]);
        (void)unlink(t->m[i].path);
        cht_buf_clear(&t->records[i]);
    }
    for (unsigned i = 0; i < t->count; i++)
        free(t->parcels[i].payload);
    assert_int_equal(0, rmdir(t->folder));
    free(t);
    return 0;
}

#define TRIO_TEST(name) cmocka_unit_test_setup_teardown(name, trio_up, trio_down)

#endif
