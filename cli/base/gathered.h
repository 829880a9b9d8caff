#ifndef CLI_BASE_GATHERED_H
#define CLI_BASE_GATHERED_H
/* What a command has to know before it can say or write something: records of a type, and the
 * devices of the space by their names. */
#include "cli/base/command.h"
#include "crdt/base/buf.h"
#include "crdt/base/wire.h"
#include "crdt/id.h"
#include "crdt/limits.h"

#define CLI_DEVICES_MAX 512u

struct cli_devices {
    char own[2 * CRDT_ID_BYTES + 1];
    size_t count;
    struct {
        char id[2 * CRDT_ID_BYTES + 1];
        char name[LIMIT_NAME_BYTES + 1];
    } list[CLI_DEVICES_MAX];
};

/* The devices; `own` is the node's. Errors as cli_ask. */
CHT_MUST_USE enum cht_err cli_gather_devices(struct cli_context *c, struct cli_devices *out);
/* The name of the device that a key begins with (32 hex digits); NULL. */
const char *cli_device_name(const struct cli_devices *devices, struct cht_bytes key);

/* All records of a type with some fields (ends with NULL), one after the other. Errors as cli_ask;
 * CHT_E_LIMIT: more than 64 MiB. */
CHT_MUST_USE enum cht_err cli_gather(struct cli_context *c, unsigned type,
                                     const char *const *fields, struct cht_buf *out);
/* The next of them, `w` being a cursor over `out`; false at the end. */
bool cli_gathered_next(struct cht_wire *w, struct cht_bytes *record);

/* Records shown by what each device says of them. */
struct cli_by_device {
    struct cli_context *c;
    const struct cli_devices *devices;
    size_t rows; /* printed so far: `put` counts them */
};
/* Print the records by `put`: with --json a document of this kind, an array of rows; else the
 * sentence `none` where there was no row. */
void cli_put_by_device(struct cli_by_device *b, const char *kind, struct cht_bytes records,
                       void (*put)(struct cli_by_device *b, struct cht_bytes record),
                       const char *none);

/* Change fields of a record without saying so. */
CHT_MUST_USE enum cht_err cli_change_quietly(struct cli_context *c, struct cht_bytes id,
                                             struct cht_bytes data);

#endif
