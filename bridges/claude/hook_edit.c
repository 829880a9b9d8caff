/* Files: what a session edits is written down in it, and before an edit it hears what it should
 * know: that a todo it works on went to somebody else, and who else edited the file just now. */
#include "bridges/claude/hook_own.h"
#include "crdt/limits.h"

#include <stdio.h>
#include <stdlib.h>

#define AGAIN_MS  60000u  /* an edit of the same file within this is not written down again */
#define RECENT_MS 600000u /* "just now": what is older is in the other's commits, or forgotten */
#define OTHERS    8u      /* sessions looked at */

/* --- which file ----------------------------------------------------------------------------- */

static const struct {
    const char *tool, *member, *action;
} editors[] = {
    { "Edit", "file_path", "edit" },
    { "MultiEdit", "file_path", "edit" },
    { "Write", "file_path", "write" },
    { "NotebookEdit", "notebook_path", "edit" },
};

/* The file that the tool edits, as it is called in all clones: from the top of its clone on,
 * outside of one from the project's folder on, else whole. NULL: it edits none, or the name is too
 * long for a key. */
static const char *edited(const struct hook *h, char room[static NODE_PATH_MAX],
                          const char **out_action)
{
    struct cht_bytes path = { 0 };
    char top[NODE_PATH_MAX];
    for (size_t i = 0; i < sizeof editors / sizeof editors[0]; i++) {
        if (strcmp(editors[i].tool, h->payload->tool_name) == 0) {
            path = hook_text_at(h->payload->tool_input, editors[i].member);
            *out_action = editors[i].action;
        }
    }
    if (path.len == 0 || path.len >= NODE_PATH_MAX || memchr(path.data, '\0', path.len) != NULL)
        return NULL;
    memcpy(room, path.data, path.len);
    room[path.len] = '\0';
    char *slash = strrchr(room, '/');
    if (room[0] == '/' && slash != room) {
        *slash = '\0';
        const bool found = agent_clone_top(room, top);
        *slash = '/';
        if (!found)
            (void)snprintf(top, sizeof top, "%s", agent_folder(h->agent));
        const size_t len = strlen(top);
        if (len > 1 && strncmp(room, top, len) == 0 && room[len] == '/' && room[len + 1] != '\0')
            return strlen(room + len + 1) <= LIMIT_KEY_BYTES - 8 ? room + len + 1 : NULL;
    }
    return path.len <= LIMIT_KEY_BYTES - 8 ? room : NULL;
}

static uint64_t edited_at(const json_t *data, const char *path)
{
    const json_t *edit = json_object_get(json_object_get(data, "files"), path);
    const json_int_t at = bridge_json_int(edit, "at", 0);
    return at > 0 ? (uint64_t)at : 0;
}

/* The sessions that edited it, the one that was changed last first; this one may be among them. */
static enum cht_err ask_editors(struct hook *h, const char *path, json_t **out)
{
    const char *project = agent_project(h->agent);
    json_t *where = json_pack("[{s:s, s:s, s:s}]", "field", "files", "op", "has", "value", path);
    if (where != NULL && project[0] != '\0' &&
        json_array_append_new(where, json_pack("{s:s, s:s, s:s}", "field", "project", "op", "is",
                                               "value", project)) != 0) {
        json_decref(where);
        where = NULL;
    }
    return agent_query(h->agent,
                       json_pack("{s:s, s:s, s:o, s:[s,s,s,s,s,s], s:s, s:i}", "operation", "list",
                                 "domain", "sessions", "where", where, "fields", "title",
                                 "session_id", "files", "branch", "process", "state", "sort",
                                 "-modified", "limit", (int)OTHERS),
                       out);
}

static uint64_t own_edit(const struct hook *h, const json_t *sessions, const char *path)
{
    for (size_t i = 0; i < json_array_size(sessions); i++) {
        const json_t *record = json_array_get(sessions, i);
        const char *id = bridge_json_str(record, "chittyId");
        if (id != NULL && strcmp(id, agent_session(h->agent)) == 0)
            return edited_at(json_object_get(record, "data"), path);
    }
    return 0;
}

/* --- after an edit -------------------------------------------------------------------------- */

enum cht_err hook_edited(struct hook *h)
{
    char room[NODE_PATH_MAX];
    const char *action = "", *path = edited(h, room, &action);
    json_t *sessions = NULL;
    if (path == NULL || h->payload->event != HOOK_POST_TOOL)
        return CHT_OK;
    enum cht_err err = ask_editors(h, path, &sessions);
    const uint64_t before = own_edit(h, sessions, path);
    json_decref(sessions);
    if (err != CHT_OK || before + AGAIN_MS > h->now_ms)
        return err;
    return agent_change(h->agent,
                        json_pack("{s:s, s:s, s:{s:s, s:{s:{s:{s:s, s:I}}}}}", "domain", "sessions",
                                  "operation", "update", "entity", "chittyId",
                                  agent_session(h->agent), "data", "files", path, "action", action,
                                  "at", (json_int_t)h->now_ms),
                        NULL, NULL);
}

/* --- what was lost -------------------------------------------------------------------------- */

/* Append to a text of at most `size` bytes with the NUL; what does not fit is left out. */
static void add(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add(char *text, size_t size, const char *format, ...)
{
    va_list args;
    const size_t len = strlen(text);
    va_start(args, format);
    const int n = vsnprintf(text + len, size - len, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= size - len)
        text[len] = '\0';
}

/* `status "completed"`, `notes "…"`: what the other one did with it. */
static void add_deeds(const json_t *lost, char *text, size_t size)
{
    const json_t *what = json_object_get(lost, "what");
    for (size_t i = 0; i < json_array_size(what); i++) {
        const json_t *deed = json_array_get(what, i);
        const char *field = bridge_json_str(deed, "field");
        const char *value = bridge_json_str(deed, "value");
        if (field == NULL || strcmp(field, "claim") == 0)
            continue;
        add(text, size, "%s %.40s%s%s", text[strlen(text) - 1] == ':' ? "" : ",", field,
            value == NULL ? "" : " ", hook_quote(value, 60, "").text);
    }
}

static void say_lost(const struct hook *h, const json_t *lost, char *text, size_t size)
{
    char age[HOOK_AGE_MAX];
    const char *holder = bridge_json_str(lost, "holderName");
    const json_int_t since = bridge_json_int(lost, "since", 0);
    hook_age(since > 0 && (uint64_t)since < h->now_ms ? h->now_ms - (uint64_t)since : 0, age);
    add(text, size, "%s %s, which this session worked on,",
        agent_short(bridge_json_str(lost, "chittyId")).text,
        hook_quote(bridge_json_str(lost, "title"), 60, "").text);
    if (holder == NULL)
        add(text, size, " was ended or given back %s ago.", age);
    else
        add(text, size, " went to %s on %s %s ago.", hook_quote(holder, 40, "another session").text,
            hook_quote(bridge_json_str(lost, "deviceName"), 32, "another device").text, age);
    if (json_array_size(json_object_get(lost, "what")) != 0) {
        add(text, size, " Changed there:");
        add_deeds(lost, text, size);
        add(text, size, ".");
    }
}

/* Deny once, with what the winner did; then it counts as told. */
static enum cht_err tell_lost(struct hook *h, bool *out_told)
{
    char text[HOOK_REASON_BYTES + 1] = "";
    json_t *renewed = NULL;
    enum cht_err err = agent_session_touch(h->agent, &renewed);
    const json_t *lost = json_object_get(renewed, "lost");
    *out_told = err == CHT_OK && json_array_size(lost) != 0;
    for (size_t i = 0; *out_told && i < json_array_size(lost); i++) {
        if (i != 0)
            add(text, sizeof text, "\n");
        say_lost(h, json_array_get(lost, i), text, sizeof text);
    }
    json_decref(renewed);
    if (*out_told) {
        add(text, sizeof text, "\nThis edit was not made; the next one is not held back by this.");
        hook_answer_deny(h->answer, text);
        err = agent_command(h->agent, "renew", json_pack("{s:b}", "told", 1), NULL);
    }
    return err;
}

/* --- who else edits it ---------------------------------------------------------------------- */

/* What the members of the space call that device. */
static struct hook_quoted device_name(struct hook *h, const char *device)
{
    static const char otherwise[] = "another device";
    struct hook_quoted q = hook_quote(NULL, 0, otherwise);
    json_t *answer = NULL;
    if (device == NULL || agent_command(h->agent, "members", json_object(), &answer) != CHT_OK)
        return q;
    const json_t *members = json_object_get(answer, "members");
    for (size_t i = 0; i < json_array_size(members); i++) {
        const json_t *m = json_array_get(members, i);
        const char *id = bridge_json_str(m, "device");
        if (id != NULL && strcmp(id, device) == 0)
            q = hook_quote(bridge_json_str(m, "name"), 32, otherwise);
    }
    json_decref(answer);
    return q;
}

static void warn(struct hook *h, const char *path, const json_t *data, uint64_t at)
{
    char text[1536], age[HOOK_AGE_MAX]; /* four quotes; what is told is cut later */
    const char *title = bridge_json_str(data, "title");
    const char *branch = bridge_json_str(data, "branch");
    hook_age(h->now_ms > at ? h->now_ms - at : 0, age);
    (void)snprintf(text, sizeof text, "%s was edited %s ago by another session, %s on %s%s%s.",
                   hook_quote(path, 120, "").text, age,
                   hook_quote(title != NULL ? title : bridge_json_str(data, "session_id"), 40,
                              "without a name")
                       .text,
                   device_name(h, agent_session_device(data)).text,
                   branch == NULL ? "" : ", branch ", hook_quote(branch, 60, "").text);
    hook_answer_context(h->answer, text);
}

/* Told is what is newer than this session's own last edit of the file: nothing twice. */
static enum cht_err tell_edits(struct hook *h, const char *path)
{
    json_t *sessions = NULL;
    const enum cht_err err = ask_editors(h, path, &sessions);
    const uint64_t own = own_edit(h, sessions, path);
    for (size_t i = 0; i < json_array_size(sessions); i++) {
        const json_t *record = json_array_get(sessions, i), *data = json_object_get(record, "data");
        const char *id = bridge_json_str(record, "chittyId");
        const uint64_t at = edited_at(data, path);
        const bool other = id != NULL && strcmp(id, agent_session(h->agent)) != 0;
        if (other && at > own && at + RECENT_MS > h->now_ms) {
            warn(h, path, data, at);
            break;
        }
    }
    json_decref(sessions);
    return err;
}

enum cht_err hook_pre_edit(struct hook *h)
{
    char room[NODE_PATH_MAX];
    bool told = false;
    const char *action = "", *path = edited(h, room, &action);
    if (action[0] == '\0')
        return CHT_OK; /* a tool that edits nothing */
    enum cht_err err = hook_known(h);
    if (err != CHT_OK)
        return err;
    err = tell_lost(h, &told);
    const enum cht_err also = !told && path != NULL ? tell_edits(h, path) : CHT_OK;
    return err != CHT_OK ? err : also;
}
