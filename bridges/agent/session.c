/* The record of a session; see agent.h. */
#include "bridges/agent/own.h"
#include "node/client/process.h"

#include <stdlib.h>

/* --- how it is ----------------------------------------------------------------------------- */

const char *agent_session_device(const json_t *data)
{
    json_t *processes = json_object_get(data, "process");
    void *at = json_object_iter(processes);
    return at != NULL ? json_object_iter_key(at)
                      : bridge_json_str(json_object_get(data, "state"), "device");
}

const char *agent_session_state(const json_t *data, uint64_t now_ms, bool device_here)
{
    static const char *const said[] = { "paused", "ended", "crashed" };
    const char *status = bridge_json_str(data, "status");
    json_int_t last = bridge_json_int(data, "last_active", 0);
    for (size_t i = 0; status != NULL && i < sizeof said / sizeof said[0]; i++)
        if (strcmp(status, said[i]) == 0)
            return said[i];
    if (last == 0)
        last = bridge_json_int(data, "started", 0);
    const json_int_t quiet = (json_int_t)now_ms - last;
    if (quiet > AGENT_LEASE_MS && !device_here)
        return "away";
    return quiet > AGENT_IDLE_MS ? "idle" : "active";
}

/* --- what is written ----------------------------------------------------------------------- */

static bool no_session(struct agent *a)
{
    if (a->session[0] != '\0')
        return false;
    (void)agent_fail(a, CHT_E_INVALID,
                     "there is no session: set CHITTY_SESSION or CLAUDE_CODE_SESSION_ID");
    return true;
}

static bool is(const json_t *data, const char *key, const char *word)
{
    const char *value = bridge_json_str(data, key);
    return value != NULL && strcmp(value, word) == 0;
}

/* A text, where it differs from what is there. */
static bool put_text(json_t *data, const json_t *old, const char *key, const char *value)
{
    if (value == NULL || value[0] == '\0' || is(old, key, value) ||
        !crdt_utf8_valid(cht_bytes_str(value)))
        return true;
    return json_object_set_new(data, key, json_string(value)) == 0;
}

static pid_t pid_of(pid_t given)
{
    const char *told = given == 0 ? getenv("CLAUDE_PID") : NULL;
    const long pid = told == NULL ? (long)given : strtol(told, NULL, 10);
    return pid > 1 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

/* `process` of this device, where another one or none is there; what cannot be found is left out:
 * the session is then taken to live by its signs of life. */
static bool put_process(struct agent *a, json_t *data, const json_t *old, pid_t pid)
{
    struct node_process p;
    struct cht_buf b;
    const json_t *there = json_object_get(json_object_get(old, "process"), a->device);
    if (pid == 0 || node_process_find(pid, &p) != CHT_OK ||
        (bridge_json_int(there, "pid", 0) == pid &&
         bridge_json_int(there, "ticks", 0) == (json_int_t)p.ticks))
        return true;
    cht_buf_init(&b, 4096);
    const bool ok =
        node_process_put(&p, &b) == CHT_OK &&
        json_object_set_new(data, "process",
                            json_pack("{s:o}", a->device, bridge_json_new(cht_buf_view(&b)))) == 0;
    cht_buf_clear(&b);
    return ok;
}

static bool put_branch(json_t *data, const json_t *old, const char *cwd)
{
    char top[NODE_PATH_MAX], branch[AGENT_NAME_MAX];
    if (!agent_clone_top(cwd, top))
        return true;
    agent_clone_branch(top, branch);
    if (branch[0] == '\0' && bridge_json_str(old, "branch") != NULL)
        return json_object_set_new(data, "branch", json_null()) == 0;
    return put_text(data, old, "branch", branch);
}

/* One that ended stays so until it begins again; one that is heard of is not paused or crashed. */
static bool put_status(json_t *data, const json_t *old, bool begins)
{
    if (is(old, "status", "active") || (is(old, "status", "ended") && !begins))
        return true;
    return json_object_set_new(data, "status", json_string("active")) == 0;
}

static bool stale(const json_t *old, uint64_t now_ms)
{
    return bridge_json_int(old, "last_active", 0) + AGENT_ACTIVE_MS <= (json_int_t)now_ms;
}

/* What is to be written of the session, or NULL. */
static json_t *differences(struct agent *a, const struct agent_facts *f, const json_t *old)
{
    const uint64_t now_ms = agent_now_ms();
    const char *cwd = f->cwd == NULL ? a->folder : f->cwd;
    json_t *data = json_object();
    bool ok = data != NULL && put_text(data, old, "session_id", a->session_key) &&
              put_text(data, old, "platform", a->platform) && put_text(data, old, "cwd", cwd) &&
              put_text(data, old, "model", f->model) && put_text(data, old, "title", f->title) &&
              put_text(data, old, "project", a->project) && put_branch(data, old, cwd) &&
              put_status(data, old, f->begins) && put_process(a, data, old, pid_of(f->pid));
    if (ok && !is(json_object_get(old, "state"), "device", a->device))
        ok = json_object_set_new(data, "state", json_pack("{s:s}", "device", a->device)) == 0;
    if (ok && (json_object_size(data) != 0 || stale(old, now_ms)))
        ok = json_object_set_new(data, "last_active", json_integer((json_int_t)now_ms)) == 0;
    if (ok)
        return data;
    json_decref(data);
    return NULL;
}

/* The record's data, NULL where there is none. */
static enum cht_err look(struct agent *a, json_t **out)
{
    json_t *records = NULL;
    enum cht_err err = agent_query(a, agent_query_of("get", a->session), &records);
    *out = NULL;
    if (err == CHT_E_NOTFOUND)
        return CHT_OK;
    if (err != CHT_OK)
        return err;
    json_t *record = agent_first(records);
    *out = json_incref(json_object_get(record, "data"));
    json_decref(record);
    return CHT_OK;
}

/* Which project, where it is not known: what the record says, but for one that begins. */
static enum cht_err know_project(struct agent *a, const struct agent_facts *f, const json_t *old)
{
    struct agent_place *place;
    const char *told = bridge_json_str(old, "project");
    if (a->project[0] != '\0' || f->no_project)
        return CHT_OK;
    if (told != NULL && !f->begins) {
        agent_project_set(a, told);
        return CHT_OK;
    }
    place = malloc(sizeof *place);
    if (place == NULL)
        return node_fault_from(&a->fault, CHT_E_NOMEM, NULL);
    enum cht_err err =
        agent_project_find(a, NULL, true, f->project_ms == 0 ? AGENT_GIT_MS : f->project_ms, place);
    free(place);
    if (err == CHT_E_NOTFOUND || err == CHT_E_TIMEOUT || err == CHT_E_INVALID)
        err = CHT_OK; /* without one, then */
    if (err == CHT_OK && a->project[0] == '\0' && told != NULL)
        agent_project_set(a, told);
    return err;
}

enum cht_err agent_session_ensure(struct agent *a, const struct agent_facts *facts)
{
    json_t *old = NULL;
    if (no_session(a))
        return CHT_E_INVALID;
    enum cht_err err = look(a, &old);
    if (err == CHT_OK)
        err = know_project(a, facts, old);
    json_t *data = err == CHT_OK ? differences(a, facts, old) : NULL;
    if (err == CHT_OK && data == NULL)
        err = node_fault_from(&a->fault, CHT_E_NOMEM, NULL);
    if (err == CHT_OK && json_object_size(data) != 0)
        err = agent_change(a, agent_change_of("upsert", "sessions", a->session, json_incref(data)),
                           NULL, NULL);
    json_decref(data);
    json_decref(old);
    return err;
}

/* --- signs of life ------------------------------------------------------------------------- */

static json_t *renew_of(void)
{
    return json_pack("{s:s, s:{}}", "name", "renew", "args");
}

enum cht_err agent_session_touch(struct agent *a, json_t **out_renewed)
{
    if (no_session(a))
        return CHT_E_INVALID;
    struct agent_ask asks[] = {
        { .type = NODE_MSG_COMMAND, .payload = renew_of() },
        { .type = NODE_MSG_QUERY, .payload = agent_query_of("get", a->session) },
    };
    enum cht_err err = agent_ask_all(a, asks, 2);
    if (err == CHT_OK && asks[0].err != CHT_OK && asks[0].err != CHT_E_NOTFOUND)
        err = asks[0].err;
    json_t *record = agent_first(asks[1].out);
    const json_t *old = json_object_get(record, "data");
    const uint64_t now_ms = agent_now_ms();
    if (err == CHT_OK && old != NULL && stale(old, now_ms))
        err = agent_change(a,
                           agent_change_of("update", "sessions", a->session,
                                           json_pack("{s:I}", "last_active", (json_int_t)now_ms)),
                           NULL, NULL);
    json_decref(record);
    if (err == CHT_OK && out_renewed != NULL)
        *out_renewed = asks[0].out;
    else
        json_decref(asks[0].out);
    return err;
}

enum cht_err agent_session_end(struct agent *a, const char *status)
{
    json_t *old = NULL;
    if (no_session(a))
        return CHT_E_INVALID;
    enum cht_err err = look(a, &old);
    const bool here = old != NULL;
    json_t *data = json_pack("{s:s}", "status", status);
    bool ok = data != NULL;
    if (ok && strcmp(status, "paused") != 0)
        ok = json_object_set_new(data, "ended", json_integer((json_int_t)agent_now_ms())) == 0;
    if (ok && json_object_get(json_object_get(old, "process"), a->device) != NULL)
        ok = json_object_set_new(data, "process", json_pack("{s:n}", a->device)) == 0;
    json_decref(old);
    if (err == CHT_OK && !here)
        err = agent_fail(a, CHT_E_NOTFOUND, "there is no session %s yet", a->session_key);
    if (err == CHT_OK && !ok)
        err = node_fault_from(&a->fault, CHT_E_NOMEM, NULL);
    if (err != CHT_OK) {
        json_decref(data);
        return err;
    }
    return agent_change(a, agent_change_of("update", "sessions", a->session, data), NULL, NULL);
}
