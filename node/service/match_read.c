/* From a request's conditions to ones that can be asked: values as the log has them, names as ids,
 * texts as the words of the index; see match.h (LOCAL 4.3, 4.10 to 4.12). */
#include "node/service/match.h"
#include "node/service/own.h"
#include "node/store/words.h"

#define BEGINNINGS_MAX 8u /* each is looked up with all words that begin so, in the node's turn */

struct reading {
    struct node_service *s;
    struct cht_arena *arena;
    struct node_fault *fault;
    struct node_id_resolver resolver;
    struct cht_buf scratch;
};

static bool keyed(const struct crdt_field *f)
{
    return f->kind == CRDT_SET || f->kind == CRDT_MAP;
}

static enum cht_err take_value(struct reading *r, const struct match_cond *c,
                               struct cht_bytes value, struct cht_bytes *out)
{
    if (node_mp_kind(value) == CRDT_MP_NIL) {
        *out = (struct cht_bytes){ 0 };
        return CHT_OK;
    }
    if (c->op == NODE_COND_CONTAINS || c->op == NODE_COND_STARTS)
        return cht_arena_copy(r->arena, node_mp_str(value), out);
    cht_buf_reset(&r->scratch);
    enum cht_err err =
        node_value_take(c->field, keyed(c->field), value, &r->resolver, r->fault, &r->scratch);
    return err == CHT_OK ? cht_arena_copy(r->arena, cht_buf_view(&r->scratch), out) : err;
}

/* A link names a record by any of its ids: the ids of what is merged into it count too. */
static enum cht_err add_aliases(struct reading *r, struct match_cond *c)
{
    const struct node_index *x = node_replica_index(r->s->replica);
    const unsigned given = c->count;
    enum cht_err err = CHT_OK;
    if (c->field->value != CRDT_V_ID || r->s->aliases.edge_count == 0)
        return CHT_OK;
    for (unsigned i = 0; err == CHT_OK && i < given; i++) {
        const struct cht_bytes raw = crdt_mp_peek(c->wanted[i]).data;
        struct crdt_id id = { 0 };
        size_t count = 0;
        if (c->wanted[i].len == 0 || raw.len != 1 + CRDT_ID_BYTES)
            continue;
        id.type = raw.data[0];
        memcpy(id.b, raw.data + 1, CRDT_ID_BYTES);
        const uint32_t n = node_index_find(x, &id);
        const struct service_alias *list =
            n == INDEX_NONE ? NULL : service_aliases_of(r->s, n, &count);
        struct cht_bytes *grown =
            cht_arena_array(r->arena, (size_t)c->count + count + 1, sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        memcpy(grown, c->wanted, c->count * sizeof *grown);
        c->wanted = grown;
        for (size_t k = 0; err == CHT_OK && k < count; k++) {
            cht_buf_reset(&r->scratch);
            err = service_put_link(&x->slots[list[k].n].id, &r->scratch);
            if (err == CHT_OK)
                err = cht_arena_copy(r->arena, cht_buf_view(&r->scratch), &c->wanted[c->count++]);
        }
        if (c->count > NODE_COND_VALUES_MAX)
            return node_fault_set(r->fault, CHT_E_LIMIT, cht_bytes_str(c->field->name),
                                  "too many records are merged into what %s names", c->field->name);
    }
    return err;
}

static enum cht_err read_cond(struct reading *r, const struct node_cond *from,
                              struct match_cond *out)
{
    struct match_cond c = { .field = from->field, .op = from->op };
    const bool many = node_mp_kind(from->value) == CRDT_MP_ARRAY;
    const uint64_t count = many ? node_mp_count(from->value) : (from->value.len != 0);
    struct node_mp_iter it = node_mp_iter(from->value);
    struct cht_bytes value;
    enum cht_err err = CHT_OK;
    c.wanted = cht_arena_array(r->arena, count + 1, sizeof *c.wanted);
    if (c.wanted == NULL)
        return CHT_E_NOMEM;
    if (!many && count == 1)
        err = take_value(r, &c, from->value, &c.wanted[c.count++]);
    while (many && err == CHT_OK && node_mp_next(&it, NULL, &value))
        err = take_value(r, &c, value, &c.wanted[c.count++]);
    if (err == CHT_OK)
        err = add_aliases(r, &c);
    if (err == CHT_OK)
        *out = c;
    return err;
}

/* `filter` is the oldest form: each of its pairs is an `is`. */
static enum cht_err read_conds(struct reading *r, const struct node_query *q, struct match *m)
{
    struct node_mp_iter filter = node_mp_iter(q->filter), where = node_mp_iter(q->where);
    struct cht_bytes key;
    struct node_cond c = { .op = NODE_COND_IS };
    enum cht_err err = CHT_OK;
    const uint64_t count = node_mp_count(q->filter) + node_mp_count(q->where);
    if (count > NODE_CONDS_MAX)
        return node_fault_set(r->fault, CHT_E_LIMIT, cht_bytes_str("where"),
                              "there may be %u conditions", NODE_CONDS_MAX);
    m->conds = cht_arena_array(r->arena, count + 1, sizeof *m->conds);
    if (m->conds == NULL)
        return CHT_E_NOMEM;
    while (err == CHT_OK && node_mp_next(&filter, &key, &c.value)) {
        err = node_field_find(q->type, node_mp_str(key), r->fault, &c.field);
        if (err == CHT_OK)
            err = read_cond(r, &c, &m->conds[m->count++]);
    }
    while (err == CHT_OK && node_where_next(&where, q->type, &c))
        err = read_cond(r, &c, &m->conds[m->count++]);
    return err;
}

/* --- text ---------------------------------------------------------------------------------- */

static bool blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next word of `text`; a word that begins with a quote goes on to the next one. */
static bool next_word(struct cht_bytes *text, struct cht_bytes *out)
{
    size_t at = 0, end;
    while (at < text->len && blank(text->data[at]))
        at++;
    if (at == text->len)
        return false;
    if (text->data[at] == '"') {
        end = ++at;
        while (end < text->len && text->data[end] != '"')
            end++;
    } else {
        end = at;
        while (end < text->len && !blank(text->data[end]))
            end++;
    }
    *out = cht_bytes(text->data + at, end - at);
    end += end < text->len;
    *text = cht_bytes(text->data + end, text->len - end);
    return true;
}

static enum cht_err read_text(struct reading *r, struct cht_bytes text, struct match *m)
{
    struct node_words *words = NULL;
    struct cht_bytes left = text, word;
    unsigned beginnings = 0;
    if (text.len == 0)
        return CHT_OK;
    m->phrases = cht_arena_array(r->arena, text.len / 2 + 1, sizeof *m->phrases);
    enum cht_err err = m->phrases == NULL
                           ? CHT_E_NOMEM
                           : node_words_open(node_replica_store(r->s->replica), &words);
    while (err == CHT_OK && next_word(&left, &word)) {
        struct match_phrase p = { .prefix = word.len > 0 && word.data[word.len - 1] == '*' };
        beginnings += p.prefix;
        err = node_words_split(words, word, r->arena, &p.tokens, &p.count);
        if (err == CHT_OK && p.count != 0)
            m->phrases[m->phrase_count++] = p;
    }
    node_words_close(words);
    if (err == CHT_OK && beginnings > BEGINNINGS_MAX)
        return node_fault_set(r->fault, CHT_E_INVALID, cht_bytes_str("text"),
                              "there may be %u beginnings of words (\"word*\")", BEGINNINGS_MAX);
    if (err == CHT_OK && m->phrase_count == 0)
        return node_fault_set(r->fault, CHT_E_INVALID, cht_bytes_str("text"),
                              "there is no word in \"%.*s\" to search for",
                              (int)(text.len > 80 ? 80 : text.len), (const char *)text.data);
    return err;
}

enum cht_err match_read(struct node_service *s, const struct node_query *q, struct cht_arena *arena,
                        struct node_fault *fault, struct match *out)
{
    struct reading r = { .s = s, .arena = arena, .fault = fault, .resolver = service_resolver(s) };
    struct match m = { .type = q->type, .is = q->is };
    cht_buf_init(&r.scratch, LIMIT_CLIENT_BYTES);
    enum cht_err err = read_conds(&r, q, &m);
    if (err == CHT_OK)
        err = read_text(&r, q->text, &m);
    cht_buf_clear(&r.scratch);
    if (err == CHT_OK)
        *out = m;
    return err;
}
