#ifndef CLI_BASE_WHO_H
#define CLI_BASE_WHO_H
/* Who did something, by what people call them: a session by its title, a person by name, and the
 * device that wrote it. */
#include "cli/base/agent.h"

struct cli_who {
    json_t *sessions; /* id to {name, device} */
};

/* Learn what sessions are called. Errors of asking. */
CHT_MUST_USE enum cht_err cli_who_open(struct cli_context *c, struct agent *a, struct cli_who *out);
void cli_who_close(struct cli_who *who);

/* {actor?, name?, device?, deviceName?} of something that has `device`, `deviceName`, `actor` (a
 * value of LOCAL 4.5, an entry of 4.7). */
json_t *cli_who_of(const struct cli_who *who, const json_t *written);
/* The same of a claim (LOCAL 8.6). */
json_t *cli_who_holds(const json_t *claim);
/* The same of who wrote what a field shows. NULL: it is unset. Errors of asking. */
CHT_MUST_USE enum cht_err cli_who_wrote(struct cli_context *c, struct agent *a,
                                        const struct cli_who *who, const char *id,
                                        const char *field, json_t **out);
/* What a session is called, or NULL. */
const char *cli_who_name(const struct cli_who *who, const char *session);

/* "Plan the garden on laptop-a" */
void cli_put_who(struct cli_out *out, const json_t *tree);

#endif
