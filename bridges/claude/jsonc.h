#ifndef BRIDGES_CLAUDE_JSONC_H
#define BRIDGES_CLAUDE_JSONC_H
/* JSON as people write it into settings files: with a byte order mark, comments and commas before
 * a closing bracket. It is read to know where in the text things stand, so that the text can be
 * changed in one place and stays as it is in all others. */
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"

#include <jansson.h>

#define JSONC_BYTES_MAX (16u * 1024u * 1024u) /* of a file: ~/.claude.json grows for years */
#define JSONC_DEPTH_MAX 128u                  /* deeper than any settings, shallow for jansson */
#define JSONC_NONE      UINT32_MAX

enum jsonc_kind { JSONC_OBJECT, JSONC_ARRAY, JSONC_STRING, JSONC_NUMBER, JSONC_WORD };

/* A value. All positions are offsets into the text. */
struct jsonc_node {
    enum jsonc_kind kind;
    uint32_t parent, first, last, next, prev; /* JSONC_NONE: there is none */
    size_t key, key_end;                      /* with the quotes; equal: it is no member */
    size_t from, to;                          /* of the value itself */
    size_t comma;                             /* of the comma behind it; SIZE_MAX: none follows */
};

struct jsonc {
    struct cht_bytes text; /* borrowed */
    struct jsonc_node *nodes;
    uint32_t count, cap; /* node 0 is the whole value; 0 nodes: the text holds none */
};

/* Read a text. An empty one, or one of comments alone, is well and has no node. CHT_E_MALFORMED:
 * it is no JSON from `*out_at` on; CHT_E_LIMIT: too long, or nested too deep; CHT_E_NOMEM. On error
 * there is nothing to clear. `out_at` may be NULL. */
CHT_MUST_USE enum cht_err jsonc_parse(struct cht_bytes text, size_t *out_at, struct jsonc *out);
void jsonc_clear(struct jsonc *j);

/* Where a node with its key begins. */
size_t jsonc_start(const struct jsonc_node *node);
/* Is the node's key this one? */
bool jsonc_key_is(const struct jsonc *j, uint32_t node, const char *key);
/* The member of an object: the last one of that name, which is the one that counts. JSONC_NONE:
 * there is none, or the node is no object. */
uint32_t jsonc_member(const struct jsonc *j, uint32_t object, const char *key);
/* The value as it is without comments; NULL: no memory, or text that is no UTF-8. The caller owns
 * it. */
json_t *jsonc_value(const struct jsonc *j, uint32_t node);
/* The key of a member, decoded; NULL as above. */
json_t *jsonc_key(const struct jsonc *j, uint32_t node);
/* From a position over blanks and comments to what follows them, or to `end`. */
size_t jsonc_skip(struct cht_bytes text, size_t at, size_t end);
/* The line (from 1) of a position. */
unsigned jsonc_line(struct cht_bytes text, size_t at);

#endif
