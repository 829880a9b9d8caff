/* chitty sync: what several sessions and devices wrote comes to one (LOCAL 9). */
#include "cli/sync.h"

#include "cli/base/change.h"
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "node/client/client.h"

#define QUIET_MS 200 /* several changes are often one: they are waited for so long */

/* --- watching -------------------------------------------------------------------------------- */

static enum cht_err ignore(void *ctx, const struct node_msg *answer)
{
    (void)ctx;
    (void)answer;
    return CHT_OK;
}

/* On a connection of its own: what changes while a pass asks is not missed. */
static enum cht_err start_watch(struct sync *s, struct cli_backend *b)
{
    struct cli_request r;
    enum cht_err err = cli_backend_dial(CLI_REACH_NODE, &s->c->fault, b);
    if (err != CHT_OK)
        return err;
    err = cli_request_begin(s->c, NODE_MSG_QUERY, &r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&r.message, 1u + (s->type != 0));
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "operation", "watch");
    if (err == CHT_OK && s->type != 0)
        err = node_mp_put_key_text(&r.message, "domain", crdt_type_domain(s->type));
    if (err == CHT_OK)
        err = b->call(b, cht_buf_view(&r.message), true, ignore, NULL, &s->c->fault);
    cli_request_clear(&r);
    return err;
}

static void say_event(struct sync *s, const struct node_msg *m)
{
    struct cli_out *out = &s->c->out;
    const struct cht_bytes entity = node_mp_get(m->payload, "entity");
    const struct cht_bytes who = node_mp_get_str(node_mp_get(m->payload, "by"), "deviceName");
    const struct crdt_type_schema *t = crdt_schema(cli_record_type(entity));
    if (m->type != NODE_MSG_EVENT || s->c->json)
        return;
    cli_put_line(out, node_mp_get_str(m->payload, "operation"));
    cli_put_text(out, "  ");
    cli_put_line(out, cli_short_id(node_mp_get_str(entity, "chittyId")));
    cli_put_text(out, "  ");
    if (t != NULL)
        cli_put_line(out, node_mp_get_str(node_mp_get(entity, "data"), t->title_field));
    if (who.len != 0)
        cli_put_text(out, "  by ");
    cli_put_line(out, who);
    cli_put_char(out, '\n');
}

/* The next change, and those that follow at once. */
static enum cht_err next_changes(struct sync *s, struct cli_backend *b)
{
    struct node_msg m;
    enum cht_err err = node_client_next(b->client, -1, &s->c->fault, &m);
    while (err == CHT_OK) {
        say_event(s, &m);
        err = node_client_next(b->client, QUIET_MS, NULL, &m);
    }
    return err == CHT_E_TIMEOUT ? CHT_OK : err;
}

static enum cht_err watch(struct sync *s, struct cli_backend *b)
{
    enum cht_err err = CHT_OK;
    while (err == CHT_OK) {
        if (cli_out_flush(&s->c->out) != CHT_OK || s->c->out.sys != 0)
            break; /* nobody reads any more */
        err = next_changes(s, b);
        if (err == CHT_OK)
            err = sync_pass(s);
        if (err == CHT_OK)
            sync_say(s, !s->verbose);
    }
    return err;
}

/* --- the command ----------------------------------------------------------------------------- */

static enum cht_err run(struct cli_context *c)
{
    struct sync s = { .c = c };
    struct cli_backend watching = { 0 };
    const bool goes_on = cli_flag(c, "watch") != NULL;
    enum cht_err err = sync_read(&s);
    if (err == CHT_OK && goes_on)
        err = start_watch(&s, &watching);
    if (err == CHT_OK)
        err = sync_pass(&s);
    if (err == CHT_OK)
        sync_say(&s, false);
    if (err == CHT_OK && goes_on)
        err = watch(&s, &watching);
    if (watching.close != NULL)
        watching.close(&watching);
    sync_forget(&s);
    json_decref(s.uncarried);
    return cli_fail(c, err);
}

static const struct cli_flag flags[] = {
    { "platform", "P", "sync to these platforms: web, cli, mobile, with commas" },
    { "channel", "C", "sync to these channels: slack, discord, email, with commas" },
    { "model", "M", "sync to these models: claude, chatgpt, gemini, with commas" },
    { "session", "SESSION", "what is of this session" },
    { "project", "PROJECT", "what is of this project" },
    { "watch", NULL, "go on: at each change, here or elsewhere, reconcile again" },
    { "verbose", NULL, "also tell every todo" },
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_sync = {
    .name = "sync",
    .summary = "Bring what several sessions and machines did together, and tell how it stands.",
    .arguments = "[topics|projects|sessions|todos|contexts|repos|services|all]",
    .details =
        "Changes travel by themselves; this waits until every device that is connected has them "
        "all, and tells which are away. Todos of one project that say the same are made one "
        "(`chitty help merge`), with the furthest status; what only may be the same is told. "
        "Platforms, channels and models that nothing carries to yet are told too; where no other "
        "was asked for, the exit status is 6. `chitty --sync` is the same.",
    .group = CLI_EVERYDAY,
    .kind = "sync",
    .as_script = true,
    .dashes = true,
    .examples = "chitty sync todos --project CHITTY-PROJ-4F2KJ5ZK\n"
                "chitty sync todos --platform web,cli --model claude\n"
                "chitty sync all --verbose\n"
                "chitty sync contexts --dry-run\n"
                "chitty sync todos --watch",
    .args_max = CLI_ARGS_MAX,
    .flags = flags,
    .run = run,
};
