/* Who works on what, on the real service: granting, lapsing, ending, losing (LOCAL 8, PROTOCOL 13).
 */
#include "node/service/claims.h"
#include "tests/support/service_fixture.h"

#define TODO  "CHITTY-TODO-00041061050R3GG28A1C60T3GF"
#define OTHER "CHITTY-TODO-00041061050R3GG28A1C60T3GG"
#define ONE   "CHITTY-SESSION-00041061050R3GG28A1C60T3G1"
#define TWO   "CHITTY-SESSION-00041061050R3GG28A1C60T3G2"
#define LEASE UINT64_C(60000)

static void make(struct machine *m, const char *id, const char *data)
{
    char text[1024];
    m->actor = NULL;
    (void)snprintf(text, sizeof text, "{'operation':'create','entity':{'chittyId':'%s','data':%s}}",
                   id, data);
    machine_do(m, text);
}

static enum cht_err command(struct machine *m, const char *actor, const char *name,
                            const char *args)
{
    char text[1024];
    m->actor = actor;
    (void)snprintf(text, sizeof text, "{'name':'%s','args':%s}", name, args);
    return machine_ask(m, NODE_MSG_COMMAND, text);
}

static void claim(struct machine *m, const char *actor, const char *id)
{
    char args[128];
    (void)snprintf(args, sizeof args, "{'todo':'%s'}", id);
    if (command(m, actor, "claim", args) != CHT_OK)
        fail_msg("claim %s: %s", id, m->fault.error.text);
}

static void refuses(struct machine *m, const char *actor, enum cht_err code, const char *part,
                    const char *args)
{
    assert_int_equal(code, command(m, actor, "claim", args));
    assert_has(m->fault.error.text, part);
}

static void update(struct machine *m, const char *actor, const char *id, const char *data)
{
    char text[1024];
    m->actor = actor;
    (void)snprintf(text, sizeof text, "{'operation':'update','entity':{'chittyId':'%s','data':%s}}",
                   id, data);
    machine_do(m, text);
}

static const char *renew(struct machine *m, const char *actor, const char *args)
{
    if (command(m, actor, "renew", args) != CHT_OK)
        fail_msg("renew: %s", m->fault.error.text);
    return machine_said;
}

static const char *query(struct machine *m, const char *text)
{
    m->actor = NULL;
    if (machine_ask(m, NODE_MSG_QUERY, text) != CHT_OK)
        fail_msg("%s: %s", text, m->fault.error.text);
    return machine_said;
}

static const char *list(struct machine *m, const char *word)
{
    char text[128];
    (void)snprintf(text, sizeof text,
                   "{'operation':'list','domain':'todos','is':['%s'],'fields':['content']}", word);
    return query(m, text);
}

/* The turn's work of a daemon, and its commit. */
static void work(struct machine *m)
{
    service_turn(m->service, ++m->now_ms);
    service_claims_work(m->service);
    assert_int_equal(CHT_OK, machine_commit(m, NULL));
}

static void reopen(struct machine *m)
{
    work(m);
    machine_close(m);
    machine_open(m);
    service_claims_lease(m->service, LEASE);
    service_turn(m->service, m->now_ms);
    service_claims_open(m->service);
}

static struct machine *begin(void **state)
{
    struct machines *ms = *state;
    service_claims_lease(ms->a.service, LEASE);
    service_claims_lease(ms->b.service, LEASE);
    make(&ms->a, TODO, "{'content':'Lexer','priority':'high'}");
    return &ms->a;
}

/* --- granting ------------------------------------------------------------------------------- */

static void the_device_that_made_it_grants_it_at_once(void **state)
{
    struct machine *m = begin(state);
    const uint64_t entries = machine_entries(m);
    claim(m, ONE, TODO);
    assert_has(machine_said, "\"title\":\"Lexer\"");
    assert_has(machine_said, "\"token\":\"1.1\"");
    assert_has(machine_said, "\"state\":\"held\"");
    assert_has(machine_said, "\"holder\":\"" ONE "\"");
    assert_null(strstr(machine_said, "already"));
    assert_int_equal(entries + 1, machine_entries(m)); /* the claim and the status are one */
    const char *data = machine_data(m, TODO);
    assert_has(data, "\"status\":\"in_progress\"");
    assert_has(data, "\"token\":[1,1]");
    assert_has(data, "\"confirmed\":true");
    assert_has(query(m, "{'operation':'log','entity':{'chittyId':'" TODO "'},'limit':1}"),
               "\"actor\":\"000102030405060708090a0b0c0d0e01\"");
}

static void another_one_is_told_who_holds_it(void **state)
{
    struct machine *m = begin(state);
    claim(m, ONE, TODO);
    const uint64_t entries = machine_entries(m);
    refuses(m, TWO, CHT_E_CONFLICT, "\"Lexer\" is held by " ONE " on laptop",
            "{'todo':'" TODO "'}");
    assert_int_equal(entries, machine_entries(m));
    claim(m, ONE, TODO); /* it is its own */
    assert_has(machine_said, "\"already\":true");
    assert_has(machine_said, "\"token\":\"1.1\"");
    assert_int_equal(entries, machine_entries(m));
}

static void force_takes_it_over_and_the_loser_is_told(void **state)
{
    struct machine *m = begin(state);
    claim(m, ONE, TODO);
    assert_int_equal(CHT_OK, command(m, TWO, "claim", "{'todo':'" TODO "','force':true}"));
    assert_has(machine_said, "\"token\":\"1.2\"");
    assert_has(machine_said, "\"holder\":\"" TWO "\"");
    const char *said = renew(m, ONE, "{}");
    assert_has(said, "\"held\":[]");
    assert_has(said, "\"state\":\"lost\"");
    assert_has(said, "\"holder\":\"" TWO "\"");
    assert_has(said, "\"token\":\"1.1\"");
}

static void a_person_claims_by_name(void **state)
{
    struct machine *m = begin(state);
    assert_int_equal(CHT_OK,
                     command(m, NULL, "claim", "{'todo':'" TODO "','session':'ada@laptop'}"));
    assert_has(machine_said, "\"holder\":\"ada@laptop\"");
    refuses(m, NULL, CHT_E_INVALID, "nobody is named", "{'todo':'" TODO "'}");
    refuses(m, ONE, CHT_E_CONFLICT, "held by ada@laptop", "{'todo':'" TODO "'}");
}

static void a_key_gets_its_first_answer_again(void **state)
{
    struct machine *m = begin(state);
    char first[2048];
    assert_int_equal(CHT_OK, command(m, ONE, "claim", "{'next':true,'key':'k'}"));
    (void)snprintf(first, sizeof first, "%s", machine_said);
    const uint64_t entries = machine_entries(m);
    make(m, OTHER, "{'content':'Parser','priority':'critical'}");
    assert_int_equal(CHT_OK, command(m, ONE, "claim", "{'next':true,'key':'k'}"));
    assert_string_equal(first, machine_said);
    assert_int_equal(entries + 1, machine_entries(m));
}

static void a_holder_is_one_line_of_text(void **state)
{
    struct machine *m = begin(state);
    const uint64_t entries = machine_entries(m);
    refuses(m, NULL, CHT_E_INVALID, "without control characters",
            "{'todo':'" TODO "','session':'ada\x1b@laptop'}");
    assert_int_equal(entries, machine_entries(m));
}

static void what_is_finished_is_not_claimed(void **state)
{
    struct machine *m = begin(state);
    update(m, NULL, TODO, "{'status':'completed'}");
    refuses(m, ONE, CHT_E_INVALID, "\"Lexer\" is finished or deleted", "{'todo':'" TODO "'}");
    refuses(m, ONE, CHT_E_NOTFOUND, "nothing is ready", "{'next':true}");
    refuses(m, ONE, CHT_E_INVALID, "say which todo", "{}");
}

static void a_token_never_passes_what_json_keeps(void **state)
{
    struct machine *m = begin(state);
    update(m, NULL, TODO, "{'claim':{'token':[18446744073709551615,18446744073709551615]}}");
    claim(m, ONE, TODO);
    assert_has(machine_said, "\"token\":\"9007199254740991.9007199254740991\"");
}

/* --- next ----------------------------------------------------------------------------------- */

static void next_is_what_matters_most_then_what_is_due_then_the_oldest(void **state)
{
    struct machine *m = begin(state);
    make(m, "CHITTY-TODO-00041061050R3GG28A1C60T3A1",
         "{'content':'due','priority':'high',"
         "'deadline':1767300000000}");
    make(m, "CHITTY-TODO-00041061050R3GG28A1C60T3A2", "{'content':'old','created':1000}");
    make(m, "CHITTY-TODO-00041061050R3GG28A1C60T3A3", "{'content':'new'}");
    make(m, "CHITTY-TODO-00041061050R3GG28A1C60T3A4",
         "{'content':'waits','priority':'critical',"
         "'dependencies':['" TODO "']}");
    static const char *const order[] = { "due", "Lexer", "old", "new" };
    for (size_t i = 0; i < 4; i++) {
        char wanted[64];
        (void)snprintf(wanted, sizeof wanted, "\"title\":\"%s\"", order[i]);
        assert_int_equal(CHT_OK, command(m, ONE, "claim", "{'next':true}"));
        assert_has(machine_said, wanted);
    }
    refuses(m, ONE, CHT_E_NOTFOUND, "nothing is ready", "{'next':true}");
    update(m, ONE, TODO, "{'status':'completed'}");
    assert_int_equal(CHT_OK, command(m, TWO, "claim", "{'next':true}"));
    assert_has(machine_said, "\"title\":\"waits\"");
}

static void next_meets_the_conditions(void **state)
{
    struct machine *m = begin(state);
    make(m, OTHER, "{'content':'Parser','labels':['easy']}");
    assert_int_equal(CHT_OK, command(m, ONE, "claim",
                                     "{'next':true,'where':[{'field':'labels','op':'has','value':"
                                     "'easy'}]}"));
    assert_has(machine_said, "\"title\":\"Parser\"");
    assert_int_equal(CHT_OK, command(m, ONE, "claim", "{'next':true,'text':'lexer'}"));
    assert_has(machine_said, "\"title\":\"Lexer\"");
    refuses(m, ONE, CHT_E_INVALID, "no field", "{'next':true,'where':[{'field':'x','op':'any'}]}");
}

static void held_ones_are_neither_ready_nor_free(void **state)
{
    struct machine *m = begin(state);
    assert_has(list(m, "ready"), TODO);
    assert_has(list(m, "free"), TODO);
    assert_null(strstr(list(m, "held"), TODO));
    claim(m, ONE, TODO);
    assert_null(strstr(list(m, "ready"), TODO));
    assert_null(strstr(list(m, "free"), TODO));
    assert_has(list(m, "held"), TODO);
    assert_has(query(m, "{'operation':'list','domain':'todos','fields':['content'],'titles':true}"),
               "\"holder\":\"" ONE "\"");
    service_claims_clock(m->service, LEASE);
    assert_has(list(m, "ready"), TODO); /* it has lapsed */
    assert_has(list(m, "free"), TODO);
    assert_null(strstr(list(m, "held"), TODO));
}

/* --- leases --------------------------------------------------------------------------------- */

static void a_claim_lapses_without_a_sign_of_life(void **state)
{
    struct machine *m = begin(state);
    claim(m, ONE, TODO);
    service_claims_clock(m->service, LEASE - 1);
    refuses(m, TWO, CHT_E_CONFLICT, "last sign of life 59 s ago", "{'todo':'" TODO "'}");
    service_claims_clock(m->service, LEASE);
    assert_has(query(m, "{'operation':'claims'}"), "\"state\":\"lapsed\"");
    const uint64_t entries = machine_entries(m);
    assert_int_equal(CHT_OK, command(m, TWO, "claim", "{'next':true}"));
    assert_has(machine_said, "\"token\":\"1.2\"");
    assert_int_equal(entries + 1, machine_entries(m)); /* lapsing itself wrote nothing */
    assert_has(renew(m, ONE, "{}"), "\"state\":\"lost\"");
}

static void whatever_its_session_asks_renews_it(void **state)
{
    struct machine *m = begin(state);
    claim(m, ONE, TODO);
    service_claims_clock(m->service, LEASE - 1);
    update(m, ONE, TODO, "{'notes':'half'}");
    service_claims_clock(m->service, 2 * LEASE - 2);
    refuses(m, TWO, CHT_E_CONFLICT, "held by", "{'todo':'" TODO "'}");
    assert_has(renew(m, ONE, "{}"), "\"lease\":60000");
    service_claims_clock(m->service, 3 * LEASE - 2);
    claim(m, TWO, TODO);
}

static void a_renewal_counts_for_claims_of_the_device_that_sends_it(void **state)
{
    struct machine *m = begin(state);
    const struct machine *b = &((struct machines *)*state)->b;
    const struct cht_bytes holder = cht_bytes_str(ONE);
    struct cht_buf payload;
    cht_buf_init(&payload, 1024);
    claim(m, ONE, TODO);
    assert_int_equal(CHT_OK, net_claims_put_holders(&holder, 1, &payload));
    service_claims_clock(m->service, LEASE - 1);
    assert_int_equal(CHT_OK, service_claims_heard(m->service, b->identity.device,
                                                  cht_bytes_str("renew"), cht_buf_view(&payload)));
    service_claims_clock(m->service, LEASE);
    assert_has(query(m, "{'operation':'claims'}"), "\"state\":\"lapsed\""); /* not b's to renew */
    assert_int_equal(CHT_OK, service_claims_heard(m->service, m->identity.device,
                                                  cht_bytes_str("renew"), cht_buf_view(&payload)));
    assert_has(query(m, "{'operation':'claims'}"), "\"state\":\"held\"");
    cht_buf_clear(&payload);
}

static void a_start_begins_leases_anew_and_a_generation(void **state)
{
    struct machine *m = begin(state);
    claim(m, ONE, TODO);
    service_claims_clock(m->service, 10 * LEASE);
    reopen(m);
    refuses(m, TWO, CHT_E_CONFLICT, "held by", "{'todo':'" TODO "'}");
    service_claims_clock(m->service, LEASE);
    claim(m, TWO, TODO);
    assert_has(machine_said, "\"token\":\"2.2\""); /* what it granted before it may have lost */
}

/* --- ending --------------------------------------------------------------------------------- */

static void finishing_ends_the_claim_in_the_same_entry(void **state)
{
    static const char *const ends[] = { "{'status':'completed'}", "{'status':'cancelled'}",
                                        "{'status':'pending'}" };
    struct machine *m = begin(state);
    for (size_t i = 0; i < 3; i++) {
        update(m, NULL, TODO, "{'status':'pending'}");
        claim(m, ONE, TODO);
        const uint64_t entries = machine_entries(m);
        update(m, ONE, TODO, ends[i]);
        assert_int_equal(entries + 1, machine_entries(m));
        assert_null(strstr(machine_data(m, TODO), "\"holder\""));
        const char *said = renew(m, ONE, "{}");
        assert_has(said, "\"held\":[]");
        assert_has(said, "\"lost\":[]"); /* its own doing */
    }
}

static void a_deleted_todo_is_nobodys(void **state)
{
    struct machine *m = begin(state);
    claim(m, ONE, TODO);
    m->actor = ONE;
    machine_do(m, "{'operation':'delete','entity':{'chittyId':'" TODO "'}}");
    assert_has(renew(m, ONE, "{}"), "\"held\":[]");
    m->actor = NULL;
    machine_do(m, "{'operation':'undelete','entity':{'chittyId':'" TODO "'}}");
    assert_null(strstr(machine_data(m, TODO), "\"holder\""));
}

static void a_session_that_ends_holds_nothing(void **state)
{
    struct machine *m = begin(state);
    make(m, ONE, "{'session_id':'s1','title':'Compiler work'}");
    make(m, OTHER, "{'content':'Parser'}");
    claim(m, ONE, TODO);
    refuses(m, TWO, CHT_E_CONFLICT, "held by Compiler work on laptop", "{'todo':'" TODO "'}");
    claim(m, ONE, OTHER);
    const uint64_t entries = machine_entries(m);
    update(m, ONE, ONE, "{'status':'crashed'}");
    assert_int_equal(entries + 3, machine_entries(m));
    assert_has(machine_data(m, TODO), "\"status\":\"pending\"");
    assert_null(strstr(machine_data(m, OTHER), "\"holder\""));
    claim(m, TWO, TODO);
    assert_has(machine_said, "\"token\":\"1.2\"");
}

static void release_gives_back_one_or_all(void **state)
{
    struct machine *m = begin(state);
    make(m, OTHER, "{'content':'Parser'}");
    claim(m, ONE, TODO);
    claim(m, ONE, OTHER);
    assert_int_equal(CHT_E_CONFLICT, command(m, TWO, "release", "{'todo':'" TODO "'}"));
    assert_int_equal(CHT_OK, command(m, ONE, "release", "{'todo':'" TODO "'}"));
    assert_has(machine_said, "\"released\":[\"" TODO "\"]");
    assert_has(machine_data(m, TODO), "\"status\":\"pending\"");
    assert_int_equal(CHT_OK, command(m, ONE, "release", "{'todo':'" TODO "'}"));
    assert_has(machine_said, "\"released\":[]");
    assert_int_equal(CHT_OK, command(m, ONE, "release", "{'all':true}"));
    assert_has(machine_said, "\"released\":[\"" OTHER "\"]");
    claim(m, ONE, TODO);
    assert_int_equal(CHT_OK, command(m, TWO, "release", "{'todo':'" TODO "','force':true}"));
    assert_has(renew(m, ONE, "{}"), "\"state\":\"lost\"");
}

/* --- stale, lost ---------------------------------------------------------------------------- */

static void a_write_past_the_holder_is_made_and_marked(void **state)
{
    struct machine *m = begin(state);
    claim(m, ONE, TODO);
    update(m, ONE, TODO, "{'notes':'mine'}");
    assert_null(strstr(machine_said, "stale"));
    update(m, NULL, TODO, "{'notes':'a person'}");
    assert_null(strstr(machine_said, "stale"));
    update(m, TWO, TODO, "{'notes':'also'}");
    assert_has(machine_said, "\"stale\":{\"holder\":\"" ONE "\"");
    const char *data = machine_data(m, TODO);
    assert_has(data, "\"notes\":\"also\"");
    assert_has(data, "\"stale\":{\"" TWO "\":{\"token\":[1,1]");
    assert_has(data, "\"status\":\"in_progress\"");
    update(m, TWO, TODO, "{'status':'completed'}");
    assert_has(machine_said, "\"stale\":{\"holder\":\"" ONE "\"");
    assert_null(strstr(machine_data(m, TODO), "\"confirmed\""));
}

static void a_loss_is_told_until_it_is_known_whatever_the_winner_did(void **state)
{
    struct machine *m = begin(state);
    claim(m, ONE, TODO);
    assert_int_equal(CHT_OK, command(m, TWO, "claim", "{'todo':'" TODO "','force':true}"));
    update(m, TWO, TODO, "{'notes':'done otherwise','status':'completed'}");
    reopen(m);
    for (int i = 0; i < 2; i++) {
        const char *said = renew(m, ONE, "{}");
        assert_has(said, "\"holder\":\"" TWO "\"");
        assert_has(said, "{\"field\":\"status\",\"value\":\"completed\"");
        assert_has(said, "{\"field\":\"notes\",\"value\":\"done otherwise\"");
    }
    assert_has(query(m, "{'operation':'claims','session':'" ONE "'}"), "\"state\":\"lost\"");
    assert_has(renew(m, ONE, "{'told':true}"), "\"lost\":[]");
    reopen(m);
    assert_has(renew(m, ONE, "{}"), "\"lost\":[]");
    assert_has(renew(m, TWO, "{}"), "\"lost\":[]");
}

/* --- two devices ---------------------------------------------------------------------------- */

static void apart_the_arbiters_claim_stands_and_the_other_has_lost(void **state)
{
    struct machines *ms = *state;
    struct machine *a = begin(state), *b = &ms->b;
    machine_carry(a, b);
    claim(b, TWO, TODO);
    assert_has(machine_said, "\"state\":\"unconfirmed\"");
    assert_has(machine_said, "\"token\":\"1.1\"");
    claim(a, ONE, TODO);
    assert_has(machine_said, "\"state\":\"held\"");
    machine_carry(a, b);
    assert_has(machine_data(b, TODO), "\"holder\":\"" ONE "\"");
    assert_null(strstr(query(b, "{'operation':'conflicts'}"), "claim"));
    const char *said = renew(b, TWO, "{}");
    assert_has(said, "\"state\":\"lost\"");
    assert_has(said, "\"holder\":\"" ONE "\"");
    assert_has(said, "\"deviceName\":\"laptop\"");
}

static void the_arbiter_confirms_what_was_claimed_without_it(void **state)
{
    struct machines *ms = *state;
    struct machine *a = begin(state), *b = &ms->b;
    machine_carry(a, b);
    claim(b, TWO, TODO);
    (void)list(a, "ready"); /* it knows its leases */
    machine_carry(b, a);
    assert_int_not_equal(UINT64_MAX, service_claims_due_ms(a->service));
    work(a);
    machine_carry(a, b);
    assert_int_equal(UINT64_MAX, service_claims_due_ms(a->service));
    const char *data = machine_data(b, TODO);
    assert_has(data, "\"confirmed\":true");
    assert_has(data, "\"holder\":\"" TWO "\"");
    const char *said = renew(b, TWO, "{}");
    assert_has(said, "\"state\":\"held\"");
    assert_has(said, "\"lost\":[]");
}

static void asks_are_judged_by_the_arbiter(void **state)
{
    struct machines *ms = *state;
    struct machine *a = begin(state), *b = &ms->b;
    static const uint8_t stranger[CRDT_ID_BYTES] = { 9 };
    struct net_claim_ask ask = { .number = 1, .holder = cht_bytes_str(TWO), .acting = true };
    struct cht_buf payload;
    cht_buf_init(&payload, 1024);
    (void)list(a, "ready");
    assert_int_equal(CHT_OK, crdt_id_parse(cht_bytes_str(TODO), &ask.todo));
    assert_int_equal(CHT_OK, crdt_id_parse(cht_bytes_str(TWO), &ask.actor));
    assert_int_equal(CHT_OK, net_claims_put_asks(&ask, 1, &payload));
    const uint64_t entries = machine_entries(a);
    assert_int_equal(CHT_E_DENIED, service_claims_heard(a->service, stranger, cht_bytes_str("ask"),
                                                        cht_buf_view(&payload)));
    assert_int_equal(CHT_E_MALFORMED,
                     service_claims_heard(a->service, b->identity.device, cht_bytes_str("ask"),
                                          cht_bytes_str("\x81\xa4"
                                                        "asks\xc3")));
    assert_int_equal(CHT_E_MALFORMED,
                     service_claims_heard(a->service, b->identity.device, cht_bytes_str("take"),
                                          cht_buf_view(&payload)));
    work(a);
    assert_int_equal(entries, machine_entries(a));
    assert_int_equal(CHT_OK, service_claims_heard(a->service, b->identity.device,
                                                  cht_bytes_str("ask"), cht_buf_view(&payload)));
    work(a);
    assert_int_equal(entries + 1, machine_entries(a));
    char device[33];
    crdt_hex(cht_bytes(b->identity.device, CRDT_ID_BYTES), device);
    const char *data = machine_data(a, TODO);
    assert_has(data, "\"holder\":\"" TWO "\"");
    assert_has(data, device);
    assert_int_equal(CHT_OK, service_claims_heard(a->service, b->identity.device,
                                                  cht_bytes_str("ask"), cht_buf_view(&payload)));
    work(a);
    assert_int_equal(entries + 1, machine_entries(a)); /* it has it already */
    cht_buf_clear(&payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINES_TEST(the_device_that_made_it_grants_it_at_once),
        MACHINES_TEST(another_one_is_told_who_holds_it),
        MACHINES_TEST(force_takes_it_over_and_the_loser_is_told),
        MACHINES_TEST(a_person_claims_by_name),
        MACHINES_TEST(a_key_gets_its_first_answer_again),
        MACHINES_TEST(a_holder_is_one_line_of_text),
        MACHINES_TEST(what_is_finished_is_not_claimed),
        MACHINES_TEST(a_token_never_passes_what_json_keeps),
        MACHINES_TEST(next_is_what_matters_most_then_what_is_due_then_the_oldest),
        MACHINES_TEST(next_meets_the_conditions),
        MACHINES_TEST(held_ones_are_neither_ready_nor_free),
        MACHINES_TEST(a_claim_lapses_without_a_sign_of_life),
        MACHINES_TEST(whatever_its_session_asks_renews_it),
        MACHINES_TEST(a_renewal_counts_for_claims_of_the_device_that_sends_it),
        MACHINES_TEST(a_start_begins_leases_anew_and_a_generation),
        MACHINES_TEST(finishing_ends_the_claim_in_the_same_entry),
        MACHINES_TEST(a_deleted_todo_is_nobodys),
        MACHINES_TEST(a_session_that_ends_holds_nothing),
        MACHINES_TEST(release_gives_back_one_or_all),
        MACHINES_TEST(a_write_past_the_holder_is_made_and_marked),
        MACHINES_TEST(a_loss_is_told_until_it_is_known_whatever_the_winner_did),
        MACHINES_TEST(apart_the_arbiters_claim_stands_and_the_other_has_lost),
        MACHINES_TEST(the_arbiter_confirms_what_was_claimed_without_it),
        MACHINES_TEST(asks_are_judged_by_the_arbiter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
