/* Lists, streamed from a snapshot of the typed tables; see own.h (LOCAL 4.3).
 *
 * A stream reads through a database connection of its own, so it sees one state however long the
 * client takes, and no long list ever lies in memory. */
#include "node/service/match.h"
#include "node/service/own.h"

#include "crdt/rfc3339.h"

#include <stdio.h>
#include <stdlib.h>

#define LIST_FIELDS_MAX 48u

struct list_stream {
    struct node_service *s;
    struct service_caller caller;
    uint32_t replaced; /* the service's, when it began */
    struct node_store *reader;
    struct node_cursor *cursor;
    unsigned type;
    const char *type_word;
    struct cht_buf rows; /* of the message that is made */
    const struct crdt_field *fields[LIST_FIELDS_MAX];
    unsigned field_count;
    bool by_state; /* fields that columns do not give as clients read them: the state is loaded */
    bool all;      /* no fields were named: whole records with a version */
    uint8_t fields_bytes[1024];
    size_t fields_len;
    bool counting; /* the answer is how many there are */
    bool titled;   /* with what linked records are called */
    bool more;     /* the cursor stands on a row */
    struct service_titles titles;
};

static enum cht_err put_column(const struct list_stream *l, const struct crdt_field *f, int column,
                               struct cht_buf *out)
{
    struct cht_bytes text = node_find_bytes(l->cursor, column);
    uint64_t ms;
    enum cht_err err = node_mp_put_text(out, f->name);
    if (err != CHT_OK)
        return err;
    switch (f->value) {
    case CRDT_V_TIME:
        if (crdt_rfc3339_parse(text, &ms) != CHT_OK)
            ms = (uint64_t)node_find_int(l->cursor, column); /* beyond the year 9999 */
        return crdt_mp_put_uint(out, ms);
    case CRDT_V_BOOL:
        return crdt_mp_put_bool(out, node_find_int(l->cursor, column) != 0);
    case CRDT_V_INT:
        return crdt_mp_put_int(out, node_find_int(l->cursor, column));
    case CRDT_V_FLOAT:
    case CRDT_V_SHARE:
    case CRDT_V_ANY:
    case CRDT_V_STR:
    case CRDT_V_TEXT:
    case CRDT_V_ENUM:
    case CRDT_V_WORD:
    case CRDT_V_ID:
        return crdt_mp_put_str(out, text);
    }
    return CHT_E_INTERNAL;
}

static enum cht_err put_titles(struct list_stream *l, struct cht_buf *out)
{
    struct service_title_map map;
    struct crdt_id id;
    enum cht_err err = node_mp_put_text(out, "titles");
    if (err == CHT_OK)
        err = service_title_map(out, &map);
    for (unsigned i = 0; err == CHT_OK && i < l->field_count; i++) {
        if (l->fields[i]->value == CRDT_V_ID &&
            crdt_id_parse(node_find_bytes(l->cursor, (int)(4 + i)), &id) == CHT_OK)
            err = service_title_put(l->s, &l->titles, cht_bytes_str(l->fields[i]->name), &id, &map);
    }
    return err;
}

/* Columns: n, id, deleted, conflicts, then the fields. */
static enum cht_err put_row(struct list_stream *l, struct cht_buf *out)
{
    bool hidden = node_find_int(l->cursor, 2) != 0;
    int64_t conflicts = node_find_int(l->cursor, 3);
    bool here[LIST_FIELDS_MAX];
    unsigned present = 0;
    for (unsigned i = 0; i < l->field_count; i++) {
        here[i] = !node_find_is_null(l->cursor, (int)(4 + i));
        present += here[i];
    }
    const uint32_t n = (uint32_t)node_find_int(l->cursor, 0);
    size_t aliases;
    (void)service_aliases_of(l->s, n, &aliases);
    const bool held = l->titled && l->type == CRDT_TODO && claims_lease(l->s, n) != NULL;
    enum cht_err err =
        crdt_mp_put_map(out, 3u + l->titled + hidden + (conflicts != 0) + (aliases != 0) + held);
    if (err == CHT_OK)
        err = node_mp_put_key_str(out, "chittyId", node_find_bytes(l->cursor, 1));
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "type", l->type_word);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "data");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, present);
    for (unsigned i = 0; err == CHT_OK && i < l->field_count; i++) {
        if (here[i])
            err = put_column(l, l->fields[i], (int)(4 + i), out);
    }
    if (err == CHT_OK && l->titled)
        err = put_titles(l, out);
    if (err == CHT_OK && hidden)
        err = node_mp_put_key_bool(out, "deleted", true);
    if (err == CHT_OK && conflicts != 0)
        err = node_mp_put_key_uint(out, "conflicts", (uint64_t)conflicts);
    if (err == CHT_OK && held)
        err = claims_put_holder_name(l->s, n, out);
    return err == CHT_OK && aliases != 0 ? service_put_origins(l->s, n, out) : err;
}

static enum cht_err put_state(struct list_stream *l, struct cht_buf *out)
{
    struct crdt_state state;
    uint32_t n = (uint32_t)node_find_int(l->cursor, 0);
    const struct node_index *entities = node_replica_index(l->s->replica);
    if (n >= entities->count)
        return CHT_E_CORRUPT;
    crdt_state_init(&state, &entities->slots[n].id);
    enum cht_err err = node_rows_read(l->reader, node_replica_graph(l->s->replica), n, &state);
    if (err == CHT_OK)
        err = service_put_record(
            l->s, &state, l->all ? cht_bytes(NULL, 0) : cht_bytes(l->fields_bytes, l->fields_len),
            l->titled ? &l->titles : NULL, NULL, out);
    crdt_state_clear(&state);
    return err;
}

/* How many there are: the cursor's one row. */
static enum cht_err put_count(struct list_stream *l, struct cht_buf *out)
{
    enum cht_err err = service_begin(l->s, &l->caller, NODE_MSG_ACK, out);
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "result");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 1);
    return err == CHT_OK ? node_mp_put_key_uint(out, "count", (uint64_t)node_find_int(l->cursor, 0))
                         : err;
}

static enum cht_err next_message(void *state, struct cht_buf *out, bool *out_end)
{
    struct list_stream *l = state;
    cht_buf_reset(&l->rows);
    uint32_t count = 0;
    enum cht_err err = l->replaced == l->s->replaced ? CHT_OK : CHT_E_BUSY;
    if (l->counting) {
        *out_end = true;
        return err == CHT_OK ? put_count(l, out) : err;
    }
    while (err == CHT_OK && l->more && l->rows.len < SERVICE_STREAM_BYTES) {
        err = l->by_state ? put_state(l, &l->rows) : put_row(l, &l->rows);
        if (err != CHT_OK)
            break;
        count++;
        err = node_find_next(l->cursor);
        if (err == CHT_E_NOTFOUND) {
            l->more = false;
            err = CHT_OK;
        }
    }
    size_t at = 0;
    if (err == CHT_OK)
        err = service_records_begin(l->s, &l->caller, l->more, out, &at);
    if (err == CHT_OK)
        err = cht_buf_add(out, cht_buf_view(&l->rows));
    if (err == CHT_OK)
        service_records_end(out, at, count);
    *out_end = !l->more;
    return err;
}

static void end_stream(void *state)
{
    struct list_stream *l = state;
    node_find_close(l->cursor);
    if (l->s->reader == NULL && l->replaced == l->s->replaced)
        l->s->reader = l->reader; /* kept for the next list */
    else
        node_store_close(l->reader);
    cht_buf_clear(&l->rows);
    free(l);
}

/* --- asking -------------------------------------------------------------------------------- */

static enum cht_err choose_fields(struct list_stream *l, const struct node_query *q,
                                  struct cht_buf *columns)
{
    enum cht_err err = cht_buf_add(columns, cht_bytes_str("n, id, deleted, conflicts"));
    struct node_mp_iter it = node_mp_iter(q->fields);
    struct cht_bytes name;
    l->all = l->by_state = q->fields.len == 0;
    while (err == CHT_OK && node_mp_next(&it, NULL, &name)) {
        const struct crdt_field *f = crdt_field_named(q->type, node_mp_str(name));
        if (f == NULL || l->field_count == LIST_FIELDS_MAX)
            return CHT_E_INVALID;
        l->fields[l->field_count++] = f;
        l->by_state |= f->kind == CRDT_SET || f->kind == CRDT_MAP || f->value == CRDT_V_ANY ||
                       f->value == CRDT_V_FLOAT || f->value == CRDT_V_SHARE ||
                       f->number == CRDT_FIELD_DELETED;
        char part[96];
        (void)snprintf(part, sizeof part, ", \"%s\"", f->name);
        err = cht_buf_add(columns, cht_bytes_str(part));
    }
    if (q->fields.len > sizeof l->fields_bytes)
        return CHT_E_LIMIT;
    if (q->fields.len != 0)
        memcpy(l->fields_bytes, q->fields.data, q->fields.len);
    l->fields_len = q->fields.len;
    return err == CHT_OK ? cht_buf_add_u8(columns, '\0') : err;
}

static enum cht_err open_stream(struct node_service *s, const struct node_query *q,
                                struct list_stream *l, struct node_fault *fault)
{
    struct match_question question = { 0 };
    struct match match = { 0 };
    struct cht_bytes lapsed = { 0 };
    struct cht_buf columns;
    cht_buf_init(&columns, 8192);
    l->reader = s->reader;
    s->reader = NULL;
    enum cht_err err = match_read(s, q, &s->arena, fault, &match);
    if (err == CHT_OK && l->reader == NULL)
        err = node_store_open(s->path, NODE_STORE_READ, NULL, &l->reader);
    if (err == CHT_OK)
        err = q->count ? cht_buf_add(&columns, cht_bytes("count(*)", 9))
                       : choose_fields(l, q, &columns);
    if (err == CHT_OK)
        err = match_sql(&match, q->sort, q->sort_count, s->now_ms, &s->arena, &question);
    if (err == CHT_OK && question.only != 0)
        err = claims_lapsed_list(s, &s->arena, &lapsed);
    if (err == CHT_OK) {
        struct node_find find = {
            .type = q->type,
            .where = question.where.len == 0 ? NULL : (const char *)question.where.data,
            .order = q->count || question.order.len == 0 ? NULL : (const char *)question.order.data,
            .args = question.args,
            .arg_count = question.arg_count,
            .narrow = question.narrow,
            .narrow_count = question.narrow_count,
            .only = question.only,
            .now_ms = s->now_ms,
            .lapsed = lapsed,
            .match = question.words,
            .counts = q->count,
            .limit = q->limit,
            .offset = q->count ? 0 : q->offset,
            .with_deleted =
                q->deleted || (q->is & (1u << NODE_IS_HIDDEN | 1u << NODE_IS_ALIAS)) != 0
        };
        err = node_find_open(l->reader, &find, (const char *)columns.data, &l->cursor);
    }
    if (err == CHT_OK) {
        err = node_find_next(l->cursor);
        l->more = err == CHT_OK;
        err = err == CHT_E_NOTFOUND ? CHT_OK : err;
    }
    cht_buf_clear(&question.where);
    cht_buf_clear(&question.order);
    cht_buf_clear(&columns);
    return err;
}

void service_list(struct node_service *s, const struct service_caller *c,
                  const struct node_query *q)
{
    struct list_stream *l = calloc(1, sizeof *l);
    if (l == NULL) {
        service_fail(s, c, CHT_E_NOMEM, "");
        return;
    }
    l->s = s;
    l->replaced = s->replaced;
    l->caller = *c;
    l->type = q->type;
    l->type_word = crdt_type_table(q->type);
    l->counting = q->count;
    l->titled = q->titles;
    cht_buf_init(&l->rows, LIMIT_CLIENT_BYTES);
    struct node_fault fault = { 0 };
    enum cht_err err = CHT_E_INVALID;
    if (crdt_schema(q->type) == NULL)
        (void)node_fault_set(&fault, err, cht_bytes_str("domain"), "there is no such domain");
    else
        err = open_stream(s, q, l, &fault);
    if (err != CHT_OK) {
        end_stream(l);
        fault.error.code = err;
        service_answer_fault(s, c, &fault);
        return;
    }
    struct local_stream stream = { .state = l, .next = next_message, .end = end_stream };
    (void)!c->out->stream(c->out->ctx, c->client, &stream);
}
