/* A small network in virtual time; see toy_net.h. */
#include "tests/support/toy_net.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define TOY_ARENA_BYTES (64u * 1024u * 1024u)

/* --- pipes ------------------------------------------------------------------------------- */

static void pipe_clear(struct toy_pipe *p)
{
    while (p->first != NULL) {
        struct toy_frame *next = p->first->next;
        free(p->first);
        p->first = next;
    }
    *p = (struct toy_pipe){ 0 };
    p->last = &p->first;
}

static void pipe_add(struct toy_net *net, struct toy_pipe *p, struct cht_bytes bytes)
{
    struct toy_frame *f = malloc(sizeof *f + bytes.len);
    uint64_t at = net->now_ms + 1 + seeded_below(&net->random, net->delay_ms_max);
    f->next = NULL;
    f->len = bytes.len;
    f->at_ms = at > p->last_ms ? at : p->last_ms; /* a connection keeps the order */
    p->last_ms = f->at_ms;
    memcpy(f->bytes, bytes.data, bytes.len);
    *p->last = f;
    p->last = &f->next;
}

/* Both ends of a link must keep to the credit, whatever happens. */
static void watch_credit(struct toy_net *net, struct toy_link *l, size_t from,
                         struct cht_bytes bytes)
{
    struct cht_arena arena;
    struct net_frame f;
    cht_arena_init(&arena, TOY_ARENA_BYTES);
    enum cht_err err = net_frame_decode(bytes, &arena, &f);
    if (err != CHT_OK) {
        fprintf(stderr, "a session sent an unreadable frame: %s\n", cht_err_code(err));
        abort();
    }
    net->sent[f.kind]++;
    struct toy_pipe *out = &l->side[1 - from].in; /* what `from` has sent and is not acked */
    struct toy_pipe *back = &l->side[from].in;
    if (f.kind == NET_FRAME_RANGE) {
        out->unacked_bytes += (uint32_t)net_ranges_cost(f.range.ranges, f.range.count);
        out->unacked_frames++;
    } else if (f.kind == NET_FRAME_ACK) {
        back->unacked_bytes -= f.ack.bytes;
        back->unacked_frames -= f.ack.frames;
    }
    if (out->unacked_bytes > LIMIT_CREDIT_BYTES || out->unacked_frames > LIMIT_UNACKED_FRAMES ||
        back->unacked_bytes > LIMIT_CREDIT_BYTES) {
        fprintf(stderr, "credit exceeded: %u bytes, %u frames\n", out->unacked_bytes,
                out->unacked_frames);
        abort();
    }
    cht_arena_clear(&arena);
}

/* --- sessions ---------------------------------------------------------------------------- */

static void add_stats(struct net_session_stats *sum, const struct net_session_stats *s)
{
    sum->frames_in += s->frames_in;
    sum->frames_out += s->frames_out;
    sum->bytes_in += s->bytes_in;
    sum->bytes_out += s->bytes_out;
    sum->ranges_in += s->ranges_in;
    sum->ranges_out += s->ranges_out;
    sum->stale += s->stale;
    sum->overdrawn += s->overdrawn;
    sum->known += s->known;
    sum->unplaceable += s->unplaceable;
    sum->misses += s->misses;
    sum->stalls += s->stalls;
    sum->refused += s->refused;
    sum->heads_in += s->heads_in;
    sum->heads_out += s->heads_out;
    if (s->unacked_bytes_max > sum->unacked_bytes_max)
        sum->unacked_bytes_max = s->unacked_bytes_max;
}

static void end_session(struct toy_net *net, struct toy_side *side)
{
    if (side->session != NULL)
        add_stats(&net->past, net_session_stats(side->session));
    net_session_free(side->session);
    side->session = NULL;
}

static void start_session(struct toy_net *net, size_t link, size_t side)
{
    struct toy_link *l = &net->links[link];
    struct toy_node *n = &net->nodes[l->side[side].node];
    struct net_session_config c = { .outbound = side == 0,
                                    .level = 1,
                                    .jitter = (uint32_t)seeded_next(&net->random),
                                    .name = cht_bytes_str("toy"),
                                    .space_count = 1,
                                    .spaces = &n->space,
                                    .commands = net->commands,
                                    .command_count = net->command_count };
    memcpy(c.device, n->replica.device, sizeof c.device);
    memcpy(c.peer, net->nodes[l->side[1 - side].node].replica.device, sizeof c.peer);
    memcpy(c.run, n->run, sizeof c.run);
    seeded_fill(&net->random, c.nonce, sizeof c.nonce);
    c.nonce[0] |= 1;
    l->side[side].session = net_session_new(&c);
    struct net_event ev = { .kind = NET_EV_START };
    toy_net_event(net, link, side, &ev);
}

/* The transport's part of a close: the link goes down on both sides. */
static void close_link(struct toy_link *l)
{
    l->up = false;
    for (size_t i = 0; i < 2; i++)
        pipe_clear(&l->side[i].in);
}

/* --- one turn ---------------------------------------------------------------------------- */

/* What a node has to do after its sessions were stepped: DELIVER and RECORDS, in their order. */
struct later {
    struct later *next;
    size_t link, side;
    const struct net_effect *effect;
};

struct turn {
    struct cht_arena arena;
    struct later *first, **last;
    bool changed;
};

static void step(struct toy_net *net, size_t link, size_t side, struct net_event *ev,
                 struct turn *turn);

static void turn_begin(struct turn *turn)
{
    cht_arena_init(&turn->arena, TOY_ARENA_BYTES);
    turn->first = NULL;
    turn->last = &turn->first;
    turn->changed = false;
}

static void do_deliver(struct toy_net *net, const struct later *l, struct turn *turn)
{
    const struct net_effect *e = l->effect;
    struct toy_node *n = &net->nodes[net->links[l->link].side[l->side].node];
    enum net_verdict verdicts[LIMIT_FRAME_RANGES];
    for (size_t i = 0; i < e->deliver.count; i++) {
        verdicts[i] = toy_receive(&n->replica, &e->deliver.ranges[i]);
        turn->changed = turn->changed || verdicts[i] == NET_STORED;
    }
    toy_refresh(&n->replica);
    struct net_event ev = { .kind = NET_EV_DELIVERED };
    ev.delivered.token = e->deliver.token;
    ev.delivered.count = e->deliver.count;
    ev.delivered.verdicts = verdicts;
    step(net, l->link, l->side, &ev, turn);
}

static void do_records(struct toy_net *net, const struct later *l, struct turn *turn)
{
    const struct net_effect *e = l->effect;
    struct toy_node *n = &net->nodes[net->links[l->link].side[l->side].node];
    struct net_event ev = { .kind = NET_EV_RECORDS_DONE, .records = CHT_OK };
    for (size_t i = 0; i < e->records.count && ev.records == CHT_OK; i++)
        ev.records = toy_record_receive(&n->replica, e->records.records[i]);
    turn->changed = true;
    step(net, l->link, l->side, &ev, turn);
}

static void do_fork(struct toy_net *net, const struct later *l, struct turn *turn)
{
    struct toy_node *n = &net->nodes[net->links[l->link].side[l->side].node];
    struct net_event ev = { .kind = NET_EV_FORK_DONE };
    ev.fork = toy_fork_receive(&n->replica, l->effect->proof);
    turn->changed = true;
    step(net, l->link, l->side, &ev, turn);
}

/* The commit, and what follows it. */
static void turn_end(struct toy_net *net, size_t node, struct turn *turn)
{
    for (const struct later *l = turn->first; l != NULL; l = l->next) {
        if (l->effect->kind == NET_FX_DELIVER)
            do_deliver(net, l, turn);
        else if (l->effect->kind == NET_FX_FORK)
            do_fork(net, l, turn);
        else
            do_records(net, l, turn);
    }
    cht_arena_clear(&turn->arena);
    if (turn->changed)
        toy_net_changed(net, node);
}

static void do_later(size_t link, size_t side, const struct net_effect *e, struct turn *turn)
{
    struct later *l = cht_arena_alloc(&turn->arena, sizeof *l);
    *l = (struct later){ .link = link, .side = side, .effect = e };
    *turn->last = l;
    turn->last = &l->next;
}

static void on_alarm(struct toy_node *n, const struct net_effect *e)
{
    n->alarms += !e->alarm.done;
    n->alarm_done += e->alarm.done;
    n->alarm_rows = e->alarm.count;
    memcpy(n->alarm_row, e->alarm.rows, e->alarm.count * sizeof *n->alarm_row);
}

static void on_effect(struct toy_net *net, size_t link, size_t side, const struct net_effect *e,
                      struct turn *turn)
{
    struct toy_link *l = &net->links[link];
    struct toy_node *n = &net->nodes[l->side[side].node];
    switch (e->kind) {
    case NET_FX_SEND:
        watch_credit(net, l, side, e->frame);
        if (l->up)
            pipe_add(net, &l->side[1 - side].in, e->frame);
        break;
    case NET_FX_UP:
        n->ups++;
        break;
    case NET_FX_RECORDS:
    case NET_FX_DELIVER:
    case NET_FX_FORK:
        do_later(link, side, e, turn);
        break;
    case NET_FX_HOLDS:
        n->holds++;
        break;
    case NET_FX_SYNCED:
        n->synced += e->synced;
        break;
    case NET_FX_ALARM:
        on_alarm(n, e);
        break;
    case NET_FX_MESSAGE:
        n->messages++;
        break;
    case NET_FX_BLOB: /* toys have none */
        break;
    case NET_FX_CLOSE:
        n->closes++;
        n->blamed += e->close.blame;
        n->close_reason = e->close.reason;
        n->close_by_peer = e->close.by_peer;
        break;
    }
}

static void step(struct toy_net *net, size_t link, size_t side, struct net_event *ev,
                 struct turn *turn)
{
    struct toy_side *at = &net->links[link].side[side];
    struct net_effects fx;
    if (at->session == NULL)
        return;
    net_effects_init(&fx, &turn->arena);
    ev->now_ms = net->now_ms;
    ev->wall_ms = net->wall_ms + net->now_ms;
    enum cht_err err = net_session_step(at->session, ev, &fx);
    assert(err == CHT_OK);
    (void)err;
    for (const struct net_effect *e = fx.first; e != NULL; e = e->next)
        on_effect(net, link, side, e, turn);
}

static void tell_all(struct toy_net *net, size_t node, struct net_event *ev)
{
    struct turn turn;
    turn_begin(&turn);
    for (size_t i = 0; i < net->link_count; i++) {
        for (size_t k = 0; k < 2; k++) {
            struct toy_side *side = &net->links[i].side[k];
            if (side->node == node && side->session != NULL && !net_session_closed(side->session))
                step(net, i, k, ev, &turn);
        }
    }
    assert(turn.first == NULL && !turn.changed);
    turn_end(net, node, &turn);
}

void toy_net_changed(struct toy_net *net, size_t node)
{
    toy_refresh(&net->nodes[node].replica);
    struct net_event ev = { .kind = NET_EV_CHANGED };
    tell_all(net, node, &ev);
}

void toy_net_event(struct toy_net *net, size_t link, size_t side, const struct net_event *ev)
{
    struct turn turn;
    struct net_event copy = *ev;
    turn_begin(&turn);
    step(net, link, side, &copy, &turn);
    turn_end(net, net->links[link].side[side].node, &turn);
}

void toy_net_commit(struct toy_net *net, size_t node, uint32_t count, uint32_t pad)
{
    struct toy_node *n = &net->nodes[node];
    const struct toy_entry *before = n->replica.own;
    const struct toy_entry *dep = NULL;
    if (n->replica.held_count > 0 && seeded_below(&net->random, 2) == 0) {
        struct toy_held *h =
            &n->replica.held[seeded_below(&net->random, (uint32_t)n->replica.held_count)];
        dep = h->applied ? h->entry : NULL;
    }
    toy_commit(&n->replica, count, pad, seeded_below(&net->random, 100000), dep);

    struct cht_arena arena;
    struct net_run run;
    cht_arena_init(&arena, TOY_ARENA_BYTES);
    toy_own_ranges(&n->replica, before, &arena, &run);
    struct net_event ev = { .kind = NET_EV_LOCAL };
    ev.local.last = n->replica.own->id;
    if (before != NULL)
        ev.local.before = before->id;
    ev.local.ranges = run.ranges;
    ev.local.count = run.complete ? run.count : 0;
    tell_all(net, node, &ev);
    cht_arena_clear(&arena);
}

/* --- time -------------------------------------------------------------------------------- */

static uint64_t next_ms(const struct toy_net *net)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < net->link_count; i++) {
        for (size_t k = 0; k < 2; k++) {
            const struct toy_side *side = &net->links[i].side[k];
            if (side->in.first != NULL && side->in.first->at_ms < next)
                next = side->in.first->at_ms;
            if (side->session != NULL && net_session_due_ms(side->session) < next)
                next = net_session_due_ms(side->session);
        }
    }
    return next;
}

/* One turn with the frames that have arrived at one side, LIMIT_TURN_FRAMES at most. */
static void take_frames(struct toy_net *net, size_t link, size_t k)
{
    struct toy_side *side = &net->links[link].side[k];
    struct toy_frame *taken[LIMIT_TURN_FRAMES];
    size_t count = 0;
    struct turn turn;
    turn_begin(&turn);
    while (count < LIMIT_TURN_FRAMES && side->in.first != NULL &&
           side->in.first->at_ms <= net->now_ms) {
        struct toy_frame *f = taken[count++] = side->in.first;
        side->in.first = f->next;
        if (f->next == NULL)
            side->in.last = &side->in.first;
        if (side->session == NULL && k == 1) /* the accepting side starts at the first frame */
            start_session(net, link, k);
        struct net_event ev = { .kind = NET_EV_FRAME, .bytes = cht_bytes(f->bytes, f->len) };
        step(net, link, k, &ev, &turn);
    }
    turn_end(net, side->node, &turn);
    for (size_t i = 0; i < count; i++)
        free(taken[i]);
}

static void run_side(struct toy_net *net, size_t link, size_t k)
{
    struct toy_side *side = &net->links[link].side[k];
    while (side->in.first != NULL && side->in.first->at_ms <= net->now_ms)
        take_frames(net, link, k);
    if (side->session != NULL && net_session_due_ms(side->session) <= net->now_ms) {
        struct net_event ev = { .kind = NET_EV_TICK };
        toy_net_event(net, link, k, &ev);
    }
}

/* A closed session hangs up once its BYE has been read. */
static void hang_up(struct toy_net *net)
{
    for (size_t i = 0; i < net->link_count; i++) {
        struct toy_link *l = &net->links[i];
        for (size_t k = 0; k < 2; k++) {
            if (l->side[k].session != NULL && net_session_closed(l->side[k].session) &&
                l->side[1 - k].in.first == NULL) {
                end_session(net, &l->side[k]);
                close_link(l);
            }
        }
    }
}

void toy_net_run(struct toy_net *net, uint64_t ms)
{
    uint64_t end = net->now_ms + ms;
    for (;;) {
        uint64_t next = next_ms(net);
        if (next > end)
            break;
        net->now_ms = next > net->now_ms ? next : net->now_ms;
        for (size_t i = 0; i < net->link_count; i++) {
            run_side(net, i, 0);
            run_side(net, i, 1);
        }
        hang_up(net);
    }
    net->now_ms = end;
}

bool toy_net_settle(struct toy_net *net, uint64_t ms_max)
{
    uint64_t end = net->now_ms + ms_max;
    while (!toy_net_equal(net) && net->now_ms < end)
        toy_net_run(net, 50);
    return toy_net_equal(net);
}

/* --- making it --------------------------------------------------------------------------- */

void toy_net_init(struct toy_net *net, size_t count, struct seeded random)
{
    assert(count <= TOY_NODES_MAX);
    memset(net, 0, sizeof *net);
    net->random = random;
    net->delay_ms_max = 20;
    net->now_ms = 1000;
    net->wall_ms = UINT64_C(1790000000000);
    net->node_count = count;
    for (size_t i = 0; i < count; i++) {
        struct toy_node *n = &net->nodes[i];
        toy_replica_init(&n->replica, &net->world, (uint8_t)(i + 1));
        toy_record_add(&n->replica, 0, 0);
        net_pulls_init(&n->pulls);
        memset(n->space.id, 0x77, sizeof n->space.id);
        n->space.view = toy_view(&n->replica);
        n->space.pulls = &n->pulls;
        seeded_fill(&net->random, n->run, sizeof n->run);
    }
}

void toy_net_clear(struct toy_net *net)
{
    for (size_t i = 0; i < net->link_count; i++) {
        for (size_t k = 0; k < 2; k++) {
            net_session_free(net->links[i].side[k].session);
            pipe_clear(&net->links[i].side[k].in);
        }
    }
    for (size_t i = 0; i < net->node_count; i++)
        toy_replica_clear(&net->nodes[i].replica);
    toy_world_clear(&net->world);
}

size_t toy_net_join(struct toy_net *net, size_t dialler, size_t other)
{
    assert(net->link_count < TOY_LINKS_MAX);
    size_t link = net->link_count++;
    net->links[link].side[0].node = dialler;
    net->links[link].side[1].node = other;
    for (size_t k = 0; k < 2; k++)
        net->links[link].side[k].in.last = &net->links[link].side[k].in.first;
    toy_net_mend(net, link);
    return link;
}

void toy_net_mend(struct toy_net *net, size_t link)
{
    struct toy_link *l = &net->links[link];
    toy_net_cut(net, link);
    l->up = true;
    start_session(net, link, 0);
}

void toy_net_cut(struct toy_net *net, size_t link)
{
    struct toy_link *l = &net->links[link];
    for (size_t k = 0; k < 2; k++) {
        uint32_t still = seeded_below(&net->random, 4); /* what the kernel had already */
        for (; still > 0 && l->side[k].in.first != NULL && l->side[k].session != NULL; still--) {
            net->now_ms =
                l->side[k].in.first->at_ms > net->now_ms ? l->side[k].in.first->at_ms : net->now_ms;
            l->up = false;
            run_side(net, link, k);
        }
    }
    close_link(l);
    end_session(net, &l->side[0]);
    end_session(net, &l->side[1]);
}

void toy_net_inject(struct toy_net *net, size_t link, size_t side, struct cht_bytes bytes)
{
    pipe_add(net, &net->links[link].side[side].in, bytes);
}

bool toy_net_equal(const struct toy_net *net)
{
    for (size_t i = 1; i < net->node_count; i++) {
        if (!toy_equal(&net->nodes[0].replica, &net->nodes[i].replica))
            return false;
    }
    return true;
}

struct net_session_stats toy_net_stats(const struct toy_net *net)
{
    struct net_session_stats sum = net->past;
    for (size_t i = 0; i < net->link_count; i++) {
        for (size_t k = 0; k < 2; k++) {
            if (net->links[i].side[k].session != NULL)
                add_stats(&sum, net_session_stats(net->links[i].side[k].session));
        }
    }
    return sum;
}
