/* Messages of many changes; see requests.h. */
#include "tests/trace/requests.h"

#include "crdt/limits.h"
#include "crdt/mp.h"
#include "node/client/answer.h"
#include "node/client/mpmap.h"
#include "tests/bench/bench.h"

static void must(enum cht_err err)
{
    bench_must(err, "a request");
}

void trace_requests_init(struct trace_requests *r, trace_send_fn send, void *ctx)
{
    *r = (struct trace_requests){ .send = send, .ctx = ctx };
    cht_buf_init(&r->items, SIZE_MAX);
    cht_buf_init(&r->message, LIMIT_CLIENT_BYTES);
    cht_buf_init(&r->data, SIZE_MAX);
    cht_buf_init(&r->raw, SIZE_MAX);
}

void trace_requests_clear(struct trace_requests *r)
{
    cht_buf_clear(&r->items);
    cht_buf_clear(&r->message);
    cht_buf_clear(&r->data);
    cht_buf_clear(&r->raw);
}

/* --- one record ------------------------------------------------------------------------------ */

void trace_record_begin(struct trace_requests *r, const char *domain, const char *id)
{
    cht_buf_reset(&r->data);
    cht_buf_reset(&r->raw);
    r->field_count = r->raw_count = r->value_count = 0;
    r->domain = domain;
    r->id = id;
}

/* Too much for one entry: the record goes on in another. */
static void make_room(struct trace_requests *r, unsigned values)
{
    if (r->value_count + values <= TRACE_VALUES_MAX)
        return;
    const char *domain = r->domain, *id = r->id;
    trace_record_end(r);
    trace_record_begin(r, domain, id);
}

struct cht_buf *trace_record_field(struct trace_requests *r, const char *name)
{
    make_room(r, 1);
    must(node_mp_put_text(&r->data, name));
    r->field_count++;
    r->value_count++;
    return &r->data;
}

struct cht_buf *trace_record_raw(struct trace_requests *r, const char *key)
{
    make_room(r, 1);
    must(node_mp_put_text(&r->raw, key));
    r->raw_count++;
    r->value_count++;
    return &r->raw;
}

void trace_record_text(struct trace_requests *r, const char *field, const char *value)
{
    must(node_mp_put_text(trace_record_field(r, field), value));
}

void trace_record_nil(struct trace_requests *r, const char *field)
{
    must(crdt_mp_put_nil(trace_record_field(r, field)));
}

void trace_record_bool(struct trace_requests *r, const char *field, bool value)
{
    must(crdt_mp_put_bool(trace_record_field(r, field), value));
}

void trace_record_raw_nil(struct trace_requests *r, const char *key)
{
    must(crdt_mp_put_nil(trace_record_raw(r, key)));
}

/* --- sets ------------------------------------------------------------------------------------ */

void trace_elements_add(struct trace_elements *e, const char *text)
{
    if (e->bytes.limit == 0)
        cht_buf_init(&e->bytes, SIZE_MAX);
    must(node_mp_put_text(&e->bytes, text));
    e->count++;
}

void trace_elements_clear(struct trace_elements *e)
{
    cht_buf_clear(&e->bytes);
    e->count = 0;
}

/* {"add": […]} or {"remove": […]} of as many as fit, beginning at the cursor. */
static void put_some(struct trace_requests *r, const char *field, const char *what,
                     struct cht_wire *at, unsigned count)
{
    struct cht_buf *b = trace_record_field(r, field);
    must(crdt_mp_put_map(b, 1));
    must(node_mp_put_text(b, what));
    must(crdt_mp_put_array(b, count));
    for (unsigned i = 0; i < count; i++)
        must(cht_buf_add(b, crdt_mp_skip(at)));
    r->value_count += count;
}

static void put_long(struct trace_requests *r, const char *field, const char *what,
                     const struct trace_elements *e)
{
    struct cht_wire at = cht_wire(cht_buf_view(&e->bytes));
    for (unsigned left = e->count; left != 0;) {
        unsigned now = left < TRACE_VALUES_MAX / 2 ? left : TRACE_VALUES_MAX / 2;
        make_room(r, TRACE_VALUES_MAX); /* a field is named once in a change */
        put_some(r, field, what, &at, now);
        left -= now;
    }
}

void trace_record_set(struct trace_requests *r, const char *field, const struct trace_elements *add,
                      const struct trace_elements *remove)
{
    if (add->count + remove->count == 0)
        return;
    if (add->count + remove->count > TRACE_VALUES_MAX / 2) {
        put_long(r, field, "remove", remove);
        put_long(r, field, "add", add);
        return;
    }
    make_room(r, add->count + remove->count + 1);
    struct cht_buf *b = trace_record_field(r, field);
    must(crdt_mp_put_map(b, (add->count != 0 ? 1u : 0u) + (remove->count != 0 ? 1u : 0u)));
    const struct trace_elements *both[] = { add, remove };
    for (unsigned i = 0; i < 2; i++) {
        if (both[i]->count == 0)
            continue;
        must(node_mp_put_text(b, i == 0 ? "add" : "remove"));
        must(crdt_mp_put_array(b, both[i]->count));
        must(cht_buf_add(b, cht_buf_view(&both[i]->bytes)));
        r->value_count += both[i]->count;
    }
}

/* --- requests -------------------------------------------------------------------------------- */

static void put_record(struct trace_requests *r)
{
    struct cht_buf *b = &r->items;
    must(crdt_mp_put_map(b, 3));
    must(node_mp_put_key_text(b, "domain", r->domain));
    must(node_mp_put_key_text(b, "operation", "upsert"));
    must(node_mp_put_text(b, "entity"));
    must(crdt_mp_put_map(b, 2));
    must(node_mp_put_key_text(b, "chittyId", r->id));
    must(node_mp_put_text(b, "data"));
    must(crdt_mp_put_map(b, r->field_count + (r->raw_count != 0)));
    must(cht_buf_add(b, cht_buf_view(&r->data)));
    if (r->raw_count == 0)
        return;
    must(node_mp_put_text(b, "raw"));
    must(crdt_mp_put_map(b, r->raw_count));
    must(cht_buf_add(b, cht_buf_view(&r->raw)));
}

void trace_record_end(struct trace_requests *r)
{
    if (r->field_count + r->raw_count == 0)
        return;
    if (r->item_count == TRACE_RECORDS_MAX ||
        (r->item_count != 0 && r->items.len + r->data.len + r->raw.len > TRACE_BYTES_MAX))
        trace_requests_flush(r);
    put_record(r);
    r->item_count++;
    r->records++;
}

void trace_requests_flush(struct trace_requests *r)
{
    char id[NODE_REQUEST_ID_MAX];
    if (r->item_count == 0)
        return;
    cht_buf_reset(&r->message);
    must(node_request_begin("trace", NULL, NODE_MSG_STATE_UPDATE, &r->message, id));
    must(crdt_mp_put_map(&r->message, 2));
    must(node_mp_put_key_bool(&r->message, "circles", true)); /* out of order they may close */
    must(node_mp_put_text(&r->message, "batch"));
    must(crdt_mp_put_array(&r->message, r->item_count));
    must(cht_buf_add(&r->message, cht_buf_view(&r->items)));
    r->requests++;
    unsigned records = r->item_count;
    cht_buf_reset(&r->items);
    r->item_count = 0;
    r->send(r->ctx, cht_buf_view(&r->message), records);
}
