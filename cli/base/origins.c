/* Records that are one, for people; see origins.h (LOCAL 9). */
#include "cli/base/origins.h"

#include "cli/base/record.h"
#include "cli/base/request.h"
#include "crdt/limits.h"

/* What an origin is told as: its session, else its id. */
static struct cht_bytes name_of(struct cht_bytes origin)
{
    const struct cht_bytes name = node_mp_get_str(origin, "sessionName");
    const struct cht_bytes session = node_mp_get_str(origin, "session");
    if (name.len != 0)
        return name;
    return cli_short_id(session.len != 0 ? session : node_mp_get_str(origin, "chittyId"));
}

void cli_put_origins(struct cli_out *out, struct cht_bytes origins)
{
    struct node_mp_iter it = node_mp_iter(origins);
    struct cht_bytes one, earlier;
    const char *before = "from ";
    while (!it.is_map && node_mp_next(&it, NULL, &one)) {
        struct node_mp_iter told = node_mp_iter(origins);
        bool again = false;
        while (node_mp_next(&told, NULL, &earlier) && earlier.data != one.data)
            again |= cht_bytes_eq(name_of(earlier), name_of(one));
        if (again)
            continue;
        cli_put_text(out, before);
        cli_put_line(out, name_of(one));
        before = " + ";
    }
}

enum cht_err cli_keep_result(void *ctx, const struct node_msg *answer)
{
    struct cht_buf *out = ctx;
    const struct cht_bytes result = node_mp_get(answer->payload, "result");
    if (answer->type != NODE_MSG_ACK)
        return CHT_OK;
    cht_buf_reset(out);
    return cht_buf_add(out, result);
}

enum cht_err cli_keep_records(void *ctx, const struct node_msg *answer)
{
    struct cht_buf *out = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && node_mp_next(&it, NULL, &record))
        err = cht_buf_add(out, record);
    return err;
}

enum cht_err cli_get(struct cli_context *c, struct cht_bytes id, const char *const *fields,
                     struct cht_buf *out)
{
    struct cli_request r;
    struct cht_buf *b = &r.message;
    uint32_t count = 0;
    while (fields[count] != NULL)
        count++;
    cht_buf_reset(out);
    enum cht_err err = cli_request_begin(c, NODE_MSG_QUERY, &r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 3);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "operation", "get");
    if (err == CHT_OK)
        err = node_mp_put_text(b, "entity");
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 1);
    if (err == CHT_OK)
        err = node_mp_put_key_str(b, "chittyId", id);
    if (err == CHT_OK)
        err = node_mp_put_text(b, "fields");
    if (err == CHT_OK)
        err = crdt_mp_put_array(b, count);
    for (uint32_t i = 0; err == CHT_OK && i < count; i++)
        err = node_mp_put_text(b, fields[i]);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, cli_keep_records, out);
    cli_request_clear(&r);
    return cli_fail(c, err);
}
