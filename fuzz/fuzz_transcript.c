/* What stands in another program's transcript: lines, spans of JSON, the slice, secrets, moving. A
 * slice is its own slice, every line that is made of an object is one, and where nothing is taken
 * out or moved the bytes are the same. */
/* covers: bridges/claude/json_span.c bridges/claude/transcript.c bridges/claude/redact.c */
#include "bridges/claude/json_span.h"
#include "bridges/claude/redact.h"
#include "bridges/claude/transcript.h"

#include <stdlib.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void all_are_objects(struct cht_bytes text)
{
    struct claude_lines lines = { text };
    struct cht_bytes line;
    while (claude_line_next(&lines, &line))
        require(json_span_object(line));
}

static void slice(struct cht_bytes text, bool redact)
{
    struct cht_buf once, twice;
    struct claude_slice told;
    const size_t room = 64 * text.len + 4096;
    cht_buf_init(&once, room);
    cht_buf_init(&twice, 2 * room);
    require(claude_transcript_slice(text, redact, &once, &told) == CHT_OK);
    all_are_objects(cht_buf_view(&once));
    require(claude_transcript_slice(cht_buf_view(&once), redact, &twice, &told) == CHT_OK);
    require(redact || cht_bytes_eq(cht_buf_view(&once), cht_buf_view(&twice)));
    cht_buf_clear(&once);
    cht_buf_clear(&twice);
}

static void redact(struct cht_bytes text)
{
    struct cht_buf once;
    unsigned count;
    cht_buf_init(&once, 64 * text.len + 4096);
    require(claude_redact_text(text, &once, &count) == CHT_OK);
    require(count > 0 || cht_bytes_eq(cht_buf_view(&once), text));
    cht_buf_clear(&once);
}

static void move_to(struct cht_bytes text, const char *from, const char *to, struct cht_buf *out)
{
    cht_buf_init(out, 64 * text.len + 4096);
    require(claude_transcript_move(text, from, to, NULL, out) == CHT_OK);
    require(claude_transcript_count(text) == claude_transcript_count(cht_buf_view(out)));
}

/* Where it is already, it stays: the second time, when its folders are written as we write them. */
static void move(struct cht_bytes text)
{
    static const char there[] = "/c \"d\"";
    struct cht_buf once, twice, thrice;
    move_to(text, "/a/b", there, &once);
    move_to(cht_buf_view(&once), there, there, &twice);
    move_to(cht_buf_view(&twice), there, there, &thrice);
    require(cht_bytes_eq(cht_buf_view(&twice), cht_buf_view(&thrice)));
    cht_buf_clear(&once);
    cht_buf_clear(&twice);
    cht_buf_clear(&thrice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct cht_bytes text = cht_bytes(data, len);
    slice(text, false);
    slice(text, true);
    redact(text);
    move(text);
    return 0;
}
