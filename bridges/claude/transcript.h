#ifndef BRIDGES_CLAUDE_TRANSCRIPT_H
#define BRIDGES_CLAUDE_TRANSCRIPT_H
/* Transcripts of Claude Code: a file of lines, each a JSON object, of kinds that change from
 * version to version. So nothing is believed about them: a line that is no object, is longer than
 * CLAUDE_LINE_BYTES or of a kind that is not known is opaque, and what is kept of the others keeps
 * its bytes.
 *
 * A *slice* has what a session needs to go on elsewhere: the lines of kind user, assistant and
 * summary, without those of subagents. Where lines between two were left out, the later one's
 * parentUuid names the nearest that was kept. (A transcript of two lines of talk is 250 KB; its
 * slice 2 KB.) */
#include "crdt/base/buf.h"

#define CLAUDE_LINE_BYTES  (16u * 1024u * 1024u)
#define CLAUDE_LINES_MAX   1000000u              /* lines with a uuid; the rest is not read */
#define CLAUDE_SLICE_BYTES (64u * 1024u * 1024u) /* of a slice; of a longer one the last part */
#define CLAUDE_FILE_BYTES  ((size_t)1024 * 1024 * 1024)

/* The lines of a text one by one, without their ends; empty ones are passed over. */
struct claude_lines {
    struct cht_bytes rest;
};
bool claude_line_next(struct claude_lines *lines, struct cht_bytes *line);

enum claude_kind {
    CLAUDE_LINE_OPAQUE,
    CLAUDE_LINE_USER,
    CLAUDE_LINE_ASSISTANT,
    CLAUDE_LINE_SUMMARY
};

/* What a line tells of itself: values as json_span_get has them, empty ones where it has none. */
struct claude_line {
    enum claude_kind kind;
    struct cht_bytes whole;
    struct cht_bytes uuid, parent; /* without quotes; of a summary `parent` is its leafUuid */
    struct cht_bytes message;
    struct cht_bytes timestamp, prompt_id;
    bool sidechain, meta, tool_result;
};
/* Never fails: what cannot be read is opaque. */
struct claude_line claude_line_read(struct cht_bytes line);

struct claude_slice {
    unsigned lines, kept;
    unsigned secrets; /* taken out */
    unsigned
        unsigned_lines; /* left out: a signed text with a secret can neither be kept nor changed */
    bool cut;           /* the beginning did not fit */
};
/* Append the slice of a transcript to `out`, each line with its end; with `redact` without secrets
 * (redact.h). CHT_E_NOMEM; CHT_E_LIMIT: `out` is too small. On error `out` is unchanged. */
CHT_MUST_USE enum cht_err claude_transcript_slice(struct cht_bytes text, bool redact,
                                                  struct cht_buf *out, struct claude_slice *told);
/* The same of the last part alone that has at most so many bytes, as far as lines have them: it
 * begins with what a person said, or where that is too long ago with what the model said. */
CHT_MUST_USE enum cht_err claude_transcript_last(struct cht_bytes text, bool redact, size_t most,
                                                 struct cht_buf *out, struct claude_slice *told);

/* Append a transcript whose `cwd`s that are `from` or a folder in it stand for the same in `to`
 * (both without a slash at their end). `session` (may be NULL) replaces each sessionId. All else
 * keeps its bytes. Errors as the above. */
CHT_MUST_USE enum cht_err claude_transcript_move(struct cht_bytes text, const char *from,
                                                 const char *to, const char *session,
                                                 struct cht_buf *out);

/* Lines that are JSON objects. */
size_t claude_transcript_count(struct cht_bytes text);

#endif
