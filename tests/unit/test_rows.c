/* Values that come back from their rows byte for byte: what one replica reads anew and another
 * still has in memory is the same state (PROTOCOL 10.4, 5.8). */
#include "node/store/sql.h"
#include "tests/support/service_fixture.h"

#define CONTEXT "CHITTY-CONTEXT-00041061050R3GG28A1C60T3GF"

/* An entry as any implementation may write it; ours would take the shortest form. */
static void write_confidence(struct machine *m, const char *bytes, size_t len)
{
    struct crdt_id id;
    assert_int_equal(CHT_OK, crdt_id_parse(cht_bytes_str(CONTEXT), &id));
    const struct crdt_op op = {
        .kind = CRDT_OP_PUT,
        .field = crdt_field_named(CRDT_CONTEXT, cht_bytes_str("confidence"))->number,
        .value = cht_bytes(bytes, len)
    };
    const struct node_write write = { id, &op, 1 };
    assert_int_equal(CHT_OK, node_replica_write(m->replica, &write, 1, NULL, m->now_ms));
    assert_int_equal(CHT_OK, node_replica_commit(m->replica, true));
    service_after(m->service, CHT_OK);
}

static void numbers_come_back_from_their_columns_as_they_were_written(void **state)
{
    struct machines *ms = *state;
    static const struct {
        const char *bytes;
        size_t len;
    } forms[] = {
        { "\x01", 1 },                                 /* an integer */
        { "\xca\x3f\x00\x00\x00", 5 },                 /* a half in four bytes */
        { "\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00", 9 }, /* … in eight, as many libraries write it */
        { "\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a", 9 }, /* 0.1 */
        { "\xcb\x80\x00\x00\x00\x00\x00\x00\x00", 9 }, /* -0.0 */
        { "\xca\x80\x00\x00\x00", 5 },
        { "\xcb\x00\x00\x00\x00\x00\x00\x00\x01", 9 }, /* the least there is */
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        uint8_t a[CRDT_HASH_BYTES], b[CRDT_HASH_BYTES];
        write_confidence(&ms->a, forms[i].bytes, forms[i].len);
        machine_carry(&ms->a, &ms->b);
        machine_close(&ms->a); /* it reads its rows anew */
        machine_open(&ms->a);
        machine_do(&ms->a, "{'operation':'update','entity':{'chittyId':'" CONTEXT
                           "','data':{'tags':{'add':['x']}}}}");
        machine_carry(&ms->a, &ms->b);
        machine_do(&ms->a, "{'operation':'update','entity':{'chittyId':'" CONTEXT
                           "','data':{'tags':{'remove':['x']}}}}");
        machine_carry(&ms->a, &ms->b);
        machine_root(&ms->a, a);
        machine_root(&ms->b, b);
        if (memcmp(a, b, sizeof a) != 0)
            fail_msg("form %zu: two states of the same entries", i);
        (void)machine_data(&ms->a, CONTEXT);
        assert_has(machine_said, "\"confidence\":");
    }
}

/* SQLite takes such a transaction back itself; a second rollback must not be what is told. */
static void what_failed_is_told_after_the_rollback(void **state)
{
    struct node_store *store = node_replica_store(((struct machines *)*state)->a.replica);
    assert_int_equal(CHT_OK, store_exec(store, "PRAGMA max_page_count = 1"));
    assert_int_equal(CHT_OK, node_store_begin(store));
    assert_int_equal(CHT_E_FULL, store_exec(store, "CREATE TABLE more AS SELECT zeroblob(100000)"));
    node_store_rollback(store);
    assert_has(node_store_message(store), "full");
    assert_int_equal(CHT_OK, store_exec(store, "PRAGMA max_page_count = 1000000"));
    assert_int_equal(CHT_OK, node_store_begin(store));
    node_store_rollback(store);
    assert_null(strstr(node_store_message(store), "full"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINES_TEST(numbers_come_back_from_their_columns_as_they_were_written),
        MACHINES_TEST(what_failed_is_told_after_the_rollback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
