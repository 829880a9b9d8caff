/* Secrets by their form: what the issuers of keys put in front of them so that they are found. */
#include "bridges/claude/redact.h"

/* Which characters follow the beginning. */
enum alphabet {
    ALNUM,  /* letters and digits */
    WORD,   /* and _ and - */
    DOTTED, /* and . */
    UPPER,  /* A to Z and digits */
    DIGITS,
    BASE64, /* letters, digits, + / = _ - . ~ */
};

struct form {
    const char *kind, *begin;
    enum alphabet of;
    unsigned least, most; /* characters behind the beginning; most 0: any number */
    bool digit;           /* one of them has to be a digit */
};

/* Longer beginnings before those that they begin with. */
static const struct form forms[] = {
    { "anthropic-key", "sk-ant-", WORD, 20, 0, false },
    { "api-key", "sk-", WORD, 20, 0, true },
    { "github-token", "github_pat_", WORD, 22, 0, false },
    { "github-token", "ghp_", ALNUM, 20, 0, false },
    { "github-token", "gho_", ALNUM, 20, 0, false },
    { "github-token", "ghu_", ALNUM, 20, 0, false },
    { "github-token", "ghs_", ALNUM, 20, 0, false },
    { "github-token", "ghr_", ALNUM, 20, 0, false },
    { "gitlab-token", "glpat-", WORD, 20, 0, false },
    { "slack-token", "xoxa-", WORD, 10, 0, true },
    { "slack-token", "xoxb-", WORD, 10, 0, true },
    { "slack-token", "xoxe-", WORD, 10, 0, true },
    { "slack-token", "xoxp-", WORD, 10, 0, true },
    { "slack-token", "xoxr-", WORD, 10, 0, true },
    { "slack-token", "xoxs-", WORD, 10, 0, true },
    { "slack-token", "xapp-", WORD, 10, 0, true },
    { "aws-key-id", "AKIA", UPPER, 16, 16, false },
    { "aws-key-id", "ASIA", UPPER, 16, 16, false },
    { "google-key", "AIza", WORD, 35, 35, false },
    { "google-token", "ya29.", WORD, 20, 0, false },
    { "google-secret", "GOCSPX-", WORD, 20, 0, false },
    { "stripe-key", "sk_live_", ALNUM, 16, 0, false },
    { "stripe-key", "sk_test_", ALNUM, 16, 0, false },
    { "stripe-key", "rk_live_", ALNUM, 16, 0, false },
    { "stripe-key", "rk_test_", ALNUM, 16, 0, false },
    { "webhook-secret", "whsec_", BASE64, 16, 0, false },
    { "npm-token", "npm_", ALNUM, 30, 0, false },
    { "pypi-token", "pypi-", WORD, 40, 0, false },
    { "huggingface-token", "hf_", ALNUM, 30, 0, false },
    { "digitalocean-token", "dop_v1_", ALNUM, 40, 0, false },
    { "digitalocean-token", "doo_v1_", ALNUM, 40, 0, false },
    { "sendgrid-key", "SG.", DOTTED, 40, 0, false },
    { "notion-token", "ntn_", ALNUM, 30, 0, false },
    { "notion-token", "secret_", ALNUM, 40, 0, true },
    { "linear-key", "lin_api_", ALNUM, 30, 0, false },
    { "shopify-token", "shpat_", ALNUM, 30, 0, false },
    { "grafana-token", "glsa_", WORD, 30, 0, false },
    { "docker-token", "dckr_pat_", WORD, 20, 0, false },
    { "groq-key", "gsk_", ALNUM, 30, 0, false },
    { "xai-key", "xai-", ALNUM, 40, 0, false },
    { "replicate-token", "r8_", ALNUM, 30, 0, false },
    { "tailscale-key", "tskey-", WORD, 20, 0, true },
    { "databricks-token", "dapi", ALNUM, 32, 32, true },
    { "age-key", "AGE-SECRET-KEY-1", UPPER, 40, 0, false },
    { "bearer-token", "Bearer ", BASE64, 16, 0, true },
    { "bearer-token", "bearer ", BASE64, 16, 0, true },
    { "basic-auth", "Basic ", BASE64, 16, 0, false },
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(uint8_t c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool belongs(uint8_t c, enum alphabet of)
{
    switch (of) {
    case ALNUM:
        return is_alnum(c);
    case WORD:
        return is_alnum(c) || c == '_' || c == '-';
    case DOTTED:
        return is_alnum(c) || c == '_' || c == '-' || c == '.';
    case DIGITS:
        return is_digit(c);
    case UPPER:
        return is_digit(c) || (c >= 'A' && c <= 'Z');
    case BASE64:
        return is_alnum(c) || (c != 0 && strchr("+/=_-.~", c) != NULL);
    }
    return false;
}

static bool begins(struct cht_bytes text, size_t at, const char *word)
{
    const size_t len = strlen(word);
    return text.len - at >= len && memcmp(text.data + at, word, len) == 0;
}

/* Characters of an alphabet from `at` on, counted up to `most`. */
static size_t run(struct cht_bytes text, size_t at, enum alphabet of, size_t most)
{
    size_t len = 0;
    while (len < most && at + len < text.len && belongs(text.data[at + len], of))
        len++;
    return len;
}

static bool has_digit(struct cht_bytes text, size_t at, size_t len)
{
    for (size_t i = at; i < at + len; i++)
        if (is_digit(text.data[i]))
            return true;
    return false;
}

/* So much is looked at before it is known for a secret, so that texts made for it cost no more. */
#define LOOK_BYTES 512u

/* eyJ….eyJ….signature (RFC 7519) */
static bool is_jwt(struct cht_bytes text, size_t at, struct claude_secret *out)
{
    if (!begins(text, at, "eyJ"))
        return false;
    const size_t head = run(text, at, WORD, LOOK_BYTES);
    if (head < 12 || at + head >= text.len || text.data[at + head] != '.')
        return false;
    const size_t body = run(text, at + head + 1, WORD, SIZE_MAX);
    const size_t dot = at + head + 1 + body;
    if (body < 8 || dot >= text.len || text.data[dot] != '.')
        return false;
    *out = (struct claude_secret){ at, dot + 1 + run(text, dot + 1, WORD, SIZE_MAX), "jwt" };
    return true;
}

/* Behind the next place where `what` stands; 0: nowhere. */
static size_t find(struct cht_bytes text, size_t at, const char *what)
{
    const size_t len = strlen(what);
    const uint8_t *hit = at > text.len ? NULL : memmem(text.data + at, text.len - at, what, len);
    return hit == NULL ? 0 : (size_t)(hit - text.data) + len;
}

/* -----BEGIN … PRIVATE KEY----- and what follows, up to its end or, cut off, that of the text */
static bool is_private_key(struct cht_bytes text, size_t at, struct claude_secret *out)
{
    static const char kind[] = "PRIVATE KEY";
    if (!begins(text, at, "-----BEGIN "))
        return false;
    struct cht_bytes title = cht_bytes(text.data + at, text.len - at);
    title.len = title.len > 80 ? 80 : title.len;
    if (memmem(title.data, title.len, kind, sizeof kind - 1) == NULL)
        return false;
    size_t end = find(text, at, "-----END ");
    end = end == 0 ? text.len : find(text, end, "-----");
    *out = (struct claude_secret){ at, end == 0 ? text.len : end, "private-key" };
    return true;
}

#define URL_PART_MAX 512u

static bool ends_part(uint8_t c)
{
    return c <= ' ' || (c < 0x80 && strchr("/?#\"'<>\\`", c) != NULL);
}

/* ://USER:PASSWORD@ and ://TOKEN@, seen from the colon (RFC 3986 3.2.1) */
static bool is_url_login(struct cht_bytes text, size_t at, struct claude_secret *out)
{
    size_t colon = 0, end = at + 3;
    if (!begins(text, at, "://") || at == 0 || !is_alnum(text.data[at - 1]) ||
        begins(text, at, "://["))
        return false;
    while (end < text.len && end - at < URL_PART_MAX && text.data[end] != '@' &&
           !ends_part(text.data[end])) {
        if (text.data[end] == ':' && colon == 0)
            colon = end;
        end++;
    }
    if (end >= text.len || text.data[end] != '@')
        return false;
    const size_t from = colon != 0 ? colon + 1 : at + 3;
    const bool token = colon == 0 && end - from >= 16 && has_digit(text, from, end - from);
    const uint8_t first = from < end ? text.data[from] : '@';
    if ((colon == 0 && !token) || from == end || first == '$' || first == '[' || first == '{')
        return false;
    *out = (struct claude_secret){ from, end, "password" };
    return true;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '=';
}

/* `-u USER:PASSWORD` and `--user USER:PASSWORD` of curl, seen from the u. Of `-u 1000:1000`, which
 * docker has, neither is a secret. */
static bool is_flag_login(struct cht_bytes text, size_t at, struct claude_secret *out)
{
    const bool whole = at >= 2 && begins(text, at, "user") && text.data[at - 2] == '-';
    size_t from = at + (whole ? 4 : 1);
    if (at < 2 || text.data[at - 1] != '-' || from >= text.len || !is_blank(text.data[from]))
        return false;
    while (from < text.len &&
           (is_blank(text.data[from]) || text.data[from] == '"' || text.data[from] == '\''))
        from++;
    const size_t name = from;
    while (from < text.len && from - name < URL_PART_MAX && text.data[from] > ' ' &&
           text.data[from] != ':' && text.data[from] != '/')
        from++;
    if (from == name || from >= text.len || text.data[from] != ':')
        return false;
    size_t end = ++from;
    while (end < text.len && end - from < URL_PART_MAX && text.data[end] > ' ' &&
           text.data[end] != '"' && text.data[end] != '\'')
        end++;
    if (end - from < 4 || end - from == run(text, from, DIGITS, SIZE_MAX) ||
        strchr("$[{<", text.data[from]) != NULL)
        return false;
    *out = (struct claude_secret){ from, end, "password" };
    return true;
}

/* Is `at` in the middle of a word? */
static bool inside(struct cht_bytes text, size_t at)
{
    return at > 0 && (is_alnum(text.data[at - 1]) || text.data[at - 1] == '_');
}

static bool is_form(struct cht_bytes text, size_t at, const struct form *f,
                    struct claude_secret *out)
{
    const size_t head = strlen(f->begin);
    const size_t len = run(text, at + head, f->of, LOOK_BYTES);
    /* words with a blank in their beginning are kept: they tell what the secret was for */
    const size_t from = f->begin[head - 1] == ' ' ? at + head : at;
    if (len < f->least || (f->most != 0 && len > f->most) ||
        (f->digit && !has_digit(text, at + head, len)))
        return false;
    *out =
        (struct claude_secret){ from, at + head + run(text, at + head, f->of, SIZE_MAX), f->kind };
    return true;
}

bool claude_secret_form(struct cht_bytes text, size_t at, struct claude_secret *out)
{
    const uint8_t c = text.data[at];
    if (c == ':')
        return is_url_login(text, at, out);
    if (c == '-')
        return is_private_key(text, at, out);
    if (!is_alnum(c) || inside(text, at))
        return false;
    if (is_jwt(text, at, out) || (c == 'u' && is_flag_login(text, at, out)))
        return true;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (forms[i].begin[0] == (char)c && begins(text, at, forms[i].begin) &&
            is_form(text, at, &forms[i], out))
            return true;
    return false;
}
