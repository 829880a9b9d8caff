/* What sessions know for each other; see shared_context.h. */
#include "cli/base/shared_context.h"

#include "cli/base/dates.h"
#include "crdt/rfc3339.h"

#include <stdlib.h>

#define CONTEXTS_MAX    50u
#define CHECKPOINTS_MAX 5u
#define FILES_MAX       20u

struct shared {
    struct cli_context *c;
    struct agent *a;
    const char *project, *session;
    struct cli_sessions sessions;
    json_t *out;
};

static json_t *list_at(struct shared *s, const char *name)
{
    json_t *list = json_array();
    (void)json_object_set_new(s->out, name, list);
    return list;
}

static json_t *where_of(const struct shared *s)
{
    if (s->session != NULL)
        return json_pack("[o]", cli_where("session", "is", json_string(s->session)));
    return s->project[0] == '\0'
               ? NULL
               : json_pack("[o]", cli_where("project", "is", json_string(s->project)));
}

static json_t *brief(const json_t *record)
{
    const json_t *data = cli_data_of(record);
    json_t *out = json_pack("{s:s*}", "chittyId", bridge_json_str(record, "chittyId"));
    cli_json_set_text(out, "title", bridge_json_str(data, "title"));
    cli_json_set_text(out, "summary", bridge_json_str(data, "summary"));
    return out;
}

static enum cht_err take_contexts(struct shared *s)
{
    json_t *list = NULL, *record, *point, *points = list_at(s, "points");
    json_t *contexts = list_at(s, "contexts");
    size_t i, k;
    const enum cht_err err =
        cli_list_of(s->c, s->a, "contexts", where_of(s), "-modified", CONTEXTS_MAX, &list);
    json_array_foreach(list, i, record)
    {
        const char *title = bridge_json_str(cli_data_of(record), "title");
        (void)json_array_append_new(contexts, brief(record));
        json_array_foreach(json_object_get(cli_data_of(record), "key_points"), k, point)(void)
            json_array_append_new(points,
                                  json_pack("{s:O, s:s*}", "text", point, "context", title));
    }
    json_decref(list);
    return err;
}

static enum cht_err take_checkpoints(struct shared *s)
{
    json_t *list = NULL, *record, *out = list_at(s, "checkpoints");
    size_t i;
    const enum cht_err err =
        cli_list_of(s->c, s->a, "checkpoints", where_of(s), "-created", CHECKPOINTS_MAX, &list);
    json_array_foreach(list, i, record)
    {
        json_t *one = brief(record);
        cli_json_set_text(one, "session",
                          bridge_json_str(json_object_get(record, "titles"), "session"));
        cli_json_set_when(one, "at", bridge_json_int(cli_data_of(record), "created", 0));
        (void)json_array_append_new(out, one);
    }
    json_decref(list);
    return err;
}

/* --- of the sessions ----------------------------------------------------------------------- */

static void take_claims(struct shared *s)
{
    static const char *const same[] = { "chittyId", "title", "holderName", "deviceName", "state" };
    json_t *claim, *out = list_at(s, "claims");
    size_t i, k;
    json_array_foreach(s->sessions.claims, i, claim)
    {
        const char *project = bridge_json_str(claim, "project");
        const char *holder = bridge_json_str(claim, "holder");
        if (s->session != NULL
                ? holder == NULL || strcmp(holder, s->session) != 0
                : s->project[0] != '\0' && (project == NULL || strcmp(project, s->project) != 0))
            continue;
        json_t *one = json_object();
        for (k = 0; k < sizeof same / sizeof same[0]; k++)
            cli_json_set_text(one, same[k], bridge_json_str(claim, same[k]));
        cli_json_set_when(one, "since", bridge_json_int(claim, "since", 0));
        (void)json_array_append_new(out, one);
    }
}

/* A file as a session has it, and when. */
struct file {
    const char *path;
    const json_t *of;
    const struct cli_session *session;
    json_int_t at;
};

/* By path, and of equal ones the last touched first; then by time. */
static int by_path(const void *a, const void *b)
{
    const struct file *x = a, *y = b;
    const int order = strcmp(x->path, y->path);
    return order != 0 ? order : (x->at < y->at) - (x->at > y->at);
}

static int by_time(const void *a, const void *b)
{
    const struct file *x = a, *y = b;
    return x->at != y->at ? (x->at < y->at) - (x->at > y->at) : strcmp(x->path, y->path);
}

static size_t gather_files(const struct cli_sessions *sessions, struct file *out)
{
    size_t count = 0;
    for (size_t i = 0; i < sessions->count; i++) {
        json_t *files = json_object_get(sessions->list[i].data, "files");
        for (void *at = json_object_iter(files); at != NULL;
             at = json_object_iter_next(files, at)) {
            const json_t *of = json_object_iter_value(at);
            if (out != NULL)
                out[count] = (struct file){ json_object_iter_key(at), of, &sessions->list[i],
                                            bridge_json_int(of, "at", 0) };
            count++;
        }
    }
    return count;
}

static enum cht_err take_files(struct shared *s)
{
    json_t *out = list_at(s, "files");
    size_t count = gather_files(&s->sessions, NULL), kept = 0;
    struct file *files = calloc(count + 1, sizeof *files);
    if (files == NULL)
        return cli_agent_memory(s->c, CHT_OK);
    (void)gather_files(&s->sessions, files);
    qsort(files, count, sizeof *files, by_path);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(files[i].path, files[kept - 1].path) != 0)
            files[kept++] = files[i];
    qsort(files, kept, sizeof *files, by_time);
    for (size_t i = 0; i < kept && i < FILES_MAX; i++) {
        json_t *one = json_pack("{s:s}", "path", files[i].path);
        cli_json_set_text(one, "action", bridge_json_str(files[i].of, "action"));
        cli_json_set_text(one, "session", cli_session_name(files[i].session));
        cli_json_set_text(one, "deviceName", files[i].session->deviceName);
        cli_json_set_when(one, "at", files[i].at);
        (void)json_array_append_new(out, one);
    }
    free(files);
    return CHT_OK;
}

static void take_sessions(struct shared *s)
{
    json_t *out = list_at(s, "sessions");
    for (size_t i = 0; i < s->sessions.count; i++) {
        const char *state = s->sessions.list[i].state;
        if (s->session != NULL || (strcmp(state, "ended") != 0 && strcmp(state, "crashed") != 0))
            (void)json_array_append_new(out, cli_session_tree(&s->sessions.list[i]));
    }
}

enum cht_err cli_shared_context(struct cli_context *c, struct agent *a, const char *project,
                                const char *session, json_t **out)
{
    struct shared s = {
        .c = c, .a = a, .project = project, .session = session, .out = json_object()
    };
    enum cht_err err = cli_sessions_gather(c, a, project, true, session, &s.sessions);
    if (err == CHT_OK)
        err = take_contexts(&s);
    if (err == CHT_OK)
        err = take_checkpoints(&s);
    if (err == CHT_OK) {
        take_claims(&s);
        err = take_files(&s);
    }
    if (err == CHT_OK) {
        take_sessions(&s);
        if (project[0] != '\0')
            cli_json_set_text(s.out, "project", project);
    }
    cli_sessions_clear(&s.sessions);
    if (err == CHT_OK)
        *out = s.out;
    else
        json_decref(s.out);
    return err;
}

/* --- for people ---------------------------------------------------------------------------- */

static void put_head(struct cli_out *out, const char *name)
{
    cli_put_style(out, CLI_BOLD);
    cli_printf(out, "%s\n", name);
    cli_put_style(out, CLI_PLAIN);
}

/* A moment is told in local time. */
static void put_more(struct cli_out *out, const char *text)
{
    char local[CLI_DATE_MAX];
    uint64_t ms;
    if (crdt_rfc3339_parse(cht_bytes_str(text), &ms) == CHT_OK) {
        cli_date_local(ms, local);
        text = local;
    }
    cli_put_line_of(out, text);
}

/* "  TITLE  (A, B)": `more` are members, NULL at the end. */
static void put_rows(struct cli_out *out, const char *name, const json_t *rows, const char *title,
                     const char *const *more)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        bool first = true;
        if (i == 0)
            put_head(out, name);
        cli_put_text(out, "  ");
        cli_put_line_of(
            out, bridge_json_str(row, bridge_json_str(row, title) != NULL ? title : "sessionId"));
        for (size_t k = 0; more[k] != NULL; k++) {
            const char *text = bridge_json_str(row, more[k]);
            if (text == NULL)
                continue;
            cli_put_text(out, first ? "  (" : ", ");
            put_more(out, text);
            first = false;
        }
        cli_put_text(out, first ? "\n" : ")\n");
    }
}

void cli_put_shared_context(struct cli_context *c, const json_t *shared)
{
    static const struct {
        const char *name, *key, *title;
        const char *more[4];
    } parts[] = {
        { "to remember", "points", "text", { "context", NULL } },
        { "where work stood", "checkpoints", "title", { "session", "at", NULL } },
        { "held", "claims", "title", { "holderName", "deviceName", "state", NULL } },
        { "files", "files", "path", { "action", "session", "deviceName", NULL } },
        { "at work", "sessions", "title", { "state", "deviceName", "branch", NULL } },
    };
    bool any = false;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const json_t *rows = json_object_get(shared, parts[i].key);
        any = any || json_array_size(rows) != 0;
        put_rows(&c->out, parts[i].name, rows, parts[i].title, parts[i].more);
    }
    if (!any)
        cli_put_text(&c->out, "nothing is known yet (chitty context add TEXT)\n");
}
