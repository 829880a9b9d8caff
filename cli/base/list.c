/* Lists: asked once, printed as they come. */
#include "cli/base/list.h"

#include "cli/base/columns.h"
#include "cli/base/filter.h"
#include "cli/base/json.h"
#include "cli/base/request.h"
#include "crdt/limits.h"

const struct cli_flag cli_list_flags[] = {
    { "all", NULL, "finished ones too" },
    { "deleted", NULL, "deleted ones too" },
    { "fields", "NAME,…", "only these fields (with --json)" },
    { "columns", "NAME,…", "what each line shows: id and fields" },
    { "sort", "FIELD,…", "by these fields; -FIELD downwards" },
    { "limit", "N", "at most so many" },
    { "count", NULL, "print only how many there are" },
    { NULL, NULL, NULL },
};

struct listing {
    struct cli_context *c;
    struct cli_columns columns;
    bool begun;
    uint64_t rows;
};

/* --json: one document; else each record is one. */
static void put_json(struct listing *l, struct cht_bytes record)
{
    struct cli_out *out = &l->c->out;
    if (l->c->format == CLI_JSON) {
        if (l->rows > 0)
            cli_put_char(out, ',');
        cli_json_record(out, record);
        return;
    }
    cli_json_begin(out, crdt_type_table(l->c->type));
    cli_json_record(out, record);
    cli_json_end(out);
}

/* The answer to a count. */
static void put_count(struct cli_context *c, struct cht_bytes result)
{
    const uint64_t count = node_mp_get_uint(result, "count", 0);
    if (!c->json) {
        cli_put_uint(&c->out, count);
        cli_put_char(&c->out, '\n');
        return;
    }
    cli_json_begin(&c->out, "count");
    cli_json_value(&c->out, result);
    cli_json_end(&c->out);
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct listing *l = ctx;
    struct cli_out *out = &l->c->out;
    if (answer->type == NODE_MSG_ACK && cli_flag(l->c, "count") != NULL)
        put_count(l->c, node_mp_get(answer->payload, "result"));
    if (answer->type != NODE_MSG_STATE_SNAPSHOT)
        return CHT_OK;
    if (l->c->format == CLI_JSON && !l->begun) {
        char kind[32] = "";
        (void)strncat(kind, crdt_type_table(l->c->type), 20);
        (void)strncat(kind, "-list", 6);
        cli_json_begin(out, kind);
        cli_put_char(out, '[');
    }
    l->begun = true;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    for (; it.left != 0 && it.at.err == CHT_OK; it.left--) {
        if (l->c->json)
            put_json(l, crdt_mp_pass(&it.at));
        else
            cli_columns_row(out, &l->columns, &it.at);
        l->rows++;
    }
    return it.at.err;
}

/* --- asking -------------------------------------------------------------------------------- */

/* Names to ask for: those of --fields. */
static enum cht_err put_fields(const char *names, struct cht_buf *b)
{
    uint32_t count = 0;
    enum cht_err err = node_mp_put_text(b, "fields");
    for (const char *at = names; *at != '\0'; at += strcspn(at, ",") + (strchr(at, ',') != NULL))
        count++;
    if (err == CHT_OK)
        err = crdt_mp_put_array(b, count);
    for (const char *at = names; err == CHT_OK && *at != '\0';) {
        const size_t len = strcspn(at, ",");
        err = crdt_mp_put_str(b, cht_bytes(at, len));
        at += len + (at[len] == ',' ? 1 : 0);
    }
    return err;
}

/* The fields among the names of --json=…: the node need not send others. */
static void chosen_fields(const struct cli_context *c, char *out, size_t size)
{
    const struct crdt_type_schema *schema = crdt_schema(c->type);
    out[0] = '\0';
    for (size_t i = 0; i < schema->count; i++) {
        if (!cli_pick_has(c->picks, cht_bytes_str(schema->fields[i].name)))
            continue;
        (void)strncat(out, out[0] == '\0' ? "" : ",", size - strlen(out) - 1);
        (void)strncat(out, schema->fields[i].name, size - strlen(out) - 1);
    }
}

/* The rest of the payload after operation and domain. */
static enum cht_err put_rest(struct listing *l, const struct cli_listing *what, struct cht_buf *b,
                             uint32_t *pairs)
{
    struct cli_context *c = l->c;
    const char *sort = cli_flag(c, "sort"), *fields = cli_flag(c, "fields");
    const bool all = cli_flag(c, "all") != NULL;
    uint64_t limit = 0;
    char chosen[1024];
    /* without `fields` a record has its version */
    if (fields == NULL && c->picks != NULL && !cli_pick_has(c->picks, cht_bytes_str("version"))) {
        chosen_fields(c, chosen, sizeof chosen);
        fields = chosen;
    } else if (fields == NULL && c->format == CLI_NAMES) {
        fields = "";
    }
    sort = sort == NULL ? what->sort : sort;
    enum cht_err err = cli_flag_uint(c, "limit", 1, LIMIT_QUERY_ROWS, what->limit, &limit);
    if (err == CHT_OK)
        err = cli_filter_read(c, what->open_only && !all, what->is, b, pairs);
    if (err == CHT_OK && !c->json)
        err = cli_columns_put(&l->columns, b, pairs);
    if (err == CHT_OK && c->json && fields != NULL) {
        err = put_fields(fields, b);
        ++*pairs;
    }
    if (err == CHT_OK && sort != NULL) {
        err = cli_sort_put(c, sort, b);
        ++*pairs;
    }
    if (err == CHT_OK && limit != 0) {
        err = node_mp_put_key_uint(b, "limit", limit);
        ++*pairs;
    }
    if (err == CHT_OK && cli_flag(c, "deleted") != NULL) {
        err = node_mp_put_key_bool(b, "deleted", true);
        ++*pairs;
    }
    if (err == CHT_OK && cli_flag(c, "count") != NULL) {
        err = node_mp_put_key_bool(b, "count", true);
        ++*pairs;
    }
    return err;
}

enum cht_err cli_list_ask(struct cli_context *c, const struct cht_buf *rest, uint32_t pairs,
                          node_answer_fn each_fn, void *ctx)
{
    struct cli_request r = { 0 };
    enum cht_err err = cli_request_begin(c, NODE_MSG_QUERY, &r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&r.message, 2 + pairs);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "operation", "list");
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "domain", crdt_type_domain(c->type));
    if (err == CHT_OK)
        err = cht_buf_add(&r.message, cht_buf_view(rest));
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, each_fn, ctx);
    cli_request_clear(&r);
    return err;
}

enum cht_err cli_list(struct cli_context *c, const struct cli_listing *what)
{
    struct listing l = { .c = c };
    struct cht_buf rest;
    uint32_t pairs = 0;
    cht_buf_init(&rest, LIMIT_CLIENT_BYTES);
    enum cht_err err = cli_columns_choose(c, cli_flag(c, "columns"), &l.columns);
    if (err == CHT_OK)
        err = put_rest(&l, what, &rest, &pairs);
    if (err == CHT_OK)
        err = cli_list_ask(c, &rest, pairs, each, &l);
    if (err == CHT_OK && c->format == CLI_JSON && l.begun) {
        cli_put_char(&c->out, ']');
        cli_json_end(&c->out);
    }
    cht_buf_clear(&rest);
    return cli_fail(c, err);
}
