/* chitty attach: files become attachments of a record. The record names them when all are durable
 * at the node. */
#include "cli/base/attach.h"
#include "cli/base/change.h"
#include "cli/commands.h"
#include "crdt/limits.h"

#include <stdio.h>

#define FILES_MAX 64u

struct file {
    const char *path, *name;
    char blob[65];
    uint64_t size;
};

static enum cht_err put_file(struct cli_context *c, const struct file *f, struct cht_buf *b)
{
    const char *type = cli_flag(c, "type");
    enum cht_err err = node_mp_put_text(b, f->name);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 4);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "blob", f->blob);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(b, "size", f->size);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "type", type != NULL ? type : cli_media_type(f->path));
    return err == CHT_OK ? node_mp_put_key_uint(b, "added", c->now_ms) : err;
}

static enum cht_err name_them(struct cli_context *c, const struct file *files, size_t count)
{
    struct cht_buf data;
    cht_buf_init(&data, LIMIT_CLIENT_BYTES);
    enum cht_err err = crdt_mp_put_map(&data, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(&data, "attachments");
    if (err == CHT_OK)
        err = crdt_mp_put_map(&data, (uint32_t)count);
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        err = put_file(c, &files[i], &data);
    if (err == CHT_OK) {
        const struct cli_change change = { .op = NODE_UPDATE,
                                           .id = c->args[0],
                                           .data = cht_buf_view(&data) };
        err = cli_change(c, &change);
    }
    cht_buf_clear(&data);
    return cli_fail(c, err);
}

static enum cht_err found(void *ctx, const struct node_msg *answer)
{
    (void)ctx;
    (void)answer;
    return CHT_OK;
}

/* The record is looked up before a gigabyte is copied for one that is not there. */
static enum cht_err find(struct cli_context *c)
{
    struct cli_request r;
    enum cht_err err = cli_query(c, "show", c->args[0], 0, &r);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, found, NULL);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

static enum cht_err run(struct cli_context *c)
{
    struct file files[FILES_MAX];
    const size_t count = c->arg_count - 1;
    const char *name = cli_flag(c, "name");
    if (name != NULL && count > 1)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("name"),
                              "--name goes with one file; here are %zu", count);
    enum cht_err err = find(c);
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        struct file *f = &files[i];
        const char *slash = strrchr(c->args[i + 1], '/');
        f->path = c->args[i + 1];
        f->name = name != NULL ? name : slash == NULL ? f->path : slash + 1;
        for (size_t k = 0; k < i && err == CHT_OK; k++) {
            if (strcmp(files[k].name, f->name) == 0)
                err = node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("FILE"),
                                     "two of the files are called %.200s", f->name);
        }
        if (err == CHT_OK)
            err = cli_upload(c, f->path, f->blob, &f->size);
    }
    return err == CHT_OK ? name_them(c, files, count) : cli_fail(c, err);
}

static const struct cli_flag flags[] = {
    { "name", "NAME", "call it so instead of the file's name" },
    { "type", "TYPE", "its media type; usually told by the name" },
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_attach = {
    .name = "attach",
    .summary = "Attach files to a record; other devices fetch them when they are asked for.",
    .arguments = "ID FILE…",
    .group = CLI_RECORDS,
    .kind = "change",
    .examples = "chitty attach 01HXW3K9 screenshot.png\n"
                "chitty attach 01HXW3K9 build/out.log --name 'log of the failed build'",
    .args_min = 2,
    .args_max = FILES_MAX + 1,
    .flags = flags,
    .run = run,
};
