#ifndef BRIDGES_CLAUDE_MIRROR_DIR_H
#define BRIDGES_CLAUDE_MIRROR_DIR_H
/* The folder of a list of Claude Code's own tasks, a file N.json each, and its locks: `mkdir
 * .lock.lock` around the making of a task, `mkdir N.json.lock` around a change of one. Claude Code
 * writes in place; what is written here comes by a rename. */
#include "crdt/base/err.h"
#include "node/client/paths.h"

#include <jansson.h>

#define MIRROR_NAME_MAX  65u           /* of a task, with the NUL */
#define MIRROR_TASKS_MAX 2000u         /* in a list; what is beyond is not looked at */
#define MIRROR_STALE_MS  (60u * 1000u) /* a lock that old is nobody's: a holder writes in ms */

struct mirror_task {
    char name[MIRROR_NAME_MAX];
    json_t *file;  /* NULL: it cannot be read now: it is being written, or was left half written */
    char mark[64]; /* of the file itself: a change in place keeps it, a new file has another */
};

struct mirror_tasks {
    struct mirror_task *list; /* by number, then by name */
    size_t count;
};

/* Read every task of a folder; one that is not there has none, and *out_there is false. Clear it in
 * any case. CHT_E_NOMEM, CHT_E_IO. */
CHT_MUST_USE enum cht_err mirror_scan(const char *folder, bool *out_there,
                                      struct mirror_tasks *out);
void mirror_tasks_clear(struct mirror_tasks *t);
/* The task of that name; NULL. */
struct mirror_task *mirror_task_named(const struct mirror_tasks *t, const char *name);
/* Has the task a file, also one that is not among those that are looked at? */
bool mirror_there(const char *folder, const char *name);

/* Change a task: `was` is what was read of it (NULL: it was not there), `now` what it becomes
 * (NULL: it is removed, and the watermark follows). CHT_E_BUSY: somebody holds the lock (`*out_ms`:
 * how long until it may be broken), or the file is not what was read any more; CHT_E_IO. */
CHT_MUST_USE enum cht_err mirror_write(const char *folder, const char *name, const json_t *was,
                                       const json_t *now, unsigned *out_ms);
/* Hold a task's lock while nothing of it is changed; it is what was read. Errors of mirror_write.
 */
struct mirror_hold {
    char path[NODE_PATH_MAX + 128];
};
CHT_MUST_USE enum cht_err mirror_hold(const char *folder, const char *name, const json_t *was,
                                      struct mirror_hold *out, unsigned *out_ms);
void mirror_let_go(struct mirror_hold *hold);
/* The next number, which is ours until the hold is let go. Errors as above. */
CHT_MUST_USE enum cht_err mirror_next(const char *folder, struct mirror_hold *out,
                                      char out_name[static MIRROR_NAME_MAX], unsigned *out_ms);
/* Make the task that `mirror_next` gave the number of. CHT_E_IO, CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err mirror_put(const char *folder, const char *name, const json_t *now);
/* The task is gone for good: its number is not to be given to another. Errors as above. */
CHT_MUST_USE enum cht_err mirror_retire(const char *folder, const char *name, unsigned *out_ms);
/* How many locks of others were broken. */
unsigned mirror_broken(void);

#endif
