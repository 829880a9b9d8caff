#ifndef BRIDGES_CLAUDE_EDIT_H
#define BRIDGES_CLAUDE_EDIT_H
/* Changing a settings file as a text: a value is put in where it belongs, laid out as its
 * surroundings are, and every other byte stays. What is put in is always the first child of its
 * container, so that no line of anybody else's changes, not even by a comma. */
#include "bridges/claude/jsonc.h"
#include "crdt/base/buf.h"
#include "node/client/fault.h"

#define EDIT_PIECES_MAX 64u

/* A run of bytes that was put in. */
struct edit_piece {
    size_t at, len;
};

struct edit_text {
    struct cht_buf text;
    struct edit_piece pieces[EDIT_PIECES_MAX]; /* in order, apart from each other */
    size_t piece_count;
};

/* Where a value belongs: keys from the root of the document on. */
struct edit_path {
    const char *keys[4]; /* ends with NULL where there are fewer */
};

/* Begin with a copy of a text. CHT_E_NOMEM, CHT_E_LIMIT. */
CHT_MUST_USE enum cht_err edit_begin(struct cht_bytes text, struct edit_text *out);
void edit_clear(struct edit_text *t);

/* Read the text as it is now; `j` borrows it until the next change. CHT_E_MALFORMED, with the line
 * in `fault`: it is no JSON. */
CHT_MUST_USE enum cht_err edit_parse(const struct edit_text *t, struct node_fault *fault,
                                     struct jsonc *out);
/* The node at a path; JSONC_NONE: there is none. */
uint32_t edit_find(const struct jsonc *j, const struct edit_path *path);

/* Put a value there: as the member that the path names, which must not exist, or with `append` into
 * the array that it names. Containers that are missing are made. CHT_E_EXISTS: the member is there;
 * CHT_E_INVALID: what stands on the way is no object, or no array (with a fault); CHT_E_LIMIT: more
 * than EDIT_PIECES_MAX places; errors of edit_parse; CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err edit_add(struct edit_text *t, const struct edit_path *path, bool append,
                                   const json_t *value, struct node_fault *fault);
/* Make the member at a path this value, whether it is there or not. Errors as edit_add. */
CHT_MUST_USE enum cht_err edit_set(struct edit_text *t, const struct edit_path *path,
                                   const json_t *value, struct node_fault *fault);
/* Take a node out, with the comma and the line that were made for it. It was put in by edit_add or
 * stands somewhere else: then as little as leaves the text well. */
CHT_MUST_USE enum cht_err edit_take(struct edit_text *t, const struct jsonc *j, uint32_t node);
/* Put other bytes in place of a run. */
CHT_MUST_USE enum cht_err edit_replace(struct edit_text *t, size_t from, size_t to,
                                       struct cht_bytes bytes);

/* How a text is laid out. */
struct edit_style {
    const char *newline;
    struct cht_bytes unit; /* one step of indentation; points into the text, or is static */
    bool compact;          /* all on one line */
};
struct edit_style edit_style_of(const struct jsonc *j);
/* Append a value, its first line not indented, the others by `indent`; what fits stands on one
 * line, from column `column` on. CHT_E_NOMEM, CHT_E_LIMIT. */
CHT_MUST_USE enum cht_err edit_lay(const json_t *value, const struct edit_style *style,
                                   struct cht_bytes indent, size_t column, struct cht_buf *out);

#endif
