#ifndef CLI_BASE_SESSIONS_H
#define CLI_BASE_SESSIONS_H
/* Sessions of all devices with what their records do not say: how they are by now, which device
 * they run on and whether that is connected, and which todos they hold. */
#include "cli/base/agent.h"

/* One as it was found, borrowing from `record`. */
struct cli_session {
    const char *id; /* CHITTY-SESSION-… */
    json_t *record, *data;
    const char *state;      /* agent_session_state */
    const char *device;     /* 32 hex digits, or NULL */
    const char *deviceName; /* or NULL */
    bool here, connected;   /* its device is this one; is this one, or connected */
    json_t *holds;          /* records of LOCAL 8.6 */
    uint64_t last_ms;       /* its last sign of life */
};

struct cli_sessions {
    struct cli_session *list; /* the last active first */
    size_t count;
    json_t *records, *members, *claims; /* what they borrow from */
};

/* `project` "": of any. `all`: also those that have ended. `only` (may be NULL): this one, by
 * whatever it is called, ended or not. CHT_E_NOTFOUND; errors of asking. */
CHT_MUST_USE enum cht_err cli_sessions_gather(struct cli_context *c, struct agent *a,
                                              const char *project, bool all, const char *only,
                                              struct cli_sessions *out);
void cli_sessions_clear(struct cli_sessions *s);

/* As kind session-state has it. */
json_t *cli_session_tree(const struct cli_session *s);
/* What it is called: its title, else the platform's id. */
const char *cli_session_name(const struct cli_session *s);
enum cli_style cli_state_style(const char *state);

#endif
