/* A folder is told which project it is; see agent.h. */
#include "bridges/agent/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define GIT_MS 60000 /* of a long history */

static enum cht_err take_folder(struct agent *a, const char *folder, char out[static NODE_PATH_MAX])
{
    struct stat info;
    char *whole = realpath(folder, NULL);
    const bool good = whole != NULL && stat(whole, &info) == 0 && S_ISDIR(info.st_mode) &&
                      strlen(whole) < NODE_PATH_MAX;
    if (good)
        (void)snprintf(out, NODE_PATH_MAX, "%s", whole);
    free(whole);
    return good ? CHT_OK : agent_fail(a, CHT_E_NOTFOUND, "there is no folder %.200s", folder);
}

/* The address and first commit of a clone are its project's; those of one around it are not. */
static void ask_git(struct agent *a, struct agent_place *p)
{
    char top[NODE_PATH_MAX];
    if (agent_clone_top(p->folder, top) && strcmp(top, p->folder) == 0)
        (void)!agent_place_ask_git(a, GIT_MS, p);
}

/* --- another project ----------------------------------------------------------------------- */

/* A folder is one project's place: take it from the one that has it. */
static enum cht_err leave(struct agent *a, const struct agent_place *before, const char *project)
{
    char key[LIMIT_KEY_BYTES];
    if (before->project[0] == '\0' || strcmp(before->project, project) == 0 ||
        !agent_place_key(a, before->folder, key))
        return CHT_OK;
    return agent_change(a,
                        agent_change_of("update", "projects", before->project,
                                        json_pack("{s:{s:n}}", "places", key)),
                        NULL, NULL);
}

/* `project` is an id, its beginning, or a name. */
static enum cht_err join(struct agent *a, const struct agent_place *before, const char *project,
                         struct agent_place *p)
{
    json_t *records = NULL;
    enum cht_err err = agent_query(a,
                                   json_pack("{s:s, s:s, s:{s:s}}", "operation", "get", "domain",
                                             "projects", "entity", "chittyId", project),
                                   &records);
    if (err != CHT_OK)
        return err;
    json_t *record = agent_first(records);
    agent_place_keep(p, record);
    json_decref(record);
    p->how = AGENT_TOLD;
    if (strcmp(before->project, p->project) == 0) {
        p->how = AGENT_BY_PLACE;
        return CHT_OK;
    }
    ask_git(a, p);
    err = leave(a, before, p->project);
    return err == CHT_OK ? agent_place_write(a, p) : err;
}

/* --- a name -------------------------------------------------------------------------------- */

static enum cht_err rename_it(struct agent *a, const char *name, struct agent_place *p)
{
    if (strcmp(p->name, name) == 0)
        return CHT_OK;
    const enum cht_err err = agent_change(
        a, agent_change_of("update", "projects", p->project, json_pack("{s:s}", "name", name)),
        NULL, NULL);
    if (err == CHT_OK) {
        (void)snprintf(p->name, sizeof p->name, "%s", name);
        p->changed = true;
    }
    return err;
}

/* Two projects of one name would be confused: whoever wants the one that is there says so. */
static enum cht_err refuse_twin(struct agent *a, const char *name)
{
    json_t *found = NULL;
    enum cht_err err =
        agent_query(a,
                    json_pack("{s:s, s:s, s:i, s:[o], s:[s]}", "operation", "list", "domain",
                              "projects", "limit", 1, "where",
                              agent_where("name", "is", json_string(name)), "fields", "name"),
                    &found);
    const bool any = json_array_size(found) != 0;
    json_decref(found);
    if (err == CHT_OK && any) {
        err = agent_fail(a, CHT_E_EXISTS, "there is a project called %.100s already", name);
        node_fault_hint(&a->fault,
                        "--project '%.100s' makes the folder a place of it, --name "
                        "gives a new one another name",
                        name);
    }
    return err;
}

static enum cht_err make_named(struct agent *a, const char *name, struct agent_place *p)
{
    if (name[0] == '\0' || strlen(name) >= sizeof p->name)
        return agent_fail(a, CHT_E_INVALID, "a name has 1 to %zu bytes", sizeof p->name - 1);
    enum cht_err err = refuse_twin(a, name);
    if (err != CHT_OK)
        return err;
    (void)snprintf(p->name, sizeof p->name, "%s", name);
    return agent_place_make(a, p);
}

/* --- what is meant ------------------------------------------------------------------------- */

/* The folder is no place yet: a clone's top is its project, anything else a new one. */
static enum cht_err found(struct agent *a, const char *name, struct agent_place *p)
{
    char top[NODE_PATH_MAX], own[AGENT_NAME_MAX];
    const bool inside = agent_clone_top(p->folder, top);
    const bool whole = inside && (name == NULL || strcmp(top, p->folder) == 0);
    enum cht_err err = CHT_E_NOTFOUND;
    if (whole)
        err = agent_project_find(a, p->folder, true, GIT_MS, p);
    if (err == CHT_OK)
        return name == NULL ? CHT_OK : rename_it(a, name, p);
    if (err != CHT_E_NOTFOUND)
        return err;
    agent_place_name(p->folder, own);
    return make_named(a, name == NULL ? own : name, p);
}

enum cht_err agent_project_init(struct agent *a, const char *folder, const char *project,
                                const char *name, struct agent_place *out)
{
    struct agent_place *both = calloc(2, sizeof *both);
    if (both == NULL)
        return node_fault_from(&a->fault, CHT_E_NOMEM, NULL);
    struct agent_place *p = &both[0], *before = &both[1];
    enum cht_err err = agent_know_device(a);
    if (err == CHT_OK)
        err = take_folder(a, folder == NULL ? a->folder : folder, p->folder);
    if (err == CHT_OK) {
        err = agent_project_find(a, p->folder, false, GIT_MS, before);
        const bool exact = err == CHT_OK && before->how == AGENT_BY_PLACE &&
                           strcmp(before->folder, p->folder) == 0;
        const bool here = err == CHT_OK && before->how == AGENT_BY_PLACE;
        err = err == CHT_E_NOTFOUND ? CHT_OK : err;
        if (!exact && (project != NULL || name != NULL || !here))
            before->project[0] = '\0';
        if (err == CHT_OK && project != NULL)
            err = join(a, before, project, p);
        else if (err == CHT_OK && before->project[0] != '\0') {
            *p = *before;
            err = name == NULL ? CHT_OK : rename_it(a, name, p);
        } else if (err == CHT_OK)
            err = found(a, name, p);
    }
    if (err == CHT_OK) {
        *out = *p;
        if (folder == NULL)
            agent_project_set(a, p->project);
    }
    free(both);
    return err;
}
