/* batch: changes from JSON lines, in transactions of up to 256. */
#include "cli/base/batch_line.h"
#include "cli/base/change.h"
#include "cli/base/json.h"
#include "cli/base/report.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "crdt/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* The changes of one transaction on their way. */
struct batch {
    struct cli_context *c;
    struct cht_buf changes;         /* exact bytes of the maps, one after the other */
    size_t ends[NODE_BATCH_MAX];    /* where each ends in `changes` */
    uint64_t lines[NODE_BATCH_MAX]; /* which line it is from */
    uint32_t count;
    uint64_t shown, failed;
};

/* --- what became of a line ------------------------------------------------------------------ */

static void begin_row(struct batch *b, uint64_t line)
{
    if (!b->c->json)
        return;
    if (b->shown++ == 0) {
        cli_json_begin(&b->c->out, "batch");
        cli_put_char(&b->c->out, '[');
    } else {
        cli_put_char(&b->c->out, ',');
    }
    cli_printf(&b->c->out, "{\"line\":%llu,\"", (unsigned long long)line);
}

static void tell_done(struct batch *b, uint64_t line, struct cht_bytes result)
{
    begin_row(b, line);
    if (b->c->json) {
        cli_put_text(&b->c->out, "result\":");
        cli_json_change(b->c, result);
        cli_put_char(&b->c->out, '}');
    } else {
        cli_put_change(b->c, result);
    }
}

static void tell_failed(struct batch *b, uint64_t line, const struct node_fault *fault)
{
    b->failed++;
    begin_row(b, line);
    if (!b->c->json) {
        char head[64];
        (void)snprintf(head, sizeof head, "%.32s: line %llu", b->c->program->name,
                       (unsigned long long)line);
        cli_warn(head, cht_error_text(&fault->error));
        if (fault->hint[0] != '\0')
            cli_warn(b->c->program->name, fault->hint);
        return;
    }
    cli_printf(&b->c->out,
               "error\":{\"code\":\"%s\",\"message\":", cht_err_code(fault->error.code));
    cli_json_text(&b->c->out, cht_bytes_str(cht_error_text(&fault->error)));
    if (fault->hint[0] != '\0') {
        cli_put_text(&b->c->out, ",\"hint\":");
        cli_json_text(&b->c->out, cht_bytes_str(fault->hint));
    }
    if (fault->field[0] != '\0') {
        cli_put_text(&b->c->out, ",\"field\":");
        cli_json_text(&b->c->out, cht_bytes_str(fault->field));
    }
    cli_put_text(&b->c->out, "}}");
}

/* --- asking --------------------------------------------------------------------------------- */

struct asking {
    struct batch *b;
    uint32_t first;
    bool show;
};

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct asking *a = ctx;
    struct cht_bytes one;
    if (answer->type == NODE_MSG_CONFLICT)
        (void)node_fault_set(&a->b->c->fault, CHT_E_CONFLICT, cht_bytes(NULL, 0),
                             "it was changed since the version that is expected");
    if (answer->type != NODE_MSG_ACK)
        return CHT_OK;
    struct node_mp_iter it =
        node_mp_iter(node_mp_get(node_mp_get(answer->payload, "result"), "results"));
    for (uint32_t i = a->first; a->show && node_mp_next(&it, NULL, &one); i++)
        tell_done(a->b, a->b->lines[i], one);
    return CHT_OK;
}

/* Ask for the changes from `first` on, `count` of them, as one transaction. */
static enum cht_err ask(struct batch *b, uint32_t first, uint32_t count, bool dry, bool show)
{
    struct cli_request r;
    struct cht_buf *m = &r.message;
    struct asking a = { .b = b, .first = first, .show = show };
    const size_t from = first == 0 ? 0 : b->ends[first - 1];
    enum cht_err err = cli_request_begin(b->c, NODE_MSG_STATE_UPDATE, &r);
    b->c->fault = (struct node_fault){ 0 };
    if (err == CHT_OK)
        err = crdt_mp_put_map(m, 2u + dry);
    if (err == CHT_OK)
        err = node_mp_put_key_text(m, "key", r.id);
    if (err == CHT_OK && dry)
        err = node_mp_put_key_bool(m, "dry", true);
    if (err == CHT_OK)
        err = node_mp_put_text(m, "batch");
    if (err == CHT_OK)
        err = crdt_mp_put_array(m, count);
    if (err == CHT_OK)
        err = cht_buf_add(m, cht_bytes(b->changes.data + from, b->ends[first + count - 1] - from));
    if (err == CHT_OK)
        err = cli_ask(b->c, CLI_REACH_NODE, &r, true, each, &a);
    cli_request_clear(&r);
    return cli_fail(b->c, err);
}

/* Does the node refuse what it is asked, rather than not answer at all? */
static bool is_refusal(const struct cli_context *c, enum cht_err err)
{
    return err != CHT_OK && (c->fault.answered || err == CHT_E_CONFLICT);
}

/* Which change is at fault: the shortest beginning that is refused ends with it. */
static enum cht_err name_culprit(struct batch *b)
{
    uint32_t good = 0, bad = b->count;
    struct node_fault fault = b->c->fault;
    enum cht_err code = fault.error.code;
    while (bad - good > 1) {
        const uint32_t middle = good + (bad - good) / 2;
        const enum cht_err err = ask(b, 0, middle, true, false);
        if (err != CHT_OK && !is_refusal(b->c, err))
            return err;
        if (err == CHT_OK) {
            good = middle;
        } else {
            bad = middle;
            fault = b->c->fault;
            code = err;
        }
    }
    tell_failed(b, b->lines[bad - 1], &fault);
    b->c->fault = fault;
    (void)node_fault_set(&b->c->fault, code, cht_bytes(NULL, 0),
                         "nothing was written: line %llu is refused",
                         (unsigned long long)b->lines[bad - 1]);
    b->c->fault.answered = fault.answered;
    return code;
}

/* Write what is gathered: all of it or, where that is refused, each line by itself. */
static enum cht_err flush(struct batch *b, bool atomic)
{
    const bool dry = cli_flag(b->c, "dry-run") != NULL;
    if (b->count == 0)
        return CHT_OK;
    enum cht_err err = ask(b, 0, b->count, dry, true);
    if (is_refusal(b->c, err) && atomic)
        return name_culprit(b);
    for (uint32_t i = 0; is_refusal(b->c, err) && i < b->count; i++) {
        enum cht_err one = ask(b, i, 1, dry, true);
        if (one != CHT_OK && !is_refusal(b->c, one)) {
            err = one; /* the node is gone */
            break;
        }
        if (one != CHT_OK)
            tell_failed(b, b->lines[i], &b->c->fault);
        if (i + 1 == b->count) {
            err = CHT_OK;
            b->c->fault = (struct node_fault){ 0 };
        } else {
            b->c->fault.answered = true;
        }
    }
    b->count = 0;
    cht_buf_reset(&b->changes);
    return err;
}

/* --- reading -------------------------------------------------------------------------------- */

static enum cht_err take_line(struct batch *b, uint64_t number, struct cht_bytes line, bool atomic)
{
    const size_t start = b->changes.len;
    struct cli_context *c = b->c;
    enum cht_err err = CHT_OK;
    if (atomic && b->count == NODE_BATCH_MAX)
        return node_fault_set(&c->fault, CHT_E_LIMIT, cht_bytes_str("atomic"),
                              "line %llu: --atomic takes %u changes at most: nothing was written",
                              (unsigned long long)number, NODE_BATCH_MAX);
    if (b->count == NODE_BATCH_MAX || b->changes.len > LIMIT_CLIENT_BYTES / 2)
        err = flush(b, false);
    if (err != CHT_OK)
        return err;
    const size_t at = b->count == 0 ? 0 : start;
    c->fault = (struct node_fault){ 0 };
    err = cli_batch_line(c, line, &b->changes);
    if (err != CHT_OK) {
        b->changes.len = at;
        (void)cli_fail(c, err);
        tell_failed(b, number, &c->fault);
        if (!atomic)
            return CHT_OK;
        return node_fault_set(&c->fault, err, cht_bytes(NULL, 0),
                              "nothing was written: line %llu is refused",
                              (unsigned long long)number);
    }
    b->lines[b->count] = number;
    b->ends[b->count++] = b->changes.len;
    return CHT_OK;
}

static enum cht_err read_lines(struct batch *b, FILE *file, const char *name, bool atomic)
{
    char *line = NULL;
    size_t size = 0;
    uint64_t number = 0;
    enum cht_err err = CHT_OK;
    for (;;) {
        const ssize_t got = getline(&line, &size, file);
        if (got < 0 || err != CHT_OK)
            break;
        number++;
        size_t len = (size_t)got;
        while (len > 0 && strchr(" \t\r\n", line[len - 1]) != NULL && line[len - 1] != '\0')
            len--;
        if (len != 0)
            err = take_line(b, number, cht_bytes(line, len), atomic);
    }
    if (err == CHT_OK && ferror(file) != 0)
        err = node_fault_set(&b->c->fault, CHT_E_IO, cht_bytes(NULL, 0), "cannot read %.200s: %s",
                             name, strerror(errno));
    free(line);
    return err == CHT_OK ? flush(b, atomic) : err;
}

enum cht_err cli_batch_file(struct cli_context *c, const char *name)
{
    const bool standard = strcmp(name, "-") == 0;
    FILE *file = standard ? stdin : fopen(name, "re");
    if (file == NULL)
        return node_fault_set(&c->fault, errno == ENOENT ? CHT_E_NOTFOUND : CHT_E_IO,
                              cht_bytes(NULL, 0), "cannot open %.200s: %s", name, strerror(errno));
    struct batch b = { .c = c };
    cht_buf_init(&b.changes, LIMIT_CLIENT_BYTES);
    enum cht_err err =
        read_lines(&b, file, standard ? "standard input" : name, cli_flag(c, "atomic") != NULL);
    if (c->json && b.shown != 0) {
        cli_put_char(&c->out, ']');
        cli_json_end(&c->out);
    }
    cht_buf_clear(&b.changes);
    if (!standard)
        (void)fclose(file);
    if (err == CHT_OK && b.failed != 0) {
        c->failed = true;
        c->fault = (struct node_fault){ 0 };
    }
    return err;
}

static enum cht_err run(struct cli_context *c)
{
    return cli_batch_file(c, c->arg_count == 0 ? "-" : c->args[0]);
}

static const struct cli_flag flags[] = {
    { "atomic", NULL, "all of it or, when a line is refused, nothing; at most 256 lines" },
    { "type", "NOUN", "what a line is that does not say it; usually todo" },
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_batch = {
    .name = "batch",
    .summary = "Write the changes in a file of JSON lines; prints the id of each.",
    .arguments = "[FILE|-]",
    .details =
        "A line is an object: the fields of a new record ({\"content\": \"Buy milk\", \"labels\":"
        " [\"home\"]}); with a chittyId, a whole id, those of one that is made where it is not "
        "there"
        " and updated where it is; or {\"operation\", \"domain\", \"entity\": {\"chittyId\","
        " \"data\"}} as programs write it. {\"type\", \"chittyId\", \"data\"} is taken too, as"
        " `chitty-node export` writes it. Times are dates as anywhere. 256 lines are one"
        " transaction; where one of them is refused the others are written, and the line is named:"
        " the exit status is then 1.",
    .group = CLI_RECORDS,
    .kind = "batch",
    .examples = "chitty batch changes.jsonl --atomic --dry-run\n"
                "echo '{\"content\":\"Buy milk\",\"labels\":[\"home\"]}' | chitty batch",
    .args_max = 1,
    .flags = flags,
    .run = run,
};
