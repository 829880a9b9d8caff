/* beads' words for status, priority and dependency, a row each. */
#include "cli/import/beads_words.h"

#include <stddef.h>

struct cli_beads_word cli_beads_status(struct cht_bytes status)
{
    static const struct {
        const char *source;
        struct cli_beads_word is;
    } table[] = {
        { "open", { "pending", true, false } },
        { "in_progress", { "in_progress", true, false } },
        { "hooked", { "in_progress", false, false } }, /* claimed by a worker */
        { "blocked", { "blocked", true, false } },
        { "deferred", { "pending", false, false } },
        { "pinned", { "pending", false, false } }, /* stays open for good */
        { "closed", { "completed", true, false } },
        { "done", { "completed", false, false } }, /* of its early versions */
        { "tombstone", { NULL, true, true } },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (cht_bytes_eq(status, cht_bytes_str(table[i].source)))
            return table[i].is;
    }
    return (struct cli_beads_word){ .word = "pending" };
}

struct cli_beads_word cli_beads_priority(int64_t priority)
{
    static const char *const words[] = { "critical", "high", "medium", "low" };
    const int64_t last = (int64_t)(sizeof words / sizeof words[0]) - 1;
    const int64_t near = priority < 0 ? 0 : priority > last ? last : priority;
    return (struct cli_beads_word){ .word = words[near], .exact = near == priority };
}

enum cli_beads_tie cli_beads_tie(struct cht_bytes kind)
{
    if (cht_bytes_eq(kind, cht_bytes_str("blocks")) ||
        cht_bytes_eq(kind, cht_bytes_str("blocked-by")))
        return CLI_BEADS_DEPENDENCY;
    if (cht_bytes_eq(kind, cht_bytes_str("parent-child")))
        return CLI_BEADS_PARENT;
    return CLI_BEADS_RELATION;
}
