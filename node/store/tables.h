#ifndef NODE_STORE_TABLES_H
#define NODE_STORE_TABLES_H
/* Inside node/store only: the statements on the typed tables, made from the schema. */
#include "node/store/sql.h"

enum store_row_kind {
    STORE_ROW_LOAD, /* crdt, deleted, then the columns in the schema's order */
    STORE_ROW_INSERT,
    STORE_ROW_UPDATE,
    STORE_ROW_UPDATE_PLAIN, /* leaves the indexed columns alone */
    STORE_ROW_DELETE,
};

/* Parameters of the writing statements; the i-th field of the schema is at STORE_FIELD_PARAM + i.
 */
#define STORE_PARAM_N         1
#define STORE_PARAM_ID        2
#define STORE_PARAM_MODIFIED  3
#define STORE_PARAM_DELETED   4
#define STORE_PARAM_CONFLICTS 5
#define STORE_PARAM_CRDT      6
#define STORE_PARAM_BLOCKERS  7 /* of a new todo */
#define STORE_FIELD_PARAM     ((size_t)10)

/* Append a statement's text; `t` NULL: the table of types without a schema. */
CHT_MUST_USE enum cht_err store_row_sql(const struct crdt_type_schema *t, unsigned type,
                                        enum store_row_kind kind, struct cht_buf *sql);
/* The prepared statement, reset. */
CHT_MUST_USE enum cht_err store_row_statement(struct node_store *s, unsigned type,
                                              enum store_row_kind kind, sqlite3_stmt **out);

#endif
