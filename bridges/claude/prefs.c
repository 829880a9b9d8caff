/* {intake: bool, autoCheckpoint: bool}; a key that is missing is true. */
#include "bridges/claude/prefs.h"

#include "bridges/claude/config.h"
#include "bridges/claude/files.h"

#include <stdio.h>
#include <stdlib.h>

static enum cht_err place(struct node_fault *fault, char out[static NODE_PATH_MAX])
{
    struct cht_error detail = { 0 };
    struct node_paths paths;
    enum cht_err err = node_paths_base(&detail, &paths);
    if (err != CHT_OK)
        return node_fault_from(fault, err, &detail);
    const int len = snprintf(out, NODE_PATH_MAX, "%s/claude.json", paths.config);
    return len < 0 || (size_t)len >= NODE_PATH_MAX ? node_fault_from(fault, CHT_E_INVALID, NULL)
                                                   : CHT_OK;
}

void claude_prefs_read(struct claude_prefs *out)
{
    char path[NODE_PATH_MAX];
    json_t *all = NULL;
    *out = (struct claude_prefs){ .intake = true, .auto_checkpoint = true };
    if (place(NULL, path) != CHT_OK || claude_config_read(path, NULL, &all) != CHT_OK)
        return;
    out->intake = !json_is_false(json_object_get(all, "intake"));
    out->auto_checkpoint = !json_is_false(json_object_get(all, "autoCheckpoint"));
    json_decref(all);
}

enum cht_err claude_prefs_write(const struct claude_prefs *p, struct node_fault *fault)
{
    const struct {
        struct edit_path path;
        bool value;
    } all[] = { { { { "intake" } }, p->intake }, { { { "autoCheckpoint" } }, p->auto_checkpoint } };
    char path[NODE_PATH_MAX];
    struct claude_file f;
    struct edit_text t;
    enum cht_err err = place(fault, path);
    if (err != CHT_OK)
        return err;
    err = claude_file_read(path, fault, &f);
    if (err == CHT_OK)
        err = node_fault_from(fault, edit_begin(cht_buf_view(&f.text), &t), NULL);
    if (err != CHT_OK) {
        claude_file_clear(&f);
        return err;
    }
    for (size_t i = 0; err == CHT_OK && i < sizeof all / sizeof all[0]; i++)
        err = edit_set(&t, &all[i].path, all[i].value ? json_true() : json_false(), fault);
    if (err == CHT_OK)
        err = claude_file_replace(&f, cht_buf_view(&t.text), 0600, fault);
    edit_clear(&t);
    claude_file_clear(&f);
    return err;
}
