/* chitty mcp: a server of the Model Context Protocol on standard input and output. */
#include "bridges/mcp/product.h"
#include "cli/base/request.h"
#include "cli/commands.h"

#include <signal.h>
#include <unistd.h>

static enum cht_err run_mcp(struct cli_context *c)
{
    struct mcp_product *product = NULL;
    struct cht_error detail = { 0 };
    struct mcp_source source;
    (void)signal(SIGPIPE, SIG_IGN); /* a client that went away is an error of write */
    enum cht_err err = mcp_product_new(CHT_VERSION, &product);
    if (err == CHT_OK) {
        source = mcp_product_source(product);
        err = mcp_stdio_run(mcp_product_server(product), STDIN_FILENO, STDOUT_FILENO, &source,
                            &detail);
    }
    mcp_product_free(product);
    if (err != CHT_OK)
        err = node_fault_from(&c->fault, err, &detail);
    return cli_fail(c, err);
}

const struct cli_command cli_mcp = {
    .name = "mcp",
    .summary = "Serve todos to a model over the Model Context Protocol.",
    .arguments = "",
    .details =
        "A client (Claude Code, an inspector) starts it and speaks with it over standard input and "
        "output, one message a line, in the revisions 2026-07-28, 2025-11-25 and those before "
        "it; it ends with its input. Tools: todos, todo_add, todo_update, todo_claim, "
        "todo_release, checkpoint, sessions, search, context. Resources: chitty://ready, "
        "chitty://todo/ID, chitty://session/ID. Prompts: standup, handoff, claim-next. The session "
        "is that of CHITTY_SESSION, else of CLAUDE_CODE_SESSION_ID; the project that of the folder "
        "in CLAUDE_PROJECT_DIR, else of the working directory.",
    .examples = "chitty mcp < requests.jsonl\n"
                "claude mcp add --scope user chitty -- chitty mcp",
    .group = CLI_SETUP,
    .kind = "",
    .run = run_mcp,
};
