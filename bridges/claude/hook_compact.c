/* A conversation is compacted: where it stood is kept as a checkpoint, for this session, another
 * one and another device. Before it the checkpoint has what the session holds; the summary that
 * Claude Code makes comes after it, to the same checkpoint. */
#include "bridges/claude/hook_own.h"
#include "bridges/claude/prefs.h"

#include <stdio.h>
#include <stdlib.h>

#define SLOT                                                                                       \
    "compaction" /* of the session's `state`: the checkpoint that waits for its summary            \
                  */

/* The checkpoint that waits; "" for none. */
static enum cht_err waiting(struct hook *h, char out[static CRDT_ID_TEXT_MAX])
{
    json_t *records = NULL;
    const enum cht_err err =
        agent_query(h->agent,
                    json_pack("{s:s, s:{s:s}, s:[s]}", "operation", "get", "entity", "chittyId",
                              agent_session(h->agent), "fields", "state"),
                    &records);
    const json_t *data = json_object_get(json_array_get(records, 0), "data");
    const char *id = bridge_json_str(json_object_get(data, "state"), SLOT);
    (void)snprintf(out, CRDT_ID_TEXT_MAX, "%s", id == NULL ? "" : id);
    json_decref(records);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

/* `id` NULL: none waits any more. */
static enum cht_err set_waiting(struct hook *h, const char *id)
{
    json_t *value = id == NULL ? json_null() : json_string(id);
    return agent_change(h->agent,
                        json_pack("{s:s, s:s, s:{s:s, s:{s:{s:o}}}}", "domain", "sessions",
                                  "operation", "update", "entity", "chittyId",
                                  agent_session(h->agent), "data", "state", SLOT, value),
                        NULL, NULL);
}

/* The todos that the session holds: ids. */
static json_t *held_todos(struct hook *h)
{
    json_t *todos = json_array(), *records = NULL;
    const struct agent_list list = { .mine = true, .project = "", .limit = 64 };
    if (agent_todo_list(h->agent, &list, &records) == CHT_OK) {
        for (size_t i = 0; i < json_array_size(records); i++) {
            json_t *id = json_object_get(json_array_get(records, i), "chittyId");
            if (json_is_string(id))
                (void)json_array_append(todos, id);
        }
    }
    json_decref(records);
    return todos;
}

static enum cht_err add_checkpoint(struct hook *h, struct cht_bytes summary, const char *key,
                                   char out[static CRDT_ID_TEXT_MAX])
{
    json_t *made = NULL;
    json_t *data = json_pack("{s:s, s:s, s:o}", "title", "The conversation was compacted", "kind",
                             "compaction", "todos", held_todos(h));
    if (data != NULL && summary.len != 0)
        (void)json_object_set_new(data, "summary", hook_document(summary));
    const enum cht_err err = agent_checkpoint_add(h->agent, data, key, &made);
    const char *id = bridge_json_str(made, "chittyId");
    (void)snprintf(out, CRDT_ID_TEXT_MAX, "%s", id == NULL ? "" : id);
    json_decref(made);
    return err;
}

static bool wanted(void)
{
    struct claude_prefs prefs;
    claude_prefs_read(&prefs);
    return prefs.auto_checkpoint;
}

enum cht_err hook_pre_compact(struct hook *h)
{
    char id[CRDT_ID_TEXT_MAX];
    enum cht_err err = hook_known(h);
    if (err == CHT_OK)
        hook_share(h);
    if (err == CHT_OK)
        err = waiting(h, id);
    if (err != CHT_OK || id[0] != '\0' || !wanted())
        return err; /* the last one failed: this is still where it stood */
    err = add_checkpoint(h, cht_bytes(NULL, 0), NULL, id);
    return err == CHT_OK && id[0] != '\0' ? set_waiting(h, id) : err;
}

/* The name of this compaction is its summary: told twice, it is one. */
enum cht_err hook_post_compact(struct hook *h)
{
    const struct cht_bytes summary = hook_text_at(h->payload->root, "compact_summary");
    char id[CRDT_ID_TEXT_MAX], key[HOOK_KEY_MAX], digest[2 * CRDT_ID_BYTES + 1];
    uint8_t hash[CRDT_ID_BYTES];
    if (summary.len == 0 || !wanted())
        return hook_known(h);
    crdt_id_of("chitty-compaction-1", summary, hash);
    crdt_hex(cht_bytes(hash, sizeof hash), digest);
    hook_key(h, "compaction", digest, key);
    enum cht_err err = hook_known(h);
    if (err == CHT_OK)
        err = waiting(h, id);
    if (err != CHT_OK)
        return err;
    if (id[0] == '\0')
        return add_checkpoint(h, summary, key, id);
    json_t *data = json_pack("{s:o}", "summary", hook_document(summary));
    err = agent_change(h->agent,
                       json_pack("{s:s, s:s, s:{s:s, s:o}}", "domain", "checkpoints", "operation",
                                 "update", "entity", "chittyId", id, "data", data),
                       key, NULL);
    return err == CHT_OK ? set_waiting(h, NULL) : err;
}
