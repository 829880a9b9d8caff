#ifndef BRIDGES_CLAUDE_DIFF_H
#define BRIDGES_CLAUDE_DIFF_H
/* What differs between two texts, as `diff -u` says it. */
#include "crdt/base/buf.h"

/* Append the unified diff of two texts under these names (NULL: /dev/null), `context` lines around
 * each change; nothing where they are equal. CHT_E_NOMEM, CHT_E_LIMIT: the buffer's. */
CHT_MUST_USE enum cht_err claude_diff(const char *old_name, struct cht_bytes old_text,
                                      const char *new_name, struct cht_bytes new_text,
                                      size_t context, struct cht_buf *out);

#endif
