/* Sessions of all devices; see sessions.h. */
#include "cli/base/sessions.h"

#include <stdlib.h>

/* --- asking -------------------------------------------------------------------------------- */

static json_t *list_payload(const char *project, bool all)
{
    json_t *payload = json_pack("{s:s, s:s, s:b, s:s}", "operation", "list", "domain", "sessions",
                                "titles", 1, "sort", "-last_active");
    if (payload != NULL && !all)
        (void)json_object_set_new(payload, "is", json_pack("[s]", "open"));
    if (payload != NULL && project[0] != '\0')
        (void)json_object_set_new(
            payload, "where", json_pack("[o]", cli_where("project", "is", json_string(project))));
    return payload;
}

static json_t *get_payload(const char *only)
{
    return json_pack("{s:s, s:s, s:{s:s}, s:b}", "operation", "get", "domain", "sessions", "entity",
                     "chittyId", only, "titles", 1);
}

static enum cht_err ask(struct cli_context *c, struct agent *a, const char *project, bool all,
                        const char *only, struct cli_sessions *out)
{
    struct agent_ask asks[] = {
        { .type = NODE_MSG_QUERY,
          .payload = only == NULL ? list_payload(project, all) : get_payload(only) },
        { .type = NODE_MSG_COMMAND, .payload = json_pack("{s:s}", "name", "members") },
        { .type = NODE_MSG_QUERY, .payload = json_pack("{s:s}", "operation", "claims") },
    };
    enum cht_err err = agent_ask_all(a, asks, 3);
    if (err == CHT_OK && asks[0].err != CHT_OK)
        err = asks[0].err;
    out->records = asks[0].out;
    out->members = asks[1].out;
    out->claims = asks[2].out;
    return cli_agent_fail(c, a, err);
}

/* --- putting together ---------------------------------------------------------------------- */

/* States of LOCAL 6.1 in which a device hears what is said here. */
static bool is_connected(const char *state)
{
    static const char *const gone[] = { "away", "revoked", "waiting to be introduced" };
    for (size_t i = 0; state != NULL && i < sizeof gone / sizeof gone[0]; i++)
        if (strcmp(gone[i], state) == 0)
            return false;
    return state != NULL;
}

static void take_device(struct cli_session *s, const json_t *members)
{
    size_t i;
    json_t *member;
    json_array_foreach(json_object_get(members, "members"), i, member)
    {
        const char *device = bridge_json_str(member, "device");
        const char *state = bridge_json_str(member, "state");
        if (s->device == NULL || device == NULL || strcmp(device, s->device) != 0)
            continue;
        s->deviceName = bridge_json_str(member, "name");
        s->here = state != NULL && strcmp(state, "this device") == 0;
        s->connected = is_connected(state);
    }
}

static void take_claims(struct cli_session *s, const json_t *claims)
{
    size_t i;
    json_t *claim;
    json_array_foreach(claims, i, claim)
    {
        const char *holder = bridge_json_str(claim, "holder");
        if (holder != NULL && strcmp(holder, s->id) == 0)
            (void)json_array_append(s->holds, claim);
    }
}

static void take(struct cli_session *s, const struct cli_sessions *all, json_t *record,
                 uint64_t now_ms)
{
    json_int_t last;
    *s = (struct cli_session){ .id = bridge_json_str(record, "chittyId"),
                               .record = record,
                               .data = cli_data_of(record),
                               .holds = json_array() };
    s->device = agent_session_device(s->data);
    take_device(s, all->members);
    take_claims(s, all->claims);
    s->state = agent_session_state(s->data, now_ms, s->connected);
    last = bridge_json_int(s->data, "last_active", bridge_json_int(s->data, "started", 0));
    s->last_ms = last < 0 ? 0 : (uint64_t)last;
}

enum cht_err cli_sessions_gather(struct cli_context *c, struct agent *a, const char *project,
                                 bool all, const char *only, struct cli_sessions *out)
{
    struct cli_sessions s = { 0 };
    size_t i;
    json_t *record;
    enum cht_err err = ask(c, a, project, all, only, &s);
    const size_t count = json_array_size(s.records);
    if (err == CHT_OK) {
        s.list = calloc(count + 1, sizeof *s.list);
        err = s.list == NULL ? cli_agent_memory(c, CHT_OK) : CHT_OK;
    }
    if (err != CHT_OK) {
        cli_sessions_clear(&s);
        return err;
    }
    json_array_foreach(s.records, i, record)
    {
        take(&s.list[s.count], &s, record, c->now_ms);
        s.count++;
    }
    *out = s;
    return CHT_OK;
}

void cli_sessions_clear(struct cli_sessions *s)
{
    for (size_t i = 0; i < s->count; i++)
        json_decref(s->list[i].holds);
    free(s->list);
    json_decref(s->records);
    json_decref(s->members);
    json_decref(s->claims);
    *s = (struct cli_sessions){ 0 };
}

/* --- telling ------------------------------------------------------------------------------- */

const char *cli_session_name(const struct cli_session *s)
{
    const char *title = bridge_json_str(s->data, "title");
    return title != NULL ? title : bridge_json_str(s->data, "session_id");
}

enum cli_style cli_state_style(const char *state)
{
    static const struct {
        const char *state;
        enum cli_style style;
    } styles[] = { { "active", CLI_GREEN }, { "idle", CLI_YELLOW }, { "paused", CLI_YELLOW },
                   { "crashed", CLI_RED },  { "away", CLI_DIM },    { "ended", CLI_DIM } };
    for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++)
        if (strcmp(styles[i].state, state) == 0)
            return styles[i].style;
    return CLI_PLAIN;
}

static json_t *holds_tree(const json_t *claims)
{
    size_t i;
    json_t *claim, *out = json_array();
    json_array_foreach(claims, i, claim)
    {
        (void)json_array_append_new(out, json_pack("{s:s*, s:s*, s:s*, s:s*}", "chittyId",
                                                   bridge_json_str(claim, "chittyId"), "title",
                                                   bridge_json_str(claim, "title"), "token",
                                                   bridge_json_str(claim, "token"), "state",
                                                   bridge_json_str(claim, "state")));
    }
    return out;
}

json_t *cli_session_tree(const struct cli_session *s)
{
    static const char *const same[][2] = {
        { "sessionId", "session_id" }, { "title", "title" },        { "platform", "platform" },
        { "project", "project" },      { "branch", "branch" },      { "cwd", "cwd" },
        { "model", "model" },          { "continues", "continues" }
    };
    json_t *out =
        json_pack("{s:s, s:s, s:b, s:b, s:o}", "chittyId", s->id, "state", s->state, "here",
                  s->here, "connected", s->connected, "holds", holds_tree(s->holds));
    const json_t *file = json_object_get(json_object_get(s->data, "attachments"), "transcript");
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        cli_json_set_text(out, same[i][0], bridge_json_str(s->data, same[i][1]));
    cli_json_set_text(out, "projectName",
                      bridge_json_str(json_object_get(s->record, "titles"), "project"));
    cli_json_set_text(out, "device", s->device);
    cli_json_set_text(out, "deviceName", s->deviceName);
    cli_json_set_when(out, "started", bridge_json_int(s->data, "started", 0));
    cli_json_set_when(out, "lastActive", bridge_json_int(s->data, "last_active", 0));
    cli_json_set_when(out, "ended", bridge_json_int(s->data, "ended", 0));
    if (file != NULL)
        (void)json_object_set_new(out, "transcript",
                                  json_pack("{s:I, s:s*}", "size", bridge_json_int(file, "size", 0),
                                            "blob", bridge_json_str(file, "blob")));
    return out;
}
