#ifndef BRIDGES_CLAUDE_NATIVE_TASK_H
#define BRIDGES_CLAUDE_NATIVE_TASK_H
/* Which todo a task of Claude Code's own list is (PROTOCOL 1.8). The same for who learns of it by a
 * hook and who finds its file, whatever comes first. */
#include "bridges/claude/hook_limits.h"
#include "crdt/id.h"
#include "node/client/paths.h"

#define NATIVE_TASK_FILE_BYTES (256u * 1024u) /* a task's file; a long description has 10 KB */
#define NATIVE_TASK_ID_BYTES   64u            /* a task's number, or the word that it has instead */

struct native_list {
    char folder[NODE_PATH_MAX];  /* of its files; need not be there */
    char key[2 * HOOK_ID_BYTES]; /* what the list is called in keys of todos */
};

/* The folder of Claude Code's own files: CLAUDE_CONFIG_DIR, else .claude in HOME. False: neither is
 * set, or the path is too long. */
bool native_config_folder(char out[static NODE_PATH_MAX]);
/* The list that a session works on: CLAUDE_CODE_TASK_LIST_ID, else one of its own. A list with a
 * name of its own is another one on another device, so `device` (32 hex digits) is in its key.
 * CHT_E_INVALID: no session, or a name that is no folder's; CHT_E_LIMIT. */
CHT_MUST_USE enum cht_err native_list_find(const char *session_id, const char *device,
                                           struct native_list *out);
/* The todo that a task made there is: its natural id, source `claude-task`, key LIST LF TASK. */
void native_task_natural(const struct native_list *list, const char *task_id, struct crdt_id *out);
/* Where the mirror of a list (mirror.h) keeps what it knows of its tasks. CHT_E_INVALID: there is
 * no place. */
CHT_MUST_USE enum cht_err native_mirror_path(const struct native_list *list,
                                             char out[static NODE_PATH_MAX]);
/* The todo that a task is: the one that `metadata.chitty` of its file names (such a file was
 * written for a todo), the one that the mirror knows it as, a task that is called by a todo's whole
 * id, else its natural id.
 * `out_subject` (NULL: not wanted) is what the file calls it, to be freed; NULL where it says
 * nothing. CHT_E_INVALID: no name of a task. */
CHT_MUST_USE enum cht_err native_task_todo(const struct native_list *list, const char *task_id,
                                           char **out_subject, struct crdt_id *out);

#endif
