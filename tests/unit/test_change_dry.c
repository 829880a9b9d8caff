/* Changes that are only tried (LOCAL 3.9): told exactly, and nothing is written. */
#include "tests/support/service_fixture.h"

#define TODO "CHITTY-TODO-00041061050R3GG28A1C60T3GF"

static void make(struct machine *m)
{
    machine_do(m, "{'operation':'create','entity':{'chittyId':'" TODO
                  "','data':{'content':'x','labels':['a','b'],'reminders':{'k':1,'l':2}}}}");
}

static void nothing_is_written(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    uint8_t before[CRDT_HASH_BYTES], after[CRDT_HASH_BYTES];
    make(m);
    const uint64_t entries = machine_entries(m);
    machine_root(m, before);
    static const char *const tried[] = {
        "{'dry':true,'key':'k','operation':'update','entity':{'chittyId':'" TODO
        "','data':{'content':'y'}}}",
        "{'dry':true,'operation':'delete','entity':{'chittyId':'" TODO "'}}",
        "{'dry':true,'operation':'create','domain':'todos','entity':{'data':{'content':'z'}}}",
        "{'dry':true,'batch':[{'operation':'delete','entity':{'chittyId':'" TODO "'}}]}",
    };
    for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++) {
        machine_do(m, tried[i]);
        assert_has(machine_said, "\"changed\":true");
    }
    machine_root(m, after);
    assert_memory_equal(before, after, sizeof before);
    assert_int_equal(entries, machine_entries(m));
    machine_do(m, "{'key':'k','operation':'update','entity':{'chittyId':'" TODO
                  "','data':{'content':'really'}}}"); /* the key was not used up */
    assert_has(machine_data(m, TODO), "\"content\":\"really\"");
}

static void it_tells_what_fields_would_show(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    make(m);
    machine_do(m, "{'dry':true,'operation':'update','entity':{'chittyId':'" TODO "','data':"
                  "{'content':'y','priority':'high','labels':{'add':['c'],'remove':['a']},"
                  "'reminders':{'k':null,'m':3},'status':'pending','notes':null}}}");
    assert_has(machine_said,
               "\"would\":{\"content\":{\"from\":\"x\",\"to\":\"y\"},"
               "\"priority\":{\"from\":null,\"to\":\"high\"},"
               "\"labels\":{\"from\":[\"a\",\"b\"],\"to\":[\"b\",\"c\"]},"
               "\"reminders\":{\"from\":{\"k\":1,\"l\":2},\"to\":{\"l\":2,\"m\":3}}}");
    machine_do(m, "{'dry':true,'operation':'delete','entity':{'chittyId':'" TODO "'}}");
    assert_has(machine_said, "\"would\":{\"deleted\":{\"from\":false,\"to\":true}}");
    machine_do(m, "{'dry':true,'operation':'undelete','entity':{'chittyId':'" TODO "'}}");
    assert_has(machine_said, "\"changed\":false,\"would\":{}");
}

static void a_batch_tells_each_on_what_is_before_it(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    make(m);
    machine_do(m, "{'dry':true,'batch':[{'operation':'update','entity':{'chittyId':'" TODO
                  "','data':{'content':'y','labels':['a']}}},{'operation':'update','entity':"
                  "{'chittyId':'" TODO "','data':{'content':'z','labels':{'add':['b']}}}}]}");
    assert_has(machine_said, "\"content\":{\"from\":\"x\",\"to\":\"y\"},"
                             "\"labels\":{\"from\":[\"a\",\"b\"],\"to\":[\"a\"]}");
    assert_has(machine_said, "\"content\":{\"from\":\"y\",\"to\":\"z\"},"
                             "\"labels\":{\"from\":[\"a\"],\"to\":[\"a\",\"b\"]}");
}

static void a_drawn_id_is_left_out(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    machine_do(m, "{'dry':true,'operation':'create','domain':'todos','entity':{'data':"
                  "{'content':'z'}}}");
    assert_null(strstr(machine_said, "chittyId"));
    assert_has(machine_said, "{\"type\":\"todo\",");
    machine_do(m, "{'dry':true,'operation':'create','domain':'services','entity':{'data':"
                  "{'name':'z'}}}");
    assert_has(machine_said, "\"chittyId\":\"CHITTY-SERVICE-");
}

static void what_would_be_refused_is_refused(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    make(m);
    machine_refuses(m, CHT_E_INVALID, "priority",
                    "{'dry':true,'operation':'update','entity':{'chittyId':'" TODO
                    "','data':{'priority':'urgent'}}}");
    machine_refuses(m, CHT_E_EXISTS, "exists already",
                    "{'dry':true,'operation':'create','entity':{'chittyId':'" TODO
                    "','data':{'content':'x'}}}");
    machine_refuses(m, CHT_E_INVALID, "dry",
                    "{'dry':1,'operation':'delete','entity':{'chittyId':'" TODO "'}}");
}

static void resolving_may_be_tried_and_expects_a_version(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    static const char tried[] = "{'name':'resolve','args':{'chittyId':'" TODO
                                "','field':'content','value':'z','dry':true}}";
    make(m);
    const uint64_t entries = machine_entries(m);
    assert_int_equal(CHT_OK, machine_ask(m, NODE_MSG_COMMAND, tried));
    assert_has(machine_said, "\"would\":{\"content\":{\"from\":\"x\",\"to\":\"z\"}}");
    assert_int_equal(entries, machine_entries(m));
    char late[512], version[64] = "";
    const char *at = strstr(machine_said, "\"version\":\"");
    assert_non_null(at);
    (void)snprintf(version, sizeof version, "%.*s", (int)strcspn(at + 11, "\""), at + 11);
    machine_do(m, "{'operation':'update','entity':{'chittyId':'" TODO "','data':{'content':'y'}}}");
    (void)snprintf(late, sizeof late,
                   "{'name':'resolve','args':{'chittyId':'" TODO
                   "','field':'content','value':'z','expect':'%s'}}",
                   version);
    assert_int_equal(CHT_E_CONFLICT, machine_ask(m, NODE_MSG_COMMAND, late));
    assert_has(machine_said, "\"delta\":{\"content\":\"y\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINES_TEST(nothing_is_written),
        MACHINES_TEST(it_tells_what_fields_would_show),
        MACHINES_TEST(a_batch_tells_each_on_what_is_before_it),
        MACHINES_TEST(a_drawn_id_is_left_out),
        MACHINES_TEST(resolving_may_be_tried_and_expects_a_version),
        MACHINES_TEST(what_would_be_refused_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
