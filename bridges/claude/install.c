/* One file after the other: settings, then servers. A record is written before its file: one that
 * fits no file is told by its hash, and does no harm. */
#include "bridges/claude/install.h"

#include "bridges/claude/diff.h"
#include "bridges/claude/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CONTEXT 3u /* lines around a change */

static enum cht_err own_path(struct node_fault *fault, char out[static NODE_PATH_MAX])
{
    const ssize_t len = readlink("/proc/self/exe", out, NODE_PATH_MAX - 1);
    if (len <= 0)
        return node_fault_set(fault, CHT_E_IO, cht_bytes(NULL, 0),
                              "where this program is cannot be told: %s", strerror(errno));
    out[len] = '\0';
    return CHT_OK;
}

/* Does a bare `chitty` find the file at `own`? */
static bool on_path(const char *own)
{
    const char *at = getenv("PATH");
    struct stat one, other;
    char path[NODE_PATH_MAX];
    if (at == NULL || stat(own, &one) != 0)
        return false;
    for (;;) {
        const size_t len = strcspn(at, ":");
        const int put = snprintf(path, sizeof path, "%.*s/chitty", (int)len, at);
        if (len > 0 && put > 0 && (size_t)put < sizeof path && access(path, X_OK) == 0)
            return stat(path, &other) == 0 && one.st_dev == other.st_dev &&
                   one.st_ino == other.st_ino;
        if (at[len] == '\0')
            return false;
        at += len + 1;
    }
}

enum cht_err claude_program(enum claude_scope scope, struct node_fault *fault,
                            char out[static NODE_PATH_MAX])
{
    char own[NODE_PATH_MAX];
    enum cht_err err = own_path(fault, own);
    if (err == CHT_OK)
        (void)snprintf(out, NODE_PATH_MAX, "%s",
                       scope == CLAUDE_PROJECT || on_path(own) ? "chitty" : own);
    return err;
}

/* share/chitty/claude beside the folder of this program. */
static enum cht_err plugin_folder(struct node_fault *fault, char out[static NODE_PATH_MAX])
{
    char own[NODE_PATH_MAX], path[NODE_PATH_MAX + 64];
    enum cht_err err = own_path(fault, own);
    for (unsigned i = 0; err == CHT_OK && i < 2; i++) {
        char *slash = strrchr(own, '/');
        if (slash != NULL)
            *slash = '\0';
    }
    if (err == CHT_OK) {
        (void)snprintf(path, sizeof path, "%s/share/chitty/claude", own);
        if (strlen(path) >= NODE_PATH_MAX || access(path, F_OK) != 0)
            err = node_fault_set(fault, CHT_E_NOTFOUND, cht_bytes(NULL, 0),
                                 "there is no plugin in %s", path);
    }
    if (err == CHT_OK)
        (void)snprintf(out, NODE_PATH_MAX, "%.*s", (int)NODE_PATH_MAX - 1, path);
    return err;
}

static enum cht_err plan_file(struct claude_step *s, const char *path,
                              const struct settings_want *want, const char *project,
                              struct node_fault *fault)
{
    struct cht_buf bare;
    bool complete = false;
    struct settings_record old;
    enum cht_err err = claude_file_read(path, fault, &s->file);
    const struct cht_bytes text = cht_buf_view(&s->file.text);
    if (err == CHT_OK && want->count > 0)
        err = settings_complete(text, want, project, fault, &complete);
    if (err != CHT_OK || complete)
        return err;
    const bool known = claude_record_load(s->file.real, &old) == CHT_OK;
    cht_buf_init(&bare, s->after.limit);
    err = settings_without(text, known ? &old : NULL, project, fault, &bare);
    if (err == CHT_OK && want->count > 0)
        err = settings_with(cht_buf_view(&bare), want, fault, &s->after, &s->record);
    else if (err == CHT_OK)
        err = node_fault_from(fault, cht_buf_add(&s->after, cht_buf_view(&bare)), NULL);
    cht_buf_clear(&bare);
    if (err != CHT_OK)
        return err;
    const bool made = !s->file.there || (known && old.created);
    s->record.created = made;
    s->changes = !cht_bytes_eq(text, cht_buf_view(&s->after));
    s->removes =
        want->count == 0 && made && s->file.there && settings_is_empty(cht_buf_view(&s->after));
    s->changes = s->changes || s->removes;
    return CHT_OK;
}

static enum cht_err say_which(enum cht_err err, const char *path, struct node_fault *fault)
{
    char text[CHT_ERROR_TEXT_MAX];
    if (err != CHT_E_MALFORMED && err != CHT_E_INVALID && err != CHT_E_EXISTS)
        return err;
    (void)snprintf(text, sizeof text, "%s", cht_error_text(&fault->error));
    (void)node_fault_set(fault, err, cht_bytes(NULL, 0), "%s: %s", path,
                         err == CHT_E_EXISTS ? "there is another \"chitty\" in our place" : text);
    node_fault_hint(fault, "nothing was changed; put that right, then try again");
    return err;
}

static enum cht_err plan_step(struct claude_plan *p, const char *path,
                              const struct settings_want *want, const char *project, bool secrets,
                              struct node_fault *fault)
{
    struct claude_step *s = &p->steps[p->count++];
    *s = (struct claude_step){ .secrets = secrets };
    cht_buf_init(&s->after, 2 * JSONC_BYTES_MAX);
    return say_which(plan_file(s, path, want, project, fault), path, fault);
}

enum cht_err claude_plan_make(const struct claude_wish *wish, struct node_fault *fault,
                              struct claude_plan *out)
{
    struct settings_want settings = { 0 }, servers = { 0 };
    char program[NODE_PATH_MAX], project[NODE_PATH_MAX], folder[NODE_PATH_MAX];
    char path[NODE_PATH_MAX];
    const char *local = wish->scope == CLAUDE_LOCAL ? project : NULL;
    *out = (struct claude_plan){ 0 };
    enum cht_err err = claude_program(wish->scope, fault, program);
    if (err == CHT_OK)
        err = claude_project_dir(fault, project);
    if (err == CHT_OK && wish->plugin && !wish->remove)
        err = plugin_folder(fault, folder);
    if (err == CHT_OK && wish->plugin && !wish->remove)
        err = settings_want_plugin(&settings, folder);
    if (err == CHT_OK && !wish->plugin && !wish->remove)
        err = settings_want_hooks(&settings, program);
    if (err == CHT_OK && !wish->plugin && !wish->remove)
        err = settings_want_server(&servers, program, local);
    if (err == CHT_OK)
        err = claude_settings_path(wish->scope, fault, path);
    if (err == CHT_OK)
        err = plan_step(out, path, &settings, NULL, false, fault);
    if (err == CHT_OK)
        err = claude_servers_path(wish->scope, fault, path);
    if (err == CHT_OK)
        err = plan_step(out, path, &servers, local, wish->scope != CLAUDE_PROJECT, fault);
    settings_want_clear(&settings);
    settings_want_clear(&servers);
    return err;
}

void claude_plan_clear(struct claude_plan *p)
{
    for (size_t i = 0; i < p->count; i++) {
        claude_file_clear(&p->steps[i].file);
        cht_buf_clear(&p->steps[i].after);
    }
    p->count = 0;
}

/* The folder .claude goes with the file that we made it for, when nothing else is in it. */
static void remove_folder(const char *path)
{
    char folder[NODE_PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        return;
    *slash = '\0';
    slash = strrchr(folder, '/');
    if (slash != NULL && strcmp(slash, "/.claude") == 0)
        (void)rmdir(folder);
}

static enum cht_err do_step(const struct claude_step *s, struct node_fault *fault)
{
    const struct cht_bytes after = cht_buf_view(&s->after);
    const mode_t mode = s->secrets ? 0600 : 0666;
    enum cht_err err = CHT_OK;
    if (!s->changes)
        return CHT_OK;
    if (s->removes)
        err = claude_file_remove(&s->file, fault);
    else if (s->record.piece_count > 0) {
        err = claude_record_save(s->file.real, &s->record, fault);
        if (err == CHT_OK)
            err = claude_file_replace(&s->file, after, mode, fault);
        return err;
    } else
        err = claude_file_replace(&s->file, after, mode, fault);
    if (err == CHT_OK && !s->record_stays)
        claude_record_drop(s->file.real);
    if (err == CHT_OK && s->removes)
        remove_folder(s->file.real);
    return err;
}

enum cht_err claude_plan_do(struct claude_plan *p, struct node_fault *fault)
{
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < p->count; i++)
        err = do_step(&p->steps[i], fault);
    return err;
}

/* Of a file with credentials: where the two texts differ and no byte around it, also when all of it
 * is one line. */
struct cut {
    size_t from, before, after; /* where, and how many bytes of each */
};

static struct cut cut_of(struct cht_bytes before, struct cht_bytes after)
{
    size_t from = 0, same = 0;
    const size_t least = before.len < after.len ? before.len : after.len;
    while (from < least && before.data[from] == after.data[from])
        from++;
    while (same < least - from &&
           before.data[before.len - 1 - same] == after.data[after.len - 1 - same])
        same++;
    struct cut c = { from, before.len - from - same, after.len - from - same };
    const struct cht_bytes text = c.after > 0 ? after : before;
    const size_t len = c.after > 0 ? c.after : c.before;
    /* of all ways to see it, the one that ends a line or begins with the key */
    while ((c.before == 0 || c.after == 0) && c.from > 0 && len > 0 &&
           text.data[c.from + len - 1] != '\n' &&
           text.data[c.from - 1] == text.data[c.from + len - 1])
        c.from--;
    return c;
}

static enum cht_err put_lines(char sign, struct cht_bytes text, struct cht_buf *out)
{
    enum cht_err err = CHT_OK;
    for (size_t at = 0; err == CHT_OK && at < text.len;) {
        const uint8_t *end = memchr(text.data + at, '\n', text.len - at);
        const size_t len = end == NULL ? text.len - at : (size_t)(end - text.data) - at;
        err = cht_buf_add_u8(out, (uint8_t)sign);
        if (err == CHT_OK)
            err = cht_buf_add(out, cht_bytes(text.data + at, len));
        if (err == CHT_OK)
            err = cht_buf_add_u8(out, '\n');
        at += len + 1;
    }
    return err;
}

static enum cht_err put_cut(const struct claude_step *s, struct cht_buf *out)
{
    char head[2 * NODE_PATH_MAX + 128];
    const struct cht_bytes before = cht_buf_view(&s->file.text), after = cht_buf_view(&s->after);
    const struct cut c = cut_of(before, after);
    (void)snprintf(head, sizeof head, "--- %s\n+++ %s\n@@ line %u @@\n",
                   s->file.there ? s->file.path : "/dev/null",
                   s->removes ? "/dev/null" : s->file.path, jsonc_line(before, c.from));
    enum cht_err err = cht_buf_add(out, cht_bytes_str(head));
    if (err == CHT_OK)
        err = put_lines('-', cht_bytes(before.data + c.from, c.before), out);
    return err == CHT_OK ? put_lines('+', cht_bytes(after.data + c.from, c.after), out) : err;
}

enum cht_err claude_step_diff(const struct claude_step *s, struct cht_buf *out)
{
    if (s->secrets)
        return put_cut(s, out);
    return claude_diff(s->file.there ? s->file.path : NULL, cht_buf_view(&s->file.text),
                       s->removes ? NULL : s->file.path, cht_buf_view(&s->after), CONTEXT, out);
}
