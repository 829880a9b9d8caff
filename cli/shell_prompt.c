/* shell prompt: how much there is to do, for the prompt of a shell; kept in a file that the shell
 * reads. */
#include "cli/base/json.h"
#include "cli/base/list.h"
#include "cli/base/request.h"
#include "cli/base/state_file.h"
#include "cli/commands.h"
#include "crdt/limits.h"

#include <stdio.h>

#define MANY 100u /* where counting ends: a prompt says no more */

struct figures {
    uint64_t doing, ready, overdue;
};

static enum cht_err count(void *ctx, const struct node_msg *answer)
{
    uint64_t *n = ctx;
    if (answer->type == NODE_MSG_STATE_SNAPSHOT)
        *n += node_mp_count(node_mp_get(answer->payload, "records"));
    return CHT_OK;
}

/* How many todos are so, up to MANY: `is` is a word of LOCAL 4.11, or without one they are under
 * way. */
static enum cht_err count_todos(struct cli_context *c, const char *is, uint64_t *out)
{
    struct cht_buf rest;
    cht_buf_init(&rest, LIMIT_CLIENT_BYTES);
    *out = 0;
    enum cht_err err = node_mp_put_text(&rest, "fields");
    if (err == CHT_OK)
        err = crdt_mp_put_array(&rest, 0);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&rest, "limit", MANY);
    if (err == CHT_OK)
        err = node_mp_put_text(&rest, is == NULL ? "filter" : "is");
    if (err == CHT_OK)
        err = is == NULL ? crdt_mp_put_map(&rest, 1) : crdt_mp_put_array(&rest, 1);
    if (err == CHT_OK)
        err = is == NULL ? node_mp_put_key_text(&rest, "status", "in_progress")
                         : node_mp_put_text(&rest, is);
    if (err == CHT_OK)
        err = cli_list_ask(c, &rest, 3, count, out);
    cht_buf_clear(&rest);
    return cli_fail(c, err);
}

static void put_count(char *out, size_t size, uint64_t n)
{
    if (n >= MANY)
        (void)snprintf(out, size, "%u+", MANY - 1);
    else
        (void)snprintf(out, size, "%u", (unsigned)n);
}

static void put_segment(const struct figures *f, char *out, size_t size)
{
    char doing[8], ready[8], overdue[8];
    put_count(doing, sizeof doing, f->doing);
    put_count(ready, sizeof ready, f->ready);
    put_count(overdue, sizeof overdue, f->overdue);
    out[0] = '\0';
    if (f->doing + f->ready + f->overdue != 0)
        (void)snprintf(out, size, f->overdue == 0 ? "[%s/%s]" : "[%s/%s !%s]", doing, ready,
                       overdue);
}

static enum cht_err run(struct cli_context *c)
{
    struct figures f = { 0 };
    char segment[40], line[48];
    c->type = CRDT_TODO;
    enum cht_err err = count_todos(c, NULL, &f.doing);
    if (err == CHT_OK)
        err = count_todos(c, "ready", &f.ready);
    if (err == CHT_OK)
        err = count_todos(c, "overdue", &f.overdue);
    put_segment(&f, segment, sizeof segment);
    (void)snprintf(line, sizeof line, "%s\n", segment);
    if (err == CHT_OK)
        err = cli_state_write("prompt", line, &c->fault);
    if (err != CHT_OK)
        return err;
    if (!c->json) {
        cli_printf(&c->out, "%s\n", segment);
        return CHT_OK;
    }
    cli_json_begin(&c->out, "prompt");
    cli_printf(&c->out, "{\"text\":\"%s\",\"doing\":%u,\"ready\":%u,\"overdue\":%u}", segment,
               (unsigned)f.doing, (unsigned)f.ready, (unsigned)f.overdue);
    cli_json_end(&c->out);
    return CHT_OK;
}

const struct cli_command cli_shell_prompt = {
    .name = "prompt",
    .summary = "The segment of the prompt: todos under way and ready, and after a ! overdue ones.",
    .arguments = "",
    .details = "It is kept in the file `prompt` of the state folder, which shells read without "
               "starting a program. From a hundred on it says 99+.",
    .kind = "prompt",
    .examples = "chitty shell prompt",
    .run = run,
};
