/* How often the disk is asked to make something durable: SQLite's own system interface with its
 * sync counted; see store.h. */
#include "node/store/store.h"

#include <sqlite3.h>
#include <time.h>

static struct node_syncs syncs;
static sqlite3_vfs counting;

/* SQLite has methods of its own for each kind of file: with locks, without. */
#define KINDS_MAX 4u
static struct kind {
    sqlite3_io_methods methods; /* the real ones, but for the sync */
    const sqlite3_io_methods *real;
} kinds[KINDS_MAX];

struct node_syncs node_store_syncs(void)
{
    return syncs;
}

static uint64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static int count_sync(sqlite3_file *file, int flags)
{
    const uint64_t start = now_us();
    const struct kind *kind = kinds;
    while (&kind->methods != file->pMethods)
        kind++;
    const int code = kind->real->xSync(file, flags);
    syncs.count++;
    syncs.failures += code != SQLITE_OK;
    syncs.us += now_us() - start;
    return code;
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *out_flags)
{
    sqlite3_vfs *base = vfs->pAppData;
    const int code = base->xOpen(base, name, file, flags, out_flags);
    if (code != SQLITE_OK || file->pMethods == NULL)
        return code;
    for (size_t i = 0; i < KINDS_MAX; i++) {
        struct kind *kind = &kinds[i];
        if (kind->real == NULL) {
            kind->real = file->pMethods;
            kind->methods = *file->pMethods;
            kind->methods.xSync = count_sync;
        }
        if (kind->real == file->pMethods) {
            file->pMethods = &kind->methods;
            break;
        }
    }
    return code;
}

void node_store_count_syncs(void)
{
    sqlite3_vfs *base = sqlite3_vfs_find(NULL);
    if (counting.zName != NULL || base == NULL)
        return;
    counting = *base;
    counting.pNext = NULL;
    counting.zName = "chitty";
    counting.pAppData = base;
    counting.xOpen = open_file;
    (void)sqlite3_vfs_register(&counting, 1);
}
