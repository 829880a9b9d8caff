#ifndef BRIDGES_CLAUDE_MIRROR_H
#define BRIDGES_CLAUDE_MIRROR_H
/* The files of a list of Claude Code's own tasks, and todos, kept equal in both directions.
 *
 *   mirror_dir.c    files and their locks
 *   mirror_merge.c  a task and its todo: who changed what
 *   mirror_state.c  what both were when they were last equal, kept between runs
 *   mirror.c        one look at everything, after which both are equal
 *   mirror_run.c    looking again whenever something happened, without polling
 *
 * A list with a name (CLAUDE_CODE_TASK_LIST_ID) has the open todos of the project; a session's own
 * has those of the session. A file that is gone says nothing: Claude Code removes tasks that are
 * done. A todo is deleted only by `chitty hook`, which sees a session delete its task, or by
 * somebody at the list; then the file goes. */
#include "bridges/agent/agent.h"
#include "bridges/claude/mirror_dir.h"
#include "bridges/claude/native_task.h"

#define MIRROR_GRACE_MS                                                                            \
    2000u /* until an open todo whose file is gone gets another: a hook may be                     \
             about to say that it was deleted */
#define MIRROR_TODOS_MAX 1000u /* open ones of a project that get a file */

struct mirror_counts {
    unsigned todos_made, todos_changed, files_made, files_changed, files_removed;
};

struct mirror {
    struct agent *agent;
    struct native_list list;
    bool shared;    /* of the project, not of one session */
    json_t *state;  /* task name: {todo, was: view, mark: of its file, when we did not write it
                       last}, or of one whose file is gone {gone: id} */
    json_t *absent; /* id of a todo: since when its file is missed, ms */
    char state_path[NODE_PATH_MAX];
    int lock_fd;
    struct mirror_counts counts;
    bool again;       /* something was busy: look again … */
    unsigned wait_ms; /* … after so long at most, or when something happens; 0: at once */
};

struct mirror_options {
    const char *list; /* NULL: CLAUDE_CODE_TASK_LIST_ID, else the session's own */
    pid_t pid;        /* ends with this process; 0: CLAUDE_PID, if any */
};

/* CHT_E_INVALID: no list (no session, or a name that is no folder's); CHT_E_EXISTS: another mirror
 * of this list runs; errors of agent_open and agent_session_ensure. */
CHT_MUST_USE enum cht_err mirror_open(const struct mirror_options *options,
                                      struct node_fault *fault, struct mirror *out);
void mirror_close(struct mirror *m);
/* Make both sides equal, as far as nothing is busy. Errors of requests; CHT_E_IO. */
CHT_MUST_USE enum cht_err mirror_look(struct mirror *m);
/* … until nothing is busy any more. */
CHT_MUST_USE enum cht_err mirror_once(struct mirror *m);
/* … and whenever something happens, until SIGTERM, SIGINT or the end of the process. */
CHT_MUST_USE enum cht_err mirror_run(struct mirror *m, const struct mirror_options *options);

/* mirror_state.c: the state of a list, by its key and the device's home. */
CHT_MUST_USE enum cht_err mirror_state_open(struct mirror *m, struct node_fault *fault);
CHT_MUST_USE enum cht_err mirror_state_save(const struct mirror *m);

#endif
