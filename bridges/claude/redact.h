#ifndef BRIDGES_CLAUDE_REDACT_H
#define BRIDGES_CLAUDE_REDACT_H
/* Secrets out of texts, before they leave this machine: keys and tokens by their form
 * (redact_forms.c), values by what they are called (redact_names.c), passwords in addresses,
 * private keys. It is a help, no proof: what has no form and no name is not known for a secret.
 *
 * What was taken out is told in its place: [redacted:KIND]. A text goes through once, in time that
 * grows with its length. Text that was redacted is redacted to itself. */
#include "crdt/base/buf.h"

/* Append `text` without its secrets; `*out_count` is how many there were. Errors as cht_buf_add. */
CHT_MUST_USE enum cht_err claude_redact_text(struct cht_bytes text, struct cht_buf *out,
                                             unsigned *out_count);

/* The same of the strings of a JSON object (json_span_object): those that have none keep their
 * bytes. A string that is the value of a key which names a secret is one. */
struct claude_redacted {
    unsigned count;
    bool signed_text; /* one of them was in an object of a type that its writer has signed */
};
CHT_MUST_USE enum cht_err claude_redact_object(struct cht_bytes object, struct cht_buf *out,
                                               struct claude_redacted *told);

/* --- the parts ----------------------------------------------------------------------------- */

/* A secret in a text: what is before `from` stays (a name, a user), as does what is from `to` on.
 */
struct claude_secret {
    size_t from, to;
    const char *kind;
};

/* Is there a key or token at `at`, by its form? */
bool claude_secret_form(struct cht_bytes text, size_t at, struct claude_secret *out);
/* … an assignment to a name of a secret, which begins at `at`, or a flag with one? */
bool claude_secret_named(struct cht_bytes text, size_t at, struct claude_secret *out);
/* Does a key name a secret, so that this text, its value, is one? */
bool claude_secret_value(struct cht_bytes key, struct cht_bytes value);

#endif
