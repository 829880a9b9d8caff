#ifndef TESTS_TRACE_REQUESTS_H
#define TESTS_TRACE_REQUESTS_H
/* Records that a trace writes, gathered into requests of the local protocol (LOCAL 3.1): as many in
 * one as a transaction may have. What goes wrong ends the program. */
#include "crdt/base/buf.h"

#include <stdbool.h>

#define TRACE_RECORDS_MAX 256u           /* changes of one request */
#define TRACE_BYTES_MAX   (192u * 1024u) /* of one request: under one head */
#define TRACE_VALUES_MAX  1000u          /* values of one change */

/* Takes one whole message with so many records. */
typedef void (*trace_send_fn)(void *ctx, struct cht_bytes message, unsigned records);

struct trace_requests {
    trace_send_fn send;
    void *ctx;
    uint64_t requests, records; /* records: entries that they become */
    /* inside: records that are done, and the one under way */
    struct cht_buf items, message, data, raw;
    unsigned item_count, field_count, raw_count, value_count;
    const char *domain, *id;
};

void trace_requests_init(struct trace_requests *r, trace_send_fn send, void *ctx);
void trace_requests_clear(struct trace_requests *r);

/* One change of a record, by `upsert`. `domain` and `id` are borrowed until its end. */
void trace_record_begin(struct trace_requests *r, const char *domain, const char *id);
/* The value of a field, or of a key of `raw`: the caller appends one object to what is returned. */
struct cht_buf *trace_record_field(struct trace_requests *r, const char *name);
struct cht_buf *trace_record_raw(struct trace_requests *r, const char *key);
void trace_record_text(struct trace_requests *r, const char *field, const char *value);
void trace_record_nil(struct trace_requests *r, const char *field);
void trace_record_bool(struct trace_requests *r, const char *field, bool value);
void trace_record_raw_nil(struct trace_requests *r, const char *key);

/* Texts that are added to or removed from a set, encoded one after the other. */
struct trace_elements {
    struct cht_buf bytes;
    unsigned count;
};
void trace_elements_add(struct trace_elements *e, const char *text);
void trace_elements_clear(struct trace_elements *e);
/* Change a set; nothing when both are empty. May go on in another change of the same record. */
void trace_record_set(struct trace_requests *r, const char *field, const struct trace_elements *add,
                      const struct trace_elements *remove);
void trace_record_end(struct trace_requests *r);
/* Send what is gathered. */
void trace_requests_flush(struct trace_requests *r);

#endif
