/* Lines of a batch, words of recurrence, and keys that say what an entry takes back: each is
 * refused or read, and what is read can be asked, and gives dates in order. */
/* covers: cli/base/batch_line.c node/service/recurrence.c crdt/undo.c */
#include "cli/base/batch_line.h"
#include "crdt/limits.h"
#include "crdt/mp.h"
#include "crdt/undo.h"
#include "node/client/request.h"
#include "node/service/recurrence.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void read_line(struct cht_bytes line)
{
    static const struct cli_command batch = { .name = "batch" };
    static struct cli_context c;
    struct cht_buf change;
    struct node_mutation m;
    c.command = &batch;
    c.now_ms = 1767225600000;
    c.fault = (struct node_fault){ 0 };
    cht_buf_init(&change, LIMIT_CLIENT_BYTES);
    const enum cht_err err = cli_batch_line(&c, line, &change);
    if (err == CHT_OK) {
        must(crdt_mp_scan(cht_buf_view(&change), 32, UINT32_MAX) == CHT_OK);
        (void)!node_mutation_read(cht_buf_view(&change), &c.fault, &m);
    } else {
        must(err == CHT_E_INVALID || err == CHT_E_LIMIT || err == CHT_E_NOMEM ||
             err == CHT_E_MALFORMED);
    }
    cht_buf_clear(&change);
}

static void read_recurrence(struct cht_bytes text)
{
    struct recurrence r;
    uint64_t next = 0;
    uint32_t steps = 0;
    if (recurrence_parse(text, &r) != CHT_OK)
        return;
    must(r.every >= 1 && r.every <= RECURRENCE_EVERY_MAX);
    for (uint64_t from = 0; from < UINT64_C(4000000000000); from = 2 * from + 86399999) {
        const uint64_t after = from + from / 3;
        if (recurrence_next(&r, from, after, 31, &next, &steps) == CHT_OK)
            must(next > after && steps >= 1);
    }
}

static void read_mark(struct cht_bytes bytes)
{
    enum crdt_undo_kind kind;
    struct crdt_hash hash;
    uint8_t key[CRDT_UNDO_KEY_BYTES];
    const struct crdt_op op = { .kind = CRDT_OP_DROP, .field = CRDT_FIELD_UNDOES, .key = bytes };
    if (crdt_mp_scan(bytes, 16, 65536) != CHT_OK || !crdt_undo_read(&op, &kind, &hash))
        return;
    const struct crdt_op again = crdt_undo_op(kind, &hash, key);
    must(again.field == op.field && again.key.len == CRDT_UNDO_KEY_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct cht_bytes input = cht_bytes(data, len);
    (void)setenv("TZ", "UTC0", 0);
    read_line(input);
    read_recurrence(input);
    read_mark(input);
    return 0;
}
