#ifndef BRIDGES_OBSERVE_DIRS_H
#define BRIDGES_OBSERVE_DIRS_H
/* What happens in the .git folders of clones: inotify on HEAD, index, packed-refs and the refs, of
 * a worktree of its own and of the repository it shares. */
#include "crdt/base/err.h"

#include <stdint.h>

struct observe_dirs;

CHT_MUST_USE enum cht_err observe_dirs_open(struct observe_dirs **out);
/* NULL is allowed. */
void observe_dirs_close(struct observe_dirs *d);
/* Readable when something has happened. */
int observe_dirs_fd(const struct observe_dirs *d);
/* Watch the clone in `folder` (again: folders of refs may have come) under a number of the
 * caller's. What cannot be watched is passed over: clones are looked at from time to time, too. */
void observe_dirs_watch(struct observe_dirs *d, uint32_t number, const char *folder);
void observe_dirs_drop(struct observe_dirs *d, uint32_t number);
/* Call `changed` for each number in whose folders something has happened, maybe several times. */
void observe_dirs_read(struct observe_dirs *d, void (*changed)(void *ctx, uint32_t number),
                       void *ctx);

#endif
