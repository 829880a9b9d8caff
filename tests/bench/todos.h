#ifndef TESTS_BENCH_TODOS_H
#define TESTS_BENCH_TODOS_H
/* The record workload that other libraries were measured with (a list of todos of eight fields,
 * drawn by mulberry32), on the fields of a todo here:
 *
 *   title    -> content        register  five words
 *   body     -> description    text      sixteen words
 *   status   -> status         register  open pending, doing in_progress, blocked blocked,
 *                                        review cancelled, closed completed
 *   priority -> priority       register  0 low, 1 medium, 2 high, 3 and 4 critical
 *   project  -> project        register  proj-0 … 49: the project whose id is a hash of that name
 *   assignee -> external_ref   register  user-0 … 7
 *   due      -> deadline       register  the same second, in milliseconds
 *   done     -> completed_at   register  true one certain time, false zero
 *
 * The draws are the same ones in the same order, so the todo and the field of each update are too.
 * A todo's id is a hash of "todo" and its number, as there. */
#include "crdt/base/buf.h"
#include "crdt/entry.h"

#define TODOS_FIELDS 8u

struct todos_random {
    uint32_t state;
};

struct todos_random todos_random(uint32_t seed);
/* The id of a todo by its number. */
void todos_id(uint32_t number, struct crdt_id *out);
/* The puts of all eight fields of the next todo; values are appended to `bytes` (reset first),
 * which the ops borrow. */
void todos_create(struct todos_random *r, struct cht_buf *bytes,
                  struct crdt_op ops[static TODOS_FIELDS]);
/* The next update among `count` todos: which one, and its one put. */
uint32_t todos_update(struct todos_random *r, uint32_t count, struct cht_buf *bytes,
                      struct crdt_op *op);

#endif
