/* Records as short JSON, and that as lines of text. What is said are facts: who wrote what, who
 * holds what; texts of others stand in quotation marks. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bridges/mcp/product_own.h"
#include "crdt/rfc3339.h"

#define TITLE_BYTES 200u

/* --- lines ----------------------------------------------------------------------------------- */

void facts_init(struct facts *f)
{
    *f = (struct facts){ 0 };
    cht_buf_init(&f->text, PRODUCT_TEXT_BYTES);
}

void facts_clear(struct facts *f)
{
    cht_buf_clear(&f->text);
}

static void put(struct facts *f, const char *data, size_t len)
{
    /* one byte is left for the end, and for the sentence that it was cut */
    if (f->cut || f->text.len + len + 32 > PRODUCT_TEXT_BYTES ||
        cht_buf_add(&f->text, cht_bytes(data, len)) != CHT_OK)
        f->cut = true;
}

void facts_say(struct facts *f, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    mcp_trim(line);
    put(f, line, strlen(line));
}

/* How much of the text fits into so many bytes without cutting a character. */
static size_t fitting(const char *text, size_t bytes_max)
{
    size_t len = strnlen(text, bytes_max + 1);
    if (len <= bytes_max)
        return len;
    len = bytes_max;
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    return len;
}

void facts_quote(struct facts *f, const char *text, size_t bytes_max)
{
    const size_t len = text == NULL ? 0 : fitting(text, bytes_max);
    put(f, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f)
            put(f, " ", 1);
        else if (c == '"')
            put(f, "'", 1);
        else
            put(f, &text[i], 1);
    }
    if (text != NULL && text[len] != '\0')
        put(f, "...", 3);
    put(f, "\"", 1);
}

void facts_block(struct facts *f, const char *text, size_t bytes_max)
{
    const size_t len = fitting(text, bytes_max);
    for (size_t i = 0; i < len;) {
        const char *end = memchr(text + i, '\n', len - i);
        const size_t line = end == NULL ? len - i : (size_t)(end - text) - i;
        put(f, "  ", 2);
        put(f, text + i, line);
        put(f, "\n", 1);
        i += line + 1;
    }
    if (text[len] != '\0')
        facts_say(f, "  (and %zu bytes more)\n", strlen(text) - len);
}

const char *facts_text(struct facts *f)
{
    static const char more[] = "\n(cut here)";
    while (f->text.len > 0 && f->text.data[f->text.len - 1] == '\n')
        f->text.len--;
    if (cht_buf_reserve(&f->text, sizeof more) != CHT_OK)
        return "";
    if (f->cut)
        memcpy(f->text.data + f->text.len, more, sizeof more);
    else
        f->text.data[f->text.len] = '\0';
    return (const char *)f->text.data;
}

/* --- times ----------------------------------------------------------------------------------- */

struct facts_time facts_rfc3339(int64_t ms)
{
    struct facts_time out = { "" };
    char text[CRDT_RFC3339_MAX];
    if (ms < 0 || (uint64_t)ms > CRDT_RFC3339_MS_MAX)
        return out;
    crdt_rfc3339_text((uint64_t)ms, text);
    (void)snprintf(out.text, sizeof out.text, "%.19sZ", text);
    return out;
}

/* --- todos ----------------------------------------------------------------------------------- */

static bool set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

bool facts_put(json_t *object, const char *key, const char *text, size_t bytes_max)
{
    if (text == NULL || text[0] == '\0')
        return true;
    return set(object, key, json_stringn(text, fitting(text, bytes_max)));
}

static bool set_time(json_t *object, const char *key, const json_t *data, const char *field)
{
    const json_int_t ms = bridge_json_int(data, field, -1);
    return ms < 0 || set(object, key, json_string(facts_rfc3339(ms).text));
}

static const json_t *claim_of(const json_t *claims, const char *id)
{
    size_t i;
    json_t *one;
    json_array_foreach(claims, i, one)
    {
        const char *of = bridge_json_str(one, "chittyId");
        if (of != NULL && strcmp(of, id) == 0)
            return one;
    }
    return NULL;
}

/* Who holds it: {session, device, since, state}, "mine" where that is this session. */
static bool set_holder(const struct agent *a, json_t *out, const json_t *claim)
{
    const char *holder = bridge_json_str(claim, "holder");
    if (holder == NULL)
        return true;
    const char *name = bridge_json_str(claim, "holderName");
    json_t *who =
        json_pack("{s:s, s:s*, s:s*}", "session", mcp_short(name ? name : holder).text, "device",
                  bridge_json_str(claim, "deviceName"), "state", bridge_json_str(claim, "state"));
    if (strcmp(holder, agent_session(a)) == 0 && !set(who, "mine", json_true()))
        return false;
    return set_time(who, "since", claim, "since") && set(out, "holder", who);
}

/* The ids of a set of links, short. */
static bool set_links(json_t *out, const char *key, const json_t *links)
{
    size_t i;
    json_t *one;
    if (json_array_size(links) == 0)
        return true;
    json_t *list = json_array();
    json_array_foreach(links, i, one)
    {
        if (json_is_string(one) &&
            json_array_append_new(list, json_string(agent_short(json_string_value(one)).text)) != 0)
            break;
    }
    return set(out, key, list);
}

json_t *facts_todo(const struct agent *a, const json_t *record, const json_t *claims, bool whole)
{
    static const char *const texts[] = { "description", "acceptance", "design", "notes" };
    const json_t *data = json_object_get(record, "data");
    const char *id = bridge_json_str(record, "chittyId");
    const char *status = bridge_json_str(data, "status");
    json_t *out = json_pack("{s:s, s:s}", "id", agent_short(id == NULL ? "" : id).text, "status",
                            status == NULL ? "pending" : status);
    bool ok = out != NULL &&
              facts_put(out, "title", bridge_json_str(data, "content"), TITLE_BYTES) &&
              facts_put(out, "priority", bridge_json_str(data, "priority"), TITLE_BYTES) &&
              set_time(out, "deadline", data, "deadline") &&
              set_links(out, "dependsOn", json_object_get(data, "dependencies")) &&
              set_holder(a, out, claim_of(claims, id == NULL ? "" : id));
    for (size_t i = 0; whole && ok && i < sizeof texts / sizeof texts[0]; i++)
        ok = facts_put(out, texts[i], bridge_json_str(data, texts[i]), PRODUCT_NOTE_BYTES);
    if (whole && ok)
        ok = set_time(out, "created", data, "created") &&
             set_time(out, "completedAt", data, "completed_at");
    if (ok)
        return out;
    json_decref(out);
    return NULL;
}

static void say_links(struct facts *f, const char *what, const json_t *links)
{
    size_t i;
    json_t *one;
    json_array_foreach(links, i, one)
        facts_say(f, "%s%s", i == 0 ? what : ", ", json_string_value(one));
}

static void say_holder(struct facts *f, const json_t *who)
{
    const char *since = bridge_json_str(who, "since");
    const char *state = bridge_json_str(who, "state");
    if (who == NULL)
        return;
    if (json_is_true(json_object_get(who, "mine"))) {
        facts_say(f, ", held by this session");
    } else {
        facts_say(f, ", held by ");
        facts_quote(f, bridge_json_str(who, "session"), MCP_SHORT_BYTES);
        if (bridge_json_str(who, "device") != NULL)
            facts_say(f, " on %s", bridge_json_str(who, "device"));
    }
    if (since != NULL)
        facts_say(f, " since %s", since);
    if (state != NULL && strcmp(state, "held") != 0)
        facts_say(f, " (%s)", state);
}

void facts_say_todo(struct facts *f, const json_t *todo)
{
    static const char *const texts[] = { "description", "acceptance", "design", "notes" };
    const char *priority = bridge_json_str(todo, "priority");
    facts_say(f, "%s ", bridge_json_str(todo, "id"));
    facts_quote(f, bridge_json_str(todo, "title"), TITLE_BYTES);
    facts_say(f, " %s", bridge_json_str(todo, "status"));
    if (priority != NULL)
        facts_say(f, ", priority %s", priority);
    if (bridge_json_str(todo, "deadline") != NULL)
        facts_say(f, ", due %s", bridge_json_str(todo, "deadline"));
    say_links(f, ", depends on ", json_object_get(todo, "dependsOn"));
    say_holder(f, json_object_get(todo, "holder"));
    facts_say(f, "\n");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *text = bridge_json_str(todo, texts[i]);
        if (text == NULL)
            continue;
        facts_say(f, "%s:\n", texts[i]);
        facts_block(f, text, PRODUCT_NOTE_BYTES);
    }
}

/* --- sessions -------------------------------------------------------------------------------- */

/* The member of that device, or NULL. */
static const json_t *member_of(const json_t *devices, const char *device)
{
    size_t i;
    json_t *one;
    json_array_foreach(devices, i, one)
    {
        const char *of = bridge_json_str(one, "device");
        if (of != NULL && device != NULL && strcmp(of, device) == 0)
            return one;
    }
    return NULL;
}

static bool is_here(const json_t *member)
{
    static const char *const here[] = { "this device", "in sync", "connected" };
    const char *state = bridge_json_str(member, "state");
    for (size_t i = 0; state != NULL && i < sizeof here / sizeof here[0]; i++)
        if (strcmp(state, here[i]) == 0)
            return true;
    return false;
}

static json_t *held_by(const json_t *claims, const char *session)
{
    json_t *list = json_array();
    size_t i;
    json_t *one;
    json_array_foreach(claims, i, one)
    {
        const char *holder = bridge_json_str(one, "holder");
        const char *id = bridge_json_str(one, "chittyId");
        if (holder != NULL && id != NULL && strcmp(holder, session) == 0)
            (void)json_array_append_new(list, json_string(id));
    }
    return list;
}

json_t *facts_session(const struct agent *a, const json_t *record, const json_t *devices,
                      const json_t *claims)
{
    const json_t *data = json_object_get(record, "data");
    const char *id = bridge_json_str(record, "chittyId");
    const json_t *member = member_of(devices, agent_session_device(data));
    const char *key = bridge_json_str(data, "session_id");
    if (id == NULL)
        return NULL;
    json_t *held = held_by(claims, id);
    json_t *out =
        json_pack("{s:s, s:s}", "id", agent_short(id).text, "state",
                  agent_session_state(data, (uint64_t)time(NULL) * 1000, is_here(member)));
    bool ok = out != NULL && facts_put(out, "sessionId", key, TITLE_BYTES) &&
              facts_put(out, "title", bridge_json_str(data, "title"), TITLE_BYTES) &&
              facts_put(out, "device", bridge_json_str(member, "name"), TITLE_BYTES) &&
              facts_put(out, "branch", bridge_json_str(data, "branch"), TITLE_BYTES) &&
              set_time(out, "lastActive", data, "last_active") &&
              facts_put(out, "summary", bridge_json_str(data, "summary"), PRODUCT_NOTE_BYTES) &&
              set_links(out, "holds", held);
    if (ok && strcmp(id, agent_session(a)) == 0)
        ok = set(out, "mine", json_true());
    json_decref(held);
    if (ok)
        return out;
    json_decref(out);
    return NULL;
}

void facts_say_session(struct facts *f, const json_t *session)
{
    const char *title = bridge_json_str(session, "title");
    facts_say(f, "%s ", bridge_json_str(session, "id"));
    facts_quote(f, title != NULL ? title : bridge_json_str(session, "sessionId"), TITLE_BYTES);
    facts_say(f, " %s", bridge_json_str(session, "state"));
    if (json_is_true(json_object_get(session, "mine")))
        facts_say(f, ", this session");
    if (bridge_json_str(session, "device") != NULL)
        facts_say(f, ", on %s", bridge_json_str(session, "device"));
    if (bridge_json_str(session, "branch") != NULL) {
        facts_say(f, ", branch ");
        facts_quote(f, bridge_json_str(session, "branch"), TITLE_BYTES);
    }
    if (bridge_json_str(session, "lastActive") != NULL)
        facts_say(f, ", last active %s", bridge_json_str(session, "lastActive"));
    say_links(f, ", holds ", json_object_get(session, "holds"));
    facts_say(f, "\n");
    if (bridge_json_str(session, "summary") != NULL)
        facts_block(f, bridge_json_str(session, "summary"), PRODUCT_NOTE_BYTES);
}
