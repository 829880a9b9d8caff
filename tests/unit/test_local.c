/* The local socket's server with real sockets: requests, answers, streams, paths (LOCAL 1). */
#include "tests/support/local_fixture.h"

#include <signal.h>

static void an_answer_leaves_after_the_commit_only(void **state)
{
    struct fixture *f = *state;
    uint8_t room[4096];
    const int fd = dial(f->path);
    send_request(fd, NODE_MSG_COMMAND, "1");
    node_local_read(f->local, NOW_MS);
    assert_int_equal(1, f->requests);
    assert_int_equal(0, drain(fd, room, sizeof room));
    node_local_flush(f->local);
    assert_int_equal(104, drain(fd, room, sizeof room));
    (void)close(fd);
}

static void the_servers_descriptor_is_readable_when_a_client_asks(void **state)
{
    struct fixture *f = *state;
    struct pollfd p = { .fd = node_local_fd(f->local), .events = POLLIN };
    assert_int_equal(0, poll(&p, 1, 0));
    const int fd = dial(f->path);
    assert_int_equal(1, poll(&p, 1, 0));
    turn(f);
    assert_int_equal(0, poll(&p, 1, 0));
    send_request(fd, NODE_MSG_COMMAND, "1");
    assert_int_equal(1, poll(&p, 1, 0));
    turn(f);
    assert_int_equal(0, poll(&p, 1, 0));
    (void)close(fd);
    assert_int_equal(1, poll(&p, 1, 0));
    turn(f);
    assert_int_equal(0, poll(&p, 1, 0));
    assert_int_equal(1, f->closed);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    struct fixture *f = *state;
    struct cht_buf b;
    cht_buf_init(&b, 4096);
    put_request(&b, NODE_MSG_COMMAND, "slow");
    const int fd = dial(f->path);
    for (size_t i = 0; i < b.len; i++) {
        assert_int_equal(0, f->requests);
        send_all(fd, cht_bytes(b.data + i, 1));
        turn(f);
    }
    assert_int_equal(1, f->requests);
    cht_buf_clear(&b);
    (void)close(fd);
}

static void what_was_sent_before_hanging_up_is_still_done(void **state)
{
    struct fixture *f = *state;
    uint8_t room[4096];
    const int fd = dial(f->path);
    send_request(fd, NODE_MSG_COMMAND, "last");
    assert_int_equal(0, shutdown(fd, SHUT_WR));
    turn(f);
    assert_int_equal(1, f->requests);
    assert_int_equal(104, drain(fd, room, sizeof room));
    turn(f);
    assert_int_equal(-1, drain(fd, room, sizeof room));
    assert_int_equal(1, f->closed);
    (void)close(fd);
}

static void clients_are_counted_besides_those_of_one_process(void **state)
{
    struct fixture *f = *state;
    const int mine = dial(f->path);
    const pid_t child = fork();
    if (child == 0) {
        (void)dial(f->path); /* stays until it is ended */
        (void)pause();
        _exit(0);
    }
    while (node_local_clients(f->local) < 2) {
        struct pollfd p = { .fd = node_local_fd(f->local), .events = POLLIN };
        assert_int_equal(1, poll(&p, 1, 10000));
        turn(f);
    }
    assert_int_equal(2, node_local_clients_besides(f->local, 0));
    assert_int_equal(1, node_local_clients_besides(f->local, child));
    assert_int_equal(1, node_local_clients_besides(f->local, getpid()));
    assert_int_equal(2, node_local_clients_besides(f->local, 1));
    (void)kill(child, SIGKILL);
    assert_int_equal(child, waitpid(child, NULL, 0));
    (void)close(mine);
}

static void one_client_gets_a_bounded_share_of_a_turn(void **state)
{
    struct fixture *f = *state;
    struct cht_buf b;
    cht_buf_init(&b, 1u << 20);
    for (unsigned i = 0; i < LIMIT_TURN_FRAMES + 3; i++)
        put_request(&b, NODE_MSG_COMMAND, "again");
    const int greedy = dial(f->path), modest = dial(f->path);
    send_all(greedy, cht_buf_view(&b));
    send_request(modest, NODE_MSG_COMMAND, "mine");
    turn(f);
    assert_int_equal(LIMIT_TURN_FRAMES + 1, f->requests);
    assert_true(node_local_busy(f->local));
    turn(f);
    assert_int_equal(LIMIT_TURN_FRAMES + 4, f->requests);
    assert_false(node_local_busy(f->local));
    cht_buf_clear(&b);
    (void)close(greedy);
    (void)close(modest);
}

static void a_heartbeat_is_answered_by_the_server_itself(void **state)
{
    struct fixture *f = *state;
    uint8_t room[4096];
    const int fd = dial(f->path);
    send_request(fd, NODE_MSG_HEARTBEAT, "alive?");
    turn(f);
    const ssize_t len = drain(fd, room, sizeof room);
    assert_true(len > 0);
    struct cht_bytes message;
    size_t used;
    struct node_msg m;
    assert_int_equal(CHT_OK, node_frame_next(cht_bytes(room, (size_t)len), &message, &used));
    assert_int_equal(CHT_OK, node_msg_read(message, NULL, NULL, &m));
    assert_int_equal(NODE_MSG_ACK, m.type);
    assert_true(cht_bytes_eq(m.reply_to, cht_bytes_str("alive?")));
    assert_int_equal(CRDT_MP_MAP, node_mp_kind(node_mp_get(m.payload, "result")));
    assert_int_equal(0, f->requests);
    (void)close(fd);
}

static void a_stream_is_drawn_as_the_client_reads(void **state)
{
    struct fixture *f = *state;
    const unsigned messages = 400; /* 12.5 MiB: more than the backlog ever holds */
    f->stream_left = messages;
    const int fd = dial(f->path);
    send_request(fd, NODE_MSG_QUERY, "list");
    for (unsigned i = 0; i < 10; i++)
        turn(f);
    /* The socket and DRAW_BYTES are full, nothing more was drawn. */
    assert_true(f->stream_left > messages / 2);
    static uint8_t room[1u << 20];
    size_t total = 0;
    for (unsigned i = 0; i < 10000 && f->stream_ends == 0; i++) {
        total += (size_t)drain(fd, room, sizeof room);
        turn(f);
    }
    ssize_t got;
    while ((got = drain(fd, room, sizeof room)) > 0) {
        total += (size_t)got;
        turn(f);
    }
    assert_int_equal(1, f->stream_ends);
    assert_int_equal((size_t)messages * (32 * 1024 + 4), total);
    (void)close(fd);
}

static void streams_end_once_when_the_client_leaves(void **state)
{
    struct fixture *f = *state;
    f->stream_left = UINT32_MAX;
    const int fd = dial(f->path);
    for (unsigned i = 0; i < 3; i++)
        send_request(fd, NODE_MSG_QUERY, "list");
    turn(f);
    assert_int_equal(3, f->requests);
    assert_int_equal(0, f->stream_ends);
    (void)close(fd);
    for (unsigned i = 0; i < 3; i++)
        turn(f);
    assert_int_equal(3, f->stream_ends);
    assert_int_equal(1, f->closed);
    assert_int_equal(0, node_local_clients(f->local));
}

static void the_number_of_one_who_left_never_reaches_another(void **state)
{
    struct fixture *f = *state;
    uint8_t room[4096];
    const int first = dial(f->path);
    send_request(first, NODE_MSG_COMMAND, "1");
    turn(f);
    const local_client_id old = f->last_client;
    (void)close(first);
    turn(f);
    const int second = dial(f->path);
    send_request(second, NODE_MSG_COMMAND, "2");
    turn(f);
    turn(f);
    assert_int_not_equal(old, f->last_client);
    assert_int_equal(104, drain(second, room, sizeof room));
    const struct local_output *out = node_local_output(f->local);
    assert_int_equal(CHT_E_NOTFOUND, out->answer(out->ctx, old, cht_bytes_str("secret")));
    turn(f);
    assert_int_equal(0, drain(second, room, sizeof room));
    (void)close(second);
}

static void a_stale_socket_is_replaced_and_a_live_one_is_not(void **state)
{
    struct fixture *f = *state;
    const struct node_local_options again = { .socket_path = f->path,
                                              .handler = { .ctx = f, .request = on_request } };
    struct node_local *second = NULL;
    struct cht_error why = { 0 };
    assert_int_equal(CHT_E_BUSY, node_local_open(&again, &why, &second));
    assert_null(second);
    assert_int_equal(0, access(f->path, F_OK));

    /* A node that was killed leaves the file behind. */
    char stale[160];
    (void)snprintf(stale, sizeof stale, "%s/stale.sock", f->folder);
    struct node_socket_address a;
    assert_int_equal(CHT_OK, node_socket_address(stale, NULL, &a));
    const int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, bind(dead, (const struct sockaddr *)&a.un, a.len));
    (void)close(dead);
    assert_int_equal(0, access(stale, F_OK));
    struct node_local *local = open_at(f, stale);
    const int fd = dial(stale);
    (void)close(fd);
    node_local_close(local);
    assert_int_equal(-1, access(stale, F_OK));
}

static void only_the_owner_may_open_the_socket_file(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    assert_int_equal(0, stat(f->path, &st));
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(0600, st.st_mode & 0777);
}

static void a_path_longer_than_a_socket_address_works(void **state)
{
    struct fixture *f = *state;
    char folder[300], path[400];
    (void)snprintf(folder, sizeof folder, "%s/%0200d", f->folder, 7);
    assert_int_equal(0, mkdir(folder, 0700));
    (void)snprintf(path, sizeof path, "%s/node.sock", folder);
    struct node_local *local = open_at(f, path);
    const int fd = dial(path);
    send_request(fd, NODE_MSG_COMMAND, "far");
    node_local_read(local, NOW_MS);
    assert_int_equal(1, f->requests);
    (void)close(fd);
    node_local_close(local);
    assert_int_equal(0, rmdir(folder));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOCAL_TEST(an_answer_leaves_after_the_commit_only),
        LOCAL_TEST(the_servers_descriptor_is_readable_when_a_client_asks),
        LOCAL_TEST(a_request_may_come_byte_by_byte),
        LOCAL_TEST(what_was_sent_before_hanging_up_is_still_done),
        LOCAL_TEST(clients_are_counted_besides_those_of_one_process),
        LOCAL_TEST(one_client_gets_a_bounded_share_of_a_turn),
        LOCAL_TEST(a_heartbeat_is_answered_by_the_server_itself),
        LOCAL_TEST(a_stream_is_drawn_as_the_client_reads),
        LOCAL_TEST(streams_end_once_when_the_client_leaves),
        LOCAL_TEST(the_number_of_one_who_left_never_reaches_another),
        LOCAL_TEST(a_stale_socket_is_replaced_and_a_live_one_is_not),
        LOCAL_TEST(only_the_owner_may_open_the_socket_file),
        LOCAL_TEST(a_path_longer_than_a_socket_address_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
