/* prio, due, parent, assign, label, block, unblock: one field of a todo as a command. */
#include "cli/base/change.h"
#include "cli/base/fields.h"
#include "cli/base/me.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "crdt/limits.h"

#define TEXT_MAX 1024u /* of a value of several words */

/* "none" takes a value away. */
static bool is_none(const char *text)
{
    return strcmp(text, "none") == 0;
}

static enum cht_err send(struct cli_context *c, const char *const *ids, size_t count,
                         struct cht_buf *data, enum cht_err err)
{
    err = cli_fail(c, err);
    if (err == CHT_OK)
        err = cli_change_all(c, NODE_UPDATE, ids, count, cht_buf_view(data));
    cht_buf_clear(data);
    return err;
}

static enum cht_err put_register(struct cli_context *c, const char *name, const char *text,
                                 struct cht_buf *data)
{
    const struct crdt_field *f = crdt_field_named(CRDT_TODO, cht_bytes_str(name));
    cht_buf_init(data, LIMIT_CLIENT_BYTES);
    enum cht_err err = crdt_mp_put_map(data, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(data, name);
    if (err != CHT_OK)
        return err;
    return is_none(text) ? crdt_mp_put_nil(data) : cli_value_put(c, f, false, text, data);
}

/* --- one value, the last argument ----------------------------------------------------------- */

static enum cht_err run_prio(struct cli_context *c)
{
    struct cht_buf data;
    const enum cht_err err = put_register(c, "priority", c->args[c->arg_count - 1], &data);
    return send(c, c->args, c->arg_count - 1, &data, err);
}

static enum cht_err run_parent(struct cli_context *c)
{
    struct cht_buf data;
    const enum cht_err err = put_register(c, "parent", c->args[c->arg_count - 1], &data);
    return send(c, c->args, c->arg_count - 1, &data, err);
}

/* Dates may be several words: "next monday 14:00". */
static enum cht_err run_due(struct cli_context *c)
{
    struct cht_buf data;
    char text[TEXT_MAX];
    enum cht_err err = cli_join_args(c, 1, text, sizeof text);
    if (err != CHT_OK)
        return err;
    err = put_register(c, "deadline", text, &data);
    return send(c, c->args, 1, &data, err);
}

/* --- elements of a set ---------------------------------------------------------------------- */

struct element {
    const char *text;
    bool gone; /* "-text" */
};

static enum cht_err put_elements(struct cli_context *c, const char *name,
                                 const struct element *list, size_t count, struct cht_buf *data)
{
    const struct crdt_field *f = crdt_field_named(CRDT_TODO, cht_bytes_str(name));
    uint32_t of[2] = { 0, 0 };
    for (size_t i = 0; i < count; i++)
        of[list[i].gone]++;
    cht_buf_init(data, LIMIT_CLIENT_BYTES);
    enum cht_err err = crdt_mp_put_map(data, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(data, name);
    if (err == CHT_OK)
        err = crdt_mp_put_map(data, 0u + (of[0] != 0) + (of[1] != 0));
    for (unsigned gone = 0; err == CHT_OK && gone < 2; gone++) {
        if (of[gone] == 0)
            continue;
        err = node_mp_put_text(data, gone != 0 ? "remove" : "add");
        if (err == CHT_OK)
            err = crdt_mp_put_array(data, of[gone]);
        for (size_t i = 0; err == CHT_OK && i < count; i++) {
            if (list[i].gone == (gone != 0))
                err = cli_value_put(c, f, true, list[i].text, data);
        }
    }
    return err;
}

/* ID, then words: "+a", "a" to add, "-a" to take away. */
static enum cht_err run_words(struct cli_context *c)
{
    struct element list[CLI_ARGS_MAX];
    struct cht_buf data;
    char me[CLI_ME_MAX];
    const size_t count = c->arg_count - 1;
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        const char *text = c->args[i + 1];
        const bool sign = (text[0] == '+' || text[0] == '-') && text[1] != '\0';
        list[i] = (struct element){ text + sign, text[0] == '-' && sign };
        if (c->command == &cli_assign && strcmp(list[i].text, "@me") == 0)
            err = cli_me(c, list[i].text, me, &list[i].text);
    }
    if (err != CHT_OK)
        return err;
    err = put_elements(c, c->command == &cli_label ? "labels" : "assignees", list, count, &data);
    return send(c, c->args, 1, &data, err);
}

/* ID, --on ID… and further ones: what it waits for. */
static enum cht_err run_block(struct cli_context *c)
{
    struct element list[2 * CLI_ARGS_MAX];
    struct cht_buf data;
    const bool gone = c->command == &cli_unblock;
    size_t count = 0;
    for (size_t i = 0; i < c->given_count; i++) {
        if (c->given[i].flag != NULL && strcmp(c->given[i].flag->name, "on") == 0)
            list[count++] = (struct element){ c->given[i].value, gone };
    }
    const bool said = count != 0;
    for (size_t i = 1; said && i < c->arg_count; i++)
        list[count++] = (struct element){ c->args[i], gone };
    if (said) {
        const enum cht_err err = put_elements(c, "dependencies", list, count, &data);
        return send(c, c->args, 1, &data, err);
    }
    const enum cht_err err = put_register(c, "status", gone ? "pending" : "blocked", &data);
    return send(c, c->args, c->arg_count, &data, err);
}

/* --- the commands --------------------------------------------------------------------------- */

static const struct cli_flag flags[] = {
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

static const struct cli_flag block_flags[] = {
    { "on", "ID", "a todo that must be done first; more may follow" },
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

#define FIELD_VERB                                                                                 \
    .group = CLI_EVERYDAY, .kind = "change", .args_max = CLI_ARGS_MAX, .type = CRDT_TODO

const struct cli_command cli_prio = {
    .name = "prio",
    .summary = "Set the priority of todos: low, medium, high, critical or none.",
    .arguments = "ID… PRIORITY",
    .examples = "chitty prio 01HXW3K9 high\n"
                "chitty prio 01HXW3K9 4F2KJ5ZK none",
    .args_min = 2,
    .flags = flags,
    .run = run_prio,
    FIELD_VERB,
};

const struct cli_command cli_due = {
    .name = "due",
    .summary = "Set when a todo must be done, or none.",
    .arguments = "ID TIME",
    .examples = "chitty due 01HXW3K9 tomorrow\n"
                "chitty due 01HXW3K9 2026-03-01T18:00\n"
                "chitty due 01HXW3K9 none",
    .args_min = 2,
    .flags = flags,
    .run = run_due,
    FIELD_VERB,
};

const struct cli_command cli_parent = {
    .name = "parent",
    .summary = "Make todos a part of another one, or of none.",
    .arguments = "ID… PARENT",
    .examples = "chitty parent 01HXW3K9 4F2KJ5ZK\n"
                "chitty parent 01HXW3K9 none",
    .args_min = 2,
    .flags = flags,
    .run = run_parent,
    FIELD_VERB,
};

const struct cli_command cli_label = {
    .name = "label",
    .summary = "Put labels on a todo, or with - take them off.",
    .arguments = "ID [+|-]LABEL…",
    .examples = "chitty label 01HXW3K9 +urgent -later",
    .dashes = true,
    .args_min = 2,
    .flags = flags,
    .run = run_words,
    FIELD_VERB,
};

const struct cli_command cli_assign = {
    .name = "assign",
    .summary = "Give a todo to users and agents, or with - take it from them.",
    .arguments = "ID [+|-]WHO…",
    .examples = "chitty assign 01HXW3K9 @me\n"
                "chitty assign 01HXW3K9 +bob -ana",
    .dashes = true,
    .args_min = 2,
    .flags = flags,
    .run = run_words,
    FIELD_VERB,
};

const struct cli_command cli_block = {
    .name = "block",
    .summary = "Say what a todo waits for.",
    .arguments = "ID… [--on ID…]",
    .details = "With --on the todo depends on others, and is ready when they are done. Without it"
               " the status of todos becomes blocked: they wait for something that is no todo.",
    .examples = "chitty block 01HXW3K9 --on 4F2KJ5ZK\n"
                "chitty block 01HXW3K9 --on 4F2KJ5ZK 7QX2M9AB\n"
                "chitty block 01HXW3K9",
    .args_min = 1,
    .flags = block_flags,
    .run = run_block,
    FIELD_VERB,
};

const struct cli_command cli_unblock = {
    .name = "unblock",
    .summary = "Say that a todo does not wait any more.",
    .arguments = "ID… [--on ID…]",
    .details = "With --on it does not depend on those any more; without it the status of todos"
               " becomes pending.",
    .examples = "chitty unblock 01HXW3K9 --on 4F2KJ5ZK\n"
                "chitty unblock 01HXW3K9",
    .args_min = 1,
    .flags = block_flags,
    .run = run_block,
    FIELD_VERB,
};
