/* Dates of the command line. RFC 3339 with its offsets is read in full (seconds and their fraction
 * may be left out); everything without an offset is local time. */
#include "cli/dates.h"

#include "crdt/rfc3339.h"

#include <stdio.h>
#include <time.h>

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

static int month_days(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static enum cht_err bounded(int64_t ms, uint64_t *out_ms)
{
    if (ms < 0 || (uint64_t)ms > MS_MAX)
        return CHT_E_INVALID;
    *out_ms = (uint64_t)ms;
    return CHT_OK;
}

static enum cht_err local_ms(struct tm tm, uint64_t *out_ms)
{
    tm.tm_isdst = -1;
    const time_t seconds = mktime(&tm);
    if (seconds == (time_t)-1)
        return CHT_E_INVALID;
    return bounded((int64_t)seconds * 1000, out_ms);
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
        enum cht_err err = local_ms(tm, &ms);
        return err != CHT_OK ? err : bounded((int64_t)ms + fraction_ms, out_ms);
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
    return bounded(seconds * 1000 + fraction_ms, out_ms);
}

static void set_day(struct tm *tm, enum cli_day day)
{
    tm->tm_hour = day == CLI_DAY_END ? 23 : 0;
    tm->tm_min = day == CLI_DAY_END ? 59 : 0;
    tm->tm_sec = day == CLI_DAY_END ? 59 : 0;
}

static enum cht_err parse_calendar(struct cht_bytes text, enum cli_day day, uint64_t *out_ms)
{
    struct scan s = { .left = text };
    struct tm tm = { 0 };
    const int year = digits(&s, 4);
    need(&s, "-");
    const int month = digits(&s, 2);
    need(&s, "-");
    const int mday = digits(&s, 2);
    if (s.bad || year < 1970 || month < 1 || month > 12 || mday < 1 ||
        mday > month_days(year, month))
        return CHT_E_INVALID;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    tm.tm_mday = mday;
    if (s.left.len == 0) {
        set_day(&tm, day);
        return local_ms(tm, out_ms);
    }
    need(&s, "Tt ");
    return parse_clock(&s, tm, out_ms);
}

/* "+3d": calendar days and weeks, so that the hour stays across a change of the clocks. */
static enum cht_err parse_relative(struct cht_bytes text, uint64_t now_ms, uint64_t *out_ms)
{
    int64_t n = 0;
    size_t i = 1;
    for (; i < text.len && text.data[i] >= '0' && text.data[i] <= '9' && n < 1000000; i++)
        n = n * 10 + (text.data[i] - '0');
    if (i == 1 || i + 1 != text.len)
        return CHT_E_INVALID;
    const char unit = (char)text.data[i];
    if (unit == 'h' || unit == 'm')
        return bounded((int64_t)now_ms + n * (unit == 'h' ? 3600000 : 60000), out_ms);
    if ((unit != 'd' && unit != 'w') || n > 400000)
        return CHT_E_INVALID;
    const time_t now = (time_t)(now_ms / 1000);
    struct tm tm;
    if (localtime_r(&now, &tm) == NULL)
        return CHT_E_INVALID;
    tm.tm_mday += (int)n * (unit == 'w' ? 7 : 1);
    return local_ms(tm, out_ms);
}

enum cht_err cli_date_parse(struct cht_bytes text, uint64_t now_ms, enum cli_day day,
                            uint64_t *out_ms)
{
    static const struct {
        const char *word;
        int days;
    } words[] = { { "today", 0 }, { "tomorrow", 1 }, { "yesterday", -1 } };
    if (cht_bytes_eq(text, cht_bytes_str("now")))
        return bounded((int64_t)now_ms, out_ms);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!cht_bytes_eq(text, cht_bytes_str(words[i].word)))
            continue;
        const time_t now = (time_t)(now_ms / 1000);
        struct tm tm;
        if (localtime_r(&now, &tm) == NULL)
            return CHT_E_INVALID;
        tm.tm_mday += words[i].days;
        set_day(&tm, day);
        return local_ms(tm, out_ms);
    }
    if (text.len > 0 && text.data[0] == '+')
        return parse_relative(text, now_ms, out_ms);
    return parse_calendar(text, day, out_ms);
}

void cli_date_local(uint64_t ms, char out[static CLI_DATE_MAX])
{
    const time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    if (localtime_r(&seconds, &tm) == NULL ||
        strftime(out, CLI_DATE_MAX, "%Y-%m-%d %H:%M", &tm) == 0)
        (void)snprintf(out, CLI_DATE_MAX, "?");
}
