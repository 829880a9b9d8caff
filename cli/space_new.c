/* chitty space new */
#include "cli/base/spaces.h"
#include "cli/commands.h"
#include "node/client/autostart.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WORDS_MAX 8u

/* From here on it is chitty-node's work, which alone knows keys and databases: this process becomes
 * it, so that what it says and how it ends is what is seen. */
static enum cht_err become_init(struct cli_context *c)
{
    static const char *const passed[] = { "name", "kept" };
    static char words[2][64 + 128];
    char program[NODE_PATH_MAX], first[] = "chitty-node", init[] = "init", json[] = "--json";
    char *argv[WORDS_MAX] = { first, init };
    size_t n = 2;
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++) {
        const char *value = cli_flag(c, passed[i]);
        if (value == NULL)
            continue;
        if (strlen(value) > 128)
            return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str(passed[i]),
                                  "--%s is too long", passed[i]);
        (void)snprintf(words[i], sizeof words[i], "--%s=%s", passed[i], value);
        argv[n++] = words[i];
    }
    if (c->json)
        argv[n++] = json;
    node_program(program);
    (void)execvp(program, argv);
    return node_fault_set(&c->fault, CHT_E_UNREACHABLE, cht_bytes(NULL, 0),
                          "%s cannot be started: %s", program, strerror(errno));
}

static enum cht_err run(struct cli_context *c)
{
    const char *name = c->args[0];
    struct node_paths base, p;
    struct cht_error detail = { 0 };
    struct cli_space there;
    if (!node_space_name_good(name))
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("space"),
                              "\"%.40s\" is not allowed: a name is 1 to 32 of a-z, 0-9, - and _",
                              name);
    if (cli_space_find(name, &c->fault, &there) == CHT_OK && there.id[0] != '\0') {
        (void)node_fault_set(&c->fault, CHT_E_EXISTS, cht_bytes_str("space"),
                             "there is a space \"%s\" already", name);
        node_fault_hint(&c->fault, "use it: chitty space use %s", name);
        return CHT_E_EXISTS;
    }
    c->fault = (struct node_fault){ 0 };
    enum cht_err err = node_paths_base(&detail, &base);
    if (err == CHT_OK)
        err = node_space_paths(&base, name, &detail, &p);
    if (err == CHT_OK)
        err = node_path_make(p.data, &detail);
    if (err != CHT_OK)
        return node_fault_from(&c->fault, err, &detail);
    if (setenv("CHITTY_SPACE", name, 1) != 0)
        return node_fault_from(&c->fault, CHT_E_NOMEM, NULL);
    return become_init(c);
}

static const struct cli_flag flags[] = {
    { "name", "NAME", "what others in it see of this device; usually the host's name" },
    { "kept", "SPACE", "one that join --keep-both left here, by its id" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_space_new = {
    .name = "new",
    .summary = "Make another space, with a node of its own.",
    .arguments = "NAME",
    .kind = "init",
    .examples = "chitty space new work\n"
                "chitty --space work add \"Prepare the talk\"\n"
                "chitty-node --space work invite",
    .args_min = 1,
    .args_max = 1,
    .flags = flags,
    .run = run,
};
