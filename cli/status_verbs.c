/* start, stop, done, cancel, reopen: the words of a todo's status as commands. */
#include "cli/base/chosen.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "crdt/limits.h"

static const struct {
    const struct cli_command *command;
    const char *status;
} verbs[] = {
    { &cli_start, "in_progress" }, { &cli_stop_todo, "pending" }, { &cli_done, "completed" },
    { &cli_cancel, "cancelled" },  { &cli_reopen, "pending" },
};

static enum cht_err put_status(struct cli_context *c, struct cht_buf *data)
{
    const char *reason = cli_flag(c, "reason"), *status = "";
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (verbs[i].command == c->command)
            status = verbs[i].status;
    }
    enum cht_err err = crdt_mp_put_map(data, reason == NULL ? 1 : 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(data, "status", status);
    if (err == CHT_OK && reason != NULL)
        err = node_mp_put_key_text(data, "close_reason", reason);
    return err;
}

static enum cht_err run(struct cli_context *c)
{
    struct cli_ids ids = { 0 };
    struct cht_buf data;
    cht_buf_init(&data, LIMIT_CLIENT_BYTES);
    enum cht_err err = cli_fail(c, put_status(c, &data));
    if (err == CHT_OK)
        err = cli_chosen_read(c, &ids);
    if (err == CHT_OK)
        err = cli_change_all(c, NODE_UPDATE, ids.list, ids.count, cht_buf_view(&data));
    cli_ids_clear(&ids);
    cht_buf_clear(&data);
    return err;
}

static const struct cli_flag flags[] = {
    CLI_YES,
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

static const struct cli_flag closing_flags[] = {
    { "reason", "TEXT", "why, kept with the todo" },
    CLI_YES,
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

#define STATUS_VERB                                                                                \
    .arguments = "ID…|-|FILTER", .group = CLI_EVERYDAY, .kind = "change", .args_min = 1,           \
    .args_max = CLI_ARGS_MAX, .type = CRDT_TODO, .run = run

const struct cli_command cli_done = {
    .name = "done",
    .summary = "Complete todos.",
    .details = "Up to 256 are one change: all of them or none. \"-\" reads ids from standard input,"
               " the first word of each line. A filter (`chitty help filters`) chooses all that "
               "meet it and"
               " are not finished; that is asked about before it is done. A todo that recurs "
               "(--recurrence) comes again.",
    .examples = "chitty done 01HXW3K9\n"
                "chitty done TODO-01HXW3K9 TODO-4F2KJ5ZK --reason \"fixed in 1.4\"\n"
                "chitty done project:compiler +bug\n"
                "chitty ls -o name --label later | chitty done -",
    .flags = closing_flags,
    STATUS_VERB,
};

const struct cli_command cli_cancel = {
    .name = "cancel",
    .summary = "Say that todos will not be done.",
    .details = "A todo that recurs does not come again.",
    .examples = "chitty cancel 01HXW3K9 --reason \"nobody needs it\"",
    .flags = closing_flags,
    STATUS_VERB,
};

const struct cli_command cli_reopen = {
    .name = "reopen",
    .summary = "Take back that todos are done or cancelled.",
    .examples = "chitty reopen 01HXW3K9",
    .flags = flags,
    STATUS_VERB,
};

const struct cli_command cli_start = {
    .name = "start",
    .summary = "Say that work on todos has begun.",
    .examples = "chitty start 01HXW3K9",
    .flags = flags,
    STATUS_VERB,
};

const struct cli_command cli_stop_todo = {
    .name = "stop",
    .summary = "Say that work on todos rests: they are pending again.",
    .examples = "chitty stop 01HXW3K9",
    .flags = flags,
    STATUS_VERB,
};
