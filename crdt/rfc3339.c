/* RFC 3339 in UTC; see rfc3339.h. Civil dates after H. Hinnant, "chrono-compatible low-level date
 * algorithms" (days_from_civil, civil_from_days). */
#include "crdt/rfc3339.h"

#define DAY_MS UINT64_C(86400000)

static void put_digits(char *at, unsigned value, unsigned digits)
{
    while (digits-- != 0) {
        at[digits] = (char)('0' + value % 10);
        value /= 10;
    }
}

void crdt_rfc3339_text(uint64_t ms, char out[static CRDT_RFC3339_MAX])
{
    uint64_t days = ms / DAY_MS + 719468, rest = ms % DAY_MS;
    uint64_t era = days / 146097, of_era = days % 146097;
    uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    uint64_t shifted = (5 * of_year + 2) / 153;
    unsigned day = (unsigned)(of_year - (153 * shifted + 2) / 5 + 1);
    unsigned month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);
    year += era * 400 + (month <= 2);
    memcpy(out, "0000-00-00T00:00:00.000Z", CRDT_RFC3339_MAX);
    put_digits(out, (unsigned)year, 4);
    put_digits(out + 5, month, 2);
    put_digits(out + 8, day, 2);
    put_digits(out + 11, (unsigned)(rest / 3600000), 2);
    put_digits(out + 14, (unsigned)(rest / 60000 % 60), 2);
    put_digits(out + 17, (unsigned)(rest / 1000 % 60), 2);
    put_digits(out + 20, (unsigned)(rest % 1000), 3);
}

static bool get_digits(const uint8_t *at, unsigned digits, unsigned max, unsigned *out)
{
    unsigned value = 0;
    for (unsigned i = 0; i < digits; i++) {
        if (at[i] < '0' || at[i] > '9')
            return false;
        value = value * 10 + (unsigned)(at[i] - '0');
    }
    *out = value;
    return value <= max;
}

static unsigned days_of_month(unsigned year, unsigned month)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

static uint64_t days_from_civil(unsigned year, unsigned month, unsigned day)
{
    uint64_t y = year - (month <= 2 ? 1u : 0u);
    uint64_t era = y / 400, of_era = y % 400;
    uint64_t of_year = (153u * (month > 2 ? month - 3u : month + 9u) + 2u) / 5u + day - 1u;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

enum cht_err crdt_rfc3339_parse(struct cht_bytes text, uint64_t *out_ms)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    if (text.len != sizeof form - 1)
        return CHT_E_INVALID;
    for (size_t i = 0; i < text.len; i++) {
        if (form[i] != 'd' && (char)text.data[i] != form[i])
            return CHT_E_INVALID;
    }
    unsigned year, month, day, hour, minute, second, milli;
    const uint8_t *p = text.data;
    if (!get_digits(p, 4, 9999, &year) || !get_digits(p + 5, 2, 12, &month) ||
        !get_digits(p + 8, 2, 31, &day) || !get_digits(p + 11, 2, 23, &hour) ||
        !get_digits(p + 14, 2, 59, &minute) || !get_digits(p + 17, 2, 59, &second) ||
        !get_digits(p + 20, 3, 999, &milli) || month == 0 || day == 0 || year < 1970 ||
        day > days_of_month(year, month))
        return CHT_E_INVALID;
    *out_ms = days_from_civil(year, month, day) * DAY_MS + hour * UINT64_C(3600000) +
              minute * UINT64_C(60000) + second * UINT64_C(1000) + milli;
    return CHT_OK;
}
