/* The ZeroMQ transport on loopback, with real CURVE handshakes (PROTOCOL 8.13). */
#include "net/io/transport.h"

#include "crdt/base/arena.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define WAIT_MS 8000u

/* A node's transport, and what has come to it. */
struct end {
    struct net_transport *transport;
    uint8_t public_key[32], secret_key[32], device[CRDT_ID_BYTES];
    struct cht_arena arena;
    unsigned ups, downs, frames, refused, unreached, status;
    uint32_t conn, dial; /* of the last UP */
    uint8_t from[CRDT_ID_BYTES];
    size_t last_len, bytes;
    uint8_t last_first, last_last;
};

/* Whom the nodes know: shared by all of a test. */
struct known {
    size_t count;
    const struct end *ends[8];
};

static struct known everyone;
static struct end a, b, c;

static bool lookup(void *ctx, const uint8_t key[NET_CURVE_KEY_BYTES],
                   uint8_t out_device[CRDT_ID_BYTES])
{
    const struct known *k = ctx;
    for (size_t i = 0; i < k->count; i++) {
        if (memcmp(k->ends[i]->public_key, key, NET_CURVE_KEY_BYTES) == 0) {
            memcpy(out_device, k->ends[i]->device, CRDT_ID_BYTES);
            return true;
        }
    }
    return false;
}

static void end_open(struct end *e, uint8_t number, const char *endpoint)
{
    struct net_transport_config config = { .lookup = lookup, .ctx = &everyone };
    if (e->device[0] == 0) {
        crypto_box_keypair(e->public_key, e->secret_key);
        memset(e->device, number, sizeof e->device);
        cht_arena_init(&e->arena, 64u * 1024u * 1024u);
    }
    memcpy(config.public_key, e->public_key, 32);
    memcpy(config.secret_key, e->secret_key, 32);
    config.endpoints = &endpoint;
    config.endpoint_count = endpoint != NULL;
    struct cht_error detail = { .sys = 0 };
    assert_int_equal(CHT_OK, net_transport_open(&config, &detail, &e->transport));
}

static void end_close(struct end *e)
{
    net_transport_close(e->transport);
    e->transport = NULL;
}

static int setup(void **state)
{
    (void)state;
    everyone = (struct known){ 0 };
    a = b = c = (struct end){ 0 };
    end_open(&a, 1, "tcp://127.0.0.1:*");
    end_open(&b, 2, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct end *ends[] = { &a, &b, &c };
    for (size_t i = 0; i < 3; i++) {
        end_close(ends[i]);
        cht_arena_clear(&ends[i]->arena);
    }
    return 0;
}

static void introduce(const struct end *e)
{
    everyone.ends[everyone.count++] = e;
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static void take(struct end *e)
{
    const struct net_tr_event *events = NULL;
    cht_arena_reset(&e->arena);
    assert_int_equal(CHT_OK, net_transport_collect(e->transport, &e->arena, &events));
    for (const struct net_tr_event *ev = events; ev != NULL; ev = ev->next) {
        switch (ev->kind) {
        case NET_TR_UP:
            e->ups++;
            e->conn = ev->conn;
            e->dial = ev->dial;
            memcpy(e->from, ev->device, sizeof e->from);
            break;
        case NET_TR_DOWN:
            e->downs++;
            break;
        case NET_TR_FRAME:
            assert_int_not_equal(0, ev->conn);
            memcpy(e->from, ev->device, sizeof e->from);
            e->frames++;
            e->bytes += ev->frame.len;
            e->last_len = ev->frame.len;
            e->last_first = ev->frame.len == 0 ? 0 : ev->frame.data[0];
            e->last_last = ev->frame.len == 0 ? 0 : ev->frame.data[ev->frame.len - 1];
            break;
        case NET_TR_UNREACHED:
            e->unreached++;
            break;
        case NET_TR_REFUSED:
            e->refused++;
            e->status = ev->status;
            break;
        }
    }
}

/* One wait over the sockets of all open ends, as the node does it. */
static void turn(unsigned wait_ms)
{
    static zmq_pollitem_t items[3 * NET_TRANSPORT_POLLS];
    struct end *ends[] = { &a, &b, &c };
    size_t count = 0;
    for (size_t i = 0; i < 3; i++) {
        if (ends[i]->transport != NULL)
            count += net_transport_poll(ends[i]->transport, items + count);
    }
    (void)zmq_poll(items, (int)count, (long)wait_ms);
    for (size_t i = 0; i < 3; i++) {
        if (ends[i]->transport != NULL)
            take(ends[i]);
    }
}

#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        uint64_t until_ms = now_ms() + WAIT_MS;                                                    \
        while (!(condition) && now_ms() < until_ms)                                                \
            turn(10);                                                                              \
        assert_true(condition);                                                                    \
    } while (0)

static void rest(unsigned ms)
{
    for (uint64_t end = now_ms() + ms; now_ms() < end;)
        turn(10);
}

static void dial(struct end *from, const struct end *to, const uint8_t key[32])
{
    uint32_t number = 0;
    assert_int_equal(CHT_OK,
                     net_transport_dial(from->transport, net_transport_endpoint(to->transport, 0),
                                        key, to->device, &number));
    assert_int_not_equal(0, number);
    from->dial = number;
}

static enum cht_err send_text(struct end *e, const char *text)
{
    return net_transport_send(e->transport, e->conn, cht_bytes_str(text));
}

static void the_real_endpoint_is_told(void **state)
{
    (void)state;
    const char *endpoint = net_transport_endpoint(a.transport, 0);
    assert_non_null(endpoint);
    assert_memory_equal("tcp://127.0.0.1:", endpoint, 16);
    assert_int_not_equal('*', endpoint[16]);
    assert_null(net_transport_endpoint(a.transport, 1));
    assert_null(net_transport_endpoint(b.transport, 0));
    end_open(&c, 3, "tcp://*:*"); /* any address, any port */
    assert_null(strchr(net_transport_endpoint(c.transport, 0), '*'));
}

static void a_known_key_connects_and_frames_go_both_ways(void **state)
{
    (void)state;
    introduce(&b);
    dial(&b, &a, a.public_key);
    UNTIL(b.ups == 1);
    assert_memory_equal(a.device, b.from, CRDT_ID_BYTES);
    assert_int_equal(0, a.ups); /* the listening side learns of it by the first frame */
    assert_int_equal(CHT_OK, send_text(&b, "hello"));
    UNTIL(a.frames == 1);
    assert_int_equal(1, a.ups);
    assert_int_equal(0, a.dial);
    assert_memory_equal(b.device, a.from, CRDT_ID_BYTES);
    assert_int_equal(CHT_OK, send_text(&a, "welcome"));
    UNTIL(b.frames == 1);
    assert_int_equal(7, b.last_len);
    assert_int_equal(0, a.downs + b.downs + b.refused);
}

static void an_unknown_key_is_refused_until_it_is_introduced(void **state)
{
    (void)state;
    dial(&b, &a, a.public_key);
    UNTIL(b.refused >= 1);
    assert_int_equal(0, b.status); /* 300 is not told to the one it concerns */
    assert_int_equal(CHT_E_NOTFOUND, net_transport_send(b.transport, 1, cht_bytes_str("x")));
    rest(300);
    assert_int_equal(0, a.ups + a.frames + b.ups);
    introduce(&b); /* ZeroMQ tries again by itself */
    UNTIL(b.ups == 1);
    assert_int_equal(CHT_OK, send_text(&b, "hello"));
    UNTIL(a.frames == 1);
    assert_true(net_transport_stats(a.transport)->zap_unknown >= 1);
}

static void where_nobody_listens_is_told_and_tried_again(void **state)
{
    (void)state;
    uint32_t n = 0;
    assert_int_equal(
        CHT_OK, net_transport_dial(b.transport, "tcp://127.0.0.1:9", a.public_key, a.device, &n));
    UNTIL(b.unreached >= 2);
    assert_int_equal(0, b.ups + b.refused);
    assert_false(net_transport_stuck(b.transport, n));
}

static void a_server_with_another_key_than_the_pinned_one_is_not_connected_to(void **state)
{
    (void)state;
    introduce(&b);
    dial(&b, &a, b.public_key);
    UNTIL(b.refused >= 1);
    assert_int_equal(0, b.status);
    assert_int_equal(0, b.ups + a.ups);
}

static void identity_is_the_key_and_not_what_a_frame_says(void **state)
{
    (void)state;
    introduce(&b);
    end_open(&c, 3, NULL);
    introduce(&c);
    dial(&c, &a, a.public_key);
    UNTIL(c.ups == 1);
    uint8_t lie[CRDT_ID_BYTES]; /* c says it is b */
    memcpy(lie, b.device, sizeof lie);
    assert_int_equal(CHT_OK, net_transport_send(c.transport, c.conn, cht_bytes(lie, sizeof lie)));
    UNTIL(a.frames == 1);
    assert_memory_equal(c.device, a.from, CRDT_ID_BYTES);
}

static void a_frame_of_the_largest_size_passes_and_one_more_byte_does_not(void **state)
{
    (void)state;
    introduce(&b);
    dial(&b, &a, a.public_key);
    UNTIL(b.ups == 1);
    uint8_t *large = calloc(1, LIMIT_FRAME_BYTES + 1);
    large[0] = 1;
    large[LIMIT_FRAME_BYTES - 1] = 2;
    struct cht_bytes most = cht_bytes(large, LIMIT_FRAME_BYTES);
    struct cht_bytes over = cht_bytes(large, LIMIT_FRAME_BYTES + 1);
    assert_int_equal(CHT_E_LIMIT, net_transport_send(b.transport, b.conn, over));
    assert_int_equal(CHT_OK, net_transport_send(b.transport, b.conn, most));
    UNTIL(a.frames == 1);
    assert_int_equal(LIMIT_FRAME_BYTES, a.last_len);
    assert_int_equal(1, a.last_first);
    assert_int_equal(2, a.last_last);
    free(large);
}

/* A client of its own making: speaks CURVE with b's key but not our rules. */
static void *raw_client(void *context, const char *routing_id)
{
    int zero = 0, wait_ms = 2000;
    void *s = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, a.public_key, 32);
    zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, b.public_key, 32);
    zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, b.secret_key, 32);
    zmq_setsockopt(s, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(s, ZMQ_SNDTIMEO, &wait_ms, sizeof wait_ms);
    if (routing_id != NULL)
        zmq_setsockopt(s, ZMQ_ROUTING_ID, routing_id, strlen(routing_id));
    assert_int_equal(0, zmq_connect(s, net_transport_endpoint(a.transport, 0)));
    return s;
}

static void a_message_of_several_parts_is_dropped_and_counted(void **state)
{
    (void)state;
    introduce(&b);
    void *context = zmq_ctx_new();
    void *s = raw_client(context, NULL);
    for (unsigned i = 0; i < 500; i++)
        assert_int_equal(4, zmq_send(s, "part", 4, ZMQ_SNDMORE));
    assert_int_equal(4, zmq_send(s, "last", 4, 0));
    assert_int_equal(3, zmq_send(s, "one", 3, 0));
    UNTIL(a.frames == 1);
    assert_int_equal(3, a.last_len);
    assert_int_equal(1, net_transport_stats(a.transport)->multipart);
    zmq_close(s);
    zmq_ctx_term(context);
}

static void a_routing_id_of_the_peers_choice_is_not_heard(void **state)
{
    (void)state;
    introduce(&b);
    void *context = zmq_ctx_new();
    void *s = raw_client(context, "abcde");
    assert_int_equal(3, zmq_send(s, "one", 3, 0));
    UNTIL(net_transport_stats(a.transport)->unheard == 1);
    assert_int_equal(0, a.ups + a.frames);
    zmq_close(s);
    zmq_ctx_term(context);
}

static void an_oversized_message_ends_its_connection(void **state)
{
    (void)state;
    introduce(&b);
    void *context = zmq_ctx_new();
    void *s = raw_client(context, NULL);
    assert_int_equal(3, zmq_send(s, "one", 3, 0));
    UNTIL(a.frames == 1);
    size_t len = LIMIT_FRAME_BYTES + 4096;
    uint8_t *large = calloc(1, len);
    assert_int_equal((int)len, zmq_send(s, large, len, 0));
    UNTIL(a.downs == 1);
    assert_int_equal(1, a.frames);
    free(large);
    zmq_close(s);
    zmq_ctx_term(context);
}

static void a_peer_that_comes_back_is_a_new_connection(void **state)
{
    (void)state;
    introduce(&b);
    dial(&b, &a, a.public_key);
    UNTIL(b.ups == 1);
    assert_int_equal(CHT_OK, send_text(&b, "hello"));
    UNTIL(a.frames == 1);
    uint32_t old = b.conn;
    char endpoint[128];
    strncpy(endpoint, net_transport_endpoint(a.transport, 0), sizeof endpoint - 1);
    end_close(&a);
    UNTIL(b.downs == 1);
    assert_int_equal(CHT_E_NOTFOUND, net_transport_send(b.transport, old, cht_bytes_str("x")));
    end_open(&a, 1, endpoint);
    UNTIL(b.ups == 2);
    assert_int_not_equal(old, b.conn);
    assert_int_equal(CHT_OK, send_text(&b, "again"));
    UNTIL(a.frames == 2);
}

static void the_end_of_an_inbound_connection_is_told(void **state)
{
    (void)state;
    introduce(&b);
    for (unsigned round = 1; round <= 3; round++) { /* file descriptors come round again */
        dial(&b, &a, a.public_key);
        UNTIL(b.ups == round);
        assert_int_equal(CHT_OK, send_text(&b, "hello"));
        UNTIL(a.ups == round);
        uint32_t conn = a.conn;
        net_transport_undial(b.transport, b.dial);
        UNTIL(a.downs == round);
        assert_int_equal(CHT_E_NOTFOUND, net_transport_send(a.transport, conn, cht_bytes_str("x")));
    }
    assert_int_equal(3, a.frames);
}

static void what_was_sent_before_an_end_is_read_and_then_the_end_is_told(void **state)
{
    (void)state;
    introduce(&b);
    for (unsigned round = 1; round <= 5; round++) {
        dial(&b, &a, a.public_key);
        UNTIL(b.ups == round);
        assert_int_equal(CHT_OK, send_text(&b, "one"));
        assert_int_equal(CHT_OK, send_text(&b, "two"));
        net_transport_undial(b.transport, b.dial);
        struct timespec pause = { .tv_nsec = 200000000 }; /* a sees nothing until all is over */
        nanosleep(&pause, NULL);
        UNTIL(a.frames == 2 * round);
        UNTIL(a.downs == round);
        assert_int_equal(round, a.ups);
    }
    assert_int_equal(0, net_transport_stats(a.transport)->unheard);
}

static void a_last_frame_leaves_before_a_hang_up(void **state)
{
    (void)state;
    introduce(&b);
    dial(&b, &a, a.public_key);
    UNTIL(b.ups == 1);
    assert_int_equal(CHT_OK, send_text(&b, "bye"));
    net_transport_hang_up(b.transport, b.conn);
    UNTIL(a.frames == 1);
    UNTIL(a.downs == 1);
    assert_int_equal(CHT_E_NOTFOUND, send_text(&b, "more"));
}

static void a_connection_hung_up_inbound_is_not_heard_any_more(void **state)
{
    (void)state;
    introduce(&b);
    dial(&b, &a, a.public_key);
    UNTIL(b.ups == 1);
    assert_int_equal(CHT_OK, send_text(&b, "hello"));
    UNTIL(a.frames == 1);
    net_transport_hang_up(a.transport, a.conn);
    assert_int_equal(CHT_E_NOTFOUND, send_text(&a, "x"));
    assert_int_equal(CHT_OK, send_text(&b, "are you there"));
    UNTIL(net_transport_stats(a.transport)->unheard == 1);
    assert_int_equal(1, a.frames);
}

/* Frames of `each` bytes to one who does not collect, until no more wait; then all are read. */
static void slow_reader(size_t each, size_t least, size_t most)
{
    introduce(&b);
    dial(&b, &a, a.public_key);
    UNTIL(b.ups == 1);
    uint8_t *frame = calloc(1, each);
    unsigned sent = 0;
    enum cht_err err = CHT_OK;
    while (sent < 100000) {
        frame[0] = (uint8_t)sent;
        err = net_transport_send(b.transport, b.conn, cht_bytes(frame, each));
        if (err != CHT_OK)
            break;
        sent++;
    }
    assert_int_equal(CHT_E_BUSY, err);
    assert_in_range(sent, least, most);
    assert_int_equal(NET_TRANSPORT_RETRY_MS, net_transport_timeout_ms(b.transport));
    unsigned before = 0;
    while (a.frames < sent) {
        turn(10);
        assert_true(a.frames - before <= LIMIT_TURN_FRAMES);
        before = a.frames;
    }
    assert_int_equal((uint8_t)(sent - 1), a.last_first);
    assert_int_equal((size_t)sent * each, a.bytes);
    rest(20);
    assert_int_equal(-1, net_transport_timeout_ms(b.transport));
    free(frame);
}

static void what_a_slow_reader_has_no_room_for_waits_in_order_and_is_bounded(void **state)
{
    (void)state;
    slow_reader(1000, NET_TRANSPORT_BACKLOG, 60000);
}

static void large_frames_for_a_slow_reader_are_bounded_by_their_bytes(void **state)
{
    (void)state;
    const size_t each = LIMIT_FRAME_BYTES / 2;
    slow_reader(each, NET_TRANSPORT_BACKLOG_BYTES / each, 64);
}

static void a_collect_takes_a_bounded_number_of_bytes(void **state)
{
    (void)state;
    introduce(&b);
    dial(&b, &a, a.public_key);
    UNTIL(b.ups == 1);
    uint8_t *frame = calloc(1, LIMIT_FRAME_BYTES);
    unsigned sent = 0;
    size_t before = 0;
    uint64_t until_ms = now_ms() + WAIT_MS;
    while (a.bytes < 24u * LIMIT_FRAME_BYTES && now_ms() < until_ms) {
        while (sent < 24 && net_transport_send(b.transport, b.conn,
                                               cht_bytes(frame, LIMIT_FRAME_BYTES)) == CHT_OK)
            sent++;
        turn(10);
        assert_in_range(a.bytes - before, 0, NET_TRANSPORT_TAKE_BYTES + LIMIT_FRAME_BYTES);
        before = a.bytes;
    }
    assert_int_equal(24u * LIMIT_FRAME_BYTES, a.bytes);
    free(frame);
}

static void one_who_talks_on_after_a_hang_up_is_cut_off(void **state)
{
    (void)state;
    introduce(&b);
    dial(&b, &a, a.public_key);
    UNTIL(b.ups == 1);
    assert_int_equal(CHT_OK, send_text(&b, "hello"));
    UNTIL(a.frames == 1);
    net_transport_hang_up(a.transport, a.conn);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(CHT_OK, send_text(&b, "on and on"));
    UNTIL(net_transport_stats(a.transport)->unheard == 3);
    assert_int_equal(0, b.downs);
    assert_int_equal(CHT_OK, send_text(&b, "and on"));
    UNTIL(b.downs == 1);
    assert_int_equal(1, net_transport_stats(a.transport)->cut);
    UNTIL(b.ups == 2); /* it may come again */
    assert_int_equal(CHT_OK, send_text(&b, "hello again"));
    UNTIL(a.frames == 2);
}

static void one_device_cannot_take_all_connections(void **state)
{
    (void)state;
    introduce(&b);
    void *context = zmq_ctx_new();
    void *clients[NET_TRANSPORT_LEGS_EACH + 2];
    for (size_t i = 0; i < NET_TRANSPORT_LEGS_EACH + 2; i++) {
        clients[i] = raw_client(context, NULL);
        assert_int_equal(3, zmq_send(clients[i], "one", 3, 0));
    }
    UNTIL(net_transport_stats(a.transport)->unheard == 2);
    assert_int_equal(NET_TRANSPORT_LEGS_EACH, a.ups);
    assert_int_equal(2, net_transport_stats(a.transport)->cut);
    for (size_t i = 0; i < NET_TRANSPORT_LEGS_EACH + 2; i++)
        zmq_close(clients[i]);
    zmq_ctx_term(context);
}

static void an_address_in_use_or_of_no_kind_is_said_to_be(void **state)
{
    (void)state;
    struct net_transport_config config = { .lookup = lookup, .ctx = &everyone };
    struct net_transport *t = NULL;
    const char *endpoint = net_transport_endpoint(a.transport, 0);
    memcpy(config.public_key, b.public_key, 32);
    memcpy(config.secret_key, b.secret_key, 32);
    config.endpoints = &endpoint;
    config.endpoint_count = 1;
    assert_int_equal(CHT_E_BUSY, net_transport_open(&config, NULL, &t));
    endpoint = "ipc:///tmp/x";
    assert_int_equal(CHT_E_INVALID, net_transport_open(&config, NULL, &t));
    endpoint = "tcp://127.0.0.1:notaport";
    assert_int_equal(CHT_E_INVALID, net_transport_open(&config, NULL, &t));
    assert_null(t);
    uint32_t number = 0;
    assert_int_equal(CHT_E_INVALID,
                     net_transport_dial(b.transport, "nowhere", a.public_key, a.device, &number));
    assert_int_equal(0, number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(the_real_endpoint_is_told),
        T(a_known_key_connects_and_frames_go_both_ways),
        T(an_unknown_key_is_refused_until_it_is_introduced),
        T(where_nobody_listens_is_told_and_tried_again),
        T(a_server_with_another_key_than_the_pinned_one_is_not_connected_to),
        T(identity_is_the_key_and_not_what_a_frame_says),
        T(a_frame_of_the_largest_size_passes_and_one_more_byte_does_not),
        T(a_message_of_several_parts_is_dropped_and_counted),
        T(a_routing_id_of_the_peers_choice_is_not_heard),
        T(an_oversized_message_ends_its_connection),
        T(a_peer_that_comes_back_is_a_new_connection),
        T(the_end_of_an_inbound_connection_is_told),
        T(what_was_sent_before_an_end_is_read_and_then_the_end_is_told),
        T(a_last_frame_leaves_before_a_hang_up),
        T(a_connection_hung_up_inbound_is_not_heard_any_more),
        T(what_a_slow_reader_has_no_room_for_waits_in_order_and_is_bounded),
        T(large_frames_for_a_slow_reader_are_bounded_by_their_bytes),
        T(a_collect_takes_a_bounded_number_of_bytes),
        T(one_who_talks_on_after_a_hang_up_is_cut_off),
        T(one_device_cannot_take_all_connections),
        T(an_address_in_use_or_of_no_kind_is_said_to_be),
#undef T
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("transport", tests, NULL, NULL);
}
