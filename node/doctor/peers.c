/* The other devices: who is away or stuck, and what waits for whom; see doctor.h. */
#include "node/doctor/doctor.h"

#include "crdt/rfc3339.h"
#include "net/budget.h"
#include "node/client/mpmap.h"

#include <stdio.h>

#define LONG_MS (14ull * 24 * 3600 * 1000) /* away for so long: someone may have forgotten it */

static bool is(struct cht_bytes text, const char *word)
{
    return cht_bytes_eq(text, cht_bytes_str(word));
}

/* What people call a device: its name, or without one its id. */
static struct cht_bytes name_of(struct cht_bytes health, struct cht_bytes id)
{
    struct node_mp_iter it = node_mp_iter(node_mp_get(health, "devices"));
    struct cht_bytes device;
    while (node_mp_next(&it, NULL, &device)) {
        if (cht_bytes_eq(node_mp_get_str(device, "device"), id)) {
            const struct cht_bytes name = node_mp_get_str(device, "name");
            return name.len == 0 ? id : name;
        }
    }
    return id;
}

/* The last sign of life: of this run of the node, or what it noted in an earlier one. */
static uint64_t seen_ms(const struct doctor *d, struct cht_bytes peer)
{
    uint64_t seen = node_mp_get_uint(peer, "lastSeen", 0);
    for (size_t i = 0; i < d->seen_count; i++) {
        if (is(node_mp_get_str(peer, "device"), d->seen[i].device) && d->seen[i].ms > seen)
            seen = d->seen[i].ms;
    }
    return seen;
}

static void say_away(struct doctor *d, struct cht_bytes peer, struct cht_bytes name)
{
    const uint64_t seen = seen_ms(d, peer);
    char when[CRDT_RFC3339_MAX];
    if (seen == 0 || seen > CRDT_RFC3339_MS_MAX) {
        doctor_say(d->report, DOCTOR_NOTE, "peers.unseen", "%.*s and this device have not met yet",
                   (int)name.len, (const char *)name.data);
        doctor_remedy(d->report, "see that it runs, or tell where: chitty-node run --peer "
                                 "HOST:PORT");
        return;
    }
    crdt_rfc3339_text(seen, when);
    const bool gone = d->now_ms > seen && d->now_ms - seen > LONG_MS;
    const bool here = seen == node_mp_get_uint(peer, "lastSeen", 0);
    doctor_say(d->report, gone ? DOCTOR_WARNING : DOCTOR_NOTE, "peers.away",
               here ? "%.*s has been unreachable since %s"
                    : "%.*s is unreachable; the last connection with it was made at %s",
               (int)name.len, (const char *)name.data, when);
    if (gone)
        doctor_remedy(d->report, "start it; if it is lost: chitty-node revoke %.8s --lost",
                      (const char *)node_mp_get_str(peer, "device").data);
    else
        doctor_remedy(d->report, "see that it runs and is on this network");
}

/* Refusals that no honest node gives cause for; others happen when links break or much is written.
 */
static bool is_hostile(struct cht_bytes reason)
{
    static const enum net_refusal hostile[] = {
        NET_REFUSAL_MALFORMED, NET_REFUSAL_ORDER,  NET_REFUSAL_IDENTITY,  NET_REFUSAL_CREDIT,
        NET_REFUSAL_FLOOD,     NET_REFUSAL_REPLAY, NET_REFUSAL_SIGNATURE, NET_REFUSAL_RANGE,
        NET_REFUSAL_RIGHTS,    NET_REFUSAL_RECORD, NET_REFUSAL_FORK,
    };
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        if (is(reason, net_refusal_word(hostile[i])))
            return true;
    }
    return false;
}

static void say_refused(struct doctor *d, struct cht_bytes peer, struct cht_bytes name)
{
    struct node_mp_iter it = node_mp_iter(node_mp_get(peer, "refused"));
    struct cht_bytes key, count;
    char list[DOCTOR_TEXT_MAX / 2] = "";
    size_t len = 0;
    while (it.is_map && node_mp_next(&it, &key, &count)) {
        const struct cht_bytes reason = node_mp_str(key);
        if (!is_hostile(reason) || len >= sizeof list)
            continue;
        const int put = snprintf(list + len, sizeof list - len, "%s%.*s %llu", len == 0 ? "" : ", ",
                                 (int)reason.len, (const char *)reason.data,
                                 (unsigned long long)node_mp_uint(count, 0));
        len += put > 0 ? (size_t)put : 0;
    }
    if (len == 0)
        return;
    doctor_say(d->report, DOCTOR_WARNING, "peers.refused",
               "%.*s sent what no honest node sends, and was refused (%s)", (int)name.len,
               (const char *)name.data, list);
    doctor_remedy(d->report,
                  "look at that machine; if it is not in your hands any more: chitty-node revoke "
                  "%.8s --compromised",
                  (const char *)node_mp_get_str(peer, "device").data);
}

static void look_at_peer(struct doctor *d, struct cht_bytes health, struct cht_bytes peer)
{
    const struct cht_bytes state = node_mp_get_str(peer, "state");
    const struct cht_bytes name = name_of(health, node_mp_get_str(peer, "device"));
    if (is(state, "differs")) {
        doctor_say(d->report, DOCTOR_PROBLEM, "peers.differs",
                   "%.*s holds the same entries and another state", (int)name.len,
                   (const char *)name.data);
        doctor_remedy(d->report, "chitty-node verify on both; chitty-node rebuild where it finds "
                                 "something");
    } else if (is(state, "waiting to be introduced")) {
        doctor_say(d->report, DOCTOR_WARNING, "peers.introduce",
                   "%.*s does not know this device yet: it waits to be introduced", (int)name.len,
                   (const char *)name.data);
        doctor_remedy(d->report, "let the device that invited this one run, with both on its "
                                 "network");
    } else if (is(state, "away")) {
        say_away(d, peer, name);
    }
    say_refused(d, peer, name);
}

static void look_at_wait(struct doctor *d, struct cht_bytes health, struct cht_bytes wait)
{
    const struct cht_bytes name = name_of(health, node_mp_get_str(wait, "device"));
    const unsigned long long count = node_mp_get_uint(wait, "count", 0);
    const unsigned long long seq = node_mp_get_uint(wait, "seq", 0);
    const char *plural = count == 1 ? "y" : "ies";
    if (is(node_mp_get_str(wait, "for"), "build")) {
        doctor_say(d->report, DOCTOR_PROBLEM, "waits.build",
                   "%llu entr%s of %.*s (from %llu on) need a newer chitty-node", count, plural,
                   (int)name.len, (const char *)name.data, seq);
        doctor_remedy(d->report, "install the version that runs there");
        return;
    }
    if (is(node_mp_get_str(wait, "for"), "branch")) {
        doctor_say(d->report, DOCTOR_WARNING, "waits.entry",
                   "%llu entr%s of %.*s (from %llu on) wait for what it wrote before", count,
                   plural, (int)name.len, (const char *)name.data, seq);
    } else {
        const struct cht_bytes other = name_of(health, node_mp_get_str(wait, "ofDevice"));
        doctor_say(d->report, DOCTOR_WARNING, "waits.entry",
                   "%llu entr%s of %.*s (from %llu on) wait for entry %llu of %.*s", count, plural,
                   (int)name.len, (const char *)name.data, seq,
                   (unsigned long long)node_mp_get_uint(wait, "ofSeq", 0), (int)other.len,
                   (const char *)other.data);
    }
    doctor_remedy(d->report, "let a device that has it connect: the one that wrote it, or one that "
                             "met it");
}

/* Who tries codes and tickets gets nowhere: each wrong proof spends one. But somebody tries. */
static void look_at_strangers(struct doctor *d, struct cht_bytes health)
{
    const struct cht_bytes strangers = node_mp_get(health, "strangers");
    const unsigned long long proofs = node_mp_get_uint(strangers, "proofs", 0);
    if (proofs == 0)
        return;
    doctor_say(d->report, DOCTOR_NOTE, "strangers.proofs",
               "%llu wrong code%s or ticket%s tried since this node started: a slip, or somebody "
               "guesses",
               proofs, proofs == 1 ? "" : "s", proofs == 1 ? " was" : "s were");
    doctor_remedy(d->report, "compare the check words when you invite; a burnt code is harmless");
}

void doctor_peers(struct doctor *d, struct cht_bytes health)
{
    const size_t from = d->report->count;
    const struct cht_bytes peers = node_mp_get(node_mp_get(health, "status"), "peers");
    struct node_mp_iter it = node_mp_iter(peers);
    struct cht_bytes one;
    while (node_mp_next(&it, NULL, &one))
        look_at_peer(d, health, one);
    it = node_mp_iter(node_mp_get(health, "waits"));
    while (node_mp_next(&it, NULL, &one))
        look_at_wait(d, health, one);
    look_at_strangers(d, health);
    if (d->report->count == from)
        doctor_say(d->report, DOCTOR_OK, "peers", "%llu other device%s, nothing waits",
                   (unsigned long long)node_mp_count(peers), node_mp_count(peers) == 1 ? "" : "s");
}
