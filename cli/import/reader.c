/* Records in a file of JSON; see import_reader.h. */
#include "cli/import/reader.h"

#define BLOCK_BYTES ((size_t)256 << 10)

void cli_import_reader_init(struct cli_import_reader *r,
                            enum cht_err (*more)(void *ctx, uint8_t *out, size_t room,
                                                 size_t *out_len),
                            void *ctx)
{
    *r = (struct cli_import_reader){ .more = more, .ctx = ctx, .line = 1 };
    cht_buf_init(&r->buf, CLI_IMPORT_LINE_BYTES + 2 * BLOCK_BYTES);
}

void cli_import_reader_clear(struct cli_import_reader *r)
{
    cht_buf_clear(&r->buf);
}

/* Read on behind what is there; what lies before `r->at` is forgotten. `r->ended` at the end. */
static enum cht_err fill(struct cli_import_reader *r)
{
    const size_t left = r->buf.len - r->at;
    size_t got = 0;
    if (r->at != 0 && left != 0)
        memmove(r->buf.data, r->buf.data + r->at, left);
    r->buf.len = left;
    r->at = 0;
    enum cht_err err = cht_buf_reserve(&r->buf, BLOCK_BYTES);
    if (err == CHT_OK)
        err = r->more(r->ctx, r->buf.data + r->buf.len, BLOCK_BYTES, &got);
    if (err != CHT_OK)
        return err;
    r->buf.len += got;
    r->taken += got;
    r->ended = got == 0;
    return CHT_OK;
}

/* The byte `ahead` of the next one; -1: the file ends before it. Reads on where that is needed. */
static enum cht_err peek(struct cli_import_reader *r, size_t ahead, int *out)
{
    while (r->at + ahead >= r->buf.len && !r->ended) {
        const enum cht_err err = fill(r);
        if (err != CHT_OK)
            return err;
    }
    *out = r->at + ahead < r->buf.len ? r->buf.data[r->at + ahead] : -1;
    return CHT_OK;
}

static enum cht_err pass_line(struct cli_import_reader *r)
{
    int c = 0;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && c != '\n' && c >= 0) {
        err = peek(r, 0, &c);
        r->at += err == CHT_OK && c >= 0;
        r->line += err == CHT_OK && c == '\n';
    }
    return err;
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Past blanks, byte order marks at the start, and what stands between the records of an array. */
static enum cht_err pass_between(struct cli_import_reader *r, int *out_next)
{
    enum cht_err err = peek(r, 0, out_next);
    if (err == CHT_OK && !r->begun && *out_next == 0xEF) {
        err = peek(r, 2, out_next);
        r->at += *out_next == 0xBF ? 3 : 0;
        err = err == CHT_OK ? peek(r, 0, out_next) : err;
    }
    while (err == CHT_OK && *out_next >= 0) {
        if (!r->begun && *out_next == '[')
            r->array = true;
        else if (!is_blank(*out_next) && !(r->array && *out_next == ','))
            break;
        r->begun = r->begun || !is_blank(*out_next);
        r->line += *out_next == '\n';
        r->at++;
        err = peek(r, 0, out_next);
    }
    r->begun = true;
    return err;
}

/* How far a record goes that begins at `r->at`: to the end of its line, or in an array to the
 * bracket that ends it. */
struct ending {
    size_t len;
    unsigned depth;
    bool text, escaped;
    uint64_t lines;
};

/* Take in one more byte; true when the record ends before it (lines) or with it (arrays). */
static bool ends(const struct cli_import_reader *r, struct ending *e, int c)
{
    if (!r->array)
        return c == '\n';
    if (e->text) {
        e->text = e->escaped || c != '"';
        e->escaped = !e->escaped && c == '\\';
        return false;
    }
    if (c == '"')
        e->text = true;
    else if (c == '{' || c == '[')
        e->depth++;
    else if (c == '}' || c == ']')
        return --e->depth == 0;
    return false;
}

static enum cht_err find_end(struct cli_import_reader *r, struct ending *e)
{
    for (;;) {
        int c;
        const enum cht_err err = peek(r, e->len, &c);
        if (err != CHT_OK || c < 0)
            return err;
        if (e->len == CLI_IMPORT_LINE_BYTES)
            return CHT_E_LIMIT;
        const bool end = ends(r, e, c);
        if (end && !r->array)
            return CHT_OK;
        e->len++;
        e->lines += c == '\n';
        if (end)
            return CHT_OK;
    }
}

enum cht_err cli_import_next(struct cli_import_reader *r, struct cht_bytes *out, uint64_t *out_line)
{
    int c;
    enum cht_err err = pass_between(r, &c);
    *out_line = r->line;
    if (err == CHT_OK && (c < 0 || (r->array && c == ']')))
        return CHT_E_NOTFOUND;
    if (err != CHT_OK)
        return err;
    if (r->array && c != '{') {
        err = pass_line(r);
        return err == CHT_OK ? CHT_E_MALFORMED : err;
    }
    struct ending e = { 0 };
    err = find_end(r, &e);
    if (err == CHT_E_LIMIT) {
        r->at += e.len;
        r->line += e.lines;
        err = pass_line(r);
        return err == CHT_OK ? CHT_E_LIMIT : err;
    }
    if (err != CHT_OK)
        return err;
    *out = cht_bytes(r->buf.data + r->at, e.len);
    r->at += e.len;
    r->line += e.lines;
    return CHT_OK;
}
