/* chitty-node backup */
#include "cli/base/request.h"
#include "cli/base/result.h"
#include "cli/commands.h"
#include "crdt/mp.h"
#include "node/client/mpmap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4097u

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    if (answer->type == NODE_MSG_EVENT)
        cli_put_progress(answer);
    if (answer->type == NODE_MSG_ACK)
        cli_put_result(c, "backup", answer);
    const uint64_t left =
        node_mp_get_uint(node_mp_get(answer->payload, "result"), "blobsLeftOut", 0);
    if (answer->type == NODE_MSG_ACK && left != 0 && !c->json)
        (void)fprintf(stderr,
                      "%s: the files of %llu attachments are not in it: copy the folder blobs of "
                      "the home too\n",
                      c->program->name, (unsigned long long)left);
    return CHT_OK;
}

/* The node may stand in another folder. */
static enum cht_err whole_path(struct cli_context *c, char out[static PATH_BYTES])
{
    const char *given = c->args[0];
    char folder[PATH_BYTES] = "";
    if (given[0] != '/' && getcwd(folder, sizeof folder) == NULL)
        return node_fault_set(&c->fault, CHT_E_IO, cht_bytes(NULL, 0),
                              "this folder has no name: %s", strerror(errno));
    int len = snprintf(out, PATH_BYTES, "%s%s%s", folder, given[0] == '/' ? "" : "/", given);
    return len > 0 && (unsigned)len < PATH_BYTES
               ? CHT_OK
               : node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("FILE"),
                                "the file's name is too long");
}

static enum cht_err run(struct cli_context *c)
{
    char path[PATH_BYTES];
    struct cli_request r;
    enum cht_err err = whole_path(c, path);
    if (err != CHT_OK)
        return err;
    err = cli_command_begin(c, "backup", 2, &r);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "path", path);
    if (err == CHT_OK)
        err = node_mp_put_key_bool(&r.message, "force", cli_flag(c, "force") != NULL);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_HOME, &r, false, each, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

static const struct cli_flag flags[] = {
    { "force", NULL, "replace the file if there is one" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_backup = {
    .name = "backup",
    .summary = "Copy the space into one file, while the node runs, without this device's keys.",
    .arguments = "FILE",
    .details = "The file holds everything but this device's keys, open tickets and the files of "
               "attachments: who "
               "has it can read the space, and cannot write in it. It appears under its "
               "name when it is whole and on the disk.",
    .group = CLI_SETUP,
    .kind = "backup",
    .examples = "chitty-node backup ~/chitty-monday.db\n"
                "chitty-node backup --force /media/stick/chitty.db",
    .args_min = 1,
    .args_max = 1,
    .flags = flags,
    .run = run,
};
