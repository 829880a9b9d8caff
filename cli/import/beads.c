/* Issues of beads, a line of .beads/issues.jsonl each (docs/IMPORT.md 3; the fields are those of
 * internal/types of github.com/gastownhall/beads). */
#include "cli/import/beads_words.h"
#include "cli/import/import.h"
#include "cli/import/time.h"

#define SOURCE "beads"

struct issue {
    const struct cli_import_reading *how;
    struct cli_import_record *todo;
    struct cht_bytes id;           /* as the source has it */
    char parent[CRDT_ID_TEXT_MAX]; /* of its parent-child tie */
    unsigned parents;
};

typedef enum cht_err field_fn(struct issue *i, struct cht_bytes name, const char *to,
                              struct cht_bytes value);

static enum cht_err say_raw(struct issue *i, struct cht_bytes name, struct cht_bytes value)
{
    return cli_import_say_raw(i->how->arena, i->todo, name, value);
}

/* --- fields of one value ------------------------------------------------------------------- */

static enum cht_err take_text(struct issue *i, struct cht_bytes name, const char *to,
                              struct cht_bytes value)
{
    return node_mp_kind(value) == CRDT_MP_STR
               ? cli_import_say_text(i->how->arena, i->todo, to, node_mp_str(value))
               : say_raw(i, name, value);
}

static enum cht_err take_element(struct issue *i, struct cht_bytes name, const char *to,
                                 struct cht_bytes value)
{
    return node_mp_kind(value) == CRDT_MP_STR
               ? cli_import_say_element(i->how->arena, i->todo, to, node_mp_str(value))
               : say_raw(i, name, value);
}

static enum cht_err take_elements(struct issue *i, struct cht_bytes name, const char *to,
                                  struct cht_bytes value)
{
    struct node_mp_iter it = node_mp_iter(value);
    struct cht_bytes one;
    enum cht_err err = CHT_OK;
    bool exact = node_mp_kind(value) == CRDT_MP_ARRAY;
    while (exact && err == CHT_OK && node_mp_next(&it, NULL, &one)) {
        exact = node_mp_kind(one) == CRDT_MP_STR;
        err = cli_import_say_element(i->how->arena, i->todo, to, node_mp_str(one));
    }
    return err == CHT_OK && !exact ? say_raw(i, name, value) : err;
}

static enum cht_err take_time(struct issue *i, struct cht_bytes name, const char *to,
                              struct cht_bytes value)
{
    uint64_t ms;
    bool exact;
    if (cli_import_time(node_mp_str(value), &ms, &exact) != CHT_OK)
        return say_raw(i, name, value);
    enum cht_err err = cli_import_say_uint(i->how->arena, i->todo, to, ms);
    return err == CHT_OK && !exact ? say_raw(i, name, value) : err;
}

static enum cht_err take_number(struct issue *i, struct cht_bytes name, const char *to,
                                struct cht_bytes value)
{
    return node_mp_kind(value) == CRDT_MP_UINT
               ? cli_import_say(i->how->arena, i->todo, to, cht_bytes(NULL, 0), value)
               : say_raw(i, name, value);
}

static enum cht_err take_status(struct issue *i, struct cht_bytes name, const char *to,
                                struct cht_bytes value)
{
    static const uint8_t bools[] = { 0xc2, 0xc3 };
    const struct cli_beads_word is =
        cli_beads_status(value.len == 0 ? cht_bytes_str("open") : node_mp_str(value));
    if (value.len != 0 && node_mp_str(value).len == 0)
        return say_raw(i, name, value);
    enum cht_err err = cli_import_say(i->how->arena, i->todo, "deleted", cht_bytes(NULL, 0),
                                      cht_bytes(&bools[is.deleted], 1));
    if (err == CHT_OK && is.word != NULL)
        err = cli_import_say_text(i->how->arena, i->todo, to, cht_bytes_str(is.word));
    return err == CHT_OK && !is.exact ? say_raw(i, name, value) : err;
}

static enum cht_err take_priority(struct issue *i, struct cht_bytes name, const char *to,
                                  struct cht_bytes value)
{
    const struct crdt_mp number = crdt_mp_peek(value);
    if (number.kind != CRDT_MP_INT && (number.kind != CRDT_MP_UINT || number.u > INT64_MAX))
        return say_raw(i, name, value);
    const struct cli_beads_word is = cli_beads_priority(number.i);
    enum cht_err err = cli_import_say_text(i->how->arena, i->todo, to, cht_bytes_str(is.word));
    return err == CHT_OK && !is.exact ? say_raw(i, name, value) : err;
}

/* --- ties ---------------------------------------------------------------------------------- */

/* "KIND CHITTY-…" */
static enum cht_err say_relation(struct issue *i, struct cht_bytes kind, const char *to)
{
    struct cht_buf b;
    cht_buf_init(&b, kind.len + 1 + CRDT_ID_TEXT_MAX);
    enum cht_err err = cht_buf_add(&b, kind);
    if (err == CHT_OK)
        err = cht_buf_add_u8(&b, ' ');
    if (err == CHT_OK)
        err = cht_buf_add(&b, cht_bytes_str(to));
    if (err == CHT_OK)
        err = cli_import_say_element(i->how->arena, i->todo, "relations", cht_buf_view(&b));
    cht_buf_clear(&b);
    return err;
}

/* One dependency. `*out_exact`: its record says no more than is said here. */
static enum cht_err take_tie(struct issue *i, struct cht_bytes tie, bool *out_exact)
{
    struct cht_bytes kind = node_mp_get_str(tie, "type");
    const struct cht_bytes on = node_mp_get_str(tie, "depends_on_id");
    const struct cht_bytes of = node_mp_get_str(tie, "issue_id");
    struct crdt_id id;
    char text[CRDT_ID_TEXT_MAX];
    *out_exact = false;
    if (on.len == 0 || (of.len != 0 && !cht_bytes_eq(of, i->id)))
        return CHT_OK; /* `raw` has it */
    if (kind.len == 0)
        kind = cht_bytes_str("blocks");
    *out_exact = node_mp_count(tie) == 3 && of.len != 0;
    cli_import_id(CRDT_TODO, SOURCE, on, &id, text);
    const bool plain = cht_bytes_eq(kind, cht_bytes_str("blocks"));
    switch (cli_beads_tie(kind)) {
    case CLI_BEADS_DEPENDENCY: {
        enum cht_err err =
            cli_import_say_element(i->how->arena, i->todo, "dependencies", cht_bytes_str(text));
        return err == CHT_OK && !plain ? say_relation(i, kind, text) : err;
    }
    case CLI_BEADS_PARENT:
        i->parents++;
        memcpy(i->parent, text, sizeof text);
        return say_relation(i, kind, text);
    case CLI_BEADS_RELATION:
        return say_relation(i, kind, text);
    }
    return CHT_E_INTERNAL;
}

static enum cht_err take_ties(struct issue *i, struct cht_bytes name, const char *to,
                              struct cht_bytes value)
{
    struct node_mp_iter it = node_mp_iter(value);
    struct cht_bytes tie;
    bool exact = node_mp_kind(value) == CRDT_MP_ARRAY;
    enum cht_err err = CHT_OK;
    (void)to;
    while (err == CHT_OK && node_mp_next(&it, NULL, &tie)) {
        bool one;
        err = take_tie(i, tie, &one);
        exact = exact && one;
    }
    return err == CHT_OK && !exact ? say_raw(i, name, value) : err;
}

/* The parent as beads works it out from the ties. */
static enum cht_err say_parent(struct issue *i, struct cht_bytes said)
{
    struct crdt_id id;
    char text[CRDT_ID_TEXT_MAX] = "";
    if (said.len != 0)
        cli_import_id(CRDT_TODO, SOURCE, said, &id, text);
    const char *parent = i->parents == 1 ? i->parent : text;
    return cli_import_say_text(i->how->arena, i->todo, "parent", cht_bytes_str(parent));
}

static enum cht_err take_parent(struct issue *i, struct cht_bytes name, const char *to,
                                struct cht_bytes value)
{
    (void)to; /* said when the ties are known */
    return node_mp_kind(value) == CRDT_MP_STR && node_mp_str(value).len != 0
               ? CHT_OK
               : say_raw(i, name, value);
}

/* --- comments ------------------------------------------------------------------------------ */

static enum cht_err take_comments(struct issue *i, struct cht_bytes name, const char *to,
                                  struct cht_bytes value)
{
    struct node_mp_iter it = node_mp_iter(value);
    struct cht_bytes one;
    bool exact = node_mp_kind(value) == CRDT_MP_ARRAY;
    enum cht_err err = CHT_OK;
    (void)to;
    while (err == CHT_OK && node_mp_next(&it, NULL, &one)) {
        const struct cht_bytes text =
            node_mp_kind(one) == CRDT_MP_STR ? node_mp_str(one) : node_mp_get_str(one, "text");
        const struct cht_bytes number = node_mp_get(one, "id");
        struct cli_import_record *m;
        exact = exact && text.len != 0;
        err = cli_import_comment(i->how, i->todo, i->id, node_mp_get_str(one, "created_at"),
                                 node_mp_get_str(one, "author"), text, &m);
        if (err == CHT_OK && m != NULL && number.len != 0)
            err = cli_import_say_raw(i->how->arena, m, cht_bytes_str("id"), number);
    }
    return err == CHT_OK && !exact ? say_raw(i, name, value) : err;
}

/* --- an issue ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    const char *to;
    field_fn *take; /* NULL: seen to elsewhere */
} fields[] = {
    { "id", NULL, NULL },
    { "title", "content", take_text },
    { "description", "description", take_text },
    { "design", "design", take_text },
    { "acceptance_criteria", "acceptance", take_text },
    { "notes", "notes", take_text },
    { "close_reason", "close_reason", take_text },
    { "status", "status", take_status },
    { "priority", "priority", take_priority },
    { "issue_type", "kind", take_text },
    { "assignee", "assignees", take_element },
    { "owner", "owner", take_text },
    { "created_by", "author", take_text },
    { "estimated_minutes", "estimate", take_number },
    { "created_at", "created", take_time },
    { "started_at", "started_at", take_time },
    { "closed_at", "completed_at", take_time },
    { "due_at", "deadline", take_time },
    { "defer_until", "defer", take_time },
    { "external_ref", "external_ref", take_text },
    { "labels", "labels", take_elements },
    { "dependencies", NULL, take_ties },
    { "comments", NULL, take_comments },
    { "parent", NULL, take_parent },
};

/* Nothing said: beads leaves such fields out. */
static bool is_empty(struct cht_bytes value)
{
    const struct crdt_mp head = crdt_mp_peek(value);
    return head.kind == CRDT_MP_NIL || (head.kind == CRDT_MP_STR && head.data.len == 0) ||
           ((head.kind == CRDT_MP_ARRAY || head.kind == CRDT_MP_MAP) && head.u == 0);
}

static enum cht_err take_field(struct issue *i, struct cht_bytes name, struct cht_bytes value)
{
    for (size_t k = 0; k < sizeof fields / sizeof fields[0]; k++) {
        if (cht_bytes_eq(name, cht_bytes_str(fields[k].name)))
            return fields[k].take == NULL ? CHT_OK : fields[k].take(i, name, fields[k].to, value);
    }
    return say_raw(i, name, value);
}

static enum cht_err take_all(struct issue *i, struct cht_bytes object)
{
    struct node_mp_iter it = node_mp_iter(object);
    struct cht_bytes name, value;
    char text[CRDT_ID_TEXT_MAX];
    enum cht_err err = say_raw(i, cht_bytes_str("id"), node_mp_get(object, "id"));
    if (err == CHT_OK && node_mp_get_str(object, "status").len == 0)
        err = take_status(i, cht_bytes_str("status"), "status", cht_bytes(NULL, 0));
    while (err == CHT_OK && node_mp_next(&it, &name, &value)) {
        if (!is_empty(value))
            err = take_field(i, node_mp_str(name), value);
    }
    if (err == CHT_OK)
        err = say_parent(i, node_mp_get_str(object, "parent"));
    if (err == CHT_OK && i->how->project != NULL) {
        crdt_id_text(i->how->project, text);
        err = cli_import_say_text(i->how->arena, i->todo, "project", cht_bytes_str(text));
    }
    return err;
}

static enum cht_err read_issue(const struct cli_import_reading *how, struct cht_bytes object,
                               struct cli_import_record **out)
{
    struct issue i = { .how = how, .id = node_mp_get_str(object, "id") };
    struct crdt_id id;
    char text[CRDT_ID_TEXT_MAX];
    if (i.id.len == 0)
        return cli_import_wrong(how, "id", "it has no id");
    if (node_mp_get_str(object, "title").len == 0)
        return cli_import_wrong(how, "title", "it has no title");
    cli_import_id(CRDT_TODO, SOURCE, i.id, &id, text);
    i.todo = cli_import_record(how->arena, &id, CLI_IMPORT_SOURCE, SOURCE, how->line);
    if (i.todo == NULL)
        return CHT_E_NOMEM;
    const enum cht_err err = take_all(&i, object);
    if (err == CHT_OK)
        *out = i.todo;
    return err;
}

static bool is_issue(struct cht_bytes object)
{
    return node_mp_get_str(object, "id").len != 0 && node_mp_get_str(object, "title").len != 0;
}

const struct cli_import_format cli_import_beads = {
    .name = "beads",
    .is = is_issue,
    .read = read_issue,
};
