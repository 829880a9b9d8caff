/* chitty-node restore */
#include "cli/base/json.h"
#include "cli/commands.h"
#include "node/node.h"

#include <stdio.h>
#include <unistd.h>

static void tell(void *ctx, const char *text)
{
    (void)ctx;
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "%s\n", text);
}

static void put_json(struct cli_out *out, const struct node_restore_result *r)
{
    const struct {
        const char *name, *value;
    } texts[] = {
        { "{\"device\":", r->device },
        { ",\"space\":", r->space },
        { ",\"home\":", r->home },
        { ",\"kept\":", r->kept },
    };
    cli_json_begin(out, "restore");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cli_put_text(out, texts[i].name);
        cli_json_text(out, cht_bytes_str(texts[i].value));
    }
    cli_printf(out, ",\"entries\":%llu,\"backupAt\":%llu,\"made\":%s,\"writes\":%s}",
               (unsigned long long)r->entries, (unsigned long long)r->backup_ms,
               r->made ? "true" : "false", r->writes ? "true" : "false");
    cli_json_end(out);
}

static void put_text(struct cli_out *out, const struct node_restore_result *r)
{
    cli_printf(out, "space   %s\ndevice  %s%s\nhome    ", r->space, r->device,
               r->made ? "  (new)" : "");
    cli_put_line(out, cht_bytes_str(r->home));
    cli_printf(out, "\nentries %llu\n", (unsigned long long)r->entries);
    if (r->kept[0] != '\0') {
        cli_put_text(out, "kept    ");
        cli_put_line(out, cht_bytes_str(r->kept));
        cli_put_char(out, '\n');
    }
    if (r->writes)
        cli_put_text(out, "\nWhat this device wrote since the backup comes back from the others "
                          "when they meet.\n");
    else
        cli_put_text(out, "\nThis device is no member of the space: it reads. To let it write, on "
                          "a member:\n  chitty-node invite\nand here, with the node running:\n  "
                          "chitty-node join CODE\nIs no member left? chitty-node restore "
                          "--replace --new-space FILE\n");
}

static enum cht_err run(struct cli_context *c)
{
    const struct node_restore_options options = {
        .file = c->args[0],
        .name = cli_flag(c, "name"),
        .replace = cli_flag(c, "replace") != NULL,
        .found = cli_flag(c, "new-space") != NULL,
        .progress = tell,
    };
    struct node_restore_result r;
    enum cht_err err = node_restore(&options, &c->fault, &r);
    if (err != CHT_OK)
        return err;
    if (c->json)
        put_json(&c->out, &r);
    else
        put_text(&c->out, &r);
    return CHT_OK;
}

static const struct cli_flag flags[] = {
    { "replace", NULL, "also where there is a space already; its file is kept" },
    { "new-space", NULL, "take what it holds into a new space of this device" },
    { "name", "NAME", "what others see of the device that is made here" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_restore = {
    .name = "restore",
    .summary = "Put a backup in this home, checked before; the node must not run.",
    .arguments = "FILE",
    .details = "Every entry, signature and row of it is checked before. Where this "
               "home's device is a member of the space, it goes on writing there; what "
               "it wrote since the backup is taken back from the other devices when they"
               " meet. Anywhere else the device, a new one where there is none, only "
               "reads until a member invites it and it joins with `join`.\n"
               "\n"
               "With `--replace` the file of the space that is here is kept, and the "
               "output names it. `--new-space` takes what the backup holds into a new "
               "space of this device, under the same ids: for when no member of the old "
               "one is left.",
    .group = CLI_SETUP,
    .kind = "restore",
    .examples = "chitty-node restore ~/chitty-monday.db\n"
                "chitty-node restore --replace ~/chitty-monday.db",
    .args_min = 1,
    .args_max = 1,
    .flags = flags,
    .run = run,
};
