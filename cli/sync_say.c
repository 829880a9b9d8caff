/* What a pass of `chitty sync` found, for people and programs. */
#include "cli/base/record.h"
#include "cli/sync.h"

/* "A + B" of origins, or the session of one that is made of itself alone. */
static void put_from(struct sync *s, const json_t *record)
{
    struct cli_out *out = &s->c->out;
    const json_t *origins = json_object_get(record, "origins"), *one, *earlier;
    const char *session = cli_tree_text(json_object_get(record, "data"), "session");
    const char *before = ", merged from ";
    size_t at, k;
    json_array_foreach(origins, at, one)
    {
        const char *name = cli_tree_text(one, "sessionName");
        bool again = false;
        if (name[0] == '\0')
            name = cli_tree_text(one, "session");
        json_array_foreach(origins, k, earlier)
        {
            again |= k < at &&
                     strcmp(cli_tree_text(earlier, "session"), cli_tree_text(one, "session")) == 0;
        }
        if (name[0] == '\0' || again)
            continue;
        cli_put_text(out, before);
        cli_tree_id(out, name);
        before = " + ";
    }
    if (json_array_size(origins) == 0 && session[0] != '\0') {
        const char *name = cli_tree_text(s->names, session);
        cli_put_text(out, ", from ");
        cli_tree_id(out, name[0] == '\0' ? session : name);
    }
}

static void say_merged(struct sync *s)
{
    struct cli_out *out = &s->c->out;
    const json_t *one;
    size_t at;
    json_array_foreach(s->merged, at, one)
    {
        cli_put_text(out, s->dry ? "would merge  " : "merged  ");
        cli_tree_id(out, cli_tree_text(one, "alias"));
        cli_put_text(out, s->dry ? " into " : " is ");
        cli_tree_id(out, cli_tree_text(one, "into"));
        cli_put_text(out, "  ");
        cli_tree_line(out, cli_tree_text(one, "title"));
        cli_put_text(out, " (");
        cli_tree_line(out, cli_tree_text(one, "status"));
        put_from(s, one);
        cli_put_text(out, ")\n");
    }
}

static void say_todos(struct sync *s)
{
    struct cli_out *out = &s->c->out;
    const json_t *one;
    size_t at;
    json_array_foreach(s->todos, at, one)
    {
        const json_t *data = json_object_get(one, "data");
        cli_put_text(out, "  ");
        cli_tree_id(out, cli_tree_text(one, "chittyId"));
        cli_put_text(out, "  ");
        cli_tree_line(out, cli_tree_text(data, "content"));
        cli_put_text(out, " (");
        cli_tree_line(out, cli_tree_text(data, "status"));
        put_from(s, one);
        cli_put_text(out, ")\n");
    }
}

static void say_domains(struct sync *s)
{
    struct cli_out *out = &s->c->out;
    const json_t *one;
    size_t at;
    json_array_foreach(s->domains, at, one)
    {
        const json_int_t conflicts = bridge_json_int(one, "conflicts", 0);
        cli_put_cell(out, cht_bytes_str(cli_tree_text(one, "domain")), 10);
        cli_printf(out, "  %lld", (long long)bridge_json_int(one, "records", 0));
        if (conflicts != 0)
            cli_printf(out, ", %lld with concurrent values: see `chitty conflicts`",
                       (long long)conflicts);
        cli_put_char(out, '\n');
        if (strcmp(cli_tree_text(one, "domain"), "todos") == 0)
            say_todos(s);
    }
    if (s->proposed != 0)
        cli_printf(out, "%lld more may be the same: see `chitty duplicates`\n",
                   (long long)s->proposed);
}

static void say_peers(struct sync *s)
{
    struct cli_out *out = &s->c->out;
    const json_t *one;
    size_t at;
    json_array_foreach(s->peers, at, one)
    {
        const char *name = cli_tree_text(one, "name"), *state = cli_tree_text(one, "state");
        if (strcmp(state, "revoked") == 0)
            continue;
        cli_tree_line(out, name[0] == '\0' ? cli_tree_text(one, "device") : name);
        cli_put_text(out, strcmp(state, "connected") == 0 ? " is connected and still behind"
                          : strcmp(state, "in sync") == 0 ? " has it all"
                                                          : " gets it later: ");
        if (strcmp(state, "connected") != 0 && strcmp(state, "in sync") != 0)
            cli_tree_line(out, state);
        cli_put_char(out, '\n');
    }
}

static json_t *document(const struct sync *s)
{
    json_t *d =
        json_pack("{s:s,s:b,s:O,s:O,s:I,s:I,s:O,s:O}", "domain", s->domain, "dryRun", s->dry,
                  "domains", s->domains, "merged", s->merged, "proposed", s->proposed, "settled",
                  s->settled, "peers", s->peers, "uncarried", s->uncarried);
    if (s->project[0] != '\0')
        (void)json_object_set_new(d, "project", json_string(s->project));
    if (s->session[0] != '\0')
        (void)json_object_set_new(d, "session", json_string(s->session));
    if (s->todos != NULL)
        (void)json_object_set(d, "todos", s->todos);
    return d;
}

void sync_say(struct sync *s, bool brief)
{
    struct cli_out *out = &s->c->out;
    const json_t *one;
    size_t at;
    if (s->c->json) {
        cli_tree_document(s->c, "sync", document(s));
        return;
    }
    say_merged(s);
    if (brief)
        return;
    say_domains(s);
    say_peers(s);
    json_array_foreach(s->uncarried, at, one)
    {
        cli_put_text(out, "no bridge carries ");
        cli_tree_line(out, json_string_value(one));
        cli_put_text(out, " yet\n");
    }
    if (s->dry)
        cli_put_text(out, "nothing was written\n");
}
