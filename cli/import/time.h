#ifndef CLI_IMPORT_TIME_H
#define CLI_IMPORT_TIME_H
/* Times as other programs write them. */
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"

#include <stdint.h>

/* Read RFC 3339 with any fraction and offset ("2026-02-26T00:08:56.123456-08:00"), a blank for the
 * T allowed, or the basic form "20261201T100000Z"; milliseconds since the Unix epoch, cut off.
 * `out_exact` (may be NULL): "…Z" with no fraction or whole milliseconds, so that the text can be
 * made of the number again. CHT_E_INVALID: no such time, or not in 1970 … 9999. */
CHT_MUST_USE enum cht_err cli_import_time(struct cht_bytes text, uint64_t *out_ms, bool *out_exact);

#endif
