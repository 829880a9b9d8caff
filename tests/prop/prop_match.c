/* Conditions asked of the typed tables in SQL and of the states in memory name the same records
 * (LOCAL 4.10 to 4.12): random todos and topics, written concurrently on two devices, and random
 * conditions of every operator. */
#include "node/service/own.h"
#include "node/store/words.h"
#include "tests/prop/sync.h"
#include "tests/support/seeded.h"
#include "tests/support/service_fixture.h"

#define ROUNDS    25u
#define TODOS     40u
#define QUESTIONS 80u

static struct seeded random_state;
static char text[8192];

static uint32_t below(uint32_t n)
{
    return seeded_below(&random_state, n);
}

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void put(const char *format, ...)
{
    const size_t at = strlen(text);
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(text + at, sizeof text - at, format, args);
    va_end(args);
    assert_true(len >= 0 && (size_t)len < sizeof text - at);
}

static const char *todo_id(uint32_t i)
{
    static char id[CRDT_ID_TEXT_MAX];
    (void)snprintf(id, sizeof id, "CHITTY-TODO-000000000000000000000000%u%u", i / 8, i % 8);
    return id;
}

static const char *const phrases[] = {
    "Fix the lexer",
    "fix",
    "Größe prüfen",
    "GRÖSSE",
    "sans-I/O core",
    "I/O",
    "a.b.c",
    "naïve",
    "Ναι όχι",
    "write docs",
    "Docs: write!",
    "日本語 text",
    "x",
    "lexer fixture",
    "100%_done",
};
#define PHRASES (sizeof phrases / sizeof phrases[0])

/* --- values -------------------------------------------------------------------------------- */

static uint64_t some_time(void)
{
    static const uint64_t times[] = { 0,
                                      1,
                                      MACHINE_NOW_MS,
                                      MACHINE_NOW_MS - 86400000,
                                      MACHINE_NOW_MS + 500000,
                                      UINT64_C(253402300799999),
                                      UINT64_C(253402300800000),
                                      UINT64_C(281474976710655) };
    return below(3) == 0 ? MACHINE_NOW_MS + below(100000) : times[below(8)];
}

/* A value that the field may have, as mp_text writes it. */
static void put_value(const struct crdt_field *f, bool key)
{
    if (key && f->kind == CRDT_MAP) {
        put("'key%u'", below(3));
        return;
    }
    unsigned words = 0;
    while (f->words != NULL && f->words[words] != NULL)
        words++;
    switch (f->value) {
    case CRDT_V_STR:
    case CRDT_V_TEXT:
        put("'%s'", phrases[below(PHRASES)]);
        break;
    case CRDT_V_BOOL:
        put("%s", below(2) == 0 ? "true" : "false");
        break;
    case CRDT_V_INT:
        put("%d", (int)below(7) - 3);
        break;
    case CRDT_V_FLOAT:
    case CRDT_V_SHARE:
        put("%u", below(2));
        break;
    case CRDT_V_TIME:
        put("%llu", (unsigned long long)some_time());
        break;
    case CRDT_V_ENUM:
    case CRDT_V_WORD:
        put("'%s'", f->words[below(words)]);
        break;
    case CRDT_V_ID:
        put("'%s'", todo_id(below(TODOS)));
        break;
    case CRDT_V_ANY:
        if (strcmp(f->name, "claim") == 0 && below(4) != 0)
            put("{'holder':'h%u','token':[1,%u]}", below(2), below(3));
        else
            put("%u", below(3));
        break;
    }
}

/* Links to todos and all other fields of a todo. */
static const struct crdt_field *some_field(bool writing)
{
    const struct crdt_type_schema *t = crdt_schema(CRDT_TODO);
    for (;;) {
        const struct crdt_field *f = &t->fields[below((uint32_t)t->count)];
        if (!(f->number == CRDT_FIELD_DELETED && writing) && strcmp(f->name, "attachments") != 0 &&
            (f->value != CRDT_V_ID || f->id_type == CRDT_TODO))
            return f;
    }
}

static void change_some(struct machine *m)
{
    const uint32_t i = below(TODOS);
    text[0] = '\0';
    if (below(8) == 0) {
        put("{'operation':'%s','entity':{'chittyId':'%s'}}", below(2) == 0 ? "delete" : "undelete",
            todo_id(i));
    } else {
        put("{'operation':'upsert','entity':{'chittyId':'%s','data':{'content':'%s'", todo_id(i),
            phrases[below(PHRASES)]);
        for (uint32_t n = below(5); n > 0; n--) {
            const struct crdt_field *f = below(3) == 0 ? &crdt_schema(CRDT_TODO)->fields[3]
                                         : below(4) == 0
                                             ? crdt_field_named(CRDT_TODO, cht_bytes_str("claim"))
                                             : some_field(true);
            if (strstr(text, f->name) != NULL)
                continue;
            put(",'%s':", f->name);
            if (f->kind == CRDT_SET) {
                put("{'add':[");
                put_value(f, true);
                put("]}");
            } else if (f->kind == CRDT_MAP) {
                put("{");
                put_value(f, true);
                put(":");
                put_value(f, false);
                put("}");
            } else {
                put_value(f, false);
            }
        }
        put("}}}");
    }
    const enum cht_err err = machine_ask(m, NODE_MSG_STATE_UPDATE, text);
    if (err != CHT_OK && err != CHT_E_NOTFOUND && err != CHT_E_INVALID)
        fail_msg("%s: %s", text, m->fault.error.text);
}

/* --- questions ----------------------------------------------------------------------------- */

static void put_cond(void)
{
    for (;;) {
        const struct crdt_field *f = below(12) == 0 ? &node_field_modified : some_field(false);
        const enum node_cond_op op = (enum node_cond_op)below(NODE_COND_OP_COUNT);
        const bool keyed = f->kind == CRDT_SET || f->kind == CRDT_MAP;
        if (!node_cond_fits(f, op))
            continue;
        put("{'field':'%s','op':'%s'", f->name, node_cond_op_word(op));
        if (op == NODE_COND_CONTAINS || op == NODE_COND_STARTS) {
            static const char *const parts[] = {
                "i", "FIX", "e", "x", "%", "_", "ö", "pend", "ta"
            };
            put(",'value':'%s'", parts[below(9)]);
        } else if (op != NODE_COND_ANY && op != NODE_COND_NONE) {
            const bool many = op == NODE_COND_IS || op == NODE_COND_NOT || op == NODE_COND_HAS ||
                              op == NODE_COND_HASNT;
            const uint32_t count = many && below(2) == 0 ? below(4) : 1;
            put(",'value':%s", (count == 1 && below(2) == 0) || !many ? "" : "[");
            const bool array = text[strlen(text) - 1] == '[';
            for (uint32_t i = 0; i < (array ? count : 1); i++) {
                put("%s", i == 0 ? "" : ",");
                if (many && below(6) == 0)
                    put("null");
                else
                    put_value(f, keyed);
            }
            put("%s", array ? "]" : "");
        }
        put("}");
        return;
    }
}

static void put_question(void)
{
    static const char *const words[] = { "fix",   "lex*",   "I/O",      "\"the lexer\"",
                                         "größe", "GROSSE", "όχι",      "docs wri*",
                                         "naive", "日本*",  "done",     "sans-I/O",
                                         "a.b",   "100%",   "prufen x", "lexer fix*" };
    text[0] = '\0';
    put("{'operation':'list','domain':'todos','fields':['status']");
    if (below(4) == 0)
        put(",'deleted':true");
    if (below(6) == 0)
        put(",'text':'%s'", words[below(16)]);
    if (below(3) == 0)
        put(",'is':['%s']", node_is_word((enum node_is_word)below(NODE_IS_COUNT)));
    put(",'where':[");
    for (uint32_t n = below(3); n > 0; n--) {
        put_cond();
        put("%s", n > 1 ? "," : "");
    }
    put("]}");
}

/* --- both answers -------------------------------------------------------------------------- */

static void answer_in_memory(struct machine *m, const struct node_query *q,
                             bool found[static TODOS])
{
    struct node_service *s = m->service;
    struct match match;
    struct match_world world = { .graph = node_replica_graph(m->replica),
                                 .now_ms = s->now_ms,
                                 .ctx = s,
                                 .is_open = service_todo_open,
                                 .is_held = service_todo_held };
    struct node_words *words = NULL;
    struct node_fault fault;
    struct cht_arena arena;
    cht_arena_init(&arena, 1u << 20);
    assert_int_equal(CHT_OK, match_read(s, q, &arena, &fault, &match));
    assert_int_equal(CHT_OK, node_words_open(node_replica_store(m->replica), &words));
    world.words = words;
    for (uint32_t i = 0; i < TODOS; i++) {
        struct crdt_id id;
        const struct crdt_state *state;
        assert_int_equal(CHT_OK, crdt_id_parse(cht_bytes_str(todo_id(i)), &id));
        const uint32_t n = node_index_find(node_replica_index(m->replica), &id);
        found[i] = false;
        if (n == INDEX_NONE)
            continue;
        assert_int_equal(CHT_OK, node_replica_state(m->replica, n, &state));
        const bool hidden = crdt_state_hidden(state, world.graph);
        found[i] = state->count != 0 &&
                   (!hidden || q->deleted ||
                    (q->is & (1u << NODE_IS_HIDDEN | 1u << NODE_IS_ALIAS)) != 0) &&
                   match_state(&match, &world, state);
    }
    node_words_close(words);
    cht_arena_clear(&arena);
}

static unsigned compare_answers(struct machine *m)
{
    static uint64_t clock_ms;
    service_claims_clock(m->service, clock_ms += below(600000)); /* some claims lapse */
    struct cht_buf payload;
    struct node_query q;
    struct node_fault fault = { 0 };
    bool found[TODOS];
    unsigned hits = 0;
    if (machine_ask(m, NODE_MSG_QUERY, text) != CHT_OK)
        fail_msg("%s: %s", text, m->fault.error.text);
    cht_buf_init(&payload, LIMIT_CLIENT_BYTES);
    assert_int_equal(CHT_OK, node_query_read(mp_of(&payload, text), NODE_LIST, &fault, &q));
    answer_in_memory(m, &q, found);
    for (uint32_t i = 0; i < TODOS; i++) {
        const bool listed = strstr(machine_said, todo_id(i)) != NULL;
        if (listed != found[i])
            fail_msg("%s %s: SQL says %d, memory %d", text, todo_id(i), listed, found[i]);
        hits += listed;
    }
    cht_buf_clear(&payload);
    return hits;
}

/* Each takes from the other what it lacks. */
static void exchange(struct machines *ms)
{
    struct home a = { .r = ms->a.replica }, b = { .r = ms->b.replica };
    (void)sync_from(&a, &b, LIMIT_RANGE_BYTES, UINT32_MAX);
    (void)sync_from(&b, &a, LIMIT_RANGE_BYTES, UINT32_MAX);
    claims_clear(ms->a.service); /* it saw nothing of that */
    claims_clear(ms->b.service);
}

static void both_answers_are_the_same(void **state)
{
    struct machines *ms = *state;
    const char *cases = getenv("CHITTY_CASES");
    const unsigned rounds = cases == NULL ? ROUNDS : (unsigned)atoi(cases);
    unsigned some = 0, asked = 0;
    random_state = seeded_start(4);
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < 30; i++)
            change_some(below(2) == 0 ? &ms->a : &ms->b);
        exchange(ms);
        for (unsigned i = 0; i < QUESTIONS; i++) {
            put_question();
            some += compare_answers(&ms->a) != 0;
            asked++;
        }
    }
    assert_true(some > asked / 5); /* the questions are not all beside the point */
}

int main(void)
{
    const struct CMUnitTest tests[] = { MACHINES_TEST(both_answers_are_the_same) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
