/* Dates in words, of the local time zone and in English, their case aside. Spans of days, weeks,
 * months and years are counted in the calendar, so that the hour stays across a change of the
 * clocks; a month later than the 31st is the month's last day. */
#include "cli/base/dates_own.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX  64u
#define WORDS_MAX 6u
#define SPAN_MAX  1000000 /* of any unit */

struct words {
    char text[TEXT_MAX];
    const char *word[WORDS_MAX + 1]; /* ends with NULL */
    size_t count;
};

static bool split(struct cht_bytes text, struct words *out)
{
    *out = (struct words){ .count = 0 };
    if (text.len == 0 || text.len >= sizeof out->text)
        return false;
    for (size_t i = 0; i < text.len; i++)
        out->text[i] = (char)tolower(text.data[i]);
    for (char *at = out->text; *at != '\0';) {
        at += strspn(at, " ");
        if (*at == '\0')
            break;
        if (out->count == WORDS_MAX)
            return false;
        out->word[out->count++] = at;
        at += strcspn(at, " ");
        if (*at != '\0')
            *at++ = '\0';
    }
    return out->count > 0;
}

static bool local_now(uint64_t now_ms, struct tm *out)
{
    const time_t now = (time_t)(now_ms / 1000);
    return localtime_r(&now, out) != NULL;
}

/* --- days ---------------------------------------------------------------------------------- */

/* 0 … 6 for "sun", "sunday" …; -1. */
static int weekday(const char *word)
{
    static const char *const names[] = { "sunday",   "monday", "tuesday", "wednesday",
                                         "thursday", "friday", "saturday" };
    const size_t len = strlen(word);
    for (int i = 0; i < 7; i++) {
        if (len >= 3 && strncmp(word, names[i], len) == 0 && len <= strlen(names[i]))
            return i;
    }
    return -1;
}

/* Set the day that the words begin with; returns how many they are, 0 for none. A weekday is the
 * next one after today; "last", the one before it. */
static size_t take_day(const char *const *word, struct tm *tm)
{
    static const struct {
        const char *word;
        int days;
    } near[] = { { "today", 0 }, { "tomorrow", 1 }, { "yesterday", -1 } };
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
        if (strcmp(word[0], near[i].word) == 0) {
            tm->tm_mday += near[i].days;
            return 1;
        }
    }
    const bool next = strcmp(word[0], "next") == 0 || strcmp(word[0], "this") == 0;
    const bool last = strcmp(word[0], "last") == 0;
    const char *name = next || last ? word[1] : word[0];
    const int wanted = name == NULL ? -1 : weekday(name);
    if (wanted < 0)
        return 0;
    tm->tm_mday +=
        last ? -((tm->tm_wday - wanted + 6) % 7 + 1) : (wanted - tm->tm_wday + 6) % 7 + 1;
    return next || last ? 2 : 1;
}

/* "14:00", "9:30". */
static bool take_clock(const char *word, struct tm *tm)
{
    char *end = NULL;
    if (!isdigit((unsigned char)word[0]))
        return false;
    const long hour = strtol(word, &end, 10);
    if (end - word > 2 || *end != ':' || strlen(end) != 3 || !isdigit((unsigned char)end[1]) ||
        !isdigit((unsigned char)end[2]))
        return false;
    const long minute = strtol(end + 1, NULL, 10);
    if (hour > 23 || minute > 59)
        return false;
    tm->tm_hour = (int)hour;
    tm->tm_min = (int)minute;
    tm->tm_sec = 0;
    return true;
}

static enum cht_err parse_day(const struct words *w, uint64_t now_ms, enum cli_day day,
                              uint64_t *out_ms)
{
    struct tm tm;
    if (!local_now(now_ms, &tm))
        return CHT_E_INVALID;
    size_t used = take_day(w->word, &tm);
    if (used > 0 && used + 1 < w->count && strcmp(w->word[used], "at") == 0)
        used++;
    if (used < w->count) { /* a time of day, of today when no day is said */
        if (used + 1 != w->count || !take_clock(w->word[used], &tm))
            return CHT_E_INVALID;
    } else {
        dates_set_day(&tm, day);
    }
    return dates_local_ms(tm, out_ms);
}

/* "next week", "this month", "last year": its first day, or its last; a week begins on Monday. */
static enum cht_err parse_period(const struct words *w, uint64_t now_ms, enum cli_day day,
                                 uint64_t *out_ms)
{
    static const char *const which[] = { "last", "this", "next" };
    const bool end = dates_at_end(day);
    int by = -1;
    struct tm tm;
    while (by < 2 && strcmp(w->word[0], which[by + 1]) != 0)
        by++;
    if (w->count != 2 || by == 2 || !local_now(now_ms, &tm))
        return CHT_E_INVALID;
    if (strcmp(w->word[1], "week") == 0) {
        tm.tm_mday += 7 * by - (tm.tm_wday + 6) % 7 + (end ? 6 : 0);
    } else if (strcmp(w->word[1], "month") == 0) {
        tm.tm_mon += by + end;
        tm.tm_mday = end ? 0 : 1; /* the day before the first is the last */
    } else if (strcmp(w->word[1], "year") == 0) {
        tm.tm_year += by + end;
        tm.tm_mon = 0;
        tm.tm_mday = end ? 0 : 1;
    } else {
        return CHT_E_INVALID;
    }
    dates_set_day(&tm, day);
    return dates_local_ms(tm, out_ms);
}

/* The ends of the day, week (Sunday), month and year. */
static enum cht_err parse_end(const struct words *w, uint64_t now_ms, uint64_t *out_ms)
{
    struct tm tm;
    if (w->count != 1 || !local_now(now_ms, &tm))
        return CHT_E_INVALID;
    if (strcmp(w->word[0], "eow") == 0) {
        tm.tm_mday += (7 - tm.tm_wday) % 7;
    } else if (strcmp(w->word[0], "eom") == 0) {
        tm.tm_mday = dates_month_days(tm.tm_year + 1900, tm.tm_mon + 1);
    } else if (strcmp(w->word[0], "eoy") == 0) {
        tm.tm_mon = 11;
        tm.tm_mday = 31;
    } else if (strcmp(w->word[0], "eod") != 0) {
        return CHT_E_INVALID;
    }
    dates_set_day(&tm, CLI_DAY_END);
    return dates_local_ms(tm, out_ms);
}

/* --- spans --------------------------------------------------------------------------------- */

enum unit { UNIT_NONE, UNIT_MINUTE, UNIT_HOUR, UNIT_DAY, UNIT_WEEK, UNIT_MONTH, UNIT_YEAR };

static enum unit unit_of(const char *word)
{
    static const struct {
        const char *word;
        enum unit unit;
    } units[] = {
        { "m", UNIT_MINUTE },      { "min", UNIT_MINUTE },     { "mins", UNIT_MINUTE },
        { "minute", UNIT_MINUTE }, { "minutes", UNIT_MINUTE }, { "h", UNIT_HOUR },
        { "hour", UNIT_HOUR },     { "hours", UNIT_HOUR },     { "d", UNIT_DAY },
        { "day", UNIT_DAY },       { "days", UNIT_DAY },       { "w", UNIT_WEEK },
        { "week", UNIT_WEEK },     { "weeks", UNIT_WEEK },     { "mo", UNIT_MONTH },
        { "month", UNIT_MONTH },   { "months", UNIT_MONTH },   { "y", UNIT_YEAR },
        { "year", UNIT_YEAR },     { "years", UNIT_YEAR },
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(word, units[i].word) == 0)
            return units[i].unit;
    }
    return UNIT_NONE;
}

static enum cht_err add_span(uint64_t now_ms, int64_t n, enum unit unit, enum cli_day day,
                             uint64_t *out_ms)
{
    struct tm tm;
    if (unit == UNIT_MINUTE || unit == UNIT_HOUR)
        return dates_bounded((int64_t)now_ms + n * (unit == UNIT_HOUR ? 3600000 : 60000), out_ms);
    if (!local_now(now_ms, &tm) || n > 400000 || n < -400000)
        return CHT_E_INVALID;
    if (dates_of_deadline(day))
        dates_set_day(&tm, day);
    if (unit == UNIT_DAY || unit == UNIT_WEEK) {
        tm.tm_mday += (int)n * (unit == UNIT_WEEK ? 7 : 1);
        return dates_local_ms(tm, out_ms);
    }
    const int64_t months = (int64_t)tm.tm_year * 12 + tm.tm_mon + n * (unit == UNIT_YEAR ? 12 : 1);
    if (months < 0)
        return CHT_E_INVALID;
    tm.tm_year = (int)(months / 12);
    tm.tm_mon = (int)(months % 12);
    const int days = dates_month_days(tm.tm_year + 1900, tm.tm_mon + 1);
    tm.tm_mday = tm.tm_mday > days ? days : tm.tm_mday;
    return dates_local_ms(tm, out_ms);
}

/* "[in] [+|-]N UNIT [ago]", with or without spaces. */
static enum cht_err parse_span(const struct words *w, uint64_t now_ms, enum cli_day day,
                               uint64_t *out_ms)
{
    const bool in = strcmp(w->word[0], "in") == 0;
    char joined[TEXT_MAX] = "";
    for (size_t i = in ? 1 : 0; i < w->count; i++)
        (void)strncat(joined, w->word[i], sizeof joined - strlen(joined) - 1);
    char *at = joined;
    const bool back = *at == '-';
    const bool sign = back || *at == '+';
    at += sign;
    if (!isdigit((unsigned char)*at))
        return CHT_E_INVALID;
    const long long n = strtoll(at, &at, 10);
    const size_t len = strlen(at);
    bool ago = false;
    if (len > 3 && strcmp(at + len - 3, "ago") == 0) {
        ago = true;
        at[len - 3] = '\0';
    }
    const enum unit unit = unit_of(at);
    if (unit == UNIT_NONE || n > SPAN_MAX || (ago && (in || sign)))
        return CHT_E_INVALID;
    return add_span(now_ms, ago || back ? -n : n, unit, day, out_ms);
}

enum cht_err dates_words(struct cht_bytes text, uint64_t now_ms, enum cli_day day, uint64_t *out_ms)
{
    struct words w;
    if (!split(text, &w))
        return CHT_E_INVALID;
    if (w.count == 1 && strcmp(w.word[0], "now") == 0)
        return dates_bounded((int64_t)now_ms, out_ms);
    enum cht_err err = parse_day(&w, now_ms, day, out_ms);
    if (err != CHT_OK)
        err = parse_end(&w, now_ms, out_ms);
    if (err != CHT_OK)
        err = parse_period(&w, now_ms, day, out_ms);
    return err == CHT_OK ? err : parse_span(&w, now_ms, day, out_ms);
}
