#ifndef BRIDGES_OBSERVE_FETCH_H
#define BRIDGES_OBSERVE_FETCH_H
/* One HTTP GET at a time of each of several addresses, without waiting (libcurl). Only http and
 * https; redirects are followed within the host, three at most; a body is read up to a bound and
 * thrown away; no connection outlives its answer, so that the next one tells of the service and
 * nothing keeps us awake. libcurl is begun with the first. */
#include "crdt/base/err.h"

#include <poll.h>
#include <stdint.h>

#define FETCH_ERROR_MAX  256u
#define FETCH_BODY_BYTES (1024u * 1024u)

struct fetch_desk;

struct fetch_answer {
    long status; /* of HTTP; 0: none */
    uint64_t latency_ms;
    char error[FETCH_ERROR_MAX]; /* why there is none; empty where there is one */
};

CHT_MUST_USE enum cht_err fetch_open(struct fetch_desk **out);
/* NULL is allowed. */
void fetch_close(struct fetch_desk *f);

/* Ask. `done` is called once, from fetch_tick. CHT_E_INVALID: no http address; CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err fetch_start(struct fetch_desk *f, const char *url, uint32_t timeout_ms,
                                      void (*done)(void *ctx, uint32_t number,
                                                   const struct fetch_answer *answer),
                                      void *ctx, uint32_t number);
/* Go on with all of them. */
void fetch_tick(struct fetch_desk *f);
/* How many are under way. */
unsigned fetch_count(const struct fetch_desk *f);
/* poll(2) of these and of what the answers wait for; `revents` are set. */
void fetch_poll(struct fetch_desk *f, struct pollfd *fds, nfds_t count, int timeout_ms);

#endif
