/* The dates of recurring todos, in time zones with and without summer time (LOCAL 3.8). */
#include "node/service/recurrence.h"

#include "crdt/rfc3339.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static void zone(const char *tz)
{
    (void)setenv("TZ", tz, 1);
    tzset();
}

static uint64_t ms_of(const char *text)
{
    uint64_t ms;
    char whole[CRDT_RFC3339_MAX];
    (void)snprintf(whole, sizeof whole, "%s:00.000Z", text);
    assert_int_equal(CHT_OK, crdt_rfc3339_parse(cht_bytes_str(whole), &ms));
    return ms;
}

static void words_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum recurrence_unit unit;
        unsigned every;
    } good[] = {
        { "daily", RECURRENCE_DAY, 1 },
        { "weekly", RECURRENCE_WEEK, 1 },
        { "weekdays", RECURRENCE_WEEKDAY, 1 },
        { "monthly", RECURRENCE_MONTH, 1 },
        { "yearly", RECURRENCE_YEAR, 1 },
        { "every day", RECURRENCE_DAY, 1 },
        { "every 2 days", RECURRENCE_DAY, 2 },
        { "every 3 weeks", RECURRENCE_WEEK, 3 },
        { "every 1 month", RECURRENCE_MONTH, 1 },
        { "every weekday", RECURRENCE_WEEKDAY, 1 },
        { "every 10 years", RECURRENCE_YEAR, 10 },
        { " every  999   days ", RECURRENCE_DAY, 999 },
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct recurrence r;
        assert_int_equal(CHT_OK, recurrence_parse(cht_bytes_str(good[i].text), &r));
        assert_int_equal(good[i].unit, r.unit);
        assert_int_equal(good[i].every, r.every);
    }
}

static void other_words_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       "sometimes",
                                       "every",
                                       "every 2",
                                       "every 0 days",
                                       "every 1000 days",
                                       "2 days",
                                       "every two days",
                                       "daily daily",
                                       "every -1 days",
                                       "Weekly",
                                       "every 99999999999999999999 days",
                                       "day" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct recurrence r = { .every = 77 };
        assert_int_equal(CHT_E_INVALID, recurrence_parse(cht_bytes_str(bad[i]), &r));
        assert_int_equal(77, r.every);
    }
}

static void the_next_one_is_the_first_after_both(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *words, *from, *after, *next;
        unsigned day, steps;
    } rows[] = {
        { "UTC0", "daily", "2026-03-01T09:00", "2026-03-01T10:00", "2026-03-02T09:00", 0, 1 },
        { "UTC0", "daily", "2026-03-01T09:00", "2026-02-01T10:00", "2026-03-02T09:00", 0, 1 },
        { "UTC0", "daily", "2026-03-01T09:00", "2026-03-05T09:00", "2026-03-06T09:00", 0, 5 },
        { "UTC0", "daily", "1971-03-01T09:00", "2026-03-05T08:59", "2026-03-05T09:00", 0, 20093 },
        { "UTC0", "every 3 days", "2026-02-27T09:00", "2026-03-03T00:00", "2026-03-05T09:00", 0,
          2 },
        { "UTC0", "weekly", "2026-12-28T09:00", "2026-12-28T09:00", "2027-01-04T09:00", 0, 1 },
        { "UTC0", "every 2 weeks", "2026-01-05T09:00", "2026-02-10T00:00", "2026-02-16T09:00", 0,
          3 },
        { "UTC0", "weekdays", "2026-11-20T09:00", "2026-11-20T10:00", "2026-11-23T09:00", 0, 1 },
        { "UTC0", "weekdays", "2026-11-16T09:00", "2026-11-16T10:00", "2026-11-17T09:00", 0, 1 },
        { "UTC0", "weekdays", "2026-11-21T09:00", "2026-11-21T10:00", "2026-11-23T09:00", 0, 1 },
        { "UTC0", "weekdays", "2020-11-16T09:00", "2026-11-21T10:00", "2026-11-23T09:00", 0, 1570 },
        { "UTC0", "monthly", "2026-01-31T09:00", "2026-01-31T09:00", "2026-02-28T09:00", 0, 1 },
        { "UTC0", "monthly", "2026-01-31T09:00", "2026-03-01T09:00", "2026-03-31T09:00", 0, 2 },
        { "UTC0", "monthly", "2026-02-28T09:00", "2026-02-28T09:00", "2026-03-31T09:00", 31, 1 },
        { "UTC0", "monthly", "2026-04-30T09:00", "2026-04-30T09:00", "2026-05-31T09:00", 31, 1 },
        { "UTC0", "monthly", "2027-12-31T09:00", "2028-02-01T09:00", "2028-02-29T09:00", 0, 2 },
        { "UTC0", "every 5 months", "2026-10-31T09:00", "2026-10-31T09:00", "2027-03-31T09:00", 0,
          1 },
        { "UTC0", "yearly", "2024-02-29T09:00", "2024-02-29T09:00", "2025-02-28T09:00", 0, 1 },
        { "UTC0", "yearly", "2024-02-29T09:00", "2027-03-01T09:00", "2028-02-29T09:00", 0, 4 },
        { "UTC0", "yearly", "2027-02-28T09:00", "2027-03-01T09:00", "2028-02-29T09:00", 29, 1 },
        /* the clocks go forward on 2026-03-29 and back on 2026-10-25: nine stays nine */
        { "CET-1CEST,M3.5.0,M10.5.0/3", "daily", "2026-03-28T08:00", "2026-03-28T08:00",
          "2026-03-29T07:00", 0, 1 },
        { "CET-1CEST,M3.5.0,M10.5.0/3", "weekly", "2026-10-20T07:00", "2026-10-20T07:00",
          "2026-10-27T08:00", 0, 1 },
        /* the day is the local one: 23:30Z is the first of the month there */
        { "CET-1CEST,M3.5.0,M10.5.0/3", "monthly", "2026-01-31T23:30", "2026-01-31T23:30",
          "2026-02-28T23:30", 0, 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct recurrence r;
        uint64_t next = 0;
        uint32_t steps = 0;
        char got[CRDT_RFC3339_MAX];
        zone(rows[i].zone);
        assert_int_equal(CHT_OK, recurrence_parse(cht_bytes_str(rows[i].words), &r));
        assert_int_equal(CHT_OK, recurrence_next(&r, ms_of(rows[i].from), ms_of(rows[i].after),
                                                 rows[i].day, &next, &steps));
        crdt_rfc3339_text(next, got);
        if (next != ms_of(rows[i].next) || steps != rows[i].steps)
            fail_msg("%s from %s after %s: %s in %u steps, not %s in %u", rows[i].words,
                     rows[i].from, rows[i].after, got, steps, rows[i].next, rows[i].steps);
    }
    zone("UTC0");
}

static void beyond_the_calendar_there_is_none(void **state)
{
    (void)state;
    const struct recurrence r = { .unit = RECURRENCE_YEAR, .every = 999 };
    uint64_t at = 5;
    uint32_t steps = 6;
    assert_int_equal(CHT_E_INVALID, recurrence_next(&r, ms_of("9500-01-01T00:00"),
                                                    ms_of("9500-01-01T00:00"), 0, &at, &steps));
    assert_int_equal(CHT_E_INVALID, recurrence_move(&r, UINT64_MAX, 1, 0, &at));
    assert_int_equal(5, at);
    assert_int_equal(6, steps);
}

static void the_last_day_of_a_month_is_known(void **state)
{
    (void)state;
    bool last;
    assert_int_equal(28, recurrence_day(ms_of("2026-02-28T10:00"), &last));
    assert_true(last);
    assert_int_equal(28, recurrence_day(ms_of("2028-02-28T10:00"), &last));
    assert_false(last);
}

int main(void)
{
    zone("UTC0");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_read),
        cmocka_unit_test(other_words_are_refused),
        cmocka_unit_test(the_next_one_is_the_first_after_both),
        cmocka_unit_test(beyond_the_calendar_there_is_none),
        cmocka_unit_test(the_last_day_of_a_month_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
