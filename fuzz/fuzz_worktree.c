/* What git prints of a clone: whatever is taken makes a map that says the same. */
/* covers: node/client/worktree.c */
#include "node/client/mpmap.h"
#include "node/client/worktree.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct node_worktree w;
    struct cht_buf b;
    const enum cht_err err = node_worktree_read(cht_bytes(data, len), &w);
    must(err == CHT_OK || err == CHT_E_MALFORMED);
    if (err != CHT_OK)
        return 0;
    cht_buf_init(&b, 2048);
    must(node_worktree_put(&w, 1, &b) == CHT_OK);
    must(crdt_mp_scan(cht_buf_view(&b), 2, 32) == CHT_OK);
    must(node_worktree_same(&w, cht_buf_view(&b)));
    must(crdt_utf8_valid(cht_bytes_str(w.branch)) && crdt_utf8_valid(cht_bytes_str(w.upstream)));
    cht_buf_clear(&b);
    return 0;
}
