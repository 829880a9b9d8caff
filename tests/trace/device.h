#ifndef TESTS_TRACE_DEVICE_H
#define TESTS_TRACE_DEVICE_H
/* One running node that takes a part of a trace, and waiting until it has what others wrote. What
 * goes wrong ends the program. */
#include "tests/bench/home.h"
#include "tests/trace/write.h"

#define TRACE_IN_AIR 32u /* requests sent and not yet answered */

struct trace_device {
    struct bench_home home;
    struct node_client *client;
    struct trace_writer writer;
    unsigned in_air;
    double waited_us;   /* in sending and waiting for room */
    uint64_t unchanged; /* changes of records that the node found nothing to do for */
};

/* Where a replica stands. */
struct trace_stand {
    struct cht_buf vector; /* a map: device to the seq applied of it */
    char root[65];
    uint64_t entries, waiting;
};

/* Make a home in the folder and start its node. */
void trace_device_start(struct trace_device *d, const char *folder, const char *name,
                        struct trace_memory *memory);
/* Read answers until none is due. */
void trace_device_settle(struct trace_device *d);
void trace_device_stop(struct trace_device *d);

/* Fresh; to be cleared. */
struct trace_stand trace_device_stand(struct trace_device *d);
void trace_stand_clear(struct trace_stand *s);
/* Has `s` applied all that `of` had, with nothing waiting? */
bool trace_stand_covers(const struct trace_stand *s, const struct trace_stand *of);
/* Until the device has all that `of` says; it is told by a watch when to look again. */
void trace_device_await(struct trace_device *d, const struct trace_stand *of);

#endif
