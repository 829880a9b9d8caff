/* The codes that were tried; see code.h (PROTOCOL 7.12). A code typed once more after a failure
 * would give whoever answers a second guess of it. */
#include "node/daemon/own.h"

const struct daemon_tried *daemon_tried_find(const struct node_daemon *d,
                                             const struct net_code *code)
{
    for (size_t i = 0; i < DAEMON_TRIED; i++) {
        if (d->tried[i].until_ms > d->now_ms && net_code_eq(&d->tried[i].code, code))
            return &d->tried[i];
    }
    return NULL;
}

void daemon_tried_note(struct node_daemon *d, const struct net_code *code,
                       const uint8_t pk[static NET_SIGN_PK_BYTES], bool proved)
{
    struct daemon_tried *at = &d->tried[0];
    for (size_t i = 0; i < DAEMON_TRIED; i++) {
        bool same = d->tried[i].until_ms != 0 && net_code_eq(&d->tried[i].code, code);
        if (same || d->tried[i].until_ms < at->until_ms)
            at = &d->tried[i];
        if (same)
            break;
    }
    bool known = at->until_ms != 0 && at->proved && net_code_eq(&at->code, code);
    at->code = *code;
    at->until_ms = d->now_ms + DAEMON_TRIED_MS;
    at->proved = proved || known; /* only the D that has proved it gets another proof */
    memcpy(at->pk, pk, sizeof at->pk);
}
