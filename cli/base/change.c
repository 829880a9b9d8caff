/* Changes: a state_update built from the command line, and what became of it (LOCAL 3, 5.3). */
#include "cli/base/change.h"

#include "cli/base/fields.h"
#include "cli/base/json.h"
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "crdt/limits.h"

enum cht_err cli_join_args(struct cli_context *c, size_t first, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = first; i < c->arg_count; i++) {
        const size_t more = strlen(c->args[i]);
        if (len + more + 2 > size)
            return node_fault_set(&c->fault, CHT_E_LIMIT, cht_bytes(NULL, 0),
                                  "the text is longer than %zu bytes: put it into a description",
                                  size - 1);
        if (i > first)
            out[len++] = ' ';
        memcpy(out + len, c->args[i], more + 1);
        len += more;
    }
    return CHT_OK;
}

enum cht_err cli_text_args(struct cli_context *c, size_t first, char *out, size_t size)
{
    enum cht_err err = cli_join_args(c, first, out, size);
    if (err == CHT_OK && out[strspn(out, " \t\r\n")] == '\0')
        err = node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("TEXT"), "the text is empty");
    return err;
}

/* --- the answer ---------------------------------------------------------------------------- */

/* LOCAL 5.3: who changed what meanwhile, as the fault of the command. */
static void tell_conflict(struct cli_context *c, const struct node_msg *answer)
{
    const struct cht_bytes by = node_mp_get(answer->payload, "by");
    struct cht_bytes who = node_mp_get_str(by, "deviceName");
    char names[160] = "";
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "delta"));
    struct cht_bytes key, value;
    while (it.is_map && node_mp_next(&it, &key, &value)) {
        const struct cht_bytes name = node_mp_str(key);
        if (strlen(names) + name.len + 3 > sizeof names)
            break;
        (void)strncat(names, names[0] == '\0' ? "" : ", ", 3);
        if (name.len > 0)
            (void)strncat(names, (const char *)name.data, name.len);
    }
    if (who.len == 0)
        who = cht_bytes_str("someone");
    (void)node_fault_set(&c->fault, CHT_E_CONFLICT, cht_bytes(NULL, 0),
                         "%.*s changed it meanwhile%s%s", (int)(who.len > 64 ? 64 : who.len),
                         (const char *)who.data, names[0] == '\0' ? "" : ": ", names);
    const struct cht_bytes version = node_mp_get_str(answer->payload, "version");
    if (version.len > 0 && version.len < 160)
        node_fault_hint(&c->fault, "read it again; its version is now %.*s", (int)version.len,
                        (const char *)version.data);
}

/* --- results ------------------------------------------------------------------------------- */

static unsigned type_of(const struct cli_context *c, struct cht_bytes result)
{
    unsigned type = cli_record_type(result);
    if (type == 0)
        type = crdt_type_from(node_mp_get_str(result, "type"));
    return type == 0 ? c->type : type;
}

/* "would" as JSON: its times in RFC 3339. */
static void json_would(struct cli_context *c, unsigned type, struct cht_bytes would)
{
    struct node_mp_iter it = node_mp_iter(would);
    struct cht_bytes name, change;
    char between = '{';
    while (node_mp_next(&it, &name, &change)) {
        static const char *const ends[] = { "from", "to" };
        const struct crdt_field *f = crdt_field_named(type, node_mp_str(name));
        cli_put_char(&c->out, between);
        between = ',';
        cli_json_value(&c->out, name);
        for (size_t i = 0; i < 2; i++) {
            const struct cht_bytes value = node_mp_get(change, ends[i]);
            cli_put_text(&c->out, i == 0 ? ":{\"from\":" : ",\"to\":");
            if (f != NULL && f->value == CRDT_V_TIME && node_mp_kind(value) == CRDT_MP_UINT)
                cli_json_time(&c->out, node_mp_uint(value, 0));
            else
                cli_json_value(&c->out, value);
        }
        cli_put_char(&c->out, '}');
    }
    cli_put_text(&c->out, between == '{' ? "{}" : "}");
}

void cli_json_change(struct cli_context *c, struct cht_bytes result)
{
    struct node_mp_iter it = node_mp_iter(result);
    struct cht_bytes key, value;
    char between = '{';
    while (node_mp_next(&it, &key, &value)) {
        cli_put_char(&c->out, between);
        between = ',';
        cli_json_value(&c->out, key);
        cli_put_char(&c->out, ':');
        if (cht_bytes_eq(node_mp_str(key), cht_bytes_str("would")))
            json_would(c, type_of(c, result), value);
        else
            cli_json_value(&c->out, value);
    }
    cli_put_text(&c->out, between == '{' ? "{}" : "}");
}

static bool is_nothing(struct cht_bytes value)
{
    switch (node_mp_kind(value)) {
    case CRDT_MP_NIL:
        return true;
    case CRDT_MP_STR:
        return node_mp_str(value).len == 0;
    case CRDT_MP_ARRAY:
    case CRDT_MP_MAP:
        return node_mp_count(value) == 0;
    case CRDT_MP_BOOL:
    case CRDT_MP_UINT:
    case CRDT_MP_INT:
    case CRDT_MP_FLOAT:
    case CRDT_MP_BIN:
    case CRDT_MP_EXT:
        break;
    }
    return false;
}

static void put_end(struct cli_context *c, const struct crdt_field *f, struct cht_bytes value)
{
    if (is_nothing(value))
        cli_put_text(&c->out, "nothing");
    else
        cli_put_value(&c->out, f, value);
}

static void put_would(struct cli_context *c, struct cht_bytes result)
{
    const unsigned type = type_of(c, result);
    struct node_mp_iter it = node_mp_iter(node_mp_get(result, "would"));
    struct cht_bytes name, change;
    const struct cht_bytes id = node_mp_get_str(result, "chittyId");
    if (id.len != 0)
        cli_put_line(&c->out, id);
    else
        cli_printf(&c->out, "a new %s", type == 0 ? "record" : crdt_type_table(type));
    if (!node_mp_get_bool(result, "changed"))
        cli_put_text(&c->out, "\tnothing to do");
    while (node_mp_next(&it, &name, &change)) {
        const struct crdt_field *f = crdt_field_named(type, node_mp_str(name));
        cli_put_text(&c->out, "\n  ");
        cli_put_line(&c->out, node_mp_str(name));
        cli_put_text(&c->out, ": ");
        put_end(c, f, node_mp_get(change, "from"));
        cli_put_text(&c->out, " → ");
        put_end(c, f, node_mp_get(change, "to"));
    }
}

void cli_put_change(struct cli_context *c, struct cht_bytes result)
{
    const struct cht_bytes next = node_mp_get_str(result, "next");
    const struct cht_bytes alias = node_mp_get_str(result, "alias");
    if (node_mp_get(result, "would").len != 0)
        put_would(c, result);
    else
        cli_put_line(&c->out, node_mp_get_str(result, "chittyId"));
    if (next.len != 0 && c->out.terminal) { /* elsewhere a line is what was asked for */
        cli_put_text(&c->out, "  comes again as ");
        cli_put_line(&c->out, cli_short_id(next));
    }
    if (alias.len != 0 && c->out.terminal) {
        cli_put_text(&c->out, "  which ");
        cli_put_line(&c->out, cli_short_id(alias));
        cli_put_text(&c->out, " is merged into");
    }
    cli_put_char(&c->out, '\n');
}

/* --- one ----------------------------------------------------------------------------------- */

void cli_tell_change(struct cli_context *c, struct cht_bytes result)
{
    if (!c->json) {
        cli_put_change(c, result);
        return;
    }
    cli_json_begin(&c->out, "change");
    cli_json_change(c, result);
    cli_json_end(&c->out);
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    if (answer->type == NODE_MSG_CONFLICT)
        tell_conflict(c, answer);
    if (answer->type != NODE_MSG_ACK)
        return CHT_OK;
    const struct cht_bytes result = node_mp_get(answer->payload, "result");
    cli_tell_change(c, result);
    return CHT_OK;
}

static bool is_dry(const struct cli_context *c)
{
    return cli_flag(c, "dry-run") != NULL;
}

/* "operation", "domain" where the type is known, and "entity" without the entity's map. */
static enum cht_err put_head(unsigned type, enum node_change_op op, struct cht_buf *b)
{
    enum cht_err err = node_mp_put_key_text(b, "operation", node_change_op_word(op));
    if (err == CHT_OK && type != 0)
        err = node_mp_put_key_text(b, "domain", crdt_type_domain(type));
    if (err == CHT_OK)
        err = node_mp_put_text(b, "entity");
    return err;
}

enum cht_err cli_change(struct cli_context *c, const struct cli_change *change)
{
    struct cli_request r;
    struct cht_buf *b = &r.message;
    const bool with_data = change->with_data || change->data.len != 0;
    enum cht_err err = cli_request_begin(c, NODE_MSG_STATE_UPDATE, &r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 3u + (c->type != 0) + (change->expect != NULL) + is_dry(c));
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "key", r.id);
    if (err == CHT_OK && is_dry(c))
        err = node_mp_put_key_bool(b, "dry", true);
    if (err == CHT_OK && change->expect != NULL)
        err = node_mp_put_key_text(b, "expect", change->expect);
    if (err == CHT_OK)
        err = put_head(c->type, change->op, b);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, (change->id != NULL ? 1u : 0u) + (with_data ? 1u : 0u));
    if (err == CHT_OK && change->id != NULL)
        err = node_mp_put_key_text(b, "chittyId", change->id);
    if (err == CHT_OK && with_data)
        err = node_mp_put_text(b, "data");
    if (err == CHT_OK && change->data.len != 0)
        err = cht_buf_add(b, change->data);
    else if (err == CHT_OK && change->with_data)
        err = cli_data_put(c, change->title, change->unset, b);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, each, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

/* --- several ------------------------------------------------------------------------------- */

void cli_changes_begin(struct cli_context *c, struct cli_changes *out)
{
    *out = (struct cli_changes){ .c = c };
    cht_buf_init(&out->batch, LIMIT_CLIENT_BYTES);
    cht_buf_init(&out->results, SIZE_MAX);
}

static enum cht_err keep_results(void *ctx, const struct node_msg *answer)
{
    struct cli_changes *x = ctx;
    struct cht_bytes one;
    if (answer->type == NODE_MSG_CONFLICT)
        tell_conflict(x->c, answer);
    if (answer->type != NODE_MSG_ACK)
        return CHT_OK;
    struct node_mp_iter it =
        node_mp_iter(node_mp_get(node_mp_get(answer->payload, "result"), "results"));
    enum cht_err err = CHT_OK;
    for (; err == CHT_OK && node_mp_next(&it, NULL, &one); x->told++)
        err = cht_buf_add(&x->results, one);
    return err;
}

static enum cht_err ask(struct cli_changes *x)
{
    struct cli_request r;
    struct cht_buf *b = &r.message;
    if (x->count == 0)
        return CHT_OK;
    enum cht_err err = cli_request_begin(x->c, NODE_MSG_STATE_UPDATE, &r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 2u + is_dry(x->c));
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "key", r.id);
    if (err == CHT_OK && is_dry(x->c))
        err = node_mp_put_key_bool(b, "dry", true);
    if (err == CHT_OK)
        err = node_mp_put_text(b, "batch");
    if (err == CHT_OK)
        err = crdt_mp_put_array(b, x->count);
    if (err == CHT_OK)
        err = cht_buf_add(b, cht_buf_view(&x->batch));
    if (err == CHT_OK)
        err = cli_ask(x->c, CLI_REACH_NODE, &r, true, keep_results, x);
    cli_request_clear(&r);
    cht_buf_reset(&x->batch);
    x->count = 0;
    return err;
}

enum cht_err cli_changes_add(struct cli_changes *x, enum node_change_op op, unsigned type,
                             const char *id, struct cht_bytes data)
{
    struct cht_buf *b = &x->batch;
    enum cht_err err = CHT_OK;
    if (x->count == NODE_BATCH_MAX || b->len + data.len + 4096 > b->limit)
        err = ask(x);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 2u + (type != 0));
    if (err == CHT_OK)
        err = put_head(type, op, b);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, (id != NULL ? 1u : 0u) + (data.len != 0 ? 1u : 0u));
    if (err == CHT_OK && id != NULL)
        err = node_mp_put_key_text(b, "chittyId", id);
    if (err == CHT_OK && data.len != 0)
        err = node_mp_put_key_raw(b, "data", data);
    x->count += err == CHT_OK;
    return err;
}

enum cht_err cli_changes_end(struct cli_changes *x, enum cht_err err)
{
    struct cli_context *c = x->c;
    if (err == CHT_OK)
        err = ask(x);
    struct cht_bytes left = cht_buf_view(&x->results);
    if (c->json && x->told != 0) {
        cli_json_begin(&c->out, "change");
        cli_put_text(&c->out, "{\"results\":[");
    }
    for (uint32_t i = 0; i < x->told; i++) {
        struct cht_wire w = cht_wire(left);
        const struct cht_bytes one = crdt_mp_pass(&w);
        if (c->json && i != 0)
            cli_put_char(&c->out, ',');
        if (c->json)
            cli_json_change(c, one);
        else
            cli_put_change(c, one);
        left = cht_bytes(left.data + one.len, left.len - one.len);
    }
    if (c->json && x->told != 0) {
        cli_put_text(&c->out, "]}");
        cli_json_end(&c->out);
    }
    cht_buf_clear(&x->batch);
    cht_buf_clear(&x->results);
    return cli_fail(c, err);
}

enum cht_err cli_change_all(struct cli_context *c, enum node_change_op op, const char *const *ids,
                            size_t count, struct cht_bytes data)
{
    struct cli_changes x;
    enum cht_err err = CHT_OK;
    cli_changes_begin(c, &x);
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        err = cli_changes_add(&x, op, c->type, ids[i], data);
    return cli_changes_end(&x, err);
}
