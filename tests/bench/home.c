/* Nodes as processes, asked over their sockets; see home.h. */
#include "tests/bench/home.h"

#include "crdt/mp.h"
#include "crdt/schema.h"
#include "node/client/edits.h"
#include "tests/bench/todos.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILL_BATCH 200u

/* --- the node -------------------------------------------------------------------------------- */

void bench_home_command(const struct bench_home *h, const char *const *args, char *out, size_t room)
{
    char program[BENCH_PATH_MAX];
    const char *all[16] = { program };
    bench_program(program, "../../cli/chitty-node");
    for (size_t i = 0; args[i] != NULL && i + 2 < sizeof all / sizeof all[0]; i++)
        all[i + 1] = args[i];
    (void)bench_run(h->path, all, out, room);
}

struct node_client *bench_home_client(const struct bench_home *h)
{
    struct node_client_options options = { .no_start = true };
    struct node_client *c = NULL;
    struct node_fault fault = { 0 };
    enum cht_err err = CHT_E_UNREACHABLE;
    (void)setenv("CHITTY_HOME", h->path, 1);
    for (int i = 0; err != CHT_OK && i < 500; i++) {
        err = node_client_open(&options, &fault, &c);
        if (err != CHT_OK)
            (void)usleep(10000);
    }
    bench_must(err, "the node's socket");
    return c;
}

void bench_home_start(struct bench_home *h, const char *folder, const char *name)
{
    char program[BENCH_PATH_MAX];
    bench_path(h->path, folder, name);
    bench_home_command(h, (const char *const[]){ "init", "--name", name, NULL }, NULL, 0);
    bench_program(program, "../../cli/chitty-node");
    int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
    h->pid = bench_start(h->path, quiet,
                         (const char *const[]){ program, "run", "--listen", "127.0.0.1:0", NULL });
    (void)close(quiet);
    node_client_close(bench_home_client(h));
}

void bench_home_pair(const struct bench_home *a, const struct bench_home *b)
{
    char said[8192];
    bench_home_command(a, (const char *const[]){ "invite", "--ticket", NULL }, said, sizeof said);
    size_t len = strlen(said);
    while (len != 0 && said[len - 1] == '\n')
        said[--len] = '\0';
    const char *ticket = strrchr(said, '\n');
    ticket = ticket == NULL ? said : ticket + 1;
    bench_home_command(b, (const char *const[]){ "join", ticket, NULL }, NULL, 0);
}

void bench_home_stop(struct bench_home *h)
{
    if (h->pid == 0)
        return;
    (void)kill(h->pid, SIGTERM);
    if (bench_wait(h->pid) != 0)
        bench_fail("the node on %s did not stop in order", h->path);
    h->pid = 0;
}

/* --- requests -------------------------------------------------------------------------------- */

static enum cht_err ignore(void *ctx, const struct node_msg *answer)
{
    (void)ctx;
    (void)answer;
    return CHT_OK;
}

void bench_ask(struct node_client *c, struct cht_bytes message)
{
    struct node_fault fault = { 0 };
    enum cht_err err = node_client_call(c, message, false, ignore, NULL, &fault);
    if (err != CHT_OK)
        bench_fail("a request was refused: %s", cht_error_text(&fault.error));
}

/* `data` of the ops, as a message has it. */
static enum cht_err put_data(const struct crdt_op *ops, uint32_t count, struct cht_buf *out)
{
    enum cht_err err = crdt_mp_put_map(out, count);
    for (uint32_t i = 0; err == CHT_OK && i < count; i++) {
        const struct crdt_field *f = crdt_field(CRDT_TODO, ops[i].field);
        err = node_mp_put_text(out, f->name);
        if (err == CHT_OK)
            err = node_value_show(f, ops[i].value, out);
    }
    return err;
}

/* { operation, domain?, entity: { chittyId, data } } */
static enum cht_err put_change(const char *operation, uint32_t number, const struct crdt_op *ops,
                               uint32_t count, struct cht_buf *out)
{
    struct crdt_id id;
    char text[CRDT_ID_TEXT_MAX];
    todos_id(number, &id);
    crdt_id_text(&id, text);
    enum cht_err err = crdt_mp_put_map(out, 3);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "domain", "todos");
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "operation", operation);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "entity");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "chittyId", text);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "data");
    return err == CHT_OK ? put_data(ops, count, out) : err;
}

static void begin(struct cht_buf *out)
{
    char id[NODE_REQUEST_ID_MAX];
    cht_buf_reset(out);
    bench_must(node_request_begin("cli", NULL, NODE_MSG_STATE_UPDATE, out, id), "request");
}

/* Leave out what makes a todo another than an open one. */
static uint32_t only_open(struct crdt_op ops[static TODOS_FIELDS])
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < TODOS_FIELDS; i++) {
        const char *name = crdt_field(CRDT_TODO, ops[i].field)->name;
        if (strcmp(name, "status") != 0 && strcmp(name, "completed_at") != 0)
            ops[left++] = ops[i];
    }
    return left;
}

void bench_home_fill(const struct bench_home *h, uint32_t count, bool open)
{
    struct node_client *c = bench_home_client(h);
    struct todos_random random = todos_random(42);
    struct crdt_op ops[TODOS_FIELDS];
    struct cht_buf bytes, message;
    cht_buf_init(&bytes, 1u << 16);
    cht_buf_init(&message, LIMIT_CLIENT_BYTES);
    for (uint32_t done = 0; done < count;) {
        uint32_t now = count - done < FILL_BATCH ? count - done : FILL_BATCH;
        begin(&message);
        bench_must(crdt_mp_put_map(&message, 1), "request");
        bench_must(node_mp_put_text(&message, "batch"), "request");
        bench_must(crdt_mp_put_array(&message, now), "request");
        for (uint32_t i = 0; i < now; i++) {
            todos_create(&random, &bytes, ops);
            uint32_t fields = open ? only_open(ops) : TODOS_FIELDS;
            bench_must(put_change("create", done + i, ops, fields, &message), "request");
        }
        bench_ask(c, cht_buf_view(&message));
        done += now;
    }
    cht_buf_clear(&message);
    cht_buf_clear(&bytes);
    node_client_close(c);
}

void bench_updates_start(struct bench_updates *u, uint32_t seed, uint32_t todos)
{
    *u = (struct bench_updates){ .random = seed, .todos = todos };
    cht_buf_init(&u->bytes, 1u << 16);
}

void bench_updates_next(struct bench_updates *u, struct cht_buf *out)
{
    struct todos_random random = todos_random(u->random);
    struct crdt_op op;
    uint32_t number = todos_update(&random, u->todos, &u->bytes, &op);
    u->random = random.state;
    u->number = number;
    u->made++;
    begin(out);
    bench_must(put_change("update", number, &op, 1, out), "request");
}

void bench_updates_fresh(struct bench_updates *u, struct cht_buf *out)
{
    char text[32];
    struct crdt_op op = { .kind = CRDT_OP_PUT, .field = 1 };
    u->number = u->made++ % u->todos;
    (void)snprintf(text, sizeof text, "fresh %u", u->made);
    cht_buf_reset(&u->bytes);
    bench_must(node_mp_put_text(&u->bytes, text), "request");
    op.value = cht_buf_view(&u->bytes);
    begin(out);
    bench_must(put_change("update", u->number, &op, 1, out), "request");
}

void bench_updates_clear(struct bench_updates *u)
{
    cht_buf_clear(&u->bytes);
}
