/* nudge snooze, off, on, status: whether to be reminded at all. */
#include "cli/base/fields.h"
#include "cli/base/json.h"
#include "cli/base/nudge.h"
#include "cli/commands.h"

#define SNOOZE_MS (60u * 60u * 1000u)

static const char *state_of(const struct cli_context *c, const struct cli_nudge *n)
{
    if (n->off)
        return "off";
    return n->until_ms > c->now_ms ? "snoozed" : "on";
}

static void tell(struct cli_context *c, const struct cli_nudge *n)
{
    const char *state = state_of(c, n);
    const bool snoozed = strcmp(state, "snoozed") == 0;
    char until[CLI_DATE_MAX];
    if (!c->json) {
        cli_date_local(n->until_ms, until);
        cli_printf(&c->out, "nudges are %s%s%s\n", state, snoozed ? " until " : "",
                   snoozed ? until : "");
        return;
    }
    cli_json_begin(&c->out, "nudge");
    cli_printf(&c->out, "{\"state\":\"%s\"", state);
    if (snoozed) {
        cli_put_text(&c->out, ",\"until\":");
        cli_json_time(&c->out, n->until_ms);
    }
    if (n->said_ms != 0) {
        cli_put_text(&c->out, ",\"said\":");
        cli_json_time(&c->out, n->said_ms);
    }
    cli_put_char(&c->out, '}');
    cli_json_end(&c->out);
}

static enum cht_err run(struct cli_context *c)
{
    struct cli_nudge n;
    enum cht_err err = CHT_OK;
    cli_nudge_read(&n);
    if (c->command == &cli_nudge_off) {
        n.off = true;
    } else if (c->command == &cli_nudge_on) {
        n.off = false;
        n.until_ms = 0;
    } else if (c->command == &cli_nudge_snooze) {
        n.until_ms = c->now_ms + SNOOZE_MS;
        if (c->arg_count != 0)
            err = cli_date_take(c, "TIME", cht_bytes_str(c->args[0]), CLI_DAY_START, &n.until_ms);
        if (err == CHT_OK && n.until_ms <= c->now_ms)
            err = node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("TIME"),
                                 "\"%.80s\" has passed", c->args[0]);
    }
    if (err == CHT_OK && c->command != &cli_nudge_status)
        err = cli_nudge_write(&n, &c->fault);
    if (err == CHT_OK)
        tell(c, &n);
    return err;
}

#define NUDGE(symbol, word, text, takes, example, most)                                            \
    const struct cli_command symbol = {                                                            \
        .name = word,                                                                              \
        .summary = text,                                                                           \
        .arguments = takes,                                                                        \
        .kind = "nudge",                                                                           \
        .examples = example,                                                                       \
        .args_max = most,                                                                          \
        .run = run,                                                                                \
    }

NUDGE(cli_nudge_snooze, "snooze", "No nudges for an hour, or until a time.", "[TIME]",
      "chitty nudge snooze\nchitty nudge snooze +2h\nchitty nudge snooze \"tomorrow 9:00\"", 1);
NUDGE(cli_nudge_off, "off", "No nudges on this machine any more.", "", "chitty nudge off", 0);
NUDGE(cli_nudge_on, "on", "Nudges again.", "", "chitty nudge on", 0);
NUDGE(cli_nudge_status, "status", "Whether there are nudges.", "", "chitty nudge status --json", 0);
