/* checkpoint add: where work stands, said in a line; `chitty checkpoint TEXT` is the same. */
#include "cli/base/change.h"
#include "cli/base/fields.h"
#include "cli/base/here.h"
#include "cli/base/me.h"
#include "cli/base/nudge.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "crdt/limits.h"
#include "crdt/rfc3339.h"

#include <stdio.h>
#include <sys/random.h>

/* What its flags say: a moment at which it is announced, or what is to be done by then. */
struct plans {
    const char *todo;                /* what a todo beside it says; NULL: none */
    uint64_t due_ms;                 /* of that todo */
    char id[CRDT_ID_TEXT_MAX];       /* of that todo */
    char reminder[CRDT_RFC3339_MAX]; /* of that todo */
    char pair[CRDT_RFC3339_MAX + 8]; /* of the checkpoint: MOMENT=true */
};

static const struct crdt_field *field_of(const char *name)
{
    return crdt_field_named(CRDT_CHECKPOINT, cht_bytes_str(name));
}

static enum cht_err draw_id(struct cli_context *c, char out[static CRDT_ID_TEXT_MAX])
{
    struct crdt_id id = { .type = CRDT_TODO };
    if (getrandom(id.b, sizeof id.b, 0) != (ssize_t)sizeof id.b)
        return node_fault_from(&c->fault, CHT_E_IO, NULL);
    crdt_id_text(&id, out);
    return CHT_OK;
}

/* --remind TIME: it is announced then. --remind TEXT --due TIME: TEXT is a todo of its own. */
static enum cht_err read_plans(struct cli_context *c, struct plans *p)
{
    const char *remind = cli_flag(c, "remind"), *due = cli_flag(c, "due");
    uint64_t at_ms = 0;
    enum cht_err err = CHT_OK;
    *p = (struct plans){ .todo = NULL };
    if (due != NULL)
        err = cli_date_take(c, "due", cht_bytes_str(due), CLI_DEADLINE_END, &p->due_ms);
    if (err != CHT_OK || remind == NULL)
        return err;
    if (cli_date_parse(cht_bytes_str(remind), c->now_ms, CLI_DAY_START, &at_ms) == CHT_OK) {
        crdt_rfc3339_text(at_ms, p->reminder);
        (void)snprintf(p->pair, sizeof p->pair, "%s=true", p->reminder);
        return CHT_OK;
    }
    if (due == NULL) {
        err = cli_date_take(c, "remind", cht_bytes_str(remind), CLI_DAY_START, &at_ms);
        node_fault_hint(&c->fault,
                        "or say when what is to be done is due: --remind \"%.60s\" --due "
                        "TIME",
                        remind);
        return err;
    }
    if (remind[strspn(remind, " \t")] == '\0')
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("remind"),
                              "--remind: the text is empty");
    p->todo = remind;
    crdt_rfc3339_text(p->due_ms, p->reminder);
    return draw_id(c, p->id);
}

static const char *given_value(const struct cli_context *c, const char *name)
{
    const struct crdt_field *f = field_of(name);
    const char *value = NULL;
    for (size_t i = 0; i < c->given_count; i++) {
        if (c->given[i].field == f)
            value = c->given[i].value;
    }
    return value;
}

static enum cht_err add_todo(struct cli_context *c, const struct plans *p, struct cli_changes *x)
{
    struct cht_buf data;
    const char *project = given_value(c, "project");
    cht_buf_init(&data, LIMIT_CLIENT_BYTES);
    enum cht_err err = crdt_mp_put_map(&data, project == NULL ? 3 : 4);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&data, "content", p->todo);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&data, "deadline", p->due_ms);
    if (err == CHT_OK)
        err = node_mp_put_text(&data, "reminders");
    if (err == CHT_OK)
        err = crdt_mp_put_map(&data, 1);
    if (err == CHT_OK)
        err = node_mp_put_key_bool(&data, p->reminder, true);
    if (err == CHT_OK && project != NULL)
        err = node_mp_put_key_text(&data, "project", project);
    if (err == CHT_OK)
        err = cli_changes_add(x, NODE_CREATE, CRDT_TODO, p->id, cht_buf_view(&data));
    cht_buf_clear(&data);
    return err;
}

/* Both are one transaction: the checkpoint names the todo. */
static enum cht_err write_both(struct cli_context *c, const struct plans *p, const char *title)
{
    struct cli_changes x;
    struct cht_buf data;
    cht_buf_init(&data, LIMIT_CLIENT_BYTES);
    cli_changes_begin(c, &x);
    enum cht_err err = p->todo == NULL ? CHT_OK : add_todo(c, p, &x);
    if (err == CHT_OK)
        err = cli_data_put(c, title, NULL, &data);
    if (err == CHT_OK)
        err = cli_changes_add(&x, NODE_CREATE, CRDT_CHECKPOINT, NULL, cht_buf_view(&data));
    err = cli_changes_end(&x, err);
    cht_buf_clear(&data);
    return err;
}

static enum cht_err run(struct cli_context *c)
{
    char title[LIMIT_TITLE_BYTES + 1], user[CLI_ME_MAX], deadline[CRDT_RFC3339_MAX];
    struct plans plans;
    struct cli_here here;
    enum cht_err err = cli_text_args(c, 0, title, sizeof title);
    if (err == CHT_OK)
        err = cli_here_give(c, &here);
    if (err == CHT_OK)
        err = read_plans(c, &plans);
    if (err != CHT_OK)
        return err;
    cli_user(user);
    if (user[0] != '\0')
        cli_field_give(c, "author", user);
    cli_field_give(c, "kind", "manual");
    if (plans.pair[0] != '\0')
        cli_field_give(c, "reminders", plans.pair);
    if (plans.todo != NULL)
        cli_field_give(c, "todos", plans.id);
    if (plans.todo == NULL && plans.due_ms != 0) {
        crdt_rfc3339_text(plans.due_ms, deadline);
        cli_field_give(c, "deadline", deadline);
    }
    err = write_both(c, &plans, title);
    if (err == CHT_OK && cli_flag(c, "dry-run") == NULL)
        cli_nudge_said(c->now_ms);
    return err;
}

static const struct cli_flag flags[] = {
    { "remind", "TIME|TEXT", "announce it then; or a todo to be done when --due says" },
    { "due", "TIME", "when it is due, or the todo that --remind names" },
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_checkpoint_add = {
    .name = "add",
    .summary = "Note where work stands; prints the id of the note.",
    .arguments = "TEXT…",
    .details = "`chitty checkpoint TEXT` says the same. All words together are the text. It is "
               "of the session that this runs in, and of the folder's project unless --project "
               "says another one or `none`.",
    .group = CLI_EVERYDAY,
    .kind = "change",
    .examples = "chitty checkpoint \"OAuth working locally\"\n"
                "chitty checkpoint \"Finished OAuth\" --remind tomorrow\n"
                "chitty checkpoint \"Finished OAuth\" --remind \"Test OAuth\" --due \"2 days\"",
    .args_min = 1,
    .args_max = CLI_ARGS_MAX,
    .type = CRDT_CHECKPOINT,
    .fields = CLI_FIELDS_WRITE,
    .flags = flags,
    .run = run,
};
