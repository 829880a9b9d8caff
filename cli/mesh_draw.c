/* The mesh as a tree and as a graph. */
#include "cli/base/record.h"
#include "cli/mesh.h"

static const char *text(const json_t *object, const char *key)
{
    return cli_tree_text(object, key);
}

static bool ended(const json_t *todo)
{
    return strcmp(text(todo, "status"), "completed") == 0 ||
           strcmp(text(todo, "status"), "cancelled") == 0;
}

static const json_t *find(const json_t *list, const char *id)
{
    const json_t *one;
    size_t at;
    json_array_foreach(list, at, one)
    {
        if (strcmp(text(one, "chittyId"), id) == 0)
            return one;
    }
    return NULL;
}

/* The next todo that this one waits for, which is shown and not done; `*at` goes on. */
static const json_t *next_wait(const json_t *mesh, const json_t *todo, size_t *at)
{
    const json_t *links = json_object_get(mesh, "links"), *link;
    while ((link = json_array_get(links, (*at)++)) != NULL) {
        if (strcmp(text(link, "kind"), "waits") != 0 ||
            strcmp(text(link, "from"), text(todo, "chittyId")) != 0)
            continue;
        const json_t *other = find(json_object_get(mesh, "todos"), text(link, "to"));
        if (other != NULL && !ended(other))
            return other;
    }
    return NULL;
}

/* --- the tree -------------------------------------------------------------------------------- */

static const char *mark_of(const json_t *mesh, const json_t *todo)
{
    size_t at = 0;
    const char *status = text(todo, "status");
    if (strcmp(status, "completed") == 0)
        return "✔ ";
    if (strcmp(status, "cancelled") == 0)
        return "✘ ";
    if (strcmp(status, "in_progress") == 0)
        return "▶ ";
    return strcmp(status, "blocked") == 0 || next_wait(mesh, todo, &at) != NULL ? "◌ " : "○ ";
}

static void put_holder(struct cli_out *out, const json_t *todo)
{
    const char *name = text(todo, "holderName"), *device = text(todo, "device");
    if (text(todo, "holder")[0] == '\0')
        return;
    cli_put_text(out, ", held by ");
    cli_tree_id(out, name[0] != '\0' ? name : text(todo, "holder"));
    if (device[0] == '\0')
        return;
    cli_put_text(out, " on ");
    cli_tree_line(out, device);
}

static void put_origins(struct cli_out *out, const json_t *mesh, const json_t *todo)
{
    const json_t *sessions = json_object_get(todo, "sessions"), *id;
    const char *before = ", merged from ";
    size_t at;
    json_array_foreach(sessions, at, id)
    {
        const json_t *session = find(json_object_get(mesh, "sessions"), json_string_value(id));
        if (json_array_size(sessions) < 2)
            break;
        cli_put_text(out, before);
        cli_tree_id(out, session == NULL ? json_string_value(id) : text(session, "name"));
        before = " + ";
    }
}

static void put_todo(struct cli_context *c, const json_t *mesh, const json_t *todo, bool last)
{
    struct cli_out *out = &c->out;
    const char *before = ", waits for ";
    const json_t *other;
    size_t at = 0;
    cli_put_text(out, last ? "└─ " : "├─ ");
    cli_put_text(out, mark_of(mesh, todo));
    cli_tree_line(out, text(todo, "title"));
    cli_put_text(out, "  ");
    cli_put_style(out, CLI_DIM);
    cli_tree_id(out, text(todo, "chittyId"));
    cli_put_style(out, CLI_PLAIN);
    put_origins(out, mesh, todo);
    put_holder(out, todo);
    while (!ended(todo) && (other = next_wait(mesh, todo, &at)) != NULL) {
        cli_put_text(out, before);
        cli_tree_line(out, text(other, "title"));
        before = ", ";
    }
    cli_put_char(out, '\n');
}

/* Is it drawn below that session, NULL: below none? */
static bool below(const json_t *mesh, const json_t *todo, const json_t *session)
{
    const json_t *id = json_array_get(json_object_get(todo, "sessions"), 0);
    const json_t *own =
        id == NULL ? NULL : find(json_object_get(mesh, "sessions"), json_string_value(id));
    return own == session;
}

static void put_todos(struct cli_context *c, const json_t *mesh, const json_t *session)
{
    const json_t *todo, *before = NULL;
    size_t at;
    json_array_foreach(json_object_get(mesh, "todos"), at, todo)
    {
        if (!below(mesh, todo, session))
            continue;
        if (before != NULL)
            put_todo(c, mesh, before, false);
        else if (session == NULL)
            cli_put_text(&c->out, "of no session that is shown\n");
        before = todo;
    }
    if (before != NULL)
        put_todo(c, mesh, before, true);
}

void mesh_put_tree(struct cli_context *c, const json_t *mesh)
{
    struct cli_out *out = &c->out;
    const json_t *session, *left = json_object_get(mesh, "left");
    size_t at;
    json_array_foreach(json_object_get(mesh, "sessions"), at, session)
    {
        cli_put_style(out, CLI_BOLD);
        cli_tree_line(out, text(session, "name"));
        cli_put_style(out, CLI_PLAIN);
        cli_put_text(out, "  ");
        cli_tree_line(out, text(session, "status"));
        cli_put_text(out, text(session, "device")[0] != '\0' ? " on " : "");
        cli_tree_line(out, text(session, "device"));
        cli_put_char(out, '\n');
        put_todos(c, mesh, session);
    }
    put_todos(c, mesh, NULL);
    if (bridge_json_int(left, "todos", 0) != 0 || bridge_json_int(left, "sessions", 0) != 0)
        cli_printf(out, "not shown: %lld todos, %lld sessions (--limit, --project)\n",
                   (long long)bridge_json_int(left, "todos", 0),
                   (long long)bridge_json_int(left, "sessions", 0));
}

/* --- the graph ------------------------------------------------------------------------------- */

/* A string of DOT: quotes and backslashes are escaped, control characters become blanks. */
static void put_quoted(struct cli_out *out, const char *s)
{
    cli_put_char(out, '"');
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\')
            cli_put_char(out, '\\');
        cli_put_char(out, (unsigned char)*s < ' ' || *s == 0x7F ? ' ' : *s);
    }
    cli_put_char(out, '"');
}

static void put_node(struct cli_out *out, const json_t *one, const char *label, const char *more)
{
    cli_put_text(out, "  ");
    put_quoted(out, text(one, "chittyId"));
    cli_put_text(out, " [label=");
    put_quoted(out, label);
    cli_put_text(out, more);
    cli_put_text(out, "];\n");
}

static const char *look_of(const json_t *todo)
{
    if (ended(todo))
        return ", style=dashed";
    return strcmp(text(todo, "status"), "in_progress") == 0 ? ", style=bold" : "";
}

void mesh_put_dot(struct cli_context *c, const json_t *mesh)
{
    struct cli_out *out = &c->out;
    const json_t *sessions = json_object_get(mesh, "sessions"),
                 *todos = json_object_get(mesh, "todos"), *one;
    size_t at;
    cli_put_text(out, "digraph chitty {\n  rankdir=LR;\n");
    json_array_foreach(sessions, at, one)
    {
        put_node(out, one, text(one, "name"), ", shape=box, style=rounded");
    }
    json_array_foreach(todos, at, one)
    {
        put_node(out, one, text(one, "title"), look_of(one));
    }
    json_array_foreach(json_object_get(mesh, "links"), at, one)
    {
        const char *kind = text(one, "kind"), *from = text(one, "from"), *to = text(one, "to");
        if ((find(sessions, from) == NULL && find(todos, from) == NULL) || find(todos, to) == NULL)
            continue; /* not shown */
        cli_put_text(out, "  ");
        put_quoted(out, from);
        cli_put_text(out, " -> ");
        put_quoted(out, to);
        cli_put_text(out, strcmp(kind, "waits") == 0   ? " [label=\"waits for\"];\n"
                          : strcmp(kind, "holds") == 0 ? " [label=holds, style=bold];\n"
                                                       : " [color=gray];\n");
    }
    cli_put_text(out, "}\n");
}
