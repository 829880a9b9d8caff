/* Claims that are asked of another device's node, which says nothing (PROTOCOL 13.5). */
#include "node/service/claims.h"
#include "tests/support/service_fixture.h"

#define TODO  "CHITTY-TODO-00041061050R3GG28A1C60T3GF"
#define OTHER "CHITTY-TODO-00041061050R3GG28A1C60T3GG"
#define ONE   "CHITTY-SESSION-00041061050R3GG28A1C60T3G1"

static bool reaches(void *ctx, const uint8_t *device)
{
    (void)ctx;
    (void)device;
    return true;
}

/* Counts what is asked. */
static enum cht_err swallow(void *ctx, const uint8_t *device, bool command,
                            struct cht_bytes payload)
{
    unsigned *asked = ctx;
    (void)device;
    (void)payload;
    *asked += command;
    return CHT_OK;
}

/* The turn of the request, and the one when nobody has answered for so long. */
static enum cht_err two_turns(void *ctx, struct node_fault *fault)
{
    struct machine *m = ctx;
    service_claims_work(m->service);
    const enum cht_err err = machine_commit(m, fault);
    if (err != CHT_OK)
        return err;
    service_claims_clock(m->service, 300);
    service_claims_work(m->service);
    return machine_commit(m, fault);
}

static void claim_next(struct machine *m)
{
    struct cht_buf of, message;
    cht_buf_init(&of, LIMIT_CLIENT_BYTES);
    cht_buf_init(&message, LIMIT_CLIENT_BYTES);
    const struct node_msg request = { .type = NODE_MSG_COMMAND,
                                      .id = cht_bytes_str("q"),
                                      .actor = cht_bytes_str(ONE),
                                      .payload =
                                          mp_of(&of, "{'name':'claim','args':{'next':true}}") };
    const struct local_handler handler = service_handler(m->service);
    assert_int_equal(CHT_OK, node_msg_write(&message, &request));
    machine_said[0] = '\0';
    service_turn(m->service, m->now_ms);
    assert_int_equal(CHT_OK, node_local_direct(&handler, two_turns, m, cht_buf_view(&message),
                                               machine_hear, NULL, &m->fault));
    cht_buf_clear(&of);
    cht_buf_clear(&message);
}

static void next_without_an_answer_is_the_one_that_was_asked_for(void **state)
{
    struct machines *ms = *state;
    struct machine *a = &ms->a, *b = &ms->b;
    unsigned asked = 0;
    machine_do(a, "{'operation':'create','entity':{'chittyId':'" TODO
                  "','data':{'content':'Lexer','priority':'high'}}}");
    machine_carry(a, b);
    machine_do(b, "{'operation':'create','entity':{'chittyId':'" OTHER
                  "','data':{'content':'Parser','priority':'low'}}}");
    service_free(b->service);
    const struct service_options options = {
        .replica = b->replica,
        .identity = &b->identity,
        .path = b->path,
        .device_name = b->name,
        .net = { .ctx = &asked, .direct = swallow, .reaches = reaches },
    };
    assert_int_equal(CHT_OK, service_new(&options, &b->service));
    service_claims_lease(b->service, 60000);
    claim_next(b);
    assert_int_equal(1, asked);
    assert_has(machine_said, "\"title\":\"Lexer\"");
    assert_has(machine_said, "\"state\":\"unconfirmed\"");
    assert_has(machine_data(b, OTHER), "\"status\":\"pending\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINES_TEST(next_without_an_answer_is_the_one_that_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
