#ifndef BRIDGES_CLAUDE_MIRROR_MERGE_H
#define BRIDGES_CLAUDE_MIRROR_MERGE_H
/* A task and its todo, compared and made equal. Both are seen as one *view*:
 * {subject, description, activeForm, owner, status, blockedBy: [ids of todos, in order]}, and the
 * view that both had when they were last equal tells who changed what. */
#include "crdt/base/err.h"

#include <jansson.h>

/* What stands for what: an object of task names to ids of todos. Todos that are in no file of the
 * list are no matter of its views. */

/* The view of a task's file. NULL: no memory. */
json_t *mirror_view_of_file(const json_t *file, const char *name, const json_t *pairs);
/* The view of a todo's data. A blocked one is pending, a cancelled one completed: tasks have no
 * other words. */
json_t *mirror_view_of_todo(const json_t *data, const json_t *pairs);
/* What both become: what one side changed since `was` holds (NULL: they never were equal); where
 * both did, the further status, and the task's words. `here`: the names of tasks that have a file;
 * a link to a task whose file is gone was not taken away by anybody. NULL: no memory. */
json_t *mirror_merge(const json_t *was, const json_t *file, const json_t *todo, const json_t *pairs,
                     const json_t *here);
/* The fields to write to a todo of this view for it to become that one, as in LOCAL 3.3; empty:
 * none. NULL: no memory. */
json_t *mirror_todo_data(const json_t *from, const json_t *to);
/* Write a view into a task's file: other keys stay. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err mirror_file_put(json_t *file, const json_t *view, const char *todo,
                                          bool with_id, const json_t *pairs);
/* Make its `blocks` these names, in whatever order; false: no memory. */
bool mirror_put_blocks(json_t *file, const json_t *names);

#endif
