/* Times of other programs; see import_time.h (RFC 3339, ISO 8601 basic). */
#include "cli/import/time.h"

#include "crdt/rfc3339.h"

struct reading {
    const uint8_t *at, *end;
    bool bad;
};

static bool take(struct reading *r, char c)
{
    const bool there = r->at < r->end && *r->at == (uint8_t)c;
    r->at += there;
    return there;
}

static void need(struct reading *r, char c)
{
    if (!take(r, c))
        r->bad = true;
}

static bool digit_next(const struct reading *r)
{
    return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

static int64_t number(struct reading *r, unsigned digits, int64_t most)
{
    int64_t v = 0;
    for (unsigned i = 0; i < digits; i++) {
        if (!digit_next(r)) {
            r->bad = true;
            return 0;
        }
        v = v * 10 + (*r->at++ - '0');
    }
    if (v > most)
        r->bad = true;
    return v;
}

/* Milliseconds of a fraction; `*out_exact`: there is none, or one of three digits that is not 0. */
static int64_t fraction(struct reading *r, bool *out_exact)
{
    int64_t ms = 0, unit = 100;
    unsigned digits = 0;
    if (!take(r, '.') && !take(r, ','))
        return 0;
    for (; digit_next(r); digits++, unit /= 10)
        ms += (*r->at++ - '0') * unit;
    if (digits == 0)
        r->bad = true;
    *out_exact = digits == 3 && ms != 0;
    return ms;
}

/* Minutes east of Greenwich. */
static int64_t offset(struct reading *r, bool *out_exact)
{
    if (take(r, 'Z') || take(r, 'z'))
        return 0;
    *out_exact = false;
    const bool west = take(r, '-');
    if (!west)
        need(r, '+');
    const int64_t hours = number(r, 2, 23);
    (void)take(r, ':');
    const int64_t minutes = number(r, 2, 59);
    return west ? -(hours * 60 + minutes) : hours * 60 + minutes;
}

enum cht_err cli_import_time(struct cht_bytes text, uint64_t *out_ms, bool *out_exact)
{
    if (text.len == 0)
        return CHT_E_INVALID;
    struct reading r = { .at = text.data, .end = text.data + text.len };
    bool exact = true;
    char whole[CRDT_RFC3339_MAX] = "0000-00-00T00:00:00.000Z";
    static const unsigned places[] = { 5, 8, 11, 14, 17 };
    static const char between[] = { '-', '-', 'T', ':', ':' };
    static const int64_t most[] = { 99, 99, 23, 59, 60 };
    int64_t year = number(&r, 4, 9999);
    const bool basic = !r.bad && digit_next(&r);
    int64_t part[5] = { 0 };
    for (unsigned i = 0; i < 5; i++) {
        if (i == 2 && (take(&r, ' ') || take(&r, 't')))
            exact = false;
        else if (i == 2 || !basic)
            need(&r, between[i]);
        part[i] = number(&r, 2, most[i]);
    }
    const int64_t ms = fraction(&r, &exact);
    const int64_t east = offset(&r, &exact);
    if (r.bad || r.at != r.end)
        return CHT_E_INVALID;
    if (part[4] == 60) { /* a leap second: the last one of its minute */
        part[4] = 59;
        exact = false;
    }
    for (unsigned i = 0; i < 4; i++, year /= 10)
        whole[3 - i] = (char)('0' + year % 10);
    for (unsigned i = 0; i < 5; i++) {
        whole[places[i]] = (char)('0' + part[i] / 10);
        whole[places[i] + 1] = (char)('0' + part[i] % 10);
    }
    uint64_t at;
    enum cht_err err = crdt_rfc3339_parse(cht_bytes(whole, CRDT_RFC3339_MAX - 1), &at);
    if (err != CHT_OK)
        return err;
    const int64_t moved = (int64_t)at + ms - east * 60000;
    if (moved < 0 || (uint64_t)moved > CRDT_RFC3339_MS_MAX)
        return CHT_E_INVALID;
    *out_ms = (uint64_t)moved;
    if (out_exact != NULL)
        *out_exact = exact;
    return CHT_OK;
}
