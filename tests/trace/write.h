#ifndef TESTS_TRACE_WRITE_H
#define TESTS_TRACE_WRITE_H
/* Commits of a trace as changes of records: the mapping of docs/TRACE.md. */
#include "tests/trace/memory.h"
#include "tests/trace/read.h"
#include "tests/trace/requests.h"

/* What one device writes. */
struct trace_writer {
    struct trace_memory *memory; /* of what stands there when it writes */
    struct trace_requests requests;
    uint64_t changes; /* of the trace that were carried */
    uint64_t ops;     /* ours that they have become, where the record was as remembered */
};

void trace_writer_init(struct trace_writer *w, struct trace_memory *memory, trace_send_fn send,
                       void *ctx);
/* Write all of a commit; the last of it is sent too. */
void trace_write(struct trace_writer *w, const struct trace_commit *c);
void trace_writer_clear(struct trace_writer *w);

#endif
