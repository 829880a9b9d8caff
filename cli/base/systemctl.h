#ifndef CLI_BASE_SYSTEMCTL_H
#define CLI_BASE_SYSTEMCTL_H
/* Asking the user's service manager, through its own program. */
#include "crdt/base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define SYSTEMCTL_WORDS_MAX 8u

/* Run `systemctl --user` with these words (the last is NULL); true when it exits with 0. Its first
 * line of output goes to `out` when that is not NULL. Nothing of it is shown. */
bool systemctl_user(const char *const *words, char *out, size_t room);
/* Is there a manager of this user that answers? */
bool systemctl_there(void);

#endif
