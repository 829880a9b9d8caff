/* project report: who has how much to do in a project, and how far its milestones are. */
#include "cli/base/json.h"
#include "cli/base/milestone.h"
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "crdt/limits.h"

#include <stdlib.h>

struct tally {
    struct cht_bytes name;
    char *text;             /* its bytes */
    struct cht_bytes value; /* what the project says of it, in the report's record */
    uint64_t open, started, done, late, minutes;
};

struct tallies {
    struct tally *list;
    size_t count, cap;
};

struct report {
    struct cli_context *c;
    struct cht_buf project; /* its record */
    struct tally all;
    struct tallies people, milestones;
};

/* The tally of that name, made when it is new; NULL: no memory. */
static struct tally *tally_of(struct tallies *t, struct cht_bytes name)
{
    for (size_t i = 0; i < t->count; i++) {
        if (cht_bytes_eq(t->list[i].name, name))
            return &t->list[i];
    }
    if (t->count == t->cap) {
        const size_t cap = t->cap == 0 ? 16 : 2 * t->cap;
        struct tally *grown = realloc(t->list, cap * sizeof *grown);
        if (grown == NULL)
            return NULL;
        t->list = grown;
        t->cap = cap;
    }
    char *text = malloc(name.len + 1);
    if (text == NULL)
        return NULL;
    if (name.len != 0)
        memcpy(text, name.data, name.len);
    t->list[t->count] = (struct tally){ .name = cht_bytes(text, name.len), .text = text };
    return &t->list[t->count++];
}

static void clear(struct tallies *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->list[i].text);
    free(t->list);
}

static void count(struct tally *t, struct cht_bytes data, uint64_t now_ms)
{
    const struct cht_bytes status = node_mp_get_str(data, "status");
    if (cht_bytes_eq(status, cht_bytes_str("cancelled")))
        return;
    if (cht_bytes_eq(status, cht_bytes_str("completed"))) {
        t->done++;
        return;
    }
    t->open++;
    t->started += cht_bytes_eq(status, cht_bytes_str("in_progress"));
    t->late += node_mp_get_uint(data, "deadline", UINT64_MAX) < now_ms;
    t->minutes += node_mp_get_uint(data, "estimate", 0);
}

static enum cht_err count_todo(struct report *r, struct cht_bytes data)
{
    const uint64_t now = r->c->now_ms;
    struct node_mp_iter it = node_mp_iter(node_mp_get(data, "assignees"));
    struct cht_bytes who = { 0 };
    bool more = node_mp_next(&it, NULL, &who);
    count(&r->all, data, now);
    do { /* one of nobody counts too */
        struct tally *t = tally_of(&r->people, node_mp_str(who));
        if (t == NULL)
            return CHT_E_NOMEM;
        count(t, data, now);
        more = more && node_mp_next(&it, NULL, &who);
    } while (more);
    const struct cht_bytes milestone = node_mp_get_str(data, "milestone");
    struct tally *t = milestone.len == 0 ? &r->all : tally_of(&r->milestones, milestone);
    if (t != NULL && t != &r->all)
        count(t, data, now);
    return t == NULL ? CHT_E_NOMEM : CHT_OK;
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct report *r = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && answer->type == NODE_MSG_STATE_SNAPSHOT &&
           node_mp_next(&it, NULL, &record))
        err = count_todo(r, node_mp_get(record, "data"));
    return err;
}

static struct cht_bytes project_id(const struct report *r)
{
    return node_mp_get_str(cht_buf_view(&r->project), "chittyId");
}

static enum cht_err ask_todos(struct cli_context *c, struct report *r)
{
    static const char *const fields[] = { "status", "assignees", "milestone", "estimate",
                                          "deadline" };
    struct cli_request q;
    struct cht_buf *b = &q.message;
    enum cht_err err = cli_request_begin(c, NODE_MSG_QUERY, &q);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 4);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "operation", "list");
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "domain", crdt_type_domain(CRDT_TODO));
    if (err == CHT_OK)
        err = node_mp_put_text(b, "filter");
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 1);
    if (err == CHT_OK)
        err = node_mp_put_key_str(b, "project", project_id(r));
    if (err == CHT_OK)
        err = node_mp_put_text(b, "fields");
    if (err == CHT_OK)
        err = crdt_mp_put_array(b, 5);
    for (size_t i = 0; err == CHT_OK && i < 5; i++)
        err = node_mp_put_text(b, fields[i]);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &q, true, each, r);
    cli_request_clear(&q);
    return cli_fail(c, err);
}

/* --- the project ---------------------------------------------------------------------------- */

static enum cht_err keep_project(void *ctx, const struct node_msg *answer)
{
    struct report *r = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    if (answer->type != NODE_MSG_STATE_SNAPSHOT || !node_mp_next(&it, NULL, &record))
        return CHT_OK;
    return cht_buf_add(&r->project, record);
}

/* A tally for each key of a map of the project, also where no todo counts for it. */
static enum cht_err begin_tallies(struct tallies *t, struct cht_bytes map)
{
    struct node_mp_iter it = node_mp_iter(map);
    struct cht_bytes key, value;
    while (it.is_map && node_mp_next(&it, &key, &value)) {
        struct tally *one = tally_of(t, node_mp_str(key));
        if (one == NULL)
            return CHT_E_NOMEM;
        one->value = value;
    }
    return CHT_OK;
}

static enum cht_err ask_project(struct cli_context *c, struct report *r)
{
    struct cli_request q;
    c->type = CRDT_PROJECT;
    enum cht_err err = cli_query(c, "get", c->args[0], 0, &q);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &q, true, keep_project, r);
    cli_request_clear(&q);
    const struct cht_bytes data = node_mp_get(cht_buf_view(&r->project), "data");
    if (err == CHT_OK)
        err = begin_tallies(&r->people, node_mp_get(data, "allocation"));
    if (err == CHT_OK)
        err = begin_tallies(&r->milestones, node_mp_get(data, "milestones"));
    return cli_fail(c, err);
}

/* --- printing ------------------------------------------------------------------------------- */

/* `said`: the name under which stands what the project says of it. */
static void json_tally(struct cli_out *out, const struct tally *t, const char *said)
{
    cli_put_text(out, "{\"name\":");
    cli_json_text(out, t->name);
    cli_printf(out, ",\"open\":%llu,\"started\":%llu,\"late\":%llu,\"done\":%llu,\"minutes\":%llu",
               (unsigned long long)t->open, (unsigned long long)t->started,
               (unsigned long long)t->late, (unsigned long long)t->done,
               (unsigned long long)t->minutes);
    if (t->value.len != 0) {
        cli_printf(out, ",\"%s\":", said);
        cli_json_value(out, t->value);
    }
    cli_put_char(out, '}');
}

static void json_tallies(struct cli_out *out, const char *name, const struct tallies *t,
                         const char *said)
{
    cli_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < t->count; i++) {
        if (i != 0)
            cli_put_char(out, ',');
        json_tally(out, &t->list[i], said);
    }
    cli_put_char(out, ']');
}

static void put_tally(struct cli_out *out, const struct tally *t, const char *nobody)
{
    cli_put_cell(out, t->name.len == 0 ? cht_bytes_str(nobody) : t->name, 24);
    cli_printf(out, "  %4llu open  %4llu begun  %4llu late  %4llu done  %5llu min",
               (unsigned long long)t->open, (unsigned long long)t->started,
               (unsigned long long)t->late, (unsigned long long)t->done,
               (unsigned long long)t->minutes);
}

static void put_share(struct cli_out *out, struct cht_bytes share)
{
    const enum crdt_mp_kind kind = node_mp_kind(share);
    if (share.len == 0)
        return;
    cli_put_text(out, "  share ");
    cli_put_value(out, NULL, share);
    if (kind == CRDT_MP_UINT || kind == CRDT_MP_FLOAT)
        cli_put_char(out, '%');
}

static void put_tallies(struct cli_out *out, const struct tallies *t, bool milestones)
{
    if (t->count == 0)
        return;
    const char *title = milestones ? "by milestone" : "by assignee";
    cli_put_style(out, CLI_BOLD);
    cli_put_text(out, title);
    cli_put_style(out, CLI_PLAIN);
    cli_put_char(out, '\n');
    for (size_t i = 0; i < t->count; i++) {
        put_tally(out, &t->list[i], "(nobody)");
        if (milestones)
            cli_put_milestone(out, "  ", t->list[i].value);
        else
            put_share(out, t->list[i].value);
        cli_put_char(out, '\n');
    }
}

static void print(struct cli_context *c, const struct report *r)
{
    if (!c->json) {
        put_tally(&c->out, &r->all, "all");
        cli_put_char(&c->out, '\n');
        put_tallies(&c->out, &r->people, false);
        put_tallies(&c->out, &r->milestones, true);
        return;
    }
    cli_json_begin(&c->out, "report");
    cli_put_text(&c->out, "{\"project\":");
    cli_json_text(&c->out, project_id(r));
    cli_put_text(&c->out, ",\"all\":");
    json_tally(&c->out, &r->all, "");
    json_tallies(&c->out, "assignees", &r->people, "share");
    json_tallies(&c->out, "milestones", &r->milestones, "value");
    cli_put_char(&c->out, '}');
    cli_json_end(&c->out);
}

static enum cht_err run(struct cli_context *c)
{
    struct report r = { .c = c };
    cht_buf_init(&r.project, LIMIT_CLIENT_BYTES);
    enum cht_err err = ask_project(c, &r);
    if (err == CHT_OK)
        err = ask_todos(c, &r);
    if (err == CHT_OK)
        print(c, &r);
    cht_buf_clear(&r.project);
    clear(&r.people);
    clear(&r.milestones);
    return err;
}

const struct cli_command cli_project_report = {
    .name = "report",
    .summary = "How much there is to do in a project, by assignee and by milestone.",
    .arguments = "ID",
    .details =
        "Cancelled todos are not counted; one with two assignees counts for both. Minutes are"
        " the estimates of what is open. The project's own milestones are listed whether or not"
        " todos count for them, and beside assignees their share by `allocation`.",
    .kind = "report",
    .examples = "chitty project report PROJ-4F2KJ5ZK\n"
                "chitty project report PROJ-4F2KJ5ZK --json",
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
