#ifndef CLI_IMPORT_IMPORT_H
#define CLI_IMPORT_IMPORT_H
/* The formats that `chitty-node import` reads, each a file: one object of the source to records. */
#include "cli/import/id_set.h"
#include "cli/import/record.h"
#include "node/client/fault.h"

/* What reading an object may need besides it. */
struct cli_import_reading {
    struct cht_arena *arena;           /* of the records */
    const struct crdt_id *project;     /* for todos that name none; NULL: none */
    const struct cli_id_set *projects; /* written already in this run */
    bool overwrite;                    /* jsonl: what is here becomes as the file has it */
    uint64_t line;
    struct node_fault *fault;
};

struct cli_import_format {
    const char *name;
    /* Does the first object of a file look like one? */
    bool (*is)(struct cht_bytes object);
    /* The records that an object stands for, the first with the others after it; NULL in `*out`:
     * for none. The object is as cli_json_parse_deep has it. CHT_E_INVALID with a fault: it cannot
     * be read; CHT_E_NOMEM. */
    enum cht_err (*read)(const struct cli_import_reading *how, struct cht_bytes object,
                         struct cli_import_record **out);
};

extern const struct cli_import_format cli_import_beads;       /* import_beads.c */
extern const struct cli_import_format cli_import_taskwarrior; /* import_taskwarrior.c */
extern const struct cli_import_format cli_import_jsonl;       /* import_jsonl.c */

#define CLI_IMPORT_DEPTH 12u /* of a line of JSON: an export's values lie three levels deep */

/* A sentence about an object, as the fault. Returns CHT_E_INVALID. */
enum cht_err cli_import_wrong(const struct cli_import_reading *how, const char *field,
                              const char *sentence);
/* The natural id of a text in a source, and its text. */
void cli_import_id(unsigned type, const char *source, struct cht_bytes key, struct crdt_id *out,
                   char text[static CRDT_ID_TEXT_MAX]);
/* A comment on `parent`: a MESSAGE after the last of its group. Its id is natural: of the key
 * "PARENT LF created LF author LF text". One that is there already is not said again. `*out` (may
 * be NULL): the message, NULL where there is none. */
CHT_MUST_USE enum cht_err cli_import_comment(const struct cli_import_reading *how,
                                             struct cli_import_record *parent,
                                             struct cht_bytes parent_key, struct cht_bytes created,
                                             struct cht_bytes author, struct cht_bytes text,
                                             struct cli_import_record **out);
/* Put a record at the end of a group. */
void cli_import_after(struct cli_import_record *first, struct cli_import_record *record);

#endif
