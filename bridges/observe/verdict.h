#ifndef BRIDGES_OBSERVE_VERDICT_H
#define BRIDGES_OBSERVE_VERDICT_H
/* What the answer of a service means. The table:
 *
 *   no connection, no answer in time, an answer that is no HTTP   down
 *   5xx                                                           down
 *   4xx, 429 among them                                           degraded
 *   3xx that leads to another host (it is not followed)           degraded
 *   2xx after more than half of the time it had                   degraded
 *   2xx                                                           healthy
 *   anything else                                                 degraded
 */
#include <stdbool.h>
#include <stdint.h>

enum observe_health { OBSERVE_UNKNOWN, OBSERVE_HEALTHY, OBSERVE_DEGRADED, OBSERVE_DOWN };

/* The words of a service's `health`. */
const char *observe_health_word(enum observe_health health);

/* `status`: of the answer, 0: there was none. */
enum observe_health observe_verdict(long status, uint64_t latency_ms, uint64_t timeout_ms);

/* Something is worse than it was: it is asked once more before that is said. */
bool observe_is_worse(enum observe_health before, enum observe_health now);

#endif
