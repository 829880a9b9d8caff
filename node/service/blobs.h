#ifndef NODE_SERVICE_BLOBS_H
#define NODE_SERVICE_BLOBS_H
/* Attachments: which records name which blobs, clients that write and read them, and what the
 * running daemon adds: fetching from peers (LOCAL 7, PROTOCOL 12). */
#include "node/blobs/blobs.h"
#include "node/service/service.h"

/* A live value of some record's `attachments` that names a blob. */
struct service_attachment {
    struct crdt_hash hash;
    uint64_t size;        /* as the record says */
    uint32_t n;           /* the entity */
    struct crdt_place at; /* the entry that wrote it: its device had the blob */
};

/* All of them, ascending by hash, each value by itself. Borrowed until the next commit. The first
 * call reads them from the tables: CHT_E_WAITING while rows are not written yet. */
CHT_MUST_USE enum cht_err service_attachments(struct node_service *s,
                                              const struct service_attachment **out,
                                              size_t *out_count);
/* One that names the hash. CHT_E_NOTFOUND: none does; else as above. */
CHT_MUST_USE enum cht_err service_attached(struct node_service *s, const struct crdt_hash *hash,
                                           struct service_attachment *out);
/* Counts up with each change of that list. */
uint64_t service_attachments_version(const struct node_service *s);
/* The device that wrote it. */
const uint8_t *service_attachment_device(const struct node_service *s,
                                         const struct service_attachment *a);

/* The folder; NULL: this home has none. */
struct node_blobs *service_blobs(const struct node_service *s);

/* Note which blobs no record names (they may go 30 days from then), and which one names again. */
void service_blobs_sweep(struct node_service *s);

/* The same, where so many bytes more would pass the quota: what may go for them is known then. */
void service_blobs_make_way(struct node_service *s, uint64_t bytes);

/* Does a client wait for it? */
bool service_blob_waited(const struct node_service *s, const struct crdt_hash *hash);
/* Tell those who wait: it is coming, it is here, or it cannot be had. */
void service_blob_progress(struct node_service *s, const struct crdt_hash *hash, uint64_t done,
                           uint64_t total);
void service_blob_here(struct node_service *s, const struct crdt_hash *hash);
void service_blob_failed(struct node_service *s, const struct crdt_hash *hash,
                         const struct node_fault *fault);

#endif
