#ifndef BRIDGES_CLAUDE_TRANSCRIPT_FILE_H
#define BRIDGES_CLAUDE_TRANSCRIPT_FILE_H
/* Where transcripts are on this machine: CONFIG/projects/FOLDER/SESSION.jsonl, CONFIG being
 * CLAUDE_CONFIG_DIR or ~/.claude, and FOLDER the path of the working folder with a - for each
 * character that is no letter and no digit. */
#include "bridges/claude/transcript.h"
#include "node/client/fault.h"
#include "node/client/paths.h"

#define CLAUDE_SESSION_MAX 129u /* bytes of a session's name with its NUL */

/* Is it the name of a session, and so of a file: letters, digits, _ and -, at most 128? What comes
 * from another device is asked this before it becomes a path. */
bool claude_session_good(const char *session_id);

/* The file of a session that works in `folder` (absolute, as realpath has it). CHT_E_INVALID: no
 * good session, or too long; CHT_E_NOTFOUND: a path of more than 200 characters, whose name only
 * Claude Code knows, and it has not been here. */
CHT_MUST_USE enum cht_err claude_transcript_path(const char *folder, const char *session_id,
                                                 struct node_fault *fault,
                                                 char out[static NODE_PATH_MAX]);
/* The transcript of a session wherever it works, the largest of several. CHT_E_NOTFOUND. */
CHT_MUST_USE enum cht_err claude_transcript_find(const char *session_id, struct node_fault *fault,
                                                 char out[static NODE_PATH_MAX]);
/* Append the whole file. CHT_E_NOTFOUND, CHT_E_LIMIT: more than CLAUDE_FILE_BYTES; CHT_E_IO. */
CHT_MUST_USE enum cht_err claude_transcript_load(const char *path, struct node_fault *fault,
                                                 struct cht_buf *out);

struct claude_landed {
    size_t had;   /* lines that were there, and stay as they are */
    size_t added; /* lines behind them */
    size_t alone; /* of those that were there: what the other transcript does not know of */
};
/* Put a transcript in its place. Where there is one already, it stays, and the lines that it does
 * not have (by their uuid) are added: nothing of it is ever overwritten. With `dry` only tell.
 * Errors: CHT_E_IO, CHT_E_FULL, CHT_E_NOMEM, and of claude_transcript_load. */
CHT_MUST_USE enum cht_err claude_transcript_land(const char *path, struct cht_bytes text, bool dry,
                                                 struct node_fault *fault,
                                                 struct claude_landed *out);

#endif
