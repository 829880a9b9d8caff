/* The head of a request and the end of its answers (LOCAL 2.1, 5.1). */
#include "node/client/answer.h"

#include "crdt/id.h"

#include <sys/random.h>
#include <time.h>

enum cht_err node_request_begin(const char *platform, const char *actor, enum node_msg_type type,
                                struct cht_buf *out, char out_id[static NODE_REQUEST_ID_MAX])
{
    uint8_t random[16];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return CHT_E_IO;
    crdt_hex(cht_bytes(random, sizeof random), out_id);
    struct timespec now = { 0 };
    (void)clock_gettime(CLOCK_REALTIME, &now);
    const struct node_msg m = {
        .type = type,
        .id = cht_bytes_str(out_id),
        .platform = cht_bytes_str(platform),
        .actor = cht_bytes_str(actor == NULL ? "" : actor),
        .timestamp_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000,
    };
    return node_msg_begin(out, &m);
}

bool node_answer_take(const struct node_msg *answer, node_answer_fn each, void *ctx,
                      struct node_fault *fault, enum cht_err *out)
{
    const enum cht_err told = node_msg_fault(answer, fault);
    if (told != CHT_OK && answer->type == NODE_MSG_ACK) {
        *out = told;
        return true;
    }
    *out = each(ctx, answer);
    if (*out == CHT_OK && answer->type == NODE_MSG_CONFLICT)
        *out = told != CHT_OK ? told : CHT_E_CONFLICT;
    return *out != CHT_OK || node_msg_final(answer);
}
