/* Candidates that the node knows, where one runs and answers at once (cli/base/backend_socket.c).
 */
#include "cli/base/complete.h"

#include "cli/base/record.h"
#include "cli/base/request.h"
#include "cli/base/spaces.h"
#include "crdt/limits.h"
#include "node/client/mpmap.h"

#define RECORDS_MAX 300u /* changed last; more are too many to choose from */
#define ID_DIGITS   8u   /* as lists show them */

struct asking {
    struct cli_completion *w;
    unsigned type;
    const struct crdt_field *field;
    void (*each)(struct asking *a, struct cht_bytes record);
};

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct asking *a = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    if (answer->type != NODE_MSG_STATE_SNAPSHOT)
        return CHT_OK;
    while (node_mp_next(&it, NULL, &record))
        a->each(a, record);
    return CHT_OK;
}

/* list, newest first, with one field. */
static void ask(struct asking *a, bool open_only)
{
    struct cli_request r = { 0 };
    struct cht_buf *b = &r.message;
    if (cli_open(a->w->c, CLI_REACH_RUNNING) != CHT_OK)
        return;
    enum cht_err err = cli_request_begin(a->w->c, NODE_MSG_QUERY, &r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 5 + (open_only ? 1u : 0u));
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "operation", "list");
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "domain", crdt_type_domain(a->type));
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "sort", "-modified");
    if (err == CHT_OK)
        err = node_mp_put_key_uint(b, "limit", RECORDS_MAX);
    if (err == CHT_OK)
        err = node_mp_put_text(b, "fields");
    if (err == CHT_OK)
        err = crdt_mp_put_array(b, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(b, a->field->name);
    if (err == CHT_OK && open_only)
        err = node_mp_put_text(b, "is");
    if (err == CHT_OK && open_only)
        err = crdt_mp_put_array(b, 1);
    if (err == CHT_OK && open_only)
        err = node_mp_put_text(b, "open");
    if (err == CHT_OK)
        err = cli_ask(a->w->c, CLI_REACH_RUNNING, &r, false, each, a);
    cli_request_clear(&r);
}

static const struct crdt_field *title_of(unsigned type)
{
    return crdt_field_named(type, cht_bytes_str(crdt_schema(type)->title_field));
}

/* The shortest form that begins as what was typed: digits, TODO-…, CHITTY-TODO-…. */
static void put_id(struct asking *a, struct cht_bytes record)
{
    struct cli_completion *w = a->w;
    const struct cht_bytes id = node_mp_get_str(record, "chittyId");
    const struct cht_bytes title =
        node_mp_get_str(node_mp_get(record, "data"), crdt_schema(a->type)->title_field);
    if (id.len < CRDT_ID_DIGITS + 8)
        return;
    const size_t skip = id.len - CRDT_ID_DIGITS;
    const struct cht_bytes digits = cht_bytes(id.data + skip, ID_DIGITS);
    const struct cht_bytes typed = cht_bytes(id.data + 7, skip - 7 + ID_DIGITS);
    const struct cht_bytes forms[] = { digits, typed, id };
    for (size_t i = 0; i < 3; i++) {
        const size_t before = w->lines.len;
        cli_candidate(w, forms[i], title);
        if (w->lines.len != before)
            return;
    }
}

void cli_complete_ids(struct cli_completion *w, unsigned type, bool open_only)
{
    struct asking a = { .w = w, .type = type == 0 ? CRDT_TODO : type, .each = put_id };
    a.field = title_of(a.type);
    ask(&a, open_only && crdt_field_named(a.type, cht_bytes_str("status")) != NULL);
}

static void put_title(struct asking *a, struct cht_bytes record)
{
    const struct cht_bytes title = node_mp_get_str(node_mp_get(record, "data"), a->field->name);
    cli_candidate(a->w, title, cht_bytes_str(crdt_type_table(a->type)));
}

void cli_complete_titles(struct cli_completion *w, unsigned type)
{
    struct asking a = { .w = w, .type = type, .field = title_of(type), .each = put_title };
    ask(&a, false);
}

static void put_values(struct asking *a, struct cht_bytes record)
{
    const struct cht_bytes value = node_mp_get(node_mp_get(record, "data"), a->field->name);
    struct node_mp_iter it = node_mp_iter(value);
    struct cht_bytes key, one;
    if (node_mp_kind(value) == CRDT_MP_STR) {
        cli_candidate(a->w, node_mp_str(value), cht_bytes(NULL, 0));
        return;
    }
    while (node_mp_next(&it, &key, &one))
        cli_candidate(a->w, node_mp_str(it.is_map ? key : one), cht_bytes(NULL, 0));
}

void cli_complete_values(struct cli_completion *w, unsigned type, const struct crdt_field *field)
{
    struct asking a = { .w = w, .type = type, .field = field, .each = put_values };
    ask(&a, false);
}

static enum cht_err put_space(void *ctx, const struct cli_space *space)
{
    cli_candidate_text(ctx, space->name, space->in_use ? "in use" : "");
    return CHT_OK;
}

void cli_complete_spaces(struct cli_completion *w)
{
    (void)!cli_spaces_each(&w->c->fault, put_space, w);
}

static enum cht_err put_devices(void *ctx, const struct node_msg *answer)
{
    struct cli_completion *w = ctx;
    struct node_mp_iter it =
        node_mp_iter(node_mp_get(node_mp_get(answer->payload, "result"), "members"));
    struct cht_bytes member;
    while (answer->type == NODE_MSG_ACK && node_mp_next(&it, NULL, &member))
        cli_candidate(w, node_mp_get_str(member, "name"), node_mp_get_str(member, "role"));
    return CHT_OK;
}

void cli_complete_devices(struct cli_completion *w)
{
    struct cli_request r = { 0 };
    if (cli_open(w->c, CLI_REACH_RUNNING) != CHT_OK)
        return;
    enum cht_err err = cli_plain_command(w->c, "members", &r);
    if (err == CHT_OK)
        err = cli_ask(w->c, CLI_REACH_RUNNING, &r, false, put_devices, w);
    (void)err; /* no candidates then */
    cli_request_clear(&r);
}
