/* Dependencies and parents that lead back (LOCAL 3.10, 4.15), on the real service and replicas. */
#include "tests/prop/sync.h"
#include "tests/support/service_fixture.h"

#define WORK(n)    "CHITTY-TODO-0000000000000000000000000" #n
#define PROJECT(n) "CHITTY-PROJ-0000000000000000000000000" #n

static enum cht_err put(struct machine *m, const char *id, const char *data)
{
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "{'operation':'upsert','entity':{'chittyId':'%s','data':{%s}}}", id, data);
    return machine_ask(m, NODE_MSG_STATE_UPDATE, text);
}

static void must(struct machine *m, const char *id, const char *data)
{
    if (put(m, id, data) != CHT_OK)
        fail_msg("%s %s: %s", id, data, m->fault.error.text);
}

/* 1 waits for 2 waits for 3 waits for 4. */
static void some_chain(struct machine *m)
{
    must(m, WORK(4), "'content':'four'");
    must(m, WORK(3), "'content':'three','dependencies':['" WORK(4) "']");
    must(m, WORK(2), "'content':'two','dependencies':['" WORK(3) "']");
    must(m, WORK(1), "'content':'one','dependencies':['" WORK(2) "']");
}

static void a_change_that_closes_a_circle_is_refused(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    some_chain(m);
    const uint64_t entries = machine_entries(m);
    assert_int_equal(CHT_E_INVALID,
                     put(m, WORK(4), "'content':'4','dependencies':['" WORK(1) "']"));
    assert_string_equal("dependencies would lead back to where it begins, over 3 others",
                        m->fault.error.text);
    assert_string_equal("dependencies", m->fault.field);
    assert_string_equal(
        "TODO-00000000 → TODO-00000000 → TODO-00000000 → TODO-00000000 → TODO-00000000",
        m->fault.hint);
    assert_int_equal(CHT_E_INVALID,
                     put(m, WORK(2), "'content':'2','dependencies':['" WORK(2) "']"));
    assert_has(m->fault.error.text, "cannot name the record itself");
    assert_int_equal(CHT_E_INVALID, put(m, WORK(5), "'content':'5','parent':'" WORK(5) "'"));
    assert_int_equal(CHT_E_INVALID,
                     machine_ask(m, NODE_MSG_STATE_UPDATE,
                                 "{'dry':true,'operation':'update','entity':{'chittyId':'" WORK(
                                     4) "','data':{'dependencies':['" WORK(1) "']}}}"));
    assert_int_equal(entries, machine_entries(m));
    must(m, WORK(4), "'content':'4','parent':'" WORK(1) "'"); /* another sort of link */
    /* who takes over what another tracker has takes its circles, too */
    machine_do(m, "{'circles':true,'batch':[{'operation':'update','entity':{'chittyId':'" WORK(
                      4) "','data':{'dependencies':['" WORK(1) "']}}}]}");
    assert_int_equal(entries + 2, machine_entries(m));
}

static void what_the_same_change_takes_away_closes_nothing(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    some_chain(m);
    machine_do(m, "{'batch':[{'operation':'update','entity':{'chittyId':'" WORK(
                      2) "','data':{'dependencies':[]}}},{'operation':'update','entity':{'chittyId'"
                         ":'" WORK(4) "','data':{'dependencies':['" WORK(1) "']}}}]}");
    assert_int_equal(CHT_OK, machine_ask(m, NODE_MSG_QUERY, "{'operation':'cycles'}"));
    assert_string_equal("{\"records\":[]}", machine_said);
}

static void changes_of_one_batch_are_seen_together(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    machine_refuses(
        m, CHT_E_INVALID, "lead back",
        "{'batch':[{'operation':'upsert','entity':{'chittyId':'" PROJECT(
            1) "','data':{'name':'a','parent':'" PROJECT(2) "'}}},{'operation':'upsert',"
                                                            "'entity':{'chittyId':'" PROJECT(
                                                                2) "','data':{'name':'b','parent':"
                                                                   "'" PROJECT(
                                                                       3) "'}}},{'"
                                                                          "operation':'"
                                                                          "upsert','entity'"
                                                                          ":{'chittyId':"
                                                                          "'" PROJECT(
                                                                              3) "'"
                                                                                 ","
                                                                                 "'"
                                                                                 "d"
                                                                                 "a"
                                                                                 "t"
                                                                                 "a"
                                                                                 "'"
                                                                                 ":"
                                                                                 "{"
                                                                                 "'"
                                                                                 "n"
                                                                                 "a"
                                                                                 "m"
                                                                                 "e"
                                                                                 "'"
                                                                                 ":"
                                                                                 "'"
                                                                                 "c"
                                                                                 "'"
                                                                                 ","
                                                                                 "'"
                                                                                 "p"
                                                                                 "a"
                                                                                 "r"
                                                                                 "e"
                                                                                 "n"
                                                                                 "t"
                                                                                 "'"
                                                                                 ":"
                                                                                 "'" PROJECT(
                                                                                     1) "'}}}]}");
    assert_int_equal(0, machine_entries(m));
}

static void a_hidden_record_leads_nowhere(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    some_chain(m);
    machine_do(m, "{'operation':'delete','entity':{'chittyId':'" WORK(2) "'}}");
    must(m, WORK(4), "'content':'4','dependencies':['" WORK(1) "']");
}

static void exchange(struct machines *ms)
{
    struct home a = { .r = ms->a.replica }, b = { .r = ms->b.replica };
    (void)sync_from(&a, &b, LIMIT_RANGE_BYTES, UINT32_MAX);
    (void)sync_from(&b, &a, LIMIT_RANGE_BYTES, UINT32_MAX);
}

static void what_two_machines_close_together_is_told_the_same_by_both(void **state)
{
    struct machines *ms = *state;
    must(&ms->a, WORK(2), "'content':'two'");
    must(&ms->a, WORK(4), "'content':'four'");
    must(&ms->a, WORK(3), "'content':'three','dependencies':['" WORK(4) "']");
    must(&ms->a, PROJECT(1), "'name':'p'");
    must(&ms->a, PROJECT(2), "'name':'q'");
    exchange(ms);
    must(&ms->a, WORK(2), "'content':'two','dependencies':['" WORK(3) "','" WORK(4) "']");
    must(&ms->a, PROJECT(1), "'name':'p','parent':'" PROJECT(2) "'");
    must(&ms->b, WORK(4), "'content':'four','dependencies':['" WORK(2) "']");
    must(&ms->b, PROJECT(2), "'name':'q','parent':'" PROJECT(1) "'");
    exchange(ms);
    static const char told[] =
        "{\"records\":[{\"domain\":\"projects\",\"field\":\"parent\",\"length\":2,\"members\":2,"
        "\"path\":[{\"chittyId\":\"" PROJECT(1) "\",\"title\":\"p\"},{\"chittyId\":\"" PROJECT(
            2) "\",\"title\":\"q\"}]},{\"domain\":\"todos\",\"field\":\"dependencies\",\"length\":"
               "2,"
               "\"members\":3,\"path\":[{\"chittyId\":\"" WORK(
                   2) "\",\"title\":\"two\"},{\"chittyId\":\"" WORK(4) "\",\"title\":\"four\"}]}]}";
    struct machine *each[] = { &ms->a, &ms->b };
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(CHT_OK, machine_ask(each[i], NODE_MSG_QUERY, "{'operation':'cycles'}"));
        assert_string_equal(told, machine_said);
    }
    assert_int_equal(
        CHT_OK, machine_ask(&ms->a, NODE_MSG_QUERY, "{'operation':'cycles','domain':'topics'}"));
    assert_string_equal("{\"records\":[]}", machine_said);
    must(&ms->a, WORK(4), "'content':'four','dependencies':[]"); /* and it can be mended */
    assert_int_equal(
        CHT_OK, machine_ask(&ms->a, NODE_MSG_QUERY, "{'operation':'cycles','domain':'todos'}"));
    assert_string_equal("{\"records\":[]}", machine_said);
}

/* As it comes of concurrent changes: no node has seen the circle when it wrote. */
static void link_up(struct machine *m, uint16_t from, uint16_t to, const char *title)
{
    struct crdt_id id = { .type = CRDT_TODO };
    uint8_t key[3 + CRDT_ID_BYTES] = { 0xc4, 1 + CRDT_ID_BYTES, CRDT_TODO };
    struct cht_buf text;
    cht_buf_init(&text, LIMIT_CLIENT_BYTES);
    cht_put_u16(id.b, from);
    cht_put_u16(key + 3, to);
    assert_int_equal(CHT_OK, node_mp_put_text(&text, title));
    const struct crdt_op ops[] = {
        { .kind = CRDT_OP_PUT,
          .field = crdt_field_named(CRDT_TODO, cht_bytes_str("content"))->number,
          .value = cht_buf_view(&text) },
        { .kind = CRDT_OP_PUT,
          .field = crdt_field_named(CRDT_TODO, cht_bytes_str("dependencies"))->number,
          .key = cht_bytes(key, sizeof key),
          .value = cht_bytes_str("\xc0") },
    };
    const struct node_write write = { id, ops, 2 };
    assert_int_equal(CHT_OK, node_replica_write(m->replica, &write, 1, NULL, m->now_ms));
    cht_buf_clear(&text);
}

static void more_circles_than_an_answer_holds_are_told_in_part(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    static char title[4001];
    memset(title, 'x', sizeof title - 1);
    for (uint16_t i = 0; i < 400; i += 2) { /* 1.6 MB of titles; a message has 1 MiB */
        link_up(m, i, (uint16_t)(i + 1), title);
        link_up(m, (uint16_t)(i + 1), i, title);
    }
    assert_int_equal(CHT_OK, node_replica_commit(m->replica, true));
    service_after(m->service, CHT_OK);
    if (machine_ask(m, NODE_MSG_QUERY, "{'operation':'cycles'}") != CHT_OK)
        fail_msg("%s", cht_error_text(&m->fault.error));
    static const char begins[] = "{\"records\":[{\"domain\":\"todos\"";
    assert_memory_equal(begins, machine_said, sizeof begins - 1);
}

/* Work that two begin and end apart was begun and ended by the first: there is nothing to decide.
 */
static void who_does_the_same_apart_leaves_no_conflict(void **state)
{
    struct machines *ms = *state;
    struct machine *each[] = { &ms->a, &ms->b };
    must(&ms->a, WORK(1), "'content':'one','deadline':1767225600000,'recurrence':'weekly'");
    exchange(ms);
    ms->b.now_ms += 3600000;
    for (size_t i = 0; i < 2; i++) {
        machine_do(each[i], "{'operation':'update','entity':{'chittyId':'" WORK(
                                1) "','data':{'status':'in_progress'}}}");
        machine_do(each[i], "{'operation':'update','entity':{'chittyId':'" WORK(
                                1) "','data':{'status':'completed'}}}");
        machine_do(each[i], "{'operation':'upsert','domain':'repos','entity':{'data':{'url':"
                            "'git@github.com:a/b.git','name':'b'}}}");
    }
    exchange(ms);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(CHT_OK, machine_ask(each[i], NODE_MSG_QUERY, "{'operation':'conflicts'}"));
        assert_string_equal("{\"records\":[]}", machine_said);
        assert_has(machine_data(each[i], WORK(1)), "\"completed_at\":1767225603000");
        assert_has(machine_said, "\"started_at\":1767225602000");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINES_TEST(a_change_that_closes_a_circle_is_refused),
        MACHINES_TEST(what_the_same_change_takes_away_closes_nothing),
        MACHINES_TEST(changes_of_one_batch_are_seen_together),
        MACHINES_TEST(a_hidden_record_leads_nowhere),
        MACHINES_TEST(what_two_machines_close_together_is_told_the_same_by_both),
        MACHINES_TEST(more_circles_than_an_answer_holds_are_told_in_part),
        MACHINES_TEST(who_does_the_same_apart_leaves_no_conflict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
