#ifndef CLI_BASE_REPORT_H
#define CLI_BASE_REPORT_H
/* How a command that failed says so: a line for people, or with --json one object, on standard
 * error. */
#include "cli/base/command.h"

/* Print `c->fault` (of `err`, or its plain sentence where the fault is another's). */
void cli_report(const struct cli_context *c, enum cht_err err);
/* A line "HEAD: TEXT" on standard error (NULL: "TEXT"), of something that ends nothing. Both may be
 * from outside: nothing in them reaches the terminal as a control. */
void cli_warn(const char *head, const char *text);

#endif
