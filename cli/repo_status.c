/* chitty repo status */
#include "cli/base/json.h"
#include "cli/base/record.h"
#include "cli/base/repo_clone.h"
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>

/* --- one clone ----------------------------------------------------------------------------- */

static enum cli_style style_of(struct cht_bytes state)
{
    static const char *const good[] = { "synced" };
    static const char *const bad[] = { "diverged", "missing", "unreadable" };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (cht_bytes_eq(state, cht_bytes_str(good[i])))
            return CLI_GREEN;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (cht_bytes_eq(state, cht_bytes_str(bad[i])))
            return CLI_RED;
    return CLI_YELLOW;
}

/* "2 ahead, 1 behind, changed files" */
static void put_rest(struct cli_out *out, struct cht_bytes clone)
{
    const uint64_t ahead = node_mp_get_uint(clone, "ahead", 0);
    const uint64_t behind = node_mp_get_uint(clone, "behind", 0);
    const char *before = "  ";
    if (ahead != 0) {
        cli_printf(out, "%s%llu ahead", before, (unsigned long long)ahead);
        before = ", ";
    }
    if (behind != 0) {
        cli_printf(out, "%s%llu behind", before, (unsigned long long)behind);
        before = ", ";
    }
    if (node_mp_get_bool(clone, "dirty"))
        cli_printf(out, "%schanged files", before);
}

static void put_clone(const struct cli_by_device *s, struct cht_bytes key, struct cht_bytes clone)
{
    struct cli_out *out = &s->c->out;
    const char *name = cli_device_name(s->devices, key);
    const struct cht_bytes state = node_mp_get_str(clone, "state");
    struct cht_bytes commit = node_mp_get_str(clone, "commit");
    const size_t device = key.len < 2 * CRDT_ID_BYTES ? key.len : 2 * CRDT_ID_BYTES;
    commit.len = commit.len > 8 ? 8 : commit.len;
    cli_put_text(out, "  ");
    cli_put_cell(out, name == NULL ? cht_bytes(key.data, device) : cht_bytes_str(name), 16);
    cli_put_text(out, "  ");
    cli_put_style(out, style_of(state));
    cli_put_cell(out, state, 11);
    cli_put_style(out, CLI_PLAIN);
    cli_put_text(out, "  ");
    cli_put_cell(out, node_mp_get_str(clone, "branch"), 20);
    cli_put_text(out, "  ");
    cli_put_cell(out, commit, 8);
    cli_put_text(out, "  ");
    cli_put_when(out, node_mp_get(clone, "at"));
    cli_put_text(out, "  ");
    cli_put_line(out, key.len > device + 1 ? cht_bytes(key.data + device + 1, key.len - device - 1)
                                           : key);
    put_rest(out, clone);
    cli_put_char(out, '\n');
}

static void put_member(struct cli_out *out, const char *name, struct cht_bytes value)
{
    cli_printf(out, ",\"%s\":", name);
    cli_json_text(out, value);
}

static void json_clone(struct cli_by_device *s, struct cht_bytes record, struct cht_bytes key,
                       struct cht_bytes clone)
{
    struct cli_out *out = &s->c->out;
    const size_t device = key.len < 2 * CRDT_ID_BYTES ? key.len : 2 * CRDT_ID_BYTES;
    const size_t path = device < key.len ? device + 1 : key.len;
    const char *name = cli_device_name(s->devices, key);
    struct node_mp_iter it = node_mp_iter(clone);
    struct cht_bytes member, value;
    cli_put_text(out, s->rows == 0 ? "{\"chittyId\":" : ",{\"chittyId\":");
    cli_json_text(out, node_mp_get_str(record, "chittyId"));
    put_member(out, "url", node_mp_get_str(node_mp_get(record, "data"), "url"));
    put_member(out, "device", cht_bytes(key.data, device));
    if (name != NULL)
        put_member(out, "deviceName", cht_bytes_str(name));
    put_member(out, "path", cht_bytes(key.data + path, key.len - path));
    while (it.is_map && node_mp_next(&it, &member, &value)) {
        cli_put_char(out, ',');
        cli_json_text(out, node_mp_str(member));
        cli_put_char(out, ':');
        cli_json_value(out, value);
    }
    cli_put_char(out, '}');
}

/* --- all of them --------------------------------------------------------------------------- */

static void put_repo(struct cli_by_device *s, struct cht_bytes record)
{
    struct node_mp_iter it = node_mp_iter(node_mp_get(node_mp_get(record, "data"), "worktrees"));
    struct cht_bytes key, clone;
    bool first = true;
    while (node_mp_next(&it, &key, &clone)) {
        const struct cht_bytes name = node_mp_str(key);
        if (s->c->json) {
            json_clone(s, record, name, clone);
        } else {
            if (first) {
                cli_put_style(&s->c->out, CLI_BOLD);
                cli_put_line(&s->c->out, node_mp_get_str(node_mp_get(record, "data"), "url"));
                cli_put_style(&s->c->out, CLI_PLAIN);
                cli_put_char(&s->c->out, '\n');
            }
            put_clone(s, name, clone);
        }
        first = false;
        s->rows++;
    }
}

static enum cht_err run(struct cli_context *c)
{
    struct cht_buf repos = { 0 };
    struct cli_devices *devices = calloc(1, sizeof *devices);
    struct cli_by_device s = { .c = c, .devices = devices };
    enum cht_err err = devices == NULL ? node_fault_from(&c->fault, CHT_E_NOMEM, NULL)
                                       : cli_gather_devices(c, devices);
    if (err == CHT_OK)
        err = cli_clone_repos(c, &repos);
    if (err == CHT_OK && cli_flag(c, "as-written") == NULL) {
        err = cli_clones_refresh(c, devices, cht_buf_view(&repos), NULL);
        cht_buf_clear(&repos);
        if (err == CHT_OK)
            err = cli_clone_repos(c, &repos);
    }
    if (err == CHT_OK)
        cli_put_by_device(&s, "clone-list", cht_buf_view(&repos), put_repo,
                          "no clones yet: chitty repo add PATH\n");
    cht_buf_clear(&repos);
    free(devices);
    return err;
}

static const struct cli_flag flags[] = {
    { "as-written", NULL, "do not look at the clones on this machine first" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_repo_status = {
    .name = "status",
    .summary = "The clones of all machines side by side.",
    .arguments = "",
    .details = "A line for each clone: machine, state, branch, commit, since when that is so, "
               "path. States are `synced`, `ahead`, `behind` and `diverged` (of the upstream as "
               "fetched last), `no-upstream`, `detached`, `missing` and `unreadable` (git does "
               "not tell). The clones on this machine are looked at first.",
    .group = CLI_RECORDS,
    .kind = "clone-list",
    .examples = "chitty repo status\n"
                "chitty repo status --json",
    .args_max = 0,
    .flags = flags,
    .run = run,
};
