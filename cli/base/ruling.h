#ifndef CLI_BASE_RULING_H
#define CLI_BASE_RULING_H
/* What revoke, role and readmit share: the request and its answer. */
#include "cli/base/command.h"

/* An argument of the request: text, or without it a number, or without both true. */
struct cli_ruling_arg {
    const char *key, *value;
    uint64_t number; /* 0: none */
};

/* Ask command `name` about the device named by the first argument, with `count` more arguments;
 * where it is done, say `done` behind the device's name. */
CHT_MUST_USE enum cht_err cli_rule(struct cli_context *c, const char *name,
                                   const struct cli_ruling_arg *args, uint32_t count,
                                   const char *done);

#endif
