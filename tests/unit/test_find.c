/* The tables as lists ask them, on the real service and replica: what is made of rows for those who
 * look from the other side (PROTOCOL 10.4), the ways that questions go, and what comes first. */
#include "tests/support/service_fixture.h"

#include "tests/support/seeded.h"

#define WORK     "CHITTY-TODO-000000000000000000000000%02u"
#define PROJECT  "CHITTY-PROJ-00000000000000000000000001"
#define FIRST    "CHITTY-TODO-00000000000000000000000001"
#define TODOS    12u
#define STEPS    150u
#define ASKED_MS MACHINE_NOW_MS

static struct node_store *store_of(struct machine *m)
{
    return node_replica_store(m->replica);
}

static void put(struct machine *m, unsigned number, const char *data)
{
    char id[64], text[1024];
    (void)snprintf(id, sizeof id, WORK, number);
    (void)snprintf(text, sizeof text,
                   "{'operation':'upsert','entity':{'chittyId':'%s','data':{%s}}}", id, data);
    machine_do(m, text);
}

static void hide(struct machine *m, unsigned number, bool hidden)
{
    char id[64], text[256];
    (void)snprintf(id, sizeof id, WORK, number);
    (void)snprintf(text, sizeof text, "{'operation':'%s','entity':{'chittyId':'%s'}}",
                   hidden ? "delete" : "undelete", id);
    machine_do(m, text);
}

/* The last two digits of the ids that are found, in order. */
static const char *found(struct machine *m, const struct node_find *f)
{
    static char digits[256];
    struct node_cursor *c = NULL;
    size_t len = 0;
    enum cht_err err = node_find_open(store_of(m), f, "id", &c);
    if (err != CHT_OK)
        fail_msg("%s", node_store_message(store_of(m)));
    digits[0] = '\0';
    while ((err = node_find_next(c)) == CHT_OK && len + 4 < sizeof digits) {
        struct cht_bytes id = node_find_bytes(c, 0);
        len += (size_t)snprintf(digits + len, sizeof digits - len, "%s%.2s", len == 0 ? "" : " ",
                                (const char *)id.data + id.len - 2);
    }
    assert_int_equal(CHT_E_NOTFOUND, err);
    node_find_close(c);
    return digits;
}

static const struct crdt_field *field(const char *name)
{
    return crdt_field_named(CRDT_TODO, cht_bytes_str(name));
}

/* --- what blocks a todo ---------------------------------------------------------------------- */

/* One step of a history in the model and on the machine. */
struct model {
    bool here[TODOS], hidden[TODOS], done[TODOS], waits[TODOS][TODOS];
};

static void step(struct machine *m, struct model *x, struct seeded *random)
{
    unsigned at = seeded_below(random, TODOS), other = seeded_below(random, TODOS);
    char data[256], id[64];
    (void)snprintf(id, sizeof id, WORK, other);
    switch (x->here[at] ? seeded_below(random, 5) : 0) {
    case 0:
        (void)snprintf(data, sizeof data, "'content':'todo %u'", at);
        x->here[at] = true;
        break;
    case 1:
        x->done[at] = seeded_below(random, 2) == 0;
        (void)snprintf(data, sizeof data, "'status':'%s'",
                       !x->done[at]                   ? "in_progress"
                       : seeded_below(random, 2) == 0 ? "completed"
                                                      : "cancelled");
        break;
    case 2:
        x->hidden[at] = !x->hidden[at];
        hide(m, at, x->hidden[at]);
        return;
    case 3:
        x->waits[at][other] = true;
        (void)snprintf(data, sizeof data, "'dependencies':{'add':['%s']}", id);
        break;
    default:
        x->waits[at][other] = false;
        (void)snprintf(data, sizeof data, "'dependencies':{'remove':['%s']}", id);
        break;
    }
    put(m, at, data);
}

static void check_blockers(struct machine *m, const struct model *x)
{
    struct node_cursor *c = NULL;
    const struct node_find all = { .type = CRDT_TODO, .with_deleted = true };
    unsigned rows = 0;
    assert_int_equal(CHT_OK, node_find_open(store_of(m), &all, "id, blockers", &c));
    while (node_find_next(c) == CHT_OK) {
        struct cht_bytes id = node_find_bytes(c, 0);
        unsigned at = (unsigned)strtoul((const char *)id.data + id.len - 2, NULL, 10), want = 0;
        for (unsigned i = 0; i < TODOS; i++)
            want += x->waits[at][i] && x->here[i] && !x->hidden[i] && !x->done[i];
        assert_int_equal(want, node_find_int(c, 1));
        rows++;
    }
    node_find_close(c);
    for (unsigned i = 0; i < TODOS; i++)
        rows -= x->here[i];
    assert_int_equal(0, rows);
}

static void no_problem(void *ctx, const char *where, const char *what)
{
    (void)ctx;
    fail_msg("%s: %s", where, what);
}

static void the_blockers_of_a_todo_are_exact_after_every_change(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    struct seeded random = seeded_start(11);
    struct model x = { 0 };
    struct node_verified v;
    for (unsigned i = 0; i < STEPS; i++) {
        step(m, &x, &random);
        check_blockers(m, &x);
    }
    assert_int_equal(CHT_OK, node_replica_verify(m->replica, no_problem, NULL, &v));
    assert_true(v.ok);
    assert_int_equal(CHT_OK, node_replica_rebuild(m->replica));
    assert_int_equal(CHT_OK, node_replica_commit(m->replica, true));
    check_blockers(m, &x);
}

/* --- elements -------------------------------------------------------------------------------- */

static void an_element_leads_to_those_that_have_it_now(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    const struct node_narrow bug = { field("labels"), cht_bytes_str("bug") };
    const struct node_narrow ann = { field("assignees"), cht_bytes_str("ann") };
    const struct node_narrow part = { field("parent"), cht_bytes_str(FIRST) };
    const struct node_narrow both[] = { bug, ann };
    put(m, 1, "'content':'one','labels':['bug','x']");
    put(m, 2, "'content':'two','labels':['bug'],'assignees':['ann'],'parent':'" FIRST "'");
    put(m, 3, "'content':'three','labels':['bug'],'assignees':['ann']");
    struct node_find f = { .type = CRDT_TODO, .narrow = &bug, .narrow_count = 1 };
    assert_string_equal("01 02 03", found(m, &f));
    put(m, 2, "'labels':{'remove':['bug']}");
    assert_string_equal("01 03", found(m, &f));
    f.narrow = both;
    f.narrow_count = 2;
    assert_string_equal("03", found(m, &f));
    f.narrow = &part;
    f.narrow_count = 1;
    assert_string_equal("02", found(m, &f));
    put(m, 2, "'parent':null");
    assert_string_equal("", found(m, &f));
}

/* --- what comes first ------------------------------------------------------------------------ */

static void ready_todos_come_by_what_matters_and_what_is_due(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    put(m, 1, "'content':'low','priority':'low'");
    put(m, 2, "'content':'none'");
    put(m, 3, "'content':'later','priority':'high','deadline':1790000000000");
    put(m, 4, "'content':'sooner','priority':'high','deadline':1780000000000");
    put(m, 5, "'content':'never due','priority':'high'");
    put(m, 6, "'content':'critical','priority':'critical','defer':1799999999000");
    put(m, 7, "'content':'medium','priority':'medium','deadline':1790000000000");
    put(m, 8, "'content':'begun','priority':'critical','status':'in_progress'");
    put(m, 9, "'content':'waits','priority':'critical','dependencies':['" FIRST "']");
    struct node_find f = { .type = CRDT_TODO, .only = NODE_ONLY_READY, .now_ms = ASKED_MS };
    assert_string_equal("04 03 05 07 02 01", found(m, &f));
    f.now_ms = 1799999999001;
    assert_string_equal("06 04 03 05 07 02 01", found(m, &f));
    put(m, 1, "'status':'completed'");
    assert_string_equal("06 09 04 03 05 07 02", found(m, &f));
}

static void words_of_an_enum_are_sorted_by_their_rank(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    struct cht_buf order;
    cht_buf_init(&order, 1024);
    put(m, 1, "'content':'b','priority':'medium'");
    put(m, 2, "'content':'A','priority':'critical'");
    put(m, 3, "'content':'C','priority':'low'");
    assert_int_equal(CHT_OK, node_find_order(field("priority"), &order));
    assert_int_equal(CHT_OK, cht_buf_add_u8(&order, '\0'));
    struct node_find f = { .type = CRDT_TODO, .order = (const char *)order.data };
    assert_string_equal("03 01 02", found(m, &f));
    cht_buf_reset(&order);
    assert_int_equal(CHT_OK, node_find_order(field("content"), &order));
    assert_int_equal(CHT_OK, cht_buf_add_u8(&order, '\0'));
    f.order = (const char *)order.data;
    assert_string_equal("02 01 03", found(m, &f));
    cht_buf_clear(&order);
}

static void the_best_match_comes_first(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    put(m, 1, "'content':'write the parser','description':'nothing'");
    put(m, 2, "'content':'other','description':'parser parser parser'");
    put(m, 3, "'content':'a third','description':'of the parser'");
    put(m, 4, "'content':'parser and Pärser','status':'completed'");
    struct node_find f = { .type = CRDT_TODO, .match = cht_bytes_str("\"parser\"") };
    assert_string_equal("04 01 02 03", found(m, &f));
    f.only = NODE_ONLY_OPEN;
    assert_string_equal("01 02 03", found(m, &f));
    f.offset = 1;
    f.limit = 1;
    assert_string_equal("02", found(m, &f));
}

/* More than are looked at for the best. */
static void many_matches_come_once_each_and_the_newest_first(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    enum { MANY = 1100 };
    char text[8192];
    for (unsigned made = 0; made < MANY;) {
        size_t len = (size_t)snprintf(text, sizeof text, "{'batch':[");
        for (unsigned i = 0; i < 50; i++, made++)
            len += (size_t)snprintf(text + len, sizeof text - len,
                                    "%s{'operation':'create','domain':'todos','entity':{'data':{"
                                    "'content':'word','estimate':%u}}}",
                                    i == 0 ? "" : ",", made);
        (void)snprintf(text + len, sizeof text - len, "]}");
        machine_do(m, text);
    }
    struct node_find f = { .type = CRDT_TODO, .match = cht_bytes_str("\"word\"") };
    struct node_cursor *c = NULL;
    assert_int_equal(CHT_OK, node_find_open(store_of(m), &f, "estimate", &c));
    for (int64_t i = MANY - 1; i >= 0; i--) {
        assert_int_equal(CHT_OK, node_find_next(c));
        assert_int_equal(i, node_find_int(c, 0));
    }
    assert_int_equal(CHT_E_NOTFOUND, node_find_next(c));
    node_find_close(c);
    f.offset = 700;
    f.limit = 2;
    assert_int_equal(CHT_OK, node_find_open(store_of(m), &f, "estimate", &c));
    assert_int_equal(CHT_OK, node_find_next(c));
    assert_int_equal(MANY - 1 - 700, node_find_int(c, 0));
    assert_int_equal(CHT_OK, node_find_next(c));
    assert_int_equal(CHT_E_NOTFOUND, node_find_next(c));
    node_find_close(c);
    f.offset = 0;
    f.counts = true;
    assert_int_equal(CHT_OK, node_find_open(store_of(m), &f, "count(*)", &c));
    assert_int_equal(CHT_OK, node_find_next(c));
    assert_int_equal(MANY, node_find_int(c, 0));
    node_find_close(c);
}

/* --- the ways -------------------------------------------------------------------------------- */

/* No table is read from end to end, and nothing is sorted that an index has in order. */
static void no_question_goes_through_the_whole_table(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    const struct node_narrow project = { field("project"), cht_bytes_str(PROJECT) };
    const struct node_narrow label = { field("labels"), cht_bytes_str("bug") };
    const struct node_narrow both[] = { project, label };
    const struct cht_bytes word = cht_bytes_str("\"word\"");
    static const char where[] = "\"estimate\" IS NULL";
    const struct {
        struct node_find find;
        bool sorts;
    } cases[] = {
        { { .only = NODE_ONLY_OPEN }, false },
        { { .only = NODE_ONLY_READY }, false },
        { { .only = NODE_ONLY_READY, .where = where }, false },
        { { .only = NODE_ONLY_OVERDUE }, false },
        { { .narrow = &project, .narrow_count = 1 }, false },
        { { .narrow = &label, .narrow_count = 1, .only = NODE_ONLY_OPEN }, false },
        { { .narrow = both, .narrow_count = 2 }, false },
        { { .narrow = both, .narrow_count = 2, .only = NODE_ONLY_READY }, true },
        { { .narrow = &label, .narrow_count = 1, .order = "\"content\"" }, true },
        { { .match = word }, true },
        { { .match = word, .narrow = both, .narrow_count = 2 }, true },
    };
    put(m, 1, "'content':'word','labels':['bug'],'project':'" PROJECT "'");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct node_find f = cases[i].find;
        struct cht_buf plan;
        cht_buf_init(&plan, 1u << 16);
        f.type = CRDT_TODO;
        f.now_ms = ASKED_MS;
        f.limit = 50;
        assert_int_equal(CHT_OK, node_find_explain(store_of(m), &f, "id", &plan));
        assert_int_equal(CHT_OK, cht_buf_add_u8(&plan, '\0'));
        const char *text = (const char *)plan.data;
        bool scans = strstr(text, "SCAN todo\n") != NULL || strstr(text, "SCAN element") != NULL;
        if (scans || (!cases[i].sorts && strstr(text, "USE TEMP B-TREE") != NULL))
            fail_msg("question %zu:\n%s", i, text);
        cht_buf_clear(&plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINES_TEST(the_blockers_of_a_todo_are_exact_after_every_change),
        MACHINES_TEST(an_element_leads_to_those_that_have_it_now),
        MACHINES_TEST(ready_todos_come_by_what_matters_and_what_is_due),
        MACHINES_TEST(words_of_an_enum_are_sorted_by_their_rank),
        MACHINES_TEST(the_best_match_comes_first),
        MACHINES_TEST(many_matches_come_once_each_and_the_newest_first),
        MACHINES_TEST(no_question_goes_through_the_whole_table),
    };
    return cmocka_run_group_tests_name("find", tests, NULL, NULL);
}
