#ifndef NODE_STORE_COLUMNS_H
#define NODE_STORE_COLUMNS_H
/* Inside node/store only: values as the columns of the typed tables show them (PROTOCOL 10.4).
 *
 * A register or text of a known field has a column; where the column's value encodes to exactly the
 * shown bytes again, the blob leaves them out. Sets and maps are shown as JSON and always kept in
 * the blob. */
#include "node/store/sql.h"

#include "crdt/mp.h"

/* Does the column of this register hold exactly these bytes? */
bool store_column_holds(const struct crdt_field *f, struct cht_bytes value);
/* Bind a shown register value; `scratch` (appended to) holds text that had to be made. */
CHT_MUST_USE enum cht_err store_column_bind(sqlite3_stmt *st, int at, const struct crdt_field *f,
                                            struct cht_bytes value, struct cht_buf *scratch);
/* The msgpack bytes that the column stands for, appended to `out`. CHT_E_CORRUPT. */
CHT_MUST_USE enum cht_err store_column_read(sqlite3_stmt *st, int column,
                                            const struct crdt_field *f, struct cht_buf *out);
/* The id that a value is, of a type that this build knows; false: it is none. */
bool store_value_id(const struct crdt_mp *v, struct crdt_id *out);
/* Append one msgpack value as JSON: an id (bin of 17) as its text, other bin as hex, a map's keys
 * as strings. */
CHT_MUST_USE enum cht_err store_json_value(struct cht_bytes value, struct cht_buf *out);

#endif
