/* Which project a folder is; see agent.h. The node is asked first, git once. */
#include "bridges/agent/own.h"
#include "crdt/limits.h"
#include "crdt/natural.h"
#include "node/client/origin.h"

#include <stdio.h>
#include <stdlib.h>

#define KEYS_MAX  60u /* folders asked about at once: LOCAL 4.10 takes 64 */
#define FOUND_MAX 50  /* projects with one address or first commit */

const char *agent_how_word(enum agent_how how)
{
    static const char *const words[] = {
        [AGENT_BY_PLACE] = "place", [AGENT_BY_ADDRESS] = "address", [AGENT_BY_ROOT] = "root",
        [AGENT_MADE] = "made",      [AGENT_TOLD] = "told",
    };
    return words[how];
}

static enum cht_err no_memory(struct agent *a)
{
    return node_fault_from(&a->fault, CHT_E_NOMEM, NULL);
}

enum cht_err agent_know_device(struct agent *a)
{
    if (a->device[0] != '\0')
        return CHT_OK;
    const enum cht_err err =
        agent_query(a,
                    json_pack("{s:s, s:s, s:i, s:[s]}", "operation", "list", "domain", "devices",
                              "limit", 1, "fields", "name"),
                    NULL);
    return err == CHT_OK && a->device[0] == '\0'
               ? agent_fail(a, CHT_E_INTERNAL, "the node does not say which device it is")
               : err;
}

/* --- places -------------------------------------------------------------------------------- */

/* "DEVICE:PATH"; false: too long for a key, or no UTF-8. */
bool agent_place_key(const struct agent *a, const char *path, char out[static LIMIT_KEY_BYTES])
{
    const int len = snprintf(out, LIMIT_KEY_BYTES - 4, "%s:%s", a->device, path);
    return len > 0 && (size_t)len < LIMIT_KEY_BYTES - 4 && crdt_utf8_valid(cht_bytes_str(out));
}

/* The keys of a folder, of those above it, and of the main worktree. */
static json_t *keys_of(const struct agent *a, const char *folder, const char *main_top)
{
    char path[NODE_PATH_MAX], key[LIMIT_KEY_BYTES];
    json_t *keys = json_array();
    (void)snprintf(path, sizeof path, "%s", folder);
    while (keys != NULL && json_array_size(keys) < KEYS_MAX) {
        if (agent_place_key(a, path, key))
            (void)json_array_append_new(keys, json_string(key));
        char *slash = strrchr(path, '/');
        if (slash == NULL || path[1] == '\0')
            break;
        slash[slash == path ? 1 : 0] = '\0';
    }
    if (main_top[0] != '\0' && agent_place_key(a, main_top, key))
        (void)json_array_append_new(keys, json_string(key));
    return keys;
}

/* The path of a key of this device; NULL: of another one. */
static const char *path_of(const struct agent *a, const char *key)
{
    const size_t len = strlen(a->device);
    return strncmp(key, a->device, len) == 0 && key[len] == ':' ? key + len + 1 : NULL;
}

static bool is_at_or_above(const char *path, const char *folder)
{
    const size_t len = strlen(path);
    return strncmp(path, folder, len) == 0 &&
           (folder[len] == '\0' || folder[len] == '/' || (len == 1 && path[0] == '/'));
}

/* The place in `record` that is nearest to the folder, not above `top`: a clone inside of a place
 * is a project of its own. Or the main worktree's. */
static const char *nearest(const struct agent *a, const json_t *record, const char *folder,
                           const char *top, const char *main_top)
{
    json_t *places = json_object_get(json_object_get(record, "data"), "places");
    const char *best = NULL;
    for (void *at = json_object_iter(places); at != NULL; at = json_object_iter_next(places, at)) {
        const char *path = path_of(a, json_object_iter_key(at));
        if (path == NULL)
            continue;
        const bool above = is_at_or_above(path, folder) && strlen(path) >= strlen(top);
        const bool main = main_top[0] != '\0' && strcmp(path, main_top) == 0;
        if (above && (best == NULL || best == main_top || strlen(path) > strlen(best)))
            best = path;
        else if (main && best == NULL)
            best = main_top;
    }
    return best;
}

void agent_place_keep(struct agent_place *out, const json_t *record)
{
    const char *name = bridge_json_str(json_object_get(record, "data"), "name");
    (void)snprintf(out->project, sizeof out->project, "%s", bridge_json_str(record, "chittyId"));
    (void)snprintf(out->name, sizeof out->name, "%s", name == NULL ? "" : name);
}

static json_t *list_of(const char *field, const char *op, json_t *value)
{
    return json_pack("{s:s, s:s, s:i, s:[o], s:[s,s,s,s]}", "operation", "list", "domain",
                     "projects", "limit", FOUND_MAX, "where", agent_where(field, op, value),
                     "fields", "name", "places", "repos", "root_commits");
}

/* The main worktree of the one in `top`, where `.git` says so; empty: it is that one itself. */
static void main_of(const char *top, char out[static NODE_PATH_MAX])
{
    char folder[NODE_PATH_MAX];
    out[0] = '\0';
    if (top[0] == '\0' || !agent_clone_git(top, folder))
        return;
    char *inside = strstr(folder, "/.git/worktrees/");
    if (inside == NULL)
        return;
    *inside = '\0';
    (void)snprintf(out, NODE_PATH_MAX, "%s", folder);
}

/* A project that has the folder as a place, or lies around it. `out->changed`: it is the main
 * worktree's, and this one is to be written down. */
static enum cht_err by_place(struct agent *a, const char *folder, const char *top,
                             struct agent_place *out)
{
    char main_top[NODE_PATH_MAX];
    json_t *found = NULL, *record;
    const char *best = NULL;
    size_t i;
    main_of(top, main_top);
    enum cht_err err =
        agent_query(a, list_of("places", "has", keys_of(a, folder, main_top)), &found);
    if (err != CHT_OK)
        return err;
    json_array_foreach(found, i, record)
    {
        const char *path = nearest(a, record, folder, top, main_top);
        if (path == NULL || (best != NULL && (path == main_top ||
                                              (best != main_top && strlen(path) <= strlen(best)))))
            continue;
        best = path;
        agent_place_keep(out, record);
        out->how = AGENT_BY_PLACE;
        (void)snprintf(out->folder, sizeof out->folder, "%s", path == main_top ? top : path);
        out->changed = path == main_top;
    }
    if (best == NULL && err == CHT_OK)
        err = agent_fail(a, CHT_E_NOTFOUND, "no project has the folder %.160s", folder);
    json_decref(found);
    return err;
}

/* --- clones -------------------------------------------------------------------------------- */

static bool has(const json_t *record, const char *field, const char *element)
{
    json_t *list = json_object_get(json_object_get(record, "data"), field), *one;
    size_t i;
    json_array_foreach(list, i, one)
    {
        if (strcmp(json_string_value(one) == NULL ? "" : json_string_value(one), element) == 0)
            return true;
    }
    return false;
}

static bool has_none(const json_t *record, const char *field)
{
    return json_array_size(json_object_get(json_object_get(record, "data"), field)) == 0;
}

/* Of those with our address the one that has our first commit too, else one that has none; of
 * equals the smallest id. A repository of another history that came to have this address is
 * another project. */
static const json_t *choose_by_address(const json_t *found, const struct agent_place *p)
{
    const json_t *best = NULL;
    json_t *record;
    bool best_shares = false;
    size_t i;
    json_array_foreach(found, i, record)
    {
        const bool shares = p->root[0] != '\0' && has(record, "root_commits", p->root);
        if (!shares && p->root[0] != '\0' && !has_none(record, "root_commits"))
            continue;
        const bool smaller = best == NULL || strcmp(bridge_json_str(record, "chittyId"),
                                                    bridge_json_str(best, "chittyId")) < 0;
        if (best == NULL || (shares && !best_shares) || (shares == best_shares && smaller)) {
            best = record;
            best_shares = shares;
        }
    }
    return best;
}

/* The only one with our first commit, unless both have addresses: forks of it are projects of their
 * own. */
static const json_t *choose_by_root(const json_t *found, const struct agent_place *p)
{
    const json_t *only = json_array_size(found) == 1 ? json_array_get(found, 0) : NULL;
    return only != NULL && (p->address[0] == '\0' || has_none(only, "repos")) ? only : NULL;
}

/* What git tells of the clone in `out->folder`. CHT_E_NOTFOUND: nothing that makes it known. */
/* A path is this machine's alone: the repository there tells by its first commit what it is. */
static bool is_path(struct cht_bytes address)
{
    return address.len < 5 || memcmp(address.data, "file:", 5) == 0;
}

enum cht_err agent_place_ask_git(struct agent *a, int git_ms, struct agent_place *out)
{
    struct cht_buf address;
    cht_buf_init(&address, sizeof out->address - 1);
    enum cht_err err = node_origin_address(out->folder, git_ms, &address);
    if (err == CHT_OK && !is_path(cht_buf_view(&address)))
        (void)snprintf(out->address, sizeof out->address, "%.*s", (int)address.len,
                       (const char *)address.data);
    cht_buf_clear(&address);
    if (err == CHT_E_INVALID || err == CHT_E_NOTFOUND)
        err = CHT_OK;
    if (err == CHT_OK)
        err = node_origin_root(out->folder, git_ms, out->root);
    if (err == CHT_E_NOTFOUND && out->address[0] != '\0')
        err = CHT_OK;
    if (err == CHT_E_NOTFOUND)
        return agent_fail(a, err, "the clone in %.160s has no remote and no commit yet",
                          out->folder);
    if (err == CHT_E_TIMEOUT)
        return agent_fail(a, err, "git did not tell in %d ms which clone %.120s is", git_ms,
                          out->folder);
    return err == CHT_OK ? CHT_OK : agent_fail(a, err, "git does not answer");
}

/* A project that has the clone's address or first commit. CHT_E_NOTFOUND. */
static enum cht_err by_origin(struct agent *a, struct agent_place *out)
{
    struct agent_ask asks[2] = { { 0 } };
    size_t count = 0;
    const bool address = out->address[0] != '\0', root = out->root[0] != '\0';
    if (address)
        asks[count++] =
            (struct agent_ask){ .type = NODE_MSG_QUERY,
                                .payload = list_of("repos", "has", json_string(out->address)) };
    if (root)
        asks[count++] =
            (struct agent_ask){ .type = NODE_MSG_QUERY,
                                .payload = list_of("root_commits", "has", json_string(out->root)) };
    enum cht_err err = agent_ask_all(a, asks, count);
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        err = asks[i].err;
    const json_t *record = address ? choose_by_address(asks[0].out, out) : NULL;
    out->how = AGENT_BY_ADDRESS;
    if (record == NULL && root) {
        record = choose_by_root(asks[count - 1].out, out);
        out->how = AGENT_BY_ROOT;
    }
    if (err == CHT_OK && record == NULL)
        err = CHT_E_NOTFOUND;
    if (err == CHT_OK)
        agent_place_keep(out, record);
    for (size_t i = 0; i < count; i++)
        json_decref(asks[i].out);
    return err;
}

/* --- writing ------------------------------------------------------------------------------- */

/* {places: {KEY: {at}}, repos: {add: […]}, root_commits: {add: […]}} */
static json_t *place_data(const struct agent *a, const struct agent_place *p)
{
    char key[LIMIT_KEY_BYTES];
    json_t *data = json_object();
    bool ok = data != NULL;
    if (ok && agent_place_key(a, p->folder, key))
        ok =
            json_object_set_new(data, "places",
                                json_pack("{s:{s:I}}", key, "at", (json_int_t)agent_now_ms())) == 0;
    if (ok && p->address[0] != '\0')
        ok = json_object_set_new(data, "repos", json_pack("{s:[s]}", "add", p->address)) == 0;
    if (ok && p->root[0] != '\0')
        ok = json_object_set_new(data, "root_commits", json_pack("{s:[s]}", "add", p->root)) == 0;
    if (ok)
        return data;
    json_decref(data);
    return NULL;
}

enum cht_err agent_place_write(struct agent *a, struct agent_place *p)
{
    const enum cht_err err = agent_change(
        a, agent_change_of("update", "projects", p->project, place_data(a, p)), NULL, NULL);
    p->changed = err == CHT_OK;
    return err;
}

/* The natural id: source `git`, key the address, a line feed, and the first commit; without an
 * address the first commit alone (PROTOCOL 1.8). */
static void natural_id(struct agent_place *p)
{
    char key[sizeof p->address + sizeof p->root + 1];
    struct crdt_id id;
    (void)snprintf(key, sizeof key, "%s%s%s", p->address, p->address[0] == '\0' ? "" : "\n",
                   p->root);
    crdt_natural_id(CRDT_PROJECT, cht_bytes_str("git"), cht_bytes_str(key), &id);
    crdt_id_text(&id, p->project);
}

void agent_place_name(const char *path, char out[static AGENT_NAME_MAX])
{
    const char *slash = strrchr(path, '/');
    const char *last = slash == NULL || slash[1] == '\0' ? path : slash + 1;
    const bool good =
        last[0] != '\0' && strlen(last) < AGENT_NAME_MAX && crdt_utf8_valid(cht_bytes_str(last));
    (void)snprintf(out, AGENT_NAME_MAX, "%s", good ? last : "project");
}

/* A new one. `p->project` empty: the node draws its id. */
enum cht_err agent_place_make(struct agent *a, struct agent_place *p)
{
    json_t *data = place_data(a, p), *result = NULL;
    if (data == NULL || json_object_set_new(data, "name", json_string(p->name)) != 0 ||
        json_object_set_new(data, "status", json_string("active")) != 0) {
        json_decref(data);
        return no_memory(a);
    }
    enum cht_err err = agent_change(
        a, agent_change_of("create", "projects", p->project[0] == '\0' ? NULL : p->project, data),
        NULL, &result);
    if (err == CHT_OK && bridge_json_str(result, "chittyId") != NULL)
        (void)snprintf(p->project, sizeof p->project, "%s", bridge_json_str(result, "chittyId"));
    json_decref(result);
    p->changed = err == CHT_OK;
    p->how = AGENT_MADE;
    return err;
}

/* Another process, or another machine, has made it; or someone has deleted it, and then the clone
 * is in no project until it is told again. */
static enum cht_err take_made(struct agent *a, struct agent_place *p)
{
    json_t *records = NULL;
    enum cht_err err = agent_query(a, agent_query_of("get", p->project), &records);
    if (err != CHT_OK)
        return err;
    json_t *record = agent_first(records);
    const bool deleted = json_is_true(json_object_get(record, "deleted"));
    agent_place_keep(p, record);
    json_decref(record);
    if (deleted)
        return agent_fail(a, CHT_E_NOTFOUND, "the project of this clone, %.160s, is deleted",
                          p->name);
    p->how = AGENT_BY_ADDRESS;
    return agent_place_write(a, p);
}

static enum cht_err make_clone(struct agent *a, struct agent_place *p)
{
    natural_id(p);
    agent_place_name(p->address[0] != '\0' ? p->address : p->folder, p->name);
    const enum cht_err err = agent_place_make(a, p);
    return err == CHT_E_EXISTS ? take_made(a, p) : err;
}

/* --- finding ------------------------------------------------------------------------------- */

/* A clone that no place tells of. */
static enum cht_err find_clone(struct agent *a, bool make, int git_ms, struct agent_place *p)
{
    enum cht_err err = agent_place_ask_git(a, git_ms, p);
    if (err != CHT_OK)
        return err;
    err = by_origin(a, p);
    if (err == CHT_OK)
        return make ? agent_place_write(a, p) : CHT_OK;
    if (err == CHT_E_NOTFOUND && make)
        return make_clone(a, p);
    return err == CHT_E_NOTFOUND
               ? agent_fail(a, err, "the clone in %.160s is in no project yet", p->folder)
               : err;
}

enum cht_err agent_project_find(struct agent *a, const char *folder, bool make, int git_ms,
                                struct agent_place *out)
{
    char top[NODE_PATH_MAX] = "";
    const char *path = folder == NULL ? a->folder : folder;
    struct agent_place *p = calloc(1, sizeof *p);
    enum cht_err err = p == NULL ? no_memory(a) : agent_know_device(a);
    const bool clone = agent_clone_top(path, top);
    if (err == CHT_OK)
        err = by_place(a, path, top, p);
    if (err == CHT_OK && p->changed && make)
        err = agent_place_write(a, p);
    else if (err == CHT_E_NOTFOUND && clone && git_ms != 0) {
        (void)snprintf(p->folder, sizeof p->folder, "%s", top);
        err = find_clone(a, make, git_ms, p);
    }
    if (err == CHT_OK) {
        p->changed = p->changed && make;
        *out = *p;
        if (folder == NULL)
            agent_project_set(a, p->project);
    }
    free(p);
    return err;
}
