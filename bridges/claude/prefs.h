#ifndef BRIDGES_CLAUDE_PREFS_H
#define BRIDGES_CLAUDE_PREFS_H
/* What a person wants of sessions on this machine: claude.json in the folder of configuration. */
#include "node/client/fault.h"

struct claude_prefs {
    bool intake;          /* native tasks and todo lists of sessions become todos */
    bool auto_checkpoint; /* a compaction of a session makes a checkpoint */
};

/* Both hold where there is no file, or none that can be read. */
void claude_prefs_read(struct claude_prefs *out);
/* Keys of the file that are not ours stay. CHT_E_MALFORMED: it is no JSON; errors of
 * claude_file_replace. */
CHT_MUST_USE enum cht_err claude_prefs_write(const struct claude_prefs *p,
                                             struct node_fault *fault);

#endif
