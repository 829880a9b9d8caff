/* claims: who works on what (LOCAL 8.6). */
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "cli/base/stream.h"
#include "cli/commands.h"
#include "node/client/mpmap.h"

#include <stdio.h>

static void put_ms(struct cli_out *out, uint64_t ms)
{
    const unsigned long long s = ms / 1000;
    char text[24];
    if (s < 120)
        (void)snprintf(text, sizeof text, "%llu s", s);
    else if (s < 7200)
        (void)snprintf(text, sizeof text, "%llu min", s / 60);
    else
        (void)snprintf(text, sizeof text, "%llu h", s / 3600);
    cli_put_cell(out, cht_bytes_str(text), 7);
}

static void put_row(struct cli_out *out, struct cht_bytes record)
{
    const struct cht_bytes state = node_mp_get_str(record, "state");
    const struct cht_bytes holder = node_mp_get_str(record, "holderName");
    cli_put_cell(out, cli_short_id(node_mp_get_str(record, "chittyId")), 13);
    cli_put_text(out, "  ");
    cli_put_style(out, cht_bytes_eq(state, cht_bytes_str("held")) ? CLI_GREEN : CLI_YELLOW);
    cli_put_cell(out, state, 11);
    cli_put_style(out, CLI_PLAIN);
    cli_put_text(out, "  ");
    put_ms(out, node_mp_get_uint(record, "active", 0));
    cli_put_text(out, "  ");
    cli_put_cell(out, cli_short_id(holder), 24);
    cli_put_text(out, "  ");
    cli_put_cell(out, node_mp_get_str(record, "deviceName"), 12);
    cli_put_text(out, "  ");
    cli_put_line(out, node_mp_get_str(record, "title"));
    cli_put_char(out, '\n');
}

static enum cht_err run(struct cli_context *c)
{
    const char *session = cli_flag(c, "session"), *project = cli_flag(c, "project");
    struct cli_stream s = { .c = c, .kind = "claims", .put = put_row };
    struct cli_request r = { 0 };
    enum cht_err err = cli_request_begin(c, NODE_MSG_QUERY, &r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&r.message, 1u + (session != NULL) + (project != NULL));
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "operation", "claims");
    if (err == CHT_OK && session != NULL)
        err = node_mp_put_key_text(&r.message, "session", session);
    if (err == CHT_OK && project != NULL)
        err = node_mp_put_key_text(&r.message, "project", project);
    if (err == CHT_OK)
        err = cli_stream_ask(&s, &r);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

static const struct cli_flag flags[] = {
    { "session", "SESSION", "only what this session (or USER@DEVICE) holds, and has lost" },
    { "project", "PROJECT", "only of this project" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_claims = {
    .name = "claims",
    .summary = "List who works on what.",
    .arguments = "",
    .details = "A claim is held, unconfirmed (the device that grants it was away), or lapsed "
               "(without a sign of life for a quarter of an hour: anyone may claim the todo). The "
               "third column is the time since the last sign of life. With `--session` it also "
               "lists what that session lost to others and was not told yet.",
    .kind = "claims",
    .pages = true,
    .examples = "chitty claims\n"
                "chitty claims --project compiler --json",
    .args_max = 0,
    .flags = flags,
    .run = run,
};
