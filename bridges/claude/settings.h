#ifndef BRIDGES_CLAUDE_SETTINGS_H
#define BRIDGES_CLAUDE_SETTINGS_H
/* What chitty puts into a file of Claude Code's, and its removal: pure functions of texts. */
#include "bridges/claude/edit.h"

#define SETTINGS_ENTRIES_MAX 32u
#define SETTINGS_EMPTY_MAX   8u

struct settings_entry {
    struct edit_path path;
    bool append;   /* into the array at `path`; else it is the member */
    json_t *value; /* owned */
};

/* What is wanted in one file. */
struct settings_want {
    struct settings_entry list[SETTINGS_ENTRIES_MAX];
    size_t count;
};
void settings_want_clear(struct settings_want *w);
/* Add the hooks, the MCP server (under projects.`project` where that is not NULL), the plugin and
 * its marketplace in `folder`. CHT_E_NOMEM. Strings are borrowed. */
CHT_MUST_USE enum cht_err settings_want_hooks(struct settings_want *w, const char *program);
CHT_MUST_USE enum cht_err settings_want_server(struct settings_want *w, const char *program,
                                               const char *project);
CHT_MUST_USE enum cht_err settings_want_plugin(struct settings_want *w, const char *folder);

/* What has to be known to take it out again byte for byte. */
struct settings_record {
    bool created;                              /* there was no file */
    uint8_t after[32];                         /* hash of the file with what was put in */
    struct edit_piece pieces[EDIT_PIECES_MAX]; /* of that file */
    size_t piece_count;
    struct {
        char path[256];          /* keys joined by a line feed; "": the document */
        char was[256];           /* its text */
    } empty[SETTINGS_EMPTY_MAX]; /* containers that were there and had no child */
    size_t empty_count;
};

/* The hash of a text. */
void settings_hash(struct cht_bytes text, uint8_t out[static 32]);

/* Is all that is wanted there, and nothing else of ours? `project` as in want_server. */
CHT_MUST_USE enum cht_err settings_complete(struct cht_bytes text, const struct settings_want *w,
                                            const char *project, struct node_fault *fault,
                                            bool *out);
/* The text without what is ours. With the record of what was put in (NULL: there is none), and when
 * the text is as it was then: the very bytes from before. `out` is initialised by the caller; what
 * it held is replaced. Errors of edit_parse, CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err settings_without(struct cht_bytes text,
                                           const struct settings_record *record,
                                           const char *project, struct node_fault *fault,
                                           struct cht_buf *out);
/* The text with all that is wanted; it has nothing of ours yet. Fills in the record but for
 * `created`. Errors of edit_add. */
CHT_MUST_USE enum cht_err settings_with(struct cht_bytes text, const struct settings_want *w,
                                        struct node_fault *fault, struct cht_buf *out,
                                        struct settings_record *record);
/* Is there nothing in it but an empty document? */
bool settings_is_empty(struct cht_bytes text);

#endif
