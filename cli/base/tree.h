#ifndef CLI_BASE_TREE_H
#define CLI_BASE_TREE_H
/* Requests and answers as trees of JSON, for commands that put several answers together. */
#include "bridges/json/json.h"
#include "cli/base/command.h"

/* Ask what `payload` says (given away; NULL: no memory). `*out`, which the caller owns, is the
 * result of a command, or an array of all records of a read. Errors as cli_ask. */
CHT_MUST_USE enum cht_err cli_tree_ask(struct cli_context *c, enum node_msg_type type,
                                       json_t *payload, json_t **out);
/* A command without or with arguments (given away; may be NULL). */
CHT_MUST_USE enum cht_err cli_tree_command(struct cli_context *c, const char *name, json_t *args,
                                           json_t **out);
/* The text at a key, "" when there is none. */
const char *cli_tree_text(const json_t *object, const char *key);
/* Print a tree (given away) as the data of a document of this kind. */
void cli_tree_document(struct cli_context *c, const char *kind, json_t *data);
/* Text from outside on one line, and the short form of an id. */
void cli_tree_line(struct cli_out *out, const char *text);
void cli_tree_id(struct cli_out *out, const char *id);

#endif
