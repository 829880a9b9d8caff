#ifndef TESTS_TRACE_MEMORY_H
#define TESTS_TRACE_MEMORY_H
/* What one device has written of each issue of a trace so far: what a `del` has to unset, and what
 * a change needs to know of what stands beside it. Out of memory ends the program. */
#include "crdt/id.h"

#include <stddef.h>

/* A set of texts, small. */
struct trace_texts {
    char **list;
    size_t count, room;
};

bool trace_texts_has(const struct trace_texts *t, const char *text);
/* False: it was there; it was not. */
bool trace_texts_add(struct trace_texts *t, const char *text);
bool trace_texts_remove(struct trace_texts *t, const char *text);
void trace_texts_clear(struct trace_texts *t);

#define TRACE_NO_TIME UINT64_MAX

struct trace_issue {
    char *name;
    char id[CRDT_ID_TEXT_MAX];
    bool here;                 /* it was written, and is not gone since */
    bool hidden;               /* gone, or a tombstone */
    struct trace_texts fields; /* registers of the trace that have a value; KEY/TEXT of a raw set */
    struct trace_texts labels, ties, comments;
    struct trace_texts gone;       /* comments that were removed */
    const char *status, *priority; /* typed values; NULL: none */
    char *assignee;                /* NULL: nobody */
    char parent[CRDT_ID_TEXT_MAX]; /* empty: none */
    uint64_t created_ms, closed_ms;
};

struct trace_memory {
    struct trace_issue **slots; /* by the hash of the name; NULL: free */
    size_t count, room;
};

/* The issue of that name, made when it is not known. */
struct trace_issue *trace_memory_issue(struct trace_memory *m, const char *name);
/* Everything but its name is as if it never was. */
void trace_issue_forget(struct trace_issue *issue);
void trace_memory_clear(struct trace_memory *m);

/* The id that `source`'s issue, or with `comment` a comment on it, has as a record. */
void trace_id_of(unsigned type, const char *issue, const char *comment,
                 char out[static CRDT_ID_TEXT_MAX]);

#endif
