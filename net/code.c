/* The text of a pairing code; see code.h (PROTOCOL 7.12). */
#include "net/code.h"

#include <assert.h>
#include <sodium.h>

#define CHECK_DIGITS 2u
#define DIGITS       (NET_CODE_SELECTOR_DIGITS + NET_CODE_SECRET_DIGITS + CHECK_DIGITS)
#define GROUP        4u /* digits between two hyphens */

static_assert(DIGITS + DIGITS / GROUP - 1 + 1 == NET_CODE_TEXT_BYTES, "three groups, two hyphens");

#define CODE_COUNT 10000000000u /* selectors and secrets together: ten digits */

/* ISO/IEC 7064, MOD 97-10: the whole, read as one number, leaves 1. It finds each wrong digit, each
 * pair of neighbours exchanged, and all but one in 97 of what else may happen. */
static unsigned check_of(uint64_t number)
{
    return 98 - (unsigned)(number % 97 * 100 % 97);
}

static void write_digits(uint64_t number, size_t count, char *out)
{
    out[count] = '\0';
    while (count-- > 0) {
        out[count] = (char)('0' + number % 10);
        number /= 10;
    }
}

void net_code_make(const uint8_t random[static NET_CODE_RANDOM_BYTES], struct net_code *out)
{
    char digits[DIGITS - CHECK_DIGITS + 1];
    /* 2^64 is so much more than 10^10 that no code is likelier than another by 10^-9 */
    write_digits(cht_get_u64(random) % CODE_COUNT, DIGITS - CHECK_DIGITS, digits);
    *out = (struct net_code){ .selector = "" };
    memcpy(out->selector, digits, NET_CODE_SELECTOR_DIGITS);
    memcpy(out->secret, digits + NET_CODE_SELECTOR_DIGITS, NET_CODE_SECRET_DIGITS);
    sodium_memzero(digits, sizeof digits);
}

/* The number that `count` digits write. */
static uint64_t number_of(const char *digits, size_t count)
{
    uint64_t number = 0;
    for (size_t i = 0; i < count; i++)
        number = number * 10 + (uint64_t)(digits[i] - '0');
    return number;
}

void net_code_text(const struct net_code *code, char out[static NET_CODE_TEXT_BYTES])
{
    char digits[DIGITS + 1];
    memcpy(digits, code->selector, NET_CODE_SELECTOR_DIGITS);
    memcpy(digits + NET_CODE_SELECTOR_DIGITS, code->secret, NET_CODE_SECRET_DIGITS);
    write_digits(check_of(number_of(digits, DIGITS - CHECK_DIGITS)), CHECK_DIGITS,
                 digits + DIGITS - CHECK_DIGITS);
    for (size_t i = 0; i < DIGITS; i++) {
        if (i != 0 && i % GROUP == 0)
            *out++ = '-';
        *out++ = digits[i];
    }
    *out = '\0';
    sodium_memzero(digits, sizeof digits);
}

static bool between(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '-';
}

bool net_code_looks(struct cht_bytes text)
{
    size_t at = 0;
    while (at < text.len && between(text.data[at]))
        at++;
    return at < text.len && text.data[at] >= '0' && text.data[at] <= '9';
}

/* CHT_E_INVALID, with the sentence. */
static enum cht_err read_digits(struct cht_bytes text, char digits[static DIGITS + 1],
                                struct cht_error *detail)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (between(c))
            continue;
        if (c < '0' || c > '9')
            return cht_fail(detail, CHT_E_INVALID, "a code has digits only, and no other letters");
        if (count < DIGITS)
            digits[count] = (char)c;
        count++;
    }
    if (count != DIGITS)
        return cht_fail(detail, CHT_E_INVALID, "a code has twelve digits");
    if (number_of(digits, DIGITS) % 97 != 1)
        return cht_fail(detail, CHT_E_INVALID,
                        "the code is mistyped: a digit is wrong, or two are exchanged");
    return CHT_OK;
}

enum cht_err net_code_parse(struct cht_bytes text, struct net_code *out, struct cht_error *detail)
{
    char digits[DIGITS + 1] = { 0 };
    enum cht_err err = read_digits(text, digits, detail);
    if (err == CHT_OK) {
        *out = (struct net_code){ .selector = "" };
        memcpy(out->selector, digits, NET_CODE_SELECTOR_DIGITS);
        memcpy(out->secret, digits + NET_CODE_SELECTOR_DIGITS, NET_CODE_SECRET_DIGITS);
    }
    sodium_memzero(digits, sizeof digits);
    return err;
}

bool net_code_eq(const struct net_code *a, const struct net_code *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}
