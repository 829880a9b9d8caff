/* nudge now, nudge commit: a word about the tracker, and on a terminal the question what to note.
 */
#include "cli/base/nudge.h"

#include "cli/base/change.h"
#include "cli/base/dates.h"
#include "cli/base/fields.h"
#include "cli/base/me.h"
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "crdt/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#define PROJECTS 9u /* one digit each */
#define STARTED  5u /* todos under way that are shown */

/* --- what there is -------------------------------------------------------------------------- */

struct row {
    char id[64];
    char title[200];
    uint64_t created_ms;
};

struct rows {
    struct row list[PROJECTS];
    size_t count;
    const char *title; /* the field that is one */
};

static enum cht_err take(void *ctx, const struct node_msg *answer)
{
    struct rows *rows = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    while (rows->count < PROJECTS && answer->type == NODE_MSG_STATE_SNAPSHOT &&
           node_mp_next(&it, NULL, &record)) {
        struct row *r = &rows->list[rows->count++];
        const struct cht_bytes data = node_mp_get(record, "data");
        const struct cht_bytes id = node_mp_get_str(record, "chittyId");
        const struct cht_bytes title = node_mp_get_str(data, rows->title);
        (void)snprintf(r->id, sizeof r->id, "%.*s", (int)id.len, (const char *)id.data);
        (void)snprintf(r->title, sizeof r->title, "%.*s",
                       (int)(title.len < sizeof r->title ? title.len : sizeof r->title - 1),
                       title.data == NULL ? "" : (const char *)title.data);
        r->created_ms = node_mp_get_uint(data, "created", 0);
    }
    return CHT_OK;
}

/* The first few of a domain; `is` holds of `status`, when it is not NULL. */
static enum cht_err first_of(struct cli_context *c, unsigned type, const char *status,
                             const char *sort, uint64_t limit, struct rows *out)
{
    struct cli_request r = { 0 };
    *out = (struct rows){ .title = crdt_schema(type)->title_field };
    enum cht_err err = cli_request_begin(c, NODE_MSG_QUERY, &r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&r.message, status == NULL ? 4 : 5);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "operation", "list");
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "domain", crdt_type_domain(type));
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "sort", sort);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&r.message, "limit", limit);
    if (err == CHT_OK && status != NULL) {
        err = node_mp_put_text(&r.message, "filter");
        if (err == CHT_OK)
            err = crdt_mp_put_map(&r.message, 1);
        if (err == CHT_OK)
            err = node_mp_put_key_text(&r.message, "status", status);
    }
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, take, out);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

static enum cht_err tell(struct cli_context *c)
{
    struct rows rows;
    char when[CLI_DATE_MAX];
    enum cht_err err = first_of(c, CRDT_CHECKPOINT, NULL, "-created", 1, &rows);
    if (err == CHT_OK && rows.count != 0) {
        cli_date_local(rows.list[0].created_ms, when);
        cli_printf(&c->out, "last checkpoint %s  ", when);
        cli_put_line(&c->out, cht_bytes_str(rows.list[0].title));
        cli_put_char(&c->out, '\n');
    } else if (err == CHT_OK) {
        cli_put_text(&c->out, "no checkpoint yet\n");
    }
    if (err == CHT_OK)
        err = first_of(c, CRDT_TODO, "in_progress", "-modified", STARTED, &rows);
    for (size_t i = 0; err == CHT_OK && i < rows.count; i++) {
        cli_put_text(&c->out, "in progress  ");
        cli_put_line(&c->out, cht_bytes_str(rows.list[i].title));
        cli_put_char(&c->out, '\n');
    }
    return err;
}

/* --- asking --------------------------------------------------------------------------------- */

/* A line of the terminal, without its end; false: there is none. */
static bool read_line(struct cli_context *c, const char *question, char *out, int size)
{
    cli_put_text(&c->out, question);
    if (cli_out_flush(&c->out) != CHT_OK || fgets(out, size, stdin) == NULL)
        return false;
    out[strcspn(out, "\r\n")] = '\0';
    return true;
}

/* Which project is meant: of several the number typed, Enter being the one chosen last. `*out_said`
 * is false when nobody answers. */
static enum cht_err choose(struct cli_context *c, struct cli_nudge *n, bool *out_said)
{
    struct rows rows;
    char line[64], question[64];
    size_t usual = 0;
    enum cht_err err = first_of(c, CRDT_PROJECT, NULL, "-modified", PROJECTS, &rows);
    for (size_t i = 0; err == CHT_OK && i < rows.count; i++) {
        usual = strcmp(rows.list[i].id, n->project) == 0 ? i : usual;
        cli_printf(&c->out, "%zu  ", i + 1);
        cli_put_line(&c->out, cht_bytes_str(rows.list[i].title));
        cli_put_char(&c->out, '\n');
    }
    (void)snprintf(question, sizeof question, "project [%zu, - for none]: ", usual + 1);
    *out_said = true;
    n->project[0] = '\0';
    while (err == CHT_OK && rows.count != 0) {
        char *end = NULL;
        *out_said = read_line(c, question, line, sizeof line);
        if (!*out_said || strcmp(line, "-") == 0)
            break;
        const unsigned long typed = line[0] == '\0' ? usual + 1 : strtoul(line, &end, 10);
        if ((end != NULL && *end != '\0') || typed < 1 || typed > rows.count)
            continue;
        (void)snprintf(n->project, sizeof n->project, "%s", rows.list[typed - 1].id);
        break;
    }
    return err;
}

/* The terminal as people type lines; a shell whose key was pressed reads it key by key. */
static void read_lines(struct termios *was)
{
    struct termios lines;
    if (tcgetattr(STDIN_FILENO, was) != 0)
        return;
    lines = *was;
    lines.c_iflag |= (tcflag_t)ICRNL;
    lines.c_oflag |= (tcflag_t)(OPOST | ONLCR);
    lines.c_lflag |= (tcflag_t)(ICANON | ECHO | ECHOE | ISIG);
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &lines);
}

static enum cht_err ask(struct cli_context *c)
{
    struct cli_nudge n;
    char title[LIMIT_TITLE_BYTES + 2] = "", user[CLI_ME_MAX];
    bool said = false;
    cli_nudge_read(&n);
    enum cht_err err = choose(c, &n, &said);
    if (err != CHT_OK || !said ||
        !read_line(c, "what did you do? [Enter for nothing]: ", title, sizeof title) ||
        title[strspn(title, " \t")] == '\0')
        return err;
    c->type = CRDT_CHECKPOINT;
    cli_user(user);
    if (user[0] != '\0')
        cli_field_give(c, "author", user);
    if (n.project[0] != '\0')
        cli_field_give(c, "project", n.project);
    cli_field_give(c, "kind", "manual");
    err =
        cli_change(c, &(struct cli_change){ .op = NODE_CREATE, .title = title, .with_data = true });
    n.said_ms = c->now_ms;
    return err == CHT_OK ? cli_nudge_write(&n, &c->fault) : err;
}

/* --- the commands --------------------------------------------------------------------------- */

static enum cht_err run_now(struct cli_context *c)
{
    enum cht_err err = tell(c);
    if (err != CHT_OK)
        return err;
    if (isatty(STDIN_FILENO) == 1 && c->out.terminal) {
        struct termios was = { 0 };
        read_lines(&was);
        err = ask(c);
        (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &was);
        return err;
    }
    cli_put_text(&c->out, "note where you are: chitty checkpoint TEXT\n");
    return CHT_OK;
}

/* From a hook: one line, without asking the node, and never a failure. */
static enum cht_err run_commit(struct cli_context *c)
{
    struct cli_nudge n;
    const char *key = getenv("CHITTY_NUDGE_KEY");
    cli_nudge_read(&n);
    if (!cli_nudge_wanted(&n, c->now_ms))
        return CHT_OK;
    cli_put_text(&c->out, "[chitty] Remember to update your tracker: ");
    if (key != NULL && key[0] != '\0') {
        cli_put_text(&c->out, "press ");
        cli_put_line(&c->out, cht_bytes_str(key));
    } else {
        cli_put_text(&c->out, "chitty nudge now");
    }
    cli_put_char(&c->out, '\n');
    n.told_ms = c->now_ms;
    cli_nudge_keep(&n);
    return CHT_OK;
}

const struct cli_command cli_nudge_now = {
    .name = "now",
    .summary = "What was noted last and is under way; on a terminal, asks what to note.",
    .arguments = "",
    .details = "The project is chosen by its number; Enter takes the one of the last time. What is "
               "typed then becomes a checkpoint.",
    .kind = "",
    .examples = "chitty nudge now",
    .run = run_now,
};

const struct cli_command cli_nudge_commit = {
    .name = "commit",
    .summary = "The line that is shown after a commit, unless nudges are off.",
    .arguments = "",
    .details =
        "Shell integration and the git hook call it. Nothing is said for ten minutes after a "
        "checkpoint, nor while nudges are snoozed or off.",
    .kind = "",
    .examples = "chitty nudge commit",
    .run = run_commit,
};
