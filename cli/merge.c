/* merge, unmerge and duplicates: records that are one (LOCAL 9). */
#include "cli/base/change.h"
#include "cli/base/json.h"
#include "cli/base/origins.h"
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "crdt/limits.h"

/* --- merge ----------------------------------------------------------------------------------- */

static void put_merged(struct cli_context *c, struct cht_bytes result)
{
    struct node_mp_iter it = node_mp_iter(node_mp_get(result, "merged"));
    struct cht_bytes one;
    while (node_mp_next(&it, NULL, &one)) {
        cli_put_line(&c->out, cli_short_id(node_mp_get_str(one, "alias")));
        cli_put_text(&c->out, cli_flag(c, "dry-run") != NULL ? " would be merged into "
                                                             : " is merged into ");
        cli_put_line(&c->out, cli_short_id(node_mp_get_str(one, "into")));
        cli_put_char(&c->out, '\n');
    }
    if (node_mp_count(node_mp_get(result, "merged")) == 0)
        cli_put_text(&c->out, "they are one already\n");
}

static enum cht_err each_merged(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    const struct cht_bytes result = node_mp_get(answer->payload, "result");
    if (answer->type != NODE_MSG_ACK)
        return CHT_OK;
    if (!c->json) {
        put_merged(c, result);
        return CHT_OK;
    }
    cli_json_begin(&c->out, "merge");
    cli_json_value(&c->out, result);
    cli_json_end(&c->out);
    return CHT_OK;
}

static enum cht_err run_merge(struct cli_context *c)
{
    struct cli_request r;
    const bool dry = cli_flag(c, "dry-run") != NULL;
    enum cht_err err = cli_command_begin(c, "merge", 1u + dry, &r);
    if (err == CHT_OK)
        err = node_mp_put_text(&r.message, "ids");
    if (err == CHT_OK)
        err = crdt_mp_put_array(&r.message, (uint32_t)c->arg_count);
    for (size_t i = 0; err == CHT_OK && i < c->arg_count; i++)
        err = node_mp_put_text(&r.message, c->args[i]);
    if (err == CHT_OK && dry)
        err = node_mp_put_key_bool(&r.message, "dry", true);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, each_merged, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

/* --- unmerge --------------------------------------------------------------------------------- */

static enum cht_err each_unmerged(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    struct cli_out *out = &c->out;
    const struct cht_bytes result = node_mp_get(answer->payload, "result");
    struct node_mp_iter it = node_mp_iter(node_mp_get(result, "left"));
    struct cht_bytes one;
    if (answer->type != NODE_MSG_ACK)
        return CHT_OK;
    if (c->json) {
        cli_json_begin(out, "unmerge");
        cli_json_value(out, result);
        cli_json_end(out);
        return CHT_OK;
    }
    cli_put_line(out, cli_short_id(node_mp_get_str(result, "chittyId")));
    cli_put_text(out, cli_flag(c, "dry-run") != NULL ? " would be taken out of "
                                                     : " is on its own again, out of ");
    cli_put_line(out, cli_short_id(node_mp_get_str(result, "from")));
    cli_put_char(out, '\n');
    while (node_mp_next(&it, NULL, &one)) {
        cli_put_style(out, CLI_YELLOW);
        cli_put_text(out, "left: ");
        cli_put_line(out, cli_short_id(node_mp_get_str(one, "chittyId")));
        cli_put_char(out, ' ');
        cli_put_line(out, node_mp_get_str(one, "field"));
        cli_put_style(out, CLI_PLAIN);
        cli_put_text(out, ", changed since\n");
    }
    return CHT_OK;
}

static enum cht_err run_unmerge(struct cli_context *c)
{
    struct cli_request r;
    const bool dry = cli_flag(c, "dry-run") != NULL;
    enum cht_err err = cli_command_begin(c, "unmerge", 1u + dry, &r);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "chittyId", c->args[0]);
    if (err == CHT_OK && dry)
        err = node_mp_put_key_bool(&r.message, "dry", true);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, false, each_unmerged, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

/* --- duplicates ------------------------------------------------------------------------------ */

static void put_group(struct cli_out *out, struct cht_bytes group)
{
    struct node_mp_iter it = node_mp_iter(node_mp_get(group, "records"));
    struct cht_bytes one;
    cli_put_style(out, CLI_BOLD);
    cli_put_line(out, node_mp_get_str(group, "text"));
    cli_put_style(out, CLI_PLAIN);
    cli_put_text(out, node_mp_get_bool(group, "certain") ? "\n" : "  (perhaps)\n");
    while (node_mp_next(&it, NULL, &one)) {
        const struct cht_bytes id = node_mp_get_str(one, "chittyId");
        const struct cht_bytes name = node_mp_get_str(one, "sessionName");
        cli_put_text(out, "  ");
        cli_put_line(out, out->terminal ? cli_short_id(id) : id);
        cli_put_text(out, "  ");
        cli_put_line(out, node_mp_get_str(one, "title"));
        cli_put_text(out, "  ");
        cli_put_line(out, node_mp_get_str(one, "status"));
        if (name.len != 0)
            cli_put_text(out, "  from ");
        cli_put_line(out, name);
        cli_put_char(out, '\n');
    }
}

static enum cht_err run_duplicates(struct cli_context *c)
{
    struct cli_request r;
    struct cht_buf records;
    struct cht_bytes group;
    const char *project = cli_flag(c, "project"), *between = "";
    cht_buf_init(&records, LIMIT_CLIENT_BYTES);
    enum cht_err err = cli_request_begin(c, NODE_MSG_QUERY, &r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&r.message, 1u + (project != NULL));
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "operation", "duplicates");
    if (err == CHT_OK && project != NULL)
        err = node_mp_put_key_text(&r.message, "project", project);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, cli_keep_records, &records);
    struct cht_wire w = cht_wire(cht_buf_view(&records));
    if (err == CHT_OK && c->json) {
        cli_json_begin(&c->out, "duplicates");
        cli_put_char(&c->out, '[');
    }
    while (err == CHT_OK && cht_wire_left(&w) != 0 && w.err == CHT_OK) {
        group = crdt_mp_pass(&w);
        if (c->json) {
            cli_put_text(&c->out, between);
            cli_json_value(&c->out, group);
            between = ",";
        } else {
            put_group(&c->out, group);
        }
    }
    if (err == CHT_OK && c->json) {
        cli_put_char(&c->out, ']');
        cli_json_end(&c->out);
    }
    cht_buf_clear(&records);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

static const struct cli_flag merge_flags[] = { CLI_DRY_RUN, { NULL, NULL, NULL } };

static const struct cli_flag duplicates_flags[] = {
    { "project", "PROJECT", "only of this one" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_merge = {
    .name = "merge",
    .summary = "Make one record of two or more.",
    .arguments = "ID ID…",
    .details = "The one with the smallest id stays and gets what it lacks: labels, assignees, "
               "dependencies, attachments, empty fields; of the statuses the furthest. The others "
               "are hidden. Their ids go on to mean it, and what depended on them depends on it. "
               "Take it back with `chitty undo` here, or `chitty unmerge` anywhere.",
    .group = CLI_RECORDS,
    .kind = "merge",
    .examples = "chitty merge TODO-01HX TODO-01HY\n"
                "chitty merge TODO-01HX TODO-01HY TODO-01HZ --dry-run",
    .args_min = 2,
    .args_max = 64,
    .flags = merge_flags,
    .run = run_merge,
};

const struct cli_command cli_unmerge = {
    .name = "unmerge",
    .summary = "Give a record that was merged into another one its own life again.",
    .arguments = "ID",
    .details = "What the merge wrote goes back, on whichever device it was made; what was changed "
               "since stays and is told. `chitty sync` does not merge the record again; `chitty "
               "merge` does.",
    .group = CLI_RECORDS,
    .kind = "unmerge",
    .examples = "chitty unmerge TODO-01HY",
    .args_min = 1,
    .args_max = 1,
    .flags = merge_flags,
    .run = run_unmerge,
};

const struct cli_command cli_duplicates = {
    .name = "duplicates",
    .summary = "Todos that say the same.",
    .arguments = "",
    .details = "Case, blanks and the punctuation around words make no difference. Of one project, "
               "`chitty sync todos` merges them; what is marked (perhaps) is merged by `chitty "
               "merge` alone.",
    .group = CLI_INSPECT,
    .kind = "duplicates",
    .pages = true,
    .examples = "chitty duplicates\n"
                "chitty duplicates --project garden --json",
    .flags = duplicates_flags,
    .run = run_duplicates,
};
