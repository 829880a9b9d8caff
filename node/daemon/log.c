/* Lines on stderr; see own.h. */
#include "node/daemon/own.h"

#include <stdarg.h>
#include <stdio.h>

void daemon_log(const char *level, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    (void)fprintf(stderr, "chitty-node: %s: %s\n", level, line);
}

const char *daemon_short(const uint8_t device[static CRDT_ID_BYTES], char out[static 9])
{
    crdt_hex(cht_bytes(device, 4), out);
    return out;
}
