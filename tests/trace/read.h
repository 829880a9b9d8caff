#ifndef TESTS_TRACE_READ_H
#define TESTS_TRACE_READ_H
/* The history of a tracker's issues, commit by commit, from a gzipped file (docs/TRACE.md). A file
 * that is none ends the program and says so. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* One op. `value` is of a register (JSON null clears it), `add` and `rm` of a set (arrays of texts
 * or NULL); with none of the three the issue goes. */
struct trace_op {
    const char *issue, *field;
    json_t *value, *add, *rm;
};

struct trace_commit {
    const char *author;
    struct trace_op *ops;
    size_t count;
    json_t *root; /* owns every text */
};

struct trace_file;

struct trace_file *trace_open(const char *path);
/* The next commit, good until trace_commit_clear; false: there is none. */
bool trace_next(struct trace_file *f, struct trace_commit *out);
/* Pass over one; false: there is none. */
bool trace_skip(struct trace_file *f);
void trace_commit_clear(struct trace_commit *c);
void trace_close(struct trace_file *f);

/* The trace in $CHITTY_DATA, the folder of tests' data; false: there is none. */
bool trace_usual_path(char *out, size_t room);

#endif
