/* Tasks and todos; see native_task.h. */
#include "bridges/claude/native_task.h"

#include "crdt/base/buf.h"
#include "crdt/natural.h"

#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A name that stays in its folder. */
static bool plain_name(const char *name, size_t max)
{
    const size_t len = strlen(name);
    if (len == 0 || len > max || name[0] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (name[i] == '/' || (uint8_t)name[i] < 0x20 || name[i] == 0x7f)
            return false;
    }
    return true;
}

bool native_config_folder(char out[static NODE_PATH_MAX])
{
    const char *folder = getenv("CLAUDE_CONFIG_DIR");
    const char *home = getenv("HOME");
    const bool given = folder != NULL && folder[0] != '\0';
    if (!given && (home == NULL || home[0] == '\0'))
        return false;
    const int len = given ? snprintf(out, NODE_PATH_MAX, "%s", folder)
                          : snprintf(out, NODE_PATH_MAX, "%s/.claude", home);
    return len > 0 && (size_t)len < NODE_PATH_MAX;
}

enum cht_err native_list_find(const char *session_id, const char *device, struct native_list *out)
{
    struct native_list list;
    char config[NODE_PATH_MAX];
    const char *named = getenv("CLAUDE_CODE_TASK_LIST_ID");
    const bool own = named == NULL || named[0] == '\0';
    const char *name = own ? session_id : named;
    if (!plain_name(name, HOOK_ID_BYTES))
        return CHT_E_INVALID;
    int len = own ? snprintf(list.key, sizeof list.key, "%s", name)
                  : snprintf(list.key, sizeof list.key, "%s/%s", device, name);
    if (len < 0 || (size_t)len >= sizeof list.key)
        return CHT_E_LIMIT;
    list.folder[0] = '\0';
    if (native_config_folder(config)) {
        len = snprintf(list.folder, sizeof list.folder, "%s/tasks/%s", config, name);
        if (len < 0 || (size_t)len >= sizeof list.folder)
            return CHT_E_LIMIT;
    }
    *out = list;
    return CHT_OK;
}

void native_task_natural(const struct native_list *list, const char *task_id, struct crdt_id *out)
{
    char key[sizeof list->key + NATIVE_TASK_ID_BYTES + 2];
    (void)snprintf(key, sizeof key, "%s\n%s", list->key, task_id);
    crdt_natural_id(CRDT_TODO, cht_bytes_str("claude-task"), cht_bytes_str(key), out);
}

/* A file that is being written in place may be half there: then it says nothing. */
static json_t *read_task(const struct native_list *list, const char *task_id)
{
    char path[NODE_PATH_MAX + NATIVE_TASK_ID_BYTES + 8];
    struct stat is;
    (void)snprintf(path, sizeof path, "%s/%s.json", list->folder, task_id);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return NULL;
    json_t *task = NULL;
    char *text = malloc(NATIVE_TASK_FILE_BYTES);
    if (text != NULL && fstat(fd, &is) == 0 && S_ISREG(is.st_mode)) {
        const ssize_t len = read(fd, text, NATIVE_TASK_FILE_BYTES);
        if (len > 0 && len < (ssize_t)NATIVE_TASK_FILE_BYTES)
            task = json_loadb(text, (size_t)len, 0, NULL);
    }
    free(text);
    (void)close(fd);
    return task;
}

static bool todo_named(const char *text, struct crdt_id *out)
{
    struct crdt_id id;
    if (text == NULL || crdt_id_parse(cht_bytes_str(text), &id) != CHT_OK || id.type != CRDT_TODO)
        return false;
    *out = id;
    return true;
}

enum cht_err native_mirror_path(const struct native_list *list, char out[static NODE_PATH_MAX])
{
    struct node_paths paths;
    uint8_t hash[16];
    char name[2 * sizeof hash + 1];
    if (node_paths_find(NULL, &paths) != CHT_OK)
        return CHT_E_INVALID;
    (void)crypto_generichash(hash, sizeof hash, (const uint8_t *)list->folder, strlen(list->folder),
                             NULL, 0);
    for (size_t i = 0; i < sizeof hash; i++)
        (void)snprintf(name + 2 * i, 3, "%02x", hash[i]);
    const int len = snprintf(out, NODE_PATH_MAX, "%s/mirrors/%s.json", paths.state, name);
    return len < 0 || (size_t)len >= NODE_PATH_MAX ? CHT_E_INVALID : CHT_OK;
}

/* What the mirror knows a task as, or knew it while it was there: {TASK: {todo} or {gone}}. */
static bool mirrored(const struct native_list *list, const char *task_id, bool there,
                     struct crdt_id *out)
{
    char path[NODE_PATH_MAX];
    if (native_mirror_path(list, path) != CHT_OK)
        return false;
    json_t *all = json_load_file(path, 0, NULL);
    const json_t *task = json_object_get(all, task_id);
    const bool is = todo_named(json_string_value(json_object_get(task, "todo")), out) ||
                    (!there && todo_named(json_string_value(json_object_get(task, "gone")), out));
    json_decref(all);
    return is;
}

enum cht_err native_task_todo(const struct native_list *list, const char *task_id,
                              char **out_subject, struct crdt_id *out)
{
    if (!plain_name(task_id, NATIVE_TASK_ID_BYTES))
        return CHT_E_INVALID;
    json_t *task = list->folder[0] != '\0' ? read_task(list, task_id) : NULL;
    const json_t *metadata = json_object_get(task, "metadata");
    const char *subject = json_string_value(json_object_get(task, "subject"));
    if (out_subject != NULL)
        *out_subject = subject == NULL ? NULL : strdup(subject);
    if (!todo_named(json_string_value(json_object_get(metadata, "chitty")), out) &&
        !mirrored(list, task_id, task != NULL, out) && !todo_named(task_id, out))
        native_task_natural(list, task_id, out);
    json_decref(task);
    return CHT_OK;
}
