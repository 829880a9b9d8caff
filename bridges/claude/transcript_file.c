/* Transcripts as files; see transcript_file.h. */
#include "bridges/claude/transcript_file.h"

#include "bridges/claude/json_span.h"
#include "bridges/claude/places.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_NAME_MAX 200u /* longer ones are cut and end in a hash that is not told */

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

bool claude_session_good(const char *session_id)
{
    size_t len = 0;
    for (; session_id[len] != '\0'; len++)
        if (len + 1 >= CLAUDE_SESSION_MAX ||
            (!is_alnum(session_id[len]) && session_id[len] != '-' && session_id[len] != '_'))
            return false;
    return len > 0;
}

static enum cht_err check_session(const char *session_id, struct node_fault *fault)
{
    return claude_session_good(session_id)
               ? CHT_OK
               : node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("session_id"),
                                "\"%.60s\" is no name of a session of Claude Code", session_id);
}

/* One - for each UTF-16 unit that is no letter and no digit of ASCII. */
static size_t folder_name(const char *folder, char out[static NODE_PATH_MAX])
{
    size_t len = 0;
    for (const char *p = folder; *p != '\0' && len + 2 < NODE_PATH_MAX; p++) {
        const unsigned char c = (unsigned char)*p;
        if (c >= 0x80 && c < 0xC0)
            continue; /* the rest of a character */
        if (c >= 0xF0)
            out[len++] = '-';
        out[len++] = is_alnum(*p) ? *p : '-';
    }
    out[len] = '\0';
    return len;
}

static enum cht_err projects_dir(struct node_fault *fault, char out[static NODE_PATH_MAX])
{
    char config[NODE_PATH_MAX];
    const enum cht_err err = claude_config_dir(fault, config);
    if (err != CHT_OK)
        return err;
    const int len = snprintf(out, NODE_PATH_MAX, "%s/projects", config);
    return len > 0 && (size_t)len < NODE_PATH_MAX
               ? CHT_OK
               : node_fault_set(fault, CHT_E_INVALID, cht_bytes(NULL, 0), "the path is too long");
}

static enum cht_err join(const char *projects, const char *folder, const char *session_id,
                         struct node_fault *fault, char out[static NODE_PATH_MAX])
{
    const int len = snprintf(out, NODE_PATH_MAX, "%s/%s/%s.jsonl", projects, folder, session_id);
    return len > 0 && (size_t)len < NODE_PATH_MAX
               ? CHT_OK
               : node_fault_set(fault, CHT_E_INVALID, cht_bytes(NULL, 0), "the path is too long");
}

/* The one folder that begins like a name that was cut. */
static bool cut_name(const char *projects, const char *name, char out[static NODE_PATH_MAX])
{
    unsigned found = 0;
    DIR *dir = opendir(projects);
    const struct dirent *e;
    while (dir != NULL && (e = readdir(dir)) != NULL) {
        if (strncmp(e->d_name, name, FOLDER_NAME_MAX) == 0 && e->d_name[FOLDER_NAME_MAX] == '-') {
            (void)snprintf(out, NODE_PATH_MAX, "%s", e->d_name);
            found++;
        }
    }
    if (dir != NULL)
        (void)closedir(dir);
    return found == 1;
}

enum cht_err claude_transcript_path(const char *folder, const char *session_id,
                                    struct node_fault *fault, char out[static NODE_PATH_MAX])
{
    char projects[NODE_PATH_MAX], name[NODE_PATH_MAX], cut[NODE_PATH_MAX];
    enum cht_err err = check_session(session_id, fault);
    if (err == CHT_OK)
        err = projects_dir(fault, projects);
    if (err != CHT_OK)
        return err;
    if (folder_name(folder, name) <= FOLDER_NAME_MAX)
        return join(projects, name, session_id, fault, out);
    if (cut_name(projects, name, cut))
        return join(projects, cut, session_id, fault, out);
    (void)node_fault_set(fault, CHT_E_NOTFOUND, cht_bytes_str("folder"),
                         "the path has more than %u characters, and Claude Code has not been there",
                         FOLDER_NAME_MAX);
    node_fault_hint(fault, "start `claude` there once, then try again");
    return CHT_E_NOTFOUND;
}

enum cht_err claude_transcript_find(const char *session_id, struct node_fault *fault,
                                    char out[static NODE_PATH_MAX])
{
    char projects[NODE_PATH_MAX], path[NODE_PATH_MAX];
    struct stat s;
    off_t best = -1;
    enum cht_err err = check_session(session_id, fault);
    if (err == CHT_OK)
        err = projects_dir(fault, projects);
    DIR *dir = err == CHT_OK ? opendir(projects) : NULL;
    const struct dirent *e;
    while (dir != NULL && (e = readdir(dir)) != NULL) {
        if (e->d_name[0] == '.' || join(projects, e->d_name, session_id, NULL, path) != CHT_OK ||
            stat(path, &s) != 0 || !S_ISREG(s.st_mode) || s.st_size <= best)
            continue;
        best = s.st_size;
        (void)snprintf(out, NODE_PATH_MAX, "%s", path);
    }
    if (dir != NULL)
        (void)closedir(dir);
    if (err != CHT_OK || best >= 0)
        return err;
    return node_fault_set(fault, CHT_E_NOTFOUND, cht_bytes(NULL, 0),
                          "there is no transcript of %.60s on this machine", session_id);
}

/* --- reading and writing ------------------------------------------------------------------- */

static enum cht_err fail(struct node_fault *fault, const char *path, const char *what)
{
    const int sys = errno;
    return node_fault_set(fault,
                          sys == ENOENT || sys == ENOTDIR  ? CHT_E_NOTFOUND
                          : sys == ENOSPC || sys == EDQUOT ? CHT_E_FULL
                                                           : CHT_E_IO,
                          cht_bytes(NULL, 0), "%.150s cannot be %s: %s", path, what, strerror(sys));
}

static enum cht_err read_all(int fd, struct cht_buf *out)
{
    for (;;) {
        const enum cht_err err = cht_buf_reserve(out, 65536);
        if (err != CHT_OK)
            return err;
        const ssize_t got = read(fd, out->data + out->len, 65536);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0 ? CHT_OK : CHT_E_IO;
        out->len += (size_t)got;
    }
}

enum cht_err claude_transcript_load(const char *path, struct node_fault *fault, struct cht_buf *out)
{
    struct stat s;
    const size_t start = out->len;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fail(fault, path, "read");
    enum cht_err err = CHT_OK;
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode))
        err = node_fault_set(fault, CHT_E_INVALID, cht_bytes(NULL, 0), "%.150s is no file", path);
    if (err == CHT_OK) {
        err = read_all(fd, out);
        if (err == CHT_E_IO)
            err = fail(fault, path, "read");
        else if (err != CHT_OK)
            err = node_fault_set(fault, err, cht_bytes(NULL, 0), "%.150s has more than %zu bytes",
                                 path, out->limit);
    }
    (void)close(fd);
    if (err != CHT_OK)
        out->len = start;
    return err;
}

static enum cht_err make_folder_of(const char *path, struct node_fault *fault)
{
    char folder[NODE_PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0700) != 0 && errno != EEXIST)
            return fail(fault, folder, "made");
        *slash = '/';
    }
    return CHT_OK;
}

static bool write_all(int fd, struct cht_bytes bytes)
{
    while (bytes.len > 0) {
        const ssize_t got = write(fd, bytes.data, bytes.len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        bytes = cht_bytes(bytes.data + got, bytes.len - (size_t)got);
    }
    return true;
}

/* A file of its own until it is whole. */
static enum cht_err replace(const char *path, struct cht_bytes text, struct node_fault *fault)
{
    char beside[NODE_PATH_MAX + 16];
    enum cht_err err = make_folder_of(path, fault);
    if (err != CHT_OK)
        return err;
    (void)snprintf(beside, sizeof beside, "%s.XXXXXX", path);
    const int fd = mkstemp(beside);
    if (fd < 0)
        return fail(fault, path, "written");
    if (!write_all(fd, text) || fsync(fd) != 0 || rename(beside, path) != 0) {
        err = fail(fault, path, "written");
        (void)unlink(beside);
    }
    (void)close(fd);
    return err;
}

/* --- landing ------------------------------------------------------------------------------- */

struct uuids {
    struct cht_bytes *list;
    size_t count, cap;
};

static enum cht_err uuids_add(struct uuids *u, struct cht_bytes uuid)
{
    if (u->count == u->cap) {
        const size_t cap = u->cap == 0 ? 256 : 2 * u->cap;
        struct cht_bytes *list = realloc(u->list, cap * sizeof *list);
        if (list == NULL)
            return CHT_E_NOMEM;
        u->list = list;
        u->cap = cap;
    }
    u->list[u->count++] = uuid;
    return CHT_OK;
}

static int compare(const void *a, const void *b)
{
    const struct cht_bytes *x = a, *y = b;
    return cht_bytes_cmp(*x, *y);
}

/* What names a line: its uuid; of a summary, which has none, what it says. */
static struct cht_bytes name_of(const struct claude_line *line)
{
    return line->uuid.len > 0 ? line->uuid : json_span_get(line->whole, "summary");
}

/* The names of the lines of talk, in order. */
static enum cht_err uuids_of(struct cht_bytes text, struct uuids *out)
{
    struct claude_lines lines = { text };
    struct cht_bytes each;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && claude_line_next(&lines, &each)) {
        const struct claude_line line = claude_line_read(each);
        if (line.kind != CLAUDE_LINE_OPAQUE && !line.sidechain)
            err = uuids_add(out, name_of(&line));
    }
    if (out->count > 0)
        qsort(out->list, out->count, sizeof *out->list, compare);
    return err;
}

static bool uuids_have(const struct uuids *u, struct cht_bytes uuid)
{
    return u->count > 0 && bsearch(&uuid, u->list, u->count, sizeof *u->list, compare) != NULL;
}

static enum cht_err add_line(struct cht_bytes line, struct cht_buf *out)
{
    const enum cht_err err = cht_buf_add(out, line);
    return err == CHT_OK ? cht_buf_add_u8(out, '\n') : err;
}

/* Append to `whole`, which begins with what is there, the lines of `text` that are not there. */
static enum cht_err add_missing(struct cht_bytes text, struct cht_buf *whole,
                                struct claude_landed *told)
{
    struct uuids there = { 0 }, coming = { 0 };
    struct claude_lines lines = { text };
    struct cht_bytes each;
    const size_t old_len = whole->len;
    uint8_t *old = NULL; /* names borrow from it while `whole` grows */
    enum cht_err err = CHT_OK;
    if (old_len > 0) {
        old = malloc(old_len);
        if (old == NULL)
            return CHT_E_NOMEM;
        memcpy(old, whole->data, old_len);
        err = uuids_of(cht_bytes(old, old_len), &there);
    }
    if (err == CHT_OK)
        err = uuids_of(text, &coming);
    if (err == CHT_OK && old_len > 0 && old[old_len - 1] != '\n')
        err = cht_buf_add_u8(whole, '\n');
    while (err == CHT_OK && claude_line_next(&lines, &each)) {
        const struct claude_line line = claude_line_read(each);
        if (line.kind == CLAUDE_LINE_OPAQUE || uuids_have(&there, name_of(&line)))
            continue;
        err = add_line(each, whole);
        told->added++;
    }
    for (size_t i = 0; i < there.count; i++)
        told->alone += !uuids_have(&coming, there.list[i]);
    free(there.list);
    free(coming.list);
    free(old);
    return err;
}

enum cht_err claude_transcript_land(const char *path, struct cht_bytes text, bool dry,
                                    struct node_fault *fault, struct claude_landed *out)
{
    struct claude_landed told = { 0 };
    struct cht_buf whole;
    cht_buf_init(&whole, 2 * CLAUDE_FILE_BYTES);
    enum cht_err err = claude_transcript_load(path, fault, &whole);
    if (err == CHT_E_NOTFOUND)
        err = CHT_OK;
    if (err == CHT_OK) {
        told.had = claude_transcript_count(cht_buf_view(&whole));
        err = add_missing(text, &whole, &told);
        if (err != CHT_OK)
            err = node_fault_from(fault, err, NULL);
    }
    if (err == CHT_OK && told.added > 0 && !dry)
        err = replace(path, cht_buf_view(&whole), fault);
    cht_buf_clear(&whole);
    if (err == CHT_OK)
        *out = told;
    return err;
}
