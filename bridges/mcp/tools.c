/* The table of tools: few, with small schemas, because a model reads all of it. The whole of
 * tools/list is at most 8 KiB (tests/unit/test_mcp_product.c). */
#include "bridges/mcp/product_own.h"

#define OBJECT(properties) "{\"type\":\"object\",\"properties\":{" properties "}"
#define CLOSED             ",\"additionalProperties\":false}"
#define TEXT(description)  "{\"type\":\"string\",\"description\":\"" description "\"}"
#define TODO_ID            "\"id\":" TEXT("id of the todo, or its beginning")
#define LIST_OF(key)                                                                               \
    "{\"type\":\"object\",\"properties\":{\"" key                                                  \
    "\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}},\"required\":[\"" key "\"]}"
#define ONE_TODO                                                                                   \
    "{\"type\":\"object\",\"properties\":{\"todo\":{\"type\":\"object\"}},\"required\":[\"todo\"]" \
    "}"
#define READS      "{\"readOnlyHint\":true,\"openWorldHint\":false}"
#define WRITES     "{\"destructiveHint\":false,\"openWorldHint\":false}"
#define ALWAYS     "{\"anthropic/alwaysLoad\":true}"
#define PRIORITIES "{\"type\":\"string\",\"enum\":[\"low\",\"medium\",\"high\",\"critical\"]}"
#define IDS(description)                                                                           \
    "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"maxItems\":64,\"description\":"         \
    "\"" description "\"}"

static const struct mcp_tool tools[] = {
    { .name = "todos",
      .title = "List todos",
      .description =
          "Todos that all sessions of this project share: id, title, status, priority, what each "
          "depends on, who holds it. Open ones by default; with `id` one of them, whole.",
      .input_schema = OBJECT(
          TODO_ID
          ",\"show\":{\"type\":\"string\",\"enum\":[\"open\",\"ready\",\"mine\",\"held\","
          "\"blocked\",\"all\"],\"description\":\"ready: can be begun now, most important first; "
          "mine: held by this session\"},"
          "\"text\":" TEXT(
              "words in it") ","
                             "\"everywhere\":{\"type\":\"boolean\",\"description\":\"also of other "
                             "projects\"},"
                             "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100}")
          CLOSED,
      .output_schema = LIST_OF("todos"),
      .annotations = READS,
      .meta = ALWAYS,
      .call = tool_todos },
    { .name = "todo_update",
      .title = "Update a todo",
      .description =
          "Changes a todo. `in_progress` also claims it for this session; `completed` or "
          "`cancelled` ends the claim. Where another session holds it, that is told.",
      .input_schema = OBJECT(
          TODO_ID
          ",\"status\":{\"type\":\"string\",\"enum\":[\"pending\",\"in_progress\",\"blocked\","
          "\"completed\",\"cancelled\"]},"
          "\"title\":{\"type\":\"string\",\"maxLength\":1000},\"priority\":" PRIORITIES ","
          "\"note\":" TEXT(
              "added to its notes") ","
                                    "\"depends\":" IDS(
                                        "todos to be done first: added") ","
                                                                         "\"undepend\":" IDS(
                                                                             "no longer to be done "
                                                                             "first")) ",\"required"
                                                                                       "\":["
                                                                                       "\"id\""
                                                                                       "]" CLOSED,
      .output_schema = ONE_TODO,
      .annotations = WRITES,
      .meta = ALWAYS,
      .call = tool_todo_update },
    { .name = "todo_add",
      .title = "Add a todo",
      .description = "Adds a todo to this project's shared list.",
      .input_schema =
          OBJECT("\"title\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":1000},"
                 "\"description\":" TEXT(
                     "more about it") ",\"priority\":" PRIORITIES ","
                                      "\"depends\":" IDS(
                                          "ids of todos to be done first")) ",\"required\":["
                                                                            "\"title\"]" CLOSED,
      .output_schema = ONE_TODO,
      .annotations = WRITES,
      .call = tool_todo_add },
    { .name = "todo_claim",
      .title = "Claim a todo",
      .description =
          "Takes a todo for this session, so that no other works on it. Without `id`: the next "
          "that is ready, by priority, deadline and age. One that another session holds is "
          "refused with who that is; `force` takes it all the same.",
      .input_schema = OBJECT(TODO_ID ",\"force\":{\"type\":\"boolean\"}") CLOSED,
      .output_schema = ONE_TODO,
      .annotations = WRITES,
      .call = tool_todo_claim },
    { .name = "todo_release",
      .title = "Release a todo",
      .description = "Gives a claim of this session back; without `id` all of them.",
      .input_schema = OBJECT(TODO_ID) CLOSED,
      .output_schema = "{\"type\":\"object\",\"properties\":{\"released\":{\"type\":\"array\","
                       "\"items\":{\"type\":\"string\"}}},\"required\":[\"released\"]}",
      .annotations = WRITES,
      .call = tool_todo_release },
    { .name = "checkpoint",
      .title = "Write or read checkpoints",
      .description = "Where the work stands, for other sessions and later. With `title`: writes "
                     "one; without: the last ones of the project.",
      .input_schema = OBJECT("\"title\":{\"type\":\"string\",\"maxLength\":1000},\"summary\":" TEXT(
          "what is done, what is open, what to know")) CLOSED,
      .output_schema = LIST_OF("checkpoints"),
      .annotations = WRITES,
      .call = tool_checkpoint },
    { .name = "sessions",
      .title = "List sessions",
      .description = "Sessions of this project on all devices: what each works on, on which "
                     "branch, when it was last active, what it holds.",
      .input_schema = OBJECT("\"id\":" TEXT("one of them")) CLOSED,
      .output_schema = LIST_OF("sessions"),
      .annotations = READS,
      .call = tool_sessions },
    { .name = "search",
      .title = "Search",
      .description = "Finds todos, checkpoints, contexts and messages of all projects by words.",
      .input_schema = OBJECT(
          "\"text\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":400},"
          "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":50}") ",\"required\":[\"text\""
                                                                           "]" CLOSED,
      .output_schema = LIST_OF("found"),
      .annotations = READS,
      .call = tool_search },
    { .name = "context",
      .title = "Read or write shared context",
      .description =
          "What sessions of this project should know, by title. Without arguments: the titles. "
          "With `title`: its text. With `text` or `points` too: writes it.",
      .input_schema = OBJECT("\"title\":{\"type\":\"string\",\"maxLength\":1000},\"text\":" TEXT(
          "replaces the whole text") ",\"points\":" IDS("points to remember: added")) CLOSED,
      .output_schema = LIST_OF("contexts"),
      .annotations = WRITES,
      .call = tool_context },
};

enum cht_err product_add_tools(struct mcp_product *p)
{
    enum cht_err err = CHT_OK;
    for (size_t i = 0; i < sizeof tools / sizeof tools[0] && err == CHT_OK; i++) {
        struct mcp_tool tool = tools[i];
        tool.user = p;
        err = mcp_add_tool(p->server, &tool);
    }
    return err;
}
