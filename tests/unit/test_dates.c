/* Dates as people type them. The zone is set by each test; the numbers come from `date -d`. */
#include "cli/dates.h"

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
        "+3y",
        "3d",
        "+99999999999d",
        "-1d",
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
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(a_date_may_lie_in_bytes_without_an_end),
        cmocka_unit_test(times_are_shown_in_local_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
