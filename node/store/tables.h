#ifndef NODE_STORE_TABLES_H
#define NODE_STORE_TABLES_H
/* Inside node/store only: the statements on the typed tables, made from the schema. */
#include "node/store/sql.h"

enum store_row_kind {
    STORE_ROW_LOAD, /* crdt, deleted, then the columns in the schema's order */
    STORE_ROW_INSERT,
    STORE_ROW_DELETE,
    STORE_ROW_UPDATE, /* and with groups of indexed columns added; else these are left alone */
    STORE_ROW_UPDATE_ALL = STORE_ROW_UPDATE + 7,
};

/* Columns that stand in the same indexes: SQLite writes the entry of every index anew that one of
 * the columns in SET stands in. */
enum store_column_group {
    STORE_GROUP_STATUS = 1u << 0,  /* status, deleted, claim and what is made of it */
    STORE_GROUP_PROJECT = 1u << 1, /* project */
    STORE_GROUP_ORDER = 1u << 2,   /* priority, deadline, defer, created */
};
/* The group of a field; 0: in no index. */
unsigned store_column_group(const struct crdt_field *f);

/* Parameters of the writing statements; the i-th field of the schema is at STORE_FIELD_PARAM + i.
 */
#define STORE_PARAM_N         1
#define STORE_PARAM_ID        2
#define STORE_PARAM_MODIFIED  3
#define STORE_PARAM_DELETED   4
#define STORE_PARAM_CONFLICTS 5
#define STORE_PARAM_CRDT      6
#define STORE_PARAM_BLOCKERS  7 /* of a new todo */
#define STORE_PARAM_HELD      8 /* of a todo */
#define STORE_FIELD_PARAM     ((size_t)10)

/* Append a statement's text; `t` NULL: the table of types without a schema. */
CHT_MUST_USE enum cht_err store_row_sql(const struct crdt_type_schema *t, unsigned type,
                                        enum store_row_kind kind, struct cht_buf *sql);
/* The prepared statement, reset. */
CHT_MUST_USE enum cht_err store_row_statement(struct node_store *s, unsigned type,
                                              enum store_row_kind kind, sqlite3_stmt **out);

#endif
