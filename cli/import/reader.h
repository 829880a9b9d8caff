#ifndef CLI_IMPORT_READER_H
#define CLI_IMPORT_READER_H
/* The records of a file of JSON: one object a line, or all of them in one array, as different
 * programs write them. Each is handed out as its bytes; what is in them is not looked at. */
#include "crdt/base/buf.h"

#define CLI_IMPORT_LINE_BYTES ((size_t)8 << 20) /* a record as text: its escapes take room */

struct cli_import_reader {
    /* Up to `room` more bytes of the file into `out`; 0: its end. CHT_E_IO. */
    enum cht_err (*more)(void *ctx, uint8_t *out, size_t room, size_t *out_len);
    void *ctx;
    uint64_t taken; /* bytes of the file so far */
    uint64_t line;  /* the next record begins here or later */
    struct cht_buf buf;
    size_t at;
    bool ended, begun;
    bool array; /* inside [ … ] */
};

void cli_import_reader_init(struct cli_import_reader *r,
                            enum cht_err (*more)(void *ctx, uint8_t *out, size_t room,
                                                 size_t *out_len),
                            void *ctx);
void cli_import_reader_clear(struct cli_import_reader *r);

/* The next record and the number of its first line; the bytes are good until the next call.
 * CHT_E_NOTFOUND: there is none left; CHT_E_LIMIT: it is longer than CLI_IMPORT_LINE_BYTES and is
 * passed over to the end of a line; CHT_E_MALFORMED: an array that goes on with neither a record
 * nor its end: what is left of the line is passed over; CHT_E_IO, CHT_E_NOMEM. After CHT_E_LIMIT
 * and CHT_E_MALFORMED one may go on. */
CHT_MUST_USE enum cht_err cli_import_next(struct cli_import_reader *r, struct cht_bytes *out,
                                          uint64_t *out_line);

#endif
