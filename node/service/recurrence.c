/* Words of recurrence and their dates; see recurrence.h. */
#include "node/service/recurrence.h"

#include "crdt/rfc3339.h"

#include <time.h>

#define HOUR_MS UINT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)

/* --- words ---------------------------------------------------------------------------------- */

/* The next word of the text, without blanks. */
static struct cht_bytes take_word(struct cht_bytes *text)
{
    size_t at = 0, end;
    while (at < text->len && text->data[at] == ' ')
        at++;
    for (end = at; end < text->len && text->data[end] != ' ';)
        end++;
    if (text->len == 0) /* no arithmetic on what may be no address */
        return *text;
    const struct cht_bytes word = cht_bytes(text->data + at, end - at);
    *text = cht_bytes(text->data + end, text->len - end);
    return word;
}

static bool is_number(struct cht_bytes word, unsigned *out)
{
    unsigned n = 0;
    for (size_t i = 0; i < word.len; i++) {
        if (word.data[i] < '0' || word.data[i] > '9' || n > RECURRENCE_EVERY_MAX)
            return false;
        n = n * 10 + (unsigned)(word.data[i] - '0');
    }
    *out = n;
    return word.len != 0;
}

enum cht_err recurrence_parse(struct cht_bytes text, struct recurrence *out)
{
    static const struct {
        const char *alone, *one, *many;
        enum recurrence_unit unit;
    } words[] = {
        { "daily", "day", "days", RECURRENCE_DAY },
        { "weekly", "week", "weeks", RECURRENCE_WEEK },
        { "weekdays", "weekday", "weekdays", RECURRENCE_WEEKDAY },
        { "monthly", "month", "months", RECURRENCE_MONTH },
        { "yearly", "year", "years", RECURRENCE_YEAR },
    };
    struct cht_bytes word = take_word(&text);
    struct recurrence r = { .every = 1 };
    const bool every = cht_bytes_eq(word, cht_bytes_str("every"));
    if (every) {
        word = take_word(&text);
        if (is_number(word, &r.every))
            word = take_word(&text);
    }
    if (take_word(&text).len != 0 || r.every == 0 || r.every > RECURRENCE_EVERY_MAX)
        return CHT_E_INVALID;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const bool one = cht_bytes_eq(word, cht_bytes_str(words[i].one));
        const bool many = cht_bytes_eq(word, cht_bytes_str(words[i].many));
        if (every ? !one && !many : !cht_bytes_eq(word, cht_bytes_str(words[i].alone)))
            continue;
        r.unit = words[i].unit;
        *out = r;
        return CHT_OK;
    }
    return CHT_E_INVALID;
}

/* --- dates ---------------------------------------------------------------------------------- */

static int month_days(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 1 && leap ? 29 : days[month];
}

static bool local_time(uint64_t ms, struct tm *out)
{
    const time_t seconds = (time_t)(ms / 1000);
    return localtime_r(&seconds, out) != NULL;
}

unsigned recurrence_day(uint64_t ms, bool *out_last)
{
    struct tm tm;
    *out_last = false;
    if (!local_time(ms, &tm))
        return 0;
    *out_last = tm.tm_mday == month_days(tm.tm_year + 1900, tm.tm_mon);
    return (unsigned)tm.tm_mday;
}

/* So many weekdays on: whole weeks first, then day by day over the weekend. */
static int weekdays_ahead(int weekday, uint64_t count)
{
    int days = (int)(count / 5) * 7;
    for (uint64_t left = count % 5; left > 0;) {
        days++;
        const int at = (weekday + days) % 7;
        left -= at != 0 && at != 6;
    }
    while ((weekday + days) % 7 == 0 || (weekday + days) % 7 == 6)
        days++; /* from a weekend on */
    return days;
}

enum cht_err recurrence_move(const struct recurrence *r, uint64_t ms, uint32_t steps, unsigned day,
                             uint64_t *out_ms)
{
    struct tm tm;
    const uint64_t count = (uint64_t)steps * r->every;
    if (ms > CRDT_RFC3339_MS_MAX || count > 4000000 || !local_time(ms, &tm))
        return CHT_E_INVALID;
    const int n = (int)count, wanted = day == 0 ? tm.tm_mday : (int)day;
    int months = 0;
    switch (r->unit) {
    case RECURRENCE_DAY:
        tm.tm_mday += n;
        break;
    case RECURRENCE_WEEK:
        tm.tm_mday += 7 * n;
        break;
    case RECURRENCE_WEEKDAY:
        tm.tm_mday += weekdays_ahead(tm.tm_wday, count);
        break;
    case RECURRENCE_MONTH:
        months = n;
        break;
    case RECURRENCE_YEAR:
        months = n > 10000 ? 120000 : 12 * n;
        break;
    }
    if (months != 0) { /* the 31st of a short month is its last day */
        const int at = tm.tm_mon + months % 12;
        tm.tm_year += months / 12 + at / 12;
        tm.tm_mon = at % 12;
        const int last = month_days(tm.tm_year + 1900, tm.tm_mon);
        tm.tm_mday = wanted < last ? wanted : last;
    }
    tm.tm_isdst = -1;
    const time_t seconds = mktime(&tm);
    if (seconds < 0 || (uint64_t)seconds > CRDT_RFC3339_MS_MAX / 1000)
        return CHT_E_INVALID;
    *out_ms = (uint64_t)seconds * 1000 + ms % 1000;
    return CHT_OK;
}

/* So many steps at most are certainly not too many: each counted as its longest. */
static uint32_t steps_within(const struct recurrence *r, uint64_t ms)
{
    uint64_t longest_ms = 0, steps_each = 1;
    switch (r->unit) {
    case RECURRENCE_DAY:
        longest_ms = DAY_MS + HOUR_MS;
        break;
    case RECURRENCE_WEEK:
        longest_ms = 7 * DAY_MS + HOUR_MS;
        break;
    case RECURRENCE_WEEKDAY: /* a week has five; the two more days are for the weekend */
        longest_ms = 7 * DAY_MS + HOUR_MS;
        steps_each = r->every == 1 ? 5 : 1;
        ms = ms > 3 * DAY_MS ? ms - 3 * DAY_MS : 0;
        break;
    case RECURRENCE_MONTH:
        longest_ms = 31 * DAY_MS + HOUR_MS;
        break;
    case RECURRENCE_YEAR:
        longest_ms = 366 * DAY_MS + HOUR_MS;
        break;
    }
    return (uint32_t)(ms / (longest_ms * r->every) * steps_each);
}

enum cht_err recurrence_next(const struct recurrence *r, uint64_t from_ms, uint64_t after_ms,
                             unsigned day, uint64_t *out_ms, uint32_t *out_steps)
{
    const uint64_t after = after_ms > from_ms ? after_ms : from_ms;
    uint32_t steps = steps_within(r, after - from_ms);
    uint64_t at = 0;
    enum cht_err err = CHT_OK;
    do {
        steps++;
        err = recurrence_move(r, from_ms, steps, day, &at);
    } while (err == CHT_OK && at <= after);
    if (err != CHT_OK)
        return err;
    *out_ms = at;
    *out_steps = steps;
    return CHT_OK;
}
