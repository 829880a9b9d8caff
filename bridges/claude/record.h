#ifndef BRIDGES_CLAUDE_RECORD_H
#define BRIDGES_CLAUDE_RECORD_H
/* What was put into which file is written down in the folder of state, a file for each. */
#include "bridges/claude/settings.h"

/* What is known of a file (by its real path). CHT_E_NOTFOUND: nothing, or nothing that could be
 * used; CHT_E_INVALID: there is no folder of state. */
CHT_MUST_USE enum cht_err claude_record_load(const char *real, struct settings_record *out);
CHT_MUST_USE enum cht_err claude_record_save(const char *real, const struct settings_record *r,
                                             struct node_fault *fault);
void claude_record_drop(const char *real);

#endif
