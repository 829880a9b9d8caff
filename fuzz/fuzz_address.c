/* Addresses of repositories as people and git write them: what comes out is read as itself and is a
 * value that the field takes (PROTOCOL 1.9). */
/* covers: crdt/address.c */
#include "crdt/address.h"
#include "crdt/limits.h"
#include "crdt/mp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cht_buf once, twice;
    cht_buf_init(&once, LIMIT_TITLE_BYTES);
    cht_buf_init(&twice, LIMIT_TITLE_BYTES);
    const enum cht_err err = crdt_address_normal(cht_bytes(data, len), &once);
    must(err == CHT_OK || err == CHT_E_INVALID || err == CHT_E_LIMIT);
    must((err == CHT_OK) == (once.len != 0));
    if (err == CHT_OK) {
        must(crdt_utf8_valid(cht_buf_view(&once)));
        must(crdt_address_normal(cht_buf_view(&once), &twice) == CHT_OK);
        must(cht_bytes_eq(cht_buf_view(&once), cht_buf_view(&twice)));
    }
    cht_buf_clear(&once);
    cht_buf_clear(&twice);
    return 0;
}
