/* Messages of the discovery helper, which reads what strangers send: what is read has one encoding.
 */
/* covers: net/lookout.c */
#include "net/lookout.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct net_lookout m;
    struct cht_buf again = { .limit = NET_LOOKOUT_BYTES };
    enum cht_err err = net_lookout_read(cht_bytes(data, len), &m);
    must(err == CHT_OK || err == CHT_E_MALFORMED);
    if (err == CHT_OK) {
        must(net_lookout_put(&m, &again) == CHT_OK);
        must(cht_bytes_eq(cht_buf_view(&again), cht_bytes(data, len)));
    }
    cht_buf_clear(&again);
    return 0;
}
