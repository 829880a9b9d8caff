#ifndef CRDT_ID_H
#define CRDT_ID_H
/* Entity ids: a type and 16 bytes, shown as CHITTY-TODO-… in Crockford base32 (PROTOCOL 1.6).
 * Devices and spaces are 16 bytes too and are shown as 32 lower-case hex digits. */
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"
#include "crdt/hash.h"

/* number on the wire, name in the id, SQL table, plural as SyncDomain of the local protocol */
#define CRDT_TYPES(X)                                                                              \
    X(CRDT_TOPIC, 1, "TOPIC", "topic", "topics")                                                   \
    X(CRDT_PROJECT, 2, "PROJ", "project", "projects")                                              \
    X(CRDT_SESSION, 3, "SESSION", "session", "sessions")                                           \
    X(CRDT_TODO, 4, "TODO", "todo", "todos")                                                       \
    X(CRDT_CONTEXT, 5, "CONTEXT", "context", "contexts")                                           \
    X(CRDT_REPO, 6, "REPO", "repo", "repos")                                                       \
    X(CRDT_SERVICE, 7, "SERVICE", "service", "services")                                           \
    X(CRDT_MESSAGE, 8, "MESSAGE", "message", "messages")                                           \
    X(CRDT_CHECKPOINT, 9, "CHECKPOINT", "checkpoint", "checkpoints")                               \
    X(CRDT_DEVICE, 10, "DEVICE", "device", "devices")

enum crdt_type {
#define X(sym, num, name, table, domain) sym = num,
    CRDT_TYPES(X)
#undef X
};

struct crdt_id {
    uint8_t type; /* enum crdt_type, or a number this build does not know */
    uint8_t b[CRDT_ID_BYTES];
};

#define CRDT_ID_DIGITS   26u /* base32 digits of 128 bits */
#define CRDT_ID_TEXT_MAX 48u /* "CHITTY-CHECKPOINT-" + digits + NUL, rounded up */

static inline bool crdt_id_eq(const struct crdt_id *a, const struct crdt_id *b)
{
    return a->type == b->type && memcmp(a->b, b->b, CRDT_ID_BYTES) == 0;
}

/* Names of a type; NULL for a type this build does not know. */
const char *crdt_type_name(unsigned type);   /* "TODO" */
const char *crdt_type_table(unsigned type);  /* "todo" */
const char *crdt_type_domain(unsigned type); /* "todos" */
/* The type with that table name, domain or id name, whatever its case; 0 when there is none. */
unsigned crdt_type_from(struct cht_bytes word);

/* Write "CHITTY-TODO-0123…"; an unknown type is written as its number: "CHITTY-T77-…". */
void crdt_id_text(const struct crdt_id *id, char out[static CRDT_ID_TEXT_MAX]);
/* How a whole id is shown to people: without CHITTY- and with its first eight digits
 * alone; a text that is none as it is. */
struct cht_bytes crdt_id_short(struct cht_bytes text);
/* Read a whole id, any case, I and L as 1, O as 0. CHT_E_INVALID: not an id.
 * An id that starts with CHITTY-CONTEXT- keeps the type it spells. */
CHT_MUST_USE enum cht_err crdt_id_parse(struct cht_bytes text, struct crdt_id *out);

/* A prefix of an id as people type it: "CHITTY-TODO-01H", "TODO-01H" or "01H". */
struct crdt_id_prefix {
    uint8_t type;               /* 0: any */
    uint8_t digits;             /* base32 digits given, 0 … 26 */
    uint8_t low[CRDT_ID_BYTES]; /* smallest and largest id bytes that start so */
    uint8_t high[CRDT_ID_BYTES];
};
CHT_MUST_USE enum cht_err crdt_id_prefix_parse(struct cht_bytes text, struct crdt_id_prefix *out);
bool crdt_id_prefix_matches(const struct crdt_id_prefix *p, const struct crdt_id *id);

/* Lower-case hex of `data` with a final NUL into `out` (2 * len + 1 bytes). */
void crdt_hex(struct cht_bytes data, char *out);
/* Exactly `len` bytes from 2 * len hex digits, any case; CHT_E_INVALID otherwise. */
CHT_MUST_USE enum cht_err crdt_unhex(struct cht_bytes text, uint8_t *out, size_t len);

#endif
