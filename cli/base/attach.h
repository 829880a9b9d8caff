#ifndef CLI_BASE_ATTACH_H
#define CLI_BASE_ATTACH_H
/* What the commands about attachments share. */
#include "cli/base/request.h"

/* "12 MiB of 100 MiB" over the line before, on a terminal only; `done` equal to `total` ends it. */
void cli_put_bytes(const char *what, const char *name, uint64_t done, uint64_t total);
/* Bytes for people: "1.5 MiB". */
void cli_put_size(struct cli_out *out, uint64_t bytes);
/* "1048576", "512K", "1.5" is none: a number and perhaps K, M or G (of 1024).
 * CHT_E_INVALID with a fault that names the flag. */
CHT_MUST_USE enum cht_err cli_read_size(struct cli_context *c, const char *flag, uint64_t *out);
/* Copy a file into the node, or with --dry-run only read it; its hash in hex and its size.
 * CHT_E_NOTFOUND, CHT_E_IO, and what the node says. */
CHT_MUST_USE enum cht_err cli_upload(struct cli_context *c, const char *path,
                                     char out_blob[static 65], uint64_t *out_size);
/* The usual type of a file of that name. */
const char *cli_media_type(const char *name);

#endif
