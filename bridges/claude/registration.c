/* The table of hooks, as settings say it. */
#include "bridges/claude/registration.h"

#include <string.h>

#define TASK_TOOLS "TaskCreate|TaskUpdate|TodoWrite"

const struct claude_hook claude_hooks[] = {
    { .event = "SessionStart", .name = "session-start", .timeout_s = 5 },
    { .event = "SessionStart", .name = "wait", .timeout_s = 86400, .rewake = true },
    { .event = "UserPromptSubmit", .name = "prompt", .timeout_s = 5 },
    { .event = "PreToolUse",
      .matcher = "TaskUpdate|TodoWrite",
      .name = "pre-task",
      .timeout_s = 2 },
    { .event = "PreToolUse",
      .matcher = "Edit|Write|MultiEdit|NotebookEdit",
      .name = "pre-edit",
      .timeout_s = 2 },
    { .event = "PostToolUse", .matcher = TASK_TOOLS, .name = "post-task", .async = true },
    /* every other tool: what is no list of names is a regular expression */
    { .event = "PostToolUse",
      .matcher = "^(?!(?:" TASK_TOOLS ")$).*$",
      .name = "activity",
      .async = true },
    { .event = "PreCompact", .name = "pre-compact", .timeout_s = 5 },
    { .event = "PostCompact", .name = "post-compact", .timeout_s = 5 },
    { .event = "Stop", .name = "stop", .timeout_s = 5 },
    { .event = "Stop", .name = "wait", .timeout_s = 86400, .rewake = true },
    { .event = "SessionEnd", .name = "session-end" },
    { .event = NULL },
};

static json_t *handler_of(const struct claude_hook *h, const char *program)
{
    json_t *v =
        json_pack("{ss ss s[ss]}", "type", "command", "command", program, "args", "hook", h->name);
    bool good = v != NULL;
    if (good && h->async)
        good = json_object_set_new(v, "async", json_true()) == 0;
    if (good && h->rewake)
        good = json_object_set_new(v, "asyncRewake", json_true()) == 0;
    if (good && h->timeout_s != 0)
        good = json_object_set_new(v, "timeout", json_integer(h->timeout_s)) == 0;
    if (!good) {
        json_decref(v);
        return NULL;
    }
    return v;
}

static bool same_matcher(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The handlers of the group of `h` in `groups`, made when it is the first of them. */
static json_t *group_for(json_t *groups, const struct claude_hook *h)
{
    json_t *last = json_array_get(groups, json_array_size(groups) - 1);
    if (last != NULL &&
        same_matcher(json_string_value(json_object_get(last, "matcher")), h->matcher))
        return json_object_get(last, "hooks");
    json_t *group = json_object();
    if (h->matcher != NULL)
        (void)json_object_set_new(group, "matcher", json_string(h->matcher));
    if (json_object_set_new(group, "hooks", json_array()) != 0 ||
        json_array_append_new(groups, group) != 0)
        return NULL;
    return json_object_get(group, "hooks");
}

json_t *claude_hooks_value(const char *program)
{
    json_t *all = json_object();
    bool good = all != NULL;
    for (const struct claude_hook *h = claude_hooks; good && h->event != NULL; h++) {
        json_t *groups = json_object_get(all, h->event);
        if (groups == NULL) {
            groups = json_array();
            good = json_object_set_new(all, h->event, groups) == 0;
        }
        json_t *handlers = good ? group_for(groups, h) : NULL;
        good = handlers != NULL && json_array_append_new(handlers, handler_of(h, program)) == 0;
    }
    if (!good) {
        json_decref(all);
        return NULL;
    }
    return all;
}

json_t *claude_server_value(const char *program)
{
    return json_pack("{ss ss s[s]}", "type", "stdio", "command", program, "args", "mcp");
}

/* Is the program of a command line ours? What follows it, or NULL. */
static const char *behind_program(const char *command)
{
    static const char own[] = "chitty";
    const size_t len = strcspn(command, " ");
    const char *base = command;
    for (const char *at = command; at < command + len; at++)
        base = *at == '/' ? at + 1 : base;
    const bool is =
        (size_t)(command + len - base) == strlen(own) && strncmp(base, own, strlen(own)) == 0;
    return is ? command + len + strspn(command + len, " ") : NULL;
}

bool claude_is_hook(const json_t *handler, const char **out_name)
{
    const char *command = json_string_value(json_object_get(handler, "command"));
    const json_t *args = json_object_get(handler, "args");
    const char *rest = command == NULL ? NULL : behind_program(command);
    const char *name = NULL;
    if (rest == NULL)
        return false;
    if (json_is_array(args)) {
        const char *first = json_string_value(json_array_get(args, 0));
        if (first == NULL || strcmp(first, "hook") != 0)
            return false;
        name = json_string_value(json_array_get(args, 1));
    } else if (strncmp(rest, "hook ", 5) == 0)
        name = rest + 5;
    if (name != NULL && out_name != NULL)
        *out_name = name;
    return name != NULL;
}

bool claude_is_server(const json_t *server)
{
    const char *command = json_string_value(json_object_get(server, "command"));
    const char *first = json_string_value(json_array_get(json_object_get(server, "args"), 0));
    return command != NULL && behind_program(command) != NULL && first != NULL &&
           strcmp(first, "mcp") == 0;
}
