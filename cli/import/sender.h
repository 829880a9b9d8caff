#ifndef CLI_IMPORT_SENDER_H
#define CLI_IMPORT_SENDER_H
/* Inside cli/import_*.c only: what an import has read, asked and sent; see import_send.h. */
#include "cli/base/request.h"
#include "cli/import/id_set.h"
#include "cli/import/send.h"

#define GETS_IN_FLIGHT 16u
#define FLIGHTS        4u
#define TYPES_MAX      64u

/* Records read together, with all that is known of them. */
struct stage {
    struct cht_arena arena;
    struct cli_import_record **list;
    size_t count, cap;
};

/* A transaction: changes of the records from … to of a stage. */
struct batch {
    struct cht_buf changes;
    uint32_t count;
    size_t from, to;
    unsigned groups; /* records with those after them */
    char id[NODE_REQUEST_ID_MAX];
    bool asked; /* and not yet answered */
    enum cht_err result;
    struct node_fault fault;
};

/* A stage on its way: its last transaction may be unanswered while the next ones are read, so that
 * the node makes several durable at once. */
struct flight {
    struct stage stage;
    struct batch batch;
};

struct get {
    char id[NODE_REQUEST_ID_MAX];
    struct cli_import_record *record; /* NULL: answered */
    struct cht_arena *arena;
};

struct cli_import_sender {
    struct cli_context *c;
    bool dry;
    void (*wrong)(void *ctx, uint64_t line, const struct node_fault *fault);
    void *ctx;
    struct cli_import_counts counts;
    struct flight flights[FLIGHTS], *now; /* the one that is filled */
    struct get gets[GETS_IN_FLIGHT];
    unsigned gets_open;
    struct cli_id_set sent;                           /* every record so far */
    bool looked[TYPES_MAX], nothing_there[TYPES_MAX]; /* at the start, of each type */
};

/* import_find.c: the node's answers, and what is here of the records of a stage. */
CHT_MUST_USE enum cht_err import_hear(struct cli_import_sender *s);
CHT_MUST_USE enum cht_err import_find_all(struct cli_import_sender *s);
/* An answer to the batch that was sent; `ctx` is its flight. */
enum cht_err import_take_written(void *ctx, const struct node_msg *answer);
void import_batch_done(struct cli_import_sender *s, struct batch *b, enum cht_err err);

/* import_write.c: write all of a stage; the last transaction is left unanswered. */
CHT_MUST_USE enum cht_err import_write_stage(struct cli_import_sender *s, struct flight *f);
/* Wait for the batch that was sent and count what it did; of one flight, of all. */
CHT_MUST_USE enum cht_err import_settle(struct cli_import_sender *s, struct flight *f);
CHT_MUST_USE enum cht_err import_settle_all(struct cli_import_sender *s);
void import_tally(struct cli_import_sender *s, const struct cli_import_record *r);
/* Where the group ends that begins at `from`. */
size_t import_group_end(const struct stage *stage, size_t from);
void import_group_wrong(struct cli_import_sender *s, const struct stage *stage, size_t from,
                        const struct node_fault *fault);

#endif
