/* Mending; see mend.h. */
#include "bridges/json/mend.h"

#include <stdlib.h>
#include <string.h>

/* Four hex digits; -1: they are none. */
static int unit_at(const uint8_t *at, const uint8_t *end)
{
    char digits[5] = { 0 }, *stop;
    if (end - at < 4)
        return -1;
    memcpy(digits, at, 4);
    const long v = strtol(digits, &stop, 16);
    const bool plain = digits[0] != '-' && digits[0] != '+' && digits[0] != ' ';
    return stop == digits + 4 && plain && v >= 0 ? (int)v : -1;
}

void json_mend(uint8_t *text, size_t len, bool nuls)
{
    const uint8_t *end = text + len;
    for (uint8_t *at = text; at < end; at++) {
        if (*at != '\\')
            continue;
        at++;
        if (at == end || *at != 'u')
            continue;
        const int unit = unit_at(at + 1, end);
        const bool half = unit >= 0xd800 && unit <= 0xdfff;
        if (!half && (unit != 0 || !nuls))
            continue;
        int low = -1;
        if (half && unit < 0xdc00 && end - at >= 11 && at[5] == '\\' && at[6] == 'u')
            low = unit_at(at + 7, end);
        if (low >= 0xdc00 && low <= 0xdfff) {
            at += 10;
            continue;
        }
        memcpy(at + 1, "fffd", 4);
        at += 4;
    }
}
