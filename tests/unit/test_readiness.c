/* What a watch is told when the end of one todo leaves others free, and what the log tells since a
 * vector and of a project (LOCAL 4.7, 4.8), on the real service and replica. */
#include "tests/support/service_fixture.h"

#define WORK(n)    "CHITTY-TODO-0000000000000000000000000" #n
#define PROJECT(n) "CHITTY-PROJ-0000000000000000000000000" #n
#define SESSION(n) "CHITTY-SESSION-0000000000000000000000000" #n
#define WATCHER    7u

/* All that the watcher was told, one JSON after the other. */
static char told[64 * 1024];

static void hear(struct cht_bytes bytes)
{
    static char json[32 * 1024];
    struct node_msg m;
    assert_int_equal(CHT_OK, node_msg_read(bytes, NULL, NULL, &m));
    cli_capture_json(m.payload, json, sizeof json);
    assert_true(strlen(told) + strlen(json) + 2 < sizeof told);
    (void)strcat(told, json);
    (void)strcat(told, "\n");
}

static enum cht_err queue(void *ctx, local_client_id client, struct cht_bytes message)
{
    (void)ctx;
    assert_int_equal(WATCHER, client);
    hear(message);
    return CHT_OK;
}

static const struct local_output output = { .answer = queue };

static void watch(struct machine *m, const char *conditions)
{
    char text[512];
    struct cht_buf of, message;
    (void)snprintf(text, sizeof text,
                   "{'operation':'watch','domain':'todos','fields':['content']%s}", conditions);
    cht_buf_init(&of, LIMIT_CLIENT_BYTES);
    cht_buf_init(&message, LIMIT_CLIENT_BYTES);
    const struct node_msg request = { .type = NODE_MSG_QUERY,
                                      .id = cht_bytes_str("w"),
                                      .payload = mp_of(&of, text) };
    assert_int_equal(CHT_OK, node_msg_write(&message, &request));
    struct local_request asked = { .client = WATCHER,
                                   .out = &output,
                                   .bytes = cht_buf_view(&message) };
    assert_int_equal(CHT_OK, node_msg_read(asked.bytes, NULL, NULL, &asked.msg));
    const struct local_handler handler = service_handler(m->service);
    told[0] = '\0';
    handler.request(handler.ctx, &asked);
    assert_int_equal(CHT_OK, machine_commit(m, NULL));
    assert_has(told, "\"watch\":\"w\"");
    told[0] = '\0';
    cht_buf_clear(&of);
    cht_buf_clear(&message);
}

static void put(struct machine *m, const char *id, const char *data)
{
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "{'operation':'upsert','entity':{'chittyId':'%s','data':{%s}}}", id, data);
    machine_do(m, text);
}

/* 2 and 3 wait for 1, 3 for 4 too. */
static void some_todos(struct machine *m)
{
    put(m, WORK(1), "'content':'first'");
    put(m, WORK(4), "'content':'fourth'");
    put(m, WORK(2), "'content':'second','dependencies':['" WORK(1) "']");
    put(m, WORK(3), "'content':'third','dependencies':['" WORK(1) "','" WORK(4) "']");
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        n++;
    return n;
}

static void a_watch_on_ready_is_told_what_anothers_end_makes_ready(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    some_todos(m);
    watch(m, ",'is':['ready']");
    put(m, WORK(1), "'status':'in_progress'");
    assert_string_equal("", told);
    m->actor = SESSION(1);
    put(m, WORK(1), "'status':'completed'");
    assert_int_equal(1, count(told, "\"because\""));
    assert_has(told, "\"entity\":{\"chittyId\":\"" WORK(2) "\"");
    assert_has(told, "\"because\":\"" WORK(1) "\"");
    assert_has(told, "\"delta\":{}");
    assert_has(told, "\"deviceName\":\"laptop\",\"actor\":");
    told[0] = '\0';
    put(m, WORK(4), "'status':'cancelled'");
    assert_int_equal(1, count(told, "\"because\":\"" WORK(4) "\""));
    assert_has(told, "\"entity\":{\"chittyId\":\"" WORK(3) "\"");
}

static void deleting_the_last_one_before_it_makes_a_todo_ready_too(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    some_todos(m);
    watch(m, ",'is':['ready']");
    machine_do(m, "{'operation':'delete','entity':{'chittyId':'" WORK(1) "'}}");
    assert_int_equal(1, count(told, "\"because\":\"" WORK(1) "\""));
    assert_int_equal(1, count(told, WORK(2)));
}

static void a_watch_on_blocked_is_told_when_one_comes_back(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    some_todos(m);
    put(m, WORK(1), "'status':'completed'");
    watch(m, ",'is':['blocked']");
    put(m, WORK(1), "'notes':'still done'");
    assert_string_equal("", told);
    put(m, WORK(1), "'status':'pending'");
    assert_int_equal(1, count(told, "\"because\":\"" WORK(1) "\"")); /* 3 was blocked by 4 */
    assert_has(told, "\"entity\":{\"chittyId\":\"" WORK(2) "\"");
}

static void one_that_is_under_way_is_told_where_that_is_asked_for(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    some_todos(m);
    put(m, WORK(2), "'status':'in_progress'");
    watch(m, ",'is':['ready']");
    put(m, WORK(1), "'status':'completed'");
    assert_string_equal("", told);
    put(m, WORK(1), "'status':'pending'");
    watch(m, ",'unblocked':true");
    put(m, WORK(1), "'status':'completed'");
    assert_int_equal(1, count(told, "\"because\""));
    assert_has(told, "\"entity\":{\"chittyId\":\"" WORK(2) "\"");
}

static void a_watch_without_such_a_condition_is_told_of_changes_only(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    some_todos(m);
    watch(m, ",'is':['open']");
    put(m, WORK(1), "'status':'completed'");
    assert_string_equal("", told);
}

static void another_devices_end_counts_and_is_that_devices(void **state)
{
    struct machines *ms = *state;
    put(&ms->b, WORK(6), "'content':'sixth'");
    machine_carry(&ms->b, &ms->a);
    put(&ms->a, WORK(2), "'content':'second','dependencies':['" WORK(6) "']");
    watch(&ms->a, ",'is':['ready']");
    put(&ms->b, WORK(6), "'status':'completed'");
    machine_carry(&ms->b, &ms->a);
    assert_int_equal(1, count(told, "\"because\":\"" WORK(6) "\""));
    assert_has(told, "\"deviceName\":\"desktop\"");
}

/* --- the log ------------------------------------------------------------------------------- */

static const char *ask_log(struct machine *m, const char *arguments)
{
    char text[4096];
    (void)snprintf(text, sizeof text, "{'operation':'log'%s}", arguments);
    if (machine_ask(m, NODE_MSG_QUERY, text) != CHT_OK)
        fail_msg("%s: %s", text, m->fault.error.text);
    return machine_said;
}

/* ",'since':'…'" of the last answer. */
static const char *since(void)
{
    static char text[1024];
    const char *at = strstr(machine_said, "\"vector\":\"");
    assert_non_null(at);
    at += strlen("\"vector\":\"");
    (void)snprintf(text, sizeof text, ",'since':'%.*s'", (int)strcspn(at, "\""), at);
    return text;
}

static void the_log_since_a_vector_is_what_came_after(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    some_todos(m);
    (void)ask_log(m, "");
    assert_int_equal(4, count(machine_said, "\"entry\""));
    assert_null(strstr(machine_said, "\"partial\""));
    char after[1024];
    (void)snprintf(after, sizeof after, "%s", since());
    (void)ask_log(m, after);
    assert_int_equal(0, count(machine_said, "\"entry\""));
    put(m, WORK(1), "'status':'completed'");
    (void)ask_log(m, after);
    assert_int_equal(1, count(machine_said, "\"entry\""));
    assert_has(machine_said, WORK(1));
    (void)ask_log(m, since());
    assert_int_equal(0, count(machine_said, "\"entry\""));
    assert_int_equal(CHT_E_INVALID,
                     machine_ask(m, NODE_MSG_QUERY, "{'operation':'log','since':'zz'}"));
    assert_has(m->fault.error.text, "since");
}

static void the_log_of_a_project_has_what_belongs_to_it(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    put(m, PROJECT(1), "'name':'one'");
    put(m, PROJECT(2), "'name':'two'");
    put(m, SESSION(1), "'session_id':'s','platform':'cli','title':'Refactoring'");
    m->actor = SESSION(1);
    put(m, WORK(1), "'content':'mine','project':'" PROJECT(1) "'");
    put(m, WORK(2), "'content':'theirs','project':'" PROJECT(2) "'");
    machine_do(m, "{'operation':'create','domain':'messages','entity':{'data':{'content':'hello',"
                  "'about':'" WORK(1) "'}}}");
    machine_do(m, "{'operation':'create','domain':'messages','entity':{'data':{'content':'no',"
                  "'about':'" WORK(2) "'}}}");
    (void)ask_log(m, ",'project':'" PROJECT(1) "','titles':true");
    assert_int_equal(3, count(machine_said, "\"entry\"")); /* project, todo, message */
    assert_has(machine_said, "\"titles\":{\"chittyId\":\"mine\",\"actor\":\"Refactoring\"}");
    assert_null(strstr(machine_said, "theirs"));
    assert_null(strstr(machine_said, "\"partial\""));
    (void)ask_log(m, ",'project':'" PROJECT(1) "','limit':1");
    assert_int_equal(1, count(machine_said, "\"entry\""));
    assert_has(machine_said, "hello");
}

static void a_long_log_of_other_projects_is_not_looked_through(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    put(m, PROJECT(1), "'name':'one'");
    put(m, WORK(1), "'content':'old','project':'" PROJECT(1) "'");
    put(m, WORK(2), "'content':'other'");
    for (unsigned i = 0; i < 9; i++) { /* 9 × 256 changes of another */
        static char batch[40000];
        size_t at = (size_t)snprintf(batch, sizeof batch, "{'batch':[");
        for (unsigned k = 0; k < 256; k++)
            at += (size_t)snprintf(batch + at, sizeof batch - at,
                                   "%s{'operation':'update','entity':{'chittyId':'" WORK(
                                       2) "','data':{'estimate':%u}}}",
                                   k == 0 ? "" : ",", i * 256 + k + 1);
        (void)snprintf(batch + at, sizeof batch - at, "]}");
        machine_do(m, batch);
    }
    (void)ask_log(m, ",'project':'" PROJECT(1) "'");
    assert_int_equal(0, count(machine_said, "\"entry\""));
    assert_has(machine_said, "\"partial\":true");
    put(m, WORK(1), "'content':'new'");
    (void)ask_log(m, ",'project':'" PROJECT(1) "'");
    assert_int_equal(1, count(machine_said, "\"entry\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINES_TEST(a_watch_on_ready_is_told_what_anothers_end_makes_ready),
        MACHINES_TEST(deleting_the_last_one_before_it_makes_a_todo_ready_too),
        MACHINES_TEST(a_watch_on_blocked_is_told_when_one_comes_back),
        MACHINES_TEST(one_that_is_under_way_is_told_where_that_is_asked_for),
        MACHINES_TEST(a_watch_without_such_a_condition_is_told_of_changes_only),
        MACHINES_TEST(another_devices_end_counts_and_is_that_devices),
        MACHINES_TEST(the_log_since_a_vector_is_what_came_after),
        MACHINES_TEST(the_log_of_a_project_has_what_belongs_to_it),
        MACHINES_TEST(a_long_log_of_other_projects_is_not_looked_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
