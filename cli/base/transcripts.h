#ifndef CLI_BASE_TRANSCRIPTS_H
#define CLI_BASE_TRANSCRIPTS_H
/* The transcript of a session, wherever it is: the file of this machine, or the attachment that
 * another one shared. */
#include "bridges/claude/share.h"
#include "bridges/claude/transcript.h"
#include "cli/base/sessions.h"

enum cli_transcript_from { CLI_TRANSCRIPT_NONE, CLI_TRANSCRIPT_HERE, CLI_TRANSCRIPT_SHARED };

struct cli_transcript {
    enum cli_transcript_from from;
    char path[NODE_PATH_MAX]; /* of the file, where it is here */
    struct cht_buf text;
};

/* Is there a file of it on this machine? `out->text` stays empty. */
void cli_transcript_look(const struct cli_session *s, struct cli_transcript *out);
/* The whole text of that file. Clear `out` in any case. */
CHT_MUST_USE enum cht_err cli_transcript_read(struct cli_context *c, struct cli_transcript *out);
/* What was shared, fetched from another device where it is not here. CHT_E_NOTFOUND: nothing was;
 * errors of the node. */
CHT_MUST_USE enum cht_err cli_transcript_fetch(struct cli_context *c, const struct cli_session *s,
                                               struct cli_transcript *out);
void cli_transcript_clear(struct cli_transcript *t);

/* Why there is nothing to go by, as the error of a command: its project shares no transcripts, or
 * nothing was shared yet. */
enum cht_err cli_transcript_missing(struct cli_context *c, struct agent *a,
                                    const struct cli_session *s);

#endif
