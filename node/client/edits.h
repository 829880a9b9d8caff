#ifndef NODE_CLIENT_EDITS_H
#define NODE_CLIENT_EDITS_H
/* Values between messages and the log (LOCAL 2.4, 3.3). A message has ids as text and whatever
 * msgpack its client wrote; the log has ids as 17 bytes and the shortest encodings. */
#include "crdt/base/arena.h"
#include "crdt/schema.h"
#include "node/client/fault.h"
#include "node/client/mpmap.h"

/* Finds the entity that people mean by a whole id or the beginning of one. */
struct node_id_resolver {
    void *ctx;
    /* `type`: wanted type, 0 any. CHT_E_NOTFOUND, CHT_E_INVALID: no id, or several match. Fills
     * `fault` (may be NULL). */
    enum cht_err (*resolve)(void *ctx, struct cht_bytes text, unsigned type,
                            struct node_fault *fault, struct crdt_id *out);
};

/* Append the log's bytes of a message's value of the field: a register's, text's, map entry's
 * value, or with `is_key` a set's element or a map's key. Without a resolver only whole ids are
 * taken. CHT_E_INVALID: not what the field's row allows (the fault names the field, the value and
 * what is allowed); CHT_E_LIMIT; CHT_E_NOTFOUND from the resolver; CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err node_value_take(const struct crdt_field *field, bool is_key,
                                          struct cht_bytes value,
                                          const struct node_id_resolver *resolver,
                                          struct node_fault *fault, struct cht_buf *out);
/* Append the message's bytes of a value of the log: ids become text, all else stays. `field` NULL:
 * one this build does not know, as it is. */
CHT_MUST_USE enum cht_err node_value_show(const struct crdt_field *field, struct cht_bytes value,
                                          struct cht_buf *out);

enum node_edit_kind {
    NODE_EDIT_PUT,   /* value (and key) */
    NODE_EDIT_DROP,  /* register: unset; set: remove the element; map: remove the key */
    NODE_EDIT_WHOLE, /* set: the puts of this field in the list are all it is to hold */
};

/* One thing to do to one cell; bytes as the log has them. */
struct node_edit {
    enum node_edit_kind kind;
    const struct crdt_field *field;
    struct cht_bytes key;   /* set: the element; map: the key; else empty */
    struct cht_bytes value; /* a put of a register, text or map; a set's put has nil */
};

#define NODE_EDITS_MAX 1024u /* LIMIT_ENTRY_OPS: one change is one entry */

/* The edits that `data` (LOCAL 3.3) asks for, in `arena`, in its order; a NODE_EDIT_WHOLE stands
 * before its puts. Errors as node_value_take; CHT_E_LIMIT: more than NODE_EDITS_MAX. */
CHT_MUST_USE enum cht_err node_edits_read(unsigned type, struct cht_bytes data,
                                          const struct node_id_resolver *resolver,
                                          struct cht_arena *arena, struct node_fault *fault,
                                          struct node_edit **out, size_t *out_count);

/* What an entity shows before a change, as far as that decides what the change brings along. */
struct node_shown {
    bool exists;
    bool completed_at, started_at; /* it has them */
    struct cht_bytes status;       /* the word; empty: none */
};

/* Is one of the edits of a status? Without it a change of what exists brings nothing along, and its
 * `struct node_shown` needs no more than `exists`. */
bool node_edits_tell_status(const struct node_edit *edits, size_t count);
/* What a change brings along (LOCAL 3.7), put in front of the edits where they do not say it: a new
 * record's `created` (a session's `started`) and a new todo's `status`; of a todo that is completed
 * `completed_at`, of one that is reopened that it has none, of one begun `started_at`.
 * CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err node_edits_complete(unsigned type, const struct node_shown *shown,
                                              uint64_t now_ms, struct cht_arena *arena,
                                              struct node_edit **edits, size_t *count);

#endif
