/* What the node has of the records of an import; see import_sender.h. */
#include "cli/import/sender.h"
#include "node/client/client.h"

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
enum cht_err import_take_written(void *ctx, const struct node_msg *answer)
{
    struct flight *f = ctx;
    const struct stage *stage = &f->stage;
    const struct batch *b = &f->batch;
    struct node_mp_iter it =
        node_mp_iter(node_mp_get(node_mp_get(answer->payload, "result"), "results"));
    struct cht_bytes result;
    size_t at = b->from;
    while (node_mp_next(&it, NULL, &result)) {
        const struct cht_bytes id = node_mp_get_str(result, "chittyId");
        while (at < b->to && !cht_bytes_eq(id, cht_bytes_str(stage->list[at]->id_text)))
            at++;
        if (at < b->to && node_mp_get_bool(result, "changed"))
            stage->list[at]->changed++;
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

void import_batch_done(struct cli_import_sender *s, struct batch *b, enum cht_err err)
{
    b->asked = false;
    b->result = err;
    b->fault = s->c->fault;
}

/* Read one message of the node and give it to who asked. */
enum cht_err import_hear(struct cli_import_sender *s)
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
    for (unsigned i = 0; i < FLIGHTS; i++) {
        struct flight *f = &s->flights[i];
        if (!f->batch.asked || !cht_bytes_eq(m.reply_to, cht_bytes_str(f->batch.id)))
            continue;
        if (node_answer_take(&m, import_take_written, f, &s->c->fault, &err))
            import_batch_done(s, &f->batch, err);
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
        err = crdt_mp_put_map(&q->message, all ? 3 : 4);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&q->message, "operation", "get");
    if (err == CHT_OK)
        err = cli_put_entity(q, r->id_text);
    if (err == CHT_OK) /* a duplicate is compared with itself */
        err = node_mp_put_key_bool(&q->message, "exact", true);
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
        g->arena = &s->now->stage.arena;
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

/* --- whether anything is here -------------------------------------------------------------- */

static enum cht_err take_any(void *ctx, const struct node_msg *answer)
{
    bool *nothing = ctx;
    *nothing = *nothing && node_mp_count(node_mp_get(answer->payload, "records")) == 0;
    return CHT_OK;
}

static enum cht_err put_any(unsigned type, struct cht_buf *b)
{
    enum cht_err err = crdt_mp_put_map(b, 5);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "operation", "list");
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "domain", crdt_type_domain(type));
    if (err == CHT_OK)
        err = node_mp_put_key_bool(b, "deleted", true);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(b, "limit", 1);
    if (err == CHT_OK)
        err = node_mp_put_text(b, "fields");
    if (err == CHT_OK)
        err = crdt_mp_put_array(b, 1);
    return err == CHT_OK ? node_mp_put_text(b, crdt_schema(type)->title_field) : err;
}

/* Once of each type: where a space has none of it, the records need not be asked for one by one. */
static enum cht_err look_for_any(struct cli_import_sender *s, unsigned type)
{
    struct cli_request q;
    if (type >= TYPES_MAX || s->looked[type])
        return CHT_OK;
    enum cht_err err = import_settle_all(s); /* no other answer is awaited */
    s->looked[type] = s->nothing_there[type] = true;
    if (err != CHT_OK)
        return err;
    err = cli_request_begin(s->c, NODE_MSG_QUERY, &q);
    if (err == CHT_OK)
        err = put_any(type, &q.message);
    if (err == CHT_OK)
        err = cli_ask(s->c, CLI_REACH_HOME, &q, true, take_any, &s->nothing_there[type]);
    cli_request_clear(&q);
    return cli_fail(s->c, err);
}

/* `*out_known`: nothing of the record can be here. */
static enum cht_err note(struct cli_import_sender *s, const struct cli_import_record *r,
                         bool *out_known)
{
    bool first;
    enum cht_err err = cli_id_set_add(&s->sent, &r->id, &first);
    *out_known = first && r->id.type < TYPES_MAX && s->nothing_there[r->id.type];
    return err;
}

enum cht_err import_find_all(struct cli_import_sender *s)
{
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < s->now->stage.count; i++)
        err = look_for_any(s, s->now->stage.list[i]->id.type);
    for (size_t i = 0; err == CHT_OK && i < s->now->stage.count; i++) {
        bool known;
        err = note(s, s->now->stage.list[i], &known);
        while (err == CHT_OK && !known && s->gets_open == GETS_IN_FLIGHT)
            err = import_hear(s);
        if (err == CHT_OK && !known)
            err = ask_get(s, s->now->stage.list[i]);
    }
    while (err == CHT_OK && s->gets_open != 0)
        err = import_hear(s);
    return err;
}
