/* A program's connection to the node: answers, time limits, a node that leaves or has to be started
 * (LOCAL 1.6, 5). The node here is this very program, run as `chitty-node` with a handler that does
 * what the request's command name says. */
#include "crdt/id.h"
#include "crdt/limits.h"
#include "node/client/client.h"
#include "node/local/server.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* --- the node ------------------------------------------------------------------------------ */

static bool stopping;

static void reply(const struct local_request *r, enum node_msg_type type, const char *payload_hex)
{
    uint8_t payload[64], id[NODE_MSG_ID_BYTES];
    const size_t len = strlen(payload_hex) / 2;
    if (crdt_unhex(cht_bytes_str(payload_hex), payload, len) != CHT_OK)
        abort();
    const struct node_msg m = { .type = type,
                                .id = node_msg_answer_id(r->msg.id, id),
                                .platform = cht_bytes_str("node"),
                                .reply_to = r->msg.id,
                                .payload = cht_bytes(payload, len) };
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_CLIENT_BYTES);
    if (node_msg_write(&b, &m) != CHT_OK ||
        r->out->answer(r->out->ctx, r->client, cht_buf_view(&b)) != CHT_OK)
        abort();
    cht_buf_clear(&b);
}

static bool asked(const struct local_request *r, const char *name)
{
    return cht_bytes_eq(node_mp_get_str(r->msg.payload, "name"), cht_bytes_str(name));
}

static void on_request(void *ctx, const struct local_request *r)
{
    unsigned *requests = ctx;
    ++*requests;
    if (asked(r, "leave-first") && access("left-once", F_OK) != 0) {
        (void)close(open("left-once", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        _exit(0); /* as an idle node that goes in the moment it is asked */
    }
    if (asked(r, "stop"))
        stopping = true;
    if (asked(r, "silence"))
        return;
    if (asked(r, "rows")) {
        reply(r, NODE_MSG_STATE_SNAPSHOT, "81a46d6f7265c3"); /* {"more": true} */
        reply(r, NODE_MSG_EVENT, "80");
        reply(r, NODE_MSG_STATE_SNAPSHOT, "80");
    } else if (asked(r, "error")) {
        struct node_fault fault;
        (void)node_fault_set(&fault, CHT_E_NOTFOUND, cht_bytes_str("chittyId"), "nothing there");
        struct cht_buf b;
        cht_buf_init(&b, LIMIT_CLIENT_BYTES);
        if (node_msg_write_error(&b, &r->msg, r->msg.id, &fault) != CHT_OK ||
            r->out->answer(r->out->ctx, r->client, cht_buf_view(&b)) != CHT_OK)
            abort();
        cht_buf_clear(&b);
    } else if (asked(r, "conflict")) {
        reply(r, NODE_MSG_CONFLICT, "80");
    } else {
        reply(r, NODE_MSG_ACK, "81a6726573756c7480"); /* {"result": {}} */
    }
}

/* `chitty-node run --autostarted --ready-fd=3`, as far as a client sees of it. */
static int run_node(void)
{
    struct node_paths paths;
    struct node_local *local = NULL;
    struct cht_error why = { 0 };
    unsigned requests = 0;
    if (getenv("TEST_NODE_FAILS") != NULL) {
        dprintf(3, "!the moon is in the wrong house");
        return 1;
    }
    if (getenv("TEST_NODE_DIES") != NULL)
        return 1;
    if (node_paths_find(&why, &paths) != CHT_OK || chdir(paths.data) != 0)
        return 1;
    const int starts = open("starts", O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    if (starts < 0 || write(starts, "x", 1) != 1)
        return 1;
    (void)close(starts);
    const struct node_local_options options = {
        .socket_path = paths.socket, .handler = { .ctx = &requests, .request = on_request }
    };
    if (node_local_open(&options, &why, &local) != CHT_OK)
        return 1;
    if (fcntl(3, F_GETFD) >= 0 && (write(3, "+", 1) != 1 || close(3) != 0))
        return 1;
    while (!stopping) {
        struct pollfd p = { .fd = node_local_fd(local), .events = POLLIN };
        if (poll(&p, 1, 20000) <= 0)
            break;
        node_local_read(local, 1);
        node_local_flush(local);
    }
    node_local_close(local);
    return 0;
}

/* --- the fixture --------------------------------------------------------------------------- */

struct fixture {
    char home[64];
    struct node_client *client;
    struct node_fault fault;
    unsigned answers;
    enum node_msg_type last;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    (void)snprintf(f->home, sizeof f->home, "/tmp/chitty-client-XXXXXX");
    assert_non_null(mkdtemp(f->home));
    char bin[128], program[128], self[4096], path[256];
    (void)snprintf(bin, sizeof bin, "%s/bin", f->home);
    (void)snprintf(program, sizeof program, "%s/bin/chitty-node", f->home);
    const ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(len > 0);
    self[len] = '\0';
    assert_int_equal(0, mkdir(bin, 0700));
    assert_int_equal(0, symlink(self, program));
    (void)snprintf(path, sizeof path, "%s:/usr/bin:/bin", bin);
    (void)setenv("PATH", path, 1);
    (void)setenv("CHITTY_HOME", f->home, 1);
    (void)unsetenv("CHITTY_NO_AUTOSTART");
    (void)unsetenv("TEST_NODE_FAILS");
    (void)unsetenv("TEST_NODE_DIES");
    *state = f;
    return 0;
}

static enum cht_err open_client(struct fixture *f)
{
    const struct node_client_options options = { .timeout_ms = 10000 };
    return node_client_open(&options, &f->fault, &f->client);
}

static enum cht_err each(void *ctx, const struct node_msg *m)
{
    struct fixture *f = ctx;
    f->answers++;
    f->last = m->type;
    return CHT_OK;
}

static enum cht_err ask(struct fixture *f, const char *name, bool repeatable)
{
    struct cht_buf b;
    char id[NODE_REQUEST_ID_MAX];
    cht_buf_init(&b, LIMIT_CLIENT_BYTES);
    assert_int_equal(CHT_OK, node_request_begin("test", NULL, NODE_MSG_COMMAND, &b, id));
    assert_int_equal(CHT_OK, crdt_mp_put_map(&b, 1));
    assert_int_equal(CHT_OK, node_mp_put_key_text(&b, "name", name));
    f->answers = 0;
    const enum cht_err err =
        node_client_call(f->client, cht_buf_view(&b), repeatable, each, f, &f->fault);
    cht_buf_clear(&b);
    return err;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->client != NULL)
        (void)ask(f, "stop", false);
    node_client_close(f->client);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", f->home);
    assert_int_equal(0, system(command));
    free(f);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    return 0;
}

static size_t starts_of(const struct fixture *f)
{
    char path[128];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/starts", f->home);
    return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

/* --- tests --------------------------------------------------------------------------------- */

static void a_node_is_started_where_none_runs_and_found_by_the_next(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_OK, open_client(f));
    assert_int_equal(CHT_OK, ask(f, "status", false));
    assert_int_equal(1, f->answers);
    assert_int_equal(NODE_MSG_ACK, f->last);
    node_client_close(f->client);
    assert_int_equal(CHT_OK, open_client(f));
    assert_int_equal(CHT_OK, ask(f, "status", false));
    assert_int_equal(1, starts_of(f));
}

static void clients_that_come_at_once_start_one_node(void **state)
{
    struct fixture *f = *state;
    pid_t children[6];
    for (size_t i = 0; i < 6; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(open_client(f) == CHT_OK && ask(f, "status", false) == CHT_OK ? 0 : 1);
    }
    for (size_t i = 0; i < 6; i++) {
        int status = -1;
        assert_int_equal(children[i], waitpid(children[i], &status, 0));
        assert_int_equal(0, status);
    }
    assert_int_equal(1, starts_of(f));
    assert_int_equal(CHT_OK, open_client(f));
}

static void no_node_is_started_when_that_is_turned_off(void **state)
{
    struct fixture *f = *state;
    (void)setenv("CHITTY_NO_AUTOSTART", "1", 1);
    assert_int_equal(CHT_E_UNREACHABLE, open_client(f));
    assert_string_equal("start it: chitty-node run", f->fault.hint);
    assert_false(f->fault.answered);
    assert_null(f->client);
    assert_int_equal(0, starts_of(f));
}

static void a_node_that_fails_tells_the_client_why(void **state)
{
    struct fixture *f = *state;
    (void)setenv("TEST_NODE_FAILS", "1", 1);
    assert_int_equal(CHT_E_UNREACHABLE, open_client(f));
    assert_string_equal("a node was started and gave up: the moon is in the wrong house",
                        f->fault.error.text);
    (void)unsetenv("TEST_NODE_FAILS");
    (void)setenv("TEST_NODE_DIES", "1", 1);
    assert_int_equal(CHT_E_UNREACHABLE, open_client(f));
    assert_string_equal("a node was started and gave up", f->fault.error.text);
    (void)setenv("PATH", "/nonexistent", 1);
    assert_int_equal(CHT_E_UNREACHABLE, open_client(f));
    assert_string_equal("no node answers and chitty-node cannot be started: No such file or "
                        "directory",
                        f->fault.error.text);
    (void)setenv("PATH", "/usr/bin:/bin", 1);
}

static void every_answer_up_to_the_final_one_is_handed_on(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_OK, open_client(f));
    assert_int_equal(CHT_OK, ask(f, "rows", true));
    assert_int_equal(3, f->answers);
    assert_int_equal(NODE_MSG_STATE_SNAPSHOT, f->last);
}

static void an_error_is_the_result_of_the_call(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_OK, open_client(f));
    assert_int_equal(CHT_E_NOTFOUND, ask(f, "error", true));
    assert_int_equal(0, f->answers);
    assert_string_equal("nothing there", f->fault.error.text);
    assert_string_equal("chittyId", f->fault.field);
    assert_true(f->fault.answered);
    assert_int_equal(CHT_E_CONFLICT, ask(f, "conflict", true));
    assert_int_equal(1, f->answers);
    assert_int_equal(CHT_OK, ask(f, "status", true));
}

static void a_node_that_says_nothing_is_not_waited_for_for_ever(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_OK, open_client(f));
    node_client_close(f->client);
    const struct node_client_options hasty = { .timeout_ms = 50 };
    assert_int_equal(CHT_OK, node_client_open(&hasty, &f->fault, &f->client));
    assert_int_equal(CHT_E_TIMEOUT, ask(f, "silence", true));
    assert_int_equal(CHT_OK, ask(f, "status", true));
}

static void a_node_that_leaves_is_asked_once_more_when_that_is_safe(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_OK, open_client(f));
    assert_int_equal(CHT_OK, ask(f, "leave-first", true));
    assert_int_equal(1, f->answers);
    assert_int_equal(2, starts_of(f));
}

static void a_node_that_leaves_is_not_asked_again_when_that_is_not_safe(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_OK, open_client(f));
    assert_int_equal(CHT_E_UNREACHABLE, ask(f, "leave-first", false));
    assert_int_equal(1, starts_of(f));
    node_client_close(f->client);
    f->client = NULL;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "run") == 0)
        return run_node();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_node_is_started_where_none_runs_and_found_by_the_next,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(clients_that_come_at_once_start_one_node, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(no_node_is_started_when_that_is_turned_off, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_node_that_fails_tells_the_client_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_answer_up_to_the_final_one_is_handed_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_error_is_the_result_of_the_call, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_node_that_says_nothing_is_not_waited_for_for_ever, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_node_that_leaves_is_asked_once_more_when_that_is_safe,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_node_that_leaves_is_not_asked_again_when_that_is_not_safe,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
