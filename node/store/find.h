#ifndef NODE_STORE_FIND_H
#define NODE_STORE_FIND_H
/* Inside node/store only: which way a question goes, and its SQL (find_way.c). */
#include "node/store/sql.h"

/* Rows that are few: they are taken and sorted rather than looked for on the way. */
#define FIND_FEW 1500u
/* The same where words drive: so many are listed at once rather than looked up match by match. */
#define FIND_LISTED 6000u
/* Matches of words that are looked at to see which are the best. */
#define FIND_MATCHES 400u

/* What the rows are taken from, in the order in which it has them. */
enum find_from {
    FIND_TABLE,  /* the type's table or an index of it */
    FIND_NARROW, /* the rows of one `narrow` */
    FIND_OPEN,   /* open todos, by their status */
    FIND_LIST,   /* rows that were found before, a JSON array of n */
    FIND_STREAM, /* the full-text index, newest first */
};

struct find_way {
    enum find_from from;
    size_t narrow;             /* FIND_NARROW: which */
    bool few[NODE_NARROW_MAX]; /* those that have few rows */
    const char *index;         /* FIND_TABLE: the index, NULL: as SQLite likes */
};

/* Parameters beside those of `args`. */
#define FIND_PARAM_OFFSET 98
#define FIND_PARAM_LIMIT  99
#define FIND_PARAM_FIELD  100 /* of narrow i at + 2 i, its value at the next one */
#define FIND_PARAM_NOW    120
#define FIND_PARAM_MATCH  121
#define FIND_PARAM_BELOW  122 /* FIND_STREAM: only rows below this one */
#define FIND_PARAM_LIST   123
#define FIND_PARAM_LAPSED 124

/* Choose a way; `f->match` is empty or its rows were looked for: FIND_LIST or FIND_STREAM. */
CHT_MUST_USE enum cht_err find_choose(struct node_store *s, const struct node_find *f,
                                      struct find_way *out);
/* The statement's text, with its final NUL. */
CHT_MUST_USE enum cht_err find_sql(const struct node_find *f, const struct find_way *way,
                                   const char *columns, struct cht_buf *sql);
/* Prepare it and bind all but the list and what is below. */
CHT_MUST_USE enum cht_err find_prepare(struct node_store *s, const struct node_find *f,
                                       const struct find_way *way, const char *columns,
                                       sqlite3_stmt **out);

#endif
