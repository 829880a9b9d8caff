#ifndef BRIDGES_CLAUDE_PROOF_H
#define BRIDGES_CLAUDE_PROOF_H
/* Do the hooks that are registered work? Each is called as Claude Code would call it, with a
 * payload as Claude Code sent it, in a home made for that; afterwards it is looked whether the node
 * of that home knows what the hooks were told. The person's own home is not touched. */
#include "node/client/fault.h"

#include <jansson.h>

#define CLAUDE_PROOFS_MAX 64u
#define CLAUDE_PROOF_TEXT 256u

struct claude_proof {
    char name[32]; /* of `chitty hook NAME` */
    bool good;
    unsigned ms;                  /* how long it took */
    char text[CLAUDE_PROOF_TEXT]; /* what was wrong, or "" */
};

struct claude_proofs {
    struct claude_proof list[CLAUDE_PROOFS_MAX];
    size_t count;
};

/* Try handlers (an array of those of settings, each a hook of chitty). CHT_E_IO: there is no room
 * for a home, with a fault; CHT_E_NOTFOUND: there is no chitty-node beside this program. */
CHT_MUST_USE enum cht_err claude_prove(const json_t *handlers, struct node_fault *fault,
                                       struct claude_proofs *out);

/* Does a model have tools for a list of its own (TaskCreate or TodoWrite) without being asked to?
 * NULL and "": the default one. By the names of models as of 2026; one that is not known, which is
 * then a newer one, has none. */
bool claude_model_lists(const char *model);

#endif
