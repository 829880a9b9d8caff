#ifndef CLI_BASE_DATES_OWN_H
#define CLI_BASE_DATES_OWN_H
/* Inside cli/dates*.c only. */
#include "cli/base/dates.h"

#include <stdbool.h>
#include <time.h>

/* `ms` when it is in 1970 … 9999. CHT_E_INVALID. */
CHT_MUST_USE enum cht_err dates_bounded(int64_t ms, uint64_t *out_ms);
/* The moment of a local time, whose parts may lie beyond their bounds. CHT_E_INVALID. */
CHT_MUST_USE enum cht_err dates_local_ms(struct tm tm, uint64_t *out_ms);
int dates_month_days(int year, int month);
/* Does it mean a day's end; a deadline? */
bool dates_at_end(enum cli_day day);
bool dates_of_deadline(enum cli_day day);
/* The beginning of its day, or its last second. */
void dates_set_day(struct tm *tm, enum cli_day day);

/* Days, moments and spans in words: "next monday 14:00", "in 3 days", "7daysAgo". CHT_E_INVALID:
 * none of them. (dates_words.c) */
CHT_MUST_USE enum cht_err dates_words(struct cht_bytes text, uint64_t now_ms, enum cli_day day,
                                      uint64_t *out_ms);

#endif
