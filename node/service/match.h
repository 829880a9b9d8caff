#ifndef NODE_SERVICE_MATCH_H
#define NODE_SERVICE_MATCH_H
/* The conditions of a read, made ready once (LOCAL 4.3, 4.10 to 4.12). There are two readers of
 * them: match_state looks at an entity in memory, match_sql asks the typed tables; a property test
 * holds the two together. */
#include "crdt/base/arena.h"
#include "crdt/state.h"
#include "node/client/conditions.h"
#include "node/client/request.h"
#include "node/store/store.h"

struct node_service;
struct node_words;

struct match_cond {
    const struct crdt_field *field; /* or node_field_modified */
    enum node_cond_op op;
    unsigned count;
    struct cht_bytes *wanted; /* as the log has them; empty: unset. contains, starts: the text */
};

/* Words that stand together, one of those asked for. */
struct match_phrase {
    unsigned count;
    struct cht_bytes *tokens;
    bool prefix; /* the last token is the beginning of one */
};

/* Spans lie in the arena that it was made in. */
struct match {
    unsigned type; /* 0: of any type, without conditions */
    unsigned count, phrase_count;
    struct match_cond *conds;
    struct match_phrase *phrases; /* all of which must be there */
    unsigned is;                  /* bits, 1 << enum node_is_word */
};

/* Make the conditions of `q` ready: names and beginnings of ids become ids. CHT_E_INVALID: a value
 * that the field cannot have, or a text without a word; CHT_E_NOTFOUND: an id; CHT_E_NOMEM.
 * (match_read.c) */
CHT_MUST_USE enum cht_err match_read(struct node_service *s, const struct node_query *q,
                                     struct cht_arena *arena, struct node_fault *fault,
                                     struct match *out);

/* What match_state needs beside the state. */
struct match_world {
    const struct crdt_graph *graph;
    uint64_t now_ms;
    const struct node_words *words; /* may be NULL when no text is asked for */
    void *ctx;
    /* Is that a todo which is here, shown and not finished? */
    bool (*is_open)(void *ctx, const struct crdt_id *todo);
    /* Does someone hold this todo whose claim has not lapsed? */
    bool (*is_held)(void *ctx, const struct crdt_state *todo);
};

/* Does the entity meet all of it? What is hidden does too, unless a condition says otherwise.
 * Without memory for a text's words the answer is no. */
bool match_state(const struct match *m, const struct match_world *w,
                 const struct crdt_state *state);

#define MATCH_ARGS_MAX 96u /* node_find keeps some of the first hundred to itself */

/* A question in SQL over the columns of the type's table; args are text. */
struct match_question {
    struct cht_buf where; /* ends with NUL; empty: all */
    struct cht_buf order; /* ends with NUL; empty: the usual one */
    struct cht_bytes args[MATCH_ARGS_MAX];
    size_t arg_count;
    struct node_narrow
        narrow[NODE_NARROW_MAX]; /* these, `only` and `words` as node_find has them */
    size_t narrow_count;
    unsigned only;
    struct cht_bytes words;
};
/* Append the conditions of `m` and the order. `q` is all zero at first; its buffers are the
 * caller's to clear in any case. Args lie in `arena` or where those of `m` do. CHT_E_LIMIT: too
 * many values; CHT_E_NOMEM. (question.c) */
CHT_MUST_USE enum cht_err match_sql(const struct match *m, const struct node_sort *sort,
                                    size_t sort_count, uint64_t now_ms, struct cht_arena *arena,
                                    struct match_question *q);

/* A value as the column has it: what SQL compares. Beyond the year 9999 a time is its number. */
CHT_MUST_USE enum cht_err match_column_text(const struct crdt_field *f, struct cht_bytes value,
                                            struct cht_arena *arena, struct cht_bytes *out);

#endif
