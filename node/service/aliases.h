#ifndef NODE_SERVICE_ALIASES_H
#define NODE_SERVICE_ALIASES_H
/* Inside node/service only: which records are duplicates of which (PROTOCOL 5.10, LOCAL 9.1). Read
 * from the tables once; from then on each commit tells what changed. Where nothing was ever merged,
 * all of this is a look at an empty list. */
#include "crdt/base/buf.h"
#include "crdt/id.h"

struct node_service;

/* A live value of `alias_of`. */
struct service_alias_edge {
    uint32_t from;
    struct crdt_id to;
};

struct service_alias {
    uint32_t n, survivor; /* entities, by number; not the same */
};

struct service_aliases {
    struct service_alias_edge *edges; /* ascending by `from` */
    size_t edge_count, edge_cap;
    struct service_alias *by_number, *by_survivor; /* made of the edges; in one allocation */
    size_t count;
    bool loaded, fresh;
    uint64_t bits[16]; /* by type: the field among those touched (struct node_touch) */
};

/* The entity that this one is merged into, itself where it is not. */
uint32_t service_survivor(struct node_service *s, uint32_t n);
/* The same of an id, which need not be known here. */
struct crdt_id service_survivor_id(struct node_service *s, const struct crdt_id *id);
/* The records merged into an entity, ascending by number; borrowed until the next request. */
const struct service_alias *service_aliases_of(struct node_service *s, uint32_t survivor,
                                               size_t *out_count);
/* The live values of `alias_of`, ascending by who has them; borrowed until the next request. */
const struct service_alias_edge *service_alias_edges(struct node_service *s, size_t *out_count);

/* Before a request: read them, if that is still to be done. */
void service_aliases_ready(struct node_service *s);
/* An entity's `alias_of` was written in this turn. */
void service_aliases_note(struct node_service *s, uint32_t n);
/* After a commit: what it changed is taken over. */
void service_aliases_after(struct node_service *s);
/* Another replica, or other numbers: forget all. */
void service_aliases_clear(struct node_service *s);

/* Append an id as the log has links: a bin of type and id. */
CHT_MUST_USE enum cht_err service_put_link(const struct crdt_id *id, struct cht_buf *out);
/* Was anything merged into it? */
bool service_merged(struct node_service *s, const struct crdt_id *id);
/* "alias": what was asked for, where it is not NULL; "origins", where anything was merged. */
CHT_MUST_USE enum cht_err service_put_merged(struct node_service *s, const struct crdt_id *id,
                                             const struct crdt_id *alias, struct cht_buf *out);
/* One record in a few words: { chittyId, title?, status?, session?, sessionName? }. */
CHT_MUST_USE enum cht_err service_put_origin(struct node_service *s, uint32_t n,
                                             struct cht_buf *out);
/* "origins": the records that one is made of, itself first: [ { chittyId, title?, status?,
 * session?, sessionName? } … ]. */
CHT_MUST_USE enum cht_err service_put_origins(struct node_service *s, uint32_t n,
                                              struct cht_buf *out);

#endif
