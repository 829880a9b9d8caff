#ifndef NODE_NODE_H
#define NODE_NODE_H
/* What `chitty-node` asks of the node: run it, make a home, and ask a home without a running node.
 * Where a home's files are is decided by the environment (node/client/paths.h). */
#include "node/client/answer.h"

struct node_init_options {
    const char *name; /* of the device, at most LIMIT_NAME_BYTES of UTF-8; NULL: the host's name */
};

struct node_init_result {
    char device[33]; /* hex, NUL-terminated */
    char space[33];
    char name[65];
    char home[4096]; /* the folder of keys and database */
};

/* Make a device and a space of its own. CHT_E_EXISTS: the home has both already; CHT_E_INVALID: the
 * name; CHT_E_BUSY: a node runs there; CHT_E_DENIED, CHT_E_IO, CHT_E_FULL. */
CHT_MUST_USE enum cht_err node_init(const struct node_init_options *options,
                                    struct node_fault *fault, struct node_init_result *out);

/* Give the space `space_hex`, which `join --keep-both` left in the default home, this home: the
 * same device goes on in it. Goes on where an earlier try was cut off. CHT_E_NOTFOUND: no such
 * database there; CHT_E_EXISTS: this home has a space; CHT_E_INVALID; the rest as node_init. */
CHT_MUST_USE enum cht_err node_adopt(const char *space_hex, struct node_fault *fault,
                                     struct node_init_result *out);

struct node_restore_options {
    const char *file; /* made by `backup` */
    const char *name; /* of the device, where one has to be made; NULL: the host's name */
    bool replace;     /* there may be a space here already; its file is kept */
    bool found;       /* take what it holds into a new space of this device */
    void (*progress)(void *ctx, const char *text); /* NULL: nobody wants to know */
    void *ctx;
};

struct node_restore_result {
    char device[33], space[33]; /* hex; the space that is in use now */
    char home[4096];
    char kept[4096];    /* the database that was there before; empty: none */
    uint64_t entries;   /* in the backup */
    uint64_t backup_ms; /* when it was made */
    bool made;          /* the device is new */
    bool writes;        /* this device may write in the space */
};

/* Put a backup in the place of a home's database, whole or not at all, checked before. Where the
 * home's device is a member of its space it goes on writing there, in an epoch of its own; what it
 * wrote since the backup comes back from its peers. Elsewhere the device, a new one where there is
 * none, reads until a member admits it. CHT_E_INVALID: the file is no backup; CHT_E_CORRUPT: it is
 * damaged; CHT_E_EXISTS: there is a space here, and no `replace`; CHT_E_BUSY: a node runs;
 * CHT_E_NOTFOUND, CHT_E_DENIED, CHT_E_IO, CHT_E_FULL. */
CHT_MUST_USE enum cht_err node_restore(const struct node_restore_options *options,
                                       struct node_fault *fault, struct node_restore_result *out);

struct node_run_options {
    const char *const *listen; /* "HOST:PORT" or "tcp://HOST:PORT"; none: the usual address */
    size_t listen_count;
    const char *const *peers; /* addresses to dial besides those remembered */
    size_t peer_count;
    bool no_discovery;
    bool no_observe;  /* do not start chitty-observe */
    bool autostarted; /* leave after some idle minutes unless the space has other devices;
                         make the home when there is none */
    int ready_fd;     /* written to when ready or given up (LOCAL 1.6); -1: none */
    uint32_t lease_s; /* a claim lapses after so long without a sign of life; 0: as usual */
};

/* Run until SIGTERM, SIGINT, the command `stop`, or idleness. CHT_OK: ended as asked.
 * CHT_E_NOTFOUND: no home here; CHT_E_BUSY: another node has it; CHT_E_CORRUPT, CHT_E_IO … */
CHT_MUST_USE enum cht_err node_run(const struct node_run_options *options,
                                   struct node_fault *fault);

/* A home opened in this process, under its lock. */
struct node_home;

/* CHT_E_BUSY: a node runs: ask it over its socket; CHT_E_NOTFOUND: no home here, unless `make` asks
 * for one; CHT_E_CORRUPT, CHT_E_UNSUPPORTED, CHT_E_IO. */
CHT_MUST_USE enum cht_err node_home_open(bool make, struct node_fault *fault,
                                         struct node_home **out);
/* Ask it: the same requests and answers as over the socket (LOCAL), carried out and committed
 * before the first answer is handed on. Commands that need peers run as long as they take. */
CHT_MUST_USE enum cht_err node_home_call(struct node_home *home, struct cht_bytes message,
                                         node_answer_fn each, void *ctx, struct node_fault *fault);
/* NULL is allowed. */
void node_home_close(struct node_home *home);

#endif
