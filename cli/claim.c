/* claim and release: who works on what (LOCAL 8.2 to 8.4). */
#include "cli/base/acting.h"
#include "cli/base/claims.h"
#include "cli/base/here.h"
#include "cli/base/json.h"
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "node/client/mpmap.h"

/* --- claim ---------------------------------------------------------------------------------- */

static enum cht_err claimed(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    const struct cht_bytes result = node_mp_get(answer->payload, "result");
    const struct cht_bytes state = node_mp_get_str(result, "state");
    if (answer->type != NODE_MSG_ACK || node_mp_kind(result) != CRDT_MP_MAP)
        return CHT_OK;
    if (c->json) {
        cli_json_begin(&c->out, "claim");
        cli_json_value(&c->out, result);
        cli_json_end(&c->out);
        return CHT_OK;
    }
    cli_put_line(&c->out, cli_short_id(node_mp_get_str(result, "chittyId")));
    cli_put_text(&c->out, "  ");
    cli_put_line(&c->out, node_mp_get_str(result, "title"));
    cli_put_style(&c->out, CLI_DIM);
    cli_put_text(&c->out, "  ");
    cli_put_line(&c->out, state);
    cli_put_text(&c->out, ", token ");
    cli_put_line(&c->out, node_mp_get_str(result, "token"));
    if (node_mp_get_bool(result, "already"))
        cli_put_text(&c->out, ", as before");
    cli_put_style(&c->out, CLI_PLAIN);
    cli_put_char(&c->out, '\n');
    return CHT_OK;
}

enum cht_err cli_claim(struct cli_context *c, const char *todo, const struct cht_buf *rest,
                       uint32_t pairs)
{
    char who[CLI_ACTING_MAX];
    struct cli_request r = { 0 };
    const bool force = cli_flag(c, "force") != NULL;
    enum cht_err err = cli_acting(c, who);
    if (err != CHT_OK)
        return err;
    err = cli_command_begin(c, "claim", 2u + force + pairs, &r);
    if (err == CHT_OK)
        err = todo != NULL ? node_mp_put_key_text(&r.message, "todo", todo)
                           : node_mp_put_key_bool(&r.message, "next", true);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "session", who);
    if (err == CHT_OK && force)
        err = node_mp_put_key_bool(&r.message, "force", true);
    if (err == CHT_OK && rest != NULL)
        err = cht_buf_add(&r.message, cht_buf_view(rest));
    if (err == CHT_OK) /* whose it is already it stays: it may be asked again */
        err = cli_ask(c, CLI_REACH_HOME, &r, todo != NULL && !force, claimed, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

static enum cht_err run_claim(struct cli_context *c)
{
    char project[CLI_HERE_MAX];
    const enum cht_err err = cli_here(c, true, project);
    return err == CHT_OK ? cli_claim(c, c->args[0], NULL, 0) : err;
}

/* --- release -------------------------------------------------------------------------------- */

static enum cht_err released(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    const struct cht_bytes result = node_mp_get(answer->payload, "result");
    struct node_mp_iter it = node_mp_iter(node_mp_get(result, "released"));
    struct cht_bytes id;
    if (answer->type != NODE_MSG_ACK || node_mp_kind(result) != CRDT_MP_MAP)
        return CHT_OK;
    if (c->json) {
        cli_json_begin(&c->out, "release");
        cli_json_value(&c->out, result);
        cli_json_end(&c->out);
        return CHT_OK;
    }
    while (node_mp_next(&it, NULL, &id)) {
        cli_put_line(&c->out, cli_short_id(node_mp_str(id)));
        cli_put_char(&c->out, '\n');
    }
    return CHT_OK;
}

static enum cht_err run_release(struct cli_context *c)
{
    char who[CLI_ACTING_MAX];
    struct cli_request r = { 0 };
    const bool all = cli_flag(c, "all") != NULL, force = cli_flag(c, "force") != NULL;
    if (all == (c->arg_count != 0))
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                              "say which todo, or --all");
    enum cht_err err = cli_acting(c, who);
    if (err != CHT_OK)
        return err;
    err = cli_command_begin(c, "release", 2u + force, &r);
    if (err == CHT_OK)
        err = all ? node_mp_put_key_bool(&r.message, "all", true)
                  : node_mp_put_key_text(&r.message, "todo", c->args[0]);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "session", who);
    if (err == CHT_OK && force)
        err = node_mp_put_key_bool(&r.message, "force", true);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_HOME, &r, true, released, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

static const struct cli_flag claim_flags[] = {
    { "force", NULL, "also where another holds it, who is told" },
    CLI_SESSION_FLAG,
    { NULL, NULL, NULL },
};

static const struct cli_flag release_flags[] = {
    { "all", NULL, "whatever the session holds" },
    { "force", NULL, "also what another holds, who is told" },
    CLI_SESSION_FLAG,
    { NULL, NULL, NULL },
};

const struct cli_command cli_claim_todo = {
    .name = "claim",
    .summary = "Say that you work on a todo, so that nobody else does.",
    .arguments = "ID",
    .details = "The todo is in progress then. Who claims is the session that the command runs in "
               "(`CHITTY_SESSION`, `CLAUDE_CODE_SESSION_ID`), else you on this device. Where "
               "another holds it the exit status is 5 and it is said who. The device that made the "
               "todo grants it; where that is away the claim is unconfirmed until the two meet, "
               "and of two claims one stands and the other is told. A claim lapses a quarter of "
               "an hour after the last sign of life.",
    .kind = "claim",
    .examples = "chitty claim 01HXW3K9\n"
                "chitty claim 01HXW3K9 --force\n"
                "chitty next --claim project:compiler",
    .args_min = 1,
    .args_max = 1,
    .type = CRDT_TODO,
    .flags = claim_flags,
    .run = run_claim,
};

const struct cli_command cli_release = {
    .name = "release",
    .summary = "Give a claimed todo back: it is pending again.",
    .arguments = "ID|--all",
    .kind = "release",
    .examples = "chitty release 01HXW3K9\n"
                "chitty release --all",
    .args_max = 1,
    .type = CRDT_TODO,
    .flags = release_flags,
    .run = run_release,
};
