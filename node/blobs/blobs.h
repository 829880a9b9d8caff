#ifndef NODE_BLOBS_BLOBS_H
#define NODE_BLOBS_BLOBS_H
/* The contents of attachments, as files of a home (PROTOCOL 12.4).
 *
 *   blobs/xx/yyyy…        a blob, named by its hash in hex (0600)
 *   blobs/xx/yyyy….own    beside it: this device answers for it, it is never dropped for room …
 *   blobs/xx/yyyy….kept   … but for this: a device that keeps all blobs said that it has it
 *   blobs/xx/yyyy….gone   no record names it; since the time of this file
 *   blobs/part/…          what is being written, or was fetched in part
 *   blobs/bad/…           what is not what its name says
 *   blobs/policy          quota and what is fetched unasked
 *
 * A blob gets its name when it is whole, checked and on the disk; so what has a name survived any
 * crash, and is checked again when it is read for the first time after a start (a disk rots). The
 * folder is all the state there is: nothing of it is in the database. */
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"
#include "crdt/hash.h"
#include "crdt/limits.h"

#include <stdbool.h>
#include <stdint.h>

#define NODE_BLOB_QUOTA_BYTES (UINT64_C(2) << 30) /* unless a person says otherwise */
#define NODE_BLOB_GONE_MS     (UINT64_C(30) * 24 * 3600 * 1000)
#define NODE_BLOB_FRESH_MS    (UINT64_C(3600) * 1000) /* a record comes so soon, or not at all */
#define NODE_BLOB_SLICE_BYTES (4u * 1024u * 1024u)    /* hashed in one step: about 5 ms */

struct node_blob {
    struct crdt_hash hash;
    uint64_t size;
    uint64_t used_ms; /* last written or read, ms since the Unix epoch */
    uint64_t gone_ms; /* no record names it since then; 0: one does */
    bool own;         /* attached here, or kept for all */
    bool kept;        /* a device that keeps all blobs has it */
    bool fresh;       /* written by a client whose record is still to come */
    bool checked;     /* its bytes are what its name says, as read since the start */
};

struct node_blob_policy {
    uint64_t quota_bytes;
    uint64_t fetch_below_bytes; /* smaller ones are fetched unasked; 0: none */
    bool keep;                  /* fetch all, and answer for them */
};

struct node_blobs;

/* Look at a folder that may not exist yet. CHT_E_LIMIT: its path is too long; CHT_E_NOMEM,
 * CHT_E_IO, CHT_E_DENIED. */
CHT_MUST_USE enum cht_err node_blobs_open(const char *folder, struct cht_error *detail,
                                          struct node_blobs **out);
void node_blobs_close(struct node_blobs *b);

/* Whatever the folder `from` has (it may not exist) is in the folder `to` too, as second names of
 * the same files. Errors of the disk: some of it may be missing. */
CHT_MUST_USE enum cht_err node_blobs_share(const char *from, const char *to);

struct node_blob_policy node_blobs_policy(const struct node_blobs *b);
/* For good. Errors of the disk; then the old one holds. */
CHT_MUST_USE enum cht_err node_blobs_set_policy(struct node_blobs *b,
                                                const struct node_blob_policy *policy,
                                                struct cht_error *detail);

/* The one of that hash, or NULL; all of them in order of their hashes. Borrowed until one is added
 * or goes. */
const struct node_blob *node_blobs_find(const struct node_blobs *b, const struct crdt_hash *hash);
const struct node_blob *node_blobs_at(const struct node_blobs *b, size_t index);
size_t node_blobs_count(const struct node_blobs *b);
/* Bytes of all of them and of what is being written. */
uint64_t node_blobs_bytes(const struct node_blobs *b);
/* How many were found damaged and set aside, and are there still. */
size_t node_blobs_damaged(const struct node_blobs *b);

/* Make room for so many bytes within the quota: fetched ones that were not used for longest go
 * first, then own ones that no record names, then own ones that another device keeps.
 * CHT_E_FULL: not enough may go. */
CHT_MUST_USE enum cht_err node_blobs_room(struct node_blobs *b, uint64_t bytes,
                                          struct cht_error *detail);
/* Does a record name it? One that none has named for NODE_BLOB_GONE_MS is removed by a prune. */
void node_blobs_named(struct node_blobs *b, const struct crdt_hash *hash, bool named,
                      uint64_t now_ms);
/* A device that keeps all blobs has it, or said so before it went here. */
bool node_blobs_kept_elsewhere(const struct node_blobs *b, const struct crdt_hash *hash);
void node_blobs_kept(struct node_blobs *b, const struct crdt_hash *hash);
/* Remove what was set aside. */
void node_blobs_forget_damaged(struct node_blobs *b);
/* Remove what no record has named since `before_ms`. */
void node_blobs_prune(struct node_blobs *b, uint64_t before_ms, size_t *out_count,
                      uint64_t *out_bytes);

/* --- writing (write.c) --------------------------------------------------------------------- */

struct node_blob_writer;

/* A new one of which only the size is known. Room is made. CHT_E_FULL; CHT_E_LIMIT: larger than a
 * blob may be; CHT_E_IO, CHT_E_DENIED, CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err node_blob_begin(struct node_blobs *b, uint64_t size,
                                          struct cht_error *detail, struct node_blob_writer **out);
/* One that is fetched: goes on behind what was fetched before. Errors as above. */
CHT_MUST_USE enum cht_err node_blob_resume(struct node_blobs *b, const struct crdt_hash *hash,
                                           uint64_t size, struct cht_error *detail,
                                           struct node_blob_writer **out);
/* Hash a slice of what was there before. CHT_OK: all of it is hashed; CHT_E_WAITING: go on. */
CHT_MUST_USE enum cht_err node_blob_catch_up(struct node_blob_writer *w);
/* The next bytes. CHT_E_LIMIT: more than its size; CHT_E_FULL, CHT_E_IO: nothing of them counts. */
CHT_MUST_USE enum cht_err node_blob_write(struct node_blob_writer *w, struct cht_bytes bytes);
/* Where the next bytes belong. */
uint64_t node_blob_written(const struct node_blob_writer *w);
/* Were all bytes written through this writer (and none found)? */
bool node_blob_all_new(const struct node_blob_writer *w);
/* All bytes are there: make it durable under its name. `own`: this device answers for it. The
 * writer is gone in any case. CHT_E_INVALID: bytes are missing (a fetched one is kept in part);
 * CHT_E_CORRUPT: they hash to something else, and are gone; CHT_E_FULL, CHT_E_IO. */
CHT_MUST_USE enum cht_err node_blob_finish(struct node_blobs *b, struct node_blob_writer *w,
                                           bool own, uint64_t now_ms, struct crdt_hash *out);
/* Give up; `keep`: a fetched one is gone on with later. NULL is allowed. */
void node_blob_abandon(struct node_blobs *b, struct node_blob_writer *w, bool keep);

/* --- reading (read.c) ---------------------------------------------------------------------- */

struct node_blob_reader;

/* CHT_E_NOTFOUND; CHT_E_IO, CHT_E_NOMEM. It can be read on while the blob is dropped. */
CHT_MUST_USE enum cht_err node_blob_open(struct node_blobs *b, const struct crdt_hash *hash,
                                         uint64_t now_ms, struct node_blob_reader **out);
/* Hash a slice, where it was not checked since the start. CHT_OK: it is what its name says;
 * CHT_E_WAITING: go on; CHT_E_CORRUPT: it is not, and was set aside. */
CHT_MUST_USE enum cht_err node_blob_check(struct node_blobs *b, struct node_blob_reader *r,
                                          uint64_t *out_done);
/* Bytes from `offset` on, as many as there are up to `max`; after the check. */
CHT_MUST_USE enum cht_err node_blob_read(const struct node_blob_reader *r, uint64_t offset,
                                         uint8_t *out, size_t max, size_t *out_len);
uint64_t node_blob_size(const struct node_blob_reader *r);
void node_blob_shut(struct node_blob_reader *r);

#endif
