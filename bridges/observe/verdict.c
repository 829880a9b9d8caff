/* The table of verdict.h. */
#include "bridges/observe/verdict.h"

const char *observe_health_word(enum observe_health health)
{
    static const char *const words[] = { "unknown", "healthy", "degraded", "down" };
    return words[health];
}

enum observe_health observe_verdict(long status, uint64_t latency_ms, uint64_t timeout_ms)
{
    if (status < 100 || (status >= 500 && status <= 599))
        return OBSERVE_DOWN;
    if (status >= 200 && status <= 299)
        return latency_ms > timeout_ms / 2 ? OBSERVE_DEGRADED : OBSERVE_HEALTHY;
    return OBSERVE_DEGRADED;
}

bool observe_is_worse(enum observe_health before, enum observe_health now)
{
    return before != OBSERVE_UNKNOWN && now > before;
}
