/* Reading a payload; see hook_payload.h. */
#include "bridges/claude/hook_payload.h"

#include "bridges/json/mend.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const event_names[] = {
#define X(sym, word) [sym] = word,
    HOOK_EVENTS(X)
#undef X
};

const char *hook_event_name(enum hook_event event)
{
    return event < HOOK_EVENT_COUNT ? event_names[event] : "";
}

static enum hook_event event_named(const char *name)
{
    for (unsigned i = 0; i < HOOK_EVENT_COUNT; i++) {
        if (strcmp(event_names[i], name) == 0)
            return (enum hook_event)i;
    }
    return HOOK_OTHER;
}

/* --- members -------------------------------------------------------------------------------- */

struct cht_bytes hook_text_at(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return json_is_string(v) ? cht_bytes(json_string_value(v), json_string_length(v))
                             : cht_bytes(NULL, 0);
}

const char *hook_id_at(const json_t *object, const char *key)
{
    const struct cht_bytes text = hook_text_at(object, key);
    if (text.len == 0 || text.len > HOOK_ID_BYTES)
        return "";
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 0x20 || text.data[i] == 0x7f)
            return "";
    }
    return json_string_value(json_object_get(object, key));
}

const char *hook_number_at(const json_t *object, const char *key, char room[static 24])
{
    const json_t *v = json_object_get(object, key);
    if (!json_is_integer(v))
        return hook_id_at(object, key);
    (void)snprintf(room, 24, "%lld", (long long)json_integer_value(v));
    return room;
}

/* --- the text ------------------------------------------------------------------------------- */

/* Texts of tools may hold anything: a NUL, and integers that JavaScript has and C has not. */
static json_t *load(const struct cht_buf *bytes)
{
    const size_t flags = JSON_ALLOW_NUL;
    json_t *root = json_loadb((const char *)bytes->data, bytes->len, flags, NULL);
    if (root == NULL)
        root = json_loadb((const char *)bytes->data, bytes->len, flags | JSON_DECODE_INT_AS_REAL,
                          NULL);
    return root;
}

enum cht_err hook_payload_read(struct cht_buf *bytes, struct hook_payload *out)
{
    if (bytes->len > HOOK_PAYLOAD_BYTES)
        return CHT_E_LIMIT;
    if (bytes->len == 0)
        return CHT_E_MALFORMED;
    json_mend(bytes->data, bytes->len, false);
    json_t *root = load(bytes);
    const char *name = hook_id_at(root, "hook_event_name");
    if (!json_is_object(root) || name[0] == '\0') {
        json_decref(root);
        return CHT_E_MALFORMED;
    }
    *out = (struct hook_payload){
        .root = root,
        .event = event_named(name),
        .session_id = hook_id_at(root, "session_id"),
        .cwd = "",
        .prompt_id = hook_id_at(root, "prompt_id"),
        .agent_id = hook_id_at(root, "agent_id"),
        .source = hook_id_at(root, "source"),
        .tool_name = hook_id_at(root, "tool_name"),
        .tool_use_id = hook_id_at(root, "tool_use_id"),
        .tool_response = json_object_get(root, "tool_response"),
    };
    const json_t *input = json_object_get(root, "tool_input");
    out->tool_input = json_is_object(input) ? input : NULL;
    const struct cht_bytes cwd = hook_text_at(root, "cwd");
    if (cwd.len != 0 && cwd.data[0] == '/' && memchr(cwd.data, '\0', cwd.len) == NULL)
        out->cwd = (const char *)cwd.data;
    return CHT_OK;
}

void hook_payload_clear(struct hook_payload *payload)
{
    json_decref(payload->root);
    *payload = (struct hook_payload){ .event = HOOK_OTHER };
}
