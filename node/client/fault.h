#ifndef NODE_CLIENT_FAULT_H
#define NODE_CLIENT_FAULT_H
/* An error for a person at the edges: what went wrong, in which field, and what to do about it.
 * It travels as the `error` of an answer (LOCAL 5.2). */
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"

#define NODE_FAULT_FIELD_MAX 64u
#define NODE_FAULT_HINT_MAX  256u

struct node_fault {
    struct cht_error error;
    char field[NODE_FAULT_FIELD_MAX]; /* empty: none */
    char hint[NODE_FAULT_HINT_MAX];   /* empty: none */
    bool answered;                    /* the node said so; false: found on this side of it */
};

/* Fill `f` (may be NULL; its hint is emptied) with a whole sentence and return `code`. Too long a
 * text is cut at a character. `field` may be empty. */
enum cht_err node_fault_set(struct node_fault *f, enum cht_err code, struct cht_bytes field,
                            const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Add a hint to what was set. */
void node_fault_hint(struct node_fault *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Say that what was set is about a field: its name goes before the sentence. */
void node_fault_about(struct node_fault *f, const char *field);
/* Take over a detail that a lower floor filled in, or the plain sentence of `code`. */
enum cht_err node_fault_from(struct node_fault *f, enum cht_err code,
                             const struct cht_error *detail);

/* The candidate most like `word` (Damerau-Levenshtein distance at most a third of its length, at
 * least 1), or NULL: for "did you mean". `candidates` ends with NULL. */
const char *node_closest(struct cht_bytes word, const char *const *candidates);

#endif
