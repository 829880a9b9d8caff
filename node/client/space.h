#ifndef NODE_CLIENT_SPACE_H
#define NODE_CLIENT_SPACE_H
/* Several spaces of one person, each with a home and a node of its own (docs/decisions/0013): the
 * first is `default` and has the folders of paths.h, another one NAME the folders `homes/NAME` in
 * them. Which one is meant: CHITTY_SPACE, else what `chitty space use` said, else the default. */
#include "node/client/fault.h"
#include "node/client/paths.h"

#define NODE_SPACE_DEFAULT  "default"
#define NODE_SPACE_NAME_MAX 33u /* 32 characters and a NUL */

/* 1 to 32 lower-case letters, digits, '-' and '_', not beginning with '-'. */
bool node_space_name_good(const char *name);
/* The name of the space that is meant. `base`: the folders of the default one. CHT_E_INVALID: it is
 * no name. */
CHT_MUST_USE enum cht_err node_space_chosen(const struct node_paths *base, struct cht_error *detail,
                                            char out[static NODE_SPACE_NAME_MAX]);
/* The folders of a space, from those of the default one. CHT_E_INVALID: they are too long. */
CHT_MUST_USE enum cht_err node_space_paths(const struct node_paths *base, const char *name,
                                           struct cht_error *detail, struct node_paths *out);
/* From now on mean this one, where CHITTY_SPACE says nothing. Errors of the files. */
CHT_MUST_USE enum cht_err node_space_use(const struct node_paths *base, const char *name,
                                         struct node_fault *fault);

#endif
