/* chitty-node invite --ticket */
#include "cli/commands.h"
#include "cli/dates.h"
#include "cli/request.h"
#include "cli/tree.h"

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    if (answer->type != NODE_MSG_ACK)
        return CHT_OK;
    if (c->json) {
        cli_put_result(c, "invite", answer);
        return CHT_OK;
    }
    const struct cht_bytes result = node_mp_get(answer->payload, "result");
    const uint64_t expires = node_mp_get_uint(result, "expires", 0);
    if (expires > 0) {
        char when[CLI_DATE_MAX];
        cli_date_local(expires, when);
        cli_printf(&c->out,
                   "On the other machine, once and before %s:\n  chitty-node join TICKET\n", when);
    }
    /* The ticket is the last line, for scripts. */
    cli_put_line(&c->out, node_mp_get_str(result, "ticket"));
    cli_put_char(&c->out, '\n');
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    const char *address = cli_flag(c, "address");
    struct cli_request r;
    if (cli_flag(c, "ticket") == NULL)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("ticket"),
                              "say how to invite: --ticket is the way there is");
    enum cht_err err = cli_request_begin(c, NODE_MSG_COMMAND, &r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&r.message, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "name", "invite");
    if (err == CHT_OK)
        err = node_mp_put_text(&r.message, "args");
    if (err == CHT_OK)
        err = crdt_mp_put_map(&r.message, 1 + (address != NULL ? 1u : 0u));
    if (err == CHT_OK)
        err = node_mp_put_key_bool(&r.message, "ticket", true);
    if (err == CHT_OK && address != NULL)
        err = node_mp_put_key_text(&r.message, "address", address);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, false, each, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

static const struct cli_flag flags[] = {
    { "ticket", NULL, "by a ticket: one line of text, good once and for an hour" },
    { "address", "HOST:PORT", "where the other machine reaches this one, if not where it seems" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_invite = {
    .name = "invite",
    .summary = "Let another device join this one's space; the ticket is the last line.",
    .arguments = "",
    .examples = "chitty-node invite --ticket\n"
                "ssh desktop chitty-node join \"$(chitty-node invite --ticket | tail -n 1)\"",
    .args_max = 0,
    .flags = flags,
    .run = run,
};
