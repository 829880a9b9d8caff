/* chitty search: records of every type that have the words. */
#include "cli/base/columns.h"
#include "cli/base/json.h"
#include "cli/base/list.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "crdt/limits.h"

#include <stdio.h>

#define LIMIT_USUAL 20u

struct search {
    struct cli_context *c;
    struct cli_columns columns;
    uint64_t rows;
};

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct search *s = ctx;
    struct cli_out *out = &s->c->out;
    if (answer->type != NODE_MSG_STATE_SNAPSHOT)
        return CHT_OK;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    for (; it.left != 0 && it.at.err == CHT_OK; it.left--) {
        if (!s->c->json) {
            cli_columns_row(out, &s->columns, &it.at);
        } else if (s->c->format == CLI_JSON) {
            if (s->rows > 0)
                cli_put_char(out, ',');
            cli_json_record(out, crdt_mp_pass(&it.at));
        } else {
            cli_json_begin(out, "record");
            cli_json_record(out, crdt_mp_pass(&it.at));
            cli_json_end(out);
        }
        s->rows++;
    }
    return it.at.err;
}

/* All words, as one text. */
static enum cht_err put_words(const struct cli_context *c, struct cht_buf *out)
{
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < c->arg_count; i++) {
        err = i == 0 ? CHT_OK : cht_buf_add_u8(out, ' ');
        if (err == CHT_OK)
            err = cht_buf_add(out, cht_bytes_str(c->args[i]));
    }
    return err;
}

static enum cht_err search_type(struct search *s, struct cht_bytes words, uint64_t limit)
{
    struct cht_buf rest;
    uint32_t pairs = 2;
    cht_buf_init(&rest, LIMIT_CLIENT_BYTES);
    enum cht_err err = node_mp_put_key_str(&rest, "text", words);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&rest, "limit", limit);
    if (err == CHT_OK)
        err = cli_columns_choose(s->c, NULL, &s->columns);
    if (err == CHT_OK && !s->c->json)
        err = cli_columns_put(&s->columns, &rest, &pairs);
    if (err == CHT_OK)
        err = cli_list_ask(s->c, &rest, pairs, each, s);
    cht_buf_clear(&rest);
    return err;
}

static enum cht_err run(struct cli_context *c)
{
    struct search s = { .c = c };
    const char *type = cli_flag(c, "type");
    unsigned only = 0;
    uint64_t limit = LIMIT_USUAL;
    struct cht_buf words;
    cht_buf_init(&words, LIMIT_CLIENT_BYTES);
    enum cht_err err = cli_flag_uint(c, "limit", 1, LIMIT_QUERY_ROWS, LIMIT_USUAL, &limit);
    if (err == CHT_OK && type != NULL) {
        only = crdt_type_from(cht_bytes_str(type));
        if (crdt_schema(only) == NULL)
            err = node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("type"),
                                 "there is no type \"%.80s\"", type);
    }
    if (err == CHT_OK)
        err = put_words(c, &words);
    if (err == CHT_OK && c->format == CLI_JSON) {
        cli_json_begin(&c->out, "search");
        cli_put_char(&c->out, '[');
    }
    for (size_t i = 0; err == CHT_OK && crdt_schema_at(i, NULL) != NULL; i++) {
        c->type = crdt_schema_at(i, NULL)->type;
        if (only == 0 || only == c->type)
            err = search_type(&s, cht_buf_view(&words), limit);
    }
    c->type = 0;
    if (err == CHT_OK && c->format == CLI_JSON) {
        cli_put_char(&c->out, ']');
        cli_json_end(&c->out);
    }
    cht_buf_clear(&words);
    return cli_fail(c, err);
}

static const struct cli_flag flags[] = {
    { "type", "TYPE", "only records of this type" },
    { "limit", "N", "at most so many of each type (20)" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_search = {
    .name = "search",
    .summary = "Find records of every type by words in their titles and texts.",
    .arguments = "WORD...",
    .details =
        "All words have to be in the record, in any order, whatever their case and accents. A "
        "word that ends in * stands for all that begin so; words between double quotes stand "
        "together. Finished records are found too, deleted ones are not.",
    .kind = "search",
    .pages = true,
    .examples = "chitty search lexer\n"
                "chitty search 'pars*' '\"left recursion\"' --type todo",
    .args_min = 1,
    .args_max = CLI_ARGS_MAX,
    .flags = flags,
    .run = run,
};
