/* chitty standup: who did what, on all machines; from the records that are here. */
#include "cli/base/dates.h"
#include "cli/base/fields.h"
#include "cli/base/who.h"
#include "cli/commands.h"

#include <stdlib.h>

#define DONE_MAX 200u
#define NEXT_MAX 5u

struct standup {
    struct cli_context *c;
    struct agent *a;
    struct cli_who who;
    uint64_t since_ms;
    char project[CRDT_ID_TEXT_MAX];
    json_t *done, *doing, *blocked, *next, *notes;
};

/* --- asking -------------------------------------------------------------------------------- */

/* Conditions of a list: of the project where one is meant, and another one (given away) or none. */
static json_t *where_of(const struct standup *s, json_t *also)
{
    json_t *where = json_array();
    if (s->project[0] != '\0')
        (void)json_array_append_new(where, cli_where("project", "is", json_string(s->project)));
    if (also != NULL)
        (void)json_array_append_new(where, also);
    return where;
}

static enum cht_err list_is(struct standup *s, const char *word, unsigned limit, json_t **out)
{
    json_t *payload =
        json_pack("{s:s, s:s, s:b, s:[s], s:o, s:i}", "operation", "list", "domain", "todos",
                  "titles", 1, "is", word, "where", where_of(s, NULL), "limit", (int)limit);
    return cli_agent_fail(s->c, s->a, agent_query(s->a, payload, out));
}

static json_t *row_of(const json_t *record, const char *title, json_int_t at)
{
    json_t *row = json_pack("{s:s*, s:s*}", "chittyId", bridge_json_str(record, "chittyId"),
                            "title", bridge_json_str(cli_data_of(record), title));
    cli_json_set_when(row, "at", at);
    return row;
}

/* Rows of records with who wrote `field` last. */
static enum cht_err rows_of(struct standup *s, const json_t *records, const char *title,
                            const char *time, const char *field, json_t *out)
{
    size_t i;
    json_t *record;
    enum cht_err err = CHT_OK;
    json_array_foreach(records, i, record)
    {
        json_t *by = NULL;
        if (err != CHT_OK)
            break;
        const char *id = bridge_json_str(record, "chittyId");
        err = cli_who_wrote(s->c, s->a, &s->who, id == NULL ? "" : id, field, &by);
        json_t *row = row_of(record, title, bridge_json_int(cli_data_of(record), time, 0));
        if (by != NULL)
            (void)json_object_set_new(row, "by", by);
        (void)json_array_append_new(out, row);
    }
    return err;
}

static enum cht_err take_done(struct standup *s)
{
    json_t *list = NULL;
    json_t *since = cli_where("completed_at", "from", json_integer((json_int_t)s->since_ms));
    enum cht_err err =
        cli_list_of(s->c, s->a, "todos", where_of(s, since), "completed_at", DONE_MAX, &list);
    if (err == CHT_OK)
        err = rows_of(s, list, "content", "completed_at", "status", s->done);
    json_decref(list);
    return err;
}

static const json_t *claim_of(const json_t *claims, const char *id)
{
    size_t i;
    json_t *claim;
    json_array_foreach(claims, i, claim)
    {
        const char *todo = bridge_json_str(claim, "chittyId");
        if (todo != NULL && id != NULL && strcmp(todo, id) == 0)
            return claim;
    }
    return NULL;
}

/* In progress: by who holds it; one that nobody holds by who said so. */
static enum cht_err take_doing(struct standup *s)
{
    json_t *list = NULL, *claims = NULL, *row;
    size_t i;
    json_t *in_progress = cli_where("status", "is", json_string("in_progress"));
    enum cht_err err =
        cli_list_of(s->c, s->a, "todos", where_of(s, in_progress), "started_at", DONE_MAX, &list);
    if (err == CHT_OK)
        err = rows_of(s, list, "content", "started_at", "status", s->doing);
    if (err == CHT_OK)
        err = cli_agent_fail(s->c, s->a,
                             agent_query(s->a, json_pack("{s:s}", "operation", "claims"), &claims));
    json_array_foreach(s->doing, i, row)
    {
        const json_t *claim = claim_of(claims, bridge_json_str(row, "chittyId"));
        if (claim == NULL)
            continue;
        (void)json_object_set_new(row, "by", cli_who_holds(claim));
        cli_json_set_text(row, "claim", bridge_json_str(claim, "state"));
        cli_json_set_when(row, "at", bridge_json_int(claim, "since", 0));
    }
    json_decref(claims);
    json_decref(list);
    return err;
}

/* What it waits for: its dependencies, as they are called. */
static json_t *waits_for(const json_t *record)
{
    json_t *titles = json_object_get(json_object_get(record, "titles"), "dependencies");
    json_t *out = json_array(), *id;
    size_t i;
    json_array_foreach(json_object_get(cli_data_of(record), "dependencies"), i, id)
    {
        const char *text = json_string_value(id);
        (void)json_array_append_new(
            out, json_pack("{s:s, s:s*}", "chittyId", text == NULL ? "" : text, "title",
                           text == NULL ? NULL : bridge_json_str(titles, text)));
    }
    return out;
}

static enum cht_err take_blocked(struct standup *s)
{
    json_t *list = NULL, *record;
    size_t i;
    const enum cht_err err = list_is(s, "blocked", DONE_MAX, &list);
    json_array_foreach(list, i, record)
    {
        json_t *row = row_of(record, "content", 0);
        (void)json_object_set_new(row, "waitsFor", waits_for(record));
        (void)json_array_append_new(s->blocked, row);
    }
    json_decref(list);
    return err;
}

static enum cht_err take_next(struct standup *s)
{
    json_t *list = NULL, *record;
    size_t i;
    const enum cht_err err = list_is(s, "ready", NEXT_MAX, &list);
    json_array_foreach(list, i, record)
    {
        json_t *row = row_of(record, "content", 0);
        cli_json_set_text(row, "priority", bridge_json_str(cli_data_of(record), "priority"));
        cli_json_set_when(row, "deadline", bridge_json_int(cli_data_of(record), "deadline", 0));
        (void)json_array_append_new(s->next, row);
    }
    json_decref(list);
    return err;
}

static enum cht_err take_notes(struct standup *s)
{
    json_t *list = NULL;
    json_t *since = cli_where("created", "from", json_integer((json_int_t)s->since_ms));
    enum cht_err err =
        cli_list_of(s->c, s->a, "checkpoints", where_of(s, since), "created", DONE_MAX, &list);
    if (err == CHT_OK)
        err = rows_of(s, list, "title", "created", "title", s->notes);
    json_decref(list);
    return err;
}

/* --- telling ------------------------------------------------------------------------------- */

static void put_waits(struct cli_out *out, const json_t *waits)
{
    size_t i;
    json_t *one;
    json_array_foreach(waits, i, one)
    {
        const char *title = bridge_json_str(one, "title"), *id = bridge_json_str(one, "chittyId");
        const struct agent_short brief = agent_short(id == NULL ? "" : id);
        cli_put_text(out, i == 0 ? "  waits for " : ", ");
        cli_put_line_of(out, title != NULL ? title : brief.text);
    }
}

/* As wide as the widest id of these. */
static size_t ids_width(const json_t *rows)
{
    size_t i, width = 0;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *id = bridge_json_str(row, "chittyId");
        const size_t len = strlen(agent_short(id == NULL ? "" : id).text);
        width = len > width ? len : width;
    }
    return width;
}

static void put_rows(struct standup *s, const char *name, const json_t *rows)
{
    struct cli_out *out = &s->c->out;
    const size_t width = ids_width(rows);
    size_t i;
    json_t *row;
    if (json_array_size(rows) == 0)
        return;
    cli_put_style(out, CLI_BOLD);
    cli_printf(out, "%s\n", name);
    cli_put_style(out, CLI_PLAIN);
    json_array_foreach(rows, i, row)
    {
        const char *id = bridge_json_str(row, "chittyId");
        const struct agent_short brief = agent_short(id == NULL ? "" : id);
        const json_t *by = json_object_get(row, "by");
        cli_put_text(out, "  ");
        cli_put_cell_of(out, brief.text, width);
        cli_put_text(out, "  ");
        cli_put_line_of(out, bridge_json_str(row, "title"));
        if (by != NULL) {
            cli_put_style(out, CLI_DIM);
            cli_put_text(out, "  (");
            cli_put_who(out, by);
            cli_put_char(out, ')');
            cli_put_style(out, CLI_PLAIN);
        }
        put_waits(out, json_object_get(row, "waitsFor"));
        cli_put_char(out, '\n');
    }
}

static void tell(struct standup *s)
{
    struct cli_context *c = s->c;
    if (c->json) {
        json_t *data =
            json_pack("{s:o, s:O, s:O, s:O, s:O, s:O}", "since",
                      cli_json_when((json_int_t)s->since_ms), "done", s->done, "doing", s->doing,
                      "blocked", s->blocked, "next", s->next, "notes", s->notes);
        if (s->project[0] != '\0')
            cli_json_set_text(data, "project", s->project);
        cli_json_tree(c, c->command->kind, data);
        return;
    }
    put_rows(s, "done", s->done);
    put_rows(s, "in progress", s->doing);
    put_rows(s, "blocked", s->blocked);
    put_rows(s, "next", s->next);
    put_rows(s, "notes", s->notes);
    if (json_array_size(s->done) + json_array_size(s->doing) + json_array_size(s->blocked) +
            json_array_size(s->next) + json_array_size(s->notes) ==
        0)
        cli_put_text(&c->out, "nothing was done, and nothing is to be done\n");
}

static enum cht_err gather(struct standup *s)
{
    const char *since = cli_flag(s->c, "since");
    enum cht_err err =
        cli_date_take(s->c, "since", cht_bytes_str(since == NULL ? "yesterday" : since),
                      CLI_DAY_START, &s->since_ms);
    if (err == CHT_OK)
        err = cli_agent_open(s->c, &s->a);
    if (err == CHT_OK)
        err = cli_project_meant(s->c, s->a, false, s->project);
    if (err == CHT_OK)
        err = cli_who_open(s->c, s->a, &s->who);
    if (err == CHT_OK)
        err = take_done(s);
    if (err == CHT_OK)
        err = take_doing(s);
    if (err == CHT_OK)
        err = take_blocked(s);
    if (err == CHT_OK)
        err = take_next(s);
    return err == CHT_OK ? take_notes(s) : err;
}

static enum cht_err run(struct cli_context *c)
{
    struct standup s = { .c = c,
                         .done = json_array(),
                         .doing = json_array(),
                         .blocked = json_array(),
                         .next = json_array(),
                         .notes = json_array() };
    const enum cht_err err = gather(&s);
    if (err == CHT_OK)
        tell(&s);
    json_decref(s.done);
    json_decref(s.doing);
    json_decref(s.blocked);
    json_decref(s.next);
    json_decref(s.notes);
    cli_who_close(&s.who);
    agent_close(s.a);
    return err;
}

static const struct cli_flag flags[] = {
    { "since", "TIME", "what was done since then; usually yesterday" },
    { "project", "ID", "only of this project" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_standup = {
    .name = "standup",
    .summary = "Who did what on all machines, what is under way, what waits, and what is next.",
    .arguments = "",
    .details = "Made of the records that are on this machine, without a network. A todo is done by "
               "who completed it, in progress by who holds it, or, where nobody does, by who began "
               "it. The notes are the checkpoints since then.",
    .group = CLI_EVERYDAY,
    .kind = "standup",
    .pages = true,
    .examples = "chitty standup\n"
                "chitty standup --since \"last monday\" --project garden\n"
                "chitty standup --json",
    .flags = flags,
    .run = run,
};
