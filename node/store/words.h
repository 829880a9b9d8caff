#ifndef NODE_STORE_WORDS_H
#define NODE_STORE_WORDS_H
/* Words as the full-text index sees them: its own tokenizer, for texts that are not (yet) in it. */
#include "crdt/base/arena.h"
#include "crdt/base/err.h"
#include "node/store/store.h"

struct node_words;

/* The tokenizer of a store's full-text index; it outlives the store. CHT_E_NOMEM; CHT_E_IO. */
CHT_MUST_USE enum cht_err node_words_open(struct node_store *s, struct node_words **out);
void node_words_close(struct node_words *w);
/* The tokens of a text, in order, folded as they stand in the index, in `arena`. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err node_words_split(const struct node_words *w, struct cht_bytes text,
                                           struct cht_arena *arena, struct cht_bytes **out,
                                           unsigned *out_count);

#endif
