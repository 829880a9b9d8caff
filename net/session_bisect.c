/* Two replicas at one vector with different state roots: find the rows (PROTOCOL 8.9).
 *
 * The live values are split by the half-bytes of their entity's id. One question is open at a time;
 * a part whose sum or count differs from ours is asked about next, until the answer lists rows. The
 * hunt ends when either side's state has moved on; the next HEADS of equal vectors starts another.
 */
#include "net/session_own.h"

static enum cht_err ask_top(struct net_session *s, struct net_effects *fx)
{
    struct session_bisect *b = &s->bisect;
    const struct session_prefix *top = &b->stack[b->depth - 1];
    struct net_frame f = { .kind = NET_FRAME_DIGEST_ASK };
    memcpy(f.digest_ask.vector, b->vector, sizeof f.digest_ask.vector);
    f.digest_ask.nibbles = top->nibbles;
    memcpy(f.digest_ask.prefix, top->bytes, sizeof f.digest_ask.prefix);
    b->due_ms = s->now_ms + NET_DIGEST_MS;
    return session_send(s, fx, &f);
}

static enum cht_err alarm_effect(struct net_session *s, struct net_effects *fx, bool done)
{
    struct session_bisect *b = &s->bisect;
    struct net_effect *e = session_effect(fx, NET_FX_ALARM);
    size_t count = done ? b->row_count : 0;
    struct net_alarm_row *rows = cht_arena_array(fx->arena, count == 0 ? 1 : count, sizeof *rows);
    if (e == NULL || rows == NULL)
        return CHT_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        rows[i] = b->rows[i];
        enum cht_err err = cht_arena_copy(fx->arena, b->rows[i].row.key, &rows[i].row.key);
        if (err != CHT_OK)
            return err;
    }
    e->alarm.done = done;
    e->alarm.rows = rows;
    e->alarm.count = count;
    return CHT_OK;
}

enum cht_err session_bisect_begin(struct net_session *s, struct net_effects *fx,
                                  const uint8_t vector[NET_VECTOR_ID_BYTES])
{
    struct session_bisect *b = &s->bisect;
    if (b->active || (b->tried && memcmp(b->vector, vector, NET_VECTOR_ID_BYTES) == 0))
        return CHT_OK;
    b->active = b->tried = true;
    memcpy(b->vector, vector, sizeof b->vector);
    b->row_count = 0;
    b->depth = 1;
    b->stack[0] = (struct session_prefix){ .nibbles = 0 };
    enum cht_err err = alarm_effect(s, fx, false);
    return err == CHT_OK ? ask_top(s, fx) : err;
}

void session_bisect_tick(struct net_session *s)
{
    if (s->bisect.active && s->now_ms >= s->bisect.due_ms) {
        s->bisect.active = false;
        s->bisect.tried = false;
    }
}

/* --- asked ------------------------------------------------------------------------------- */

static enum cht_err at_vector(struct net_session *s, struct net_effects *fx,
                              const uint8_t vector[NET_VECTOR_ID_BYTES], bool *out)
{
    struct net_heads mine;
    uint8_t id[NET_VECTOR_ID_BYTES];
    enum cht_err err = session_view_heads(s, fx, &mine);
    if (err == CHT_OK)
        err = net_vector_id(mine.applied, mine.applied_count, id);
    if (err == CHT_OK)
        *out = memcmp(id, vector, sizeof id) == 0;
    return err;
}

enum cht_err session_on_digest_ask(struct net_session *s, struct net_effects *fx,
                                   const struct net_digest_ask *ask)
{
    const struct net_view *view = &s->space->view;
    struct net_frame f = { .kind = NET_FRAME_DIGEST };
    bool same = false;
    f.digest.of = *ask;
    f.digest.form = NET_DIGEST_MOVED;
    enum cht_err err = at_vector(s, fx, ask->vector, &same);
    bool rows = ask->nibbles == NET_PREFIX_NIBBLES_MAX;
    if (err == CHT_OK && same && !rows) {
        uint64_t total = 0;
        f.digest.form = NET_DIGEST_SUMS;
        err = view->ops->digest(view->ctx, ask->prefix, ask->nibbles, f.digest.parts);
        for (size_t i = 0; i < NET_DIGEST_CHILDREN && err == CHT_OK; i++)
            total += f.digest.parts[i].count;
        rows = total <= LIMIT_DIGEST_ROWS;
    }
    if (err == CHT_OK && same && rows) {
        f.digest.form = NET_DIGEST_ROWS;
        err = view->ops->rows(view->ctx, ask->prefix, ask->nibbles, LIMIT_DIGEST_ROWS, fx->arena,
                              &f.digest.rows, &f.digest.row_count);
    }
    return err == CHT_OK ? session_send(s, fx, &f) : err;
}

/* --- answered ---------------------------------------------------------------------------- */

static int bytes_cmp(const void *a, const void *b, size_t len)
{
    int order = memcmp(a, b, len);
    return order == 0 ? 0 : (order < 0 ? -1 : 1);
}

static int number_cmp(uint64_t a, uint64_t b)
{
    return a == b ? 0 : (a < b ? -1 : 1);
}

/* Ascending by what names a row: entity, field, key, dot. */
static int row_cmp(const struct net_row *a, const struct net_row *b)
{
    int order = number_cmp(a->entity.type, b->entity.type);
    if (order == 0)
        order = bytes_cmp(a->entity.b, b->entity.b, CRDT_ID_BYTES);
    if (order == 0)
        order = number_cmp(a->field, b->field);
    if (order == 0)
        order = cht_bytes_cmp(a->key, b->key);
    if (order == 0)
        order = bytes_cmp(a->device, b->device, CRDT_ID_BYTES);
    if (order == 0)
        order = bytes_cmp(a->epoch, b->epoch, CRDT_EPOCH_BYTES);
    if (order == 0)
        order = number_cmp(a->seq, b->seq);
    return order == 0 ? number_cmp(a->index, b->index) : order;
}

static void add_row(struct session_bisect *b, const struct net_row *row, bool ours, bool theirs)
{
    if (b->row_count == LIMIT_ALARM_ROWS || row->key.len > LIMIT_KEY_BYTES)
        return;
    struct net_alarm_row *out = &b->rows[b->row_count];
    uint8_t *key = b->keys[b->row_count++];
    *out = (struct net_alarm_row){ .row = *row, .ours = ours, .theirs = theirs };
    if (row->key.len != 0)
        memcpy(key, row->key.data, row->key.len);
    out->row.key = cht_bytes(key, row->key.len);
}

static const struct net_row *find_row(const struct net_row *rows, size_t count,
                                      const struct net_row *wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (row_cmp(&rows[i], wanted) == 0)
            return &rows[i];
    }
    return NULL;
}

/* A list that stopped at LIMIT_DIGEST_ROWS says nothing about rows behind its last one. */
static bool beyond(const struct net_row *rows, size_t count, const struct net_row *row)
{
    return count == LIMIT_DIGEST_ROWS && row_cmp(row, &rows[count - 1]) > 0;
}

static enum cht_err compare_rows(struct net_session *s, struct net_effects *fx,
                                 const struct net_digest_answer *d)
{
    const struct net_view *view = &s->space->view;
    const struct net_row *mine = NULL;
    size_t count = 0;
    enum cht_err err = view->ops->rows(view->ctx, d->of.prefix, d->of.nibbles, LIMIT_DIGEST_ROWS,
                                       fx->arena, &mine, &count);
    if (err != CHT_OK)
        return err;
    for (size_t i = 0; i < count; i++) {
        const struct net_row *other = find_row(d->rows, d->row_count, &mine[i]);
        if (other == NULL && !beyond(d->rows, d->row_count, &mine[i]))
            add_row(&s->bisect, &mine[i], true, false);
        else if (other != NULL && !crdt_hash_eq(&other->term, &mine[i].term))
            add_row(&s->bisect, &mine[i], true, true);
    }
    for (size_t i = 0; i < d->row_count; i++) {
        if (find_row(mine, count, &d->rows[i]) == NULL && !beyond(mine, count, &d->rows[i]))
            add_row(&s->bisect, &d->rows[i], false, true);
    }
    return CHT_OK;
}

static enum cht_err compare_sums(struct net_session *s, const struct net_digest_answer *d)
{
    struct session_bisect *b = &s->bisect;
    const struct net_view *view = &s->space->view;
    struct net_digest mine[NET_DIGEST_CHILDREN];
    enum cht_err err = view->ops->digest(view->ctx, d->of.prefix, d->of.nibbles, mine);
    if (err != CHT_OK)
        return err;
    for (unsigned i = 0; i < NET_DIGEST_CHILDREN && b->depth < SESSION_BISECT_STACK; i++) {
        if (mine[i].count == d->parts[i].count &&
            memcmp(mine[i].sum, d->parts[i].sum, sizeof mine[i].sum) == 0)
            continue;
        struct session_prefix *child = &b->stack[b->depth++];
        child->nibbles = (uint8_t)(d->of.nibbles + 1);
        memcpy(child->bytes, d->of.prefix, sizeof child->bytes);
        child->bytes[d->of.nibbles / 2] |= (uint8_t)(d->of.nibbles % 2 == 0 ? i << 4 : i);
    }
    return CHT_OK;
}

enum cht_err session_on_digest(struct net_session *s, struct net_effects *fx,
                               const struct net_digest_answer *d)
{
    struct session_bisect *b = &s->bisect;
    if (!b->active || memcmp(d->of.vector, b->vector, sizeof b->vector) != 0)
        return CHT_OK; /* of a hunt that is over */
    const struct session_prefix *top = &b->stack[b->depth - 1];
    if (d->of.nibbles != top->nibbles || memcmp(d->of.prefix, top->bytes, sizeof top->bytes) != 0)
        return session_blame(s, fx, NET_BYE_ORDER, "a DIGEST nobody asked for");
    bool same = false;
    enum cht_err err = at_vector(s, fx, b->vector, &same);
    if (err != CHT_OK)
        return err;
    if (!same || d->form == NET_DIGEST_MOVED) {
        b->active = false;
        return CHT_OK;
    }
    b->depth--;
    err = d->form == NET_DIGEST_ROWS ? compare_rows(s, fx, d) : compare_sums(s, d);
    if (err != CHT_OK)
        return err;
    if (b->depth > 0 && b->row_count < LIMIT_ALARM_ROWS)
        return ask_top(s, fx);
    b->active = false;
    return alarm_effect(s, fx, true);
}
