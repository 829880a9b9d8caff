/* comment: a message about a record. */
#include "cli/base/change.h"
#include "cli/base/fields.h"
#include "cli/base/me.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "crdt/limits.h"

/* Who says it: --author, or the user. NULL: nobody knows who. */
static const char *author_of(const struct cli_context *c, char room[static CLI_ME_MAX])
{
    const char *author = cli_flag(c, "author");
    cli_user(room);
    if (author != NULL)
        return author;
    return room[0] == '\0' ? NULL : room;
}

static enum cht_err put_comment(struct cli_context *c, const char *text, struct cht_buf *data)
{
    char room[CLI_ME_MAX];
    const char *author = author_of(c, room);
    const struct crdt_field *content = crdt_field_named(CRDT_MESSAGE, cht_bytes_str("content"));
    enum cht_err err = crdt_mp_put_map(data, author == NULL ? 2 : 3);
    if (err == CHT_OK)
        err = node_mp_put_key_text(data, "about", c->args[0]);
    if (err == CHT_OK && author != NULL)
        err = node_mp_put_key_text(data, "author", author);
    if (err == CHT_OK)
        err = node_mp_put_text(data, "content");
    return err == CHT_OK ? cli_value_put(c, content, false, text, data) : err;
}

static enum cht_err run(struct cli_context *c)
{
    static char text[LIMIT_VALUE_BYTES + 1];
    struct cli_changes x;
    struct cht_buf data;
    enum cht_err err = cli_text_args(c, 1, text, sizeof text);
    if (err != CHT_OK)
        return err;
    cht_buf_init(&data, LIMIT_CLIENT_BYTES);
    cli_changes_begin(c, &x);
    err = put_comment(c, text, &data);
    if (err == CHT_OK)
        err = cli_changes_add(&x, NODE_CREATE, CRDT_MESSAGE, NULL, cht_buf_view(&data));
    err = cli_changes_end(&x, err);
    cht_buf_clear(&data);
    return err;
}

static const struct cli_flag flags[] = {
    { "author", "WHO", "who says it; usually the user (CHITTY_USER)" },
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_comment = {
    .name = "comment",
    .summary = "Say something about a record; prints the id of the message.",
    .arguments = "ID TEXT…|-|@FILE",
    .group = CLI_EVERYDAY,
    .kind = "change",
    .examples = "chitty comment 01HXW3K9 \"waits for the release\"\n"
                "chitty comment 01HXW3K9 @notes.md --author ana",
    .args_min = 2,
    .args_max = CLI_ARGS_MAX,
    .flags = flags,
    .run = run,
};
