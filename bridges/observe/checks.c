/* How services look from this machine; see observe.h. Each device that has an observer checks every
 * service that has a `check_url`, for itself. Written is what changed; the details also when what
 * is there is older than an hour. Worse than before is said after a second try. */
#include "bridges/observe/fetch.h"
#include "bridges/observe/observe.h"
#include "bridges/observe/verdict.h"
#include "crdt/limits.h"

#include <stdio.h>
#include <stdlib.h>

#define EVERY_S        60u
#define EVERY_S_MIN    5u
#define EVERY_S_MAX    86400u
#define TIMEOUT_MS     5000u
#define TIMEOUT_MS_MIN 100u
#define TIMEOUT_MS_MAX 60000u
#define AGAIN_MS       1000u /* the second try */
#define AT_ONCE        16u
#define DETAILS_MS     3600000u
#define REFUSED_MS     600000u /* what the node does not take is not offered every time */

struct check {
    struct check *next;
    uint32_t number;
    char id[CRDT_ID_TEXT_MAX];
    char url[LIMIT_TITLE_BYTES + 1];
    uint32_t every_s, timeout_ms;
    enum observe_health said; /* what the record says of here */
    uint64_t said_ms;         /* … and since when its details are */
    bool asking, again;       /* `again`: this is the second try */
    uint64_t due_ms;
};

struct observe_checks {
    struct fetch_desk *fetches;
    struct check *all;
    uint32_t count, last_number;
};

enum cht_err observe_checks_open(struct observer *o)
{
    struct observe_checks *x = calloc(1, sizeof *x);
    if (x == NULL)
        return CHT_E_NOMEM;
    enum cht_err err = fetch_open(&x->fetches);
    if (err != CHT_OK)
        free(x);
    else
        o->checks = x;
    return err;
}

static void drop(struct observe_checks *x, const char *id)
{
    struct check **at = &x->all;
    while (*at != NULL && strcmp((*at)->id, id) != 0)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    struct check *gone = *at;
    *at = gone->next;
    free(gone);
    x->count--;
}

void observe_checks_close(struct observer *o)
{
    struct observe_checks *x = o->checks;
    if (x == NULL)
        return;
    while (x->all != NULL)
        drop(x, x->all->id);
    fetch_close(x->fetches);
    free(x);
    o->checks = NULL;
}

/* --- what the records say ------------------------------------------------------------------ */

static struct check *find_or_add(struct observer *o, const char *id)
{
    struct observe_checks *x = o->checks;
    for (struct check *c = x->all; c != NULL; c = c->next)
        if (strcmp(c->id, id) == 0)
            return c;
    struct check *c = x->count == OBSERVE_SERVICES ? NULL : calloc(1, sizeof *c);
    if (c == NULL) {
        observe_log("warning", "%s is not checked: there are too many services", id);
        return NULL;
    }
    (void)snprintf(c->id, sizeof c->id, "%s", id);
    c->number = ++x->last_number;
    c->next = x->all;
    x->all = c;
    x->count++;
    return c;
}

static uint32_t within(uint64_t value, uint32_t min, uint32_t max)
{
    return value < min ? min : value > max ? max : (uint32_t)value;
}

static enum observe_health health_of(struct cht_bytes word)
{
    for (unsigned h = OBSERVE_HEALTHY; h <= OBSERVE_DOWN; h++)
        if (cht_bytes_eq(word, cht_bytes_str(observe_health_word(h))))
            return h;
    return OBSERVE_UNKNOWN;
}

void observe_checks_take(struct observer *o, const struct observe_record *r)
{
    const struct cht_bytes url = node_mp_get_str(r->data, "check_url");
    if (r->gone || url.len == 0 || url.len > LIMIT_TITLE_BYTES) {
        drop(o->checks, r->id);
        return;
    }
    struct check *c = find_or_add(o, r->id);
    if (c == NULL)
        return;
    const uint32_t every_s =
        within(node_mp_get_uint(r->data, "check_every", EVERY_S), EVERY_S_MIN, EVERY_S_MAX);
    if (!cht_bytes_eq(cht_bytes_str(c->url), url) || c->every_s != every_s) {
        memcpy(c->url, url.data, url.len);
        c->url[url.len] = '\0';
        c->every_s = every_s;
        c->due_ms = o->now_ms;
    }
    c->timeout_ms = within(node_mp_get_uint(r->data, "check_timeout", TIMEOUT_MS), TIMEOUT_MS_MIN,
                           TIMEOUT_MS_MAX);
    c->said = health_of(node_mp_get_str(node_mp_get(r->data, "health"), o->device));
    c->said_ms = node_mp_get_uint(node_mp_get(node_mp_get(r->data, "checks"), o->device), "at", 0);
}

/* --- answers ------------------------------------------------------------------------------- */

/* libcurl's sentence, cut at a character. */
static struct cht_bytes error_of(const struct fetch_answer *answer)
{
    struct cht_bytes text = cht_bytes_str(answer->error);
    while (text.len > 0 && !crdt_utf8_valid(text))
        text.len--;
    return text;
}

static enum cht_err put_details(const struct observer *o, const struct fetch_answer *answer,
                                struct cht_buf *b)
{
    enum cht_err err = crdt_mp_put_map(b, answer->error[0] == '\0' ? 3 : 4);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(b, "at", o->wall_ms);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(b, "status", (uint64_t)answer->status);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(b, "latency_ms", answer->latency_ms);
    if (err == CHT_OK && answer->error[0] != '\0')
        err = node_mp_put_key_str(b, "error", error_of(answer));
    return err;
}

static void write_health(struct observer *o, struct check *c, enum observe_health now,
                         const struct fetch_answer *answer)
{
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_VALUE_BYTES);
    enum cht_err err = crdt_mp_put_map(&b, 2);
    if (err == CHT_OK)
        err = node_mp_put_text(&b, "health");
    if (err == CHT_OK)
        err = crdt_mp_put_map(&b, 1);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&b, o->device, observe_health_word(now));
    if (err == CHT_OK)
        err = node_mp_put_text(&b, "checks");
    if (err == CHT_OK)
        err = crdt_mp_put_map(&b, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(&b, o->device);
    if (err == CHT_OK)
        err = put_details(o, answer, &b);
    if (err == CHT_OK)
        err = observe_change(o, c->id, cht_buf_view(&b));
    if (err == CHT_OK) {
        c->said = now;
        c->said_ms = o->wall_ms;
    } else if (c->due_ms < o->now_ms + REFUSED_MS) {
        c->due_ms = o->now_ms + REFUSED_MS;
    }
    cht_buf_clear(&b);
}

static void judge(struct observer *o, struct check *c, enum observe_health now,
                  const struct fetch_answer *answer)
{
    const bool again = !c->again && observe_is_worse(c->said, now);
    c->asking = false;
    c->again = again;
    c->due_ms = o->now_ms + (again ? AGAIN_MS : c->every_s * UINT64_C(1000));
    if (!again && (now != c->said || o->wall_ms >= c->said_ms + DETAILS_MS))
        write_health(o, c, now, answer);
}

static void answered(void *ctx, uint32_t number, const struct fetch_answer *answer)
{
    struct observer *o = ctx;
    struct check *c = o->checks->all;
    while (c != NULL && c->number != number)
        c = c->next;
    if (c != NULL) /* else it was dropped meanwhile */
        judge(o, c, observe_verdict(answer->status, answer->latency_ms, c->timeout_ms), answer);
}

/* --- turns --------------------------------------------------------------------------------- */

static void ask(struct observer *o, struct check *c)
{
    enum cht_err err =
        fetch_start(o->checks->fetches, c->url, c->timeout_ms, answered, o, c->number);
    c->asking = err == CHT_OK;
    if (err == CHT_E_INVALID) {
        static const struct fetch_answer none = { .error = "no address of http or https" };
        judge(o, c, OBSERVE_UNKNOWN, &none);
    } else if (err != CHT_OK) {
        c->due_ms = o->now_ms + c->every_s * UINT64_C(1000);
    }
}

void observe_checks_tick(struct observer *o)
{
    struct observe_checks *x = o->checks;
    fetch_tick(x->fetches);
    for (struct check *c = x->all; c != NULL && !o->over; c = c->next)
        if (!c->asking && c->due_ms <= o->now_ms && fetch_count(x->fetches) < AT_ONCE)
            ask(o, c);
    fetch_tick(x->fetches); /* those just begun: to be waited for */
}

void observe_checks_wait(struct observer *o, struct observe_waits *w)
{
    const struct observe_checks *x = o->checks;
    const bool room = fetch_count(x->fetches) < AT_ONCE;
    for (const struct check *c = x->all; room && c != NULL; c = c->next)
        if (!c->asking)
            observe_wait_until(w, c->due_ms);
}

void observe_checks_poll(struct observer *o, struct observe_waits *w, int timeout_ms)
{
    fetch_poll(o->checks->fetches, w->fds, w->count, timeout_ms);
}
