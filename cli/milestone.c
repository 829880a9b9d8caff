/* milestone list, add, done, rm: the map `milestones` of a project, by name. */
#include "cli/base/milestone.h"

#include "cli/base/change.h"
#include "cli/base/fields.h"
#include "cli/base/json.h"
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "crdt/limits.h"
#include "crdt/rfc3339.h"

struct reading {
    struct cli_context *c;
    struct cht_buf milestones; /* the map; empty: none */
};

static enum cht_err take(void *ctx, const struct node_msg *answer)
{
    struct reading *r = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    if (answer->type != NODE_MSG_STATE_SNAPSHOT || !node_mp_next(&it, NULL, &record))
        return CHT_OK;
    return cht_buf_add(&r->milestones, node_mp_get(node_mp_get(record, "data"), "milestones"));
}

/* The milestones of the project that the first argument names. */
static enum cht_err read_project(struct cli_context *c, struct reading *out)
{
    struct cli_request r;
    *out = (struct reading){ .c = c };
    cht_buf_init(&out->milestones, LIMIT_CLIENT_BYTES);
    c->type = CRDT_PROJECT;
    enum cht_err err = cli_query(c, "get", c->args[0], 0, &r);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, take, out);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

/* --- list ----------------------------------------------------------------------------------- */

static void put_time(struct cli_out *out, struct cht_bytes value)
{
    uint64_t ms;
    char text[CLI_DATE_MAX];
    if (crdt_rfc3339_parse(node_mp_str(value), &ms) == CHT_OK) {
        cli_date_local(ms, text);
        cli_put_text(out, text);
    } else {
        cli_put_value(out, NULL, value);
    }
}

void cli_put_milestone(struct cli_out *out, const char *between, struct cht_bytes value)
{
    static const char *const times[] = { "due", "done" };
    if (value.len != 0 && node_mp_kind(value) != CRDT_MP_MAP) {
        cli_put_text(out, between);
        cli_put_value(out, NULL, value);
    }
    for (size_t i = 0; i < 2; i++) {
        if (node_mp_get(value, times[i]).len == 0)
            continue;
        cli_printf(out, "%s%s ", between, times[i]);
        put_time(out, node_mp_get(value, times[i]));
    }
    const struct cht_bytes text = node_mp_get_str(value, "description");
    if (text.len != 0) {
        cli_put_text(out, between);
        cli_put_line(out, text);
    }
}

static enum cht_err run_list(struct cli_context *c)
{
    struct reading r;
    enum cht_err err = read_project(c, &r);
    struct node_mp_iter it = node_mp_iter(cht_buf_view(&r.milestones));
    struct cht_bytes name, value;
    if (err == CHT_OK && c->json) {
        cli_json_begin(&c->out, "milestone-list");
        cli_put_char(&c->out, '[');
    }
    for (bool any = false; err == CHT_OK && node_mp_next(&it, &name, &value); any = true) {
        if (!c->json) {
            cli_put_line(&c->out, node_mp_str(name));
            cli_put_milestone(&c->out, "\t", value);
            cli_put_char(&c->out, '\n');
            continue;
        }
        cli_put_text(&c->out, any ? ",{\"name\":" : "{\"name\":");
        cli_json_value(&c->out, name);
        cli_put_text(&c->out, ",\"value\":");
        cli_json_value(&c->out, value);
        cli_put_char(&c->out, '}');
    }
    if (err == CHT_OK && c->json) {
        cli_put_char(&c->out, ']');
        cli_json_end(&c->out);
    }
    cht_buf_clear(&r.milestones);
    return err;
}

/* --- add, done, rm -------------------------------------------------------------------------- */

static enum cht_err put_moment(struct cli_context *c, const char *key, const char *text,
                               struct cht_buf *b)
{
    uint64_t ms = c->now_ms;
    char moment[CRDT_RFC3339_MAX];
    enum cht_err err = CHT_OK;
    if (text != NULL)
        err = cli_date_take(c, key, cht_bytes_str(text), CLI_DEADLINE_END, &ms);
    crdt_rfc3339_text(ms, moment);
    return err == CHT_OK ? node_mp_put_key_text(b, key, moment) : err;
}

/* What the milestone was, with what the flags and the command say instead. */
static enum cht_err put_value(struct cli_context *c, struct cht_bytes was, struct cht_buf *b)
{
    const char *due = cli_flag(c, "due"), *text = cli_flag(c, "description");
    const bool done = c->command == &cli_milestone_done;
    struct cht_buf kept;
    struct node_mp_iter it = node_mp_iter(was);
    struct cht_bytes key, value;
    uint32_t count = 0;
    enum cht_err err = CHT_OK;
    cht_buf_init(&kept, LIMIT_CLIENT_BYTES);
    while (it.is_map && err == CHT_OK && node_mp_next(&it, &key, &value)) {
        const struct cht_bytes name = node_mp_str(key);
        if ((due != NULL && cht_bytes_eq(name, cht_bytes_str("due"))) ||
            (text != NULL && cht_bytes_eq(name, cht_bytes_str("description"))) ||
            (done && cht_bytes_eq(name, cht_bytes_str("done"))))
            continue;
        count++;
        err = cht_buf_add(&kept, key);
        if (err == CHT_OK)
            err = cht_buf_add(&kept, value);
    }
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, count + (due != NULL) + (text != NULL) + done);
    if (err == CHT_OK)
        err = cht_buf_add(b, cht_buf_view(&kept));
    cht_buf_clear(&kept);
    if (err == CHT_OK && due != NULL)
        err = put_moment(c, "due", due, b);
    if (err == CHT_OK && done)
        err = put_moment(c, "done", NULL, b);
    return err == CHT_OK && text != NULL ? node_mp_put_key_text(b, "description", text) : err;
}

static struct cht_bytes find(struct cht_bytes milestones, const char *wanted)
{
    struct node_mp_iter it = node_mp_iter(milestones);
    struct cht_bytes name, value;
    while (it.is_map && node_mp_next(&it, &name, &value)) {
        if (cht_bytes_eq(node_mp_str(name), cht_bytes_str(wanted)))
            return value;
    }
    return cht_bytes(NULL, 0);
}

static enum cht_err run_write(struct cli_context *c)
{
    struct reading r;
    struct cht_buf data;
    const char *name = c->args[1];
    enum cht_err err = read_project(c, &r);
    const struct cht_bytes was = find(cht_buf_view(&r.milestones), name);
    if (err == CHT_OK && was.len == 0 && c->command != &cli_milestone_add)
        err = node_fault_set(&c->fault, CHT_E_NOTFOUND, cht_bytes_str("NAME"),
                             "the project has no milestone \"%.80s\"", name);
    cht_buf_init(&data, LIMIT_CLIENT_BYTES);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&data, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(&data, "milestones");
    if (err == CHT_OK)
        err = crdt_mp_put_map(&data, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(&data, name);
    if (err == CHT_OK)
        err = c->command == &cli_milestone_rm ? crdt_mp_put_nil(&data) : put_value(c, was, &data);
    err = cli_fail(c, err);
    if (err == CHT_OK)
        err = cli_change_all(c, NODE_UPDATE, c->args, 1, cht_buf_view(&data));
    cht_buf_clear(&r.milestones);
    cht_buf_clear(&data);
    return err;
}

/* --- the commands --------------------------------------------------------------------------- */

static const struct cli_flag flags[] = {
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

static const struct cli_flag add_flags[] = {
    { "due", "TIME", "when it is to be reached" },
    { "description", "TEXT", "what it is" },
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_milestone_list = {
    .name = "list",
    .summary = "The milestones of a project.",
    .arguments = "PROJECT",
    .kind = "milestone-list",
    .examples = "chitty milestone list PROJ-4F2KJ5ZK\n"
                "chitty milestone list Chronicle --json",
    .args_min = 1,
    .args_max = 1,
    .run = run_list,
};

const struct cli_command cli_milestone_add = {
    .name = "add",
    .summary = "Add a milestone to a project, or change one.",
    .arguments = "PROJECT NAME",
    .kind = "change",
    .examples = "chitty milestone add PROJ-4F2KJ5ZK alpha --due 2026-05-01",
    .args_min = 2,
    .args_max = 2,
    .flags = add_flags,
    .run = run_write,
};

const struct cli_command cli_milestone_done = {
    .name = "done",
    .summary = "Say that a milestone is reached.",
    .arguments = "PROJECT NAME",
    .kind = "change",
    .examples = "chitty milestone done PROJ-4F2KJ5ZK alpha",
    .args_min = 2,
    .args_max = 2,
    .flags = flags,
    .run = run_write,
};

const struct cli_command cli_milestone_rm = {
    .name = "rm",
    .summary = "Remove a milestone from a project.",
    .arguments = "PROJECT NAME",
    .kind = "change",
    .examples = "chitty milestone rm PROJ-4F2KJ5ZK alpha",
    .args_min = 2,
    .args_max = 2,
    .flags = flags,
    .run = run_write,
};
