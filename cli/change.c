/* Changes: a state_update built from the command line, and what became of it (LOCAL 3, 5.3). */
#include "cli/change.h"

#include "cli/fields.h"
#include "cli/json.h"
#include "cli/request.h"

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

/* LOCAL 3.6 */
static void put_result(struct cli_context *c, struct cht_bytes result)
{
    if (c->json) {
        cli_json_value(&c->out, result);
        return;
    }
    cli_put_line(&c->out, node_mp_get_str(result, "chittyId"));
    cli_put_char(&c->out, '\n');
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    if (answer->type == NODE_MSG_CONFLICT)
        tell_conflict(c, answer);
    if (answer->type != NODE_MSG_ACK)
        return CHT_OK;
    const struct cht_bytes result = node_mp_get(answer->payload, "result");
    const struct cht_bytes results = node_mp_get(result, "results");
    if (c->json)
        cli_json_begin(&c->out, "change");
    if (results.len == 0 || c->json) {
        put_result(c, result);
    } else {
        struct node_mp_iter it = node_mp_iter(results);
        struct cht_bytes one;
        while (node_mp_next(&it, NULL, &one))
            put_result(c, one);
    }
    if (c->json)
        cli_json_end(&c->out);
    return CHT_OK;
}

/* --- the request --------------------------------------------------------------------------- */

/* "operation", "domain" and "entity" without the entity's map. */
static enum cht_err put_head(struct cli_context *c, enum node_change_op op, struct cht_buf *b)
{
    enum cht_err err = node_mp_put_key_text(b, "operation", node_change_op_word(op));
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "domain", crdt_type_domain(c->type));
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
        err = crdt_mp_put_map(b, 4 + (change->expect != NULL ? 1u : 0u));
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "key", r.id);
    if (err == CHT_OK && change->expect != NULL)
        err = node_mp_put_key_text(b, "expect", change->expect);
    if (err == CHT_OK)
        err = put_head(c, change->op, b);
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

enum cht_err cli_change_status(struct cli_context *c, const char *const *ids, size_t count,
                               const char *status)
{
    struct cli_request r;
    struct cht_buf *b = &r.message;
    enum cht_err err = cli_request_begin(c, NODE_MSG_STATE_UPDATE, &r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "key", r.id);
    if (err == CHT_OK)
        err = node_mp_put_text(b, "batch");
    if (err == CHT_OK)
        err = crdt_mp_put_array(b, (uint32_t)count);
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        err = crdt_mp_put_map(b, 3);
        if (err == CHT_OK)
            err = put_head(c, NODE_UPDATE, b);
        if (err == CHT_OK)
            err = crdt_mp_put_map(b, 2);
        if (err == CHT_OK)
            err = node_mp_put_key_text(b, "chittyId", ids[i]);
        if (err == CHT_OK)
            err = node_mp_put_text(b, "data");
        if (err == CHT_OK)
            err = crdt_mp_put_map(b, 1);
        if (err == CHT_OK)
            err = node_mp_put_key_text(b, "status", status);
    }
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, each, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}
