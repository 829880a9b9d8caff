/* Records chosen by a filter; see chosen.h. */
#include "cli/base/chosen.h"

#include "cli/base/filter.h"
#include "cli/base/list.h"
#include "cli/base/request.h"
#include "crdt/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* "+label", "project:x", "due.before:fri": no id and no name looks so. */
static bool is_condition(const struct cli_context *c, const char *arg)
{
    const size_t len = strcspn(arg, ".:");
    if (arg[0] == '+')
        return arg[1] != '\0';
    if (strchr(arg, ':') == NULL || strpbrk(arg, " /") != NULL)
        return false;
    return strncmp(arg, "is:", 3) == 0 || cli_field_meant(c->type, cht_bytes(arg, len)) != NULL;
}

static bool is_filter(const struct cli_context *c)
{
    for (size_t i = 0; i < c->arg_count; i++) {
        if (!is_condition(c, c->args[i]))
            return false;
    }
    return c->type != 0 && c->arg_count != 0;
}

struct choosing {
    struct cli_ids *ids;
    uint32_t count;
};

/* Texts of the ids, one after the other with their zeros. */
static enum cht_err take(void *ctx, const struct node_msg *answer)
{
    static const uint8_t zero[] = { 0 };
    struct choosing *x = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && answer->type == NODE_MSG_STATE_SNAPSHOT &&
           node_mp_next(&it, NULL, &record)) {
        err = cht_buf_add(&x->ids->text, node_mp_get_str(record, "chittyId"));
        if (err == CHT_OK)
            err = cht_buf_add(&x->ids->text, cht_bytes(zero, 1));
        x->count++;
    }
    return err;
}

static enum cht_err ask_list(struct cli_context *c, struct choosing *x)
{
    struct cht_buf rest;
    uint32_t pairs = 0;
    cht_buf_init(&rest, LIMIT_CLIENT_BYTES);
    enum cht_err err = cli_filter_read(c, true, 0, &rest, &pairs);
    if (err == CHT_OK)
        err = node_mp_put_text(&rest, "fields");
    if (err == CHT_OK)
        err = crdt_mp_put_array(&rest, 0);
    if (err == CHT_OK)
        err = cli_list_ask(c, &rest, pairs + 1, take, x);
    cht_buf_clear(&rest);
    return cli_fail(c, err);
}

static enum cht_err agree(struct cli_context *c, uint32_t count)
{
    char answer[16] = "";
    const char *kind = crdt_type_table(c->type);
    if (cli_flag(c, "yes") != NULL || cli_flag(c, "dry-run") != NULL)
        return CHT_OK;
    if (isatty(STDIN_FILENO) == 0 || isatty(STDERR_FILENO) == 0) {
        (void)node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("yes"),
                             "this filter chooses %u %s%s: nothing was done", count, kind,
                             count == 1 ? "" : "s");
        node_fault_hint(&c->fault, "see them with --dry-run, do it with --yes");
        return CHT_E_INVALID;
    }
    (void)fprintf(stderr, "%s %u %s%s? [y/N] ", c->command->name, count, kind,
                  count == 1 ? "" : "s");
    (void)fflush(stderr);
    if (fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
        return CHT_OK;
    return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("yes"), "nothing was done");
}

enum cht_err cli_chosen_read(struct cli_context *c, struct cli_ids *out)
{
    struct cli_ids ids = { 0 };
    struct choosing x = { .ids = &ids };
    if (!is_filter(c))
        return cli_ids_read(c, 0, out);
    cht_buf_init(&ids.text, SIZE_MAX);
    enum cht_err err = ask_list(c, &x);
    if (err == CHT_OK && x.count == 0)
        err = node_fault_set(&c->fault, CHT_E_NOTFOUND, cht_bytes(NULL, 0),
                             "nothing that is not finished meets this filter");
    if (err == CHT_OK)
        err = agree(c, x.count);
    if (err == CHT_OK) {
        ids.list = calloc(x.count, sizeof *ids.list);
        err = ids.list == NULL ? cli_fail(c, CHT_E_NOMEM) : CHT_OK;
    }
    if (err != CHT_OK) {
        cli_ids_clear(&ids);
        return err;
    }
    for (const char *at = (const char *)ids.text.data; ids.count < x.count; at += strlen(at) + 1)
        ids.list[ids.count++] = at;
    *out = ids;
    return CHT_OK;
}
