/* comments: what was said about a record, the oldest first. */
#include "cli/base/comments.h"
#include "cli/base/json.h"
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "cli/commands.h"

#include <stdio.h>

static enum cht_err take_id(void *ctx, const struct node_msg *answer)
{
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    if (node_mp_next(&it, NULL, &record)) {
        const struct cht_bytes id = node_mp_get_str(record, "chittyId");
        (void)snprintf(ctx, CRDT_ID_TEXT_MAX, "%.*s", (int)id.len, (const char *)id.data);
    }
    return CHT_OK;
}

enum cht_err cli_whole_id(struct cli_context *c, const char *text, char *out)
{
    struct cli_request r;
    out[0] = '\0';
    enum cht_err err = cli_query(c, "show", text, 0, &r);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, take_id, out);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

/* A list of the messages about `id`; `count`: only how many. */
static enum cht_err ask(struct cli_context *c, const char *id, bool count, node_answer_fn each,
                        void *ctx)
{
    struct cli_request r;
    struct cht_buf *b = &r.message;
    enum cht_err err = cli_request_begin(c, NODE_MSG_QUERY, &r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 4);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "operation", "list");
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "domain", crdt_type_domain(CRDT_MESSAGE));
    if (err == CHT_OK)
        err = node_mp_put_text(b, "filter");
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 1);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "about", id);
    if (err == CHT_OK && count)
        err = node_mp_put_key_bool(b, "count", true);
    else if (err == CHT_OK)
        err = node_mp_put_key_text(b, "sort", "created");
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, each, ctx);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

static enum cht_err take_count(void *ctx, const struct node_msg *answer)
{
    uint64_t *count = ctx;
    if (answer->type == NODE_MSG_ACK)
        *count = node_mp_get_uint(node_mp_get(answer->payload, "result"), "count", 0);
    return CHT_OK;
}

enum cht_err cli_count_comments(struct cli_context *c, const char *id, uint64_t *out)
{
    *out = 0;
    return ask(c, id, true, take_count, out);
}

struct listing {
    struct cli_context *c;
    uint32_t count;
};

static void put_message(struct cli_out *out, struct cht_bytes record)
{
    const struct cht_bytes data = node_mp_get(record, "data");
    const struct cht_bytes author = node_mp_get_str(data, "author");
    struct cht_bytes text = node_mp_get_str(data, "content");
    cli_put_style(out, CLI_DIM);
    cli_put_line(out, out->terminal ? cli_short_id(node_mp_get_str(record, "chittyId"))
                                    : node_mp_get_str(record, "chittyId"));
    cli_put_text(out, "  ");
    cli_put_when(out, node_mp_get(data, "created"));
    cli_put_style(out, CLI_BOLD);
    cli_put_text(out, "  ");
    cli_put_line(out, author.len == 0 ? cht_bytes_str("somebody") : author);
    cli_put_style(out, CLI_PLAIN);
    cli_put_char(out, '\n');
    while (text.len > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        const size_t len = end == NULL ? text.len : (size_t)(end - text.data);
        cli_put_text(out, "    ");
        cli_put_line(out, cht_bytes(text.data, len));
        cli_put_char(out, '\n');
        text = cht_bytes(text.data + len + (end != NULL), text.len - len - (end != NULL));
    }
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct listing *l = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    for (; answer->type == NODE_MSG_STATE_SNAPSHOT && node_mp_next(&it, NULL, &record);
         l->count++) {
        if (!l->c->json) {
            put_message(&l->c->out, record);
            continue;
        }
        if (l->count > 0)
            cli_put_char(&l->c->out, ',');
        cli_json_record(&l->c->out, record);
    }
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    char id[CRDT_ID_TEXT_MAX];
    struct listing l = { .c = c };
    enum cht_err err = cli_whole_id(c, c->args[0], id);
    if (err != CHT_OK)
        return err;
    if (c->json) {
        cli_json_begin(&c->out, "message-list");
        cli_put_char(&c->out, '[');
    }
    err = ask(c, id, false, each, &l);
    if (err == CHT_OK && c->json) {
        cli_put_char(&c->out, ']');
        cli_json_end(&c->out);
    }
    return err;
}

const struct cli_command cli_comments = {
    .name = "comments",
    .summary = "What was said about a record, the oldest first.",
    .arguments = "ID",
    .group = CLI_EVERYDAY,
    .kind = "message-list",
    .pages = true,
    .examples = "chitty comments 01HXW3K9\n"
                "chitty comments 01HXW3K9 --json author,content",
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
