/* Transcripts, sliced and moved; see transcript.h. */
#include "bridges/claude/transcript.h"

#include "bridges/claude/json_span.h"
#include "bridges/claude/redact.h"

#include <stdlib.h>

bool claude_line_next(struct claude_lines *lines, struct cht_bytes *line)
{
    while (lines->rest.len > 0) {
        const struct cht_bytes rest = lines->rest;
        const uint8_t *end = memchr(rest.data, '\n', rest.len);
        const size_t len = end == NULL ? rest.len : (size_t)(end - rest.data);
        const size_t step = end == NULL ? len : len + 1;
        lines->rest = cht_bytes(rest.data + step, rest.len - step);
        *line = cht_bytes(rest.data, len);
        while (line->len > 0 && line->data[line->len - 1] == '\r')
            line->len--; /* all of them: a text that was written again stays as it is */
        if (line->len > 0)
            return true;
    }
    return false;
}

/* --- what a line is ------------------------------------------------------------------------ */

static bool is_true(struct cht_bytes value)
{
    return cht_bytes_eq(value, cht_bytes_str("true"));
}

/* Does a message answer a tool? Its content is then an array that begins with a tool_result. */
static bool is_tool_result(struct cht_bytes message)
{
    const struct cht_bytes content = json_span_get(message, "content");
    struct json_span_strings it = json_span_strings(content);
    struct json_span_string s;
    if (content.len == 0 || content.data[0] != '[')
        return false;
    for (unsigned i = 0; i < 16 && json_span_string_next(&it, &s); i++)
        if (cht_bytes_eq(s.key, cht_bytes_str("type")))
            return cht_bytes_eq(s.raw, cht_bytes_str("tool_result"));
    return false;
}

static void take_member(struct claude_line *line, struct cht_bytes key, struct cht_bytes value)
{
    const struct cht_bytes text = json_span_raw(value);
#define IS(name) cht_bytes_eq(key, cht_bytes_str(name))
    if (IS("type"))
        line->kind = json_span_is(value, "user")        ? CLAUDE_LINE_USER
                     : json_span_is(value, "assistant") ? CLAUDE_LINE_ASSISTANT
                     : json_span_is(value, "summary")   ? CLAUDE_LINE_SUMMARY
                                                        : CLAUDE_LINE_OPAQUE;
    else if (IS("uuid"))
        line->uuid = text;
    else if (IS("parentUuid") || IS("leafUuid"))
        line->parent = text;
    else if (IS("message"))
        line->message = value;
    else if (IS("timestamp"))
        line->timestamp = text;
    else if (IS("promptId"))
        line->prompt_id = text;
    else if (IS("isSidechain"))
        line->sidechain = is_true(value);
    else if (IS("isMeta"))
        line->meta = is_true(value);
#undef IS
}

struct claude_line claude_line_read(struct cht_bytes text)
{
    struct claude_line line = { .whole = text };
    struct cht_bytes key, value;
    if (text.len > CLAUDE_LINE_BYTES || !json_span_object(text))
        return line;
    struct json_span_iter it = json_span_iter(text);
    while (json_span_next(&it, &key, &value))
        take_member(&line, key, value);
    line.tool_result = line.kind == CLAUDE_LINE_USER && is_tool_result(line.message);
    return line;
}

size_t claude_transcript_count(struct cht_bytes text)
{
    struct claude_lines lines = { text };
    struct cht_bytes line;
    size_t count = 0;
    while (claude_line_next(&lines, &line))
        count += json_span_object(line);
    return count;
}

/* --- the chain ----------------------------------------------------------------------------- */

/* A line that has a uuid: whether it is kept, and which it follows. Spans borrow from the text. */
struct link {
    struct cht_bytes uuid, parent;
    bool kept;
};

/* A table by uuid, open addressing; the first of equal ones counts. */
struct chain {
    struct link *list;
    size_t count, cap;
    uint32_t *slots; /* index + 1; 0: free */
    size_t slot_count;
};

static size_t slot_of(const struct chain *c, struct cht_bytes uuid)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < uuid.len; i++)
        h = (h ^ uuid.data[i]) * 1099511628211u;
    size_t slot = (size_t)(h ^ h >> 32) & (c->slot_count - 1);
    while (c->slots[slot] != 0 && !cht_bytes_eq(c->list[c->slots[slot] - 1].uuid, uuid))
        slot = (slot + 1) & (c->slot_count - 1);
    return slot;
}

static struct link *chain_find(const struct chain *c, struct cht_bytes uuid)
{
    if (uuid.len == 0 || c->slot_count == 0)
        return NULL;
    const uint32_t at = c->slots[slot_of(c, uuid)];
    return at == 0 ? NULL : &c->list[at - 1];
}

static enum cht_err chain_grow(struct chain *c)
{
    const size_t cap = c->cap == 0 ? 256 : 2 * c->cap;
    struct link *list = realloc(c->list, cap * sizeof *list);
    if (list == NULL)
        return CHT_E_NOMEM;
    c->list = list;
    uint32_t *slots = calloc(2 * cap, sizeof *slots);
    if (slots == NULL)
        return CHT_E_NOMEM;
    free(c->slots);
    c->slots = slots;
    c->slot_count = 2 * cap;
    c->cap = cap;
    for (size_t i = 0; i < c->count; i++)
        c->slots[slot_of(c, c->list[i].uuid)] = (uint32_t)i + 1;
    return CHT_OK;
}

static enum cht_err chain_add(struct chain *c, const struct claude_line *line, bool kept)
{
    if (line->uuid.len == 0 || c->count == CLAUDE_LINES_MAX || chain_find(c, line->uuid) != NULL)
        return CHT_OK;
    const enum cht_err err = c->count == c->cap ? chain_grow(c) : CHT_OK;
    if (err != CHT_OK)
        return err;
    c->list[c->count] = (struct link){ line->uuid, line->parent, kept };
    c->slots[slot_of(c, line->uuid)] = (uint32_t)++c->count;
    return CHT_OK;
}

/* The nearest kept line that a uuid names or follows; empty: none. */
static struct cht_bytes chain_kept(const struct chain *c, struct cht_bytes uuid)
{
    for (size_t steps = 0; steps <= c->count; steps++) {
        const struct link *l = chain_find(c, uuid);
        if (l == NULL)
            break;
        if (l->kept)
            return uuid;
        uuid = l->parent;
    }
    return cht_bytes(NULL, 0);
}

/* --- a slice ------------------------------------------------------------------------------- */

struct slicing {
    bool redact;
    struct cht_buf line, *out;
    struct chain chain;
    struct claude_slice told;
    const uint8_t *from; /* lines that begin before it are left out */
};

static bool is_wanted(const struct claude_line *line)
{
    return (line->kind == CLAUDE_LINE_SUMMARY ||
            (line->kind != CLAUDE_LINE_OPAQUE && line->uuid.len > 0)) &&
           !line->sidechain;
}

/* A value in the place of another in `line`: the bytes before, between and behind stay. */
static enum cht_err put_edited(struct cht_bytes line, struct cht_bytes old, struct cht_bytes with,
                               bool quotes, struct cht_buf *out)
{
    const size_t at = (size_t)(old.data - line.data);
    enum cht_err err = cht_buf_add(out, cht_bytes(line.data, at));
    if (err == CHT_OK && quotes)
        err = cht_buf_add_u8(out, '"');
    if (err == CHT_OK)
        err = cht_buf_add(out, with);
    if (err == CHT_OK && quotes)
        err = cht_buf_add_u8(out, '"');
    if (err == CHT_OK)
        err = cht_buf_add(out, cht_bytes(old.data + old.len, line.len - at - old.len));
    return err;
}

/* Append the line with the parent that it has now. */
static enum cht_err put_linked(const struct slicing *s, const struct claude_line *line,
                               struct cht_buf *out)
{
    const char *name = line->kind == CLAUDE_LINE_SUMMARY ? "leafUuid" : "parentUuid";
    const struct cht_bytes old = json_span_get(line->whole, name);
    const struct cht_bytes kept = chain_kept(&s->chain, line->parent);
    if (old.len == 0 || line->parent.len == 0 || cht_bytes_eq(kept, line->parent))
        return cht_buf_add(out, line->whole);
    return put_edited(line->whole, old, kept.len == 0 ? cht_bytes_str("null") : kept, kept.len > 0,
                      out);
}

/* Is the line one that must not be kept? */
static enum cht_err judge(struct slicing *s, const struct claude_line *line, bool *out_kept)
{
    struct claude_redacted told = { 0 };
    *out_kept = is_wanted(line) && line->whole.data >= s->from;
    if (!*out_kept || !s->redact ||
        memmem(line->whole.data, line->whole.len, "\"signature\"", 11) == NULL)
        return CHT_OK;
    cht_buf_reset(&s->line);
    const enum cht_err err = claude_redact_object(line->whole, &s->line, &told);
    if (err == CHT_OK && told.signed_text) {
        *out_kept = false;
        s->told.unsigned_lines++;
    }
    return err;
}

static enum cht_err put_line(struct slicing *s, const struct claude_line *line)
{
    struct claude_redacted told = { 0 };
    cht_buf_reset(&s->line);
    enum cht_err err = put_linked(s, line, &s->line);
    if (err == CHT_OK && s->redact)
        err = claude_redact_object(cht_buf_view(&s->line), s->out, &told);
    else if (err == CHT_OK)
        err = cht_buf_add(s->out, cht_buf_view(&s->line));
    s->told.kept++;
    s->told.secrets += told.count;
    return err == CHT_OK ? cht_buf_add_u8(s->out, '\n') : err;
}

/* Where the part begins that fits: at something that a person said; where nobody said anything for
 * so long, at something that the model said. */
static const uint8_t *choose_start(struct cht_bytes text, size_t most, bool *out_cut)
{
    struct claude_lines lines = { text };
    struct cht_bytes each;
    const uint8_t *start = NULL;
    size_t bytes = 0;
    while (claude_line_next(&lines, &each)) {
        const struct claude_line line = claude_line_read(each);
        bytes += is_wanted(&line) ? each.len + 1 : 0;
    }
    *out_cut = bytes > most;
    if (!*out_cut)
        return text.data;
    lines.rest = text;
    while (claude_line_next(&lines, &each)) {
        const struct claude_line line = claude_line_read(each);
        const bool fits = bytes <= most && is_wanted(&line);
        if (fits && line.kind == CLAUDE_LINE_USER && !line.tool_result)
            return each.data;
        if (fits && start == NULL && line.kind == CLAUDE_LINE_ASSISTANT)
            start = each.data;
        bytes -= is_wanted(&line) ? each.len + 1 : 0;
    }
    return start != NULL ? start : text.data + text.len;
}

static enum cht_err slice(struct slicing *s, struct cht_bytes text)
{
    struct claude_lines lines = { text };
    struct cht_bytes each;
    enum cht_err err = CHT_OK;
    bool kept = false;
    while (err == CHT_OK && claude_line_next(&lines, &each)) {
        const struct claude_line line = claude_line_read(each);
        s->told.lines++;
        err = judge(s, &line, &kept);
        if (err == CHT_OK)
            err = chain_add(&s->chain, &line, kept);
    }
    lines.rest = text;
    while (err == CHT_OK && claude_line_next(&lines, &each)) {
        const struct claude_line line = claude_line_read(each);
        const struct link *l = chain_find(&s->chain, line.uuid);
        if (is_wanted(&line) && each.data >= s->from &&
            (l == NULL ? line.kind == CLAUDE_LINE_SUMMARY
                       : l->kept && l->uuid.data == line.uuid.data))
            err = put_line(s, &line);
    }
    return err;
}

enum cht_err claude_transcript_last(struct cht_bytes text, bool redact, size_t most,
                                    struct cht_buf *out, struct claude_slice *told)
{
    struct slicing s = { .redact = redact, .out = out };
    const size_t start = out->len;
    cht_buf_init(&s.line, 16 * (size_t)CLAUDE_LINE_BYTES);
    s.from = choose_start(text, most, &s.told.cut);
    const enum cht_err err = slice(&s, text);
    cht_buf_clear(&s.line);
    free(s.chain.list);
    free(s.chain.slots);
    if (err != CHT_OK) {
        out->len = start;
        return err;
    }
    *told = s.told;
    return CHT_OK;
}

enum cht_err claude_transcript_slice(struct cht_bytes text, bool redact, struct cht_buf *out,
                                     struct claude_slice *told)
{
    return claude_transcript_last(text, redact, CLAUDE_SLICE_BYTES, out, told);
}

/* --- another place ------------------------------------------------------------------------- */

struct moving {
    struct cht_bytes from, to, session;
    struct cht_buf text;
    struct cht_buf *out;
};

/* What stands behind `from` in a folder that is it or in it; false: it is neither. */
static bool is_inside(const struct moving *m, struct cht_bytes folder, struct cht_bytes *out_rest)
{
    if (folder.len < m->from.len || memcmp(folder.data, m->from.data, m->from.len) != 0 ||
        (folder.len > m->from.len && folder.data[m->from.len] != '/'))
        return false;
    *out_rest = cht_bytes(folder.data + m->from.len, folder.len - m->from.len);
    return true;
}

/* Append the value, moved where it is to be. */
static enum cht_err put_value(struct moving *m, struct cht_bytes key, struct cht_bytes value)
{
    struct cht_bytes rest;
    const bool text = value.len >= 2 && value.data[0] == '"';
    enum cht_err err = CHT_OK;
    if (text && m->session.len > 0 && cht_bytes_eq(key, cht_bytes_str("sessionId"))) {
        err = cht_buf_add_u8(m->out, '"');
        if (err == CHT_OK)
            err = json_span_escape(m->session, m->out);
        return err == CHT_OK ? cht_buf_add_u8(m->out, '"') : err;
    }
    cht_buf_reset(&m->text);
    if (text && cht_bytes_eq(key, cht_bytes_str("cwd")))
        err = json_span_text(json_span_raw(value), &m->text);
    if (err != CHT_OK || m->text.len == 0 || !is_inside(m, cht_buf_view(&m->text), &rest))
        return err != CHT_OK ? err : cht_buf_add(m->out, value);
    err = cht_buf_add_u8(m->out, '"');
    if (err == CHT_OK)
        err = json_span_escape(m->to, m->out);
    if (err == CHT_OK)
        err = json_span_escape(rest, m->out);
    return err == CHT_OK ? cht_buf_add_u8(m->out, '"') : err;
}

static enum cht_err move_line(struct moving *m, struct cht_bytes line)
{
    struct cht_bytes key, value;
    const uint8_t *done = line.data;
    enum cht_err err = CHT_OK;
    struct json_span_iter it = json_span_iter(line);
    if (line.len > CLAUDE_LINE_BYTES || !json_span_object(line))
        return cht_buf_add(m->out, line);
    while (err == CHT_OK && json_span_next(&it, &key, &value)) {
        err = cht_buf_add(m->out, cht_bytes(done, (size_t)(value.data - done)));
        if (err == CHT_OK)
            err = put_value(m, key, value);
        done = value.data + value.len;
    }
    return err == CHT_OK
               ? cht_buf_add(m->out, cht_bytes(done, (size_t)(line.data + line.len - done)))
               : err;
}

enum cht_err claude_transcript_move(struct cht_bytes text, const char *from, const char *to,
                                    const char *session, struct cht_buf *out)
{
    struct moving m = { .from = cht_bytes_str(from), .to = cht_bytes_str(to), .out = out };
    struct claude_lines lines = { text };
    const size_t start = out->len;
    struct cht_bytes line;
    enum cht_err err = CHT_OK;
    m.session = session == NULL ? cht_bytes(NULL, 0) : cht_bytes_str(session);
    cht_buf_init(&m.text, CLAUDE_LINE_BYTES);
    while (err == CHT_OK && claude_line_next(&lines, &line)) {
        err = move_line(&m, line);
        if (err == CHT_OK)
            err = cht_buf_add_u8(out, '\n');
    }
    cht_buf_clear(&m.text);
    if (err != CHT_OK)
        out->len = start;
    return err;
}
