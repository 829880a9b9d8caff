/* Reminders that are due; see observe.h. Whoever announces one writes `reminded`, which ends it for
 * all. Devices that are connected agree without speaking: those that can tell their user something
 * come first, in the order of their ids, a few seconds apart, and each looks again before it
 * announces. Devices that are apart may each announce; so may two whose user sees both. A device
 * that cannot tell anybody announces nothing. What is a day old is only marked as missed.
 *
 * Finished todos are not announced; deferred ones when they are back. */
#include "bridges/observe/observe.h"
#include "crdt/limits.h"
#include "crdt/rfc3339.h"

#include <stdio.h>
#include <stdlib.h>

#define TURN_MS      3000u  /* between two devices that are connected */
#define RETRY_MS     60000u /* what could not be announced is tried again */
#define TITLE_BYTES  200u
#define MOMENT_BYTES 40u

struct reminder {
    char id[CRDT_ID_TEXT_MAX];
    char moment[MOMENT_BYTES]; /* the key */
    uint64_t due_wall;
    bool announced; /* by us; only to be written */
    bool seen;      /* while a record is taken */
};

struct observe_reminders {
    struct reminder *all;
    size_t count, room;
    bool able; /* this device can tell its user something */
};

enum cht_err observe_reminders_open(struct observer *o)
{
    o->reminders = calloc(1, sizeof *o->reminders);
    if (o->reminders == NULL)
        return CHT_E_NOMEM;
    o->reminders->able = observe_can_notify();
    return CHT_OK;
}

void observe_reminders_close(struct observer *o)
{
    if (o->reminders != NULL)
        free(o->reminders->all);
    free(o->reminders);
    o->reminders = NULL;
}

/* --- what the records say ------------------------------------------------------------------ */

/* RFC 3339 in UTC, with or without milliseconds. */
static bool read_moment(struct cht_bytes text, uint64_t *out)
{
    char whole[CRDT_RFC3339_MAX];
    if (text.len != sizeof "2026-11-21T12:34:56Z" - 1)
        return crdt_rfc3339_parse(text, out) == CHT_OK;
    (void)snprintf(whole, sizeof whole, "%.*s.000Z", (int)text.len - 1, (const char *)text.data);
    return crdt_rfc3339_parse(cht_bytes_str(whole), out) == CHT_OK;
}

static bool is_word(struct cht_bytes map, const char *key, const char *word)
{
    return cht_bytes_eq(node_mp_get_str(map, key), cht_bytes_str(word));
}

static bool is_finished(struct cht_bytes data)
{
    return is_word(data, "status", "completed") || is_word(data, "status", "cancelled");
}

/* When it is to be announced; false: never. */
static bool due_of(struct cht_bytes data, struct cht_bytes moment, uint64_t *out)
{
    uint64_t due;
    const uint64_t back = node_mp_get_uint(data, "defer", 0);
    if (!read_moment(moment, &due))
        return false;
    *out = back > due ? back : due;
    return true;
}

static struct reminder *find(struct observe_reminders *x, const char *id, const char *moment)
{
    for (size_t i = 0; i < x->count; i++)
        if (strcmp(x->all[i].id, id) == 0 && strcmp(x->all[i].moment, moment) == 0)
            return &x->all[i];
    return NULL;
}

/* Of too many the latest are not kept. */
static struct reminder *room_for(struct observe_reminders *x, uint64_t due_wall)
{
    if (x->count == OBSERVE_REMINDERS) {
        struct reminder *latest = x->all;
        for (size_t i = 1; i < x->count; i++)
            latest = x->all[i].due_wall > latest->due_wall ? &x->all[i] : latest;
        return latest->due_wall > due_wall ? latest : NULL;
    }
    if (x->count == x->room) {
        const size_t room = x->room == 0 ? 16 : 2 * x->room;
        struct reminder *more = realloc(x->all, room * sizeof *more);
        if (more == NULL)
            return NULL;
        x->all = more;
        x->room = room;
    }
    return &x->all[x->count++];
}

static void keep(struct observe_reminders *x, const char *id, const char *moment, uint64_t due_wall)
{
    struct reminder *one = find(x, id, moment);
    if (one == NULL) {
        one = room_for(x, due_wall);
        if (one == NULL)
            return;
        *one = (struct reminder){ .announced = false };
        (void)snprintf(one->id, sizeof one->id, "%s", id);
        (void)snprintf(one->moment, sizeof one->moment, "%s", moment);
    }
    one->due_wall = due_wall;
    one->seen = true;
}

void observe_reminders_take(struct observer *o, const struct observe_record *r)
{
    struct observe_reminders *x = o->reminders;
    const struct cht_bytes done = node_mp_get(r->data, "reminded");
    struct node_mp_iter it = node_mp_iter(node_mp_get(r->data, "reminders"));
    struct cht_bytes key, value;
    char moment[MOMENT_BYTES];
    uint64_t due_wall;
    for (size_t i = 0; i < x->count; i++)
        x->all[i].seen = strcmp(x->all[i].id, r->id) != 0;
    while (!r->gone && !is_finished(r->data) && node_mp_next(&it, &key, &value)) {
        const struct cht_bytes text = node_mp_str(key);
        const bool wanted = node_mp_kind(value) == CRDT_MP_STR || node_mp_bool(value);
        if (!wanted || text.len >= sizeof moment || !due_of(r->data, text, &due_wall))
            continue;
        (void)snprintf(moment, sizeof moment, "%.*s", (int)text.len, (const char *)text.data);
        if (node_mp_get(done, moment).len == 0)
            keep(x, r->id, moment, due_wall);
    }
    for (size_t i = x->count; i > 0; i--)
        if (!x->all[i - 1].seen)
            x->all[i - 1] = x->all[--x->count];
}

/* --- whose turn it is ---------------------------------------------------------------------- */

struct ranking {
    const struct observer *o;
    unsigned before;
};

static enum cht_err take_peers(void *ctx, const struct node_msg *answer)
{
    struct ranking *r = ctx;
    struct node_mp_iter it =
        node_mp_iter(node_mp_get(node_mp_get(answer->payload, "result"), "peers"));
    struct cht_bytes peer;
    while (node_mp_next(&it, NULL, &peer)) {
        const bool here = is_word(peer, "state", "in sync") || is_word(peer, "state", "connected");
        if (here && cht_bytes_cmp(node_mp_get_str(peer, "device"), cht_bytes_str(r->o->device)) < 0)
            r->before++;
    }
    return CHT_OK;
}

/* How long after its time this device comes. */
static uint64_t own_turn_ms(struct observer *o)
{
    struct ranking r = { .o = o };
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_CLIENT_BYTES);
    enum cht_err err = observe_begin(NODE_MSG_COMMAND, &b);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&b, 1);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&b, "name", "peers");
    if (err == CHT_OK)
        err = observe_ask(o, "peers", cht_buf_view(&b), take_peers, &r);
    cht_buf_clear(&b);
    return err == CHT_OK ? (uint64_t)r.before * TURN_MS : 0;
}

/* --- announcing ---------------------------------------------------------------------------- */

/* reminded: {MOMENT: {device, at, missed?}} */
static enum cht_err write_reminded(struct observer *o, const struct reminder *r, bool missed)
{
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_VALUE_BYTES);
    enum cht_err err = crdt_mp_put_map(&b, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(&b, "reminded");
    if (err == CHT_OK)
        err = crdt_mp_put_map(&b, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(&b, r->moment);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&b, missed ? 3 : 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&b, "device", o->device);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&b, "at", o->wall_ms);
    if (err == CHT_OK && missed)
        err = node_mp_put_key_bool(&b, "missed", true);
    if (err == CHT_OK)
        err = observe_change(o, r->id, cht_buf_view(&b));
    cht_buf_clear(&b);
    return err;
}

/* What it is called, cut at a character. */
static struct cht_bytes title_of(struct cht_bytes data)
{
    struct cht_bytes title = node_mp_get_str(data, "content"); /* of a todo */
    if (title.len == 0)
        title = node_mp_get_str(data, "title");
    title.len = title.len > TITLE_BYTES ? TITLE_BYTES : title.len;
    while (title.len > 0 && !crdt_utf8_valid(title))
        title.len--;
    return title;
}

/* It is due, and our turn, and the record still says so. */
static enum cht_err announce(struct observer *o, struct reminder *r, struct cht_bytes data)
{
    const struct cht_bytes note =
        node_mp_str(node_mp_get(node_mp_get(data, "reminders"), r->moment));
    const struct cht_bytes title = title_of(data);
    if (o->wall_ms >= r->due_wall + OBSERVE_DAY_MS)
        return write_reminded(o, r, true);
    enum cht_err err = CHT_OK;
    if (!r->announced) { /* where it cannot be written it is not said again all the same */
        err = observe_notify(title, note.len > 0 ? note : cht_bytes_str(r->moment));
        r->announced = err == CHT_OK;
        if (r->announced)
            observe_log("info", "reminder %s of %s was announced", r->moment, r->id);
    }
    return err == CHT_OK ? write_reminded(o, r, false) : err;
}

/* True: there is no more to do about it. */
static bool settle(struct observer *o, struct reminder *r)
{
    struct cht_buf copy;
    uint64_t due_wall = 0;
    cht_buf_init(&copy, LIMIT_CLIENT_BYTES);
    enum cht_err err = observe_get(o, r->id, &copy);
    const struct cht_bytes data = cht_buf_view(&copy);
    bool over = true;
    if (err == CHT_OK && !is_finished(data) &&
        node_mp_get(node_mp_get(data, "reminders"), r->moment).len != 0 &&
        node_mp_get(node_mp_get(data, "reminded"), r->moment).len == 0 &&
        due_of(data, cht_bytes_str(r->moment), &due_wall)) {
        r->due_wall = due_wall;
        over = due_wall <= o->wall_ms && announce(o, r, data) == CHT_OK;
        if (!over && due_wall <= o->wall_ms)
            r->due_wall = o->wall_ms + RETRY_MS;
    }
    cht_buf_clear(&copy);
    return over;
}

/* With a device that cannot tell anybody only what is missed is left to do. */
static uint64_t wake_wall(const struct observe_reminders *x, const struct reminder *r)
{
    return r->due_wall + (x->able ? 0 : OBSERVE_DAY_MS);
}

void observe_reminders_tick(struct observer *o)
{
    struct observe_reminders *x = o->reminders;
    uint64_t turn_ms = UINT64_MAX;
    for (size_t i = x->count; i > 0 && !o->over; i--) {
        if (wake_wall(x, &x->all[i - 1]) > o->wall_ms)
            continue;
        if (turn_ms == UINT64_MAX)
            turn_ms = own_turn_ms(o);
        if (wake_wall(x, &x->all[i - 1]) + turn_ms > o->wall_ms)
            continue;
        if (settle(o, &x->all[i - 1]))
            x->all[i - 1] = x->all[--x->count];
    }
}

void observe_reminders_wait(struct observer *o, struct observe_waits *w)
{
    const struct observe_reminders *x = o->reminders;
    for (size_t i = 0; i < x->count; i++) {
        const uint64_t at = wake_wall(x, &x->all[i]);
        if (at > o->wall_ms)
            observe_wait_until_wall(w, at);
        else /* it is another one's turn */
            observe_wait_until(w, o->now_ms + TURN_MS);
    }
}
