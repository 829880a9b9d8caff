#ifndef NODE_BLOBS_OWN_H
#define NODE_BLOBS_OWN_H
/* Inside node/blobs only. */
#include "node/blobs/blobs.h"
#include "node/client/paths.h"

#define BLOB_HEX  (2u * CRDT_HASH_BYTES)
#define BLOB_ROOM 96u /* of a path behind the folder: "/xx/", 62 digits, ".own" and spare */

struct node_blobs {
    char folder[NODE_PATH_MAX];
    struct node_blob *list; /* ascending by hash */
    size_t count, cap;
    uint64_t bytes;    /* of the list */
    uint64_t reserved; /* of what is being written */
    uint64_t begun;    /* numbers what clients write */
    struct node_blob_policy policy;
};

/* --- folder.c ------------------------------------------------------------------------------ */

/* "FOLDER/xx/yyyy…" and an ending ("" for the blob itself); "FOLDER/part/HEX" and the like. */
void blob_path(const struct node_blobs *b, const struct crdt_hash *hash, const char *ending,
               char out[static NODE_PATH_MAX]);
void blob_side_path(const struct node_blobs *b, const char *side, const struct crdt_hash *hash,
                    char out[static NODE_PATH_MAX]);
/* What errno means here: CHT_E_FULL, CHT_E_DENIED, CHT_E_IO. */
enum cht_err blob_errno(struct cht_error *detail, const char *what);
/* Make a folder below the one of all blobs, and that one. */
CHT_MUST_USE enum cht_err blob_make_folder(const struct node_blobs *b, const char *name,
                                           struct cht_error *detail);
/* What was renamed or removed in the folder that `path` is in is durable. */
CHT_MUST_USE enum cht_err blob_sync_folder_of(const char *path);
/* An empty file beside a blob, or none. */
CHT_MUST_USE enum cht_err blob_mark(const struct node_blobs *b, const struct crdt_hash *hash,
                                    const char *ending);
void blob_unmark(const struct node_blobs *b, const struct crdt_hash *hash, const char *ending);
/* Fill the list from the folder. */
CHT_MUST_USE enum cht_err blob_scan(struct node_blobs *b);
void blob_read_policy(struct node_blobs *b);

/* --- blobs.c ------------------------------------------------------------------------------- */

struct node_blob *blob_find(struct node_blobs *b, const struct crdt_hash *hash);
CHT_MUST_USE enum cht_err blob_add(struct node_blobs *b, const struct node_blob *blob);
/* Off the list; `remove`: and off the disk. */
void blob_drop(struct node_blobs *b, const struct crdt_hash *hash, bool remove);

#endif
