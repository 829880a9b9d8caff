/* The conditions and the order of a list as SQL over the type's table; see match.h. What each
 * condition means is said in LOCAL 4.10 to 4.13; the same in memory is match.c. */
#include "node/service/match.h"

#include "crdt/limits.h"
#include "crdt/rfc3339.h"
#include "node/store/store.h"

#include <stdio.h>

struct asking {
    const struct match *m;
    uint64_t now_ms;
    struct cht_arena *arena;
    struct match_question *q;
};

static enum cht_err add(struct asking *a, const char *text)
{
    return cht_buf_add(&a->q->where, cht_bytes_str(text));
}

static enum cht_err add_arg(struct asking *a, struct cht_bytes value)
{
    char name[16];
    if (a->q->arg_count == MATCH_ARGS_MAX)
        return CHT_E_LIMIT;
    a->q->args[a->q->arg_count++] = value;
    (void)snprintf(name, sizeof name, "?%zu", a->q->arg_count);
    return add(a, name);
}

static enum cht_err add_value(struct asking *a, const struct crdt_field *f, struct cht_bytes want)
{
    struct cht_bytes text;
    enum cht_err err = match_column_text(f, want, a->arena, &text);
    return err == CHT_OK ? add_arg(a, text) : err;
}

static enum cht_err add_now(struct asking *a)
{
    char text[CRDT_RFC3339_MAX];
    struct cht_bytes kept;
    crdt_rfc3339_text(a->now_ms < CRDT_RFC3339_MS_MAX ? a->now_ms : CRDT_RFC3339_MS_MAX, text);
    enum cht_err err = cht_arena_copy(a->arena, cht_bytes_str(text), &kept);
    return err == CHT_OK ? add_arg(a, kept) : err;
}

/* --- conditions ---------------------------------------------------------------------------- */

/* Columns of text: a "+" before any other would take its affinity, and no number be equal. */
static bool is_text(const struct crdt_field *f)
{
    return f->value != CRDT_V_BOOL && f->value != CRDT_V_INT && f->value != CRDT_V_FLOAT &&
           f->value != CRDT_V_SHARE;
}

/* One of the wanted values of an `is`, `not`, `has` or `hasnt`. Of several values no index is used,
 * whose order would have to be sorted again. */
static enum cht_err add_option(struct asking *a, const struct match_cond *c, struct cht_bytes want)
{
    const struct crdt_field *f = c->field;
    const bool keyed = f->kind == CRDT_SET || f->kind == CRDT_MAP;
    const bool not = c->op == NODE_COND_NOT || c->op == NODE_COND_HASNT;
    char head[160];
    if (want.len == 0)
        (void)snprintf(head, sizeof head, "\"%s\" IS %sNULL", f->name, not ? "NOT " : "");
    else if (node_rows_element(f))
        (void)snprintf(head, sizeof head,
                       "n %sIN (SELECT n FROM element WHERE field = %u AND value = ",
                       not ? "NOT " : "", a->m->type << 16 | f->number);
    else if (keyed)
        (void)snprintf(head, sizeof head,
                       "%sEXISTS(SELECT 1 FROM json_each(\"%s\") WHERE %s = ", not ? "NOT " : "",
                       f->name, f->kind == CRDT_SET ? "value" : "key");
    else
        (void)snprintf(head, sizeof head, "%s\"%s\" %s ", c->count > 1 && is_text(f) ? "+" : "",
                       f->name, not ? "IS NOT" : "=");
    enum cht_err err = add(a, head);
    if (err == CHT_OK && want.len != 0)
        err = add_value(a, f, want);
    return err == CHT_OK && want.len != 0 && (keyed || node_rows_element(f)) ? add(a, ")") : err;
}

static enum cht_err add_cond(struct asking *a, const struct match_cond *c)
{
    static const char *const compared[NODE_COND_OP_COUNT] = { [NODE_COND_BEFORE] = "<",
                                                              [NODE_COND_AFTER] = ">",
                                                              [NODE_COND_FROM] = ">=",
                                                              [NODE_COND_TO] = "<=" };
    const bool not = c->op == NODE_COND_NOT || c->op == NODE_COND_HASNT;
    char head[128];
    enum cht_err err = CHT_OK;
    if (c->op == NODE_COND_ANY || c->op == NODE_COND_NONE) {
        (void)snprintf(head, sizeof head, "\"%s\" IS %sNULL", c->field->name,
                       c->op == NODE_COND_ANY ? "NOT " : "");
        return add(a, head);
    }
    if (c->op == NODE_COND_CONTAINS || c->op == NODE_COND_STARTS) {
        (void)snprintf(head, sizeof head, "instr(lower(\"%s\"), lower(", c->field->name);
        err = add(a, head);
        if (err == CHT_OK)
            err = add_arg(a, c->wanted[0]);
        return err == CHT_OK ? add(a, c->op == NODE_COND_STARTS ? ")) = 1" : ")) > 0") : err;
    }
    if (compared[c->op] != NULL) {
        (void)snprintf(head, sizeof head, "\"%s\" %s ", c->field->name, compared[c->op]);
        err = add(a, head);
        return err == CHT_OK ? add_value(a, c->field, c->wanted[0]) : err;
    }
    for (unsigned i = 0; err == CHT_OK && i < c->count; i++) {
        err = add(a, i == 0 ? "" : not ? " AND " : " OR ");
        if (err == CHT_OK)
            err = add_option(a, c, c->wanted[i]);
    }
    return err == CHT_OK && c->count == 0 ? add(a, not ? "1" : "0") : err;
}

/* --- is ------------------------------------------------------------------------------------ */

/* Not finished: written out, so that it is the same text always. */
static enum cht_err add_open(struct asking *a)
{
    const struct crdt_field *status = node_status_field(a->m->type);
    char part[64];
    unsigned n = 0;
    enum cht_err err = add(a, "(\"status\" IS NULL OR \"status\" NOT IN (");
    for (size_t i = 0; err == CHT_OK && status != NULL && status->words[i] != NULL; i++) {
        if (!node_status_finished(cht_bytes_str(status->words[i])))
            continue;
        (void)snprintf(part, sizeof part, "%s'%s'", n++ == 0 ? "" : ", ", status->words[i]);
        err = add(a, part);
    }
    return err == CHT_OK ? add(a, "))") : err;
}

static enum cht_err add_is(struct asking *a, enum node_is_word word)
{
    enum cht_err err = CHT_OK;
    switch (word) {
    case NODE_IS_OPEN:
        return add_open(a);
    case NODE_IS_READY:
        err = add(a, "(\"status\" IS NULL OR \"status\" = 'pending') AND blockers = 0"
                     " AND (\"defer\" IS NULL OR \"defer\" < ");
        if (err == CHT_OK)
            err = add_now(a);
        return err == CHT_OK ? add(a, ")") : err;
    case NODE_IS_BLOCKED:
        err = add_open(a);
        return err == CHT_OK ? add(a, " AND (\"status\" = 'blocked' OR blockers > 0)") : err;
    case NODE_IS_OVERDUE:
        err = add_open(a);
        if (err == CHT_OK)
            err = add(a, " AND \"deadline\" < ");
        return err == CHT_OK ? add_now(a) : err;
    case NODE_IS_CONFLICTED:
        return add(a, "conflicts > 0");
    case NODE_IS_HIDDEN:
        return add(a, "deleted = 1");
    case NODE_IS_COUNT:
        break;
    }
    return CHT_E_INTERNAL;
}

/* --- text ---------------------------------------------------------------------------------- */

/* The words in the language of FTS5: phrases, all of which must match. Tokens hold no quotes. */
static enum cht_err add_text(struct asking *a)
{
    struct cht_buf words;
    struct cht_bytes kept = { 0 };
    enum cht_err err = CHT_OK;
    cht_buf_init(&words, LIMIT_CLIENT_BYTES);
    for (unsigned i = 0; err == CHT_OK && i < a->m->phrase_count; i++) {
        const struct match_phrase *p = &a->m->phrases[i];
        err = cht_buf_add(&words, cht_bytes_str(i == 0 ? "\"" : " AND \""));
        for (unsigned k = 0; err == CHT_OK && k < p->count; k++) {
            err = k == 0 ? CHT_OK : cht_buf_add_u8(&words, ' ');
            if (err == CHT_OK)
                err = cht_buf_add(&words, p->tokens[k]);
        }
        if (err == CHT_OK)
            err = cht_buf_add(&words, cht_bytes_str(p->prefix ? "\" *" : "\""));
    }
    if (err == CHT_OK)
        err = cht_arena_copy(a->arena, cht_buf_view(&words), &kept);
    cht_buf_clear(&words);
    if (err == CHT_OK)
        err = add(a, "n IN (SELECT rowid FROM search WHERE search MATCH ");
    if (err == CHT_OK)
        err = add_arg(a, kept);
    return err == CHT_OK ? add(a, ")") : err;
}

/* --- order --------------------------------------------------------------------------------- */

/* By the fields named, what is unset last, and then by id; without one in the order in which they
 * came to this node, which is that of their rows: a list of all is read without sorting. */
static enum cht_err add_order(const struct node_sort *sort, size_t count, struct cht_buf *out)
{
    char part[160];
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        const struct crdt_field *f = sort[i].field;
        const char *way = sort[i].descending ? " DESC" : "";
        if (f->value == CRDT_V_ENUM) {
            (void)snprintf(part, sizeof part, "CASE \"%s\"", f->name);
            err = cht_buf_add(out, cht_bytes_str(part));
            for (unsigned k = 0; err == CHT_OK && f->words[k] != NULL; k++) {
                (void)snprintf(part, sizeof part, " WHEN '%s' THEN %u", f->words[k], k);
                err = cht_buf_add(out, cht_bytes_str(part));
            }
            (void)snprintf(part, sizeof part, " END%s NULLS LAST, ", way);
        } else {
            (void)snprintf(part, sizeof part, "\"%s\"%s NULLS LAST, ", f->name, way);
        }
        if (err == CHT_OK)
            err = cht_buf_add(out, cht_bytes_str(part));
    }
    if (err == CHT_OK && count != 0)
        err = cht_buf_add(out, cht_bytes_str("id"));
    return err == CHT_OK && count != 0 ? cht_buf_add_u8(out, '\0') : err;
}

enum cht_err match_sql(const struct match *m, const struct node_sort *sort, size_t sort_count,
                       uint64_t now_ms, struct cht_arena *arena, struct match_question *q)
{
    struct asking a = { .m = m, .now_ms = now_ms, .arena = arena, .q = q };
    const char *between = "(";
    enum cht_err err = CHT_OK;
    cht_buf_init(&q->where, LIMIT_CLIENT_BYTES);
    cht_buf_init(&q->order, LIMIT_CLIENT_BYTES);
    for (unsigned i = 0; err == CHT_OK && i < m->count; i++) {
        err = add(&a, between);
        between = ") AND (";
        if (err == CHT_OK)
            err = add_cond(&a, &m->conds[i]);
    }
    for (unsigned i = 0; err == CHT_OK && i < NODE_IS_COUNT; i++) {
        if ((m->is >> i & 1u) == 0)
            continue;
        err = add(&a, between);
        between = ") AND (";
        if (err == CHT_OK)
            err = add_is(&a, (enum node_is_word)i);
    }
    if (err == CHT_OK && m->phrase_count != 0) {
        err = add(&a, between);
        between = ") AND (";
        if (err == CHT_OK)
            err = add_text(&a);
    }
    if (err == CHT_OK && between[0] == ')')
        err = add(&a, ")");
    if (err == CHT_OK && q->where.len != 0)
        err = cht_buf_add_u8(&q->where, '\0');
    return err == CHT_OK ? add_order(sort, sort_count, &q->order) : err;
}
