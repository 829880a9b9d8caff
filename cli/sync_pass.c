/* One pass of `chitty sync`: what is one becomes one, those connected get it, and what there is now
 * is looked at (LOCAL 9.5, 6.1). */
#include "cli/sync.h"

#include <time.h>

#define WAIT_MS    10000 /* for devices that are connected and not yet in step */
#define LOOK_MS    50
#define PASSES_MAX 1000 /* answers of `reconcile` that ask to go on */
#define TODOS_TOLD 200

void sync_forget(struct sync *s)
{
    json_decref(s->domains);
    json_decref(s->merged);
    json_decref(s->peers);
    json_decref(s->todos);
    json_decref(s->names);
    s->domains = s->merged = s->peers = s->todos = s->names = NULL;
    s->proposed = s->settled = 0;
}

static bool of_todos(const struct sync *s)
{
    return s->type == 0 || s->type == CRDT_TODO;
}

/* --- reconcile ------------------------------------------------------------------------------- */

/* What a merge made, as it is now: `into` with its title, status and origins. */
static enum cht_err add_merged(struct sync *s, json_t *merge)
{
    json_t *records = NULL;
    const char *into = cli_tree_text(merge, "into");
    enum cht_err err = cli_tree_ask(s->c, NODE_MSG_QUERY,
                                    json_pack("{s:s,s:{s:s},s:[ss]}", "operation", "get", "entity",
                                              "chittyId", into, "fields", "content", "status"),
                                    &records);
    if (err != CHT_OK)
        return err;
    const json_t *record = json_array_get(records, 0), *data = json_object_get(record, "data");
    (void)json_object_set_new(merge, "title", json_string(cli_tree_text(data, "content")));
    (void)json_object_set_new(merge, "status", json_string(cli_tree_text(data, "status")));
    if (json_object_get(record, "origins") != NULL)
        (void)json_object_set(merge, "origins", json_object_get(record, "origins"));
    json_decref(records);
    return json_array_append(s->merged, merge) ? CHT_E_NOMEM : CHT_OK;
}

static enum cht_err reconcile(struct sync *s)
{
    bool more = true;
    enum cht_err err = CHT_OK;
    for (unsigned i = 0; err == CHT_OK && more && i < PASSES_MAX; i++) {
        json_t *args = json_pack("{s:s,s:b}", "domain", "todos", "dry", s->dry), *result = NULL;
        json_t *one;
        size_t at;
        if (s->project[0] != '\0')
            (void)json_object_set_new(args, "project", json_string(s->project));
        err = cli_tree_command(s->c, "reconcile", args, &result);
        if (err != CHT_OK)
            break;
        json_array_foreach(json_object_get(result, "merged"), at, one)
        {
            if (err == CHT_OK)
                err = add_merged(s, one);
        }
        s->proposed = bridge_json_int(result, "proposed", 0);
        s->settled += bridge_json_int(result, "settled", 0);
        more = json_is_true(json_object_get(result, "more"));
        json_decref(result);
    }
    return err;
}

/* --- the other devices ----------------------------------------------------------------------- */

/* Is one that is connected still behind? */
static bool behind(const json_t *peers)
{
    const json_t *peer;
    size_t at;
    json_array_foreach(peers, at, peer)
    {
        if (strcmp(cli_tree_text(peer, "state"), "connected") == 0)
            return true;
    }
    return false;
}

/* Nothing tells a client when a device has come into step, so it is looked at again. */
static enum cht_err wait_for_peers(struct sync *s)
{
    const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
    for (unsigned waited = 0;; waited += LOOK_MS) {
        json_t *result = NULL;
        enum cht_err err = cli_tree_command(s->c, "peers", NULL, &result);
        if (err != CHT_OK)
            return err;
        json_decref(s->peers);
        s->peers = json_incref(json_object_get(result, "peers"));
        json_decref(result);
        if (s->dry || waited >= WAIT_MS || !behind(s->peers))
            return CHT_OK;
        (void)nanosleep(&pause, NULL);
    }
}

/* --- what there is --------------------------------------------------------------------------- */

/* The conditions of a list: of the project and the session, where such records have one. */
static json_t *scope(const struct sync *s, unsigned type)
{
    json_t *filter = json_object();
    if (s->project[0] != '\0' && crdt_field_named(type, cht_bytes_str("project")) != NULL)
        (void)json_object_set_new(filter, "project", json_string(s->project));
    if (s->session[0] != '\0' && crdt_field_named(type, cht_bytes_str("session")) != NULL)
        (void)json_object_set_new(filter, "session", json_string(s->session));
    if (s->session[0] != '\0' && type == CRDT_SESSION)
        (void)json_object_clear(filter);
    return filter;
}

static enum cht_err count(struct sync *s, const char *domain, unsigned type, bool conflicted,
                          json_int_t *out)
{
    json_t *result = NULL;
    json_t *ask = json_pack("{s:s,s:s,s:b,s:o}", "operation", "list", "domain", domain, "count", 1,
                            "filter", scope(s, type));
    if (conflicted)
        (void)json_object_set_new(ask, "is", json_pack("[s]", "conflicted"));
    enum cht_err err = cli_tree_ask(s->c, NODE_MSG_QUERY, ask, &result);
    if (err == CHT_OK)
        *out = bridge_json_int(result, "count", 0);
    json_decref(result);
    return err;
}

static enum cht_err look_at(struct sync *s, const char *domain)
{
    const unsigned type = crdt_type_from(cht_bytes_str(domain));
    json_int_t records = 0, conflicts = 0;
    enum cht_err err = CHT_OK;
    if (s->type != 0 && s->type != type)
        return CHT_OK;
    if (type == CRDT_SESSION && s->session[0] != '\0')
        records = 1; /* that one */
    else
        err = count(s, domain, type, false, &records);
    if (err == CHT_OK && records != 0)
        err = count(s, domain, type, true, &conflicts);
    if (err != CHT_OK)
        return err;
    return json_array_append_new(s->domains, json_pack("{s:s,s:I,s:I}", "domain", domain, "records",
                                                       records, "conflicts", conflicts))
               ? CHT_E_NOMEM
               : CHT_OK;
}

/* What sessions are called: by their title, else by their platform's id. */
static enum cht_err name_sessions(struct sync *s)
{
    json_t *records = NULL;
    const json_t *one;
    size_t at;
    enum cht_err err = cli_tree_ask(s->c, NODE_MSG_QUERY,
                                    json_pack("{s:s,s:s,s:[ss]}", "operation", "list", "domain",
                                              "sessions", "fields", "title", "session_id"),
                                    &records);
    s->names = json_object();
    json_array_foreach(records, at, one)
    {
        const json_t *data = json_object_get(one, "data");
        const char *title = cli_tree_text(data, "title");
        (void)json_object_set_new(
            s->names, cli_tree_text(one, "chittyId"),
            json_string(title[0] != '\0' ? title : cli_tree_text(data, "session_id")));
    }
    json_decref(records);
    return err;
}

/* The todos as every session has them now. */
static enum cht_err list_todos(struct sync *s)
{
    const enum cht_err err = name_sessions(s);
    return err != CHT_OK
               ? err
               : cli_tree_ask(s->c, NODE_MSG_QUERY,
                              json_pack("{s:s,s:s,s:[sss],s:o,s:i,s:s}", "operation", "list",
                                        "domain", "todos", "fields", "content", "status", "session",
                                        "filter", scope(s, CRDT_TODO), "limit", TODOS_TOLD, "sort",
                                        "created"),
                              &s->todos);
}

enum cht_err sync_pass(struct sync *s)
{
    sync_forget(s);
    s->domains = json_array();
    s->merged = json_array();
    enum cht_err err = s->domains == NULL || s->merged == NULL ? CHT_E_NOMEM : CHT_OK;
    if (err == CHT_OK && of_todos(s))
        err = reconcile(s);
    if (err == CHT_OK)
        err = wait_for_peers(s);
    for (size_t i = 0; err == CHT_OK && sync_domain_at(i) != NULL; i++)
        err = look_at(s, sync_domain_at(i));
    if (err == CHT_OK && of_todos(s) && (s->project[0] != '\0' || s->verbose))
        err = list_todos(s);
    return err;
}
