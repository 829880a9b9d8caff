/* Killing the node between two arrows of a turn, so that tests can show what survives; see own.h.
 * Without CHITTY_KILL_AT this is one comparison. */
#include "node/daemon/own.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

void daemon_arrow(enum daemon_arrow at)
{
    static const char *const names[] = { "collected", "folded",  "committed",
                                         "told",      "flushed", "brought" };
    static bool read_once;
    static long left;
    static int which = -1;
    if (!read_once) {
        const char *text = getenv("CHITTY_KILL_AT");
        read_once = true;
        for (int i = 0; text != NULL && i < (int)(sizeof names / sizeof names[0]); i++) {
            size_t len = strlen(names[i]);
            if (strncmp(text, names[i], len) == 0 && text[len] == ':') {
                which = i;
                left = strtol(text + len + 1, NULL, 10);
            }
        }
    }
    if (which == (int)at && --left <= 0)
        (void)kill(getpid(), SIGKILL);
}
