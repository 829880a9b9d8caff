/* Before a tool changes a task: who holds the todo that it is. Claude Code's own tasks have no
 * claims; here is where the second of two sessions hears that somebody works on it already. */
#include "bridges/claude/hook_own.h"

#include <stdio.h>
#include <stdlib.h>

static bool text_is(const json_t *object, const char *key, const char *text)
{
    const char *value = bridge_json_str(object, key);
    return value != NULL && strcmp(value, text) == 0;
}

/* `TODO-4F2KJ5ZK "Write parser" is held by "auth" on "laptop-b", claimed 12 min ago, last sign of
 * life 3 s ago.` of a record of claims (LOCAL 8.6). */
static void say_held(const struct hook *h, const json_t *claim, char room[static HOOK_HELD_MAX])
{
    char age[HOOK_AGE_MAX], active[HOOK_AGE_MAX];
    const json_int_t since = bridge_json_int(claim, "since", 0);
    const bool past = since > 0 && (uint64_t)since < h->now_ms;
    hook_age(past ? h->now_ms - (uint64_t)since : 0, age);
    hook_age((uint64_t)bridge_json_int(claim, "active", 0), active);
    (void)snprintf(room, HOOK_HELD_MAX,
                   "%s %s is held by %s on %s, claimed %s ago, last sign of life %s ago.%s",
                   agent_short(bridge_json_str(claim, "chittyId")).text,
                   hook_quote(bridge_json_str(claim, "title"), 60, "").text,
                   hook_quote(bridge_json_str(claim, "holderName"), 40, "another session").text,
                   hook_quote(bridge_json_str(claim, "deviceName"), 32, "another device").text, age,
                   active,
                   text_is(claim, "state", "unconfirmed")
                       ? " The claim is not confirmed yet by the device that decides."
                       : "");
}

enum cht_err hook_claim(struct hook *h, const char *todo, const char *key,
                        char room[static HOOK_HELD_MAX], bool *out_held)
{
    enum cht_err err = agent_todo_claim(h->agent, todo, false, key, NULL);
    *out_held = err == CHT_E_CONFLICT;
    if (*out_held) {
        const json_t *claim = json_object_get(agent_error(h->agent), "claim");
        if (claim != NULL)
            say_held(h, claim, room);
        else
            (void)snprintf(room, HOOK_HELD_MAX, "%s", agent_fault(h->agent)->error.text);
    }
    return *out_held || err == CHT_E_NOTFOUND ? CHT_OK : err;
}

enum cht_err hook_begin(struct hook *h, const struct hook_task *t, const char *todo)
{
    char key[HOOK_KEY_MAX], text[HOOK_HELD_MAX];
    const bool named = t->tool_use_id[0] != '\0';
    bool held = false;
    hook_key(h, "claim", todo, key);
    const enum cht_err err = hook_claim(h, todo, named ? key : NULL, text, &held);
    if (held)
        hook_answer_context(h->answer, text);
    if (err == CHT_OK)
        return CHT_OK;
    hook_key(h, "begin", todo, key);
    const enum cht_err written = agent_change(
        h->agent,
        json_pack("{s:s, s:s, s:{s:s, s:{s:s}}}", "domain", "todos", "operation", "update",
                  "entity", "chittyId", todo, "data", "status", "in_progress"),
        named ? key : NULL, NULL);
    hook_key(h, "claim again", todo, key);
    return written == CHT_OK && err == CHT_E_INVALID /* it was finished: now it can be claimed */
               ? hook_claim(h, todo, named ? key : NULL, text, &held)
               : written;
}

/* A claim that nobody has shown a sign of life for keeps nobody away. */
static bool stands(const struct hook *h, const json_t *claim)
{
    return !text_is(claim, "holder", agent_session(h->agent)) &&
           (text_is(claim, "state", "held") || text_is(claim, "state", "unconfirmed"));
}

enum cht_err hook_held(struct hook *h, const char *todo, char room[static HOOK_HELD_MAX],
                       bool *out_held)
{
    json_t *claims = NULL;
    const enum cht_err err = agent_claims(h->agent, todo, &claims);
    *out_held = false;
    for (size_t i = 0; err == CHT_OK && i < json_array_size(claims) && !*out_held; i++) {
        const json_t *claim = json_array_get(claims, i);
        if (stands(h, claim)) {
            say_held(h, claim, room);
            *out_held = true;
        }
    }
    json_decref(claims);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

static enum cht_err look_at_update(struct hook *h, const struct hook_task *t)
{
    struct native_list list;
    struct crdt_id id;
    char todo[CRDT_ID_TEXT_MAX], key[HOOK_KEY_MAX], room[HOOK_HELD_MAX];
    bool held = false;
    enum cht_err err = native_list_find(agent_session_key(h->agent), agent_device(h->agent), &list);
    if (err == CHT_OK)
        err = native_task_todo(&list, t->task_id, NULL, &id);
    if (err != CHT_OK)
        return err == CHT_E_INVALID ? CHT_OK : err; /* no task that we could know */
    crdt_id_text(&id, todo);
    hook_key(h, "claim", todo, key);
    err = t->status == HOOK_STATUS_IN_PROGRESS
              ? hook_claim(h, todo, t->tool_use_id[0] == '\0' ? NULL : key, room, &held)
              : hook_held(h, todo, room, &held);
    if (held)
        hook_answer_deny(h->answer, room);
    return err == CHT_E_INVALID ? CHT_OK : err; /* what is finished is nobody's */
}

/* One of our own tools: it has its own answers, so this only says that the session lives. */
static bool own_tool(const char *name)
{
    return strncmp(name, "mcp__", 5) == 0 && strstr(name, "chitty") != NULL;
}

enum cht_err hook_pre_task(struct hook *h)
{
    struct hook_task t;
    hook_task_read(h->payload, 0, &t);
    if (t.op == HOOK_TASK_NONE && !own_tool(h->payload->tool_name))
        return CHT_OK;
    enum cht_err err = hook_known(h);
    if (err == CHT_OK && t.op == HOOK_TASK_UPDATE)
        err = look_at_update(h, &t);
    if (err == CHT_OK && t.op == HOOK_TASK_TODOS)
        err = hook_todos_deny(h, &t);
    return err;
}
