/* Would the node take it? See import_record.h. */
#include "cli/import/record.h"
#include "crdt/limits.h"
#include "node/client/edits.h"

enum cht_err cli_import_check(struct cht_arena *arena, struct cli_import_record *r,
                              struct node_fault *fault)
{
    struct cht_buf data;
    struct node_edit *edits;
    size_t from = 0, count;
    enum cht_err err = CHT_OK;
    cht_buf_init(&data, LIMIT_CLIENT_BYTES);
    while (err == CHT_OK && from < r->count) {
        bool any;
        cht_buf_reset(&data);
        err = cli_import_put_data(r, &from, &any, &data);
        if (err == CHT_OK && any) {
            r->changed++;
            err = node_edits_read(r->id.type, cht_buf_view(&data), NULL, arena, fault, &edits,
                                  &count);
        }
    }
    cht_buf_clear(&data);
    return err;
}
