/* Records on their way to the node; see import_send.h. */
#include "cli/import_send.h"

#include "cli/request.h"
#include "crdt/limits.h"
#include "node/client/client.h"
#include "node/client/request.h"

#include <stdlib.h>

#define ARENA_BYTES    ((size_t)1 << 30)
#define STAGE_BYTES    ((size_t)16 << 20)  /* of records that are asked for together */
#define BATCH_BYTES    ((size_t)192 << 10) /* of one transaction: below LIMIT_HEAD_BYTES */
#define GROUP_BYTES    ((size_t)240 << 10) /* … of a single group: what a head may close over */
#define GETS_IN_FLIGHT 16u

/* Records read together, with all that is known of them. */
struct stage {
    struct cht_arena arena;
    struct cli_import_record **list;
    size_t count, cap;
};

/* A transaction: changes of the records from … to of a stage. */
struct batch {
    struct cht_buf changes;
    uint32_t count;
    struct stage *stage;
    size_t from, to;
    unsigned groups; /* records with those after them */
    char id[NODE_REQUEST_ID_MAX];
    bool asked; /* and not yet answered */
    enum cht_err result;
    struct node_fault fault;
};

struct get {
    char id[NODE_REQUEST_ID_MAX];
    struct cli_import_record *record; /* NULL: answered */
    struct cht_arena *arena;
};

struct cli_import_sender {
    struct cli_context *c;
    bool dry;
    void (*wrong)(void *ctx, uint64_t line, const struct node_fault *fault);
    void *ctx;
    struct cli_import_counts counts;
    struct stage stages[2], *now;
    struct batch batch;
    struct get gets[GETS_IN_FLIGHT];
    unsigned gets_open;
};

/* --- life ---------------------------------------------------------------------------------- */

enum cht_err cli_import_sender_new(struct cli_context *c, bool dry,
                                   void (*wrong)(void *ctx, uint64_t line,
                                                 const struct node_fault *fault),
                                   void *ctx, struct cli_import_sender **out)
{
    struct cli_import_sender *s = calloc(1, sizeof *s);
    if (s == NULL)
        return CHT_E_NOMEM;
    s->c = c;
    s->dry = dry;
    s->wrong = wrong;
    s->ctx = ctx;
    s->now = &s->stages[0];
    for (unsigned i = 0; i < 2; i++)
        cht_arena_init(&s->stages[i].arena, ARENA_BYTES);
    cht_buf_init(&s->batch.changes, LIMIT_CLIENT_BYTES);
    *out = s;
    return CHT_OK;
}

void cli_import_sender_free(struct cli_import_sender *s)
{
    if (s == NULL)
        return;
    for (unsigned i = 0; i < 2; i++) {
        cht_arena_clear(&s->stages[i].arena);
        free(s->stages[i].list);
    }
    cht_buf_clear(&s->batch.changes);
    free(s);
}

struct cht_arena *cli_import_arena(struct cli_import_sender *s)
{
    return &s->now->arena;
}

const struct cli_import_counts *cli_import_counts(const struct cli_import_sender *s)
{
    return &s->counts;
}

/* --- answers ------------------------------------------------------------------------------- */

static enum cht_err take_found(void *ctx, const struct node_msg *answer)
{
    struct get *g = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    return node_mp_next(&it, NULL, &record) ? cht_arena_copy(g->arena, record, &g->record->found)
                                            : CHT_OK;
}

/* Which of its changes did something, in their order: those of a record follow each other. */
static enum cht_err take_written(void *ctx, const struct node_msg *answer)
{
    struct batch *b = ctx;
    struct node_mp_iter it =
        node_mp_iter(node_mp_get(node_mp_get(answer->payload, "result"), "results"));
    struct cht_bytes result;
    size_t at = b->from;
    while (node_mp_next(&it, NULL, &result)) {
        const struct cht_bytes id = node_mp_get_str(result, "chittyId");
        while (at < b->to && !cht_bytes_eq(id, cht_bytes_str(b->stage->list[at]->id_text)))
            at++;
        if (at < b->to && node_mp_get_bool(result, "changed"))
            b->stage->list[at]->changed++;
    }
    return CHT_OK;
}

static void get_done(struct cli_import_sender *s, struct get *g, enum cht_err *err)
{
    g->record = NULL;
    s->gets_open--;
    if (*err == CHT_E_NOTFOUND)
        *err = CHT_OK;
}

static void batch_done(struct cli_import_sender *s, enum cht_err err)
{
    s->batch.asked = false;
    s->batch.result = err;
    s->batch.fault = s->c->fault;
}

/* Read one message of the node and give it to who asked. */
static enum cht_err hear(struct cli_import_sender *s)
{
    struct node_msg m;
    struct node_fault fault = { 0 };
    enum cht_err err = node_client_next(s->c->backend.client, NODE_TIMEOUT_MS, &s->c->fault, &m);
    if (err != CHT_OK)
        return err;
    if (m.reply_to.len == 0) {
        err = node_msg_fault(&m, &s->c->fault);
        return err;
    }
    if (s->batch.asked && cht_bytes_eq(m.reply_to, cht_bytes_str(s->batch.id))) {
        if (node_answer_take(&m, take_written, &s->batch, &s->c->fault, &err))
            batch_done(s, err);
        return CHT_OK;
    }
    for (unsigned i = 0; i < GETS_IN_FLIGHT; i++) {
        struct get *g = &s->gets[i];
        if (g->record == NULL || !cht_bytes_eq(m.reply_to, cht_bytes_str(g->id)))
            continue;
        if (node_answer_take(&m, take_found, g, &fault, &err)) {
            get_done(s, g, &err);
            if (err != CHT_OK)
                s->c->fault = fault;
            return err;
        }
        return CHT_OK;
    }
    return CHT_OK;
}

/* --- what is here -------------------------------------------------------------------------- */

static enum cht_err put_get(const struct cli_import_record *r, struct cli_request *q)
{
    struct cht_buf fields;
    bool all;
    cht_buf_init(&fields, 4096);
    enum cht_err err = cli_import_fields(r, &all, &fields);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&q->message, all ? 2 : 3);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&q->message, "operation", "get");
    if (err == CHT_OK)
        err = cli_put_entity(q, r->id_text);
    if (err == CHT_OK && !all)
        err = node_mp_put_key_raw(&q->message, "fields", cht_buf_view(&fields));
    cht_buf_clear(&fields);
    return err;
}

static enum cht_err ask_get(struct cli_import_sender *s, struct cli_import_record *r)
{
    struct cli_request q;
    struct get *g = s->gets;
    while (g->record != NULL)
        g++;
    enum cht_err err = cli_request_begin(s->c, NODE_MSG_QUERY, &q);
    if (err == CHT_OK)
        err = put_get(r, &q);
    if (err == CHT_OK) {
        memcpy(g->id, q.id, sizeof g->id);
        g->record = r;
        g->arena = &s->now->arena;
        s->gets_open++;
        if (s->c->backend.client != NULL) {
            err = node_client_send(s->c->backend.client, cht_buf_view(&q.message), &s->c->fault);
        } else {
            err = s->c->backend.call(&s->c->backend, cht_buf_view(&q.message), false, take_found, g,
                                     &s->c->fault);
            get_done(s, g, &err);
        }
    }
    cli_request_clear(&q);
    return cli_fail(s->c, err);
}

static enum cht_err find_all(struct cli_import_sender *s)
{
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < s->now->count; i++) {
        while (err == CHT_OK && s->gets_open == GETS_IN_FLIGHT)
            err = hear(s);
        if (err == CHT_OK)
            err = ask_get(s, s->now->list[i]);
    }
    while (err == CHT_OK && s->gets_open != 0)
        err = hear(s);
    return err;
}

/* --- writing ------------------------------------------------------------------------------- */

static enum cht_err put_change(const struct cli_import_record *r, bool create,
                               struct cht_bytes data, struct cht_buf *out)
{
    enum cht_err err = crdt_mp_put_map(out, 3);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "domain", crdt_type_domain(r->id.type));
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "operation", create ? "create" : "update");
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
    enum cht_err err = crdt_mp_put_map(out, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "batch");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, b->count);
    return err == CHT_OK ? cht_buf_add(out, cht_buf_view(&b->changes)) : err;
}

static void tally(struct cli_import_sender *s, const struct cli_import_record *r)
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

static void tally_batch(struct cli_import_sender *s)
{
    const struct batch *b = &s->batch;
    for (size_t i = b->from; i < b->to; i++)
        tally(s, b->stage->list[i]);
}

/* Is it the fault of what was asked, so that others may go well? */
static bool of_the_record(enum cht_err err)
{
    return err == CHT_E_INVALID || err == CHT_E_LIMIT || err == CHT_E_NOTFOUND ||
           err == CHT_E_EXISTS || err == CHT_E_CONFLICT || err == CHT_E_MALFORMED;
}

/* Send the batch; over the socket its answer is heard later. */
static enum cht_err ask_batch(struct cli_import_sender *s)
{
    struct batch *b = &s->batch;
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
            batch_done(s, s->c->backend.call(&s->c->backend, cht_buf_view(&q.message), false,
                                             take_written, b, &s->c->fault));
    }
    cli_request_clear(&q);
    return cli_fail(s->c, err);
}

static enum cht_err await_batch(struct cli_import_sender *s)
{
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && s->batch.asked)
        err = hear(s);
    return err;
}

/* Put the changes of the records from `from` on into the batch, a whole group more than it has. */
static enum cht_err add_group(struct batch *b, size_t from, size_t to)
{
    enum cht_err err = CHT_OK;
    for (size_t i = from; err == CHT_OK && i < to; i++)
        err = put_changes(b->stage->list[i], &b->changes, &b->count);
    return err;
}

static void start_batch(struct batch *b, struct stage *stage, size_t from)
{
    cht_buf_reset(&b->changes);
    b->count = 0;
    b->groups = 0;
    b->stage = stage;
    b->from = b->to = from;
    b->result = CHT_OK;
}

/* Where the group ends that begins at `from`. */
static size_t group_end(const struct stage *stage, size_t from)
{
    size_t end = from + 1;
    for (const struct cli_import_record *r = stage->list[from]->next; r != NULL; r = r->next)
        end++;
    return end;
}

static void group_wrong(struct cli_import_sender *s, const struct stage *stage, size_t from,
                        const struct node_fault *fault)
{
    s->counts.errors++;
    s->wrong(s->ctx, stage->list[from]->line, fault);
}

static bool is_full(const struct batch *b, size_t bytes)
{
    return b->count > NODE_BATCH_MAX || b->changes.len > bytes;
}

static enum cht_err settle(struct cli_import_sender *s);

/* One of the records of a transaction was refused: each group by itself. */
static enum cht_err write_singly(struct cli_import_sender *s, struct stage *stage, size_t from,
                                 size_t to)
{
    enum cht_err err = CHT_OK;
    for (size_t next; err == CHT_OK && from < to; from = next) {
        next = group_end(stage, from);
        start_batch(&s->batch, stage, from);
        err = add_group(&s->batch, from, next);
        s->batch.to = next;
        s->batch.groups = 1;
        if (err == CHT_OK)
            err = ask_batch(s);
        if (err == CHT_OK)
            err = settle(s);
    }
    return err;
}

/* Wait for the batch that was sent and count what it did. */
static enum cht_err settle(struct cli_import_sender *s)
{
    struct batch *b = &s->batch;
    enum cht_err err = await_batch(s);
    if (err != CHT_OK || b->groups == 0)
        return err;
    if (b->result == CHT_OK) {
        tally_batch(s);
        b->groups = 0;
        return CHT_OK;
    }
    if (!of_the_record(b->result))
        return b->result;
    if (b->groups == 1) {
        group_wrong(s, b->stage, b->from, &b->fault);
        b->groups = 0;
        return CHT_OK;
    }
    return write_singly(s, b->stage, b->from, b->to);
}

/* A group that no transaction holds: one change after the other, until one is refused. */
static enum cht_err write_large(struct cli_import_sender *s, struct stage *stage, size_t from,
                                size_t to)
{
    struct batch *b = &s->batch;
    struct cht_buf data;
    enum cht_err err = CHT_OK;
    cht_buf_init(&data, LIMIT_CLIENT_BYTES);
    for (size_t i = from; err == CHT_OK && b->result == CHT_OK && i < to; i++) {
        const struct cli_import_record *r = stage->list[i];
        bool any, first = !r->here;
        for (size_t at = 0; err == CHT_OK && b->result == CHT_OK && at < r->count;) {
            start_batch(b, stage, i);
            b->to = i + 1;
            cht_buf_reset(&data);
            err = cli_import_put_data(r, &at, &any, &data);
            if (err != CHT_OK || !any)
                continue;
            err = put_change(r, first, cht_buf_view(&data), &b->changes);
            first = false;
            b->count = 1;
            if (err == CHT_OK)
                err = ask_batch(s);
            if (err == CHT_OK)
                err = await_batch(s);
        }
        if (err == CHT_OK && b->result == CHT_OK)
            tally(s, r);
    }
    cht_buf_clear(&data);
    if (err == CHT_OK && b->result != CHT_OK) {
        err = of_the_record(b->result) ? CHT_OK : b->result;
        if (err == CHT_OK)
            group_wrong(s, stage, from, &b->fault);
    }
    start_batch(b, stage, to);
    return err;
}

/* Write all of a stage; the last transaction is left unanswered. */
static enum cht_err write_stage(struct cli_import_sender *s, struct stage *stage)
{
    struct batch *b = &s->batch;
    enum cht_err err = CHT_OK;
    start_batch(b, stage, 0);
    for (size_t from = 0, next; err == CHT_OK && from < stage->count; from = next) {
        next = group_end(stage, from);
        const size_t bytes = b->changes.len;
        const uint32_t count = b->count;
        err = add_group(b, from, next);
        if (b->groups != 0 && (err == CHT_E_LIMIT || is_full(b, BATCH_BYTES))) {
            b->changes.len = bytes; /* without this one */
            b->count = count;
            err = ask_batch(s);
            if (err == CHT_OK)
                err = settle(s);
            start_batch(b, stage, from);
            if (err == CHT_OK)
                err = add_group(b, from, next);
        }
        if (b->groups == 0 && (err == CHT_E_LIMIT || is_full(b, GROUP_BYTES))) {
            start_batch(b, stage, from);
            err = write_large(s, stage, from, next);
            continue;
        }
        b->to = next;
        b->groups++;
    }
    return err == CHT_OK ? ask_batch(s) : err;
}

/* --- without writing ----------------------------------------------------------------------- */

static void check_stage(struct cli_import_sender *s, struct stage *stage)
{
    for (size_t from = 0, next; from < stage->count; from = next) {
        struct node_fault fault = { 0 };
        enum cht_err err = CHT_OK;
        next = group_end(stage, from);
        for (size_t i = from; err == CHT_OK && i < next; i++)
            err = cli_import_check(&stage->arena, stage->list[i], &fault);
        for (size_t i = from; err == CHT_OK && i < next; i++)
            tally(s, stage->list[i]);
        if (err != CHT_OK)
            group_wrong(s, stage, from, &fault);
    }
}

/* --- stages -------------------------------------------------------------------------------- */

static enum cht_err run_stage(struct cli_import_sender *s)
{
    struct stage *stage = s->now, *other = &s->stages[stage == &s->stages[0]];
    enum cht_err err = find_all(s);
    if (err == CHT_OK)
        err = settle(s);
    if (err != CHT_OK)
        return cli_fail(s->c, err);
    other->count = 0;
    cht_arena_reset(&other->arena);
    for (size_t i = 0; err == CHT_OK && i < stage->count; i++)
        err = cli_import_compare(&stage->arena, stage->list[i]);
    s->now = other;
    if (err == CHT_OK && s->dry)
        check_stage(s, stage);
    else if (err == CHT_OK)
        err = write_stage(s, stage);
    return cli_fail(s->c, err);
}

static bool staged(const struct stage *stage, const struct cli_import_record *r)
{
    for (size_t i = 0; i < stage->count; i++) {
        if (crdt_id_eq(&stage->list[i]->id, &r->id))
            return true;
    }
    return false;
}

static enum cht_err add_to(struct stage *stage, struct cli_import_record *r)
{
    if (stage->count == stage->cap) {
        const size_t cap = stage->cap == 0 ? 512 : stage->cap * 2;
        struct cli_import_record **grown = realloc(stage->list, cap * sizeof(*grown));
        if (grown == NULL)
            return CHT_E_NOMEM;
        stage->list = grown;
        stage->cap = cap;
    }
    stage->list[stage->count++] = r;
    return CHT_OK;
}

enum cht_err cli_import_send(struct cli_import_sender *s, struct cli_import_record *r)
{
    enum cht_err err = CHT_OK;
    for (const struct cli_import_record *one = r; one != NULL; one = one->next) {
        if (staged(s->now, one))
            return CHT_E_EXISTS;
    }
    for (struct cli_import_record *one = r; err == CHT_OK && one != NULL; one = one->next)
        err = add_to(s->now, one);
    if (err == CHT_OK && (s->now->count >= NODE_BATCH_MAX || s->now->arena.used > STAGE_BYTES))
        err = run_stage(s);
    return cli_fail(s->c, err);
}

enum cht_err cli_import_flush(struct cli_import_sender *s)
{
    enum cht_err err = s->now->count == 0 ? CHT_OK : run_stage(s);
    if (err == CHT_OK)
        err = settle(s);
    return cli_fail(s->c, err);
}
