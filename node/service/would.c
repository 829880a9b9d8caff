/* What a planned change would do, told without doing it; see plan.h (LOCAL 3.9). */
#include "node/service/plan.h"

/* --- what a field shows, seen from some place of the plan ----------------------------------- */

struct showing {
    const struct plan *p;
    const struct plan_item *seen;
    const struct crdt_field *field;
    struct cht_buf *out; /* NULL: only count */
    uint32_t count;
};

static enum cht_err show_key(void *ctx, struct cht_bytes key)
{
    struct showing *w = ctx;
    w->count++;
    if (w->out == NULL)
        return CHT_OK;
    if (w->field->kind == CRDT_SET)
        return node_value_show(w->field, key, w->out);
    enum cht_err err = cht_buf_add(w->out, key);
    return err != CHT_OK
               ? err
               : node_value_show(w->field, plan_cell(w->p, w->seen, w->field->number, key).bytes,
                                 w->out);
}

static enum cht_err put_shown(const struct plan *p, const struct plan_item *seen,
                              const struct crdt_field *f, struct cht_buf *out)
{
    struct showing w = { .p = p, .seen = seen, .field = f };
    if (f->number == CRDT_FIELD_DELETED)
        return crdt_mp_put_bool(out, plan_hidden(p, seen));
    if (f->kind == CRDT_REGISTER || f->kind == CRDT_TEXT) {
        const struct plan_cell c = plan_cell(p, seen, f->number, cht_bytes(NULL, 0));
        return c.live ? node_value_show(f, c.bytes, out) : crdt_mp_put_nil(out);
    }
    enum cht_err err = plan_each_key(p, seen, f->number, show_key, &w);
    if (err == CHT_OK)
        err = f->kind == CRDT_SET ? crdt_mp_put_array(out, w.count) : crdt_mp_put_map(out, w.count);
    w.out = out;
    return err == CHT_OK ? plan_each_key(p, seen, f->number, show_key, &w) : err;
}

/* --- a change ------------------------------------------------------------------------------- */

static bool writes(const struct plan_item *item, uint16_t field)
{
    for (uint32_t i = 0; i < item->ops.count; i++) {
        if (item->ops.list[i].field == field)
            return true;
    }
    return false;
}

enum cht_err plan_put_would(const struct plan *p, uint32_t place, struct cht_buf *out)
{
    const struct plan_item *item = &p->items[place];
    const struct plan_item after = { .id = item->id,
                                     .state = item->state,
                                     .before = item->ops.count != 0 ? place : item->before };
    const struct crdt_type_schema *t = crdt_schema(item->id.type);
    uint32_t count = 0;
    for (size_t i = 0; t != NULL && i < t->count; i++)
        count += writes(item, t->fields[i].number);
    enum cht_err err = node_mp_put_text(out, "would");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, count);
    for (size_t i = 0; t != NULL && err == CHT_OK && i < t->count; i++) {
        const struct crdt_field *f = &t->fields[i];
        if (!writes(item, f->number))
            continue;
        err = node_mp_put_text(out, f->name);
        if (err == CHT_OK)
            err = crdt_mp_put_map(out, 2);
        if (err == CHT_OK)
            err = node_mp_put_text(out, "from");
        if (err == CHT_OK)
            err = put_shown(p, item, f, out);
        if (err == CHT_OK)
            err = node_mp_put_text(out, "to");
        if (err == CHT_OK)
            err = put_shown(p, &after, f, out);
    }
    return err;
}
