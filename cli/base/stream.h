#ifndef CLI_BASE_STREAM_H
#define CLI_BASE_STREAM_H
/* Queries whose answers are any number of records, printed as they come. */
#include "cli/base/command.h"

struct cli_stream {
    struct cli_context *c;
    const char *kind;                                          /* of the JSON document */
    void (*put)(struct cli_out *out, struct cht_bytes record); /* for people */
    bool titled;    /* people read links: ask what they are called */
    uint64_t count; /* records printed */
};

/* Ask `operation` of the entity `id` (NULL: of all), at most `limit` (0: all there is), and print
 * every record: with --json one document with an array of them. */
CHT_MUST_USE enum cht_err cli_stream(struct cli_stream *s, const char *operation, const char *id,
                                     uint64_t limit);
/* The same of a request that is built already. */
struct cli_request;
CHT_MUST_USE enum cht_err cli_stream_ask(struct cli_stream *s, const struct cli_request *r);

#endif
