/* Secrets out of texts; see redact.h. */
#include "bridges/claude/redact.h"

#include "bridges/claude/json_span.h"

static bool in_word(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' ||
           c == '-';
}

static enum cht_err put_mark(const char *kind, struct cht_buf *out)
{
    enum cht_err err = cht_buf_add(out, cht_bytes_str("[redacted:"));
    if (err == CHT_OK)
        err = cht_buf_add(out, cht_bytes_str(kind));
    return err == CHT_OK ? cht_buf_add_u8(out, ']') : err;
}

/* Does a name begin at `at`: a word, or what is behind the dashes of a flag? */
static bool begins_name(struct cht_bytes text, size_t at)
{
    size_t before = at;
    while (before > 0 && text.data[before - 1] == '-' && at - before < 2)
        before--;
    return before == 0 || (!in_word(text.data[before - 1]) && at - before != 1);
}

/* Is there a secret that begins at `at`, or is assigned to the name there? */
static bool find(struct cht_bytes text, size_t at, struct claude_secret *out)
{
    const uint8_t c = text.data[at];
    if (!in_word(c) && c != ':')
        return false;
    return claude_secret_form(text, at, out) ||
           (c != ':' && begins_name(text, at) && claude_secret_named(text, at, out));
}

enum cht_err claude_redact_text(struct cht_bytes text, struct cht_buf *out, unsigned *out_count)
{
    const size_t start = out->len;
    size_t done = 0, at = 0;
    unsigned count = 0;
    struct claude_secret s;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && at < text.len) {
        if (!find(text, at, &s)) {
            at++;
            continue;
        }
        err = cht_buf_add(out, cht_bytes(text.data + done, s.from - done));
        if (err == CHT_OK)
            err = put_mark(s.kind, out);
        done = at = s.to;
        count++;
    }
    if (err == CHT_OK && done < text.len)
        err = cht_buf_add(out, cht_bytes(text.data + done, text.len - done));
    if (err != CHT_OK) {
        out->len = start;
        return err;
    }
    *out_count = count;
    return CHT_OK;
}

/* --- the strings of an object -------------------------------------------------------------- */

struct redacting {
    struct cht_buf text, clean; /* what a string says, before and after */
    struct claude_redacted told;
    bool in_signed;
};

/* Append the string as it is to be, quotes excluded. */
static enum cht_err put_string(struct redacting *r, const struct json_span_string *s,
                               struct cht_buf *out)
{
    unsigned count = 0;
    cht_buf_reset(&r->text);
    cht_buf_reset(&r->clean);
    enum cht_err err = json_span_text(s->raw, &r->text);
    const struct cht_bytes text = cht_buf_view(&r->text);
    if (err == CHT_OK && s->key.len > 0 && claude_secret_value(s->key, text)) {
        count = 1;
        err = put_mark("secret", &r->clean);
    } else if (err == CHT_OK) {
        err = claude_redact_text(text, &r->clean, &count);
    }
    if (err != CHT_OK)
        return err;
    r->told.count += count;
    return count == 0 ? cht_buf_add(out, s->raw) : json_span_escape(cht_buf_view(&r->clean), out);
}

enum cht_err claude_redact_object(struct cht_bytes object, struct cht_buf *out,
                                  struct claude_redacted *told)
{
    const size_t start = out->len;
    struct redacting r = { .in_signed = false };
    struct json_span_strings it = json_span_strings(object);
    struct json_span_string s;
    const uint8_t *done = object.data;
    enum cht_err err = CHT_OK;
    cht_buf_init(&r.text, object.len + 4);
    /* a mark may be longer than what it stands for */
    cht_buf_init(&r.clean, 16 * object.len + 64);
    while (err == CHT_OK && json_span_string_next(&it, &s)) {
        err = cht_buf_add(out, cht_bytes(done, (size_t)(s.raw.data - done)));
        if (err == CHT_OK)
            err = put_string(&r, &s, out);
        done = s.raw.data + s.raw.len;
        r.in_signed = r.in_signed || cht_bytes_eq(s.key, cht_bytes_str("signature"));
    }
    if (err == CHT_OK)
        err = cht_buf_add(out, cht_bytes(done, (size_t)(object.data + object.len - done)));
    cht_buf_clear(&r.text);
    cht_buf_clear(&r.clean);
    if (err != CHT_OK) {
        out->len = start;
        return err;
    }
    told->count = r.told.count;
    told->signed_text = r.in_signed && r.told.count > 0;
    return CHT_OK;
}
