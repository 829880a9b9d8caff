#ifndef NODE_STORE_BACKUP_H
#define NODE_STORE_BACKUP_H
/* A database copied into one file while it is in use: one committed state of it, page by page,
 * without the secrets of tickets (PROTOCOL 10.7). The file appears under its name when it is whole
 * and on the disk; until then there is only NAME.part, which goes when it is given up. */
#include "crdt/id.h"
#include "node/store/store.h"

/* Meta: a u64, when this file was made of a backup, ms since the Unix epoch. */
#define NODE_META_RESTORED "restored"

struct node_backup;

/* What the copy says of itself, in meta `backup`. */
struct node_backup_note {
    uint64_t at_ms;                /* wall clock */
    uint8_t device[CRDT_ID_BYTES]; /* who made it */
};

/* Begin to copy the database at `from` as its last commit left it. CHT_E_EXISTS: there is a file
 * `to`, unless `force`; CHT_E_INVALID: what is there is no file; CHT_E_DENIED, CHT_E_IO,
 * CHT_E_FULL: it cannot be made; errors of the store.
 */
CHT_MUST_USE enum cht_err node_backup_open(const char *from, const char *to, bool force,
                                           const struct node_backup_note *note,
                                           struct cht_error *detail, struct node_backup **out);
/* Copy some more. `*out_end`: it is whole, durable and has its name. The counts are of bytes. */
CHT_MUST_USE enum cht_err node_backup_step(struct node_backup *b, struct cht_error *detail,
                                           uint64_t *out_done, uint64_t *out_total, bool *out_end);
/* Give up what is not whole. NULL is allowed. */
void node_backup_close(struct node_backup *b);

/* Read what a database says of being a backup. CHT_E_NOTFOUND: it says nothing. */
CHT_MUST_USE enum cht_err node_backup_read_note(struct node_store *s, struct node_backup_note *out);
/* Copy a file whole, and onto the disk. CHT_E_EXISTS: there is a file `to`; CHT_E_NOTFOUND,
 * CHT_E_DENIED, CHT_E_IO, CHT_E_FULL. */
CHT_MUST_USE enum cht_err node_backup_copy_file(const char *from, const char *to,
                                                struct cht_error *detail);
/* Make the names in the folder of `path` durable. CHT_E_IO. */
CHT_MUST_USE enum cht_err node_backup_sync_folder(const char *path, struct cht_error *detail);

#endif
