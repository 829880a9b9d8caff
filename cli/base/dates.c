/* Dates of the command line. RFC 3339 with its offsets is read in full (seconds and their fraction
 * may be left out); everything without an offset is local time. */
#include "cli/base/dates_own.h"

#include "crdt/rfc3339.h"

#include <stdio.h>

#define MS_MAX CRDT_RFC3339_MS_MAX

/* A cursor over the text; `bad` stays once set. */
struct scan {
    struct cht_bytes left;
    bool bad;
};

static int digits(struct scan *s, size_t count)
{
    int v = 0;
    for (size_t i = 0; i < count && !s->bad; i++) {
        if (s->left.len == 0 || s->left.data[0] < '0' || s->left.data[0] > '9') {
            s->bad = true;
            return 0;
        }
        v = v * 10 + (s->left.data[0] - '0');
        s->left = cht_bytes(s->left.data + 1, s->left.len - 1);
    }
    return v;
}

static bool skip(struct scan *s, const char *any_of)
{
    if (s->bad || s->left.len == 0 || s->left.data[0] == '\0' ||
        strchr(any_of, s->left.data[0]) == NULL)
        return false;
    s->left = cht_bytes(s->left.data + 1, s->left.len - 1);
    return true;
}

static void need(struct scan *s, const char *any_of)
{
    if (!skip(s, any_of))
        s->bad = true;
}

int dates_month_days(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

enum cht_err dates_bounded(int64_t ms, uint64_t *out_ms)
{
    if (ms < 0 || (uint64_t)ms > MS_MAX)
        return CHT_E_INVALID;
    *out_ms = (uint64_t)ms;
    return CHT_OK;
}

enum cht_err dates_local_ms(struct tm tm, uint64_t *out_ms)
{
    tm.tm_isdst = -1;
    const time_t seconds = mktime(&tm);
    if (seconds == (time_t)-1)
        return CHT_E_INVALID;
    return dates_bounded((int64_t)seconds * 1000, out_ms);
}

/* Time of day and offset after a date. */
static enum cht_err parse_clock(struct scan *s, struct tm tm, uint64_t *out_ms)
{
    int fraction_ms = 0;
    tm.tm_hour = digits(s, 2);
    need(s, ":");
    tm.tm_min = digits(s, 2);
    if (skip(s, ":")) {
        tm.tm_sec = digits(s, 2);
        if (skip(s, ".,")) {
            int scale = 100;
            do {
                fraction_ms += digits(s, 1) * scale;
                scale /= 10;
            } while (!s->bad && s->left.len > 0 && s->left.data[0] >= '0' &&
                     s->left.data[0] <= '9');
        }
    }
    if (s->bad || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return CHT_E_INVALID;
    if (s->left.len == 0) {
        uint64_t ms = 0;
        enum cht_err err = dates_local_ms(tm, &ms);
        return err != CHT_OK ? err : dates_bounded((int64_t)ms + fraction_ms, out_ms);
    }
    int offset_min = 0;
    if (!skip(s, "Zz")) {
        const bool west = s->left.data[0] == '-';
        need(s, "+-");
        offset_min = digits(s, 2) * 60;
        need(s, ":");
        offset_min += digits(s, 2);
        offset_min = west ? -offset_min : offset_min;
    }
    if (s->bad || s->left.len > 0 || offset_min > 24 * 60 || offset_min < -24 * 60)
        return CHT_E_INVALID;
    const int64_t seconds = (int64_t)timegm(&tm) - offset_min * 60;
    return dates_bounded(seconds * 1000 + fraction_ms, out_ms);
}

bool dates_at_end(enum cli_day day)
{
    return day == CLI_DAY_END || day == CLI_DEADLINE_END;
}

bool dates_of_deadline(enum cli_day day)
{
    return day == CLI_DEADLINE_START || day == CLI_DEADLINE_END;
}

void dates_set_day(struct tm *tm, enum cli_day day)
{
    tm->tm_hour = dates_at_end(day) ? 23 : 0;
    tm->tm_min = dates_at_end(day) ? 59 : 0;
    tm->tm_sec = dates_at_end(day) ? 59 : 0;
}

static enum cht_err parse_calendar(struct cht_bytes text, enum cli_day day, uint64_t *out_ms)
{
    struct scan s = { .left = text };
    struct tm tm = { 0 };
    const int year = digits(&s, 4);
    need(&s, "-");
    const int month = digits(&s, 2);
    const bool whole = s.left.len == 0; /* "2026-03": its first day, or its last */
    int mday = 1;
    if (whole && !s.bad && month >= 1 && month <= 12 && dates_at_end(day))
        mday = dates_month_days(year, month);
    if (!whole) {
        need(&s, "-");
        mday = digits(&s, 2);
    }
    if (s.bad || year < 1970 || month < 1 || month > 12 || mday < 1 ||
        mday > dates_month_days(year, month))
        return CHT_E_INVALID;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    tm.tm_mday = mday;
    if (s.left.len == 0) {
        dates_set_day(&tm, day);
        return dates_local_ms(tm, out_ms);
    }
    need(&s, "Tt ");
    return parse_clock(&s, tm, out_ms);
}

enum cht_err cli_date_parse(struct cht_bytes text, uint64_t now_ms, enum cli_day day,
                            uint64_t *out_ms)
{
    const bool calendar =
        text.len > 4 && text.data[4] == '-' && text.data[0] >= '0' && text.data[0] <= '9';
    return calendar ? parse_calendar(text, day, out_ms) : dates_words(text, now_ms, day, out_ms);
}

void cli_date_local(uint64_t ms, char out[static CLI_DATE_MAX])
{
    const time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    if (localtime_r(&seconds, &tm) == NULL ||
        strftime(out, CLI_DATE_MAX, "%Y-%m-%d %H:%M", &tm) == 0)
        (void)snprintf(out, CLI_DATE_MAX, "?");
}
