#ifndef CLI_BASE_AGENT_H
#define CLI_BASE_AGENT_H
/* For the commands about sessions: they ask by way of bridges/agent, whose answers are trees. */
#include "bridges/agent/agent.h"
#include "cli/base/command.h"

/* Connect; on behalf of the session that this runs in, if it runs in one. */
CHT_MUST_USE enum cht_err cli_agent_open(struct cli_context *c, struct agent **out);
/* What the agent's call said becomes what the command says. */
enum cht_err cli_agent_fail(struct cli_context *c, const struct agent *a, enum cht_err err);
/* Out of memory, unless there was an error before. */
enum cht_err cli_agent_memory(struct cli_context *c, enum cht_err err);

/* Print the one document; `data` is given away. */
void cli_json_tree(struct cli_context *c, const char *kind, json_t *data);
/* A time as documents have it, null where it is 0; and set at a key, which stays absent then. */
json_t *cli_json_when(json_int_t ms);
void cli_json_set_when(json_t *object, const char *key, json_int_t ms);
/* The same of a text that may be NULL. */
void cli_json_set_text(json_t *object, const char *key, const char *text);

/* A text of others on one line; NULL is nothing. */
void cli_put_line_of(struct cli_out *out, const char *text);
/* The same in a column. */
void cli_put_cell_of(struct cli_out *out, const char *text, size_t width);
/* "3 min ago", "2 d ago"; nothing of 0. */
void cli_put_ago(struct cli_out *out, uint64_t now_ms, json_int_t ms);

/* The data of a record, and the title that it has (titles of LOCAL 4.14 of a link, else its short
 * id in `room`). */
json_t *cli_data_of(const json_t *record);
const char *cli_link_title(const json_t *record, const char *field, struct agent_short *room);

/* A list of a domain: `where` (given away) is an array or NULL, `sort` may be NULL. */
CHT_MUST_USE enum cht_err cli_list_of(struct cli_context *c, struct agent *a, const char *domain,
                                      json_t *where, const char *sort, unsigned limit,
                                      json_t **out);
/* {field, op, value}; `value` is given away. */
json_t *cli_where(const char *field, const char *op, json_t *value);
/* One record by what people call it, with titles. `domain` NULL: of any. CHT_E_NOTFOUND. */
CHT_MUST_USE enum cht_err cli_get_of(struct cli_context *c, struct agent *a, const char *domain,
                                     const char *id, json_t **out);

/* The project of --project, or of the folder (`here`); "" is none and no error. */
CHT_MUST_USE enum cht_err cli_project_meant(struct cli_context *c, struct agent *a, bool here,
                                            char out[static CRDT_ID_TEXT_MAX]);

#endif
