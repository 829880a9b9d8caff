#ifndef TESTS_SUPPORT_SERVICE_FIXTURE_H
#define TESTS_SUPPORT_SERVICE_FIXTURE_H
/* Two devices of one space with the real service on the real replica, without sockets: requests are
 * msgpack written as in mp_text.h, answers come back as JSON. Entries are carried by hand. */
#include "node/local/direct.h"
#include "node/service/service.h"
#include "tests/support/cli_fixture.h"
#include "tests/support/identities.h"

#include <sys/stat.h>

#define MACHINE_NOW_MS UINT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

struct machine {
    struct net_identity identity;
    struct node_replica *replica;
    struct node_service *service;
    const char *name;
    char path[128];
    uint64_t now_ms;
    const char *actor; /* of its requests; NULL: the device */
    struct node_fault fault;
};

struct machines {
    char folder[64];
    uint8_t space[CRDT_ID_BYTES];
    struct cht_buf found, admit;
    struct machine a, b;
};

static char machine_said[256 * 1024]; /* the last answer's payload as JSON */

static inline void machine_open(struct machine *m)
{
    struct cht_error detail = { 0 };
    struct node_replica_options options = {
        .path = m->path, .mode = NODE_STORE_WRITE, .identity = &m->identity, .now_ms = m->now_ms
    };
    static uint8_t runs;
    memset(options.epoch, ++runs, sizeof options.epoch);
    if (node_replica_open(&options, &detail, &m->replica) != CHT_OK)
        fail_msg("open: %s", cht_error_text(&detail));
    const struct service_options service = {
        .replica = m->replica, .identity = &m->identity, .path = m->path, .device_name = m->name
    };
    assert_int_equal(CHT_OK, service_new(&service, &m->service));
}

static inline void machine_close(struct machine *m)
{
    service_free(m->service);
    node_replica_close(m->replica);
}

static inline enum cht_err machine_commit(void *ctx, struct node_fault *fault)
{
    struct machine *m = ctx;
    (void)fault;
    enum cht_err err = node_replica_commit(m->replica, true);
    service_after(m->service, err);
    return err;
}

static inline enum cht_err machine_hear(void *ctx, const struct node_msg *answer)
{
    (void)ctx;
    cli_capture_json(answer->payload, machine_said, sizeof machine_said);
    return CHT_OK;
}

/* Ask; the answer's payload is in machine_said, a fault in m->fault. */
static inline enum cht_err machine_ask(struct machine *m, enum node_msg_type type,
                                       const char *payload)
{
    struct cht_buf of, message;
    cht_buf_init(&of, LIMIT_CLIENT_BYTES);
    cht_buf_init(&message, LIMIT_CLIENT_BYTES);
    const struct node_msg request = { .type = type,
                                      .id = cht_bytes_str("q"),
                                      .actor = m->actor == NULL ? cht_bytes(NULL, 0)
                                                                : cht_bytes_str(m->actor),
                                      .payload = mp_of(&of, payload) };
    assert_int_equal(CHT_OK, node_msg_write(&message, &request));
    m->fault = (struct node_fault){ 0 };
    machine_said[0] = '\0';
    m->now_ms += 1000;
    service_turn(m->service, m->now_ms);
    const struct local_handler handler = service_handler(m->service);
    enum cht_err err = node_local_direct(&handler, machine_commit, m, cht_buf_view(&message),
                                         machine_hear, NULL, &m->fault);
    cht_buf_clear(&of);
    cht_buf_clear(&message);
    return err;
}

static inline void machine_do(struct machine *m, const char *payload)
{
    if (machine_ask(m, NODE_MSG_STATE_UPDATE, payload) != CHT_OK)
        fail_msg("%s: %s", payload, m->fault.error.text);
}

/* Is refused with this code, and a sentence that has this in it. */
static inline void machine_refuses(struct machine *m, enum cht_err code, const char *part,
                                   const char *payload)
{
    assert_int_equal(code, machine_ask(m, NODE_MSG_STATE_UPDATE, payload));
    assert_has(m->fault.error.text, part);
}

/* The data of a record. */
static inline const char *machine_data(struct machine *m, const char *id)
{
    char query[256];
    (void)snprintf(query, sizeof query, "{'operation':'get','entity':{'chittyId':'%s'}}", id);
    if (machine_ask(m, NODE_MSG_QUERY, query) != CHT_OK)
        fail_msg("%s: %s", query, m->fault.error.text);
    char *data = strstr(machine_said, "\"data\":");
    assert_non_null(data);
    return data;
}

/* The id that the last answer names first. */
static inline const char *machine_id(void)
{
    static char ids[4][CRDT_ID_TEXT_MAX];
    static unsigned at;
    char *id = ids[at++ % 4];
    const char *found = strstr(machine_said, "\"chittyId\":\"");
    assert_non_null(found);
    (void)snprintf(id, CRDT_ID_TEXT_MAX, "%.*s",
                   (int)strcspn(found + strlen("\"chittyId\":\""), "\""),
                   found + strlen("\"chittyId\":\""));
    return id;
}

/* How many entries a machine has, and its root: what a dry run must not change. */
static inline uint64_t machine_entries(const struct machine *m)
{
    return node_replica_count(m->replica).entries;
}

static inline void machine_root(const struct machine *m, uint8_t out[static CRDT_HASH_BYTES])
{
    const struct crdt_root root = node_replica_root(m->replica);
    crdt_root_bytes(&root, out);
}

/* The other one gets what this one wrote in its last turn. */
static inline void machine_carry(struct machine *from, struct machine *to)
{
    const struct node_commit last = node_replica_last(from->replica);
    bool more;
    for (size_t i = 0; i < last.range_count; i++) {
        enum node_receipt receipt;
        assert_int_equal(CHT_OK,
                         node_replica_receive(to->replica, &last.ranges[i], to->now_ms, &receipt));
        assert_int_equal(NODE_STORED, receipt);
    }
    assert_int_equal(CHT_OK, node_replica_settle(to->replica, to->now_ms, &more));
    assert_int_equal(CHT_OK, node_replica_commit(to->replica, true));
    service_after(to->service, CHT_OK);
}

static inline void machine_make(struct machines *ms, struct machine *m, const char *name,
                                uint8_t number)
{
    const struct cht_bytes records[] = { cht_buf_view(&ms->found), cht_buf_view(&ms->admit) };
    struct cht_error detail = { 0 };
    identity_of(number, &m->identity);
    m->name = name;
    m->now_ms = MACHINE_NOW_MS;
    (void)snprintf(m->path, sizeof m->path, "%s/%s.db", ms->folder, name);
    if (node_replica_create(m->path, ms->space, records, 2, &detail) != CHT_OK)
        fail_msg("create: %s", cht_error_text(&detail));
    machine_open(m);
}

static inline int machines_up(void **state)
{
    struct machines *ms = calloc(1, sizeof *ms);
    assert_non_null(ms);
    (void)setenv("TZ", "UTC0", 1);
    (void)snprintf(ms->folder, sizeof ms->folder, "/tmp/chitty-service-XXXXXX");
    assert_non_null(mkdtemp(ms->folder));
    struct net_identity a, b;
    identity_of(0x10, &a);
    identity_of(0x20, &b);
    cht_buf_init(&ms->found, LIMIT_RECORD_BYTES);
    cht_buf_init(&ms->admit, LIMIT_RECORD_BYTES);
    assert_int_equal(CHT_OK, found_by(&a, &ms->found, ms->space));
    struct net_record admit = { .kind = NET_RECORD_ADMIT,
                                .stamp = crdt_hlc_make(1002, 0),
                                .parent_count = 1,
                                .parents = { crdt_hash_of(cht_buf_view(&ms->found)) },
                                .role = NET_ROLE_ADMIN,
                                .cert = b.cert,
                                .name = cht_bytes_str("desktop") };
    memcpy(admit.space, ms->space, sizeof admit.space);
    assert_int_equal(CHT_OK, net_record_encode(&admit, &a, &ms->admit));
    machine_make(ms, &ms->a, "laptop", 0x10);
    machine_make(ms, &ms->b, "desktop", 0x20);
    *state = ms;
    return 0;
}

static inline int machines_down(void **state)
{
    struct machines *ms = *state;
    struct machine *each[] = { &ms->a, &ms->b };
    for (size_t i = 0; i < 2; i++) {
        machine_close(each[i]);
        (void)unlink(each[i]->path);
    }
    assert_int_equal(0, rmdir(ms->folder));
    cht_buf_clear(&ms->found);
    cht_buf_clear(&ms->admit);
    free(ms);
    return 0;
}

#define MACHINES_TEST(name) cmocka_unit_test_setup_teardown(name, machines_up, machines_down)

#endif
