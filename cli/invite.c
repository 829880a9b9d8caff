/* chitty-node invite: by a code that is read aloud, or by a ticket */
#include "cli/base/dates.h"
#include "cli/base/json.h"
#include "cli/base/request.h"
#include "cli/base/result.h"
#include "cli/commands.h"

/* --- by a ticket ---------------------------------------------------------------------------- */

static void put_ticket(struct cli_context *c, struct cht_bytes result)
{
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
}

/* --- by a code ------------------------------------------------------------------------------ */

static void put_code(struct cli_out *out, struct cht_bytes progress)
{
    const struct cht_bytes code = node_mp_get_str(progress, "code");
    struct node_mp_iter it = node_mp_iter(node_mp_get(progress, "addresses"));
    struct cht_bytes address;
    cli_put_text(out, "Code:  ");
    cli_put_style(out, CLI_BOLD);
    cli_put_line(out, code);
    cli_put_style(out, CLI_PLAIN);
    cli_put_text(out, "\n\nOn the other machine, once and within two minutes:\n"
                      "  chitty-node join ");
    cli_put_line(out, code);
    cli_put_char(out, '\n');
    const char *before = "Where that does not find this one, with:\n";
    while (node_mp_next(&it, NULL, &address)) {
        cli_put_text(out, before);
        before = "";
        cli_put_text(out, "  --at ");
        cli_put_line(out, node_mp_str(address));
        cli_put_char(out, '\n');
    }
    cli_put_char(out, '\n');
}

static void put_from(struct cli_out *out, struct cht_bytes progress, const char *what)
{
    cli_put_line(out, node_mp_get_str(progress, "from"));
    cli_put_text(out, what);
}

static void put_stage(struct cli_out *out, struct cht_bytes progress)
{
    const struct cht_bytes stage = node_mp_get_str(progress, "stage");
    if (cht_bytes_eq(stage, cht_bytes_str("waiting"))) {
        put_code(out, progress);
    } else if (cht_bytes_eq(stage, cht_bytes_str("came"))) {
        put_from(out, progress, " has come.\n");
    } else if (cht_bytes_eq(stage, cht_bytes_str("left"))) {
        put_from(out, progress, " is gone: ");
        cli_put_line(out, node_mp_get_str(progress, "text"));
        cli_put_text(out, ".\n");
    } else if (cht_bytes_eq(stage, cht_bytes_str("words"))) {
        cli_put_words(out, progress);
    }
}

static void put_admitted(struct cli_out *out, struct cht_bytes result)
{
    cli_put_line(out, node_mp_get_str(result, "name"));
    cli_put_text(out, " has joined this space: ");
    cli_put_line(out, node_mp_get_str(result, "role"));
    cli_put_text(out, ", device ");
    cli_put_line(out, node_mp_get_str(result, "device"));
    cli_put_char(out, '\n');
}

/* --- both ----------------------------------------------------------------------------------- */

static void on_progress(struct cli_context *c, const struct node_msg *m)
{
    const struct cht_bytes progress = node_mp_get(m->payload, "progress");
    const bool news = !cht_bytes_eq(node_mp_get_str(progress, "stage"), cht_bytes_str("waiting")) ||
                      node_mp_get_str(progress, "code").len != 0;
    if (!news)
        return; /* a sign of life */
    if (c->json) {
        cli_json_begin(&c->out, "invite");
        cli_json_value(&c->out, progress);
        cli_json_end(&c->out);
    } else {
        put_stage(&c->out, progress);
    }
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    const struct cht_bytes result = node_mp_get(answer->payload, "result");
    if (answer->type == NODE_MSG_EVENT)
        on_progress(c, answer);
    else if (answer->type == NODE_MSG_ACK && c->json)
        cli_put_result(c, "invite", answer);
    else if (answer->type == NODE_MSG_ACK && node_mp_get_str(result, "ticket").len != 0)
        put_ticket(c, result);
    else if (answer->type == NODE_MSG_ACK)
        put_admitted(&c->out, result);
    return cli_out_flush(&c->out); /* each stage is seen as soon as it is there */
}

static enum cht_err put_args(struct cli_context *c, struct cht_buf *b)
{
    const char *address = cli_flag(c, "address"), *role = cli_flag(c, "role");
    enum cht_err err =
        crdt_mp_put_map(b, 1 + (address != NULL ? 1u : 0u) + (role != NULL ? 1u : 0u));
    if (err == CHT_OK)
        err = node_mp_put_key_bool(b, cli_flag(c, "ticket") != NULL ? "ticket" : "code", true);
    if (err == CHT_OK && address != NULL)
        err = node_mp_put_key_text(b, "address", address);
    if (err == CHT_OK && role != NULL)
        err = node_mp_put_key_text(b, "role", role);
    return err;
}

static enum cht_err run(struct cli_context *c)
{
    struct cli_request r;
    if (cli_flag(c, "ticket") == NULL && cli_flag(c, "address") != NULL)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("address"),
                              "--address goes into a ticket: a code carries no address");
    enum cht_err err = cli_command_args(c, "invite", &r);
    if (err == CHT_OK)
        err = put_args(c, &r.message);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, false, each, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

static const struct cli_flag flags[] = {
    { "ticket", NULL, "by a ticket: one line of text, good once and for an hour" },
    { "address", "HOST:PORT",
      "with --ticket: where the other machine reaches this one, if not where it seems" },
    { "role", "ROLE",
      "what the other device may do: admin (unless given), writer, reader or relay" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_invite = {
    .name = "invite",
    .summary = "Let another device join this one's space: show a code, wait until it has come.",
    .arguments = "",
    .details = "Shows a code of twelve digits with which one other device may join "
               "within two minutes, and waits until it has. The code is good for one "
               "try: a wrong one burns it, which is shown here. Both machines then show "
               "the same seven check words; where they differ, someone stands between "
               "the two. With `--json` each stage is a document on a line of its own.\n"
               "\n"
               "With `--ticket`: one line of text, the last of the output, for one other"
               " device within the hour. Whoever has it can join: hand it over as you "
               "would a password.",
    .group = CLI_DEVICES,
    .kind = "invite",
    .examples = "chitty-node invite\n"
                "chitty-node invite --role reader\n"
                "ssh desktop chitty-node join \"$(chitty-node invite --ticket | tail -n 1)\"",
    .args_max = 0,
    .flags = flags,
    .run = run,
};
