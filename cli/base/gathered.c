/* Asking before saying; see gathered.h. */
#include "cli/base/gathered.h"

#include "cli/base/json.h"

#include "cli/base/request.h"
#include "node/client/request.h"

#define GATHERED_BYTES ((size_t)64 * 1024 * 1024)

/* --- devices ------------------------------------------------------------------------------- */

static void keep(struct cht_bytes text, char *out, size_t size)
{
    const size_t len = text.len < size ? text.len : size - 1;
    if (len > 0)
        memcpy(out, text.data, len);
    out[len] = '\0';
}

static enum cht_err take_devices(void *ctx, const struct node_msg *answer)
{
    struct cli_devices *d = ctx;
    struct node_mp_iter it =
        node_mp_iter(node_mp_get(node_mp_get(answer->payload, "result"), "members"));
    struct cht_bytes member;
    while (node_mp_next(&it, NULL, &member) && d->count < CLI_DEVICES_MAX) {
        const struct cht_bytes id = node_mp_get_str(member, "device");
        keep(id, d->list[d->count].id, sizeof d->list[0].id);
        keep(node_mp_get_str(member, "name"), d->list[d->count].name, sizeof d->list[0].name);
        d->count++;
        if (cht_bytes_eq(node_mp_get_str(member, "state"), cht_bytes_str("this device")))
            keep(id, d->own, sizeof d->own);
    }
    return CHT_OK;
}

enum cht_err cli_gather_devices(struct cli_context *c, struct cli_devices *out)
{
    struct cli_request r;
    out->count = 0;
    out->own[0] = '\0';
    enum cht_err err = cli_plain_command(c, "members", &r);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, take_devices, out);
    cli_request_clear(&r);
    if (err == CHT_OK && out->own[0] == '\0')
        err = node_fault_set(&c->fault, CHT_E_NOTFOUND, cht_bytes(NULL, 0),
                             "this device is no member of the space");
    return cli_fail(c, err);
}

const char *cli_device_name(const struct cli_devices *devices, struct cht_bytes key)
{
    const size_t len = 2 * CRDT_ID_BYTES;
    for (size_t i = 0; key.len >= len && i < devices->count; i++)
        if (memcmp(devices->list[i].id, key.data, len) == 0)
            return devices->list[i].name;
    return NULL;
}

/* --- records ------------------------------------------------------------------------------- */

static enum cht_err take_records(void *ctx, const struct node_msg *answer)
{
    struct cht_buf *out = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && node_mp_next(&it, NULL, &record))
        err = cht_buf_add(out, record);
    return err;
}

enum cht_err cli_gather(struct cli_context *c, unsigned type, const char *const *fields,
                        struct cht_buf *out)
{
    struct cli_request r;
    struct cht_buf *b = &r.message;
    uint32_t count = 0;
    while (fields[count] != NULL)
        count++;
    cht_buf_init(out, GATHERED_BYTES);
    enum cht_err err = cli_request_begin(c, NODE_MSG_QUERY, &r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 3);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "operation", "list");
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "domain", crdt_type_domain(type));
    if (err == CHT_OK)
        err = node_mp_put_text(b, "fields");
    if (err == CHT_OK)
        err = crdt_mp_put_array(b, count);
    for (uint32_t i = 0; err == CHT_OK && i < count; i++)
        err = node_mp_put_text(b, fields[i]);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, false, take_records, out);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

bool cli_gathered_next(struct cht_wire *w, struct cht_bytes *record)
{
    if (cht_wire_left(w) == 0 || w->err != CHT_OK)
        return false;
    *record = crdt_mp_pass(w);
    return w->err == CHT_OK;
}

/* --- changes ------------------------------------------------------------------------------- */

static enum cht_err nothing(void *ctx, const struct node_msg *answer)
{
    (void)ctx;
    (void)answer;
    return CHT_OK;
}

enum cht_err cli_change_quietly(struct cli_context *c, struct cht_bytes id, struct cht_bytes data)
{
    struct cli_request r;
    struct cht_buf *b = &r.message;
    enum cht_err err = cli_request_begin(c, NODE_MSG_STATE_UPDATE, &r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 3);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "key", r.id);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "operation", node_change_op_word(NODE_UPDATE));
    if (err == CHT_OK)
        err = node_mp_put_text(b, "entity");
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_str(b, "chittyId", id);
    if (err == CHT_OK)
        err = node_mp_put_key_raw(b, "data", data);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, nothing, NULL);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

void cli_put_by_device(struct cli_by_device *b, const char *kind, struct cht_bytes records,
                       void (*put)(struct cli_by_device *b, struct cht_bytes record),
                       const char *none)
{
    struct cht_wire w = cht_wire(records);
    struct cht_bytes record;
    if (b->c->json) {
        cli_json_begin(&b->c->out, kind);
        cli_put_char(&b->c->out, '[');
    }
    while (cli_gathered_next(&w, &record))
        put(b, record);
    if (b->c->json) {
        cli_put_char(&b->c->out, ']');
        cli_json_end(&b->c->out);
    } else if (b->rows == 0) {
        cli_put_text(&b->c->out, none);
    }
}
