#ifndef CLI_BASE_RECORD_H
#define CLI_BASE_RECORD_H
/* Values and records for people. */
#include "cli/base/command.h"

/* The type of a record's or event's entity, by its id; 0 when it has none. */
unsigned cli_record_type(struct cht_bytes record);
/* A value on one line: times in local time, sets and maps with commas, texts without line breaks.
 * `field` may be NULL. Nothing for an absent value. */
void cli_put_value(struct cli_out *out, const struct crdt_field *field, struct cht_bytes value);
/* Time of a stamp in ms (a UINT object) in local time; "-" when absent. */
void cli_put_when(struct cli_out *out, struct cht_bytes ms);
/* A linked record, as "garden (PROJ-1K2RVSZT)" where `titles`, a map of id to title, has it. */
void cli_put_link(struct cli_out *out, struct cht_bytes id, struct cht_bytes titles);
/* "name:" before a value, filled up so that values stand below each other. */
void cli_put_name(struct cli_out *out, struct cht_bytes name);
/* A record of `get` (LOCAL 4.4): a line a field, longer texts below their names. */
void cli_put_record(struct cli_out *out, struct cht_bytes record);
/* The same, or with --json a document of the kind of `c->type`. */
void cli_put_document(struct cli_context *c, struct cht_bytes record);
/* A line where it is made of several, or another one was asked for (LOCAL 9.1). */
void cli_put_merged(struct cli_out *out, struct cht_bytes record);

/* "TODO-01HXW3K9" of "CHITTY-TODO-01HXW3K9…": enough to type; other texts as they are. */
struct cht_bytes cli_short_id(struct cht_bytes id);
/* Style of a status word or priority; CLI_PLAIN for others. */
enum cli_style cli_word_style(struct cht_bytes word);

#endif
