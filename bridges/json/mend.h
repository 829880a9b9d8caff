#ifndef BRIDGES_JSON_MEND_H
#define BRIDGES_JSON_MEND_H
/* Escapes that programs of JavaScript write and no strict reader takes. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In place: half a surrogate pair becomes \ufffd, and with `nuls` so does \u0000. JSON.stringify of
 * a text that was cut inside a character writes such halves (RFC 8259 8.2). */
void json_mend(uint8_t *text, size_t len, bool nuls);

#endif
