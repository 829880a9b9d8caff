#ifndef NODE_SERVICE_LOOP_H
#define NODE_SERVICE_LOOP_H
/* Links that must not lead back (LOCAL 3.10): a todo's or project's dependencies, and parents. */
#include "crdt/schema.h"
#include "node/client/fault.h"
#include "node/replica/replica.h"

struct node_service;

/* Is that a link of a type to itself that must not lead back? */
bool service_loop_field(const struct crdt_field *f, unsigned type);
/* Refuse writes that close a circle by themselves: CHT_E_INVALID, the fault names it. What is new
 * here closes none that this looks for, and after LOOP_VISITS_MAX steps it looks no further: the
 * query `cycles` finds what came to be all the same. CHT_E_NOMEM; errors of the store. */
CHT_MUST_USE enum cht_err service_loop_check(struct node_service *s,
                                             const struct node_write *writes, size_t count,
                                             struct node_fault *fault);

#define LOOP_VISITS_MAX 4096u

#endif
