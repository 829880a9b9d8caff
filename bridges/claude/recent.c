/* What a transcript tells of now; see recent.h. */
#include "bridges/claude/recent.h"

#include "bridges/claude/json_span.h"
#include "bridges/claude/redact.h"

#include <stdio.h>

/* --- texts --------------------------------------------------------------------------------- */

/* At most `most` bytes of a text, cut at a character; with `redact` without secrets. */
static json_t *text_of(struct cht_bytes text, bool redact, size_t most)
{
    static const char more[] = "…";
    struct cht_buf clean;
    unsigned count;
    json_t *out = NULL;
    cht_buf_init(&clean, 16 * text.len + 64);
    enum cht_err err =
        redact ? claude_redact_text(text, &clean, &count) : cht_buf_add(&clean, text);
    if (err == CHT_OK && clean.len > most) {
        clean.len = most;
        while (clean.len > 0 && (clean.data[clean.len] & 0xC0) == 0x80)
            clean.len--;
        err = cht_buf_add(&clean, cht_bytes(more, sizeof more - 1));
    }
    if (err == CHT_OK)
        out = json_stringn(clean.len == 0 ? "" : (const char *)clean.data, clean.len);
    cht_buf_clear(&clean);
    return out;
}

/* Append what the blocks of kind text say, a line break between them. */
static void take_blocks(const json_t *content, struct cht_buf *out)
{
    size_t i;
    json_t *block;
    json_array_foreach(content, i, block)
    {
        const char *type = json_string_value(json_object_get(block, "type"));
        const json_t *text = json_object_get(block, "text");
        if (type == NULL || strcmp(type, "text") != 0 || !json_is_string(text))
            continue;
        if ((out->len > 0 && cht_buf_add_u8(out, '\n') != CHT_OK) ||
            cht_buf_add(out, cht_bytes(json_string_value(text), json_string_length(text))) !=
                CHT_OK)
            return; /* what fits is enough */
    }
}

/* What a message says, as one text. */
static void take_message(const json_t *message, struct cht_buf *out)
{
    const json_t *content = json_object_get(message, "content");
    if (json_is_string(content))
        (void)!cht_buf_add(out, cht_bytes(json_string_value(content), json_string_length(content)));
    else
        take_blocks(content, out);
}

static json_t *tree_of(struct cht_bytes object)
{
    return json_loadb((const char *)object.data, object.len, 0, NULL);
}

/* Something that a person or the model said? */
static bool is_talk(const struct claude_line *line)
{
    return (line->kind == CLAUDE_LINE_USER && !line->tool_result && !line->meta &&
            !line->sidechain) ||
           (line->kind == CLAUDE_LINE_ASSISTANT && !line->sidechain);
}

/* --- the last messages --------------------------------------------------------------------- */

struct recent {
    bool redact;
    unsigned most;
    json_t *messages, *files;
    char last_id[128]; /* of the message that the last one came from */
};

/* Lines of one message of the model (each has one block) are one message. */
static bool goes_on(struct recent *r, const json_t *message, const char *role)
{
    const char *id = json_string_value(json_object_get(message, "id"));
    const json_t *last = json_array_get(r->messages, json_array_size(r->messages) - 1);
    const char *last_role = json_string_value(json_object_get(last, "role"));
    const bool same = id != NULL && last_role != NULL && strcmp(last_role, role) == 0 &&
                      strcmp(id, r->last_id) == 0;
    (void)snprintf(r->last_id, sizeof r->last_id, "%s", id == NULL ? "" : id);
    return same;
}

static void add_message(struct recent *r, const struct claude_line *line, const json_t *message,
                        struct cht_bytes said)
{
    const char *role = line->kind == CLAUDE_LINE_USER ? "user" : "assistant";
    json_t *text = text_of(said, r->redact, CLAUDE_RECENT_CHARS);
    if (goes_on(r, message, role)) {
        json_t *last = json_array_get(r->messages, json_array_size(r->messages) - 1);
        json_t *both = json_sprintf("%s\n%s", json_string_value(json_object_get(last, "text")),
                                    text == NULL ? "" : json_string_value(text));
        (void)json_object_set_new(last, "text", both);
        json_decref(text);
        return;
    }
    (void)json_array_append_new(
        r->messages, json_pack("{s:s, s:s%, s:o}", "role", role, "at",
                               line->timestamp.len == 0 ? "" : (const char *)line->timestamp.data,
                               line->timestamp.len, "text", text));
    if (json_array_size(r->messages) > r->most)
        (void)json_array_remove(r->messages, 0);
}

/* --- files --------------------------------------------------------------------------------- */

static const struct {
    const char *tool, *action;
} tools[] = {
    { "Read", "read" },      { "NotebookRead", "read" }, { "Edit", "edit" },
    { "MultiEdit", "edit" }, { "NotebookEdit", "edit" }, { "Write", "write" },
};

static const char *action_of(const char *tool)
{
    for (size_t i = 0; tool != NULL && i < sizeof tools / sizeof tools[0]; i++)
        if (strcmp(tools[i].tool, tool) == 0)
            return tools[i].action;
    return NULL;
}

static const char *file_of(const json_t *input)
{
    const char *path = json_string_value(json_object_get(input, "file_path"));
    return path != NULL ? path : json_string_value(json_object_get(input, "notebook_path"));
}

/* The last touched comes first; a file that was changed is not taken for one that was read. */
static void add_file(struct recent *r, const char *path, const char *action,
                     const struct claude_line *line)
{
    size_t i;
    json_t *file;
    json_array_foreach(r->files, i, file)
    {
        const char *before = json_string_value(json_object_get(file, "action"));
        if (strcmp(json_string_value(json_object_get(file, "path")), path) != 0)
            continue;
        if (strcmp(action, "read") == 0 && before != NULL)
            action = strcmp(before, "edit") == 0 ? "edit" : before[0] == 'w' ? "write" : action;
        (void)json_array_remove(r->files, i);
        break;
    }
    (void)json_array_insert_new(
        r->files, 0,
        json_pack("{s:s, s:s, s:s%}", "path", path, "action", action, "at",
                  line->timestamp.len == 0 ? "" : (const char *)line->timestamp.data,
                  line->timestamp.len));
    if (json_array_size(r->files) > CLAUDE_RECENT_FILES)
        (void)json_array_remove(r->files, CLAUDE_RECENT_FILES);
}

static void take_tools(struct recent *r, const struct claude_line *line, const json_t *message)
{
    size_t i;
    json_t *block;
    json_array_foreach(json_object_get(message, "content"), i, block)
    {
        const char *action = action_of(json_string_value(json_object_get(block, "name")));
        const char *path = file_of(json_object_get(block, "input"));
        if (action != NULL && path != NULL)
            add_file(r, path, action, line);
    }
}

/* --- all of it ----------------------------------------------------------------------------- */

static void take_line(struct recent *r, const struct claude_line *line)
{
    struct cht_buf said;
    json_t *message = tree_of(line->message);
    cht_buf_init(&said, CLAUDE_LINE_BYTES);
    take_message(message, &said);
    if (said.len > 0)
        add_message(r, line, message, cht_buf_view(&said));
    if (line->kind == CLAUDE_LINE_ASSISTANT)
        take_tools(r, line, message);
    cht_buf_clear(&said);
    json_decref(message);
}

/* A text of the line, where it has one, under a name of ours. */
static void keep(json_t *out, const char *name, struct cht_bytes line, const char *key)
{
    struct cht_buf text;
    const struct cht_bytes raw = json_span_raw(json_span_get(line, key));
    cht_buf_init(&text, CLAUDE_LINE_BYTES);
    if (raw.len > 0 && json_span_text(raw, &text) == CHT_OK && text.len > 0)
        (void)json_object_set_new(out, name, json_stringn((const char *)text.data, text.len));
    cht_buf_clear(&text);
}

json_t *claude_recent(struct cht_bytes text, unsigned messages, bool redact)
{
    struct recent r = {
        .redact = redact, .most = messages, .messages = json_array(), .files = json_array()
    };
    struct claude_lines lines = { text };
    struct cht_bytes each, last = { 0 }, title = { 0 };
    while (claude_line_next(&lines, &each)) {
        const struct claude_line line = claude_line_read(each);
        if (is_talk(&line)) {
            take_line(&r, &line);
            last = each;
        } else if (line.kind == CLAUDE_LINE_SUMMARY) {
            title = each;
        }
    }
    json_t *out = json_pack("{s:o, s:o}", "messages", r.messages, "files", r.files);
    if (out == NULL)
        return NULL;
    keep(out, "cwd", last, "cwd");
    keep(out, "branch", last, "gitBranch");
    keep(out, "title", title, "summary");
    return out;
}

/* --- prompts ------------------------------------------------------------------------------- */

static json_t *said_in(const struct claude_line *line)
{
    struct cht_buf said;
    json_t *message = tree_of(line->message), *out = NULL;
    cht_buf_init(&said, CLAUDE_LINE_BYTES);
    take_message(message, &said);
    if (said.len > 0)
        out = json_stringn((const char *)said.data, said.len);
    cht_buf_clear(&said);
    json_decref(message);
    return out;
}

json_t *claude_prompt(struct cht_bytes text, const char *prompt_id)
{
    struct claude_lines lines = { text };
    struct cht_bytes each;
    while (claude_line_next(&lines, &each)) {
        const struct claude_line line = claude_line_read(each);
        if (line.kind == CLAUDE_LINE_USER && is_talk(&line) &&
            cht_bytes_eq(line.prompt_id, cht_bytes_str(prompt_id)))
            return said_in(&line);
    }
    return NULL;
}

json_t *claude_prompt_of_tool(struct cht_bytes text, const char *tool_use_id)
{
    struct claude_lines lines = { text };
    struct claude_line prompt = { .kind = CLAUDE_LINE_OPAQUE };
    struct cht_bytes each;
    while (claude_line_next(&lines, &each)) {
        const struct claude_line line = claude_line_read(each);
        struct json_span_strings it = json_span_strings(line.message);
        struct json_span_string s;
        if (line.kind == CLAUDE_LINE_USER && is_talk(&line))
            prompt = line;
        while (line.kind == CLAUDE_LINE_ASSISTANT && json_span_string_next(&it, &s))
            if (cht_bytes_eq(s.key, cht_bytes_str("id")) &&
                cht_bytes_eq(s.raw, cht_bytes_str(tool_use_id)))
                return prompt.kind == CLAUDE_LINE_OPAQUE ? NULL : said_in(&prompt);
    }
    return NULL;
}
