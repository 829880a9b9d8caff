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
    return err == CHT_OK && c->count == 0 ? add(a, not ? "1" : "n < 0") : err;
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
    switch (word) {
    case NODE_IS_OPEN:
        if (a->m->type != CRDT_TODO)
            return add_open(a);
        a->q->only |= NODE_ONLY_OPEN;
        return CHT_OK;
    case NODE_IS_READY:
        a->q->only |= NODE_ONLY_READY;
        return CHT_OK;
    case NODE_IS_BLOCKED:
        a->q->only |= NODE_ONLY_BLOCKED;
        return CHT_OK;
    case NODE_IS_OVERDUE:
        a->q->only |= NODE_ONLY_OVERDUE;
        return CHT_OK;
    case NODE_IS_HELD:
        a->q->only |= NODE_ONLY_HELD;
        return CHT_OK;
    case NODE_IS_FREE:
        a->q->only |= NODE_ONLY_FREE;
        return CHT_OK;
    case NODE_IS_CONFLICTED:
        return add(a, "conflicts > 0");
    case NODE_IS_HIDDEN:
        return add(a, "deleted = 1");
    case NODE_IS_ALIAS:
        return add(a, "deleted = 1 AND alias_of IS NOT NULL");
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
        err = cht_arena_copy(a->arena, cht_buf_view(&words), &a->q->words);
    cht_buf_clear(&words);
    return err;
}

/* --- order --------------------------------------------------------------------------------- */

/* By the fields named, what is unset last, and then by id; without one as node_find has it. */
static enum cht_err add_order(const struct node_sort *sort, size_t count, struct cht_buf *out)
{
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        const char *way = sort[i].descending ? " DESC NULLS LAST, " : " NULLS LAST, ";
        err = node_find_order(sort[i].field, out);
        if (err == CHT_OK)
            err = cht_buf_add(out, cht_bytes_str(way));
    }
    if (err == CHT_OK && count != 0)
        err = cht_buf_add(out, cht_bytes_str("id"));
    return err == CHT_OK && count != 0 ? cht_buf_add_u8(out, '\0') : err;
}

/* One value that there is an index for: the store looks which way is the short one. */
static bool narrows(const struct match_question *q, const struct match_cond *c)
{
    return (c->op == NODE_COND_IS || c->op == NODE_COND_HAS) && c->count == 1 &&
           c->wanted[0].len != 0 && node_find_narrows(c->field) &&
           q->narrow_count < NODE_NARROW_MAX;
}

static enum cht_err add_narrow(struct asking *a, const struct match_cond *c)
{
    struct node_narrow *n = &a->q->narrow[a->q->narrow_count++];
    n->field = c->field;
    return match_column_text(c->field, c->wanted[0], a->arena, &n->value);
}

static enum cht_err add_part(struct asking *a, const struct match_cond *c, enum node_is_word word)
{
    enum cht_err err = add(a, a->q->where.len == 0 ? "(" : " AND (");
    if (err == CHT_OK)
        err = c != NULL ? add_cond(a, c) : add_is(a, word);
    return err == CHT_OK ? add(a, ")") : err;
}

/* Does node_find know the word itself? */
static bool known(const struct match *m, unsigned word)
{
    return word == NODE_IS_READY || word == NODE_IS_BLOCKED || word == NODE_IS_OVERDUE ||
           word == NODE_IS_HELD || word == NODE_IS_FREE ||
           (word == NODE_IS_OPEN && m->type == CRDT_TODO);
}

enum cht_err match_sql(const struct match *m, const struct node_sort *sort, size_t sort_count,
                       uint64_t now_ms, struct cht_arena *arena, struct match_question *q)
{
    struct asking a = { .m = m, .now_ms = now_ms, .arena = arena, .q = q };
    enum cht_err err = CHT_OK;
    cht_buf_init(&q->where, LIMIT_CLIENT_BYTES);
    cht_buf_init(&q->order, LIMIT_CLIENT_BYTES);
    for (unsigned i = 0; err == CHT_OK && i < m->count; i++)
        err = narrows(q, &m->conds[i]) ? add_narrow(&a, &m->conds[i])
                                       : add_part(&a, &m->conds[i], NODE_IS_COUNT);
    for (unsigned i = 0; err == CHT_OK && i < NODE_IS_COUNT; i++) {
        if ((m->is >> i & 1u) != 0)
            err = known(m, i) ? add_is(&a, (enum node_is_word)i)
                              : add_part(&a, NULL, (enum node_is_word)i);
    }
    if (err == CHT_OK && m->phrase_count != 0)
        err = add_text(&a);
    if (err == CHT_OK && q->where.len != 0)
        err = cht_buf_add_u8(&q->where, '\0');
    return err == CHT_OK ? add_order(sort, sort_count, &q->order) : err;
}
