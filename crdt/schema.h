#ifndef CRDT_SCHEMA_H
#define CRDT_SCHEMA_H
/* Types and fields as data (PROTOCOL 6). The SQL tables, the JSON of the local protocol, the flags
 * of the commands and docs/SCHEMA.md are generated from this one table: a new field is a new row.
 * Field numbers are for ever; a row may be added, never renumbered or given another kind. */
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"
#include "crdt/id.h"

enum crdt_kind {
    CRDT_REGISTER, /* one value */
    CRDT_SET,      /* elements are keys; put value nil; add-wins */
    CRDT_MAP,      /* a register per key */
    CRDT_TEXT,     /* a register whose value is a document */
};

/* Which of the concurrent values of a register is shown (PROTOCOL 5.4). */
enum crdt_policy {
    CRDT_LWW,   /* highest HLC, then device, then dot */
    CRDT_RANK,  /* furthest in the enum list, then as LWW */
    CRDT_FIRST, /* lowest HLC, then device, then dot */
    CRDT_MAX,   /* highest value, then as LWW */
    CRDT_TOKEN, /* the claim that stands (claim.h), then as FIRST */
};

enum crdt_value_type {
    CRDT_V_STR,  /* UTF-8, one line or more, at most LIMIT_TITLE_BYTES */
    CRDT_V_TEXT, /* UTF-8 document, at most LIMIT_VALUE_BYTES */
    CRDT_V_BOOL,
    CRDT_V_INT,   /* -2^63 … 2^63-1 */
    CRDT_V_FLOAT, /* any finite number; integers allowed */
    CRDT_V_SHARE, /* a number from 0 to 1 */
    CRDT_V_TIME,  /* ms since the Unix epoch, 0 … 2^48-1; shown as RFC 3339 UTC */
    CRDT_V_ENUM,  /* one of `words`; closed */
    CRDT_V_WORD,  /* one of `words` usually; any other string is kept verbatim */
    CRDT_V_ID,    /* an entity: bin of 17 bytes, type then id */
    CRDT_V_ANY,   /* any msgpack value within the limits (JSON at the edges) */
};

struct crdt_field {
    uint16_t number;
    enum crdt_kind kind;
    enum crdt_value_type value; /* of a register, a map's values, a set's elements */
    enum crdt_policy policy;
    uint8_t id_type;          /* CRDT_V_ID: the type pointed at; 0 any */
    bool required;            /* create asks for it */
    bool search;              /* goes into the full-text index */
    const char *name;         /* snake_case: SQL column and JSON key */
    const char *const *words; /* ENUM, WORD: NULL-terminated, in rank order */
    const char *doc;          /* one line for help and docs */
};

struct crdt_type_schema {
    uint8_t type;
    const struct crdt_field *fields; /* ascending by number, `deleted` first */
    size_t count;
    const char *title_field; /* the field shown in lists: "title", "content", … */
};

/* `deleted` is field 0 of every type: a bool register, lww (PROTOCOL 5.6). */
#define CRDT_FIELD_DELETED 0u
/* `alias_of` is field 122 of every type that has a schema: an id register, lww (PROTOCOL 5.10). */
#define CRDT_FIELD_ALIAS_OF 122u

/* The schema of a type; NULL for types without one in this build (kept and relayed raw). */
const struct crdt_type_schema *crdt_schema(unsigned type);
/* All schemas, for generators: the one at `index` (NULL at the end), and how many there are in
 * `out_count`, which may be NULL. */
const struct crdt_type_schema *crdt_schema_at(size_t index, size_t *out_count);
/* A field by number or name; NULL when this build does not know it. Every type, also one that this
 * build does not know, has `deleted`. */
const struct crdt_field *crdt_field(unsigned type, unsigned number);
const struct crdt_field *crdt_field_named(unsigned type, struct cht_bytes name);
/* Position of an enum word in its list, -1 when it is not one. */
int crdt_word_rank(const struct crdt_field *f, struct cht_bytes word);

/* Check exact msgpack bytes against the field's row (PROTOCOL 6.3): the value of a put (nil for a
 * set), or with `is_key` the key of a cell (a set's element, a map's key; no other field has one).
 * `f` NULL: an unknown field, only the limits hold.
 * CHT_E_INVALID: type, range, enum, or a key not in its shortest form; CHT_E_LIMIT;
 * CHT_E_MALFORMED: msgpack or UTF-8. */
CHT_MUST_USE enum cht_err crdt_value_check(const struct crdt_field *f, struct cht_bytes value,
                                           bool is_key);

#endif
