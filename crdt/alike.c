/* The normal form of a title; see alike.h (PROTOCOL 6.5). */
#include "crdt/alike.h"

#include <assert.h>

/* U+00C0 … U+017F in lower case and taken apart (Unicode's NFKD), as UTF-8. */
static const char *const latin[] = {
    "a\xcc\x80", "a\xcc\x81", "a\xcc\x82", "a\xcc\x83", "a\xcc\x88", "a\xcc\x8a", "\xc3\xa6",
    "c\xcc\xa7", "e\xcc\x80", "e\xcc\x81", "e\xcc\x82", "e\xcc\x88", "i\xcc\x80", "i\xcc\x81",
    "i\xcc\x82", "i\xcc\x88", "\xc3\xb0",  "n\xcc\x83", "o\xcc\x80", "o\xcc\x81", "o\xcc\x82",
    "o\xcc\x83", "o\xcc\x88", "\xc3\x97",  "\xc3\xb8",  "u\xcc\x80", "u\xcc\x81", "u\xcc\x82",
    "u\xcc\x88", "y\xcc\x81", "\xc3\xbe",  "\xc3\x9f",  "a\xcc\x80", "a\xcc\x81", "a\xcc\x82",
    "a\xcc\x83", "a\xcc\x88", "a\xcc\x8a", "\xc3\xa6",  "c\xcc\xa7", "e\xcc\x80", "e\xcc\x81",
    "e\xcc\x82", "e\xcc\x88", "i\xcc\x80", "i\xcc\x81", "i\xcc\x82", "i\xcc\x88", "\xc3\xb0",
    "n\xcc\x83", "o\xcc\x80", "o\xcc\x81", "o\xcc\x82", "o\xcc\x83", "o\xcc\x88", "\xc3\xb7",
    "\xc3\xb8",  "u\xcc\x80", "u\xcc\x81", "u\xcc\x82", "u\xcc\x88", "y\xcc\x81", "\xc3\xbe",
    "y\xcc\x88", "a\xcc\x84", "a\xcc\x84", "a\xcc\x86", "a\xcc\x86", "a\xcc\xa8", "a\xcc\xa8",
    "c\xcc\x81", "c\xcc\x81", "c\xcc\x82", "c\xcc\x82", "c\xcc\x87", "c\xcc\x87", "c\xcc\x8c",
    "c\xcc\x8c", "d\xcc\x8c", "d\xcc\x8c", "\xc4\x91",  "\xc4\x91",  "e\xcc\x84", "e\xcc\x84",
    "e\xcc\x86", "e\xcc\x86", "e\xcc\x87", "e\xcc\x87", "e\xcc\xa8", "e\xcc\xa8", "e\xcc\x8c",
    "e\xcc\x8c", "g\xcc\x82", "g\xcc\x82", "g\xcc\x86", "g\xcc\x86", "g\xcc\x87", "g\xcc\x87",
    "g\xcc\xa7", "g\xcc\xa7", "h\xcc\x82", "h\xcc\x82", "\xc4\xa7",  "\xc4\xa7",  "i\xcc\x83",
    "i\xcc\x83", "i\xcc\x84", "i\xcc\x84", "i\xcc\x86", "i\xcc\x86", "i\xcc\xa8", "i\xcc\xa8",
    "i\xcc\x87", "\xc4\xb1",  "ij",        "ij",        "j\xcc\x82", "j\xcc\x82", "k\xcc\xa7",
    "k\xcc\xa7", "\xc4\xb8",  "l\xcc\x81", "l\xcc\x81", "l\xcc\xa7", "l\xcc\xa7", "l\xcc\x8c",
    "l\xcc\x8c", "l\xc2\xb7", "l\xc2\xb7", "\xc5\x82",  "\xc5\x82",  "n\xcc\x81", "n\xcc\x81",
    "n\xcc\xa7", "n\xcc\xa7", "n\xcc\x8c", "n\xcc\x8c", "\xca\xbcn", "\xc5\x8b",  "\xc5\x8b",
    "o\xcc\x84", "o\xcc\x84", "o\xcc\x86", "o\xcc\x86", "o\xcc\x8b", "o\xcc\x8b", "\xc5\x93",
    "\xc5\x93",  "r\xcc\x81", "r\xcc\x81", "r\xcc\xa7", "r\xcc\xa7", "r\xcc\x8c", "r\xcc\x8c",
    "s\xcc\x81", "s\xcc\x81", "s\xcc\x82", "s\xcc\x82", "s\xcc\xa7", "s\xcc\xa7", "s\xcc\x8c",
    "s\xcc\x8c", "t\xcc\xa7", "t\xcc\xa7", "t\xcc\x8c", "t\xcc\x8c", "\xc5\xa7",  "\xc5\xa7",
    "u\xcc\x83", "u\xcc\x83", "u\xcc\x84", "u\xcc\x84", "u\xcc\x86", "u\xcc\x86", "u\xcc\x8a",
    "u\xcc\x8a", "u\xcc\x8b", "u\xcc\x8b", "u\xcc\xa8", "u\xcc\xa8", "w\xcc\x82", "w\xcc\x82",
    "y\xcc\x82", "y\xcc\x82", "y\xcc\x88", "z\xcc\x81", "z\xcc\x81", "z\xcc\x87", "z\xcc\x87",
    "z\xcc\x8c", "z\xcc\x8c", "s",
};
static_assert(sizeof latin / sizeof latin[0] == 0x180 - 0xC0, "one a code point");

enum what {
    WORD,  /* stands for itself */
    BLANK, /* ends a word: blanks, quotes, brackets */
    MARK,  /* is of the word that follows at once, and else ends one */
    NONE,  /* is not there: marks that are not seen */
};

/* The code point at the beginning of a valid text, which loses it. */
static uint32_t take(struct cht_bytes *text)
{
    const uint8_t *b = text->data;
    const size_t len = b[0] < 0x80 ? 1 : b[0] < 0xE0 ? 2 : b[0] < 0xF0 ? 3 : 4;
    uint32_t c = len == 1 ? b[0] : (uint32_t)b[0] & (0x7Fu >> len);
    if (len > text->len) { /* no UTF-8: each octet for itself */
        *text = cht_bytes(b + 1, text->len - 1);
        return b[0];
    }
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (b[i] & 0x3Fu);
    *text = cht_bytes(b + len, text->len - len);
    return c;
}

static enum what what_of_ascii(uint32_t c)
{
    if (c <= ' ' || c == 0x7F || strchr("\"`()[]{}*", (int)c) != NULL)
        return BLANK;
    return strchr(".,;:!?'-", (int)c) != NULL ? MARK : WORD;
}

static enum what what_of(uint32_t c)
{
    if (c < 0x80)
        return what_of_ascii(c);
    if (c == 0xAD || (c >= 0x200B && c <= 0x200F) || c == 0x2060 || c == 0xFEFF)
        return NONE;
    if (c <= 0xA0 || c == 0xAB || c == 0xBB || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
        (c >= 0x201A && c <= 0x201F) || c == 0x2018 || c == 0x2022 || c == 0x2026 || c == 0x2028 ||
        c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000)
        return BLANK;
    return WORD;
}

/* One way to write a code point: forms of width and dashes as ASCII has them. */
static uint32_t plain(uint32_t c)
{
    if (c >= 0xFF01 && c <= 0xFF5E)
        return c - 0xFF01 + '!';
    if (c >= 0x2010 && c <= 0x2015)
        return '-';
    return c == 0x2019 ? '\'' : c;
}

static uint32_t lower(uint32_t c)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 0x391 && c <= 0x3A9 && c != 0x3A2) ||
        (c >= 0x410 && c <= 0x42F))
        return c + 32;
    return c >= 0x400 && c <= 0x40F ? c + 80 : c;
}

static enum cht_err put(uint32_t c, struct cht_buf *out)
{
    uint8_t b[4];
    size_t len = 0;
    if (c >= 0xC0 && c < 0x180)
        return cht_buf_add(out, cht_bytes_str(latin[c - 0xC0]));
    c = lower(c);
    if (c < 0x80) {
        b[len++] = (uint8_t)c;
    } else if (c < 0x800) {
        b[len++] = (uint8_t)(0xC0 | c >> 6);
    } else if (c < 0x10000) {
        b[len++] = (uint8_t)(0xE0 | c >> 12);
        b[len++] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    } else {
        b[len++] = (uint8_t)(0xF0 | c >> 18);
        b[len++] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
        b[len++] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    }
    if (c >= 0x80)
        b[len++] = (uint8_t)(0x80 | (c & 0x3F));
    return cht_buf_add(out, cht_bytes(b, len));
}

enum cht_err crdt_alike_text(struct cht_bytes text, struct cht_buf *out)
{
    const size_t start = out->len;
    bool blank = false; /* a word has ended */
    uint32_t mark = 0;  /* it is kept if a word follows at once */
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && text.len != 0) {
        const uint32_t c = plain(take(&text));
        const enum what what = what_of(c);
        if (what == NONE)
            continue;
        if (what != WORD) {
            blank |= what == BLANK || mark != 0;
            mark = what == MARK ? c : 0;
            continue;
        }
        if (blank && out->len != start)
            err = cht_buf_add_u8(out, ' ');
        if (err == CHT_OK && mark != 0)
            err = put(mark, out);
        if (err == CHT_OK)
            err = put(c, out);
        blank = false;
        mark = 0;
    }
    return err;
}
