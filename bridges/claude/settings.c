/* Ours, in and out. What is ours is known by what it says (registration.h), so that it is found
 * wherever somebody has moved it. */
#include "bridges/claude/settings.h"

#include "bridges/claude/registration.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS_MAX 1024u /* of taking one out: more is no settings file of a person */

/* --- what is wanted -------------------------------------------------------------------------- */

void settings_want_clear(struct settings_want *w)
{
    for (size_t i = 0; i < w->count; i++)
        json_decref(w->list[i].value);
    w->count = 0;
}

static enum cht_err want(struct settings_want *w, struct edit_path path, bool append, json_t *value)
{
    if (value == NULL)
        return CHT_E_NOMEM;
    if (w->count == SETTINGS_ENTRIES_MAX) {
        json_decref(value);
        return CHT_E_LIMIT;
    }
    w->list[w->count++] = (struct settings_entry){ path, append, value };
    return CHT_OK;
}

/* The name of an event that lives as long as the table. */
static const char *event_name(const char *event)
{
    const struct claude_hook *h = claude_hooks;
    while (h->event != NULL && strcmp(h->event, event) != 0)
        h++;
    return h->event;
}

enum cht_err settings_want_hooks(struct settings_want *w, const char *program)
{
    json_t *all = claude_hooks_value(program);
    json_t *groups, *group;
    const char *event;
    size_t i;
    enum cht_err err = all == NULL ? CHT_E_NOMEM : CHT_OK;
    json_object_foreach(all, event, groups)
    {
        json_array_foreach(groups, i, group)
        {
            const struct edit_path path = { { "hooks", event_name(event) } };
            if (err == CHT_OK)
                err = want(w, path, true, json_incref(group));
        }
    }
    json_decref(all);
    return err;
}

enum cht_err settings_want_server(struct settings_want *w, const char *program, const char *project)
{
    const struct edit_path local = { { "projects", project, "mcpServers", CLAUDE_SERVER } };
    const struct edit_path global = { { "mcpServers", CLAUDE_SERVER } };
    return want(w, project == NULL ? global : local, false, claude_server_value(program));
}

enum cht_err settings_want_plugin(struct settings_want *w, const char *folder)
{
    const struct edit_path market = { { "extraKnownMarketplaces", CLAUDE_SERVER } };
    const struct edit_path plugin = { { "enabledPlugins", CLAUDE_PLUGIN } };
    enum cht_err err = want(
        w, market, false, json_pack("{s{ss ss}}", "source", "source", "directory", "path", folder));
    return err == CHT_OK ? want(w, plugin, false, json_true()) : err;
}

/* --- what is ours ---------------------------------------------------------------------------- */

static bool is_ours(const struct jsonc *j, uint32_t node, bool server)
{
    json_t *value = jsonc_value(j, node);
    const bool is =
        value != NULL && (server ? claude_is_server(value) : claude_is_hook(value, NULL));
    json_decref(value);
    return is;
}

/* Handlers of ours in the groups of the hooks: how many, and the first. */
static size_t find_handlers(const struct jsonc *j, uint32_t *out_first)
{
    const uint32_t hooks = jsonc_member(j, 0, "hooks");
    size_t count = 0;
    if (hooks == JSONC_NONE || j->nodes[hooks].kind != JSONC_OBJECT)
        return 0;
    for (uint32_t e = j->nodes[hooks].first; e != JSONC_NONE; e = j->nodes[e].next) {
        for (uint32_t g = j->nodes[e].first; g != JSONC_NONE; g = j->nodes[g].next) {
            const uint32_t list = jsonc_member(j, g, "hooks");
            uint32_t h = list == JSONC_NONE ? JSONC_NONE : j->nodes[list].first;
            for (; h != JSONC_NONE; h = j->nodes[h].next) {
                if (j->nodes[h].kind == JSONC_OBJECT && is_ours(j, h, false) && count++ == 0)
                    *out_first = h;
            }
        }
    }
    return count;
}

/* Everything of ours: how many, and one of them. */
static size_t find_ours(const struct jsonc *j, const char *project, uint32_t *out_first)
{
    const struct {
        struct edit_path path;
        bool server;
    } places[] = {
        { { { "mcpServers", CLAUDE_SERVER } }, true },
        { { { "projects", project, "mcpServers", CLAUDE_SERVER } }, true },
        { { { "enabledPlugins", CLAUDE_PLUGIN } }, false },
        { { { "extraKnownMarketplaces", CLAUDE_SERVER } }, false },
    };
    if (j->count == 0)
        return 0;
    size_t count = find_handlers(j, out_first);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (i == 1 && project == NULL)
            continue;
        const uint32_t node = edit_find(j, &places[i].path);
        if (node == JSONC_NONE || (places[i].server && !is_ours(j, node, true)))
            continue;
        if (count++ == 0)
            *out_first = node;
    }
    return count;
}

/* How many of find_ours's an entry stands for: handlers in a group, or one. */
static size_t weight(const struct settings_entry *e)
{
    return e->append ? json_array_size(json_object_get(e->value, "hooks")) : 1;
}

/* One by one: what others wrote beside it may be no UTF-8. */
static bool is_value(const struct jsonc *j, uint32_t node, const json_t *wanted)
{
    json_t *value = jsonc_value(j, node);
    const bool is = value != NULL && json_equal(value, wanted) != 0;
    json_decref(value);
    return is;
}

static bool has_entry(const struct jsonc *j, const struct settings_entry *e)
{
    const uint32_t node = edit_find(j, &e->path);
    bool has = false;
    if (node == JSONC_NONE || !e->append)
        return node != JSONC_NONE && is_value(j, node, e->value);
    for (uint32_t i = j->nodes[node].first; !has && i != JSONC_NONE; i = j->nodes[i].next)
        has = is_value(j, i, e->value);
    return has;
}

enum cht_err settings_complete(struct cht_bytes text, const struct settings_want *w,
                               const char *project, struct node_fault *fault, bool *out)
{
    const struct edit_text t = { .text = { .data = (uint8_t *)(uintptr_t)text.data,
                                           .len = text.len } };
    struct jsonc j;
    uint32_t first = JSONC_NONE;
    size_t wanted = 0;
    enum cht_err err = edit_parse(&t, fault, &j);
    if (err != CHT_OK)
        return err;
    bool all = true;
    for (size_t i = 0; i < w->count; i++) {
        all = all && has_entry(&j, &w->list[i]);
        wanted += weight(&w->list[i]);
    }
    *out = all && find_ours(&j, project, &first) == wanted;
    jsonc_clear(&j);
    return CHT_OK;
}

/* --- taking out ------------------------------------------------------------------------------ */

void settings_hash(struct cht_bytes text, uint8_t out[static 32])
{
    (void)crypto_generichash(out, 32, text.data, text.len, NULL, 0);
}

/* Is there nothing in a container besides its children, no comment? */
static bool is_bare(const struct jsonc *j, const struct jsonc_node *in)
{
    uint32_t child = in->first;
    for (size_t i = in->from + 1; i < in->to - 1; i++) {
        if (child != JSONC_NONE && i == jsonc_start(&j->nodes[child])) {
            i = j->nodes[child].to - 1;
            child = j->nodes[child].next;
        } else if (j->text.data[i] == '\0' || strchr(" \t\r\n,", j->text.data[i]) == NULL)
            return false;
    }
    return true;
}

/* Is a node all that its container is for? A group of hooks is for its list of them. */
static bool alone(const struct jsonc *j, uint32_t node)
{
    const uint32_t parent = j->nodes[node].parent;
    const struct jsonc_node *in = &j->nodes[parent];
    const bool group = in->parent != JSONC_NONE && j->nodes[in->parent].kind == JSONC_ARRAY &&
                       jsonc_key_is(j, node, "hooks");
    for (uint32_t i = in->first; i != JSONC_NONE; i = j->nodes[i].next) {
        if (i != node && !(group && jsonc_key_is(j, i, "matcher")))
            return false;
    }
    return is_bare(j, in);
}

/* The keys from the document to a node; false: it is not reached by keys alone. */
static bool path_of(const struct jsonc *j, uint32_t node, char *out, size_t size)
{
    if (j->nodes[node].parent == JSONC_NONE) {
        out[0] = '\0';
        return true;
    }
    json_t *key = jsonc_key(j, node);
    bool good = key != NULL && path_of(j, j->nodes[node].parent, out, size);
    const size_t len = good ? strlen(out) : 0;
    if (good)
        good = (size_t)snprintf(out + len, size - len, "%s%s", len == 0 ? "" : "\n",
                                json_string_value(key)) < size - len;
    json_decref(key);
    return good;
}

/* What a container was that had no child before; NULL: it was not there, or had some. */
static const char *was_empty(const struct settings_record *record, const struct jsonc *j,
                             uint32_t node)
{
    char path[sizeof record->empty[0].path];
    if (record == NULL || !path_of(j, node, path, sizeof path))
        return NULL;
    for (size_t i = 0; i < record->empty_count; i++) {
        if (strcmp(record->empty[i].path, path) == 0)
            return record->empty[i].was;
    }
    return NULL;
}

/* Take a node out, and the containers that have nothing else: they were made for it. */
static enum cht_err take(struct edit_text *t, const struct jsonc *j, uint32_t node,
                         const struct settings_record *record)
{
    while (alone(j, node)) {
        const uint32_t in = j->nodes[node].parent;
        const char *was = was_empty(record, j, in);
        if (was != NULL)
            return edit_replace(t, j->nodes[in].from, j->nodes[in].to, cht_bytes_str(was));
        if (j->nodes[in].parent == JSONC_NONE)
            break;
        node = in;
    }
    return edit_take(t, j, node);
}

/* The text as it was, from one that is as we left it: without the pieces. */
static enum cht_err undo(struct cht_bytes text, const struct settings_record *record,
                         struct cht_buf *out)
{
    size_t at = 0;
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < record->piece_count; i++) {
        const struct edit_piece *p = &record->pieces[i];
        if (p->at < at || p->at > text.len || p->len > text.len - p->at)
            return CHT_E_CORRUPT;
        err = cht_buf_add(out, cht_bytes(text.data + at, p->at - at));
        at = p->at + p->len;
    }
    return err == CHT_OK ? cht_buf_add(out, cht_bytes(text.data + at, text.len - at)) : err;
}

static enum cht_err take_all(struct edit_text *t, const struct settings_record *record,
                             const char *project, struct node_fault *fault)
{
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        struct jsonc j;
        uint32_t node = JSONC_NONE;
        enum cht_err err = edit_parse(t, fault, &j);
        if (err != CHT_OK)
            return err;
        const size_t left = find_ours(&j, project, &node);
        if (left > 0)
            err = node_fault_from(fault, take(t, &j, node, record), NULL);
        jsonc_clear(&j);
        if (left == 0 || err != CHT_OK)
            return err;
    }
    return node_fault_from(fault, CHT_E_LIMIT, NULL);
}

enum cht_err settings_without(struct cht_bytes text, const struct settings_record *record,
                              const char *project, struct node_fault *fault, struct cht_buf *out)
{
    uint8_t hash[32];
    struct edit_text t;
    settings_hash(text, hash);
    cht_buf_reset(out);
    if (record != NULL && memcmp(hash, record->after, sizeof hash) == 0 &&
        undo(text, record, out) == CHT_OK)
        return CHT_OK;
    cht_buf_reset(out);
    enum cht_err err = edit_begin(text, &t);
    if (err != CHT_OK)
        return node_fault_from(fault, err, NULL);
    err = take_all(&t, record, project, fault);
    if (err == CHT_OK)
        err = node_fault_from(fault, cht_buf_add(out, cht_buf_view(&t.text)), NULL);
    edit_clear(&t);
    return err;
}

bool settings_is_empty(struct cht_bytes text)
{
    struct jsonc j;
    size_t i = 0;
    while (i < text.len && text.data[i] != '\0' && strchr(" \t\r\n{}", text.data[i]) != NULL)
        i++;
    if (i < text.len || jsonc_parse(text, NULL, &j) != CHT_OK)
        return false;
    jsonc_clear(&j);
    return true;
}

/* --- putting in ------------------------------------------------------------------------------ */

/* Containers on the way of an entry that have no child. */
static void note_empty(const struct jsonc *j, const struct settings_entry *e,
                       struct settings_record *record)
{
    struct edit_path path = e->path;
    const size_t keys = sizeof path.keys / sizeof path.keys[0];
    for (size_t used = keys + 1; used-- > 0;) {
        if (used < keys)
            path.keys[used] = NULL;
        const uint32_t node = edit_find(j, &path);
        if (node == JSONC_NONE || record->empty_count == SETTINGS_EMPTY_MAX ||
            j->nodes[node].kind > JSONC_ARRAY || j->nodes[node].first != JSONC_NONE ||
            was_empty(record, j, node) != NULL)
            continue;
        const size_t len = j->nodes[node].to - j->nodes[node].from;
        const size_t n = record->empty_count;
        if (len < sizeof record->empty[n].was &&
            path_of(j, node, record->empty[n].path, sizeof record->empty[n].path)) {
            memcpy(record->empty[n].was, j->text.data + j->nodes[node].from, len);
            record->empty[n].was[len] = '\0';
            record->empty_count++;
        }
    }
}

enum cht_err settings_with(struct cht_bytes text, const struct settings_want *w,
                           struct node_fault *fault, struct cht_buf *out,
                           struct settings_record *record)
{
    struct edit_text t;
    struct jsonc j;
    struct settings_record r = { 0 };
    enum cht_err err = edit_begin(text, &t);
    if (err != CHT_OK)
        return node_fault_from(fault, err, NULL);
    err = edit_parse(&t, fault, &j);
    if (err == CHT_OK) {
        for (size_t i = 0; i < w->count; i++)
            note_empty(&j, &w->list[i], &r);
        jsonc_clear(&j);
    }
    /* each goes before what was put in before it: so the first one last */
    for (size_t i = w->count; err == CHT_OK && i-- > 0;)
        err = edit_add(&t, &w->list[i].path, w->list[i].append, w->list[i].value, fault);
    cht_buf_reset(out);
    if (err == CHT_OK)
        err = node_fault_from(fault, cht_buf_add(out, cht_buf_view(&t.text)), NULL);
    if (err == CHT_OK) {
        settings_hash(cht_buf_view(out), r.after);
        memcpy(r.pieces, t.pieces, sizeof r.pieces);
        r.piece_count = t.piece_count;
        *record = r;
    }
    edit_clear(&t);
    return err;
}
