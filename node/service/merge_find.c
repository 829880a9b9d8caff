/* Which records say the same; see merge.h (LOCAL 9.4).
 *
 * The titles of a project's records in their normal form (PROTOCOL 6.5), and then what tells two
 * that only sound alike from two that are one: a thing that comes again is not the one that was
 * done, and steps of different tasks may be called the same. */
#include "node/service/merge.h"

#include "crdt/alike.h"
#include "crdt/limits.h"

#include <stdio.h>
#include <stdlib.h>

/* Who adds something more than so long after it was done means to do it again. As long as a claim
 * lives without a sign of its session (LOCAL 8). */
#define AGAIN_MS     (UINT64_C(15) * 60 * 1000)
#define SAME_MAX     256u /* records looked at that say the same */
#define ROWS_MAX     LIMIT_QUERY_ROWS
#define NORMAL_BYTES (4u * LIMIT_TITLE_BYTES)

struct row {
    struct crdt_hash text;
    uint32_t n;
};

/* What tells a record from another one that says the same. */
struct facts {
    uint32_t n;
    struct crdt_id project, parent; /* what they are merged into; type 0: none */
    bool lone;                      /* it comes again, or somebody said that it is no duplicate */
    bool apart;                     /* the second of these */
    bool ended, taken;
    uint64_t created_ms, ended_ms;
    const struct crdt_state *state;
};

struct looking {
    struct node_service *s;
    const struct crdt_type_schema *type;
    uint32_t project;
    struct row *rows;
    size_t row_count, row_cap;
    struct cht_buf normal;
    struct merge_group *groups;
    size_t count, cap;
};

/* --- reading the titles ---------------------------------------------------------------------- */

static enum cht_err add_row(struct looking *l, uint32_t n, struct cht_bytes title)
{
    if (l->row_count == l->row_cap) {
        const size_t cap = l->row_cap == 0 ? 256 : 2 * l->row_cap;
        struct row *grown = realloc(l->rows, cap * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        l->rows = grown;
        l->row_cap = cap;
    }
    cht_buf_reset(&l->normal);
    enum cht_err err = crdt_alike_text(title, &l->normal);
    if (err != CHT_OK || l->normal.len == 0)
        return err == CHT_E_LIMIT ? CHT_OK : err; /* a whole page is no title */
    l->rows[l->row_count].n = n;
    l->rows[l->row_count].text = crdt_hash_of(cht_buf_view(&l->normal));
    l->row_count++;
    return CHT_OK;
}

static enum cht_err read_rows(struct looking *l)
{
    const struct crdt_field *project = crdt_field_named(l->type->type, cht_bytes_str("project"));
    char id[CRDT_ID_TEXT_MAX], column[64];
    size_t aliases = 0;
    struct node_narrow narrow = { .field = project };
    struct node_find find = { .type = l->type->type, .limit = ROWS_MAX };
    struct node_cursor *cursor;
    if (l->project != INDEX_NONE) {
        crdt_id_text(&node_replica_index(l->s->replica)->slots[l->project].id, id);
        narrow.value = cht_bytes_str(id);
        find.narrow = &narrow;
        (void)service_aliases_of(l->s, l->project, &aliases);
        find.narrow_count = aliases == 0 ? 1 : 0; /* else its records are told from others later */
    }
    (void)snprintf(column, sizeof column, "n, \"%s\"", l->type->title_field);
    enum cht_err err = node_find_open(node_replica_store(l->s->replica), &find, column, &cursor);
    if (err != CHT_OK)
        return err;
    while (err == CHT_OK && (err = node_find_next(cursor)) == CHT_OK)
        err = add_row(l, (uint32_t)node_find_int(cursor, 0), node_find_bytes(cursor, 1));
    node_find_close(cursor);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

/* --- what else they say ---------------------------------------------------------------------- */

static const struct crdt_value *shown(const struct looking *l, const struct crdt_state *state,
                                      const char *name)
{
    const struct crdt_field *f = crdt_field_named(state->id.type, cht_bytes_str(name));
    const struct crdt_cell *c =
        f == NULL ? NULL : crdt_state_cell(state, f->number, cht_bytes(NULL, 0));
    return c == NULL ? NULL : crdt_cell_shown(node_replica_graph(l->s->replica), state->id.type, c);
}

static struct crdt_id link_of(const struct looking *l, const struct crdt_state *state,
                              const char *name)
{
    const struct crdt_value *v = shown(l, state, name);
    const struct cht_bytes raw = v == NULL ? cht_bytes(NULL, 0) : crdt_mp_peek(v->bytes).data;
    struct crdt_id id = { 0 };
    if (raw.len != 1 + CRDT_ID_BYTES)
        return id;
    id.type = raw.data[0];
    memcpy(id.b, raw.data + 1, CRDT_ID_BYTES);
    return service_survivor_id(l->s, &id);
}

static enum cht_err read_facts(const struct looking *l, uint32_t n, struct facts *out)
{
    const struct crdt_state *state;
    enum cht_err err = node_replica_state(l->s->replica, n, &state);
    if (err != CHT_OK)
        return err;
    const struct crdt_value *status = shown(l, state, "status"),
                            *created = shown(l, state, "created");
    struct facts f = { .n = n,
                       .project = link_of(l, state, "project"),
                       .parent = link_of(l, state, "parent"),
                       .apart = shown(l, state, "alias_of") != NULL,
                       .state = state };
    f.lone =
        f.apart || shown(l, state, "recurrence") != NULL || shown(l, state, "recurs_from") != NULL;
    f.ended = status != NULL && node_status_finished(node_mp_str(status->bytes));
    f.ended_ms = f.ended ? crdt_hlc_ms(status->hlc) : 0;
    f.created_ms = created == NULL ? 0 : node_mp_uint(created->bytes, 0);
    *out = f;
    return CHT_OK;
}

/* Does one wait for the other? */
static bool waits_for(const struct facts *a, const struct facts *b)
{
    const struct crdt_field *f = crdt_field_named(a->state->id.type, cht_bytes_str("dependencies"));
    struct cht_buf key;
    cht_buf_init(&key, 64);
    const bool waits = f != NULL && f->kind == CRDT_SET &&
                       service_put_link(&b->state->id, &key) == CHT_OK &&
                       crdt_state_cell(a->state, f->number, cht_buf_view(&key)) != NULL;
    cht_buf_clear(&key);
    return waits;
}

static bool made_again(const struct facts *done, const struct facts *later)
{
    return done->ended && later->created_ms > done->ended_ms + AGAIN_MS;
}

static bool same(const struct facts *a, const struct facts *b)
{
    return a->project.type != 0 && crdt_id_eq(&a->project, &b->project) &&
           crdt_id_eq(&a->parent, &b->parent) && !a->lone && !b->lone && !made_again(a, b) &&
           !made_again(b, a) && !waits_for(a, b) && !waits_for(b, a);
}

/* --- groups ---------------------------------------------------------------------------------- */

static enum cht_err add_group(struct looking *l, const uint32_t *members, uint32_t count,
                              bool certain)
{
    struct merge_group g = { .count = count, .certain = certain };
    struct cht_arena *arena = &l->s->arena;
    if (l->count == l->cap) {
        const size_t cap = l->cap == 0 ? 16 : 2 * l->cap;
        struct merge_group *grown = cht_arena_array(arena, cap, sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        if (l->count != 0)
            memcpy(grown, l->groups, l->count * sizeof *grown);
        l->groups = grown;
        l->cap = cap;
    }
    g.members = cht_arena_array(arena, count, sizeof *g.members);
    if (g.members == NULL)
        return CHT_E_NOMEM;
    memcpy(g.members, members, count * sizeof *members);
    enum cht_err err = cht_arena_copy(arena, cht_buf_view(&l->normal), &g.text);
    if (err == CHT_OK)
        l->groups[l->count++] = g;
    return err;
}

/* Facts stand ascending by id, so the first of each group is the one that survives. */
static enum cht_err group(struct looking *l, struct facts *facts, uint32_t count)
{
    uint32_t members[SAME_MAX], open[SAME_MAX], member_count, open_count = 0;
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0; err == CHT_OK && i < count; i++) {
        if (facts[i].taken)
            continue;
        const struct facts *all[SAME_MAX];
        member_count = 0;
        all[member_count] = &facts[i];
        members[member_count++] = facts[i].n;
        for (uint32_t k = i + 1; k < count; k++) {
            bool fits = !facts[k].taken;
            for (uint32_t j = 0; fits && j < member_count; j++)
                fits = same(all[j], &facts[k]);
            if (!fits)
                continue;
            facts[k].taken = true;
            all[member_count] = &facts[k];
            members[member_count++] = facts[k].n;
        }
        if (member_count > 1)
            err = add_group(l, members, member_count, true);
        if (!facts[i].ended && !facts[i].apart)
            open[open_count++] = facts[i].n;
    }
    return err == CHT_OK && open_count > 1 ? add_group(l, open, open_count, false) : err;
}

static int by_id(const void *left, const void *right)
{
    const struct facts *a = left, *b = right;
    return memcmp(a->state->id.b, b->state->id.b, CRDT_ID_BYTES);
}

/* The records of some rows that have one text. */
static enum cht_err look_at(struct looking *l, const struct row *rows, size_t count)
{
    struct facts *facts = cht_arena_array(&l->s->arena, count, sizeof *facts);
    const struct node_index *x = node_replica_index(l->s->replica);
    uint32_t kept = 0;
    enum cht_err err = facts == NULL ? CHT_E_NOMEM : CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < count && kept < SAME_MAX; i++) {
        err = read_facts(l, rows[i].n, &facts[kept]);
        kept += err == CHT_OK && (l->project == INDEX_NONE ||
                                  crdt_id_eq(&facts[kept].project, &x->slots[l->project].id));
    }
    if (err != CHT_OK || kept < 2)
        return err;
    qsort(facts, kept, sizeof *facts, by_id);
    const struct crdt_value *title = shown(l, facts[0].state, l->type->title_field);
    cht_buf_reset(&l->normal);
    err = title == NULL ? CHT_E_INTERNAL
                        : crdt_alike_text(crdt_mp_peek(title->bytes).data, &l->normal);
    return err == CHT_OK ? group(l, facts, kept) : err;
}

static int by_text(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    const int order = memcmp(a->text.b, b->text.b, CRDT_HASH_BYTES);
    return order != 0 ? order : (a->n < b->n ? -1 : a->n > b->n);
}

enum cht_err merge_find(struct node_service *s, unsigned type, uint32_t project,
                        struct merge_group **out, size_t *out_count)
{
    struct looking l = { .s = s, .type = crdt_schema(type), .project = project };
    cht_buf_init(&l.normal, NORMAL_BYTES);
    enum cht_err err = read_rows(&l);
    if (err == CHT_OK && l.row_count > 1)
        qsort(l.rows, l.row_count, sizeof *l.rows, by_text);
    for (size_t i = 0, end; err == CHT_OK && i < l.row_count; i = end) {
        end = i + 1;
        while (end < l.row_count && crdt_hash_eq(&l.rows[i].text, &l.rows[end].text))
            end++;
        if (end - i > 1)
            err = look_at(&l, &l.rows[i], end - i);
    }
    free(l.rows);
    cht_buf_clear(&l.normal);
    if (err != CHT_OK)
        return err;
    *out = l.groups;
    *out_count = l.count;
    return CHT_OK;
}
