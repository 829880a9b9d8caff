/* What nodes say to each other about claims (PROTOCOL 13.5, 13.6), and what a claim says (13.1). */
#include "crdt/claim.h"
#include "net/claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TODO        "CHITTY-TODO-00041061050R3GG28A1C60T3GF"
#define SESSION     "CHITTY-SESSION-00041061050R3GG28A1C60T3G1"
#define BYTES(text) cht_bytes((const uint8_t *)(text), sizeof(text) - 1)
#define HEAD(word)                                                                                 \
    "\x83\xa6"                                                                                     \
    "domain\xa6"                                                                                   \
    "claims\xa9operation" word

static struct net_claim_ask ask_of(uint64_t number)
{
    struct net_claim_ask ask = { .number = number, .holder = cht_bytes_str(SESSION) };
    assert_int_equal(CHT_OK, crdt_id_parse(cht_bytes_str(TODO), &ask.todo));
    return ask;
}

static void asks_are_these_bytes_and_read_back(void **state)
{
    (void)state;
    struct net_claim_ask asks[LIMIT_CLAIM_BATCH], back[LIMIT_CLAIM_BATCH];
    struct cht_buf out;
    size_t count = 0;
    static const char golden[] =
        HEAD("\xa3"
             "ask") "\xa4"
                    "asks\x91\x85\xa3"
                    "ask\x07\xa4todo\xd9\x26" TODO "\xa6holder\xd9\x29" SESSION "\xa5"
                    "actor\xd9\x29" SESSION "\xa5"
                    "force\xc3";
    asks[0] = ask_of(7);
    asks[0].acting = asks[0].force = true;
    assert_int_equal(CHT_OK, crdt_id_parse(cht_bytes_str(SESSION), &asks[0].actor));
    cht_buf_init(&out, LIMIT_MESSAGE_BYTES);
    assert_int_equal(CHT_OK, net_claims_put_asks(asks, 1, &out));
    assert_int_equal(sizeof golden - 1, out.len);
    assert_memory_equal(golden, out.data, out.len);
    assert_int_equal(CHT_OK, net_claims_read_asks(cht_buf_view(&out), back, &count));
    assert_int_equal(1, count);
    assert_int_equal(7, back[0].number);
    assert_true(crdt_id_eq(&asks[0].todo, &back[0].todo) && back[0].force && back[0].acting);
    assert_true(cht_bytes_eq(asks[0].holder, back[0].holder));
    cht_buf_reset(&out);
    for (size_t i = 0; i < LIMIT_CLAIM_BATCH; i++)
        asks[i] = ask_of(i);
    assert_int_equal(CHT_OK, net_claims_put_asks(asks, LIMIT_CLAIM_BATCH, &out));
    assert_int_equal(CHT_OK, net_claims_read_asks(cht_buf_view(&out), back, &count));
    assert_int_equal(LIMIT_CLAIM_BATCH, count);
    assert_false(back[63].force || back[63].acting);
    cht_buf_clear(&out);
}

static void an_ask_that_is_none_spoils_the_message(void **state)
{
    (void)state;
    struct net_claim_ask back[LIMIT_CLAIM_BATCH];
    size_t count = 42;
    const struct cht_bytes bad[] = {
        BYTES("\xc0"),
        BYTES("\x80"),
        BYTES("\x81\xa4"
              "asks\xc0"),
        BYTES("\x81\xa4"
              "asks\xdc\x00\x41"), /* 65 */
        BYTES("\x81\xa4"
              "asks\x91\xc0"),
        BYTES("\x81\xa4"
              "asks\x91\x82\xa3"
              "ask\x01\xa6holder\xa1x"),
        BYTES("\x81\xa4"
              "asks\x91\x83\xa3"
              "ask\x01\xa4todo\xa1x\xa6holder\xa1x"),
        BYTES("\x81\xa4"
              "asks\x91\x83\xa3"
              "ask\x01\xa4todo\xd9\x26" TODO "\xa6holder\xa0"),
        BYTES("\x81\xa4"
              "asks\x91\x83\xa3"
              "ask\x01\xa4todo\xd9\x26" TODO "\xa6holder\xa1\xff"),
        BYTES("\x81\xa4"
              "asks\x91\x83\xa3"
              "ask\xff\xa4todo\xd9\x26" TODO "\xa6holder\xa1x"),
        BYTES("\x81\xa4"
              "asks\x91\x84\xa3"
              "ask\x01\xa4todo\xd9\x26" TODO "\xa6holder\xa1x\xa5"
              "actor\xc0"),
        BYTES("\x81\xa4"
              "asks\x91\x83\xa3"
              "ask\x01\xa4todo\xd9\x29" SESSION "\xa6holder\xa1x"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(CHT_E_MALFORMED, net_claims_read_asks(bad[i], back, &count));
    assert_int_equal(42, count);
}

static void answers_read_back_and_a_later_builds_word_is_no_grant(void **state)
{
    (void)state;
    struct net_claim_answer answers[NET_CLAIM_STATE_COUNT], back[LIMIT_CLAIM_BATCH];
    struct cht_buf out;
    size_t count = 0;
    for (unsigned i = 0; i < NET_CLAIM_STATE_COUNT; i++)
        answers[i] = (struct net_claim_answer){ 100 + i, (enum net_claim_state)i };
    cht_buf_init(&out, LIMIT_MESSAGE_BYTES);
    assert_int_equal(CHT_OK, net_claims_put_answers(answers, NET_CLAIM_STATE_COUNT, &out));
    assert_int_equal(CHT_OK, net_claims_read_answers(cht_buf_view(&out), back, &count));
    assert_int_equal(NET_CLAIM_STATE_COUNT, count);
    for (unsigned i = 0; i < NET_CLAIM_STATE_COUNT; i++) {
        assert_int_equal(100 + i, back[i].number);
        assert_int_equal(i, back[i].state);
    }
    const struct cht_bytes later = BYTES("\x81\xa7"
                                         "answers\x91\x82\xa3"
                                         "ask\x05\xa5state\xa5maybe");
    assert_int_equal(CHT_OK, net_claims_read_answers(later, back, &count));
    assert_int_equal(1, count);
    assert_int_equal(NET_CLAIM_WRONG, back[0].state);
    assert_int_equal(CHT_E_MALFORMED, net_claims_read_answers(BYTES("\x81\xa7"
                                                                    "answers\x91\x81\xa3"
                                                                    "ask\x05"),
                                                              back, &count));
    cht_buf_clear(&out);
}

static void holders_read_back_and_are_bounded(void **state)
{
    (void)state;
    struct cht_bytes holders[] = { cht_bytes_str("ada@laptop"), cht_bytes_str(SESSION) };
    struct cht_bytes back[LIMIT_CLAIM_BATCH];
    char big[LIMIT_HOLDER_BYTES + 1];
    struct cht_buf out;
    size_t count = 0;
    cht_buf_init(&out, LIMIT_MESSAGE_BYTES);
    assert_int_equal(CHT_OK, net_claims_put_holders(holders, 2, &out));
    assert_int_equal(CHT_OK, net_claims_read_holders(cht_buf_view(&out), back, &count));
    assert_int_equal(2, count);
    assert_true(cht_bytes_eq(holders[0], back[0]) && cht_bytes_eq(holders[1], back[1]));
    memset(big, 'x', sizeof big);
    holders[0] = cht_bytes((const uint8_t *)big, sizeof big);
    cht_buf_reset(&out);
    assert_int_equal(CHT_OK, net_claims_put_holders(holders, 1, &out));
    assert_int_equal(CHT_E_MALFORMED, net_claims_read_holders(cht_buf_view(&out), back, &count));
    cht_buf_clear(&out);
}

static void a_claim_has_what_is_of_its_kind_and_the_first_of_equal_keys(void **state)
{
    (void)state;
    struct crdt_claim c = crdt_claim_read(BYTES("\x86\xa6holder\xa1x\xa6holder\xa1y\xa6"
                                                "device\x01\xa5token\x92\x02\x03\xa2"
                                                "at\x04\xa9"
                                                "confirmed\xc3"));
    assert_true(cht_bytes_eq(cht_bytes_str("x"), c.holder));
    assert_int_equal(0, c.device.len);
    assert_int_equal(2, c.generation);
    assert_int_equal(3, c.counter);
    assert_int_equal(4, c.at_ms);
    assert_true(c.confirmed);
    c = crdt_claim_read(BYTES("\x82\xa5token\x92\x02\xff\xa9"
                              "confirmed\x01"));
    assert_int_equal(0, c.generation + c.counter + c.confirmed + c.holder.len);
    c = crdt_claim_read(BYTES("\x81\xa5token\x93\x02\x03\x04"));
    assert_int_equal(0, c.generation);
    c = crdt_claim_read(BYTES("\x93\xa6holder\xa1x\xc0"));
    assert_int_equal(0, c.holder.len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_are_these_bytes_and_read_back),
        cmocka_unit_test(an_ask_that_is_none_spoils_the_message),
        cmocka_unit_test(answers_read_back_and_a_later_builds_word_is_no_grant),
        cmocka_unit_test(holders_read_back_and_are_bounded),
        cmocka_unit_test(a_claim_has_what_is_of_its_kind_and_the_first_of_equal_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
