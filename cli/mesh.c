/* chitty mesh: sessions, their todos, and what waits for what. */
#include "cli/mesh.h"

#include "cli/base/request.h"
#include "cli/commands.h"

#include <stdio.h>

#define SESSIONS_USUAL 100u
#define TODOS_USUAL    500u
#define SHOWN_MAX      10000u

struct mesh {
    struct cli_context *c;
    const char *project; /* as it was said; NULL: all */
    uint64_t limit;      /* of todos; 0: as usual */
    char project_id[64]; /* its id */
    json_t *devices;     /* hex to name */
    json_t *doc;
};

/* --- asking ---------------------------------------------------------------------------------- */

/* Sessions are asked for without the project: those count too whose todos are in it. */
static json_t *filter_of(const struct mesh *m, const char *domain)
{
    return m->project == NULL || strcmp(domain, "sessions") == 0
               ? json_object()
               : json_pack("{s:s}", "project", m->project);
}

/* Records in the order given, at most `limit`, and how many more there are. */
static enum cht_err ask(struct mesh *m, const char *domain, json_t *fields, const char *sort,
                        uint64_t limit, json_t **out, json_int_t *out_left)
{
    json_t *result = NULL, *records = NULL;
    enum cht_err err = cli_tree_ask(
        m->c, NODE_MSG_QUERY,
        json_pack("{s:s,s:s,s:o,s:o,s:s,s:I}", "operation", "list", "domain", domain, "fields",
                  fields, "filter", filter_of(m, domain), "sort", sort, "limit", (json_int_t)limit),
        &records);
    if (err == CHT_OK)
        err = cli_tree_ask(m->c, NODE_MSG_QUERY,
                           json_pack("{s:s,s:s,s:o,s:b}", "operation", "list", "domain", domain,
                                     "filter", filter_of(m, domain), "count", 1),
                           &result);
    if (err == CHT_OK) {
        *out_left = bridge_json_int(result, "count", 0) - (json_int_t)json_array_size(records);
        *out = json_incref(records);
    }
    json_decref(result);
    json_decref(records);
    return err;
}

static enum cht_err name_devices(struct mesh *m)
{
    json_t *result = NULL;
    const json_t *one;
    size_t at;
    enum cht_err err = cli_tree_command(m->c, "members", NULL, &result);
    m->devices = json_object();
    json_array_foreach(json_object_get(result, "members"), at, one)
    {
        (void)json_object_set_new(m->devices, cli_tree_text(one, "device"),
                                  json_string(cli_tree_text(one, "name")));
    }
    json_decref(result);
    return err;
}

static enum cht_err read_project(struct mesh *m)
{
    json_t *records = NULL;
    if (m->project == NULL)
        return CHT_OK;
    enum cht_err err =
        cli_tree_ask(m->c, NODE_MSG_QUERY,
                     json_pack("{s:s,s:s,s:{s:s},s:[]}", "operation", "get", "domain", "projects",
                               "entity", "chittyId", m->project, "fields"),
                     &records);
    if (err == CHT_OK)
        (void)snprintf(m->project_id, sizeof m->project_id, "%s",
                       cli_tree_text(json_array_get(records, 0), "chittyId"));
    json_decref(records);
    return err;
}

/* --- the document ---------------------------------------------------------------------------- */

static void put_text(json_t *object, const char *key, const char *text)
{
    if (text[0] != '\0')
        (void)json_object_set_new(object, key, json_string(text));
}

static void add_session(struct mesh *m, const json_t *record)
{
    json_t *data = json_object_get(record, "data"), *device;
    const char *title = cli_tree_text(data, "title"), *hex;
    json_t *one = json_pack("{s:s,s:s}", "chittyId", cli_tree_text(record, "chittyId"), "name",
                            title[0] != '\0' ? title : cli_tree_text(data, "session_id"));
    put_text(one, "status", cli_tree_text(data, "status"));
    json_object_foreach(json_object_get(data, "process"), hex, device)
        put_text(one, "device", cli_tree_text(m->devices, hex)); /* the last, where it moved */
    (void)json_array_append_new(json_object_get(m->doc, "sessions"), one);
}

static void add_link(struct mesh *m, const char *from, const char *to, const char *kind)
{
    (void)json_array_append_new(json_object_get(m->doc, "links"),
                                json_pack("{s:s,s:s,s:s}", "from", from, "to", to, "kind", kind));
}

/* The sessions that it came from, each once. */
static json_t *sessions_of(const json_t *record)
{
    json_t *list = json_array();
    const json_t *origin, *known;
    size_t at, k;
    const char *own = cli_tree_text(json_object_get(record, "data"), "session");
    if (own[0] != '\0')
        (void)json_array_append_new(list, json_string(own));
    json_array_foreach(json_object_get(record, "origins"), at, origin)
    {
        const char *session = cli_tree_text(origin, "session");
        bool again = session[0] == '\0';
        json_array_foreach(list, k, known)
        {
            again |= strcmp(json_string_value(known), session) == 0;
        }
        if (!again)
            (void)json_array_append_new(list, json_string(session));
    }
    return list;
}

static void add_todo(struct mesh *m, const json_t *record)
{
    const json_t *data = json_object_get(record, "data"), *one;
    const json_t *claim = json_object_get(data, "claim");
    const char *id = cli_tree_text(record, "chittyId");
    const char *holder = cli_tree_text(claim, "holder");
    json_t *sessions = sessions_of(record);
    json_t *todo = json_pack("{s:s,s:s,s:O}", "chittyId", id, "title",
                             cli_tree_text(data, "content"), "sessions", sessions);
    size_t at;
    put_text(todo, "status", cli_tree_text(data, "status"));
    put_text(todo, "holder", holder);
    put_text(todo, "device", cli_tree_text(m->devices, cli_tree_text(claim, "device")));
    json_array_foreach(sessions, at, one)
    {
        add_link(m, json_string_value(one), id, "made");
    }
    if (holder[0] != '\0')
        add_link(m, holder, id, "holds");
    json_array_foreach(json_object_get(data, "dependencies"), at, one)
    {
        if (json_is_string(one))
            add_link(m, id, json_string_value(one), "waits");
    }
    (void)json_array_append_new(json_object_get(m->doc, "todos"), todo);
    json_decref(sessions);
}

/* What todos are held by is told by name, where the session is here. */
static void name_holders(struct mesh *m)
{
    json_t *todo;
    const json_t *session;
    size_t at, k;
    json_array_foreach(json_object_get(m->doc, "todos"), at, todo)
    {
        const char *holder = cli_tree_text(todo, "holder");
        json_array_foreach(json_object_get(m->doc, "sessions"), k, session)
        {
            if (holder[0] != '\0' && strcmp(cli_tree_text(session, "chittyId"), holder) == 0)
                put_text(todo, "holderName", cli_tree_text(session, "name"));
        }
    }
}

/* Is the session of the project, or one that a todo which is shown names? */
static bool is_used(const struct mesh *m, const json_t *session)
{
    const char *id = cli_tree_text(session, "chittyId");
    const json_t *link;
    size_t at;
    if (strcmp(cli_tree_text(json_object_get(session, "data"), "project"), m->project_id) == 0)
        return true;
    json_array_foreach(json_object_get(m->doc, "links"), at, link)
    {
        if (strcmp(cli_tree_text(link, "from"), id) == 0)
            return true;
    }
    return false;
}

static enum cht_err gather(struct mesh *m)
{
    json_t *sessions = NULL, *todos = NULL;
    const json_t *one;
    json_int_t sessions_left = 0, todos_left = 0;
    size_t at;
    enum cht_err err = name_devices(m);
    if (err == CHT_OK)
        err = ask(m, "sessions",
                  json_pack("[sssss]", "title", "session_id", "status", "process", "project"),
                  "-last_active", SESSIONS_USUAL, &sessions, &sessions_left);
    if (err == CHT_OK)
        err = ask(m, "todos",
                  json_pack("[sssss]", "content", "status", "session", "dependencies", "claim"),
                  "created", m->limit, &todos, &todos_left);
    m->doc = json_pack("{s:[],s:[],s:[],s:{s:I,s:I}}", "sessions", "todos", "links", "left",
                       "sessions", sessions_left, "todos", todos_left);
    if (err == CHT_OK && m->doc == NULL)
        err = CHT_E_NOMEM;
    if (err == CHT_OK) {
        json_array_foreach(todos, at, one)
        {
            add_todo(m, one);
        }
        json_array_foreach(sessions, at, one)
        {
            if (m->project == NULL || is_used(m, one))
                add_session(m, one);
        }
        name_holders(m);
    }
    json_decref(sessions);
    json_decref(todos);
    return err;
}

/* --- the command ----------------------------------------------------------------------------- */

static enum cht_err run(struct cli_context *c)
{
    struct mesh m = { .c = c, .project = cli_flag(c, "project") };
    const char *shape = cli_flag(c, "output");
    enum cht_err err = cli_flag_uint(c, "limit", 1, SHOWN_MAX, TODOS_USUAL, &m.limit);
    if (err == CHT_OK)
        err = read_project(&m);
    if (err == CHT_OK)
        err = gather(&m);
    if (err == CHT_OK && m.project != NULL)
        put_text(m.doc, "project", m.project_id);
    if (err == CHT_OK && c->json)
        cli_tree_document(c, "mesh", json_incref(m.doc));
    else if (err == CHT_OK && shape != NULL && strcmp(shape, "dot") == 0)
        mesh_put_dot(c, m.doc);
    else if (err == CHT_OK)
        mesh_put_tree(c, m.doc);
    json_decref(m.doc);
    json_decref(m.devices);
    return cli_fail(c, err);
}

static const struct cli_flag flags[] = {
    { "project", "PROJECT", "only of this one" },
    { "limit", "N", "so many todos at most (usually 500)" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_mesh = {
    .name = "mesh",
    .summary = "Draw sessions, their todos, who holds what and what waits for what.",
    .arguments = "",
    .details = "The tree has each todo below the session that it came from, or the first of them. "
               "The marks: ✔ done, ✘ cancelled, ▶ being done, ◌ waiting for another, ○ free. With "
               "`-o dot` it is a graph for Graphviz.",
    .group = CLI_INSPECT,
    .kind = "mesh",
    .shapes = "tree,dot",
    .pages = true,
    .examples = "chitty mesh\n"
                "chitty mesh --project garden -o dot | dot -Tsvg > mesh.svg\n"
                "chitty mesh --json",
    .flags = flags,
    .run = run,
};
