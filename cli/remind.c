/* remind: when a todo is to be spoken of again. */
#include "cli/base/change.h"
#include "cli/base/fields.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "crdt/limits.h"
#include "crdt/rfc3339.h"

static enum cht_err run(struct cli_context *c)
{
    char moment[CRDT_RFC3339_MAX], note[LIMIT_TITLE_BYTES + 1];
    struct cht_buf data;
    uint64_t ms = 0;
    const bool clear = cli_flag(c, "clear") != NULL;
    enum cht_err err = cli_date_take(c, "TIME", cht_bytes_str(c->args[1]), CLI_DAY_START, &ms);
    if (err == CHT_OK)
        err = cli_join_args(c, 2, note, sizeof note);
    if (err != CHT_OK)
        return err;
    crdt_rfc3339_text(ms, moment);
    cht_buf_init(&data, LIMIT_CLIENT_BYTES);
    err = crdt_mp_put_map(&data, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(&data, "reminders");
    if (err == CHT_OK)
        err = crdt_mp_put_map(&data, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(&data, moment);
    if (err == CHT_OK && clear)
        err = crdt_mp_put_nil(&data);
    else if (err == CHT_OK)
        err = note[0] == '\0' ? crdt_mp_put_bool(&data, true) : node_mp_put_text(&data, note);
    err = cli_fail(c, err);
    if (err == CHT_OK)
        err = cli_change_all(c, NODE_UPDATE, c->args, 1, cht_buf_view(&data));
    cht_buf_clear(&data);
    return err;
}

static const struct cli_flag flags[] = {
    { "clear", NULL, "do not remind then" },
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_remind = {
    .name = "remind",
    .summary = "Be reminded of a todo at a time, with a note.",
    .arguments = "ID TIME [NOTE…]",
    .details = "It is announced once, on one of the machines, where there are desktop"
               " notifications. A time of several words is quoted.",
    .group = CLI_EVERYDAY,
    .kind = "change",
    .examples = "chitty remind 01HXW3K9 \"tomorrow 9:00\" call the court\n"
                "chitty remind 01HXW3K9 +2h",
    .args_min = 2,
    .args_max = CLI_ARGS_MAX,
    .type = CRDT_TODO,
    .flags = flags,
    .run = run,
};
