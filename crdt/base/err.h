#ifndef CRDT_BASE_ERR_H
#define CRDT_BASE_ERR_H
/* The one error type of the product.
 *
 * Every function that can fail returns `enum cht_err`, CHT_OK (0) on success, and must be looked
 * at. Outputs stand last in the parameter list and are left untouched on failure. Where a person or
 * a peer has to be told more than a code, a `struct cht_error` is filled in beside it. The codes of
 * errno, SQLite and ZeroMQ are mapped to these once, in the file that wraps that library. */
#include <stdbool.h>
#include <stddef.h>

#define CHT_MUST_USE __attribute__((warn_unused_result))

/* name, stable text code (used in JSON answers), sentence, may a later try succeed */
#define CHT_ERRORS(X)                                                                              \
    X(CHT_OK, "ok", "done", false)                                                                 \
    X(CHT_E_NOMEM, "no_memory", "out of memory", true)                                             \
    X(CHT_E_LIMIT, "limit", "a limit was passed", false)                                           \
    X(CHT_E_MALFORMED, "malformed", "the bytes are not in the form the protocol asks for", false)  \
    X(CHT_E_INVALID, "invalid", "an argument has a value that is not allowed", false)              \
    X(CHT_E_NOTFOUND, "not_found", "no such thing", false)                                         \
    X(CHT_E_EXISTS, "exists", "it exists already", false)                                          \
    X(CHT_E_CONFLICT, "conflict", "someone else changed it meanwhile", false)                      \
    X(CHT_E_DENIED, "denied", "not allowed", false)                                                \
    X(CHT_E_SIGNATURE, "signature", "a signature or hash does not verify", false)                  \
    X(CHT_E_WAITING, "waiting", "something it depends on is not here yet", true)                   \
    X(CHT_E_UNSUPPORTED, "unsupported", "this build does not know it", false)                      \
    X(CHT_E_IO, "io", "input or output failed", true)                                              \
    X(CHT_E_FULL, "full", "the disk is full", true)                                                \
    X(CHT_E_CORRUPT, "corrupt", "stored data is damaged", false)                                   \
    X(CHT_E_BUSY, "busy", "held by another process", true)                                         \
    X(CHT_E_TIMEOUT, "timeout", "no answer in time", true)                                         \
    X(CHT_E_UNREACHABLE, "unreachable", "cannot be reached", true)                                 \
    X(CHT_E_EXPIRED, "expired", "its time is over", false)                                         \
    X(CHT_E_INTERNAL, "internal", "a fault of this program", false)

enum cht_err {
#define X(name, code, text, retry) name,
    CHT_ERRORS(X)
#undef X
        CHT_ERR_COUNT
};

#define CHT_ERROR_TEXT_MAX 256

/* What went wrong, for a person. `text` is a whole sentence that names the thing, the value and
 * what is allowed; empty when the code says it all. Lives wherever the caller puts it. */
struct cht_error {
    enum cht_err code;
    int sys; /* errno, SQLite's or ZeroMQ's code; 0 when there is none */
    char text[CHT_ERROR_TEXT_MAX];
};

/* Stable short name ("not_found") and sentence of a code. Never NULL. */
const char *cht_err_code(enum cht_err err);
const char *cht_err_text(enum cht_err err);
/* True when the same call may succeed later without the caller changing anything. */
bool cht_err_retryable(enum cht_err err);
/* Sentence of `e`: its text, or its code's sentence when the text is empty. Never NULL. */
const char *cht_error_text(const struct cht_error *e);

/* Fill `e` (may be NULL) and return `code`, so that it can be written `return cht_fail(...)`.
 * The pure floors may not format: they pass a plain sentence. */
enum cht_err cht_fail(struct cht_error *e, enum cht_err code, const char *text);

#endif
