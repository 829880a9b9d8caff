#ifndef NODE_SERVICE_RECURRENCE_H
#define NODE_SERVICE_RECURRENCE_H
/* How a todo comes again (LOCAL 3.8), and the dates of it: steps of the calendar in the time zone
 * of the process, so that nine o'clock stays nine o'clock when the clocks change. */
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"

#include <stdint.h>

enum recurrence_unit {
    RECURRENCE_DAY,
    RECURRENCE_WEEK,
    RECURRENCE_WEEKDAY, /* Monday to Friday */
    RECURRENCE_MONTH,
    RECURRENCE_YEAR,
};

struct recurrence {
    enum recurrence_unit unit;
    unsigned every; /* 1 … RECURRENCE_EVERY_MAX */
};

#define RECURRENCE_EVERY_MAX 999u
#define RECURRENCE_FORMS                                                                           \
    "daily, weekly, weekdays, monthly, yearly, or every N days, weeks, months or years"

/* CHT_E_INVALID: none of RECURRENCE_FORMS (a single one may do without N and s). */
CHT_MUST_USE enum cht_err recurrence_parse(struct cht_bytes text, struct recurrence *out);

/* `ms` (since the Unix epoch) moved on by so many steps. `day`: the day of the month that months
 * and years go by where the month has it, else its last one; 0: that of `ms`. CHT_E_INVALID: out of
 * the calendar (the year 9999). */
CHT_MUST_USE enum cht_err recurrence_move(const struct recurrence *r, uint64_t ms, uint32_t steps,
                                          unsigned day, uint64_t *out_ms);
/* The first moment after both `from_ms` and `after_ms` that is a whole number of steps, at least
 * one, from `from_ms`, and that number. Errors as recurrence_move. */
CHT_MUST_USE enum cht_err recurrence_next(const struct recurrence *r, uint64_t from_ms,
                                          uint64_t after_ms, unsigned day, uint64_t *out_ms,
                                          uint32_t *out_steps);
/* The day of the month of a moment, and whether it is the last one. */
unsigned recurrence_day(uint64_t ms, bool *out_last);

#endif
