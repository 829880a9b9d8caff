/* Where a session goes on; see session_folder.h. */
#include "cli/base/session_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static bool is_folder(const char *path)
{
    struct stat s;
    return path[0] == '/' && stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* Is `path` the folder or in it? What is behind it is handed out, with its slash. */
static bool is_in(const char *folder, const char *path, const char **out_rest)
{
    const size_t len = strlen(folder);
    if (len == 0 || strncmp(path, folder, len) != 0 || (path[len] != '\0' && path[len] != '/'))
        return false;
    *out_rest = path + len;
    return true;
}

/* The path of a key "DEVICE:PATH" of this device; NULL: of another. */
static const char *path_on(const char *key, const char *device)
{
    const size_t len = device == NULL ? 0 : strlen(device);
    return len > 0 && strncmp(key, device, len) == 0 && key[len] == ':' ? key + len + 1 : NULL;
}

/* --- there --------------------------------------------------------------------------------- */

/* The place of the session's device that it worked in: the longest; else its own folder. */
static void find_there(const struct cli_session *s, json_t *places, struct cli_session_folder *f)
{
    const char *cwd = bridge_json_str(s->data, "cwd"), *key, *rest;
    json_t *place;
    size_t best = 0;
    (void)snprintf(f->from, sizeof f->from, "%s", cwd == NULL ? "" : cwd);
    json_object_foreach(places, key, place)
    {
        const char *path = path_on(key, s->device);
        if (path != NULL && cwd != NULL && is_in(path, cwd, &rest) && strlen(path) > best) {
            best = strlen(path);
            (void)snprintf(f->from, sizeof f->from, "%s", path);
        }
    }
}

/* --- here ---------------------------------------------------------------------------------- */

struct choice {
    const char *device, *working; /* this one; the working directory */
    char best[NODE_PATH_MAX];
    json_int_t at;
    bool mine; /* the working directory is in it */
};

/* The one that the working directory is in, else the one written last. */
static void take_places(struct choice *x, json_t *places)
{
    const char *key, *rest;
    json_t *place;
    json_object_foreach(places, key, place)
    {
        const char *path = path_on(key, x->device);
        const json_int_t at = bridge_json_int(place, "at", 0);
        if (path == NULL || !is_folder(path))
            continue;
        const bool mine = is_in(path, x->working, &rest);
        if (x->mine > mine || (x->mine == mine && x->best[0] != '\0' && at <= x->at))
            continue;
        (void)snprintf(x->best, sizeof x->best, "%s", path);
        x->at = at;
        x->mine = mine;
    }
}

/* The clones of its repositories. */
static enum cht_err take_repos(struct cli_context *c, struct agent *a, const json_t *project,
                               struct choice *x)
{
    json_t *addresses = json_object_get(cli_data_of(project), "repos"), *repos = NULL, *repo;
    size_t i;
    if (json_array_size(addresses) == 0)
        return CHT_OK;
    json_t *where = json_pack("[o]", cli_where("url", "is", json_deep_copy(addresses)));
    const enum cht_err err = cli_list_of(c, a, "repos", where, NULL, 64, &repos);
    json_array_foreach(repos, i, repo)
        take_places(x, json_object_get(cli_data_of(repo), "worktrees"));
    json_decref(repos);
    return err;
}

/* The working directory, where git says that it is a clone of the project. */
static enum cht_err take_working(struct cli_context *c, struct agent *a, const char *project,
                                 struct choice *x)
{
    struct agent_place *place = malloc(sizeof *place);
    enum cht_err err = place == NULL ? cli_agent_memory(c, CHT_OK) : CHT_OK;
    if (err == CHT_OK)
        err = agent_project_find(a, x->working, false, 4000, place);
    if (err == CHT_OK && strcmp(place->project, project) == 0)
        (void)snprintf(x->best, sizeof x->best, "%s", place->folder);
    free(place);
    return err == CHT_E_NOMEM ? err : CHT_OK;
}

static enum cht_err nowhere(struct cli_context *c, const json_t *project)
{
    const char *name = bridge_json_str(cli_data_of(project), "name");
    const char *address =
        json_string_value(json_array_get(json_object_get(cli_data_of(project), "repos"), 0));
    (void)node_fault_set(&c->fault, CHT_E_NOTFOUND, cht_bytes_str("folder"),
                         "%.80s has no folder on this machine", name == NULL ? "it" : name);
    if (address != NULL)
        node_fault_hint(&c->fault, "clone %.160s, then say this again in it", address);
    else
        node_fault_hint(&c->fault, "--folder PATH says where it is");
    return CHT_E_NOTFOUND;
}

static enum cht_err find_here(struct cli_context *c, struct agent *a, const json_t *project,
                              struct cli_session_folder *f)
{
    struct choice *x = calloc(1, sizeof *x);
    char *working = realpath(".", NULL);
    enum cht_err err = x == NULL || working == NULL ? cli_agent_memory(c, CHT_OK) : CHT_OK;
    if (err == CHT_OK) {
        x->device = agent_device(a);
        x->working = working;
        take_places(x, json_object_get(cli_data_of(project), "places"));
        if (!x->mine)
            err = take_repos(c, a, project, x);
    }
    if (err == CHT_OK && x->best[0] == '\0')
        err = take_working(c, a, bridge_json_str(project, "chittyId"), x);
    if (err == CHT_OK && x->best[0] == '\0')
        err = nowhere(c, project);
    else if (err == CHT_OK)
        (void)snprintf(f->to, sizeof f->to, "%s", x->best);
    free(working);
    free(x);
    return err;
}

/* --- both ---------------------------------------------------------------------------------- */

/* The folder in `to` that stands for the session's, if there is one. */
static void find_cwd(const struct cli_session *s, struct cli_session_folder *f)
{
    const char *cwd = bridge_json_str(s->data, "cwd"), *rest;
    char path[2 * NODE_PATH_MAX];
    (void)snprintf(f->cwd, sizeof f->cwd, "%s", f->to);
    if (cwd == NULL || !is_in(f->from, cwd, &rest) || rest[0] == '\0')
        return;
    (void)snprintf(path, sizeof path, "%s%s", f->to, rest);
    if (strlen(path) < sizeof f->cwd && strstr(rest, "/..") == NULL && is_folder(path))
        (void)snprintf(f->cwd, sizeof f->cwd, "%.*s", (int)sizeof f->cwd - 1, path);
}

static enum cht_err take_flag(struct cli_context *c, const char *folder,
                              struct cli_session_folder *f)
{
    char *whole = realpath(folder, NULL);
    const bool good = whole != NULL && strlen(whole) < sizeof f->to && is_folder(whole);
    if (good)
        (void)snprintf(f->to, sizeof f->to, "%s", whole);
    free(whole);
    return good ? CHT_OK
                : node_fault_set(&c->fault, CHT_E_NOTFOUND, cht_bytes_str("folder"),
                                 "there is no folder %.160s", folder);
}

enum cht_err cli_session_folder_find(struct cli_context *c, struct agent *a,
                                     const struct cli_session *s, struct cli_session_folder *out)
{
    const char *id = bridge_json_str(s->data, "project"), *cwd = bridge_json_str(s->data, "cwd");
    const char *flag = cli_flag(c, "folder");
    json_t *project = NULL;
    enum cht_err err = id == NULL ? CHT_OK : cli_get_of(c, a, "projects", id, &project);
    *out = (struct cli_session_folder){ .to = "" };
    if (err == CHT_OK) {
        find_there(s, json_object_get(cli_data_of(project), "places"), out);
        if (flag != NULL)
            err = take_flag(c, flag, out);
        else if (s->here && cwd != NULL && is_folder(cwd) && strlen(cwd) < sizeof out->to)
            (void)snprintf(out->to, sizeof out->to, "%s", out->from);
        else if (project != NULL)
            err = find_here(c, a, project, out);
        else
            err = nowhere(c, NULL);
    }
    if (err == CHT_OK)
        find_cwd(s, out);
    json_decref(project);
    return err;
}
