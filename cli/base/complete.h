#ifndef CLI_BASE_COMPLETE_H
#define CLI_BASE_COMPLETE_H
/* What may stand where the cursor is: candidates for the shells' completion. */
#include "cli/base/command.h"

/* What the shell is to do with the candidates; the first line of the answer names it. */
enum cli_completing {
    CLI_COMPLETE_WORDS, /* ":words": these and no others */
    CLI_COMPLETE_OPEN,  /* ":open": what is chosen goes on (`project:`): no space behind it */
    CLI_COMPLETE_FILES, /* ":files": names of files */
};

struct cli_completion {
    struct cli_context *c;
    struct cht_bytes word;  /* what is there already, of what is completed */
    struct cht_bytes front; /* what stands before it in the same word: "--status=", "a,b," */
    enum cli_completing how;
    struct cht_buf lines; /* "candidate TAB description LF" */
};

/* Add a candidate where it begins as the word does; what would confuse a shell is left out. */
void cli_candidate(struct cli_completion *w, struct cht_bytes value, struct cht_bytes about);
void cli_candidate_text(struct cli_completion *w, const char *value, const char *about);

/* Of a list with commas the last piece is completed. */
void cli_complete_piece(struct cli_completion *w);
/* Values of a field. `names`: of links also the titles of what is linked. */
void cli_complete_field(struct cli_completion *w, unsigned type, const struct crdt_field *f,
                        bool names);
/* A word of a filter (`chitty help filters`); complete_filter.c. */
void cli_complete_filter(struct cli_completion *w, unsigned type);

/* Live candidates from the node that runs; none where none does, or it is too slow. */
/* Ids of records, with their titles; type 0: of todos. `open_only`: not those finished. */
void cli_complete_ids(struct cli_completion *w, unsigned type, bool open_only);
/* Titles of records of a type that are one word, as names of projects. */
void cli_complete_titles(struct cli_completion *w, unsigned type);
/* Values that records have in a set or register of texts: labels, tags, owners. */
void cli_complete_values(struct cli_completion *w, unsigned type, const struct crdt_field *field);
/* Names of spaces on this machine; no node is asked. */
void cli_complete_spaces(struct cli_completion *w);
/* Devices of the space. */
void cli_complete_devices(struct cli_completion *w);

#endif
