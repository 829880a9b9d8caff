/* The local socket's server with clients that do harm, by malice or by mistake (LOCAL 1.4). */
#include "tests/support/local_fixture.h"

static void bad_messages_are_answered_and_the_client_goes_on(void **state)
{
    struct fixture *f = *state;
    uint8_t room[4096];
    const int fd = dial(f->path);
    send_all(fd, cht_bytes("\x05\0\0\0hello", 9));
    turn(f);
    assert_error(room, drain(fd, room, sizeof room), "malformed", "");
    send_request(fd, NODE_MSG_EVENT, "odd");
    turn(f);
    assert_error(room, drain(fd, room, sizeof room), "unsupported", "odd");
    assert_int_equal(0, f->requests);
    send_request(fd, NODE_MSG_COMMAND, "fine");
    turn(f);
    assert_int_equal(1, f->requests);
    (void)close(fd);
}

static void a_length_that_is_not_allowed_ends_the_connection(void **state)
{
    struct fixture *f = *state;
    uint8_t room[4096];
    const char *const heads[] = { "\xff\xff\xff\xff", "\x01\x00\x10\x00", "\0\0\0\0" };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        const int fd = dial(f->path);
        send_all(fd, cht_bytes(heads[i], 4));
        turn(f);
        assert_error(room, drain(fd, room, sizeof room), "limit", "");
        assert_int_equal(-1, drain(fd, room, sizeof room));
        assert_int_equal(i + 1, f->closed);
        (void)close(fd);
    }
    assert_int_equal(0, node_local_clients(f->local));
}

static void a_message_of_the_largest_size_is_taken(void **state)
{
    struct fixture *f = *state;
    static uint8_t big[LIMIT_CLIENT_BYTES + NODE_FRAME_HEAD_BYTES];
    static const uint8_t head[] = "\x84\xa2id\xa1x\xa4type\xa7"
                                  "command\xa7payload\x80\xa1p\xc6";
    const size_t n = sizeof head - 1;
    cht_put_u32(big, LIMIT_CLIENT_BYTES);
    memcpy(big + 4, head, n);
    const uint32_t left = (uint32_t)(LIMIT_CLIENT_BYTES - n - 4);
    for (unsigned i = 0; i < 4; i++)
        big[4 + n + i] = (uint8_t)(left >> (24 - 8 * i));
    const int fd = dial(f->path);
    for (size_t at = 0; at < sizeof big;) {
        const ssize_t put = send(fd, big + at, sizeof big - at, MSG_NOSIGNAL);
        at += put > 0 ? (size_t)put : 0;
        turn(f);
    }
    assert_int_equal(1, f->requests);
    (void)close(fd);
}

static void a_client_that_does_not_read_is_not_read_from(void **state)
{
    struct fixture *f = *state;
    const int fd = dial(f->path);
    const int other = dial(f->path);
    f->answer_bytes = 512 * 1024;
    /* More answers than the socket and half the backlog hold: the rest of the requests wait. */
    for (unsigned i = 0; i < 40; i++)
        send_request(fd, NODE_MSG_COMMAND, "much");
    for (unsigned i = 0; i < 20; i++)
        turn(f);
    assert_true(f->requests >= 8 && f->requests < 40);
    assert_int_equal(2, node_local_clients(f->local));
    assert_false(node_local_busy(f->local));
    const unsigned before = f->requests;
    f->answer_bytes = 10;
    send_request(other, NODE_MSG_COMMAND, "me");
    turn(f);
    assert_int_equal(before + 1, f->requests);

    /* Once it reads, all the others are done too. */
    static uint8_t room[1u << 20];
    for (unsigned i = 0; i < 400 && f->requests < 41; i++) {
        (void)drain(fd, room, sizeof room);
        turn(f);
    }
    assert_int_equal(41, f->requests);
    (void)close(fd);
    (void)close(other);
}

static void a_client_beyond_its_backlog_is_closed(void **state)
{
    struct fixture *f = *state;
    const int fd = dial(f->path);
    send_request(fd, NODE_MSG_COMMAND, "watch");
    turn(f);
    const local_client_id id = f->last_client;
    const struct local_output *out = node_local_output(f->local);
    static uint8_t event[1000 * 1000];
    enum cht_err err = CHT_OK;
    unsigned sent = 0;
    while (err == CHT_OK && sent < 100) {
        err = out->answer(out->ctx, id, cht_bytes(event, sizeof event));
        sent++;
    }
    assert_int_equal(CHT_E_LIMIT, err);
    assert_int_equal(9, sent); /* 8 MiB hold eight of them */
    assert_int_equal(CHT_E_NOTFOUND, out->answer(out->ctx, id, cht_bytes(event, 10)));
    turn(f);
    assert_int_equal(1, f->closed);
    assert_int_equal(CHT_E_NOTFOUND, out->answer(out->ctx, id, cht_bytes(event, 10)));
    (void)close(fd);
}

static void streams_of_one_client_are_bounded(void **state)
{
    struct fixture *f = *state;
    f->stream_left = UINT32_MAX;
    const int fd = dial(f->path);
    for (unsigned i = 0; i < LIMIT_CLIENT_STREAMS + 2; i++)
        send_request(fd, NODE_MSG_QUERY, "list");
    node_local_read(f->local, NOW_MS);
    node_local_flush(f->local);
    node_local_read(f->local, NOW_MS);
    assert_int_equal(LIMIT_CLIENT_STREAMS + 2, f->requests);
    assert_int_equal(2, f->stream_ends);
    (void)close(fd);
}

static void clients_are_counted_and_one_too_many_is_told_so(void **state)
{
    struct fixture *f = *state;
    int fds[LIMIT_CLIENTS];
    uint8_t room[4096];
    for (unsigned i = 0; i < LIMIT_CLIENTS; i++) {
        fds[i] = dial(f->path);
        turn(f);
    }
    assert_int_equal(LIMIT_CLIENTS, node_local_clients(f->local));
    const int late = dial(f->path);
    turn(f);
    assert_error(room, drain(late, room, sizeof room), "busy", "");
    assert_int_equal(-1, drain(late, room, sizeof room));
    (void)close(late);
    assert_int_equal(LIMIT_CLIENTS, node_local_clients(f->local));

    (void)close(fds[5]);
    turn(f);
    fds[5] = dial(f->path);
    send_request(fds[5], NODE_MSG_COMMAND, "in");
    turn(f);
    turn(f);
    assert_int_equal(1, f->requests);
    for (unsigned i = 0; i < LIMIT_CLIENTS; i++)
        (void)close(fds[i]);
}

static void another_user_is_refused_even_where_the_file_lets_him(void **state)
{
    struct fixture *f = *state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(0, chmod(f->folder, 0755));
    assert_int_equal(0, chmod(f->path, 0777));
    const pid_t child = fork();
    if (child == 0) {
        if (setuid(65534) != 0)
            _exit(9);
        send_request(dial(f->path), NODE_MSG_COMMAND, "let me");
        _exit(0);
    }
    int status = 0;
    assert_int_equal(child, waitpid(child, &status, 0));
    assert_int_equal(0, status);
    turn(f);
    assert_int_equal(0, f->requests);
    assert_int_equal(0, node_local_clients(f->local));
}

static void running_out_of_descriptors_does_not_keep_the_loop_awake(void **state)
{
    struct fixture *f = *state;
    struct rlimit was, tight;
    assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &was));
    const int fd = dial(f->path);
    tight = was;
    tight.rlim_cur = (rlim_t)fd + 1; /* nothing above the client's own end */
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &tight));
    turn(f);
    turn(f);
    struct pollfd p = { .fd = node_local_fd(f->local), .events = POLLIN };
    const int awake = poll(&p, 1, 0);
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &was));
    assert_int_equal(0, awake);
    assert_int_equal(0, node_local_clients(f->local));
    uint8_t room[16];
    assert_int_equal(-1, drain(fd, room, sizeof room));
    (void)close(fd);

    const int next = dial(f->path); /* and it serves again afterwards */
    send_request(next, NODE_MSG_COMMAND, "now");
    turn(f);
    turn(f);
    assert_int_equal(1, f->requests);
    (void)close(next);
}

static uint64_t rng_next(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static void random_bytes_harm_nobody_else(void **state)
{
    struct fixture *f = *state;
    const char *env = getenv("CHITTY_SEED");
    uint64_t seed = env != NULL ? strtoull(env, NULL, 0) : 0x5eed1e55u;
    print_message("# seed 0x%llx\n", (unsigned long long)seed);
    seed |= 1;
    const int good = dial(f->path);
    static uint8_t room[1u << 20];
    for (unsigned round = 0; round < 400; round++) {
        const int fd = dial(f->path);
        struct cht_buf b;
        cht_buf_init(&b, 1u << 20);
        for (unsigned i = 0; i < 5; i++)
            put_request(&b, (enum node_msg_type)(rng_next(&seed) % NODE_MSG_TYPE_COUNT), "r");
        for (unsigned i = 0; i < 1 + round % 9; i++)
            b.data[rng_next(&seed) % b.len] = (uint8_t)rng_next(&seed);
        f->stream_left = 1 + (unsigned)(rng_next(&seed) % 3);
        send_all(fd, cht_bytes(b.data, 1 + rng_next(&seed) % b.len));
        cht_buf_clear(&b);
        turn(f);
        (void)drain(fd, room, sizeof room);
        (void)close(fd);
        turn(f);
    }
    (void)drain(good, room, sizeof room);
    const unsigned before = f->requests;
    f->answer_bytes = 100;
    send_request(good, NODE_MSG_COMMAND, "still here");
    turn(f);
    assert_int_equal(before + 1, f->requests);
    assert_int_equal(104, drain(good, room, sizeof room));
    (void)close(good);
    turn(f);
    assert_int_equal(0, node_local_clients(f->local));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOCAL_TEST(bad_messages_are_answered_and_the_client_goes_on),
        LOCAL_TEST(a_length_that_is_not_allowed_ends_the_connection),
        LOCAL_TEST(a_message_of_the_largest_size_is_taken),
        LOCAL_TEST(a_client_that_does_not_read_is_not_read_from),
        LOCAL_TEST(a_client_beyond_its_backlog_is_closed),
        LOCAL_TEST(streams_of_one_client_are_bounded),
        LOCAL_TEST(clients_are_counted_and_one_too_many_is_told_so),
        LOCAL_TEST(another_user_is_refused_even_where_the_file_lets_him),
        LOCAL_TEST(running_out_of_descriptors_does_not_keep_the_loop_awake),
        LOCAL_TEST(random_bytes_harm_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
