/* The list of blobs held, and which go when there is no room; see blobs.h. */
#include "node/blobs/own.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* --- the list ------------------------------------------------------------------------------- */

/* Where it is or would be. */
static size_t place_of(const struct node_blobs *b, const struct crdt_hash *hash)
{
    size_t low = 0, high = b->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (memcmp(b->list[middle].hash.b, hash->b, CRDT_HASH_BYTES) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct node_blob *blob_find(struct node_blobs *b, const struct crdt_hash *hash)
{
    const size_t at = place_of(b, hash);
    return at < b->count && crdt_hash_eq(&b->list[at].hash, hash) ? &b->list[at] : NULL;
}

enum cht_err blob_add(struct node_blobs *b, const struct node_blob *blob)
{
    const size_t at = place_of(b, &blob->hash);
    if (b->count == b->cap) {
        const size_t cap = b->cap == 0 ? 16 : b->cap * 2;
        struct node_blob *grown = realloc(b->list, cap * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        b->list = grown;
        b->cap = cap;
    }
    memmove(b->list + at + 1, b->list + at, (b->count - at) * sizeof *b->list);
    b->list[at] = *blob;
    b->count++;
    b->bytes += blob->size;
    return CHT_OK;
}

void blob_drop(struct node_blobs *b, const struct crdt_hash *hash, bool remove)
{
    static const char *const endings[] = { "", ".gone", ".own" }; /* who keeps it stays known */
    const struct crdt_hash gone = *hash;                          /* it may stand in the list */
    struct node_blob *blob = blob_find(b, &gone);
    for (size_t i = 0; remove && i < sizeof endings / sizeof endings[0]; i++)
        blob_unmark(b, &gone, endings[i]);
    if (blob == NULL)
        return;
    b->bytes -= blob->size;
    b->count--;
    memmove(blob, blob + 1, (size_t)(b->list + b->count - blob) * sizeof *blob);
}

const struct node_blob *node_blobs_find(const struct node_blobs *b, const struct crdt_hash *hash)
{
    const size_t at = place_of(b, hash);
    return at < b->count && crdt_hash_eq(&b->list[at].hash, hash) ? &b->list[at] : NULL;
}

const struct node_blob *node_blobs_at(const struct node_blobs *b, size_t index)
{
    return index < b->count ? &b->list[index] : NULL;
}

size_t node_blobs_count(const struct node_blobs *b)
{
    return b->count;
}

uint64_t node_blobs_bytes(const struct node_blobs *b)
{
    return b->bytes + b->reserved;
}

struct node_blob_policy node_blobs_policy(const struct node_blobs *b)
{
    return b->policy;
}

/* --- opening -------------------------------------------------------------------------------- */

enum cht_err node_blobs_open(const char *folder, struct cht_error *detail, struct node_blobs **out)
{
    if (strlen(folder) + BLOB_ROOM >= NODE_PATH_MAX)
        return cht_fail(detail, CHT_E_LIMIT, "the path of the folder of attachments is too long");
    struct node_blobs *b = calloc(1, sizeof *b);
    if (b == NULL)
        return cht_fail(detail, CHT_E_NOMEM, "");
    (void)snprintf(b->folder, sizeof b->folder, "%s", folder);
    blob_read_policy(b);
    const enum cht_err err = blob_scan(b);
    if (err != CHT_OK) {
        node_blobs_close(b);
        return cht_fail(detail, err, "the folder of attachments cannot be read");
    }
    *out = b;
    return CHT_OK;
}

void node_blobs_close(struct node_blobs *b)
{
    if (b == NULL)
        return;
    free(b->list);
    free(b);
}

/* --- room ----------------------------------------------------------------------------------- */

static bool is_fresh(const struct node_blob *blob)
{
    return blob->fresh && blob->used_ms + NODE_BLOB_FRESH_MS > (uint64_t)time(NULL) * 1000u;
}

/* What goes first has the smallest class; 3: never. */
static unsigned class_of(const struct node_blob *blob)
{
    if (!blob->own)
        return 0;
    if (blob->gone_ms != 0 && !is_fresh(blob))
        return 1;
    return blob->kept ? 2 : 3;
}

static const struct node_blob *next_to_go(const struct node_blobs *b)
{
    const struct node_blob *found = NULL;
    unsigned least = 3;
    for (size_t i = 0; i < b->count; i++) {
        const struct node_blob *blob = &b->list[i];
        const unsigned class = class_of(blob);
        if (class < least || (class == least && found != NULL && blob->used_ms < found->used_ms)) {
            found = blob;
            least = class;
        }
    }
    return found;
}

enum cht_err node_blobs_room(struct node_blobs *b, uint64_t bytes, struct cht_error *detail)
{
    uint64_t may_go = 0;
    if (b->bytes + b->reserved + bytes <= b->policy.quota_bytes)
        return CHT_OK;
    for (size_t i = 0; i < b->count; i++)
        may_go += class_of(&b->list[i]) < 3 ? b->list[i].size : 0;
    const uint64_t used = b->bytes + b->reserved;
    if (bytes > b->policy.quota_bytes || used - may_go > b->policy.quota_bytes - bytes) {
        (void)cht_fail(detail, CHT_E_FULL, "");
        if (detail != NULL)
            (void)snprintf(detail->text, sizeof detail->text,
                           "attachments would take more than their quota of %llu MiB, and none of "
                           "those here may go: they were attached on this device and no other "
                           "keeps them",
                           (unsigned long long)(b->policy.quota_bytes >> 20));
        return CHT_E_FULL;
    }
    while (b->bytes + b->reserved > b->policy.quota_bytes - bytes) {
        const struct node_blob *blob = next_to_go(b);
        if (blob == NULL)
            return cht_fail(detail, CHT_E_FULL, "");
        blob_drop(b, &blob->hash, true);
    }
    return CHT_OK;
}

void node_blobs_named(struct node_blobs *b, const struct crdt_hash *hash, bool named,
                      uint64_t now_ms)
{
    struct node_blob *blob = blob_find(b, hash);
    if (blob != NULL && named)
        blob->fresh = false;
    if (blob == NULL || named == (blob->gone_ms == 0))
        return;
    blob->gone_ms = named ? 0 : now_ms;
    if (named)
        blob_unmark(b, hash, ".gone");
    else
        (void)!blob_mark(b, hash, ".gone"); /* without it the 30 days begin anew with each start */
}

bool node_blobs_kept_elsewhere(const struct node_blobs *b, const struct crdt_hash *hash)
{
    char path[NODE_PATH_MAX];
    const struct node_blob *blob = node_blobs_find(b, hash);
    blob_path(b, hash, ".kept", path);
    return blob != NULL ? blob->kept : access(path, F_OK) == 0;
}

void node_blobs_kept(struct node_blobs *b, const struct crdt_hash *hash)
{
    struct node_blob *blob = blob_find(b, hash);
    if (blob != NULL && !blob->kept)
        blob->kept = blob_mark(b, hash, ".kept") == CHT_OK;
}

/* --- damaged ones ----------------------------------------------------------------------------- */

/* Count what was set aside, or with `remove` remove it. */
static size_t set_aside(const struct node_blobs *b, bool remove)
{
    char path[NODE_PATH_MAX];
    size_t count = 0;
    (void)snprintf(path, sizeof path, "%.*s/bad", (int)(NODE_PATH_MAX - BLOB_ROOM), b->folder);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        count++;
        if (remove)
            (void)unlinkat(dirfd(dir), e->d_name, 0);
    }
    if (dir != NULL)
        (void)closedir(dir);
    return count;
}

size_t node_blobs_damaged(const struct node_blobs *b)
{
    return set_aside(b, false);
}

void node_blobs_forget_damaged(struct node_blobs *b)
{
    (void)set_aside(b, true);
}

void node_blobs_prune(struct node_blobs *b, uint64_t before_ms, size_t *out_count,
                      uint64_t *out_bytes)
{
    *out_count = 0;
    *out_bytes = 0;
    for (size_t i = 0; i < b->count;) {
        const struct node_blob blob = b->list[i];
        if (blob.gone_ms == 0 || blob.gone_ms > before_ms || is_fresh(&blob)) {
            i++;
            continue;
        }
        *out_count += 1;
        *out_bytes += blob.size;
        blob_drop(b, &blob.hash, true);
    }
}
