#ifndef TESTS_BENCH_HOME_H
#define TESTS_BENCH_HOME_H
/* Running nodes on homes of their own, and requests to them. */
#include "crdt/base/buf.h"
#include "node/client/client.h"
#include "tests/bench/bench.h"

struct bench_home {
    char path[BENCH_PATH_MAX];
    pid_t pid; /* 0: not running */
};

/* Make a home in the folder and start its node on a free port of the loopback. */
void bench_home_start(struct bench_home *h, const char *folder, const char *name);
/* `b` joins the space of `a`. */
void bench_home_pair(const struct bench_home *a, const struct bench_home *b);
void bench_home_stop(struct bench_home *h);
/* Run `chitty-node` in that home; what it says is put in `out`. */
void bench_home_command(const struct bench_home *h, const char *const *args, char *out,
                        size_t room);
struct node_client *bench_home_client(const struct bench_home *h);

/* Write the todos of the record workload, numbers from 0 on; `open`: all of them pending. */
void bench_home_fill(const struct bench_home *h, uint32_t count, bool open);

/* The next update of the record workload as one message of the local protocol. */
struct bench_updates {
    uint32_t random; /* state of the draws */
    uint32_t todos, made;
    uint32_t number; /* of the todo last updated */
    struct cht_buf bytes;
};
void bench_updates_start(struct bench_updates *u, uint32_t seed, uint32_t todos);
void bench_updates_next(struct bench_updates *u, struct cht_buf *out);
void bench_updates_clear(struct bench_updates *u);
/* The same with a content that no todo had before: always an event. */
void bench_updates_fresh(struct bench_updates *u, struct cht_buf *out);

/* From a commit at one node to a watch at another (e2e.c), one at a time. */
#define BENCH_E2E_TODOS 200u
struct bench_e2e {
    struct node_client *from, *to;
    struct bench_updates updates;
    struct cht_buf message;
};
/* Both hold the todos when it returns. */
void bench_e2e_open(struct bench_e2e *e, const struct bench_home *a, const struct bench_home *b);
void bench_e2e_close(struct bench_e2e *e);
/* From before the request to the event read, and a short pause; negative: it did not come, as one
 * update in some is none. `fresh`: each is one. */
double bench_e2e_once_us(struct bench_e2e *e, bool fresh, int timeout_ms);

/* Send one message and wait for its answer, which must not be an error. */
void bench_ask(struct node_client *c, struct cht_bytes message);

#endif
