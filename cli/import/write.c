/* The changes of an import, in transactions; see import_sender.h. */
#include "cli/import/sender.h"
#include "crdt/limits.h"
#include "node/client/client.h"
#include "node/client/request.h"

#define BATCH_BYTES ((size_t)192 << 10) /* of one transaction: below LIMIT_HEAD_BYTES */
#define GROUP_BYTES ((size_t)240 << 10) /* … of a single group: what a head may close over */

/* --- writing ------------------------------------------------------------------------------- */

static enum cht_err put_change(const struct cli_import_record *r, bool create,
                               struct cht_bytes data, struct cht_buf *out)
{
    enum cht_err err = crdt_mp_put_map(out, 3);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "domain", crdt_type_domain(r->id.type));
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "operation", create ? "upsert" : "update");
    if (err == CHT_OK)
        err = node_mp_put_text(out, "entity");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "chittyId", r->id_text);
    return err == CHT_OK ? node_mp_put_key_raw(out, "data", data) : err;
}

/* The changes of one record, appended; how many there are is added to `*count`. */
static enum cht_err put_changes(const struct cli_import_record *r, struct cht_buf *out,
                                uint32_t *count)
{
    struct cht_buf data;
    size_t from = 0;
    enum cht_err err = CHT_OK;
    cht_buf_init(&data, LIMIT_CLIENT_BYTES);
    for (bool first = true; err == CHT_OK && from < r->count;) {
        bool any;
        cht_buf_reset(&data);
        err = cli_import_put_data(r, &from, &any, &data);
        if (err == CHT_OK && any)
            err = put_change(r, first && !r->here, cht_buf_view(&data), out);
        first = first && !any;
        *count += err == CHT_OK && any;
    }
    cht_buf_clear(&data);
    return err;
}

static enum cht_err put_batch(const struct batch *b, struct cht_buf *out)
{
    enum cht_err err = crdt_mp_put_map(out, 2);
    if (err == CHT_OK) /* what the source has comes as it is; `cycles` tells of them */
        err = node_mp_put_key_bool(out, "circles", true);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "batch");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, b->count);
    return err == CHT_OK ? cht_buf_add(out, cht_buf_view(&b->changes)) : err;
}

void import_tally(struct cli_import_sender *s, const struct cli_import_record *r)
{
    if (!r->here)
        s->counts.created++;
    else if (r->changed != 0)
        s->counts.updated++;
    else if (r->differs)
        s->counts.skipped++;
    else
        s->counts.unchanged++;
}

static void tally_batch(struct cli_import_sender *s, const struct flight *f)
{
    for (size_t i = f->batch.from; i < f->batch.to; i++)
        import_tally(s, f->stage.list[i]);
}

/* Is it the fault of what was asked, so that others may go well? */
static bool of_the_record(enum cht_err err)
{
    return err == CHT_E_INVALID || err == CHT_E_LIMIT || err == CHT_E_NOTFOUND ||
           err == CHT_E_EXISTS || err == CHT_E_CONFLICT || err == CHT_E_MALFORMED;
}

/* Send the batch; over the socket its answer is heard later. */
static enum cht_err ask_batch(struct cli_import_sender *s, struct flight *f)
{
    struct batch *b = &f->batch;
    struct cli_request q;
    b->result = CHT_OK;
    if (b->count == 0)
        return CHT_OK;
    enum cht_err err = cli_request_begin(s->c, NODE_MSG_STATE_UPDATE, &q);
    if (err == CHT_OK)
        err = put_batch(b, &q.message);
    if (err == CHT_OK) {
        memcpy(b->id, q.id, sizeof b->id);
        b->asked = true;
        if (s->c->backend.client != NULL)
            err = node_client_send(s->c->backend.client, cht_buf_view(&q.message), &s->c->fault);
        else
            import_batch_done(s, b,
                              s->c->backend.call(&s->c->backend, cht_buf_view(&q.message), false,
                                                 import_take_written, f, &s->c->fault));
    }
    cli_request_clear(&q);
    return cli_fail(s->c, err);
}

static enum cht_err await_batch(struct cli_import_sender *s, const struct batch *b)
{
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && b->asked)
        err = import_hear(s);
    return err;
}

/* Put the changes of the records from `from` on into the batch, a whole group more than it has. */
static enum cht_err add_group(struct flight *f, size_t from, size_t to)
{
    struct batch *b = &f->batch;
    enum cht_err err = CHT_OK;
    for (size_t i = from; err == CHT_OK && i < to; i++)
        err = put_changes(f->stage.list[i], &b->changes, &b->count);
    return err;
}

static void start_batch(struct batch *b, size_t from)
{
    cht_buf_reset(&b->changes);
    b->count = 0;
    b->groups = 0;
    b->from = b->to = from;
    b->result = CHT_OK;
}

/* Where the group ends that begins at `from`. */
size_t import_group_end(const struct stage *stage, size_t from)
{
    size_t end = from + 1;
    for (const struct cli_import_record *r = stage->list[from]->next; r != NULL; r = r->next)
        end++;
    return end;
}

void import_group_wrong(struct cli_import_sender *s, const struct stage *stage, size_t from,
                        const struct node_fault *fault)
{
    s->counts.errors++;
    s->wrong(s->ctx, stage->list[from]->line, fault);
}

static bool is_full(const struct batch *b, size_t bytes)
{
    return b->count > NODE_BATCH_MAX || b->changes.len > bytes;
}

/* One of the records of a transaction was refused: each group by itself. */
static enum cht_err write_singly(struct cli_import_sender *s, struct flight *f, size_t from,
                                 size_t to)
{
    enum cht_err err = CHT_OK;
    for (size_t next; err == CHT_OK && from < to; from = next) {
        next = import_group_end(&f->stage, from);
        start_batch(&f->batch, from);
        err = add_group(f, from, next);
        f->batch.to = next;
        f->batch.groups = 1;
        if (err == CHT_OK)
            err = ask_batch(s, f);
        if (err == CHT_OK)
            err = import_settle(s, f);
    }
    return err;
}

enum cht_err import_settle(struct cli_import_sender *s, struct flight *f)
{
    struct batch *b = &f->batch;
    enum cht_err err = await_batch(s, b);
    if (err != CHT_OK || b->groups == 0)
        return err;
    if (b->result == CHT_OK) {
        tally_batch(s, f);
        b->groups = 0;
        return CHT_OK;
    }
    if (!of_the_record(b->result)) {
        s->c->fault = b->fault;
        return b->result;
    }
    if (b->groups == 1) {
        import_group_wrong(s, &f->stage, b->from, &b->fault);
        b->groups = 0;
        return CHT_OK;
    }
    return write_singly(s, f, b->from, b->to);
}

enum cht_err import_settle_all(struct cli_import_sender *s)
{
    enum cht_err err = CHT_OK;
    for (unsigned i = 0; err == CHT_OK && i < FLIGHTS; i++)
        err = import_settle(s, &s->flights[i]);
    return err;
}

/* A group that no transaction holds: one change after the other, until one is refused. */
static enum cht_err write_large(struct cli_import_sender *s, struct flight *f, size_t from,
                                size_t to)
{
    struct batch *b = &f->batch;
    struct cht_buf data;
    enum cht_err err = CHT_OK;
    cht_buf_init(&data, LIMIT_CLIENT_BYTES);
    for (size_t i = from; err == CHT_OK && b->result == CHT_OK && i < to; i++) {
        const struct cli_import_record *r = f->stage.list[i];
        bool any, first = !r->here;
        for (size_t at = 0; err == CHT_OK && b->result == CHT_OK && at < r->count;) {
            start_batch(b, i);
            b->to = i + 1;
            cht_buf_reset(&data);
            err = cli_import_put_data(r, &at, &any, &data);
            if (err != CHT_OK || !any)
                continue;
            err = put_change(r, first, cht_buf_view(&data), &b->changes);
            first = false;
            b->count = 1;
            if (err == CHT_OK)
                err = ask_batch(s, f);
            if (err == CHT_OK)
                err = await_batch(s, b);
        }
        if (err == CHT_OK && b->result == CHT_OK)
            import_tally(s, r);
    }
    cht_buf_clear(&data);
    if (err == CHT_OK && b->result != CHT_OK) {
        err = of_the_record(b->result) ? CHT_OK : b->result;
        if (err == CHT_OK)
            import_group_wrong(s, &f->stage, from, &b->fault);
    }
    start_batch(b, to);
    return err;
}

enum cht_err import_write_stage(struct cli_import_sender *s, struct flight *f)
{
    const struct stage *stage = &f->stage;
    struct batch *b = &f->batch;
    enum cht_err err = CHT_OK;
    start_batch(b, 0);
    for (size_t from = 0, next; err == CHT_OK && from < stage->count; from = next) {
        next = import_group_end(stage, from);
        const size_t bytes = b->changes.len;
        const uint32_t count = b->count;
        err = add_group(f, from, next);
        if (b->groups != 0 && (err == CHT_E_LIMIT || is_full(b, BATCH_BYTES))) {
            b->changes.len = bytes; /* without this one */
            b->count = count;
            err = ask_batch(s, f);
            if (err == CHT_OK)
                err = import_settle(s, f);
            start_batch(b, from);
            if (err == CHT_OK)
                err = add_group(f, from, next);
        }
        if (b->groups == 0 && (err == CHT_E_LIMIT || is_full(b, GROUP_BYTES))) {
            start_batch(b, from);
            err = write_large(s, f, from, next);
            continue;
        }
        b->to = next;
        b->groups++;
    }
    return err == CHT_OK ? ask_batch(s, f) : err;
}
