#ifndef TESTS_SUPPORT_LOCAL_FIXTURE_H
#define TESTS_SUPPORT_LOCAL_FIXTURE_H
/* A local server on a socket of its own, with a handler that answers each request with some bytes
 * or a stream of rows. The turns are driven by hand, so that "before the commit" and "after it" can
 * be told apart. Included by one test file each; what a file does not use costs nothing. */
#include "crdt/limits.h"
#include "node/client/paths.h"
#include "node/local/server.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW_MS 1767225600000u

/* A node whose handler answers every request with its own bytes' length, or a stream of rows. */
struct fixture {
    char folder[64];
    char path[128];
    struct node_local *local;
    unsigned requests, closed, stream_ends;
    local_client_id last_client;
    unsigned stream_left; /* messages still to draw; UINT_MAX never ends */
    size_t answer_bytes;  /* size of each answer's payload text */
};

static inline enum cht_err next_row(void *state, struct cht_buf *out, bool *out_end)
{
    struct fixture *f = state;
    static uint8_t row[32 * 1024];
    memset(row, 'r', sizeof row);
    *out_end = f->stream_left != UINT32_MAX && --f->stream_left == 0;
    return cht_buf_add(out, cht_bytes(row, sizeof row));
}

static inline void end_row(void *state)
{
    struct fixture *f = state;
    f->stream_ends++;
}

static inline void on_request(void *ctx, const struct local_request *r)
{
    struct fixture *f = ctx;
    f->requests++;
    f->last_client = r->client;
    if (r->msg.type == NODE_MSG_QUERY) {
        const struct local_stream s = { .state = f, .next = next_row, .end = end_row };
        (void)r->out->stream(r->out->ctx, r->client, &s);
        return;
    }
    uint8_t *text = calloc(1, f->answer_bytes);
    assert_non_null(text);
    memset(text, 'a', f->answer_bytes);
    (void)r->out->answer(r->out->ctx, r->client, cht_bytes(text, f->answer_bytes));
    free(text);
}

static inline void on_closed(void *ctx, local_client_id client)
{
    struct fixture *f = ctx;
    (void)client;
    f->closed++;
}

static inline struct node_local *open_at(struct fixture *f, const char *path)
{
    const struct node_local_options options = {
        .socket_path = path,
        .handler = { .ctx = f, .request = on_request, .closed = on_closed },
    };
    struct node_local *local = NULL;
    struct cht_error why = { 0 };
    if (node_local_open(&options, &why, &local) != CHT_OK)
        fail_msg("%s", cht_error_text(&why));
    return local;
}

static inline int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/chitty-local-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof f->path, "%s/node.sock", f->folder);
    f->answer_bytes = 100;
    f->local = open_at(f, f->path);
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;
    node_local_close(f->local);
    assert_int_equal(-1, access(f->path, F_OK)); /* the socket file goes with the server */
    assert_int_equal(0, rmdir(f->folder));
    free(f);
    return 0;
}

static inline void turn(struct fixture *f)
{
    node_local_read(f->local, NOW_MS);
    node_local_flush(f->local);
}

static inline int dial(const char *path)
{
    struct node_socket_address a;
    assert_int_equal(CHT_OK, node_socket_address(path, NULL, &a));
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(0, connect(fd, (const struct sockaddr *)&a.un, a.len));
    node_socket_address_clear(&a);
    return fd;
}

/* One framed request of a type with an id of its own. */
static inline void put_request(struct cht_buf *b, enum node_msg_type type, const char *id)
{
    static const uint8_t nothing[] = { 0x80 };
    const struct node_msg m = { .type = type,
                                .id = cht_bytes_str(id),
                                .payload = cht_bytes(nothing, 1) };
    struct cht_buf one;
    cht_buf_init(&one, LIMIT_CLIENT_BYTES);
    assert_int_equal(CHT_OK, node_msg_write(&one, &m));
    assert_int_equal(CHT_OK, node_frame_put(b, cht_buf_view(&one)));
    cht_buf_clear(&one);
}

static inline void send_all(int fd, struct cht_bytes b)
{
    assert_int_equal(b.len, send(fd, b.data, b.len, MSG_NOSIGNAL));
}

static inline void send_request(int fd, enum node_msg_type type, const char *id)
{
    struct cht_buf b;
    cht_buf_init(&b, 4096);
    put_request(&b, type, id);
    send_all(fd, cht_buf_view(&b));
    cht_buf_clear(&b);
}

/* What lies in the socket now: bytes read, -1 at its end. */
static inline ssize_t drain(int fd, uint8_t *room, size_t size)
{
    const ssize_t got = recv(fd, room, size, 0);
    if (got == 0 || (got < 0 && errno == ECONNRESET))
        return -1;
    return got < 0 ? 0 : got;
}

/* The error code in the one framed answer at `bytes`. */
static inline void assert_error(const uint8_t *bytes, ssize_t len, const char *code,
                                const char *reply_to)
{
    struct cht_bytes message;
    size_t used;
    assert_true(len > 0);
    assert_int_equal(CHT_OK, node_frame_next(cht_bytes(bytes, (size_t)len), &message, &used));
    struct node_msg m;
    assert_int_equal(CHT_OK, node_msg_read(message, NULL, NULL, &m));
    assert_int_equal(NODE_MSG_ACK, m.type);
    assert_int_equal(NOW_MS, m.timestamp_ms);
    assert_true(cht_bytes_eq(m.reply_to, cht_bytes_str(reply_to)));
    const struct cht_bytes got = node_mp_get_str(node_mp_get(m.payload, "error"), "code");
    assert_true(cht_bytes_eq(got, cht_bytes_str(code)));
}

#define LOCAL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
