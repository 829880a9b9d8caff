/* git-hook install, remove, status: the post-commit hook of a repository. What was there goes on
 * being called, under another name beside ours, and comes back byte by byte. */
#include "cli/base/json.h"
#include "cli/commands.h"
#include "crdt/limits.h"
#include "node/client/git.h"
#include "node/client/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char script[] =
    "#!/bin/sh\n"
    "# chitty: a word about the tracker after a commit; `chitty git-hook remove` takes it out.\n"
    "if [ -x \"$0.before-chitty\" ]; then\n"
    "    \"$0.before-chitty\" \"$@\" || exit\n"
    "fi\n"
    "command -v chitty >/dev/null 2>&1 && chitty nudge commit >&2\n"
    "exit 0\n";

enum state { NONE, OURS, OTHERS };

struct hook {
    char path[NODE_PATH_MAX + 32];
    char before[NODE_PATH_MAX + 64];
    enum state state;
    bool chained;
};

static enum cht_err io_fault(struct cli_context *c, const char *what, const char *path)
{
    return node_fault_set(&c->fault, errno == EACCES || errno == EPERM ? CHT_E_DENIED : CHT_E_IO,
                          cht_bytes(NULL, 0), "cannot %s %s: %s", what, path, strerror(errno));
}

/* What stands at the hook's name? */
static enum state look(const char *path)
{
    char text[sizeof script + 1];
    struct stat st;
    if (lstat(path, &st) != 0)
        return NONE;
    FILE *f = S_ISREG(st.st_mode) ? fopen(path, "re") : NULL;
    if (f == NULL)
        return OTHERS;
    const size_t len = fread(text, 1, sizeof text, f);
    (void)fclose(f);
    return len == sizeof script - 1 && memcmp(text, script, len) == 0 ? OURS : OTHERS;
}

static enum cht_err find(struct cli_context *c, struct hook *out)
{
    static const char *const words[] = { "rev-parse", "--git-path", "hooks/post-commit", NULL };
    const char *folder = c->arg_count == 0 ? "." : c->args[0];
    struct cht_buf said;
    struct stat st;
    cht_buf_init(&said, NODE_GIT_BYTES);
    enum cht_err err = node_git_ask(folder, words, NODE_GIT_MS, &said);
    if (err == CHT_OK && (said.len == 0 || said.len >= NODE_PATH_MAX / 2))
        err = CHT_E_LIMIT;
    if (err == CHT_OK) {
        const bool whole = said.data[0] == '/';
        (void)snprintf(out->path, sizeof out->path, "%s%s%.*s", whole ? "" : folder,
                       whole ? "" : "/", (int)said.len, (const char *)said.data);
        (void)snprintf(out->before, sizeof out->before, "%s.before-chitty", out->path);
        out->state = look(out->path);
        out->chained = lstat(out->before, &st) == 0;
    }
    cht_buf_clear(&said);
    if (err == CHT_OK)
        return CHT_OK;
    (void)node_fault_set(&c->fault, CHT_E_NOTFOUND, cht_bytes_str("FOLDER"),
                         "%.200s is in no git repository that git can read", folder);
    node_fault_hint(&c->fault, "name a folder of one: chitty git-hook %s FOLDER", c->command->name);
    return CHT_E_NOTFOUND;
}

static void tell(struct cli_context *c, const struct hook *h)
{
    static const char *const words[] = { "none", "installed", "other" };
    static const char *const texts[] = { "no hook", "installed", "not installed; another hook is" };
    if (!c->json) {
        cli_printf(&c->out, "%s: %s%s\n", h->path, texts[h->state],
                   h->state == OURS && h->chained ? ", and calls the hook that was there" : "");
        return;
    }
    cli_json_begin(&c->out, "git-hook");
    cli_put_text(&c->out, "{\"path\":");
    cli_json_text(&c->out, cht_bytes_str(h->path));
    cli_printf(&c->out, ",\"state\":\"%s\",\"chained\":%s}", words[h->state],
               h->state == OURS && h->chained ? "true" : "false");
    cli_json_end(&c->out);
}

/* Our hook, whole, at another name. */
static enum cht_err write_fresh(struct cli_context *c, const char *fresh)
{
    const int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0777);
    if (fd < 0)
        return io_fault(c, "write", fresh);
    const ssize_t done = write(fd, script, sizeof script - 1);
    if (close(fd) == 0 && done == (ssize_t)sizeof script - 1)
        return CHT_OK;
    enum cht_err err = io_fault(c, "write", fresh);
    (void)unlink(fresh);
    return err;
}

/* At every moment there is a hook under the name: the old one, then ours that calls it. */
static enum cht_err install(struct cli_context *c, const struct hook *h)
{
    char fresh[NODE_PATH_MAX + 96], folder[sizeof h->path];
    if (h->state == OTHERS && h->chained) {
        (void)node_fault_set(&c->fault, CHT_E_EXISTS, cht_bytes(NULL, 0),
                             "%s is there from an earlier installation, and the hook is another",
                             h->before);
        node_fault_hint(&c->fault, "look at both files; delete or rename that one");
        return CHT_E_EXISTS;
    }
    (void)snprintf(folder, sizeof folder, "%s", h->path);
    *strrchr(folder, '/') = '\0';
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return io_fault(c, "make", folder);
    (void)snprintf(fresh, sizeof fresh, "%s.chitty-%ld", h->path, (long)getpid());
    enum cht_err err = write_fresh(c, fresh);
    if (err != CHT_OK)
        return err;
    if (h->state == OTHERS && link(h->path, h->before) != 0)
        err = io_fault(c, "keep", h->path);
    if (err == CHT_OK && rename(fresh, h->path) != 0)
        err = io_fault(c, "write", h->path);
    if (err != CHT_OK)
        (void)unlink(fresh);
    return err;
}

static enum cht_err run(struct cli_context *c)
{
    struct hook h = { .state = NONE };
    enum cht_err err = find(c, &h);
    if (err != CHT_OK)
        return err;
    if (c->command == &cli_git_hook_install && h.state != OURS)
        err = install(c, &h);
    else if (c->command == &cli_git_hook_remove && h.state == OURS && h.chained &&
             rename(h.before, h.path) != 0)
        err = io_fault(c, "put back", h.path);
    else if (c->command == &cli_git_hook_remove && h.state == OURS && !h.chained &&
             unlink(h.path) != 0)
        err = io_fault(c, "remove", h.path);
    if (err == CHT_OK)
        err = find(c, &h);
    if (err == CHT_OK)
        tell(c, &h);
    return err;
}

#define GIT_HOOK(symbol, word, text, more, example)                                                \
    const struct cli_command symbol = {                                                            \
        .name = word,                                                                              \
        .summary = text,                                                                           \
        .arguments = "[FOLDER]",                                                                   \
        .details = more,                                                                           \
        .kind = "git-hook",                                                                        \
        .examples = example,                                                                       \
        .args_max = 1,                                                                             \
        .run = run,                                                                                \
    }

GIT_HOOK(cli_git_hook_install, "install", "Say a word about the tracker after each commit.",
         "A post-commit hook that is there already is kept as post-commit.before-chitty and called "
         "first.",
         "chitty git-hook install\nchitty git-hook install ~/src/app");
GIT_HOOK(cli_git_hook_remove, "remove", "Take the hook out; the one that was there comes back.",
         NULL, "chitty git-hook remove");
GIT_HOOK(cli_git_hook_status, "status", "Whether the hook is in a repository.", NULL,
         "chitty git-hook status --json");
