/* Directed messages: who gets them, and when they are dropped (PROTOCOL 8.10). */
#include "tests/support/toy_peer.h"

#include "crdt/mp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct toy_peer peer;

static int inbound(void **state)
{
    (void)state;
    toy_peer_init(&peer, false);
    return 0;
}

static int outbound(void **state)
{
    (void)state;
    toy_peer_init(&peer, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    toy_peer_clear(&peer);
    return 0;
}

static void put(struct cht_buf *b, const char *key, const char *value)
{
    assert_int_equal(CHT_OK, crdt_mp_put_str(b, cht_bytes_str(key)));
    if (value != NULL)
        assert_int_equal(CHT_OK, crdt_mp_put_str(b, cht_bytes_str(value)));
}

/* Say a message; `node` NULL: broadcast. */
static void say_message(const char *type, const char *node, const char *operation, uint64_t ttl_s,
                        uint64_t age_ms)
{
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_MESSAGE_BYTES);
    uint64_t wall_ms = UINT64_C(1790000000000) + peer.now_ms;
    assert_int_equal(CHT_OK, crdt_mp_put_map(&b, 4));
    put(&b, "type", type);
    put(&b, "target", NULL);
    assert_int_equal(CHT_OK, crdt_mp_put_map(&b, 1));
    put(&b, node == NULL ? "broadcast" : "nodeIds", NULL);
    if (node == NULL) {
        assert_int_equal(CHT_OK, crdt_mp_put_bool(&b, true));
    } else {
        assert_int_equal(CHT_OK, crdt_mp_put_array(&b, 2));
        assert_int_equal(CHT_OK, crdt_mp_put_nil(&b));
        assert_int_equal(CHT_OK, crdt_mp_put_str(&b, cht_bytes_str(node)));
    }
    put(&b, "payload", NULL);
    assert_int_equal(CHT_OK, crdt_mp_put_map(&b, 2));
    put(&b, "domain", "todos");
    put(&b, "operation", operation);
    put(&b, "metadata", NULL);
    assert_int_equal(CHT_OK, crdt_mp_put_map(&b, 2));
    put(&b, "timestamp", NULL);
    assert_int_equal(CHT_OK, crdt_mp_put_uint(&b, wall_ms - age_ms));
    put(&b, "ttl", NULL);
    assert_int_equal(CHT_OK, crdt_mp_put_uint(&b, ttl_s));
    struct net_frame f = toy_peer_frame(NET_FRAME_MESSAGE);
    f.message = cht_buf_view(&b);
    toy_peer_say(&peer, &f);
    cht_buf_clear(&b);
}

#define US   "01010101010101010101010101010101"
#define THEM "02020202020202020202020202020202"

static void messages_for_us_are_delivered_and_no_others(void **state)
{
    (void)state;
    const struct {
        const char *type, *node, *operation;
        uint64_t ttl_s, age_ms;
        bool delivered;
    } cases[] = {
        { "event", NULL, "update", 10, 0, true },       { "event", US, "update", 10, 0, true },
        { "query", US, "query", 86400, 0, true },       { "event", THEM, "update", 10, 0, false },
        { "event", US, "update", 0, 0, false },         { "event", US, "update", 86401, 0, false },
        { "event", US, "update", 10, 309000, true },  /* clocks may differ by five minutes */
        { "event", US, "update", 10, 311000, false }, /* … not by more */
        { "command", US, "update", 10, 0, true },     /* "todos.update" is let through */
        { "command", US, "delete", 10, 0, false },      { "command", US, "updat", 10, 0, false },
        { "state_update", US, "update", 10, 0, false }, { "heartbeat", US, "update", 10, 0, false },
    };
    toy_peer_establish(&peer, NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        toy_peer_forget(&peer);
        say_message(cases[i].type, cases[i].node, cases[i].operation, cases[i].ttl_s,
                    cases[i].age_ms);
        if ((unsigned)cases[i].delivered != peer.messages)
            print_error("case %zu\n", i);
        assert_int_equal(cases[i].delivered, peer.messages);
    }
    assert_int_equal(8, net_session_stats(peer.session)->refused);
    assert_int_equal(0, peer.closed);
}

static void a_message_that_is_no_bounded_map_ends_it(void **state)
{
    (void)state;
    struct net_frame f = toy_peer_frame(NET_FRAME_MESSAGE);
    toy_peer_establish(&peer, NULL, 0);
    f.message = cht_bytes_str("\xdd\x0f\xff\xff\xff"); /* an array of 2^28 */
    toy_peer_say(&peer, &f);
    assert_int_equal(1, peer.closed);
    assert_int_equal(NET_BYE_MALFORMED, peer.reason);
    assert_true(peer.blame);
}

static void our_own_message_goes_out_when_it_fits(void **state)
{
    (void)state;
    toy_peer_establish(&peer, NULL, 0);
    uint8_t *large = calloc(1, LIMIT_MESSAGE_BYTES + 1);
    struct net_event ev = { .kind = NET_EV_MESSAGE, .bytes = cht_bytes(large, 100) };
    toy_peer_event(&peer, &ev);
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_MESSAGE));
    ev.bytes.len = LIMIT_MESSAGE_BYTES + 1;
    toy_peer_event(&peer, &ev);
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_MESSAGE));
    assert_int_equal(1, net_session_stats(peer.session)->refused);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define IN(name)  cmocka_unit_test_setup_teardown(name, inbound, teardown)
#define OUT(name) cmocka_unit_test_setup_teardown(name, outbound, teardown)
        IN(messages_for_us_are_delivered_and_no_others),
        IN(a_message_that_is_no_bounded_map_ends_it),
        OUT(our_own_message_goes_out_when_it_fits),
#undef IN
#undef OUT
    };
    return cmocka_run_group_tests_name("session_messages", tests, NULL, NULL);
}
