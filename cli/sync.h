#ifndef CLI_SYNC_H
#define CLI_SYNC_H
/* Inside `chitty sync`: what one pass is about, and what it found. */
#include "cli/base/tree.h"

struct sync {
    struct cli_context *c;
    const char *domain;            /* as it was said */
    unsigned type;                 /* 0: all */
    char project[64], session[64]; /* their ids; "": all */
    bool dry, verbose;
    json_t *uncarried; /* array: what was asked for and nothing carries yet */

    /* of one pass */
    json_t *domains, *merged, *peers, *todos; /* arrays */
    json_t *names;                            /* of sessions: id to what it is called */
    json_int_t proposed, settled;
};

/* The flags and the domain. CHT_E_INVALID, CHT_E_UNSUPPORTED; CHT_E_NOTFOUND: project or session.
 * (sync_read.c) */
CHT_MUST_USE enum cht_err sync_read(struct sync *s);
/* One pass: reconcile, wait for those connected, look. (sync_pass.c) */
CHT_MUST_USE enum cht_err sync_pass(struct sync *s);
/* Tell it; `brief`: only what happened. (sync_say.c) */
void sync_say(struct sync *s, bool brief);
/* What a pass found goes. */
void sync_forget(struct sync *s);

/* The types that `all` means: NULL at the end. */
const char *sync_domain_at(size_t index);

#endif
