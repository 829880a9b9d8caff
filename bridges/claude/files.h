#ifndef BRIDGES_CLAUDE_FILES_H
#define BRIDGES_CLAUDE_FILES_H
/* Reading and replacing files that belong to somebody else. */
#include "crdt/base/buf.h"
#include "node/client/fault.h"
#include "node/client/paths.h"

#include <sys/stat.h>

struct claude_file {
    char path[NODE_PATH_MAX]; /* as asked */
    char real[NODE_PATH_MAX]; /* what links lead to; as asked where there is nothing yet */
    struct cht_buf text;
    bool there;
    struct stat st; /* when `there` */
};

/* Read a file; one that is missing is well, and empty. Clear it in any case. CHT_E_LIMIT: longer
 * than JSONC_BYTES_MAX; CHT_E_INVALID: it is no regular file; CHT_E_IO. */
CHT_MUST_USE enum cht_err claude_file_read(const char *path, struct node_fault *fault,
                                           struct claude_file *out);
void claude_file_clear(struct claude_file *f);
/* Put a text in its place, by a new file beside it and a rename, with mode and owner of the old one
 * (`mode` for one that was missing, whose folders are made). What a killed run left beside it goes,
 * so the lock of files is held. CHT_E_CONFLICT: it is not what was
 * read any more; CHT_E_DENIED: it is read-only, or its owner could not stay; CHT_E_FULL, CHT_E_IO.
 */
CHT_MUST_USE enum cht_err claude_file_replace(const struct claude_file *f, struct cht_bytes text,
                                              mode_t mode, struct node_fault *fault);
/* Remove it. Errors as above. */
CHT_MUST_USE enum cht_err claude_file_remove(const struct claude_file *f, struct node_fault *fault);
/* Keep other runs of chitty from changing such files until the descriptor is closed. */
CHT_MUST_USE enum cht_err claude_files_lock(struct node_fault *fault, int *out_fd);

#endif
