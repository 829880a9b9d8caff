#ifndef CLI_BASE_DATES_H
#define CLI_BASE_DATES_H
/* Dates as people type them, in the local time zone, and times as they are shown. */
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"

#include <stdint.h>

/* What a day without a time of day means, and a week or month without a day. A span of days or more
 * keeps the time of day, but of deadlines: they mean the whole day, as they do with any other. */
enum cli_day { CLI_DAY_START, CLI_DAY_END, CLI_DEADLINE_START, CLI_DEADLINE_END };

#define CLI_DATE_FORMS                                                                             \
    "today, tomorrow 14:00, fri, next monday, next week, 14:00, eod, eow, eom, in 3 days, 2w, "    \
    "+2d, -1w, "                                                                                   \
    "3 days ago, 2026-03, 2026-03-01, 2026-03-01 18:00, 2026-03-01T18:00:00Z"

/* Read a date. now_ms: wall clock in ms since the Unix epoch; the time zone is the process's.
 * CHT_E_INVALID: none of CLI_DATE_FORMS, no such day, or not in 1970 … 9999. */
CHT_MUST_USE enum cht_err cli_date_parse(struct cht_bytes text, uint64_t now_ms, enum cli_day day,
                                         uint64_t *out_ms);

#define CLI_DATE_MAX 32u
/* "2026-03-01 18:00" in local time. */
void cli_date_local(uint64_t ms, char out[static CLI_DATE_MAX]);

#endif
