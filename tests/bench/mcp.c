/* A model's calls: `chitty mcp` on pipes beside a node with 10,000 open todos; a list of what is
 * ready and an update of one todo, one call at a time, each from the line written to the line
 * read. An update is durable before it is answered, and answered with the todo as it is then.
 *
 * The floor is the node's own answer to the same: the list, and the update and the reading, asked
 * on its socket without a server between. */
#include "tests/bench/home.h"

#include "bridges/agent/agent.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TODOS 10000u
#define CALLS 1000u
#define WARM  20u
#define LIMIT 20u
#define META                                                                                       \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                       \
    "\"io.modelcontextprotocol/clientCapabilities\":{}}"

struct model {
    pid_t pid;
    FILE *to, *from;
    char *line;
    size_t room;
    unsigned id;
};

static void begin(struct model *m, const struct bench_home *home)
{
    char program[BENCH_PATH_MAX];
    int in[2], out[2];
    const int kept = dup(STDIN_FILENO);
    *m = (struct model){ 0 };
    bench_program(program, "../../cli/chitty");
    if (kept < 0 || pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 ||
        dup2(in[0], STDIN_FILENO) < 0)
        bench_fail("no pipes");
    m->to = fdopen(in[1], "w");
    m->from = fdopen(out[0], "r");
    if (m->to == NULL || m->from == NULL)
        bench_fail("no streams");
    (void)setenv("CLAUDE_CODE_SESSION_ID", "bench", 1);
    (void)setenv("CLAUDE_PROJECT_DIR", home->path, 1);
    m->pid = bench_start(home->path, out[1], (const char *const[]){ program, "mcp", NULL });
    (void)dup2(kept, STDIN_FILENO);
    (void)close(kept);
    (void)close(in[0]);
    (void)close(out[1]);
}

static void end(struct model *m)
{
    (void)fclose(m->to);
    (void)fclose(m->from);
    if (bench_wait(m->pid) != 0)
        bench_fail("chitty mcp did not end in order");
    free(m->line);
}

/* One call of a tool; the microseconds until its answer, which stays in m->line. */
static double call_us(struct model *m, const char *tool, const char *arguments)
{
    const double start = bench_now_us();
    (void)fprintf(m->to,
                  "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"tools/call\",\"params\":{\"name\":"
                  "\"%s\",\"arguments\":{%s}," META "}}\n",
                  ++m->id, tool, arguments);
    if (fflush(m->to) != 0 || getline(&m->line, &m->room, m->from) <= 0)
        bench_fail("chitty mcp went away");
    const double us = bench_now_us() - start;
    if (strstr(m->line, "\"structuredContent\"") == NULL)
        bench_fail("refused: %.300s", m->line);
    return us;
}

/* The id of a todo that is in the list of the last answer. */
static void take_id(const struct model *m, char id[static CRDT_ID_TEXT_MAX])
{
    json_t *line = json_loads(m->line, 0, NULL);
    const json_t *todos = json_object_get(
        json_object_get(json_object_get(line, "result"), "structuredContent"), "todos");
    const char *found = bridge_json_str(json_array_get(todos, 0), "id");
    if (found == NULL)
        bench_fail("no todo in the list");
    (void)snprintf(id, CRDT_ID_TEXT_MAX, "%s", found);
    json_decref(line);
}

static void measure_model(struct model *m, double *lists, double *updates,
                          char id[static CRDT_ID_TEXT_MAX])
{
    char text[256];
    for (unsigned i = 0; i < WARM; i++)
        (void)call_us(m, "todos", "\"show\":\"ready\"");
    take_id(m, id);
    for (unsigned i = 0; i < CALLS; i++)
        lists[i] = call_us(m, "todos", "\"show\":\"ready\"");
    for (unsigned i = 0; i < CALLS; i++) {
        (void)snprintf(text, sizeof text, "\"id\":\"%s\",\"title\":\"Build %u\"", id, i);
        updates[i] = call_us(m, "todo_update", text);
    }
}

static void measure_floor(double *lists, double *updates, const char *id)
{
    const struct agent_options options = { .program = "bench", .session_id = "", .no_start = true };
    const struct agent_list list = { .is = "ready", .limit = LIMIT };
    struct node_fault fault = { 0 };
    struct agent *a = NULL;
    bench_must(agent_open(&options, &fault, &a), "the node's socket");
    for (unsigned i = 0; i < CALLS; i++) {
        json_t *out = NULL;
        const double start = bench_now_us();
        bench_must(agent_todo_list(a, &list, &out), "list");
        lists[i] = bench_now_us() - start;
        json_decref(out);
    }
    for (unsigned i = 0; i < CALLS; i++) {
        char title[64];
        json_t *out = NULL;
        (void)snprintf(title, sizeof title, "Floor %u", i);
        const double start = bench_now_us();
        bench_must(agent_todo_update(a, id, json_pack("{s:s}", "content", title), NULL, NULL),
                   "update");
        bench_must(agent_todo_get(a, id, &out), "get");
        updates[i] = bench_now_us() - start;
        json_decref(out);
    }
    agent_close(a);
}

void bench_mcp(struct bench *b)
{
    struct bench_home home;
    struct model model;
    char id[CRDT_ID_TEXT_MAX];
    double *samples = calloc((size_t)4 * CALLS, sizeof *samples);
    if (samples == NULL)
        bench_fail("out of memory");
    double *lists = samples, *updates = lists + CALLS, *floor_lists = updates + CALLS;
    double *floor_updates = floor_lists + CALLS;
    bench_home_start(&home, b->folder, "home");
    bench_home_fill(&home, TODOS, true);
    begin(&model, &home);
    measure_model(&model, lists, updates, id);
    end(&model);
    measure_floor(floor_lists, floor_updates, id);
    bench_home_stop(&home);
    bench_figure(b, "mcp_list_p50_ms", bench_quantile(lists, CALLS, 0.5) / 1e3);
    bench_figure(b, "mcp_list_p99_ms", bench_quantile(lists, CALLS, 0.99) / 1e3);
    bench_figure(b, "mcp_update_p50_ms", bench_quantile(updates, CALLS, 0.5) / 1e3);
    bench_figure(b, "mcp_update_p99_ms", bench_quantile(updates, CALLS, 0.99) / 1e3);
    bench_figure(b, "mcp_call_p99_ms", bench_quantile(samples, (size_t)2 * CALLS, 0.99) / 1e3);
    bench_floor(b, "socket_list_p50_ms", bench_quantile(floor_lists, CALLS, 0.5) / 1e3);
    bench_floor(b, "socket_list_p99_ms", bench_quantile(floor_lists, CALLS, 0.99) / 1e3);
    bench_floor(b, "socket_update_p50_ms", bench_quantile(floor_updates, CALLS, 0.5) / 1e3);
    bench_floor(b, "socket_update_p99_ms", bench_quantile(floor_updates, CALLS, 0.99) / 1e3);
    bench_floor(b, "fsync_p50_us", bench_fsync_p50_us(b->folder));
    free(samples);
}
