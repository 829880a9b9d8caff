/* One setting at a time, by the same edits as install. */
#include "bridges/claude/config.h"

#include <stdio.h>
#include <stdlib.h>

enum cht_err claude_config_key(const char *key, char room[static CLAUDE_KEY_MAX],
                               struct node_fault *fault, struct edit_path *out)
{
    struct edit_path path = { { NULL } };
    const size_t most = sizeof path.keys / sizeof path.keys[0];
    size_t n = 0;
    bool good = strlen(key) < CLAUDE_KEY_MAX && key[0] != '\0';
    if (good)
        (void)snprintf(room, CLAUDE_KEY_MAX, "%s", key);
    for (char *at = room; good && at != NULL; n++) {
        char *dot = n + 1 < most ? strchr(at, '.') : NULL; /* the last name may have dots */
        if (dot != NULL)
            *dot++ = '\0';
        good = at[0] != '\0';
        path.keys[n] = at;
        at = dot;
    }
    if (!good)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                              "\"%.80s\" is no key of a setting", key);
    *out = path;
    return CHT_OK;
}

enum cht_err claude_config_read(const char *path, struct node_fault *fault, json_t **out)
{
    struct claude_file f;
    struct edit_text t = { 0 };
    struct jsonc j = { 0 };
    json_t *all = NULL;
    enum cht_err err = claude_file_read(path, fault, &f);
    if (err == CHT_OK && !f.there)
        err = node_fault_set(fault, CHT_E_NOTFOUND, cht_bytes(NULL, 0), "there is no %s", path);
    if (err == CHT_OK) {
        t.text = f.text;
        err = edit_parse(&t, fault, &j);
    }
    if (err == CHT_OK && j.count == 0)
        err = node_fault_set(fault, CHT_E_NOTFOUND, cht_bytes(NULL, 0), "nothing is in %s", path);
    if (err == CHT_OK) {
        all = jsonc_value(&j, 0);
        err = all != NULL ? CHT_OK
                          : node_fault_set(fault, CHT_E_MALFORMED, cht_bytes(NULL, 0),
                                           "a text in %s is no UTF-8", path);
    }
    jsonc_clear(&j);
    claude_file_clear(&f);
    if (err == CHT_OK)
        *out = all;
    return err;
}

json_t *claude_config_word(const struct edit_path *path, const char *word)
{
    json_t *value = strcmp(path->keys[0], "env") == 0 && path->keys[1] != NULL
                        ? NULL
                        : json_loads(word, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    return value != NULL ? value : json_string(word);
}

enum cht_err claude_config_plan(const char *file, const struct edit_path *path, const json_t *value,
                                bool only_new, bool secrets, struct node_fault *fault,
                                struct claude_plan *out)
{
    struct edit_text t;
    struct claude_step *s = &out->steps[0];
    *out = (struct claude_plan){ .count = 1 };
    s->secrets = secrets;
    s->record_stays = true;
    cht_buf_init(&s->after, 2 * JSONC_BYTES_MAX);
    enum cht_err err = claude_file_read(file, fault, &s->file);
    if (err == CHT_OK)
        err = node_fault_from(fault, edit_begin(cht_buf_view(&s->file.text), &t), NULL);
    if (err != CHT_OK)
        return err;
    err = only_new ? edit_add(&t, path, false, value, fault) : edit_set(&t, path, value, fault);
    if (err == CHT_OK)
        err = node_fault_from(fault, cht_buf_add(&s->after, cht_buf_view(&t.text)), NULL);
    edit_clear(&t);
    s->changes = !cht_bytes_eq(cht_buf_view(&s->file.text), cht_buf_view(&s->after));
    return err;
}
