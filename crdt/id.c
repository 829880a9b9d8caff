/* Text forms of ids: Crockford base32 and hex; see id.h (PROTOCOL 1.6). */
#include "crdt/id.h"

#define ID_START     "CHITTY-"
#define SHORT_DIGITS 8u /* 38 random bits */

struct type_row {
    uint8_t number;
    const char *name, *table, *domain;
};

static const struct type_row types[] = {
#define X(sym, num, name, table, domain) { num, name, table, domain },
    CRDT_TYPES(X)
#undef X
};

static const char base32[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static const struct type_row *type_row(unsigned type)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].number == type)
            return &types[i];
    return NULL;
}

const char *crdt_type_name(unsigned type)
{
    const struct type_row *row = type_row(type);
    return row == NULL ? NULL : row->name;
}

const char *crdt_type_table(unsigned type)
{
    const struct type_row *row = type_row(type);
    return row == NULL ? NULL : row->table;
}

const char *crdt_type_domain(unsigned type)
{
    const struct type_row *row = type_row(type);
    return row == NULL ? NULL : row->domain;
}

static uint8_t upper(uint8_t c)
{
    return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

static bool same_word(struct cht_bytes a, const char *b)
{
    if (a.len == 0 || upper(a.data[0]) != upper((uint8_t)b[0]))
        return false;
    struct cht_bytes other = cht_bytes_str(b);
    if (a.len != other.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (upper(a.data[i]) != upper(other.data[i]))
            return false;
    return true;
}

unsigned crdt_type_from(struct cht_bytes word)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (same_word(word, types[i].name) || same_word(word, types[i].table) ||
            same_word(word, types[i].domain))
            return types[i].number;
    return 0;
}

/* The type an id spells: a name, or T and a number (of a type that the writer did not know). */
static unsigned spelt_type(struct cht_bytes word)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (same_word(word, types[i].name))
            return types[i].number;
    if (word.len < 2 || word.len > 4 || upper(word.data[0]) != 'T' || word.data[1] == '0')
        return 0;
    unsigned number = 0;
    for (size_t i = 1; i < word.len; i++) {
        if (word.data[i] < '0' || word.data[i] > '9')
            return 0;
        number = number * 10 + (unsigned)(word.data[i] - '0');
    }
    return number <= UINT8_MAX ? number : 0;
}

/* An id as a number of 128 bits; its 26 digits of five bits say 130, the first two of them zero. */
struct wide {
    uint64_t high, low;
};

static uint64_t get_be(const uint8_t *p)
{
    uint64_t v = 0;
    for (size_t i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

static void put_be(uint8_t *p, uint64_t v)
{
    for (size_t i = 8; i-- != 0; v >>= 8)
        p[i] = (uint8_t)v;
}

static void write_digits(const uint8_t b[static CRDT_ID_BYTES], char out[static CRDT_ID_DIGITS])
{
    struct wide n = { get_be(b), get_be(b + 8) };
    for (size_t i = CRDT_ID_DIGITS; i-- != 0;) {
        out[i] = base32[n.low & 31u];
        n.low = n.low >> 5 | n.high << 59;
        n.high >>= 5;
    }
}

/* The bytes that `count` digits begin, the rest of them being all `fill` (0 or 31). */
static void from_digits(const uint8_t *digits, size_t count, uint8_t fill,
                        uint8_t out[static CRDT_ID_BYTES])
{
    struct wide n = { 0 };
    for (size_t i = 0; i < CRDT_ID_DIGITS; i++) {
        n.high = n.high << 5 | n.low >> 59;
        n.low = n.low << 5 | (i < count ? digits[i] : fill);
    }
    put_be(out, n.high);
    put_be(out + 8, n.low);
}

#define NO_DIGIT 0xffu

/* 0 to 31, NO_DIGIT for what is none. */
static uint8_t digit_value(uint8_t c)
{
    static const uint8_t letters[26] = { 10, 11, 12, 13, 14, 15, 16, 17,       1,  18, 19, 1,  20,
                                         21, 0,  22, 23, 24, 25, 26, NO_DIGIT, 27, 28, 29, 30, 31 };
    if (c >= '0' && c <= '9')
        return (uint8_t)(c - '0');
    c = upper(c);
    return c >= 'A' && c <= 'Z' ? letters[c - 'A'] : (uint8_t)NO_DIGIT;
}

static char *put_text(char *at, const char *text)
{
    size_t len = strlen(text);
    memcpy(at, text, len);
    return at + len;
}

void crdt_id_text(const struct crdt_id *id, char out[static CRDT_ID_TEXT_MAX])
{
    char *at = put_text(out, ID_START);
    const char *name = crdt_type_name(id->type);
    if (name != NULL) {
        at = put_text(at, name);
    } else {
        *at++ = 'T';
        if (id->type >= 100)
            *at++ = (char)('0' + id->type / 100);
        if (id->type >= 10)
            *at++ = (char)('0' + id->type / 10 % 10);
        *at++ = (char)('0' + id->type % 10);
    }
    *at++ = '-';
    write_digits(id->b, at);
    at[CRDT_ID_DIGITS] = '\0';
}

struct cht_bytes crdt_id_short(struct cht_bytes text)
{
    const size_t skip = sizeof ID_START - 1;
    if (text.len < skip + CRDT_ID_DIGITS || memcmp(text.data, ID_START, skip) != 0)
        return text;
    return cht_bytes(text.data + skip, text.len - skip - (CRDT_ID_DIGITS - SHORT_DIGITS));
}

/* Split at the last hyphen into type word and digits; the word is empty without a hyphen. */
static void split_id(struct cht_bytes text, struct cht_bytes *out_word,
                     struct cht_bytes *out_digits)
{
    size_t cut = text.len;
    while (cut > 0 && text.data[cut - 1] != '-')
        cut--;
    *out_word = cht_bytes(text.data, cut == 0 ? 0 : cut - 1);
    *out_digits = cht_bytes(cut == 0 ? text.data : text.data + cut, text.len - cut);
}

static bool strip_start(struct cht_bytes *text)
{
    const size_t len = sizeof ID_START - 1;
    if (text->len < len || !same_word(cht_bytes(text->data, len), ID_START))
        return false;
    *text = cht_bytes(text->data + len, text->len - len);
    return true;
}

/* The digits' values. */
static enum cht_err read_digits(struct cht_bytes digits, uint8_t out[static CRDT_ID_DIGITS])
{
    if (digits.len > CRDT_ID_DIGITS)
        return CHT_E_INVALID;
    for (size_t i = 0; i < digits.len; i++) {
        out[i] = digit_value(digits.data[i]);
        if (out[i] == NO_DIGIT || (i == 0 && out[i] > 7))
            return CHT_E_INVALID; /* the first digit holds three bits */
    }
    return CHT_OK;
}

enum cht_err crdt_id_prefix_parse(struct cht_bytes text, struct crdt_id_prefix *out)
{
    struct crdt_id_prefix got = { .type = 0 };
    struct cht_bytes word, digits;
    bool started = strip_start(&text);
    bool hyphen = text.len != 0 && memchr(text.data, '-', text.len) != NULL;
    if (text.len == 0 || (started && !hyphen))
        return CHT_E_INVALID;
    split_id(text, &word, &digits);
    if (hyphen) {
        got.type = (uint8_t)spelt_type(word);
        if (got.type == 0)
            return CHT_E_INVALID;
    }
    uint8_t values[CRDT_ID_DIGITS];
    enum cht_err err = read_digits(digits, values);
    if (err != CHT_OK)
        return err;
    got.digits = (uint8_t)digits.len;
    from_digits(values, digits.len, 0, got.low);
    from_digits(values, digits.len, 31, got.high);
    *out = got;
    return CHT_OK;
}

bool crdt_id_prefix_matches(const struct crdt_id_prefix *p, const struct crdt_id *id)
{
    return (p->type == 0 || p->type == id->type) && memcmp(p->low, id->b, CRDT_ID_BYTES) <= 0 &&
           memcmp(id->b, p->high, CRDT_ID_BYTES) <= 0;
}

enum cht_err crdt_id_parse(struct cht_bytes text, struct crdt_id *out)
{
    struct cht_bytes word, digits;
    uint8_t values[CRDT_ID_DIGITS];
    if (!strip_start(&text))
        return CHT_E_INVALID;
    split_id(text, &word, &digits);
    uint8_t type = (uint8_t)spelt_type(word);
    if (type == 0 || digits.len != CRDT_ID_DIGITS || read_digits(digits, values) != CHT_OK)
        return CHT_E_INVALID;
    out->type = type;
    from_digits(values, CRDT_ID_DIGITS, 0, out->b);
    return CHT_OK;
}

void crdt_hex(struct cht_bytes data, char *out)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < data.len; i++) {
        *out++ = hex[data.data[i] >> 4];
        *out++ = hex[data.data[i] & 15];
    }
    *out = '\0';
}

static int hex_value(uint8_t c)
{
    c = upper(c);
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum cht_err crdt_unhex(struct cht_bytes text, uint8_t *out, size_t len)
{
    if (len > SIZE_MAX / 2 || text.len != len * 2)
        return CHT_E_INVALID;
    for (size_t i = 0; i < text.len; i++)
        if (hex_value(text.data[i]) < 0)
            return CHT_E_INVALID;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(hex_value(text.data[2 * i]) << 4 | hex_value(text.data[2 * i + 1]));
    return CHT_OK;
}
