#ifndef BRIDGES_CLAUDE_HOOK_TASK_H
#define BRIDGES_CLAUDE_HOOK_TASK_H
/* What a payload says of Claude Code's own tasks: calls of TaskCreate, TaskUpdate and TodoWrite,
 * and the events TaskCreated and TaskCompleted, in the shapes of all versions. Nothing is decided
 * here; what becomes of it is in hook_intake.c and hook_todowrite.c. */
#include "bridges/claude/hook_payload.h"

enum hook_task_op {
    HOOK_TASK_NONE,   /* it is about no task */
    HOOK_TASK_CREATE, /* TaskCreate, TaskCreated */
    HOOK_TASK_UPDATE, /* TaskUpdate */
    HOOK_TASK_DONE,   /* TaskCompleted */
    HOOK_TASK_TODOS,  /* TodoWrite: the whole list */
};

enum hook_status {
    HOOK_STATUS_NONE, /* not said, or a word that is not known */
    HOOK_STATUS_PENDING,
    HOOK_STATUS_IN_PROGRESS,
    HOOK_STATUS_COMPLETED,
    HOOK_STATUS_DELETED,
};

/* Spans and JSON borrow from the payload. */
struct hook_task { /* not to be copied: task_id may lie in `number` */
    enum hook_task_op op;
    const char *task_id;     /* "" while it is not known: before TaskCreate has answered */
    const char *tool_use_id; /* "": none */
    const char *tool;        /* "TaskCreate" … ; "" of an event */
    bool answered;           /* the tool has carried it out */
    bool refused;            /* it has answered that it did not */
    struct cht_bytes subject, description, active_form, owner;
    enum hook_status status;
    enum hook_status from;    /* what it was before, as the tool saw it */
    const json_t *blocks;     /* an array, or NULL */
    const json_t *blocked_by; /* the same */
    const json_t *metadata;   /* an object, or NULL */
    const json_t *todos;      /* of TodoWrite: an array */
    const json_t *before;     /* of TodoWrite: the list it replaced, an array, or NULL */
    char number[24];          /* room of task_id where the payload has a number */
};

/* One item of TodoWrite. */
struct hook_todo {
    struct cht_bytes content, active_form;
    enum hook_status status;
};

/* How many calls of tools the payload tells of: 1, of a PostToolBatch more, at most HOOK_CALLS. */
size_t hook_task_calls(const struct hook_payload *payload);
/* What the call at `index` (below that) says; `op` HOOK_TASK_NONE where it is none of these. */
void hook_task_read(const struct hook_payload *payload, size_t index, struct hook_task *out);
/* The item at `index` of an array of TodoWrite; false when it has no content. */
bool hook_todo_read(const json_t *todos, size_t index, struct hook_todo *out);
/* The status that the list says of that content, compared by hook_todo_same; HOOK_STATUS_NONE. */
enum hook_status hook_todo_before(const json_t *list, struct cht_bytes content);

/* "pending" … as todos have it; NULL for none and for deleted. */
const char *hook_status_word(enum hook_status status);

#define HOOK_NORMAL_BYTES (16u * 1024u) /* a title whose letters are written in two ways grows */
/* A content as it is compared: as crdt_alike_text has it, and one without a word as it is. Appended
 * to `out`. Errors of both. */
CHT_MUST_USE enum cht_err hook_todo_normal(struct cht_bytes content, struct cht_buf *out);

#endif
