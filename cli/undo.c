/* undo and redo: take back what was written last on this device (LOCAL 6.7). */
#include "cli/base/change.h"
#include "cli/base/json.h"
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "cli/commands.h"

#include <stdlib.h>

#define COUNT_MAX 100u

/* --- telling -------------------------------------------------------------------------------- */

static void put_record(struct cli_out *out, struct cht_bytes record)
{
    struct node_mp_iter it = node_mp_iter(node_mp_get(record, "fields"));
    struct cht_bytes field;
    const char *between = "  ";
    cli_put_line(out, cli_short_id(node_mp_get_str(record, "chittyId")));
    cli_put_text(out, "  ");
    cli_put_line(out, node_mp_get_str(record, "title"));
    while (node_mp_next(&it, NULL, &field)) {
        cli_put_text(out, between);
        between = ", ";
        cli_put_line(out, node_mp_str(field));
    }
}

static void put_transaction(struct cli_out *out, struct cht_bytes t)
{
    struct node_mp_iter it = node_mp_iter(node_mp_get(t, "records"));
    struct cht_bytes record;
    uint64_t left = node_mp_get_uint(t, "changes", 0);
    cli_put_when(out, node_mp_get(t, "stamp"));
    const char *before = "  ";
    for (; node_mp_next(&it, NULL, &record); left -= left > 0 ? 1 : 0) {
        cli_put_text(out, before);
        before = "\n                  "; /* under the first one */
        put_record(out, record);
    }
    if (left > 0)
        cli_printf(out, "%sand %llu more", before, (unsigned long long)left);
    cli_put_char(out, '\n');
}

static void put_left(struct cli_context *c, struct cht_bytes left)
{
    struct node_mp_iter it = node_mp_iter(left);
    struct cht_bytes one, key;
    while (node_mp_next(&it, NULL, &one)) {
        struct cht_bytes who = node_mp_get_str(node_mp_get(one, "by"), "deviceName");
        cli_put_style(&c->out, CLI_YELLOW);
        cli_put_text(&c->out, "left: ");
        cli_put_line(&c->out, cli_short_id(node_mp_get_str(one, "chittyId")));
        cli_put_char(&c->out, ' ');
        cli_put_line(&c->out, node_mp_get_str(one, "field"));
        key = node_mp_get(one, "key");
        if (key.len != 0) {
            cli_put_char(&c->out, '[');
            cli_put_value(&c->out, NULL, key);
            cli_put_char(&c->out, ']');
        }
        cli_put_text(&c->out, ", changed since");
        if (who.len != 0) {
            cli_put_text(&c->out, " by ");
            cli_put_line(&c->out, who);
        }
        cli_put_style(&c->out, CLI_PLAIN);
        cli_put_char(&c->out, '\n');
    }
}

static void put_json(struct cli_context *c, struct cht_bytes result)
{
    static const char *const lists[] = { "results", "left" };
    struct node_mp_iter it;
    struct cht_bytes one;
    cli_json_begin(&c->out, "undo");
    cli_put_text(&c->out, "{\"transactions\":");
    cli_json_value(&c->out, node_mp_get(result, "transactions"));
    for (size_t i = 0; i < 2; i++) {
        const struct cht_bytes list = node_mp_get(result, lists[i]);
        if (list.len == 0)
            continue;
        cli_printf(&c->out, ",\"%s\":[", lists[i]);
        it = node_mp_iter(list);
        for (bool any = false; node_mp_next(&it, NULL, &one); any = true) {
            if (any)
                cli_put_char(&c->out, ',');
            if (i == 0)
                cli_json_change(c, one);
            else
                cli_json_value(&c->out, one);
        }
        cli_put_char(&c->out, ']');
    }
    cli_put_char(&c->out, '}');
    cli_json_end(&c->out);
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    const struct cht_bytes result = node_mp_get(answer->payload, "result");
    struct cht_bytes one;
    if (answer->type != NODE_MSG_ACK)
        return CHT_OK;
    const struct cht_bytes left = node_mp_get(result, "left");
    if (c->json) {
        put_json(c, result);
    } else {
        const char *lists = cli_flag(c, "dry-run") != NULL ? "results" : "transactions";
        struct node_mp_iter it = node_mp_iter(node_mp_get(result, lists));
        while (node_mp_next(&it, NULL, &one)) {
            if (lists[0] == 'r')
                cli_put_change(c, one);
            else
                put_transaction(&c->out, one);
        }
        put_left(c, left);
    }
    if (node_mp_count(left) == 0)
        return CHT_OK;
    (void)node_fault_set(&c->fault, CHT_E_CONFLICT, cht_bytes(NULL, 0),
                         "what was changed since was left as it is");
    node_fault_hint(&c->fault, "--force takes it back all the same");
    return CHT_OK;
}

/* --- asking --------------------------------------------------------------------------------- */

static enum cht_err read_count(struct cli_context *c, uint64_t *out)
{
    char *end = NULL;
    *out = 0;
    if (c->arg_count == 0)
        return CHT_OK;
    const unsigned long long v = strtoull(c->args[0], &end, 10);
    if (c->args[0][0] < '0' || c->args[0][0] > '9' || *end != '\0' || v == 0 || v > COUNT_MAX)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                              "\"%.80s\" is no number of changes: it may be 1 to %u", c->args[0],
                              COUNT_MAX);
    *out = v;
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    static const struct {
        const char *flag, *arg;
    } bools[] = { { "list", "list" }, { "dry-run", "dry" }, { "force", "force" } };
    struct cli_request r;
    struct cht_buf *b = &r.message;
    uint64_t count;
    const bool redo = c->command == &cli_redo;
    uint32_t args = redo;
    enum cht_err err = read_count(c, &count);
    if (err != CHT_OK)
        return err;
    for (size_t i = 0; i < 3; i++)
        args += cli_flag(c, bools[i].flag) != NULL;
    err = cli_command_begin(c, "undo", args + (count != 0), &r);
    if (err == CHT_OK && count != 0)
        err = node_mp_put_key_uint(b, "count", count);
    if (err == CHT_OK && redo)
        err = node_mp_put_key_bool(b, "redo", true);
    for (size_t i = 0; err == CHT_OK && i < 3; i++) {
        if (cli_flag(c, bools[i].flag) != NULL)
            err = node_mp_put_key_bool(b, bools[i].arg, true);
    }
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, false, each, c);
    cli_request_clear(&r);
    if (err == CHT_OK && c->fault.error.code == CHT_E_CONFLICT)
        return CHT_E_CONFLICT; /* some of it was left */
    return cli_fail(c, err);
}

static const struct cli_flag flags[] = {
    { "list", NULL, "tell what could be taken back, the last first" },
    { "force", NULL, "take back what others changed since, too" },
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_undo = {
    .name = "undo",
    .summary = "Take back the last change, or the last N, that was made here.",
    .arguments = "[N]",
    .details =
        "Changes of this device count, made on behalf of the same CHITTY_ACTOR (see"
        " chitty-environment(7)); what one command wrote is one change. Fields go back to"
        " what they held, what was created is deleted. A field that somebody changed since is"
        " left as it is: the exit status is then 5. `chitty redo` brings a change that was"
        " taken back into force again.",
    .group = CLI_EVERYDAY,
    .kind = "undo",
    .examples = "chitty undo\n"
                "chitty undo --list\n"
                "chitty undo 3 --dry-run",
    .args_max = 1,
    .flags = flags,
    .run = run,
};

const struct cli_command cli_redo = {
    .name = "redo",
    .summary = "Bring the change that was taken back last into force again.",
    .arguments = "[N]",
    .details = "The other way round of `chitty undo`, with the same flags.",
    .group = CLI_EVERYDAY,
    .kind = "undo",
    .examples = "chitty undo && chitty redo\n"
                "chitty redo --list",
    .args_max = 1,
    .flags = flags,
    .run = run,
};
