#ifndef CLI_BASE_BACKEND_H
#define CLI_BASE_BACKEND_H
/* Where requests of commands go: to the node's socket (backend_socket.c), or for chitty-node, when
 * no node runs, to the home in this process (backend_home.c). Same bytes either way. */
#include "node/client/answer.h"

/* How far a command needs to reach. */
enum cli_reach {
    CLI_REACH_NODE,    /* a running node, started when there is none */
    CLI_REACH_HOME,    /* a running node, or without one the home itself */
    CLI_REACH_RUNNING, /* a running node that answers at once, or none: for completions */
};

struct node_client;

struct cli_backend {
    struct node_client *client; /* the connection; NULL when in process */
    void *home;                 /* the home in this process; NULL when over the socket */
    enum cht_err (*call)(struct cli_backend *b, struct cht_bytes message, bool repeatable,
                         node_answer_fn each, void *ctx, struct node_fault *fault);
    void (*close)(struct cli_backend *b);
};

/* A connection to a node that runs, or with CLI_REACH_NODE to one started now. */
CHT_MUST_USE enum cht_err cli_backend_dial(enum cli_reach reach, struct node_fault *fault,
                                           struct cli_backend *out);
/* Over the socket only: CLI_REACH_HOME too starts a node when there is none. */
CHT_MUST_USE enum cht_err cli_backend_socket(enum cli_reach reach, struct node_fault *fault,
                                             struct cli_backend *out);
/* The home in this process where no node runs. Linked into chitty-node only. */
CHT_MUST_USE enum cht_err cli_backend_home(enum cli_reach reach, struct node_fault *fault,
                                           struct cli_backend *out);

#endif
