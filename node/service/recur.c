/* A recurring todo that is completed brings the next one along; see plan.h (LOCAL 3.8). Two nodes
 * that complete one without having spoken make the same next one: its id comes from the old one's.
 */
#include "crdt/natural.h"
#include "crdt/rfc3339.h"
#include "node/service/plan.h"
#include "node/service/recurrence.h"

#define ANCESTORS_MAX 12u /* how far back the day of the month is looked for */

/* What is of the one occurrence alone, and is not taken over by the next. */
static const char *const own_fields[] = {
    "deleted",     "status",  "created",      "completed_at", "started_at", "reminded",
    "deadline",    "defer",   "reminders",    "recurs_from",  "session",    "dependencies",
    "attachments", "notes",   "close_reason", "external_ref", "raw",        "origin",
    "alias_of",    "arbiter", "claim",        "stale",
};

static const struct crdt_field *field_of(const char *name)
{
    return crdt_field_named(CRDT_TODO, cht_bytes_str(name));
}

static struct plan_cell cell_of(const struct plan *p, const struct plan_item *item,
                                const char *name)
{
    return plan_cell(p, item, field_of(name)->number, cht_bytes(NULL, 0));
}

static bool is_completed(struct plan_cell status)
{
    return cht_bytes_eq(node_mp_str(status.bytes), cht_bytes_str("completed"));
}

static bool time_of(const struct plan *p, const struct plan_item *item, const char *name,
                    uint64_t *out_ms)
{
    const struct plan_cell c = cell_of(p, item, name);
    *out_ms = node_mp_uint(c.bytes, 0);
    return c.live && node_mp_kind(c.bytes) == CRDT_MP_UINT;
}

/* --- copying -------------------------------------------------------------------------------- */

struct copying {
    struct plan *p;
    const struct plan_item *from; /* the completed one, with what the plan does to it */
    struct plan_item *to;
    const struct crdt_field *field;
    const struct recurrence *r;
    uint32_t steps;
};

static enum cht_err put(const struct copying *c, const struct crdt_field *field,
                        struct cht_bytes key, struct cht_bytes value)
{
    struct crdt_op op = { .kind = CRDT_OP_PUT, .field = field->number };
    enum cht_err err = cht_arena_copy(&c->p->s->arena, key, &op.key);
    if (err == CHT_OK)
        err = cht_arena_copy(&c->p->s->arena, value, &op.value);
    return err == CHT_OK ? plan_op(c->p, c->to, &op) : err;
}

static enum cht_err copy_cell(void *ctx, struct cht_bytes key)
{
    const struct copying *c = ctx;
    static const uint8_t nil[] = { 0xc0 };
    struct cht_bytes value = plan_cell(c->p, c->from, c->field->number, key).bytes;
    return put(c, c->field, key, c->field->kind == CRDT_SET ? cht_bytes(nil, 1) : value);
}

static bool is_own(const struct crdt_field *f)
{
    for (size_t i = 0; i < sizeof own_fields / sizeof own_fields[0]; i++) {
        if (strcmp(f->name, own_fields[i]) == 0)
            return true;
    }
    return false;
}

static enum cht_err copy_fields(struct copying *c)
{
    const struct crdt_type_schema *t = crdt_schema(CRDT_TODO);
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < t->count; i++) {
        c->field = &t->fields[i];
        if (!is_own(c->field))
            err = plan_each_key(c->p, c->from, c->field->number, copy_cell, c);
    }
    return err;
}

/* --- dates ---------------------------------------------------------------------------------- */

static enum cht_err put_uint(struct copying *c, const char *name, uint64_t v)
{
    struct cht_buf value;
    cht_buf_init(&value, CHT_VARINT_MAX);
    enum cht_err err = crdt_mp_put_uint(&value, v);
    if (err == CHT_OK)
        err = put(c, field_of(name), cht_bytes(NULL, 0), cht_buf_view(&value));
    cht_buf_clear(&value);
    return err;
}

/* "monthly" from the 31st: after a short month it is the 31st again. The day is that of the
 * earlier todos of the series, as far back as each stood on the last day of its month. */
static enum cht_err find_day(struct plan *p, const struct plan_item *item, const char *name,
                             uint64_t ms, unsigned *out)
{
    struct plan_item at = *item, before;
    bool last;
    *out = recurrence_day(ms, &last);
    for (unsigned i = 0; last && i < ANCESTORS_MAX; i++) {
        const struct crdt_mp from = crdt_mp_peek(cell_of(p, &at, "recurs_from").bytes);
        struct crdt_id id = { .type = CRDT_TODO };
        if (from.kind != CRDT_MP_BIN || from.data.len != CRDT_ID_BYTES + 1)
            return CHT_OK;
        memcpy(id.b, from.data.data + 1, CRDT_ID_BYTES);
        enum cht_err err = plan_begin(p, &id, &before);
        if (err != CHT_OK)
            return err;
        at = before;
        if (!time_of(p, &at, name, &ms))
            return CHT_OK;
        const unsigned day = recurrence_day(ms, &last);
        *out = day > *out ? day : *out;
    }
    return CHT_OK;
}

static enum cht_err move_reminder(void *ctx, struct cht_bytes key)
{
    struct copying *c = ctx;
    uint64_t ms, moved;
    if (crdt_rfc3339_parse(node_mp_str(key), &ms) != CHT_OK ||
        recurrence_move(c->r, ms, c->steps, 0, &moved) != CHT_OK)
        return CHT_OK; /* no moment: what it reminds of is over */
    char text[CRDT_RFC3339_MAX];
    struct cht_buf moved_key;
    crdt_rfc3339_text(moved, text);
    cht_buf_init(&moved_key, LIMIT_KEY_BYTES);
    enum cht_err err = node_mp_put_text(&moved_key, text);
    if (err == CHT_OK)
        err = put(c, c->field, cht_buf_view(&moved_key),
                  plan_cell(c->p, c->from, c->field->number, key).bytes);
    cht_buf_clear(&moved_key);
    return err;
}

/* Deadline, defer and reminders, all by the same number of steps. CHT_E_INVALID: the calendar ends
 * before. */
static enum cht_err move_dates(struct copying *c)
{
    struct plan *p = c->p;
    uint64_t deadline, defer, from = p->s->now_ms, next;
    unsigned day;
    const bool due = time_of(p, c->from, "deadline", &deadline);
    const bool deferred = time_of(p, c->from, "defer", &defer);
    from = due ? deadline : deferred ? defer : from;
    enum cht_err err = find_day(p, c->from, due ? "deadline" : "defer", from, &day);
    if (err == CHT_OK)
        err = recurrence_next(c->r, from, p->s->now_ms, day, &next, &c->steps);
    if (err == CHT_OK && due)
        err = put_uint(c, "deadline", next);
    if (err == CHT_OK && due && deferred)
        err = recurrence_move(c->r, defer, c->steps, 0, &next);
    if (err == CHT_OK && (deferred || !due))
        err = put_uint(c, "defer", next);
    c->field = field_of("reminders");
    return err == CHT_OK ? plan_each_key(p, c->from, c->field->number, move_reminder, c) : err;
}

/* --- the next one --------------------------------------------------------------------------- */

static enum cht_err put_birth(struct copying *c)
{
    static const uint8_t pending[] = { 0xa7, 'p', 'e', 'n', 'd', 'i', 'n', 'g' };
    uint8_t id[2 + 1 + CRDT_ID_BYTES] = { 0xc4, 1 + CRDT_ID_BYTES, CRDT_TODO };
    memcpy(id + 3, c->from->id.b, CRDT_ID_BYTES);
    enum cht_err err =
        put(c, field_of("status"), cht_bytes(NULL, 0), cht_bytes(pending, sizeof pending));
    if (err == CHT_OK)
        err = put(c, field_of("recurs_from"), cht_bytes(NULL, 0), cht_bytes(id, sizeof id));
    return err == CHT_OK ? put_uint(c, "created", c->p->s->now_ms) : err;
}

/* Nearly no change does: the rest is only looked at then. */
static bool says_completed(const struct plan_ops *ops)
{
    for (uint32_t i = 0; i < ops->count; i++) {
        if (cht_bytes_eq(node_mp_str(ops->list[i].value), cht_bytes_str("completed")))
            return true;
    }
    return false;
}

enum cht_err plan_recur(struct plan *p, uint32_t place)
{
    const struct plan_item *done = &p->items[place];
    const struct plan_item after = { .id = done->id, .state = done->state, .before = place };
    struct recurrence r;
    char text[CRDT_ID_TEXT_MAX];
    if (done->id.type != CRDT_TODO || !says_completed(&done->ops) || !plan_exists(p, done) ||
        is_completed(cell_of(p, done, "status")) || !is_completed(cell_of(p, &after, "status")) ||
        plan_hidden(p, &after) ||
        recurrence_parse(node_mp_str(cell_of(p, &after, "recurrence").bytes), &r) != CHT_OK)
        return CHT_OK;
    struct crdt_id *id = cht_arena_array(&p->s->arena, 1, sizeof *id);
    if (id == NULL)
        return CHT_E_NOMEM;
    crdt_id_text(&done->id, text);
    crdt_natural_id(CRDT_TODO, cht_bytes_str("recurrence"), cht_bytes_str(text), id);
    struct plan_item next;
    enum cht_err err = plan_begin(p, id, &next);
    struct copying c = { .p = p, .from = &after, .to = &next, .r = &r };
    next.brought = true;
    if (err == CHT_OK && !plan_exists(p, &next)) { /* else: completed before, and reopened */
        err = move_dates(&c);
        if (err == CHT_E_INVALID)
            return CHT_OK; /* the end of the calendar is the end of the series */
        if (err == CHT_OK)
            err = copy_fields(&c);
        if (err == CHT_OK)
            err = put_birth(&c);
        if (err == CHT_OK)
            err = plan_room(p);
        if (err == CHT_OK)
            plan_take(p, &next);
    }
    if (err == CHT_OK)
        p->items[place].next = id;
    return err;
}

enum cht_err plan_check_recurrence(const struct node_edit *edits, size_t count,
                                   struct node_fault *fault)
{
    struct recurrence r;
    for (size_t i = 0; i < count; i++) {
        const struct cht_bytes text = node_mp_str(edits[i].value);
        if (edits[i].kind != NODE_EDIT_PUT || strcmp(edits[i].field->name, "recurrence") != 0 ||
            recurrence_parse(text, &r) == CHT_OK)
            continue;
        (void)node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("recurrence"),
                             "recurrence \"%.*s\" is not understood",
                             (int)(text.len > 64 ? 64 : text.len), (const char *)text.data);
        node_fault_hint(fault, "it may be %s", RECURRENCE_FORMS);
        return CHT_E_INVALID;
    }
    return CHT_OK;
}
