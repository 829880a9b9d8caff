/* Secrets by what they are called: NAME=value as in files of an environment, `"password": "…"`,
 * --token VALUE. Code is full of such names without a secret behind them: a value counts when it
 * looks like one, the more readily the plainer the assignment is. */
#include "bridges/claude/redact.h"

#include <strings.h>

#define NAME_MAX_BYTES 64u

/* Parts of names, in lower case without _ and -. Passwords may be anything, words too. */
static const char *const passwords[] = { "password", "passwd", "passphrase", "passwort" };
static const char *const secrets[] = {
    "secret",           "token",      "apikey",        "accesskey",  "privatekey",
    "credential",       "authkey",    "signingkey",    "masterkey",  "encryptionkey",
    "clientkey",        "sessionkey", "deploykey",     "servicekey", "accountkey",
    "connectionstring", "webhookurl", "authorization", "cookie",
};
/* Names that have such a part and mean something else. */
static const char *const harmless[] = {
    "tokens",      "tokenizer",     "tokenize",      "tokencount",   "tokentype",     "tokenlimit",
    "tokenbudget", "secretname",    "secretref",     "tokenurl",     "tokenendpoint", "cookiename",
    "tokenname",   "passwordfield", "passwordlabel", "cookiedomain", "cookiepath",
};
/* Values that stand for one. */
static const char *const stand_ins[] = {
    "true",     "false",    "null",    "none",     "nil",    "undefined", "string",      "str",
    "number",   "bool",     "boolean", "int",      "bytes",  "text",      "any",         "required",
    "optional", "changeme", "example", "password", "secret", "token",     "example.com",
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool in_name(uint8_t c)
{
    return is_letter(c) || is_digit(c) || c == '_' || c == '-';
}

enum called { CALLED_NOTHING, CALLED_SECRET, CALLED_PASSWORD };

static bool has_part(const char *name, const char *const *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(name, parts[i]) != NULL)
            return true;
    return false;
}
#define HAS_PART(name, parts) has_part(name, parts, sizeof(parts) / sizeof(parts)[0])

static bool ends_with(const char *name, const char *end)
{
    const size_t len = strlen(name), tail = strlen(end);
    return len >= tail && strcmp(name + len - tail, end) == 0;
}

/* STRIPE_KEY, DB_PASS: as in files of an environment. */
static bool is_env_name(struct cht_bytes name)
{
    bool letter = false;
    for (size_t i = 0; i < name.len; i++) {
        const uint8_t c = name.data[i];
        if ((c >= 'a' && c <= 'z') || c == '-')
            return false;
        letter = letter || is_letter(c);
    }
    return letter;
}

static enum called what_is_called(struct cht_bytes name)
{
    char plain[NAME_MAX_BYTES + 1];
    size_t len = 0;
    if (name.len < 3 || name.len > NAME_MAX_BYTES)
        return CALLED_NOTHING;
    for (size_t i = 0; i < name.len; i++) {
        const uint8_t c = name.data[i];
        if (c != '_' && c != '-')
            plain[len++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    plain[len] = '\0';
    if (HAS_PART(plain, harmless))
        return CALLED_NOTHING;
    if (HAS_PART(plain, passwords) || strcmp(plain, "pwd") == 0 || ends_with(plain, "pass"))
        return CALLED_PASSWORD;
    if (HAS_PART(plain, secrets) || (is_env_name(name) && len > 3 && ends_with(plain, "key")))
        return CALLED_SECRET;
    return CALLED_NOTHING;
}

static bool is_stand_in(struct cht_bytes v)
{
    bool dots = true;
    for (size_t i = 0; i < v.len; i++)
        dots = dots && v.data[i] < 0x80 && strchr(".*xX_-", v.data[i]) != NULL;
    if (dots || v.data[0] == '$' || v.data[0] == '<' || v.data[0] == '{' || v.data[0] == '[' ||
        v.data[0] == '%')
        return true;
    for (size_t i = 0; i < sizeof stand_ins / sizeof stand_ins[0]; i++)
        if (v.len == strlen(stand_ins[i]) &&
            strncasecmp((const char *)v.data, stand_ins[i], v.len) == 0)
            return true;
    return false;
}

/* Letters and digits without anything that code has: what a key looks like. */
static bool looks_drawn(struct cht_bytes v)
{
    bool letter = false, digit = false;
    for (size_t i = 0; i < v.len; i++) {
        const uint8_t c = v.data[i];
        if (c <= ' ' || c == '(' || c == '[' || c == '{' || c == '<')
            return false;
        letter = letter || is_letter(c);
        digit = digit || is_digit(c);
    }
    return v.len >= 8 && letter && digit;
}

static bool has_blank(struct cht_bytes v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.data[i] <= ' ')
            return true;
    return false;
}

/* A value between quotes, or one of JSON. */
static bool is_quoted_secret(enum called called, struct cht_bytes name, struct cht_bytes v)
{
    if (v.len < 3 || is_stand_in(v))
        return false;
    if (called == CALLED_PASSWORD || is_env_name(name))
        return true;
    return looks_drawn(v) || (v.len >= 20 && !has_blank(v));
}

bool claude_secret_value(struct cht_bytes key, struct cht_bytes value)
{
    const enum called called = what_is_called(key);
    return called != CALLED_NOTHING && is_quoted_secret(called, key, value);
}

/* --- assignments in a text ----------------------------------------------------------------- */

struct reader {
    struct cht_bytes text;
    size_t at;
};

static uint8_t peek(const struct reader *r)
{
    return r->at < r->text.len ? r->text.data[r->at] : 0;
}

static size_t skip(struct reader *r, const char *any)
{
    const size_t from = r->at;
    while (peek(r) != 0 && peek(r) < 0x80 && strchr(any, peek(r)) != NULL)
        r->at++;
    return r->at - from;
}

/* Up to the quote that opened it; a backslash takes what follows along. `slashes`: it was opened by
 * \" (a text inside a text) and ends by the same. */
static struct cht_bytes take_quoted(struct reader *r, uint8_t quote, bool slashes)
{
    const size_t from = r->at;
    size_t end = from;
    while (end < r->text.len && r->text.data[end] != quote && r->text.data[end] != '\n') {
        if (r->text.data[end] == '\\' && !slashes)
            end++;
        end++;
    }
    end = end > r->text.len ? r->text.len : end;
    r->at = end;
    while (slashes && end > from && r->text.data[end - 1] == '\\')
        end--;
    return cht_bytes(r->text.data + from, end - from);
}

/* Up to `most` bytes; the value of a cookie's line goes on to the line's end. */
static struct cht_bytes take_bare(struct reader *r, bool whole_line, size_t most)
{
    const size_t from = r->at;
    while (r->at < r->text.len && r->at - from < most) {
        const uint8_t c = r->text.data[r->at];
        if (c == '\n' || (!whole_line && (c <= ' ' || (c < 0x80 && strchr("\"'`,;)|<>\\", c)))))
            break;
        r->at++;
    }
    return cht_bytes(r->text.data + from, r->at - from);
}

/* What stands between a name and its value. */
struct sign {
    bool equals, colon, blank;
};

static bool take_sign(struct reader *r, struct sign *out)
{
    *out = (struct sign){ 0 };
    (void)skip(r, "\\");
    (void)skip(r, "\"'`");
    const size_t before = skip(r, " \t");
    out->colon = skip(r, ":") != 0;
    out->equals = skip(r, "=") != 0;
    (void)(out->equals && skip(r, ">"));
    out->blank = skip(r, " \t") != 0 || before != 0;
    return out->colon || out->equals || out->blank;
}

/* Is a bare value a secret, given how it was assigned? */
static bool is_bare_secret(enum called called, struct cht_bytes name, const struct sign *sign,
                           struct cht_bytes v)
{
    if (v.len == 0 || is_stand_in(v) || memchr(v.data, '(', v.len) != NULL)
        return false;
    if (sign->equals && !sign->blank && (is_env_name(name) || called == CALLED_PASSWORD))
        return true;
    /* what code assigns without quotes is no text: `token = next.token2` */
    return looks_drawn(v) && (!sign->equals || !sign->blank || memchr(v.data, '.', v.len) == NULL);
}

static bool is_cookie_header(struct cht_bytes name, const struct sign *sign)
{
    return sign->colon && !sign->equals && name.len >= 6 && name.len <= 10 &&
           strncasecmp((const char *)name.data + name.len - 6, "cookie", 6) == 0;
}

#define LOOK_BYTES 512u /* of a value, before it is known for a secret */

static struct cht_bytes take_value(struct reader *r, enum called called, struct cht_bytes name,
                                   const struct sign *sign, bool *out_secret)
{
    const bool slashes = skip(r, "\\") != 0;
    const uint8_t quote = peek(r);
    const size_t from = r->at;
    if (quote == '"' || quote == '\'' || quote == '`') {
        r->at++;
        const struct cht_bytes value = take_quoted(r, quote, slashes);
        *out_secret = is_quoted_secret(called, name, value);
        return value;
    }
    const bool cookie = is_cookie_header(name, sign);
    struct cht_bytes value = take_bare(r, cookie, LOOK_BYTES);
    *out_secret =
        cookie ? value.len > 0 && value.data[0] != '[' : is_bare_secret(called, name, sign, value);
    if (*out_secret) {
        r->at = from;
        value = take_bare(r, cookie, SIZE_MAX);
    }
    return value;
}

bool claude_secret_named(struct cht_bytes text, size_t at, struct claude_secret *out)
{
    struct reader r = { text, at };
    struct sign sign;
    bool secret;
    if (!is_letter(text.data[at]) && text.data[at] != '_')
        return false;
    while (r.at < text.len && in_name(text.data[r.at]))
        r.at++;
    const struct cht_bytes name = cht_bytes(text.data + at, r.at - at);
    const enum called called = what_is_called(name);
    /* --token VALUE and login X password VALUE (netrc) have no sign but a blank */
    const bool flag = at >= 2 && text.data[at - 1] == '-' && text.data[at - 2] == '-';
    if (called == CALLED_NOTHING || !take_sign(&r, &sign) ||
        (!sign.colon && !sign.equals && !flag && called != CALLED_PASSWORD))
        return false;
    const struct cht_bytes value = take_value(&r, called, name, &sign, &secret);
    const size_t from = (size_t)(value.data - text.data);
    /* a private key goes on over many lines: it is known by its form */
    secret = secret && memmem(value.data, value.len, "-----BEGIN ", 11) == NULL;
    if (secret)
        *out = (struct claude_secret){ from, from + value.len,
                                       called == CALLED_PASSWORD ? "password" : "secret" };
    return secret;
}
