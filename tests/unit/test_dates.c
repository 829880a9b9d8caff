/* Dates as people type them. The zone is set by each test; the numbers come from `date -d`. */
#include "cli/base/dates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

/* 2026-03-28T21:00:00Z, the eve of summer time in Europe */
#define NOW_MS UINT64_C(1774731600000)

static void zone(const char *name)
{
    (void)setenv("TZ", name, 1);
    tzset();
}

struct good {
    const char *text;
    enum cli_day day;
    uint64_t ms;
};

static void dates_with_their_zone_are_read_whatever_ours_is(void **state)
{
    (void)state;
    static const struct good cases[] = {
        { "2026-03-01T18:00:00Z", CLI_DAY_START, UINT64_C(1772388000000) },
        { "2026-03-01t18:00:00z", CLI_DAY_START, UINT64_C(1772388000000) },
        { "2026-03-01 18:00:00Z", CLI_DAY_START, UINT64_C(1772388000000) },
        { "2026-03-01T18:00Z", CLI_DAY_START, UINT64_C(1772388000000) },
        { "2026-03-01T18:00:00.5Z", CLI_DAY_START, UINT64_C(1772388000500) },
        { "2026-03-01T18:00:00.123456Z", CLI_DAY_START, UINT64_C(1772388000123) },
        { "2026-03-01T20:00:00+02:00", CLI_DAY_START, UINT64_C(1772388000000) },
        { "2026-03-01T12:30:00-05:30", CLI_DAY_START, UINT64_C(1772388000000) },
        { "1970-01-01T00:00:00Z", CLI_DAY_START, 0 },
        { "9999-12-31T23:59:59.999Z", CLI_DAY_START, UINT64_C(253402300799999) },
        { "2024-02-29T00:00:00Z", CLI_DAY_START, UINT64_C(1709164800000) },
    };
    static const char *const zones[] = { "UTC0", "EST5EDT,M3.2.0,M11.1.0", "FAR-14" };
    for (size_t z = 0; z < 3; z++) {
        zone(zones[z]);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            uint64_t ms = 77;
            assert_int_equal(
                CHT_OK, cli_date_parse(cht_bytes_str(cases[i].text), NOW_MS, cases[i].day, &ms));
            assert_int_equal(cases[i].ms, ms);
        }
    }
}

static void dates_without_a_zone_are_local(void **state)
{
    (void)state;
    static const struct good cases[] = {
        { "2026-03-01", CLI_DAY_START, UINT64_C(1772319600000) },
        { "2026-03-01", CLI_DAY_END, UINT64_C(1772405999000) },
        { "2026-03-01T18:00", CLI_DAY_END, UINT64_C(1772384400000) },
        { "2026-07-01 18:00:30", CLI_DAY_START, UINT64_C(1782921630000) },
        { "today", CLI_DAY_START, UINT64_C(1774652400000) },
        { "today", CLI_DAY_END, UINT64_C(1774738799000) },
        { "yesterday", CLI_DAY_START, UINT64_C(1774566000000) },
        { "now", CLI_DAY_END, NOW_MS },
        { "+2h", CLI_DAY_START, NOW_MS + 7200000 },
        { "+90m", CLI_DAY_START, NOW_MS + 5400000 },
        /* the clocks go forward in that night: the hour stays, the day has 23 of them */
        { "tomorrow", CLI_DAY_END, UINT64_C(1774821599000) },
        { "+1d", CLI_DAY_START, NOW_MS + 23 * UINT64_C(3600000) },
        { "+1w", CLI_DAY_START, NOW_MS + (7 * 24 - 1) * UINT64_C(3600000) },
    };
    zone("CET-1CEST,M3.5.0,M10.5.0/3");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t ms = 77;
        assert_int_equal(CHT_OK,
                         cli_date_parse(cht_bytes_str(cases[i].text), NOW_MS, cases[i].day, &ms));
        assert_int_equal(cases[i].ms, ms);
    }
}

/* In Berlin it is Saturday, 22:00, in New York 17:00, in Kolkata Sunday, 02:30. The numbers come
 * from Python's zoneinfo. */
static void dates_in_words_are_of_here_and_now(void **state)
{
    (void)state;
    static const char *const zones[] = { "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0",
                                         "IST-5:30" };
    static const struct {
        unsigned zone;
        const char *text;
        enum cli_day day;
        uint64_t ms;
    } cases[] = {
        { 0, "fri", CLI_DAY_START, UINT64_C(1775167200000) },
        { 0, "Friday", CLI_DAY_END, UINT64_C(1775253599000) },
        { 0, "sat", CLI_DAY_START, UINT64_C(1775253600000) },
        { 0, "sun", CLI_DAY_START, UINT64_C(1774738800000) },
        { 0, "sun 03:30", CLI_DAY_START, UINT64_C(1774747800000) },
        { 0, "next monday", CLI_DAY_START, UINT64_C(1774821600000) },
        { 0, "NEXT Mon 9:05", CLI_DAY_START, UINT64_C(1774854300000) },
        { 0, "last saturday", CLI_DAY_START, UINT64_C(1774047600000) },
        { 0, "last fri", CLI_DAY_START, UINT64_C(1774566000000) },
        { 0, "tomorrow at 14:00", CLI_DAY_END, UINT64_C(1774785600000) },
        { 0, "yesterday 08:15", CLI_DAY_END, UINT64_C(1774595700000) },
        { 0, "14:00", CLI_DAY_START, UINT64_C(1774702800000) },
        { 0, "0:00", CLI_DAY_END, UINT64_C(1774652400000) },
        { 0, "eod", CLI_DAY_START, UINT64_C(1774738799000) },
        { 0, "eow", CLI_DAY_START, UINT64_C(1774821599000) },
        { 0, "eom", CLI_DAY_START, UINT64_C(1774994399000) },
        { 0, "eoy", CLI_DAY_START, UINT64_C(1798757999000) },
        { 0, "in 3 days", CLI_DAY_START, UINT64_C(1774987200000) },
        { 0, "2 days", CLI_DAY_START, UINT64_C(1774900800000) },
        { 0, "7days", CLI_DAY_END, UINT64_C(1775332800000) },
        { 0, "1day", CLI_DAY_START, UINT64_C(1774814400000) },
        { 0, "30d", CLI_DAY_START, UINT64_C(1777320000000) },
        { 0, "2w", CLI_DAY_START, UINT64_C(1775937600000) },
        { 0, "+2d", CLI_DAY_START, UINT64_C(1774900800000) },
        { 0, "-1w", CLI_DAY_START, UINT64_C(1774126800000) },
        { 0, "7daysAgo", CLI_DAY_START, UINT64_C(1774126800000) },
        { 0, "3 days ago", CLI_DAY_START, UINT64_C(1774472400000) },
        { 0, "1 month", CLI_DAY_START, UINT64_C(1777406400000) },
        { 0, "1 month ago", CLI_DAY_START, UINT64_C(1772312400000) },
        { 0, "in 1 year", CLI_DAY_START, UINT64_C(1806264000000) },
        { 0, "11mo", CLI_DAY_START, UINT64_C(1803848400000) },
        { 0, "2024-11", CLI_DAY_START, UINT64_C(1730415600000) },
        { 0, "2024-11", CLI_DAY_END, UINT64_C(1733007599000) },
        { 0, "2024-02", CLI_DAY_END, UINT64_C(1709247599000) },
        { 0, "2024-11-04 14:00", CLI_DAY_START, UINT64_C(1730725200000) },
        { 0, "1h", CLI_DAY_START, UINT64_C(1774735200000) },
        { 0, "90 minutes", CLI_DAY_START, UINT64_C(1774737000000) },
        { 1, "today", CLI_DAY_START, UINT64_C(1774670400000) },
        { 1, "eow", CLI_DAY_START, UINT64_C(1774843199000) },
        { 1, "in 3 days", CLI_DAY_START, UINT64_C(1774990800000) },
        { 1, "sat", CLI_DAY_START, UINT64_C(1775275200000) },
        { 1, "7 days ago", CLI_DAY_START, UINT64_C(1774126800000) },
        { 1, "3 weeks ago", CLI_DAY_START, UINT64_C(1772920800000) },
        { 2, "today", CLI_DAY_START, UINT64_C(1774722600000) },
        { 2, "sun", CLI_DAY_START, UINT64_C(1775327400000) },
        { 2, "mon", CLI_DAY_START, UINT64_C(1774809000000) },
        { 2, "eow", CLI_DAY_START, UINT64_C(1774808999000) },
        { 2, "last sunday", CLI_DAY_START, UINT64_C(1774117800000) },
        { 2, "-2h", CLI_DAY_START, UINT64_C(1774724400000) },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t ms = 77;
        zone(zones[cases[i].zone]);
        if (cli_date_parse(cht_bytes_str(cases[i].text), NOW_MS, cases[i].day, &ms) != CHT_OK ||
            ms != cases[i].ms)
            fail_msg("\"%s\" is %llu instead of %llu", cases[i].text, (unsigned long long)ms,
                     (unsigned long long)cases[i].ms);
    }
}

/* The same Saturday in Berlin; that night has 23 hours. The numbers come from Python's zoneinfo. */
static void days_and_longer_are_whole_days_as_deadlines(void **state)
{
    (void)state;
    static const struct good cases[] = {
        { "in 2 weeks", CLI_DEADLINE_END, UINT64_C(1775944799000) },
        { "in 2 weeks", CLI_DEADLINE_START, UINT64_C(1775858400000) },
        { "2 days", CLI_DEADLINE_END, UINT64_C(1774907999000) },
        { "+1d", CLI_DEADLINE_END, UINT64_C(1774821599000) },
        { "1 month", CLI_DEADLINE_END, UINT64_C(1777413599000) },
        { "3 days ago", CLI_DEADLINE_END, UINT64_C(1774479599000) },
        { "next friday", CLI_DEADLINE_END, UINT64_C(1775253599000) },
        { "tomorrow", CLI_DEADLINE_START, UINT64_C(1774738800000) },
        { "2026-03", CLI_DEADLINE_END, UINT64_C(1774994399000) },
        { "tomorrow at 14:00", CLI_DEADLINE_END, UINT64_C(1774785600000) },
        { "now", CLI_DEADLINE_END, NOW_MS },
        { "+2h", CLI_DEADLINE_END, NOW_MS + 7200000 },
        { "90 minutes", CLI_DEADLINE_END, NOW_MS + 5400000 },
        { "2 days", CLI_DAY_END, UINT64_C(1774900800000) },
        { "this week", CLI_DAY_START, UINT64_C(1774220400000) },
        { "this week", CLI_DEADLINE_END, UINT64_C(1774821599000) },
        { "next week", CLI_DAY_START, UINT64_C(1774821600000) },
        { "next week", CLI_DEADLINE_END, UINT64_C(1775426399000) },
        { "last week", CLI_DAY_END, UINT64_C(1774220399000) },
        { "this month", CLI_DEADLINE_END, UINT64_C(1774994399000) },
        { "next month", CLI_DAY_START, UINT64_C(1774994400000) },
        { "next month", CLI_DEADLINE_END, UINT64_C(1777586399000) },
        { "last month", CLI_DAY_END, UINT64_C(1772319599000) },
        { "Next Year", CLI_DAY_START, UINT64_C(1798758000000) },
        { "this year", CLI_DEADLINE_END, UINT64_C(1798757999000) },
    };
    zone("CET-1CEST,M3.5.0,M10.5.0/3");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t ms = 77;
        if (cli_date_parse(cht_bytes_str(cases[i].text), NOW_MS, cases[i].day, &ms) != CHT_OK ||
            ms != cases[i].ms)
            fail_msg("\"%s\" is %llu instead of %llu", cases[i].text, (unsigned long long)ms,
                     (unsigned long long)cases[i].ms);
    }
}

static void what_is_no_date_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "soon",
        "2026",
        "2026-3-1",
        "2026-13-01",
        "2026-02-29",
        "2026-02-30",
        "2026-00-10",
        "2026-01-00",
        "1969-12-31",
        "2026-03-01T",
        "2026-03-01T24:00",
        "2026-03-01T18:60",
        "2026-03-01T18:00:61Z",
        "2026-03-01T18:00:00+2",
        "2026-03-01T18:00:00Zx",
        "2026-03-01x",
        "2026-03-01T18:00:00.Z",
        "+",
        "+d",
        "+3",
        "+99999999999d",
        "-99999w",
        "99999999999999999999d",
        "in",
        "in 3",
        "3 days later",
        "in 3 days ago",
        "+3d ago",
        "next weeks",
        "next",
        "week",
        "this",
        "next week 14:00",
        "fr",
        "fridays",
        "monday tuesday",
        "14:60",
        "24:00",
        "14",
        "14:0",
        "today 14:00 15:00",
        "today at",
        "eod 14:00",
        "2024-13",
        "2024-1",
        "2024-",
        "3 d a y s and many more words",
        "1970-01-01T00:00:00+01:00",
        "2026-03-01T18:00:00+25:00",
    };
    zone("UTC0");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t ms = 77;
        if (cli_date_parse(cht_bytes_str(bad[i]), NOW_MS, CLI_DAY_START, &ms) == CHT_OK)
            fail_msg("\"%s\" was taken for a date", bad[i]);
        assert_int_equal(77, ms);
    }
}

static void a_date_may_lie_in_bytes_without_an_end(void **state)
{
    (void)state;
    zone("UTC0");
    static const char text[] = "2026-03-01T18:00:00Z-and-more";
    uint64_t ms;
    assert_int_equal(CHT_OK, cli_date_parse(cht_bytes(text, 20), NOW_MS, CLI_DAY_START, &ms));
    assert_int_equal(UINT64_C(1772388000000), ms);
}

static void times_are_shown_in_local_time(void **state)
{
    (void)state;
    char text[CLI_DATE_MAX];
    zone("CET-1CEST,M3.5.0,M10.5.0/3");
    cli_date_local(UINT64_C(1772388000000), text);
    assert_string_equal("2026-03-01 19:00", text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_with_their_zone_are_read_whatever_ours_is),
        cmocka_unit_test(dates_without_a_zone_are_local),
        cmocka_unit_test(dates_in_words_are_of_here_and_now),
        cmocka_unit_test(days_and_longer_are_whole_days_as_deadlines),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(a_date_may_lie_in_bytes_without_an_end),
        cmocka_unit_test(times_are_shown_in_local_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
