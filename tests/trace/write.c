/* From a tracker's fields to those of the schema; see write.h and docs/TRACE.md. */
#include "tests/trace/write.h"

#include "cli/base/dates.h"
#include "cli/import/beads_words.h"
#include "crdt/mp.h"
#include "node/client/mpmap.h"
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>

#define RAW     "beads."
#define RAW_MAX 600u /* longer than any key that the schema takes */
#define TIE_MAX 128u

/* The ops of one commit on one issue. */
struct group {
    struct trace_writer *w;
    struct trace_requests *r;
    struct trace_issue *issue;
    const struct trace_op *ops;
    size_t count;
};

static const struct trace_op *op_of(const struct group *g, const char *field)
{
    for (size_t i = 0; i < g->count; i++) {
        if (g->ops[i].field != NULL && strcmp(g->ops[i].field, field) == 0)
            return &g->ops[i];
    }
    return NULL;
}

static bool is_null(const json_t *v)
{
    return v == NULL || json_is_null(v);
}

static const char *text_of(const struct group *g, const char *field, const json_t *v)
{
    if (!json_is_string(v))
        bench_fail("%s of %s is no text", field, g->issue->name);
    return json_string_value(v);
}

/* --- raw values ------------------------------------------------------------------------------ */

static void put_json(struct cht_buf *b, const json_t *v)
{
    enum cht_err err = CHT_E_INVALID;
    json_t *part;
    const char *key;
    size_t i;
    switch (json_typeof(v)) {
    case JSON_NULL:
        err = crdt_mp_put_nil(b);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        err = crdt_mp_put_bool(b, json_is_true(v));
        break;
    case JSON_INTEGER:
        err = crdt_mp_put_int(b, json_integer_value(v));
        break;
    case JSON_REAL:
        err = crdt_mp_put_float(b, json_real_value(v));
        break;
    case JSON_STRING:
        err = crdt_mp_put_str(b, cht_bytes(json_string_value(v), json_string_length(v)));
        break;
    case JSON_ARRAY:
        err = crdt_mp_put_array(b, (uint32_t)json_array_size(v));
        json_array_foreach((json_t *)(uintptr_t)v, i, part) put_json(b, part);
        break;
    case JSON_OBJECT:
        err = crdt_mp_put_map(b, (uint32_t)json_object_size(v));
        json_object_foreach((json_t *)(uintptr_t)v, key, part)
        {
            bench_must(node_mp_put_text(b, key), "a value");
            put_json(b, part);
        }
        break;
    }
    bench_must(err, "a value");
}

static void raw_key(const char *field, char out[static RAW_MAX])
{
    if (snprintf(out, RAW_MAX, RAW "%s", field) >= (int)RAW_MAX)
        bench_fail("the name of field %.40s... is too long", field);
}

static void put_raw(struct group *g, const char *field, const json_t *v)
{
    char key[RAW_MAX];
    raw_key(field, key);
    put_json(trace_record_raw(g->r, key), v);
}

/* Remember that a register has a value or none; how many ops that takes. */
static unsigned note(struct group *g, const char *field, bool has)
{
    if (!has)
        return trace_texts_remove(&g->issue->fields, field);
    (void)trace_texts_add(&g->issue->fields, field);
    return 1;
}

static void write_raw(struct group *g, const struct trace_op *op)
{
    put_raw(g, op->field, op->value);
    g->w->ops += note(g, op->field, !is_null(op->value));
}

static void write_raw_set(struct group *g, const struct trace_op *op)
{
    const json_t *const both[] = { op->rm, op->add };
    for (unsigned adds = 0; adds < 2; adds++) {
        for (size_t i = 0; i < json_array_size(both[adds]); i++) {
            char name[RAW_MAX], key[RAW_MAX];
            const char *text = text_of(g, op->field, json_array_get(both[adds], i));
            if (snprintf(name, sizeof name, "%s/%s", op->field, text) >= (int)sizeof name)
                bench_fail("%s of %s: a text is too long", op->field, g->issue->name);
            raw_key(name, key);
            struct cht_buf *b = trace_record_raw(g->r, key);
            bench_must(adds != 0 ? crdt_mp_put_bool(b, true) : crdt_mp_put_nil(b), "a value");
            g->w->ops += note(g, name, adds != 0);
        }
    }
}

/* --- registers ------------------------------------------------------------------------------- */

static const struct {
    const char *from, *to;
} plain[] = {
    { "title", "content" },
    { "description", "description" },
    { "design", "design" },
    { "notes", "notes" },
    { "acceptance_criteria", "acceptance" },
    { "close_reason", "close_reason" },
    { "issue_type", "kind" },
    { "owner", "owner" },
    { "created_by", "author" },
    { "external_ref", "external_ref" },
};

static const char *plain_of(const char *field)
{
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (strcmp(field, plain[i].from) == 0)
            return plain[i].to;
    }
    return NULL;
}

static void write_plain(struct group *g, const struct trace_op *op)
{
    const char *to = plain_of(op->field);
    if (is_null(op->value))
        trace_record_nil(g->r, to);
    else
        trace_record_text(g->r, to, text_of(g, op->field, op->value));
    g->w->ops += note(g, op->field, !is_null(op->value));
}

/* A word of an enum, NULL: none; it was `was`. */
static void write_word(struct group *g, const char *to, const char *word, const char **was)
{
    bool same = word == *was || (word != NULL && *was != NULL && strcmp(word, *was) == 0);
    if (word == NULL)
        trace_record_nil(g->r, to);
    else
        trace_record_text(g->r, to, word);
    g->w->ops += !same;
    *was = word;
}

static void write_status(struct group *g, const struct trace_op *op)
{
    struct cli_beads_word is = { 0 };
    if (!is_null(op->value))
        is = cli_beads_status(cht_bytes_str(text_of(g, op->field, op->value)));
    if (is.word != NULL || !is.deleted)
        write_word(g, "status", is.word, &g->issue->status);
    write_raw(g, op);
}

static void write_priority(struct group *g, const struct trace_op *op)
{
    const char *word = NULL;
    if (json_is_integer(op->value))
        word = cli_beads_priority(json_integer_value(op->value)).word;
    write_word(g, "priority", word, &g->issue->priority);
    write_raw(g, op);
}

/* To the millisecond; TRACE_NO_TIME where the typed field cannot say it. */
static uint64_t time_of(const json_t *v)
{
    uint64_t ms;
    const char *text = json_string_value(v);
    size_t len = text == NULL ? 0 : strlen(text);
    bool offset = len > 6 && (text[len - 1] == 'Z' || text[len - 6] == '+' || text[len - 6] == '-');
    if (!offset || cli_date_parse(cht_bytes_str(text), 0, CLI_DAY_START, &ms) != CHT_OK)
        return TRACE_NO_TIME;
    return ms;
}

static void put_time(struct group *g, const char *to, uint64_t ms)
{
    struct cht_buf *b = trace_record_field(g->r, to);
    bench_must(ms == TRACE_NO_TIME ? crdt_mp_put_nil(b) : crdt_mp_put_uint(b, ms), "a time");
}

static void write_time(struct group *g, const struct trace_op *op, const char *to, uint64_t *was)
{
    uint64_t ms = time_of(op->value);
    put_time(g, to, ms);
    g->w->ops += ms != *was;
    *was = ms;
    write_raw(g, op);
}

static void write_assignee(struct group *g, const struct trace_op *op)
{
    const char *who = is_null(op->value) ? "" : text_of(g, op->field, op->value);
    const char *was = g->issue->assignee == NULL ? "" : g->issue->assignee;
    struct cht_buf *b = trace_record_field(g->r, "assignees");
    bench_must(crdt_mp_put_array(b, who[0] != '\0'), "an assignee");
    if (who[0] != '\0')
        bench_must(node_mp_put_text(b, who), "an assignee");
    if (strcmp(who, was) != 0)
        g->w->ops += (who[0] != '\0' ? 1u : 0u) + (was[0] != '\0' ? 1u : 0u);
    free(g->issue->assignee);
    g->issue->assignee = who[0] == '\0' ? NULL : strdup(who);
}

/* --- sets ------------------------------------------------------------------------------------ */

static void write_labels(struct group *g, const struct trace_op *op)
{
    struct trace_elements add = { .count = 0 }, remove = { .count = 0 };
    for (size_t i = 0; i < json_array_size(op->rm); i++) {
        const char *text = text_of(g, op->field, json_array_get(op->rm, i));
        trace_elements_add(&remove, text);
        g->w->ops += trace_texts_remove(&g->issue->labels, text);
    }
    for (size_t i = 0; i < json_array_size(op->add); i++) {
        const char *text = text_of(g, op->field, json_array_get(op->add, i));
        trace_elements_add(&add, text);
        g->w->ops += trace_texts_add(&g->issue->labels, text);
    }
    trace_record_set(g->r, "labels", &add, &remove);
    trace_elements_clear(&add);
    trace_elements_clear(&remove);
}

/* "KIND ISSUE" in its parts. */
struct tie {
    char kind[TIE_MAX], id[CRDT_ID_TEXT_MAX];
    const char *issue;
    enum cli_beads_tie is;
};

static struct tie read_tie(const struct group *g, const char *text)
{
    struct tie t = { .issue = strchr(text, ' ') };
    if (t.issue == NULL || (size_t)(t.issue - text) >= sizeof t.kind)
        bench_fail("a dependency of %s is no \"KIND ISSUE\": %s", g->issue->name, text);
    memcpy(t.kind, text, (size_t)(t.issue - text));
    t.issue++;
    t.is = cli_beads_tie(cht_bytes_str(t.kind));
    trace_id_of(CRDT_TODO, t.issue, NULL, t.id);
    return t;
}

/* Does the issue wait for that one, by whichever word? */
static bool waits(const struct trace_issue *is, const char *issue)
{
    char text[TIE_MAX + 256];
    for (size_t i = 0; i < is->ties.count; i++) {
        const char *rest = strchr(is->ties.list[i], ' ');
        if (strcmp(rest + 1, issue) != 0)
            continue;
        (void)snprintf(text, sizeof text, "%.*s", (int)(rest - is->ties.list[i]), is->ties.list[i]);
        if (cli_beads_tie(cht_bytes_str(text)) == CLI_BEADS_DEPENDENCY)
            return true;
    }
    return false;
}

static void take_tie(struct group *g, const char *text, bool adds, struct trace_elements *waiting,
                     struct trace_elements *related)
{
    struct tie t = read_tie(g, text);
    bool before = waits(g->issue, t.issue);
    bool changed =
        adds ? trace_texts_add(&g->issue->ties, text) : trace_texts_remove(&g->issue->ties, text);
    if (t.is == CLI_BEADS_DEPENDENCY && before != waits(g->issue, t.issue)) {
        trace_elements_add(waiting, t.id);
        g->w->ops++;
    }
    if (strcmp(t.kind, "blocks") != 0) {
        char relation[TIE_MAX + CRDT_ID_TEXT_MAX];
        (void)snprintf(relation, sizeof relation, "%s %s", t.kind, t.id);
        trace_elements_add(related, relation);
        g->w->ops += changed;
    }
}

/* The only tie to a parent is the typed one. */
static void write_parent(struct group *g)
{
    char parent[CRDT_ID_TEXT_MAX] = "";
    unsigned parents = 0;
    for (size_t i = 0; i < g->issue->ties.count; i++) {
        struct tie t = read_tie(g, g->issue->ties.list[i]);
        if (t.is == CLI_BEADS_PARENT && parents++ == 0)
            memcpy(parent, t.id, sizeof parent);
    }
    if (parents > 1)
        parent[0] = '\0';
    if (strcmp(parent, g->issue->parent) == 0)
        return;
    memcpy(g->issue->parent, parent, sizeof parent);
    g->w->ops++;
    if (parent[0] == '\0')
        trace_record_nil(g->r, "parent");
    else
        trace_record_text(g->r, "parent", parent);
}

static void write_ties(struct group *g, const struct trace_op *op)
{
    /* 0: removed, 1: added */
    struct trace_elements waiting[2] = { { .count = 0 } }, related[2] = { { .count = 0 } };
    const json_t *const both[] = { op->rm, op->add };
    for (unsigned adds = 0; adds < 2; adds++) {
        for (size_t i = 0; i < json_array_size(both[adds]); i++) {
            const char *text = text_of(g, op->field, json_array_get(both[adds], i));
            take_tie(g, text, adds != 0, &waiting[adds], &related[adds]);
        }
    }
    trace_record_set(g->r, "dependencies", &waiting[1], &waiting[0]);
    trace_record_set(g->r, "relations", &related[1], &related[0]);
    write_parent(g);
    for (unsigned i = 0; i < 2; i++) {
        trace_elements_clear(&waiting[i]);
        trace_elements_clear(&related[i]);
    }
}

/* --- comments -------------------------------------------------------------------------------- */

static void write_comment(struct group *g, const char *text, bool adds)
{
    char id[CRDT_ID_TEXT_MAX];
    trace_id_of(CRDT_MESSAGE, g->issue->name, text, id);
    trace_record_begin(g->r, "messages", id);
    trace_record_nil(g->r, "created"); /* nobody says when it was written */
    if (adds) {
        trace_record_text(g->r, "content", text);
        trace_record_text(g->r, "about", g->issue->id);
    } else {
        trace_record_nil(g->r, "content");
        trace_record_nil(g->r, "about");
    }
    bool hidden = trace_texts_has(&g->issue->gone, text);
    if (hidden == adds)
        trace_record_bool(g->r, "deleted", !adds);
    trace_record_end(g->r);
    g->w->ops += hidden == adds ? 3 : 2;
    if (adds) {
        (void)trace_texts_add(&g->issue->comments, text);
        (void)trace_texts_remove(&g->issue->gone, text);
    } else {
        (void)trace_texts_add(&g->issue->gone, text);
        (void)trace_texts_remove(&g->issue->comments, text); /* `text` may be the one it frees */
    }
}

static void write_comments(struct group *g, const struct trace_op *op)
{
    for (size_t i = 0; i < json_array_size(op->rm); i++)
        write_comment(g, text_of(g, op->field, json_array_get(op->rm, i)), false);
    for (size_t i = 0; i < json_array_size(op->add); i++)
        write_comment(g, text_of(g, op->field, json_array_get(op->add, i)), true);
}

/* --- an issue -------------------------------------------------------------------------------- */

static void write_op(struct group *g, const struct trace_op *op)
{
    bool set = op->value == NULL;
    bool is_set = strcmp(op->field, "labels") == 0 || strcmp(op->field, "dependencies") == 0 ||
                  strcmp(op->field, "comments") == 0;
    if (set != is_set && (is_set || plain_of(op->field) != NULL))
        bench_fail("%s of %s is %s", op->field, g->issue->name, set ? "no set" : "a set");
    if (strcmp(op->field, "labels") == 0)
        write_labels(g, op);
    else if (strcmp(op->field, "dependencies") == 0)
        write_ties(g, op);
    else if (is_set)
        return; /* comments are records of their own */
    else if (set)
        write_raw_set(g, op);
    else if (plain_of(op->field) != NULL)
        write_plain(g, op);
    else if (strcmp(op->field, "status") == 0)
        write_status(g, op);
    else if (strcmp(op->field, "priority") == 0)
        write_priority(g, op);
    else if (strcmp(op->field, "assignee") == 0)
        write_assignee(g, op);
    else if (strcmp(op->field, "created_at") == 0)
        write_time(g, op, "created", &g->issue->created_ms);
    else if (strcmp(op->field, "closed_at") == 0)
        write_time(g, op, "completed_at", &g->issue->closed_ms);
    else
        write_raw(g, op);
}

static void hide(struct group *g, bool hidden)
{
    if (hidden == g->issue->hidden)
        return;
    g->issue->hidden = hidden;
    g->w->ops++;
    if (hidden && g->r->field_count + g->r->raw_count != 0)
        g->r->records++; /* the node writes it after the rest, as an entry of its own (LOCAL 3.2) */
    trace_record_bool(g->r, "deleted", hidden);
}

/* What the node would bring along (LOCAL 3.7) and the history does not say. */
static void say_nothing_else(struct group *g, bool first)
{
    const struct trace_op *status = op_of(g, "status");
    if (first && op_of(g, "created_at") == NULL)
        put_time(g, "created", g->issue->created_ms);
    if (first && (status == NULL || g->issue->status == NULL))
        trace_record_nil(g->r, "status");
    if ((first || status != NULL) && op_of(g, "closed_at") == NULL)
        put_time(g, "completed_at", g->issue->closed_ms);
    if (status != NULL)
        trace_record_nil(g->r, "started_at");
}

static void write_issue(struct group *g)
{
    bool first = !g->issue->here, hidden = !first && g->issue->hidden;
    const struct trace_op *status = op_of(g, "status"), *comments = op_of(g, "comments");
    if (status != NULL && json_is_string(status->value))
        hidden = cli_beads_status(cht_bytes_str(json_string_value(status->value))).deleted;
    trace_record_begin(g->r, "todos", g->issue->id);
    if (first) {
        bench_must(node_mp_put_text(trace_record_raw(g->r, RAW "id"), g->issue->name), "an id");
        g->w->ops++;
        g->issue->here = true;
    }
    if (!hidden)
        hide(g, false);
    for (size_t i = 0; i < g->count; i++)
        write_op(g, &g->ops[i]);
    say_nothing_else(g, first);
    if (hidden)
        hide(g, true);
    trace_record_end(g->r);
    if (comments != NULL)
        write_comments(g, comments);
}

/* --- an issue goes --------------------------------------------------------------------------- */

static void drop_field(struct group *g, const char *field)
{
    char key[RAW_MAX];
    const char *to = plain_of(field);
    if (to != NULL) {
        trace_record_nil(g->r, to);
    } else {
        raw_key(field, key);
        trace_record_raw_nil(g->r, key);
    }
}

static void drop_issue(struct group *g)
{
    static const char *const typed[] = { "status",       "priority",     "created",
                                         "completed_at", "assignees",    "labels",
                                         "parent",       "dependencies", "relations" };
    struct trace_issue *is = g->issue;
    while (is->comments.count != 0)
        write_comment(g, is->comments.list[0], false);
    trace_record_begin(g->r, "todos", is->id);
    hide(g, true);
    for (size_t i = 0; i < is->fields.count; i++)
        drop_field(g, is->fields.list[i]);
    for (size_t i = 0; i < sizeof typed / sizeof typed[0]; i++)
        trace_record_nil(g->r, typed[i]);
    trace_record_raw_nil(g->r, RAW "id");
    trace_record_end(g->r);
    g->w->ops += is->fields.count + is->labels.count + is->here + (is->assignee != NULL) +
                 (is->status != NULL) + (is->priority != NULL) + (is->parent[0] != '\0') +
                 (is->created_ms != TRACE_NO_TIME) + (is->closed_ms != TRACE_NO_TIME);
    while (is->ties.count != 0) {
        char *text = strdup(is->ties.list[0]);
        if (text == NULL)
            bench_fail("out of memory");
        const struct tie t = read_tie(g, text);
        (void)trace_texts_remove(&is->ties, text);
        g->w->ops += strcmp(t.kind, "blocks") != 0;
        g->w->ops += t.is == CLI_BEADS_DEPENDENCY && !waits(is, t.issue);
        free(text);
    }
    trace_issue_forget(is);
}

/* --- a commit -------------------------------------------------------------------------------- */

void trace_writer_init(struct trace_writer *w, struct trace_memory *memory, trace_send_fn send,
                       void *ctx)
{
    *w = (struct trace_writer){ .memory = memory };
    trace_requests_init(&w->requests, send, ctx);
}

void trace_writer_clear(struct trace_writer *w)
{
    trace_requests_clear(&w->requests);
}

/* Ops from `at` on that go into one change: of one issue, each field once, a `del` alone. */
static size_t together(const struct trace_commit *c, size_t at)
{
    size_t end = at;
    while (end < c->count && strcmp(c->ops[end].issue, c->ops[at].issue) == 0) {
        const char *field = c->ops[end].field;
        if (field == NULL)
            return end == at ? 1 : end - at;
        for (size_t i = at; i < end; i++) {
            if (strcmp(c->ops[i].field, field) == 0)
                return end - at;
        }
        end++;
    }
    return end - at;
}

void trace_write(struct trace_writer *w, const struct trace_commit *c)
{
    for (size_t at = 0; at < c->count;) {
        struct group g = { .w = w, .r = &w->requests, .ops = &c->ops[at] };
        g.issue = trace_memory_issue(w->memory, c->ops[at].issue);
        g.count = together(c, at);
        if (g.ops[0].field == NULL)
            drop_issue(&g);
        else
            write_issue(&g);
        w->changes += g.count;
        at += g.count;
    }
    trace_requests_flush(&w->requests);
}
