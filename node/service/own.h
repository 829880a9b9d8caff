#ifndef NODE_SERVICE_OWN_H
#define NODE_SERVICE_OWN_H
/* Inside node/service only. */
#include "crdt/base/arena.h"
#include "node/client/edits.h"
#include "node/client/request.h"
#include "node/service/aliases.h"
#include "node/service/blobs.h"
#include "node/service/claims_own.h"
#include "node/service/match.h"
#include "node/service/service.h"
#include "node/service/titles.h"

#define SERVICE_ANSWER_BYTES LIMIT_CLIENT_BYTES

/* A change that was written, until the commit tells how it went. */
struct service_written {
    struct service_caller caller;
    uint8_t key[NODE_KEY_BYTES]; /* idempotency key */
    size_t key_len;
    size_t result_at, result_len; /* exact bytes of the result's map, in `results` */
};

/* A read or command that waits for the commit: its whole message. */
struct service_waiting {
    local_client_id client;
    const struct local_output *out;
    struct cht_buf message;
};

struct service_watch {
    struct service_caller caller; /* the watch's id is the request's */
    struct cht_arena arena;       /* of what it matches */
    struct match match;
    struct node_words *words; /* where it matches texts; else NULL */
    struct cht_buf fields;
    bool unblocked; /* it is told what the end of a todo leaves without an open dependency */
    struct service_watch *next;
};

/* A todo that was open and is it no more, or the other way. */
struct service_turned {
    struct node_touch touch;
    bool open;
};

/* Live values that name blobs (attached.c). */
struct service_attached {
    struct service_attachment *list; /* ascending by hash */
    size_t count, cap;
    bool loaded;
    uint64_t version;
    uint64_t bits[16]; /* by type: the field among those touched (struct node_touch) */
};

struct service_upload;
struct service_await;

struct node_service {
    struct node_replica *replica;
    const struct net_identity *identity;
    char *path;
    enum cht_err read_only; /* why the file cannot be written; CHT_OK: it can */
    uint64_t requests;
    uint64_t read_only_ms; /* since then, wall clock */
    const char *device_name;
    char device_hex[2 * CRDT_ID_BYTES + 1];
    struct service_net net;
    uint64_t now_ms;
    uint64_t answers; /* for ids of events */
    struct service_written *written;
    size_t written_count, written_cap;
    struct cht_buf results; /* of `written` */
    struct service_waiting *waiting;
    size_t waiting_count, waiting_cap;
    struct service_watch *watches;
    struct service_turned *turned; /* not told yet to the watches that ask for it (unblock.c) */
    size_t turned_count;
    struct cht_arena arena;    /* of one request */
    struct cht_buf answer;     /* a message while it is made */
    struct node_store *reader; /* an idle connection for streams; NULL: none open */
    uint32_t replaced;         /* how often: a stream of an earlier replica ends */
    struct node_blobs *blobs;  /* NULL: none */
    struct service_attached attached;
    struct service_aliases aliases;
    struct service_upload *uploads;
    size_t upload_count;
    uint64_t upload_number;
    struct service_await *awaits;
    struct service_claims claims;
};

/* --- answering (answer.c) ------------------------------------------------------------------ */

/* The envelope of an answer to `c`, up to the payload. */
CHT_MUST_USE enum cht_err service_begin(struct node_service *s, const struct service_caller *c,
                                        enum node_msg_type type, struct cht_buf *out);
/* Send the message in `out`, or an error when `err` says that it could not be made. */
void service_send(struct node_service *s, const struct service_caller *c, enum cht_err err,
                  struct cht_buf *out);
/* Append an event that tells how far a stream is (LOCAL 5.1). */
CHT_MUST_USE enum cht_err service_put_progress(struct node_service *s,
                                               const struct service_caller *c, const char *text,
                                               uint64_t done, uint64_t total, struct cht_buf *out);
/* Append the error message that answers `c`: the last one of a stream. */
CHT_MUST_USE enum cht_err service_put_fault(struct node_service *s, const struct service_caller *c,
                                            const struct node_fault *fault, struct cht_buf *out);
void service_fail(struct node_service *s, const struct service_caller *c, enum cht_err err,
                  const char *sentence);

#define SERVICE_STREAM_BYTES                                                                       \
    ((size_t)128 * 1024) /* a stream's message is sent when it is so long */
/* One message of a stream of records: envelope and payload up to them. Their count is filled in
 * at `*out_count_at` when they are all there. `more`: it is not the last message. */
CHT_MUST_USE enum cht_err service_records_begin(struct node_service *s,
                                                const struct service_caller *c, bool more,
                                                struct cht_buf *out, size_t *out_count_at);
/* The last one, with pairs of the payload before the records: `pairs` of them in `extra`. */
CHT_MUST_USE enum cht_err service_records_begin_last(struct node_service *s,
                                                     const struct service_caller *c,
                                                     struct cht_bytes extra, uint32_t pairs,
                                                     struct cht_buf *out, size_t *out_count_at);
void service_records_end(struct cht_buf *out, size_t count_at, uint32_t count);

/* What a client is told of a change that could not be kept, and what to do. */
void service_unwritable(const struct node_service *s, enum cht_err why, struct node_fault *out);

/* --- ids and versions (ids.c) -------------------------------------------------------------- */

struct node_id_resolver service_resolver(struct node_service *s);
/* The number of the entity that is meant; CHT_E_NOTFOUND, CHT_E_INVALID (ambiguous). */
CHT_MUST_USE enum cht_err service_find_exact(struct node_service *s, struct cht_bytes text,
                                             unsigned type, struct node_fault *fault,
                                             uint32_t *out);
/* The same of what it is merged into (PROTOCOL 5.10). */
CHT_MUST_USE enum cht_err service_find(struct node_service *s, struct cht_bytes text, unsigned type,
                                       struct node_fault *fault, uint32_t *out);
/* Versions and vectors as text. */
CHT_MUST_USE enum cht_err service_put_vector(const struct node_service *s, const char *key,
                                             const struct crdt_vector *v, struct cht_buf *out);
CHT_MUST_USE enum cht_err service_read_vector(const struct node_service *s, struct cht_bytes text,
                                              struct crdt_vector *out);
/* "key": "CHITTY-…" */
CHT_MUST_USE enum cht_err service_put_id(const char *key, const struct crdt_id *id,
                                         struct cht_buf *out);
/* "key": who an entry was written for, as an id when the entity is known here, else as hex; empty
 * for the device itself. */
CHT_MUST_USE enum cht_err service_put_actor_of(struct node_service *s, const char *key,
                                               struct crdt_place at, const struct crdt_entry *e,
                                               struct cht_buf *out);
CHT_MUST_USE enum cht_err service_put_actor(struct node_service *s, const char *key,
                                            struct crdt_place at, struct cht_buf *out);
/* "by": { device, deviceName, actor } of an entry. */
CHT_MUST_USE enum cht_err service_put_by(struct node_service *s, struct crdt_place at,
                                         struct cht_buf *out);
/* The name of a device as its admit record says it; empty when unknown. */
struct cht_bytes service_device_name(const struct node_service *s, const uint8_t *device);

/* --- what each request does ---------------------------------------------------------------- */

void service_change(struct node_service *s, const struct local_request *request);
void service_resolve_conflict(struct node_service *s, const struct local_request *request,
                              struct cht_bytes args);
/* `undo`: take own transactions back, or tell which could be (LOCAL 6.7). */
void service_undo(struct node_service *s, const struct local_request *request,
                  struct cht_bytes args);
/* The answer this key had before, in this turn or an earlier one (LOCAL 3.5), is given again. */
bool service_answered_before(struct node_service *s, const struct service_caller *caller,
                             struct cht_bytes key);
/* Keep an answer until the commit: what stands in `results` from `at` on. */
CHT_MUST_USE enum cht_err service_hold_answer(struct node_service *s,
                                              const struct service_caller *caller,
                                              struct cht_bytes key, size_t at, size_t len);
/* `merge`, `unmerge`, `reconcile`: records that are one (LOCAL 9). False: another command. */
bool service_merging(struct node_service *s, const struct local_request *request,
                     const struct node_command *command);
void service_duplicates(struct node_service *s, const struct service_caller *c,
                        const struct node_query *q);
/* Is that the name of a command that writes a membership record? */
bool service_is_ruling(struct cht_bytes name);
void service_rule(struct node_service *s, const struct local_request *request,
                  const struct node_command *command);
void service_members(struct node_service *s, const struct service_caller *c);
void service_quarantined(struct node_service *s, const struct service_caller *c,
                         struct cht_bytes args);
/* "membership": how this device stands, and who says so where it may not write. */
CHT_MUST_USE enum cht_err service_put_standing(struct node_service *s, struct cht_buf *out);
/* A refused write explained; returns CHT_E_DENIED. */
enum cht_err service_may_not_write(struct node_service *s, struct node_fault *fault);
/* The last record that counts and admits a device. */
bool service_admission(const struct net_members *m, const uint8_t *device, struct net_record *out);
/* Why something is void by a record: "lost", "compromised", "role", "admission"; "" when it is not.
 */
const char *service_ruling_word(const struct net_judgement *judged, const struct net_record *rec);
/* An answer made of a map in `result`, or the error. */
void service_send_built(struct node_service *s, const struct service_caller *c, enum cht_err err,
                        const struct cht_buf *result);
void service_metrics(struct node_service *s, const struct service_caller *c);
void service_query(struct node_service *s, const struct local_request *request);
void service_command(struct node_service *s, const struct local_request *request);
/* Copy the database into the file that `args` name, telling how far it is (LOCAL 6.1). */
void service_backup(struct node_service *s, const struct service_caller *c, struct cht_bytes args);
/* "forks" and "clones" of `status` (LOCAL 6.6). */
CHT_MUST_USE enum cht_err service_put_forks(struct node_service *s, struct cht_buf *out);
CHT_MUST_USE enum cht_err service_put_clones(struct node_service *s, struct cht_buf *out);
void service_health(struct node_service *s, const struct service_caller *c);

/* --- attachments (attached.c, upload.c, download.c, blob.c) --------------------------------- */

/* The blob that a value of `attachments` names. CHT_E_INVALID: none. */
CHT_MUST_USE enum cht_err service_attachment_read(struct cht_bytes value,
                                                  struct crdt_hash *out_hash, uint64_t *out_size);
/* After a commit: what it changed is taken over. */
void service_attached_after(struct node_service *s);
/* Another replica: forget what this one names. */
void service_attached_clear(struct node_service *s);
/* Carry out blob-begin, blob-put, blob-end; false: it is another command. */
bool service_upload(struct node_service *s, const struct local_request *request,
                    const struct node_command *command);
/* A client has gone, or with `all` everyone: give up what it writes, forget what it waits for. */
void service_uploads_left(struct node_service *s, local_client_id client, bool all);
void service_awaits_fail(struct node_service *s); /* all, for another database is used now */
void service_awaits_left(struct node_service *s, local_client_id client, bool all);
void service_blob_get(struct node_service *s, const struct service_caller *c,
                      struct cht_bytes args);
void service_blobs_command(struct node_service *s, const struct service_caller *c,
                           struct cht_bytes args);
/* Append the map of figures; with `list` each blob that a record names. */
CHT_MUST_USE enum cht_err service_put_blobs(struct node_service *s, bool list, struct cht_buf *out);
/* Append the map that answers `status`. */
CHT_MUST_USE enum cht_err service_put_status(struct node_service *s, struct cht_buf *out);
void service_cycles(struct node_service *s, const struct service_caller *c,
                    const struct node_query *q);
void service_list(struct node_service *s, const struct service_caller *c,
                  const struct node_query *q);
void service_get(struct node_service *s, const struct service_caller *c,
                 const struct node_query *q);
void service_show(struct node_service *s, const struct service_caller *c,
                  const struct node_query *q);
void service_conflicts(struct node_service *s, const struct service_caller *c,
                       const struct node_query *q);
void service_log(struct node_service *s, const struct service_caller *c,
                 const struct node_query *q);
void service_watch_start(struct node_service *s, const struct service_caller *c,
                         const struct node_query *q);
void service_watch_stop(struct node_service *s, const struct service_caller *c,
                        const struct node_query *q);
/* Is that a todo which is here, shown and not finished? `ctx` is the service. */
bool service_todo_open(void *ctx, const struct crdt_id *todo);
void service_watch_drop(struct node_service *s, local_client_id client);
/* Tell the watches what the last commit touched. */
void service_tell(struct node_service *s);
/* Does a watch ask for todos that are ready or blocked? `open`: for what a todo that came back
 * blocks; else for what one that ended leaves free. */
bool service_watch_asks(const struct service_watch *w, bool open);
/* Tell of an entity that meets the conditions of those that ask, for `because` ended or (`open`)
 * came back. `only`: this watch alone; NULL: all. */
void service_tell_because(struct node_service *s, const struct service_watch *only,
                          const struct node_touch *touch, const struct crdt_id *because, bool open);
/* After a commit: tell what its todos that ended or came back do to those that wait for them. */
void service_tell_turned(struct node_service *s);
/* Tell a watch what waits for nothing open any more, of those that wait for this one. */
void service_tell_ended(struct node_service *s, const struct service_watch *w, uint32_t n);

/* --- records (record.c) -------------------------------------------------------------------- */

/* Is a field among those asked for: an array of names, or empty for all? */
bool service_field_wanted(struct cht_bytes fields, const char *name);
/* Append the map of shown values; `fields` (an array of names, or empty for all). */
CHT_MUST_USE enum cht_err service_put_data(const struct crdt_graph *g,
                                           const struct crdt_state *state, struct cht_bytes fields,
                                           struct cht_buf *out);
/* Append a whole record (LOCAL 4.4), with `titles` (may be NULL) those of its links among the
 * fields asked for; `alias` (may be NULL): the record in whose place it is told. */
CHT_MUST_USE enum cht_err service_put_record(struct node_service *s, const struct crdt_state *state,
                                             struct cht_bytes fields, struct service_titles *titles,
                                             const struct crdt_id *alias, struct cht_buf *out);
/* Append the map of the fields named by bits (struct node_touch): shown values, nil for one that
 * has none. */
CHT_MUST_USE enum cht_err service_put_delta(const struct crdt_graph *g,
                                            const struct crdt_state *state, uint64_t fields,
                                            struct cht_buf *out);
/* All live values of a cell as LOCAL 4.5 shows them, an array. */
CHT_MUST_USE enum cht_err service_put_values(struct node_service *s, const struct crdt_state *state,
                                             const struct crdt_cell *cell, struct cht_buf *out);
/* A value of a cell as clients read it. */
CHT_MUST_USE enum cht_err service_put_value(unsigned type, uint16_t field, struct cht_bytes value,
                                            struct cht_buf *out);
/* The values of a cell in the order shown: the shown one first, then by stamp, newest first. */
CHT_MUST_USE enum cht_err service_order(const struct node_service *s, struct cht_arena *arena,
                                        const struct crdt_state *state,
                                        const struct crdt_cell *cell,
                                        const struct crdt_value ***out);

#endif
