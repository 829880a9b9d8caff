/* chitty-node doctor */
#include "node/doctor/doctor.h"
#include "cli/base/json.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "node/client/client.h"

#include <stdlib.h>

#define PATIENCE_MS 10000 /* a node that is well answers within one turn */

/* What the node answered, in time for the doctor to hear it. */
static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct doctor *d = ctx;
    if (answer->type == NODE_MSG_ACK) {
        const struct doctor_answer a = { .result = node_mp_get(answer->payload, "result") };
        doctor_hear(d, &a);
    }
    return CHT_OK;
}

static void ask_node(struct cli_context *c, struct doctor *d)
{
    struct cli_request r;
    enum cht_err err = cli_plain_command(c, "health", &r);
    if (err == CHT_OK)
        err = cli_open(c, CLI_REACH_HOME);
    d->running = c->backend.client != NULL;
    if (d->running)
        node_client_set_timeout(c->backend.client, PATIENCE_MS);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_HOME, &r, false, each, d);
    cli_request_clear(&r);
    if (err == CHT_OK)
        return;
    const struct node_fault fault = c->fault;
    const struct doctor_answer a = { .err = err, .fault = &fault };
    doctor_hear(d, &a);
    c->fault = (struct node_fault){ 0 };
}

static void put_json(struct cli_out *out, const struct doctor_report *r)
{
    cli_json_begin(out, "doctor");
    cli_put_text(out, r->counts[DOCTOR_PROBLEM] == 0 ? "{\"ok\":true" : "{\"ok\":false");
    cli_printf(out, ",\"problems\":%zu,\"warnings\":%zu,\"notes\":%zu,\"findings\":[",
               r->counts[DOCTOR_PROBLEM], r->counts[DOCTOR_WARNING], r->counts[DOCTOR_NOTE]);
    for (size_t i = 0; i < r->count; i++) {
        const struct doctor_finding *f = &r->items[i];
        cli_put_text(out, i == 0 ? "{\"check\":" : ",{\"check\":");
        cli_json_text(out, cht_bytes_str(f->check));
        cli_put_text(out, ",\"severity\":");
        cli_json_text(out, cht_bytes_str(doctor_severity_name(f->severity)));
        cli_put_text(out, ",\"text\":");
        cli_json_text(out, cht_bytes_str(f->text));
        if (f->remedy[0] != '\0') {
            cli_put_text(out, ",\"remedy\":");
            cli_json_text(out, cht_bytes_str(f->remedy));
        }
        cli_put_char(out, '}');
    }
    cli_put_text(out, "]}");
    cli_json_end(out);
}

static void put_finding(struct cli_out *out, const struct doctor_finding *f)
{
    static const enum cli_style styles[DOCTOR_SEVERITY_COUNT] = {
        [DOCTOR_OK] = CLI_GREEN,
        [DOCTOR_NOTE] = CLI_PLAIN,
        [DOCTOR_WARNING] = CLI_YELLOW,
        [DOCTOR_PROBLEM] = CLI_RED,
    };
    cli_put_style(out, styles[f->severity]);
    cli_put_cell(out, cht_bytes_str(doctor_severity_name(f->severity)), 7);
    cli_put_style(out, CLI_PLAIN);
    cli_put_text(out, "  ");
    cli_put_line(out, cht_bytes_str(f->text));
    if (f->remedy[0] != '\0') {
        cli_put_text(out, "\n         ");
        cli_put_line(out, cht_bytes_str(f->remedy));
    }
    cli_put_char(out, '\n');
}

/* The worst first; what is well only where it is asked for. */
static void put_text(struct cli_context *c, const struct doctor_report *r)
{
    const unsigned least = cli_flag(c, "all") != NULL ? DOCTOR_OK : DOCTOR_NOTE;
    for (unsigned s = DOCTOR_SEVERITY_COUNT; s-- > least;) {
        for (size_t i = 0; i < r->count; i++) {
            if (r->items[i].severity == (enum doctor_severity)s)
                put_finding(&c->out, &r->items[i]);
        }
    }
    if (r->counts[DOCTOR_OK] == r->count && c->out.terminal)
        cli_put_text(&c->out, "all is well\n");
}

static enum cht_err run(struct cli_context *c)
{
    struct doctor_report report = { 0 };
    struct doctor *d = calloc(1, sizeof *d);
    if (d == NULL)
        return cli_fail(c, CHT_E_NOMEM);
    d->report = &report;
    d->now_ms = c->now_ms;
    enum cht_err err = doctor_look(d, &c->fault);
    if (err == CHT_OK) {
        ask_node(c, d);
        if (c->json)
            put_json(&c->out, &report);
        else
            put_text(c, &report);
        c->failed = report.counts[DOCTOR_PROBLEM] != 0;
    }
    doctor_report_clear(&report);
    free(d);
    return err;
}

static const struct cli_flag flags[] = {
    { "all", NULL, "also what is well" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_doctor = {
    .name = "doctor",
    .summary = "Look for what is wrong here, and say what helps; 1 where there is a problem.",
    .arguments = "",
    .details = "Looks, with a node running or not, and prints what was found, the worst "
               "first, each with what helps: the folders and their modes, the keys and "
               "their certificate, the disk (room, what an fsync takes, whether it is "
               "memory or a network), the database (SQLite's quick check, gaps and "
               "branches of chains, stamps from the future), this machine's clock, what "
               "discovery needs, the port, the other devices (who is away since when, "
               "who waits to be introduced, which entries wait for what), the service. "
               "Nothing is changed.\n"
               "\n"
               "Each finding is a `problem` (something does not work or is not safe), a "
               "`warning` (it will one day hurt) or a `note` (worth knowing). Exits with"
               " status 1 where there is a problem, and with 0 where there is none; a "
               "warning is not one. With `--json` each has a `check`, a name for scripts"
               " that stays the same.\n"
               "\n"
               "Whether Claude Code and chitty work together tells `chitty claude doctor`.",
    .group = CLI_INSPECT,
    .kind = "doctor",
    .pages = true,
    .examples = "chitty-node doctor\n"
                "chitty-node doctor --json | jq -r '.data.findings[] | .check + \": \" + .text'",
    .args_max = 0,
    .flags = flags,
    .run = run,
};
