/* chitty repo forget */
#include "cli/base/change.h"
#include "cli/base/repo_clone.h"
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>

/* Absolute, and without links as far as it is there: it may be gone. */
static void resolve(const char *path, char out[static NODE_PATH_MAX])
{
    char folder[NODE_PATH_MAX] = "";
    char *whole = realpath(path, NULL);
    if (whole == NULL && path[0] != '/') {
        char *here = realpath(".", NULL);
        (void)snprintf(folder, sizeof folder, "%s/", here == NULL ? "" : here);
        free(here);
    }
    if (whole != NULL || strlen(folder) + strlen(path) >= NODE_PATH_MAX)
        (void)snprintf(out, NODE_PATH_MAX, "%s", whole == NULL ? path : whole);
    else
        (void)snprintf(out, NODE_PATH_MAX, "%.*s%.*s", (int)strlen(folder), folder,
                       (int)(NODE_PATH_MAX - 1 - strlen(folder)), path);
    free(whole);
}

static enum cht_err forget(struct cli_context *c, const struct cli_devices *devices)
{
    char path[NODE_PATH_MAX], key[LIMIT_KEY_BYTES + 1], id[CRDT_ID_TEXT_MAX];
    struct cht_buf repos, data;
    struct cht_bytes holder;
    if (cli_clone_find(c, c->args[0], path) != CHT_OK) {
        c->fault = (struct node_fault){ 0 };
        resolve(c->args[0], path);
    }
    cht_buf_init(&data, LIMIT_VALUE_BYTES);
    enum cht_err err = cli_clone_repos(c, &repos);
    if (err == CHT_OK)
        err = cli_clone_key(c, devices, path, key);
    if (err == CHT_OK && !cli_clone_holder(cht_buf_view(&repos), key, &holder))
        err = node_fault_set(&c->fault, CHT_E_NOTFOUND, cht_bytes(NULL, 0),
                             "no repository has a clone %.160s on this machine", path);
    if (err == CHT_OK)
        err = cli_clone_data(key, NULL, 0, &data);
    if (err == CHT_OK) {
        const struct cht_bytes text = node_mp_get_str(holder, "chittyId");
        (void)snprintf(id, sizeof id, "%.*s", (int)text.len, (const char *)text.data);
        const struct cli_change change = { .op = NODE_UPDATE,
                                           .id = id,
                                           .data = cht_buf_view(&data) };
        err = cli_change(c, &change);
    }
    cht_buf_clear(&repos);
    cht_buf_clear(&data);
    return err;
}

static enum cht_err run(struct cli_context *c)
{
    struct cli_devices *devices = calloc(1, sizeof *devices);
    enum cht_err err = devices == NULL ? node_fault_from(&c->fault, CHT_E_NOMEM, NULL)
                                       : cli_gather_devices(c, devices);
    if (err == CHT_OK)
        err = forget(c, devices);
    free(devices);
    return err;
}

static const struct cli_flag flags[] = {
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_repo_forget = {
    .name = "forget",
    .summary = "Look after a clone on this machine no more.",
    .arguments = "PATH",
    .details = "The clone itself stays as it is, and so does the repository's record: "
               "`chitty repo delete` hides that.",
    .group = CLI_RECORDS,
    .kind = "change",
    .examples = "chitty repo forget ~/src/chitty-node",
    .args_min = 1,
    .args_max = 1,
    .flags = flags,
    .run = run,
};
