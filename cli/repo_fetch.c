/* chitty repo fetch */
#include "cli/base/repo_clone.h"
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* git's own words are on stderr; the first failure decides the exit status, the rest is done all
 * the same. */
static enum cht_err fetch_one(struct cli_context *c, const char *path)
{
    const enum cht_err err = node_git_is_clone(path) ? node_git_fetch(path) : CHT_E_NOTFOUND;
    if (err == CHT_OK)
        cli_printf(&c->out, "%s\n", path);
    if (err == CHT_OK || c->fault.error.code != CHT_OK)
        return err;
    return node_fault_set(&c->fault, err == CHT_E_INVALID ? CHT_E_IO : err, cht_bytes(NULL, 0),
                          "%.160s could not be fetched", path);
}

static enum cht_err fetch_all(struct cli_context *c, const struct cli_devices *devices,
                              struct cht_bytes repos)
{
    struct cht_wire w = cht_wire(repos);
    struct cht_bytes record, key, value;
    enum cht_err first = CHT_OK;
    while (cli_gathered_next(&w, &record)) {
        struct node_mp_iter it =
            node_mp_iter(node_mp_get(node_mp_get(record, "data"), "worktrees"));
        while (node_mp_next(&it, &key, &value)) {
            char text[NODE_PATH_MAX];
            const struct cht_bytes path = cli_clone_path(devices, node_mp_str(key));
            if (path.len == 0)
                continue;
            (void)snprintf(text, sizeof text, "%.*s", (int)path.len, (const char *)path.data);
            if (fetch_one(c, text) != CHT_OK)
                first = c->fault.error.code;
        }
    }
    return first;
}

static enum cht_err run(struct cli_context *c)
{
    char path[NODE_PATH_MAX];
    const bool one = c->arg_count > 0;
    struct cht_buf repos = { 0 };
    struct cli_devices *devices = calloc(1, sizeof *devices);
    enum cht_err err = devices == NULL ? node_fault_from(&c->fault, CHT_E_NOMEM, NULL)
                                       : cli_gather_devices(c, devices);
    if (err == CHT_OK && one)
        err = cli_clone_find(c, c->args[0], path);
    if (err == CHT_OK)
        err = cli_clone_repos(c, &repos);
    if (err == CHT_OK) {
        err = one ? fetch_one(c, path) : fetch_all(c, devices, cht_buf_view(&repos));
        const struct node_fault fault = c->fault;
        const enum cht_err told =
            cli_clones_refresh(c, devices, cht_buf_view(&repos), one ? path : NULL);
        if (err != CHT_OK)
            c->fault = fault;
        err = err == CHT_OK ? told : fault.error.code;
    }
    cht_buf_clear(&repos);
    free(devices);
    return err;
}

const struct cli_command cli_repo_fetch = {
    .name = "fetch",
    .summary = "Fetch the clones on this machine, or one of them.",
    .arguments = "[PATH]",
    .details = "Runs `git fetch` in each clone that was added. Nothing else of chitty speaks with "
               "the remotes of repositories: how far a clone is ahead or behind is told by what "
               "was fetched last.",
    .group = CLI_RECORDS,
    .kind = "",
    .examples = "chitty repo fetch\n"
                "chitty repo fetch ~/src/chitty-node",
    .args_max = 1,
    .run = run,
};
