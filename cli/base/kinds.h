#ifndef CLI_BASE_KINDS_H
#define CLI_BASE_KINDS_H
/* The kinds of JSON documents: how the `data` of each looks. The check of --json's names, the
 * splitting of --ndjson and the schemas of docs/json come from this table and, for records, from
 * crdt/schema.h.
 *
 * A shape is written so:
 *   {name,name:shape,name?:shape}   an object; ? may be missing; without a shape it is a text
 *   [shape]                         an array
 *   text id hex bool uint int number time ms any map    (time: RFC 3339; ms: since the Unix epoch)
 *   @kind                           as the data of that kind
 * and with ~ behind it also null. */
#include "cli/base/command.h"

#define CLI_KIND_MAX 32u /* bytes of a kind's name with its NUL */

struct cli_kind {
    const char *name;
    const char *summary;
    const char *shape; /* of the data */
    const char *rows;  /* where the records of a list are: a member of the data, "" the data itself;
                        * NULL: it is one record */
    const char *item;  /* kind of one of them; NULL without `rows` */
    const char *id;    /* the member that names one, for `-o name`; NULL: none */
};

/* The kind at `index`, of those that are no records: NULL at the end. */
const struct cli_kind *cli_kind_at(size_t index);
/* By name, those of records too ("todo", "todo-list"), whose texts then stand in `*room`; NULL:
 * there is none. `*out_type` is the type of the records, or 0. */
struct cli_kind_room {
    struct cli_kind kind;
    char name[CLI_KIND_MAX], item[CLI_KIND_MAX];
};
const struct cli_kind *cli_kind_named(const char *name, struct cli_kind_room *room,
                                      unsigned *out_type);

/* The name of the kind that a command prints, "" when it prints no document: its own, with the type
 * in place of @. `type` is that of its noun. */
void cli_kind_of(const struct cli_command *command, unsigned type, char out[static CLI_KIND_MAX]);

/* The members of an object's shape, one after the other: `*at` begins as the shape. */
struct cli_shape_member {
    struct cht_bytes name, shape;
    bool optional;
};
bool cli_shape_next(const char **at, struct cli_shape_member *out);
/* The end of the shape that begins at `at`. */
const char *cli_shape_end(const char *at);

/* The name at `index` that --json may choose in documents of a kind; NULL at the end. They are
 * members of one record, and of a record's `data` its fields; "id" is its name. */
bool cli_kind_name_at(const char *kind, size_t index, struct cht_bytes *out);

#endif
