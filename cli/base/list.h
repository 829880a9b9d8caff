#ifndef CLI_BASE_LIST_H
#define CLI_BASE_LIST_H
/* Lists of records: asked once, printed as they come, never held. */
#include "cli/base/command.h"
#include "crdt/base/buf.h"

/* What a list is where its flags and words do not say it. */
struct cli_listing {
    bool open_only;   /* those that are not finished */
    unsigned is;      /* bits, 1 << enum node_is_word: they are always so */
    const char *sort; /* names with commas; NULL: as they came */
    uint64_t limit;   /* 0: all */
};

/* List records of `c->type` by the filter and the flags given. */
CHT_MUST_USE enum cht_err cli_list(struct cli_context *c, const struct cli_listing *what);

/* The own flags of such a command; its fields are CLI_FIELDS_FILTER, its arguments a filter. */
extern const struct cli_flag cli_list_flags[];

/* Ask for a list of `c->type`; `rest` are `pairs` more pairs of the payload. */
CHT_MUST_USE enum cht_err cli_list_ask(struct cli_context *c, const struct cht_buf *rest,
                                       uint32_t pairs, node_answer_fn each, void *ctx);

#endif
