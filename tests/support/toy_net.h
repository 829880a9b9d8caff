#ifndef TESTS_SUPPORT_TOY_NET_H
#define TESTS_SUPPORT_TOY_NET_H
/* Toy replicas joined by sessions over links with delay, in virtual time: the turn of DESIGN's node
 * (step, commit, then answer) without disk or sockets. Watches what no session may do: exceed
 * credit, send an unreadable frame. */
#include "tests/support/seeded.h"
#include "tests/support/toy.h"

#define TOY_NODES_MAX 12u
#define TOY_LINKS_MAX 80u

struct toy_frame {
    struct toy_frame *next;
    uint64_t at_ms;
    size_t len;
    uint8_t bytes[];
};

/* One direction of a link. */
struct toy_pipe {
    struct toy_frame *first, **last;
    uint64_t last_ms;
    uint32_t unacked_bytes, unacked_frames;
};

struct toy_side {
    size_t node;
    struct net_session *session;
    struct toy_pipe in; /* frames on their way to this side */
};

struct toy_link {
    bool up;
    struct toy_side side[2]; /* 0 dialled */
};

struct toy_node {
    struct toy_replica replica;
    struct net_pulls pulls;
    struct net_space space;
    uint8_t run[NET_RUN_BYTES];
    const struct toy_entry *announced; /* own entries up to here were told as LOCAL */
    /* what the effects said */
    unsigned ups, synced, alarms, alarm_done, messages, closes, blamed, holds;
    size_t alarm_rows;
    struct net_alarm_row alarm_row[LIMIT_ALARM_ROWS]; /* keys not kept */
    enum net_bye_reason close_reason;
    bool close_by_peer;
};

struct toy_net {
    struct toy_world world;
    struct seeded random;
    uint64_t now_ms, wall_ms;
    uint32_t delay_ms_max; /* of a frame; at least 1 */
    size_t node_count, link_count;
    struct toy_node nodes[TOY_NODES_MAX];
    struct toy_link links[TOY_LINKS_MAX];
    struct net_session_stats past; /* of sessions that are gone, added up */
    uint64_t sent[NET_FRAME_KIND_MAX + 1];
    size_t command_count;
    const char *const *commands;
};

/* `count` nodes, numbered from 0, device n + 1, sharing one founding record. */
void toy_net_init(struct toy_net *net, size_t count, struct seeded random);
void toy_net_clear(struct toy_net *net);
/* Join two nodes; `dialler` dials. Returns the link's number. */
size_t toy_net_join(struct toy_net *net, size_t dialler, size_t other);
/* Cut a link: what is on its way is lost (each direction keeps a random beginning), sessions end.
 */
void toy_net_cut(struct toy_net *net, size_t link);
/* Start sessions over a link again. */
void toy_net_mend(struct toy_net *net, size_t link);
/* An own commit at a node, told to its sessions in a turn. */
void toy_net_commit(struct toy_net *net, size_t node, uint32_t count, uint32_t pad);
/* A change made behind the sessions' back (records, a restored entry), told as CHANGED. */
void toy_net_changed(struct toy_net *net, size_t node);
/* Feed one event to one side of a link and carry out its effects. */
void toy_net_event(struct toy_net *net, size_t link, size_t side, const struct net_event *ev);
/* Put raw bytes on their way to a side. */
void toy_net_inject(struct toy_net *net, size_t link, size_t side, struct cht_bytes bytes);
/* Let `ms` pass. */
void toy_net_run(struct toy_net *net, uint64_t ms);
/* Run until all nodes are equal, at most `ms_max`. Returns whether they are. */
bool toy_net_settle(struct toy_net *net, uint64_t ms_max);
bool toy_net_equal(const struct toy_net *net);
/* Statistics of all sessions, gone and present, added up. */
struct net_session_stats toy_net_stats(const struct toy_net *net);

#endif
