/* Finding the listener of a code that was typed; see code.h (PROTOCOL 7.12, 11). Whoever is dialled
 * gets one guess of the code, so nobody is where more than one announces its selector: then a
 * person says which machine it is. */
#include "node/daemon/discovery.h"

#include "node/client/mpmap.h"

#include <assert.h>
#include <stdio.h>

#define LOOK_MS    20000u /* an announcement takes a second, on a bad Wi-Fi some more */
#define BUS_MS     5000u  /* for the helper to start and find an avahi-daemon */
#define SETTLE_MS  1500u  /* after the first: another one may be there as well */
#define QUIET_MS   700u   /* … and after each announcement of anybody that comes meanwhile */
#define PATIENT_MS 10000u /* but no longer */
#define SHOWN_MAX  3u     /* addresses named to a person */

static void fail(struct node_daemon *d, struct daemon_pairing *p, enum cht_err err,
                 const char *sentence, const char *hint)
{
    struct node_fault fault = { 0 };
    (void)node_fault_set(&fault, err, cht_bytes_str("code"), "%s", sentence);
    node_fault_hint(&fault, "%s", hint);
    p->look_ms = 0;
    daemon_joining_fail(d, p, &fault);
}

/* "192.0.2.7:41234, 192.0.2.8:5123 and more announce this code" */
static void fail_many(struct node_daemon *d, struct daemon_pairing *p,
                      const struct daemon_found *const *found, size_t count)
{
    char sentence[CHT_ERROR_TEXT_MAX], address[LIMIT_ADDRESS_BYTES];
    size_t len = 0;
    for (size_t i = 0; i < count && i < SHOWN_MAX; i++) {
        daemon_join_address(&found[i]->hosts[0], found[i]->port, address);
        int put =
            snprintf(sentence + len, sizeof sentence - len, "%s%.60s", i == 0 ? "" : ", ", address);
        len += put < 0 ? 0 : (size_t)put;
    }
    (void)snprintf(sentence + len, sizeof sentence - len, "%s announce this code",
                   count > SHOWN_MAX ? " and others" : "");
    fail(d, p, CHT_E_CONFLICT, sentence,
         "none of them was asked. Say which is the one that shows it: --at HOST:PORT");
}

static void dial(struct node_daemon *d, struct daemon_pairing *p, const struct daemon_found *found)
{
    static_assert(DISCOVER_HOSTS <= NET_TICKET_HOSTS, "all addresses of an announcement");
    p->look_ms = 0;
    p->offer.host_count = (uint8_t)found->host_count;
    memcpy(p->offer.hosts, found->hosts, found->host_count * sizeof found->hosts[0]);
    p->offer.pair_port = found->port;
    daemon_joining_dial(d, p);
}

void daemon_look_tell(struct node_daemon *d, const struct daemon_pairing *p, const char *text)
{
    struct cht_buf b;
    cht_buf_init(&b, 256);
    enum cht_err err = crdt_mp_put_map(&b, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&b, "stage", "looking");
    if (err == CHT_OK)
        err = node_mp_put_key_text(&b, "text", text);
    if (err == CHT_OK)
        service_answer_progress(d->service, &p->caller, cht_buf_view(&b));
    cht_buf_clear(&b);
}

void daemon_look_begin(struct node_daemon *d, struct daemon_pairing *p)
{
    if (d->discovery == NULL) {
        fail(d, p, CHT_E_UNREACHABLE, "this node does not look for others (--no-discovery)",
             "say where the other one is, which shows it: --at HOST:PORT");
        return;
    }
    p->look_ms = d->now_ms;
    p->settle_ms = UINT64_MAX;
    daemon_look_tell(d, p, "looking for the machine that shows the code");
    daemon_look_tick(d, p);
}

/* The listener may be dialled once all that is announced has been heard of, as far as one can know.
 */
static void settle(struct node_daemon *d, struct daemon_pairing *p)
{
    uint64_t wait_ms = p->settle_ms == UINT64_MAX ? SETTLE_MS : QUIET_MS;
    if (p->settle_ms != UINT64_MAX && d->discovery->order == p->heard)
        return;
    p->heard = d->discovery->order;
    if (p->settle_ms == UINT64_MAX || d->now_ms + wait_ms > p->settle_ms)
        p->settle_ms = d->now_ms + wait_ms;
    if (p->settle_ms > p->look_ms + PATIENT_MS)
        p->settle_ms = p->look_ms + PATIENT_MS;
}

void daemon_look_tick(struct node_daemon *d, struct daemon_pairing *p)
{
    static const char where[] = "say where the other one is, which shows it: --at HOST:PORT";
    const struct daemon_found *found[SHOWN_MAX + 1];
    if (p->look_ms == 0 || p->over)
        return;
    size_t count = daemon_discover_candidates(
        d, cht_bytes(p->typed.selector, NET_CODE_SELECTOR_DIGITS), found, SHOWN_MAX + 1);
    uint64_t looked_ms = d->now_ms - p->look_ms;
    if (count == 0)
        p->settle_ms = UINT64_MAX; /* or it went away again */
    else if (count == 1)
        settle(d, p);
    if (count > 1)
        fail_many(d, p, found, count);
    else if (count == 1 && d->now_ms >= p->settle_ms)
        dial(d, p, found[0]);
    else if (count == 0 && looked_ms >= BUS_MS && d->discovery->state != NET_LOOKOUT_RUNNING)
        fail(d, p, CHT_E_UNREACHABLE, "no avahi-daemon runs here: nobody can be found", where);
    else if (count == 0 && looked_ms >= LOOK_MS)
        fail(d, p, CHT_E_UNREACHABLE,
             "nobody in this network announces this code: is it still shown?", where);
}

uint64_t daemon_look_due_ms(const struct node_daemon *d, const struct daemon_pairing *p)
{
    if (p->look_ms == 0 || p->over)
        return UINT64_MAX;
    uint64_t due = p->look_ms + (d->now_ms - p->look_ms < BUS_MS ? BUS_MS : LOOK_MS);
    return p->settle_ms < due ? p->settle_ms : due;
}
