#ifndef BRIDGES_CLAUDE_INSTALL_H
#define BRIDGES_CLAUDE_INSTALL_H
/* `chitty claude install` and `remove`: which files change, how, and doing it. Instruction files
 * (CLAUDE.md) are not among them. */
#include "bridges/claude/files.h"
#include "bridges/claude/places.h"
#include "bridges/claude/settings.h"

struct claude_wish {
    enum claude_scope scope;
    bool plugin; /* the plugin in place of hooks and server */
    bool remove; /* take all of it out */
};

/* A file, as it is and as it will be. */
struct claude_step {
    struct claude_file file;
    struct cht_buf after;
    bool changes;
    bool removes;      /* the file itself goes: we had made it, and nothing of others is in it */
    bool record_stays; /* what install put in is none of this step's */
    bool secrets;      /* it holds credentials: no line of others is shown */
    struct settings_record record;
};

struct claude_plan {
    struct claude_step steps[2];
    size_t count;
};

/* What is to be done. Clear the plan in any case. Errors: of reading; CHT_E_MALFORMED,
 * CHT_E_INVALID: a file is not what Claude Code could read, or has something else in our place;
 * CHT_E_NOTFOUND: there is no plugin folder beside this program. */
CHT_MUST_USE enum cht_err claude_plan_make(const struct claude_wish *wish, struct node_fault *fault,
                                           struct claude_plan *out);
void claude_plan_clear(struct claude_plan *p);
/* Do it. Errors of claude_file_replace; CHT_E_CONFLICT: make the plan anew. */
CHT_MUST_USE enum cht_err claude_plan_do(struct claude_plan *p, struct node_fault *fault);
/* Append the diff of a step. */
CHT_MUST_USE enum cht_err claude_step_diff(const struct claude_step *s, struct cht_buf *out);

/* What hooks call: "chitty" where that is this program on PATH, or the settings are shared; else
 * its whole path. */
CHT_MUST_USE enum cht_err claude_program(enum claude_scope scope, struct node_fault *fault,
                                         char out[static NODE_PATH_MAX]);

#endif
