/* chitty claude remote add NAME URL */
#include "bridges/claude/config.h"
#include "cli/claude.h"

#include <stdio.h>
#include <unistd.h>

static enum cht_err check(struct cli_context *c, const char *name, const char *url)
{
    static const char signs[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("URL"),
                              "an address begins with https:// or http://");
    return name[0] != '\0' && strspn(name, signs) == strlen(name)
               ? CHT_OK
               : node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("NAME"),
                                "a name has letters, digits, - and _");
}

static enum cht_err plan_it(struct cli_context *c, enum claude_scope scope,
                            struct claude_plan *plan)
{
    char path[NODE_PATH_MAX], project[NODE_PATH_MAX];
    const char *name = c->args[1];
    enum cht_err err = claude_servers_path(scope, &c->fault, path);
    if (err == CHT_OK)
        err = claude_project_dir(&c->fault, project);
    if (err != CHT_OK)
        return err;
    const struct edit_path local = { { "projects", project, "mcpServers", name } };
    const struct edit_path all = { { "mcpServers", name } };
    json_t *value = json_pack("{ss ss}", "type", "http", "url", c->args[2]);
    err = value == NULL ? node_fault_from(&c->fault, CHT_E_NOMEM, NULL)
                        : claude_config_plan(path, scope == CLAUDE_LOCAL ? &local : &all, value,
                                             true, scope != CLAUDE_PROJECT, &c->fault, plan);
    json_decref(value);
    return err == CHT_E_EXISTS ? node_fault_set(&c->fault, err, cht_bytes(NULL, 0),
                                                "there is a remote %s already, in %s", name, path)
                               : err;
}

static enum cht_err run(struct cli_context *c)
{
    enum claude_scope scope;
    struct claude_plan plan = { 0 };
    const bool print = cli_flag(c, "print") != NULL;
    int lock = -1;
    enum cht_err err = cli_claude_scope(c, &scope);
    if (err == CHT_OK && strcmp(c->args[0], "add") != 0)
        err = node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                             "what about remotes: add NAME URL?");
    if (err == CHT_OK)
        err = check(c, c->args[1], c->args[2]);
    if (err == CHT_OK && !print)
        err = claude_files_lock(&c->fault, &lock);
    if (err == CHT_OK)
        err = plan_it(c, scope, &plan);
    if (err == CHT_OK && !print)
        err = claude_plan_do(&plan, &c->fault);
    if (err == CHT_OK)
        err = cli_claude_tell(c, &plan, !print);
    claude_plan_clear(&plan);
    if (lock >= 0)
        (void)close(lock);
    return err;
}

static const struct cli_flag flags[] = {
    { "scope", "SCOPE", "user (all your projects), project (shared) or local (this one, yours)" },
    { "print", NULL, "show what would change, and change nothing" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_claude_remote = {
    .name = "remote",
    .summary = "Let Claude Code use a remote MCP server.",
    .arguments = "add NAME URL",
    .details = "Registers it as a server of type http, as `claude mcp add --transport http` does; "
               "all else in the file stays as it is. Nothing is sent to the address.",
    .group = CLI_SETUP,
    .kind = "claude-files",
    .examples = "chitty claude remote add api https://api.example.com\n"
                "chitty claude remote add api https://api.example.com --scope project --print",
    .args_min = 3,
    .args_max = 3,
    .flags = flags,
    .run = run,
};
