/* Requests asked in this process: ask, commit, answer, in that order (LOCAL 1.5, 5.1). */
#include "crdt/limits.h"
#include "node/local/direct.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
    char order[32]; /* what happened, a letter each */
    unsigned left;  /* messages of the stream still to come */
    bool silent, fails;
    struct node_fault fault;
};

static void note(struct fixture *f, char letter)
{
    const size_t len = strlen(f->order);
    assert_true(len + 1 < sizeof f->order);
    f->order[len] = letter;
    f->order[len + 1] = '\0';
}

static enum cht_err put(struct cht_buf *out, enum node_msg_type type, bool more)
{
    const struct node_msg m = { .type = type, .id = cht_bytes_str("x") };
    enum cht_err err = node_msg_begin(out, &m);
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 1);
    return err != CHT_OK ? err : node_mp_put_key_bool(out, "more", more);
}

static enum cht_err next(void *state, struct cht_buf *out, bool *out_end)
{
    struct fixture *f = state;
    note(f, 'n');
    *out_end = --f->left == 0;
    return put(out, NODE_MSG_STATE_SNAPSHOT, !*out_end);
}

static void end(void *state)
{
    note(state, 'e');
}

static void on_request(void *ctx, const struct local_request *r)
{
    struct fixture *f = ctx;
    note(f, 'r');
    assert_int_equal(LOCAL_DIRECT_CLIENT, r->client);
    if (f->silent)
        return;
    if (f->left > 0) {
        const struct local_stream s = { .state = f, .next = next, .end = end };
        assert_int_equal(CHT_OK, r->out->stream(r->out->ctx, r->client, &s));
        return;
    }
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_CLIENT_BYTES);
    assert_int_equal(CHT_OK, put(&b, NODE_MSG_EVENT, false));
    assert_int_equal(CHT_OK, r->out->answer(r->out->ctx, r->client, cht_buf_view(&b)));
    cht_buf_reset(&b);
    assert_int_equal(CHT_OK, put(&b, NODE_MSG_ACK, false));
    assert_int_equal(CHT_OK, r->out->answer(r->out->ctx, r->client, cht_buf_view(&b)));
    cht_buf_clear(&b);
}

static void on_closed(void *ctx, local_client_id client)
{
    (void)client;
    note(ctx, 'x');
}

static enum cht_err commit(void *ctx, struct node_fault *fault)
{
    struct fixture *f = ctx;
    note(f, 'c');
    return f->fails ? node_fault_set(fault, CHT_E_FULL, cht_bytes(NULL, 0), "no room") : CHT_OK;
}

static enum cht_err each(void *ctx, const struct node_msg *m)
{
    note(ctx, m->type == NODE_MSG_ACK ? 'A' : m->type == NODE_MSG_EVENT ? 'E' : 'S');
    return CHT_OK;
}

static enum cht_err ask(struct fixture *f)
{
    const struct local_handler handler = { .ctx = f, .request = on_request, .closed = on_closed };
    static const uint8_t request[] = "\x83\xa2id\xa1q\xa4type\xa5query\xa7payload\x80";
    return node_local_direct(&handler, commit, f, cht_bytes(request, sizeof request - 1), each, f,
                             &f->fault);
}

static void answers_come_after_the_commit(void **state)
{
    (void)state;
    struct fixture f = { 0 };
    assert_int_equal(CHT_OK, ask(&f));
    assert_string_equal("rcEAx", f.order);
}

static void a_stream_is_drawn_to_its_end(void **state)
{
    (void)state;
    struct fixture f = { .left = 3 };
    assert_int_equal(CHT_OK, ask(&f));
    assert_string_equal("rcnSnSnSex", f.order);
}

static void nothing_is_answered_when_the_commit_fails(void **state)
{
    (void)state;
    struct fixture f = { .fails = true };
    assert_int_equal(CHT_E_FULL, ask(&f));
    assert_string_equal("rcx", f.order);
    assert_string_equal("no room", f.fault.error.text);
    struct fixture g = { .fails = true, .left = 2 };
    assert_int_equal(CHT_E_FULL, ask(&g));
    assert_string_equal("rcex", g.order);
}

static void a_request_without_an_answer_is_our_fault(void **state)
{
    (void)state;
    struct fixture f = { .silent = true };
    assert_int_equal(CHT_E_INTERNAL, ask(&f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_after_the_commit),
        cmocka_unit_test(a_stream_is_drawn_to_its_end),
        cmocka_unit_test(nothing_is_answered_when_the_commit_fails),
        cmocka_unit_test(a_request_without_an_answer_is_our_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
