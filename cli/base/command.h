#ifndef CLI_BASE_COMMAND_H
#define CLI_BASE_COMMAND_H
/* What a command is: a file ends in its `const struct cli_command`; chitty.c and chitty_node.c list
 * them. The table feeds dispatch, help, the check of flags and the test of the manual pages. */
#include "cli/base/backend.h"
#include "cli/base/pick.h"
#include "crdt/schema.h"
#include "node/client/fault.h"

/* A flag of a command. */
struct cli_flag {
    const char *name;  /* without the dashes */
    const char *value; /* what it takes, for help: "N"; NULL: it takes nothing */
    const char *doc;
};

/* Which flags a command has besides its own, one or two a field of the type. */
enum cli_fields {
    CLI_FIELDS_NONE,
    CLI_FIELDS_WRITE,  /* values to write; sets and maps by element */
    CLI_FIELDS_FILTER, /* values that records must have */
};

/* Where it stands in help and manual. */
enum cli_group {
    CLI_EVERYDAY,
    CLI_RECORDS,
    CLI_INSPECT,
    CLI_DEVICES,
    CLI_SETUP,
    CLI_HIDDEN, /* for programs: neither listed nor completed */
    CLI_GROUP_COUNT
};

struct cli_context;

struct cli_command {
    const char *name;
    const char *summary;   /* one line */
    const char *arguments; /* after the flags: "ID…" */
    const char *details;   /* more, in the markup of cli/base/markup.h; NULL: none */
    const char *examples;  /* lines of shell */
    enum cli_group group;
    /* Of the JSON document that it prints (cli/base/kinds.h); "@" stands for the type ("@-list": of
     * todos "todo-list"). "": it prints none. */
    const char *kind;
    const char *shapes; /* what -o may name beside the usual, as "tree,dot"; NULL: nothing */
    bool pages;         /* what it prints may be long: through a pager on a terminal */
    bool as_script; /* a flag it has not is refused as the original script did: in its words, and by
                     * exit status 1 */
    bool dashes;    /* its arguments may begin with a dash, as in `label ID -old` */
    unsigned args_min, args_max;
    int usage_status; /* exit status where it is called otherwise; 0: as everywhere, 2 */
    unsigned type;    /* enum crdt_type whose fields it has; 0: none, or that of its noun */
    enum cli_fields fields;
    const struct cli_flag *flags; /* ends with a name of NULL; NULL: none */
    /* Do it. CHT_OK, or the code that decides the exit status, with `c->fault` filled in. */
    enum cht_err (*run)(struct cli_context *c);
};

/* "todo": verbs on records of a type, or with type 0 on something else. */
struct cli_noun {
    const char *name;
    const char *summary; /* what such a thing is; without a full stop */
    unsigned type;       /* whose records; it has the program's verbs too */
    const struct cli_command *const
        *verbs;                          /* its own, which come first; ends with NULL; NULL: none */
    const struct cli_command *otherwise; /* meant where the next word is no verb; NULL: nothing */
};

/* Words that mean others, as the original documents have them. */
struct cli_alias {
    const char *said;  /* "claude todos list" */
    const char *means; /* "todo list" */
};

struct cli_program {
    const char *name;    /* "chitty" */
    const char *summary; /* one line */
    const char *details; /* of the program, in the markup of cli/base/markup.h */
    const struct cli_command *const *commands; /* ends with NULL */
    const struct cli_noun *nouns;              /* ends with a name of NULL; NULL: none */
    const struct cli_command *const *verbs;    /* of every noun with a type */
    const struct cli_alias *aliases;           /* ends with NULL; NULL: none */
    enum cht_err (*open_backend)(enum cli_reach reach, struct node_fault *fault,
                                 struct cli_backend *out);
};

/* A flag as given, in order. */
struct cli_given {
    const struct cli_flag *flag;    /* an own or common flag; else NULL */
    const struct crdt_field *field; /* a field's flag; else NULL */
    bool element;                   /* the flag of one element (--label), not of the whole set */
    const char *value;              /* NULL: takes none */
};

#define CLI_ARGS_MAX 4096u /* arguments and flags of one command */

struct cli_context {
    const struct cli_program *program;
    const struct cli_command *command;
    const char *noun; /* "todo", or NULL */
    unsigned type;    /* of the noun or the command; 0: none */
    uint64_t now_ms;  /* wall clock at the start */
    bool json;        /* --json, or something else that is made of JSON */
    enum cli_format format;
    const char *picks; /* names of --json=…; NULL: all */
    const char *args[CLI_ARGS_MAX];
    size_t arg_count;
    size_t literal_from; /* those from here on stood after `--` */
    struct cli_given given[CLI_ARGS_MAX];
    size_t given_count;
    struct cli_backend backend;
    struct node_fault fault;
    bool failed;        /* it was done and told, and what it found makes exit status 1 */
    int status;         /* not 0: the exit status of what was done, whatever the table says */
    struct cli_out out; /* standard output */
};

/* Run a program: returns the exit status (see cli_exit_status). */
int cli_main(const struct cli_program *program, int argc, char **argv);

/* The last value given of an own or common flag; NULL when not given. Flags without a value: "". */
const char *cli_flag(const struct cli_context *c, const char *name);
/* A whole number from `min` to `max` of a flag, or `otherwise` when it is not given.
 * CHT_E_INVALID with a fault that names both. */
CHT_MUST_USE enum cht_err cli_flag_uint(struct cli_context *c, const char *name, uint64_t min,
                                        uint64_t max, uint64_t otherwise, uint64_t *out);
/* The backend, opened at the first need. */
CHT_MUST_USE enum cht_err cli_open(struct cli_context *c, enum cli_reach reach);

/* DESIGN: 0 ok, 1 failed, 2 usage, 3 node unreachable, 4 not allowed, 5 conflict or held by
 * another, 6 peer offline, 7 not found. `answered`: the node said so. */
int cli_exit_status(enum cht_err err, bool answered);

#endif
