#ifndef CRDT_RFC3339_H
#define CRDT_RFC3339_H
/* Milliseconds since the Unix epoch as RFC 3339 text in UTC and back, without libc's time. */
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"

#define CRDT_RFC3339_MAX    25u                       /* "2026-11-21T12:34:56.789Z" and NUL */
#define CRDT_RFC3339_MS_MAX UINT64_C(253402300799999) /* the end of the year 9999 */

/* Write `ms` (at most CRDT_RFC3339_MS_MAX) with its milliseconds; always 24 characters. */
void crdt_rfc3339_text(uint64_t ms, char out[static CRDT_RFC3339_MAX]);
/* Read exactly the form that crdt_rfc3339_text writes. CHT_E_INVALID. */
CHT_MUST_USE enum cht_err crdt_rfc3339_parse(struct cht_bytes text, uint64_t *out_ms);

#endif
