/* The command tables, looked up. */
#include "cli/base/table.h"

const char *const cli_group_titles[CLI_GROUP_COUNT] = {
    [CLI_EVERYDAY] = "everyday", [CLI_RECORDS] = "records",  [CLI_INSPECT] = "looking into it",
    [CLI_DEVICES] = "devices",   [CLI_SETUP] = "setting up", [CLI_HIDDEN] = "for programs",
};

const struct cli_command *cli_command_at(const struct cli_program *program, size_t index)
{
    size_t count = 0;
    while (program->commands[count] != NULL)
        count++;
    return index < count ? program->commands[index] : NULL;
}

const struct cli_noun *cli_noun_at(const struct cli_program *program, size_t index)
{
    size_t count = 0;
    while (program->nouns != NULL && program->nouns[count].name != NULL)
        count++;
    return index < count ? &program->nouns[index] : NULL;
}

static const struct cli_command *find(const struct cli_command *const *commands, const char *name)
{
    for (; commands != NULL && *commands != NULL; commands++) {
        if (strcmp((*commands)->name, name) == 0)
            return *commands;
    }
    return NULL;
}

const struct cli_command *cli_verb_at(const struct cli_program *program,
                                      const struct cli_noun *noun, size_t index)
{
    for (size_t i = 0; noun->verbs != NULL && noun->verbs[i] != NULL; i++) {
        if (index-- == 0)
            return noun->verbs[i];
    }
    for (size_t i = 0; noun->type != 0 && program->verbs[i] != NULL; i++) {
        if (find(noun->verbs, program->verbs[i]->name) == NULL && index-- == 0)
            return program->verbs[i];
    }
    return NULL;
}

const struct cli_command *cli_command_named(const struct cli_program *program, const char *name)
{
    return find(program->commands, name);
}

const struct cli_noun *cli_noun_of_many(const struct cli_program *program, const char *name)
{
    const struct cli_noun *noun;
    for (size_t i = 0; (noun = cli_noun_at(program, i)) != NULL; i++) {
        if (noun->type != 0 && strcmp(crdt_type_domain(noun->type), name) == 0)
            return noun;
    }
    return NULL;
}

const struct cli_noun *cli_noun_named(const struct cli_program *program, const char *name)
{
    const struct cli_noun *noun;
    for (size_t i = 0; (noun = cli_noun_at(program, i)) != NULL; i++) {
        if (strcmp(noun->name, name) == 0)
            return noun;
    }
    return cli_command_named(program, name) != NULL ? NULL : cli_noun_of_many(program, name);
}

const struct cli_command *cli_verb_named(const struct cli_program *program,
                                         const struct cli_noun *noun, const char *name)
{
    const struct cli_command *own = find(noun->verbs, name);
    return own != NULL || noun->type == 0 ? own : find(program->verbs, name);
}

const struct cli_command *cli_verb_meant(const struct cli_program *program,
                                         const struct cli_noun *noun, const char *word)
{
    static const struct {
        const char *said, *name;
    } others[] = { { "add", "create" }, { "new", "create" },    { "ls", "list" },
                   { "rm", "delete" },  { "remove", "delete" }, { "edit", "update" },
                   { "set", "update" } };
    const struct cli_command *command = cli_verb_named(program, noun, word);
    for (size_t i = 0; command == NULL && i < sizeof others / sizeof others[0]; i++) {
        if (strcmp(others[i].said, word) == 0)
            command = cli_verb_named(program, noun, others[i].name);
    }
    if (command != NULL || noun->type == 0)
        return command;
    command = cli_command_named(program, word);
    return command != NULL && command->type == noun->type ? command : NULL;
}
