/* A record as JSON: {path, created, after, pieces: [[at, length]…], empty: [[path, text]…]}. */
#include "bridges/claude/record.h"

#include "bridges/claude/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void to_hex(const uint8_t *bytes, size_t count, char *out)
{
    for (size_t i = 0; i < count; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static enum cht_err place(const char *real, struct node_fault *fault,
                          char out[static NODE_PATH_MAX])
{
    struct cht_error detail = { 0 };
    struct node_paths paths;
    uint8_t hash[32];
    char name[33];
    enum cht_err err = node_paths_base(&detail, &paths);
    if (err != CHT_OK)
        return node_fault_from(fault, err, &detail);
    settings_hash(cht_bytes_str(real), hash);
    to_hex(hash, 16, name);
    const int len = snprintf(out, NODE_PATH_MAX, "%s/claude/%s.json", paths.state, name);
    return len < 0 || (size_t)len >= NODE_PATH_MAX ? node_fault_from(fault, CHT_E_INVALID, NULL)
                                                   : CHT_OK;
}

static bool read_pieces(const json_t *list, struct settings_record *r)
{
    const size_t count = json_array_size(list);
    for (size_t i = 0; i < count && i < EDIT_PIECES_MAX; i++) {
        json_int_t at = 0, len = 0;
        if (json_unpack(json_array_get(list, i), "[II]", &at, &len) != 0 || at < 0 || len < 0)
            return false;
        r->pieces[r->piece_count++] = (struct edit_piece){ (size_t)at, (size_t)len };
    }
    return count <= EDIT_PIECES_MAX;
}

static bool read_empty(const json_t *list, struct settings_record *r)
{
    const size_t count = json_array_size(list);
    for (size_t i = 0; i < count && i < SETTINGS_EMPTY_MAX; i++) {
        const char *path = NULL, *was = NULL;
        if (json_unpack(json_array_get(list, i), "[ss]", &path, &was) != 0 ||
            strlen(path) >= sizeof r->empty[i].path || strlen(was) >= sizeof r->empty[i].was)
            return false;
        (void)snprintf(r->empty[i].path, sizeof r->empty[i].path, "%s", path);
        (void)snprintf(r->empty[i].was, sizeof r->empty[i].was, "%s", was);
        r->empty_count++;
    }
    return count <= SETTINGS_EMPTY_MAX;
}

static bool read_hash(const char *hex, struct settings_record *r)
{
    for (size_t i = 0; i < sizeof r->after; i++) {
        unsigned byte = 0;
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
            return false;
        r->after[i] = (uint8_t)byte;
    }
    return true;
}

enum cht_err claude_record_load(const char *real, struct settings_record *out)
{
    char path[NODE_PATH_MAX];
    struct settings_record r = { 0 };
    const char *hex = NULL;
    int created = 0;
    json_t *pieces = NULL, *empty = NULL;
    enum cht_err err = place(real, NULL, path);
    if (err != CHT_OK)
        return err;
    json_t *all = json_load_file(path, 0, NULL);
    const bool good = json_unpack(all, "{sb ss so so}", "created", &created, "after", &hex,
                                  "pieces", &pieces, "empty", &empty) == 0 &&
                      strlen(hex) == 2 * sizeof r.after && read_hash(hex, &r) &&
                      read_pieces(pieces, &r) && read_empty(empty, &r);
    json_decref(all);
    if (!good)
        return CHT_E_NOTFOUND;
    r.created = created != 0;
    *out = r;
    return CHT_OK;
}

static json_t *to_json(const char *real, const struct settings_record *r)
{
    char hex[2 * sizeof r->after + 1];
    json_t *pieces = json_array(), *empty = json_array();
    to_hex(r->after, sizeof r->after, hex);
    bool good = pieces != NULL && empty != NULL;
    for (size_t i = 0; good && i < r->piece_count; i++)
        good = json_array_append_new(pieces, json_pack("[II]", (json_int_t)r->pieces[i].at,
                                                       (json_int_t)r->pieces[i].len)) == 0;
    for (size_t i = 0; good && i < r->empty_count; i++)
        good =
            json_array_append_new(empty, json_pack("[ss]", r->empty[i].path, r->empty[i].was)) == 0;
    if (!good) {
        json_decref(pieces);
        json_decref(empty);
        return NULL;
    }
    return json_pack("{ss sb ss so so}", "path", real, "created", (int)r->created, "after", hex,
                     "pieces", pieces, "empty", empty);
}

enum cht_err claude_record_save(const char *real, const struct settings_record *r,
                                struct node_fault *fault)
{
    char path[NODE_PATH_MAX];
    struct claude_file f;
    enum cht_err err = place(real, fault, path);
    if (err != CHT_OK)
        return err;
    json_t *all = to_json(real, r);
    char *text = all == NULL ? NULL : json_dumps(all, JSON_INDENT(2));
    json_decref(all);
    if (text == NULL)
        return node_fault_from(fault, CHT_E_NOMEM, NULL);
    err = claude_file_read(path, fault, &f);
    if (err == CHT_OK)
        err = claude_file_replace(&f, cht_bytes_str(text), 0600, fault);
    claude_file_clear(&f);
    free(text);
    return err;
}

void claude_record_drop(const char *real)
{
    char path[NODE_PATH_MAX];
    if (place(real, NULL, path) == CHT_OK)
        (void)unlink(path);
}
