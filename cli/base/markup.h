#ifndef CLI_BASE_MARKUP_H
#define CLI_BASE_MARKUP_H
/* The markup of longer texts in the tables (details of commands, help topics), which help shows on
 * a terminal and the manual pages are made from. It is what reads well as it stands:
 *   - paragraphs are separated by an empty line and are filled;
 *   - a line that begins with two spaces stands as it is;
 *   - a line that begins with "# " is a heading;
 *   - a line "WORD: text" after "* " is an item of a list: the term, then what it means;
 *   - `word` is what is typed. */
#include "cli/base/output.h"

enum cli_block {
    CLI_BLOCK_TEXT,
    CLI_BLOCK_LITERAL, /* lines, without their two spaces in front */
    CLI_BLOCK_HEADING,
    CLI_BLOCK_ITEM, /* `term`, and `text` about it */
};

struct cli_markup {
    enum cli_block block;
    struct cht_bytes term; /* of an item */
    struct cht_bytes text; /* several lines perhaps */
};

/* The next block of `*at`, which moves on. False at the end. */
bool cli_markup_next(const char **at, struct cli_markup *out);

/* Show a text, `indent` spaces in, filled to the width of the terminal, 80 where there is none. */
void cli_put_markup(struct cli_out *out, const char *text, unsigned indent);

#endif
