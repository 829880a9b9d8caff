#ifndef NODE_SERVICE_NAMES_H
#define NODE_SERVICE_NAMES_H
/* Entities by what people call them (LOCAL 2.4), where no id is given: an exact title, whatever the
 * case of A to Z; a session's id on its platform; a repository's address or the end of it. */
#include "crdt/id.h"
#include "node/client/fault.h"

struct node_service;

#define NAMES_FOUND_MAX 6u /* one more than are told */

struct service_names {
    uint32_t n[NAMES_FOUND_MAX];
    unsigned count;
};

/* Those shown entities of a type (0: of any) that are called so, at most NAMES_FOUND_MAX. Types
 * with few records are searched whole, others by the words of their titles. Errors of the store. */
CHT_MUST_USE enum cht_err service_names_find(struct node_service *s, struct cht_bytes name,
                                             unsigned type, struct service_names *out);
/* A fault of several candidates: lists at most five of them, with their titles. Returns
 * CHT_E_INVALID. */
enum cht_err service_names_several(struct node_service *s, struct cht_bytes text,
                                   const struct service_names *found, struct node_fault *fault);
/* A fault of none: with the name that is most like it, where there is one. Returns CHT_E_NOTFOUND.
 */
enum cht_err service_names_none(struct node_service *s, struct cht_bytes text, unsigned type,
                                struct node_fault *fault);

#endif
