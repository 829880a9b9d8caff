/* Prompts: what a person asks for by a slash command. Each is one message with the facts of now. */
#include <time.h>

#include "bridges/mcp/product_own.h"

#define CHECKPOINTS 5u

static struct agent *agent_for(struct mcp_product *p, struct mcp_call *call)
{
    char text[CHT_ERROR_TEXT_MAX + NODE_FAULT_HINT_MAX];
    struct agent *a = product_agent(p, text, sizeof text);
    if (a == NULL)
        mcp_fail(call, MCP_INTERNAL_ERROR, text, NULL);
    return a;
}

/* A section with the todos of a list; nothing where there are none. */
static enum cht_err say_todos(struct facts *f, struct agent *a, const char *heading,
                              const struct agent_list *list)
{
    json_t *todos = NULL, *one;
    size_t i;
    const enum cht_err err = read_todos(a, list, &todos);
    if (err == CHT_OK && json_array_size(todos) > 0)
        facts_say(f, "\n%s\n", heading);
    json_array_foreach(todos, i, one) facts_say_todo(f, one);
    json_decref(todos);
    return err;
}

static enum cht_err say_sessions(struct facts *f, struct agent *a)
{
    json_t *sessions = NULL, *one;
    size_t i;
    const enum cht_err err = read_sessions(a, NULL, PRODUCT_LIST_DEFAULT, &sessions);
    if (err == CHT_OK && json_array_size(sessions) > 0)
        facts_say(f, "\nSessions:\n");
    json_array_foreach(sessions, i, one) facts_say_session(f, one);
    json_decref(sessions);
    return err;
}

static enum cht_err say_checkpoints(struct facts *f, struct agent *a)
{
    json_t *records = NULL, *one;
    size_t i;
    const enum cht_err err = agent_checkpoints(a, CHECKPOINTS, &records);
    if (err == CHT_OK && json_array_size(records) > 0)
        facts_say(f, "\nLast checkpoints:\n");
    json_array_foreach(records, i, one)
    {
        const json_t *data = json_object_get(one, "data");
        facts_say(f, "%s ", facts_rfc3339(bridge_json_int(data, "created", 0)).text);
        facts_quote(f, bridge_json_str(data, "title"), 200);
        facts_say(f, "\n");
    }
    json_decref(records);
    return err;
}

/* Todos of the project that were completed since then. */
static enum cht_err say_completed(struct facts *f, struct agent *a, int64_t since_ms)
{
    json_t *where = json_pack("[{s:s, s:s, s:I}]", "field", "completed_at", "op", "from", "value",
                              (json_int_t)since_ms);
    json_t *records = NULL, *one;
    size_t i;
    if (agent_project(a)[0] != '\0')
        (void)json_array_append_new(where, json_pack("{s:s, s:s, s:s}", "field", "project", "op",
                                                     "is", "value", agent_project(a)));
    const enum cht_err err = agent_query(
        a,
        json_pack("{s:s, s:s, s:o, s:s, s:i}", "operation", "list", "domain", "todos", "where",
                  where, "sort", "-completed_at", "limit", (int)PRODUCT_LIST_DEFAULT),
        &records);
    if (err == CHT_OK && json_array_size(records) > 0)
        facts_say(f, "\nCompleted since %s:\n", facts_rfc3339(since_ms).text);
    json_array_foreach(records, i, one)
    {
        json_t *todo = facts_todo(a, one, NULL, false);
        facts_say_todo(f, todo);
        json_decref(todo);
    }
    json_decref(records);
    return err;
}

static void answer(struct mcp_product *p, struct mcp_call *call, const char *description,
                   struct facts *f, enum cht_err err)
{
    if (err == CHT_OK)
        mcp_answer_prompt(call, description,
                          json_pack("[o]", mcp_message("user", mcp_text(facts_text(f)))));
    else
        mcp_fail(call, MCP_INTERNAL_ERROR, cht_error_text(&agent_fault(p->agent)->error), NULL);
    facts_clear(f);
}

static void standup(struct mcp_call *call, const json_t *arguments, void *user)
{
    struct mcp_product *p = user;
    struct agent *a = agent_for(p, call);
    const int64_t day_ms = 24 * 60 * 60 * 1000;
    struct facts f;
    (void)arguments;
    if (a == NULL)
        return;
    facts_init(&f);
    facts_say(&f, "Write a short standup of this project from the facts below: what was done, what "
                  "is being done and by whom, what is blocked.\n");
    enum cht_err err = say_completed(&f, a, (int64_t)time(NULL) * 1000 - day_ms);
    if (err == CHT_OK)
        err = say_todos(&f, a, "Held now:", &(struct agent_list){ .is = "held" });
    if (err == CHT_OK)
        err = say_todos(&f, a, "Blocked:", &(struct agent_list){ .is = "blocked" });
    if (err == CHT_OK)
        err = say_checkpoints(&f, a);
    if (err == CHT_OK)
        err = say_sessions(&f, a);
    answer(p, call, "What was done, what is being done, what is blocked", &f, err);
}

static void handoff(struct mcp_call *call, const json_t *arguments, void *user)
{
    struct mcp_product *p = user;
    struct agent *a = agent_for(p, call);
    const char *to = bridge_json_str(arguments, "to");
    struct facts f;
    if (a == NULL)
        return;
    facts_init(&f);
    facts_say(&f, "Hand over the work of this session");
    if (to != NULL && to[0] != '\0') {
        facts_say(&f, " to ");
        facts_quote(&f, to, 200);
    }
    facts_say(&f, ": write a `checkpoint` with what is done, what is open and what to know, bring "
                  "the todos below up to date with `todo_update`, then give the claims back with "
                  "`todo_release`.\n");
    enum cht_err err = CHT_OK;
    if (agent_session(a)[0] != '\0')
        err = say_todos(&f, a, "This session holds:", &(struct agent_list){ .mine = true });
    if (err == CHT_OK)
        err = say_todos(&f, a, "Ready:", &(struct agent_list){ .is = "ready", .limit = 10 });
    if (err == CHT_OK)
        err = say_checkpoints(&f, a);
    answer(p, call, "A checkpoint, todos up to date, claims given back", &f, err);
}

static void claim_next(struct mcp_call *call, const json_t *arguments, void *user)
{
    struct mcp_product *p = user;
    struct agent *a = agent_for(p, call);
    struct facts f;
    (void)arguments;
    if (a == NULL)
        return;
    facts_init(&f);
    facts_say(&f, "Claim the next todo that is ready with `todo_claim` (without an id), read it "
                  "with `todos`, work on it, and say with `todo_update` when it is completed. If "
                  "nothing is ready, say so.\n");
    enum cht_err err = CHT_OK;
    if (agent_session(a)[0] != '\0')
        err = say_todos(&f, a, "This session holds:", &(struct agent_list){ .mine = true });
    if (err == CHT_OK)
        err = say_todos(
            &f, a, "Ready, the next one first:", &(struct agent_list){ .is = "ready", .limit = 5 });
    answer(p, call, "The next todo that is ready", &f, err);
}

enum cht_err product_add_prompts(struct mcp_product *p)
{
    static const struct mcp_argument to = { "to", "who goes on with it", false };
    const struct mcp_prompt prompts[] = {
        { .name = "standup",
          .title = "Standup",
          .description = "What was done, what is being done and by whom, what is blocked",
          .get = standup,
          .user = p },
        { .name = "handoff",
          .title = "Hand over",
          .description = "Write a checkpoint, bring todos up to date, give the claims back",
          .arguments = &to,
          .argument_count = 1,
          .get = handoff,
          .user = p },
        { .name = "claim-next",
          .title = "Claim the next todo",
          .description = "Take the next todo that is ready, and work on it",
          .get = claim_next,
          .user = p },
    };
    enum cht_err err = CHT_OK;
    for (size_t i = 0; i < sizeof prompts / sizeof prompts[0] && err == CHT_OK; i++)
        err = mcp_add_prompt(p->server, &prompts[i]);
    return err;
}
