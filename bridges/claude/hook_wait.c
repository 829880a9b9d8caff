/* The waiter of a session: a hook with `asyncRewake`, which Claude Code starts at the session's
 * start and after each turn and lets run. It ends with status 2, and what it says on standard error
 * begins a turn of the session. Claude Code does not look whether one waits already: a lock does.
 */
#include "bridges/claude/hook_own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATH_ROOM (NODE_PATH_MAX + CRDT_ID_TEXT_MAX + 32)
#define TOLD_MS   3000 /* so long session-start may take that runs beside this */
#define RECENT_S  5    /* it may have been faster */
#define LOOK_MS   20

/* A file of this session in the folder of state. */
static bool path_of(const struct hook *h, const char *ending, char out[static PATH_ROOM])
{
    struct node_paths paths;
    if (node_paths_find(NULL, &paths) != CHT_OK)
        return false;
    (void)snprintf(out, PATH_ROOM, "%s/sessions", paths.state);
    if (node_path_make(out, NULL) != CHT_OK)
        return false;
    (void)snprintf(out, PATH_ROOM, "%s/sessions/%s%s", paths.state, agent_session(h->agent),
                   ending);
    return true;
}

/* The lock of this session's waiter: held as long as the process lives. -1: another one waits, or
 * there is no place for the file. */
static int lock_of(const struct hook *h)
{
    char path[PATH_ROOM];
    if (!path_of(h, ".wait", path))
        return -1;
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* At its start a session is told by session-start what happened until now, beside this: only what
 * comes after that look is to wake it. False: nobody looks. */
static bool await_look(const struct hook *h)
{
    char path[PATH_ROOM];
    struct stat is;
    const time_t recent = time(NULL) - RECENT_S;
    if (!path_of(h, "", path))
        return false;
    for (unsigned ms = 0; ms < TOLD_MS; ms += LOOK_MS) {
        if (stat(path, &is) == 0 && is.st_mtime >= recent)
            return true;
        (void)usleep(LOOK_MS * 1000);
    }
    return false;
}

enum cht_err hook_wait(struct hook *h)
{
    struct agent_wait wait = { .end_fd = -1 };
    struct agent_news news = { 0 };
    const int lock = lock_of(h);
    if (lock < 0)
        return CHT_OK;
    wait.afresh = h->payload->event == HOOK_SESSION_START && !await_look(h);
    enum cht_err err = hook_known(h);
    if (err == CHT_OK)
        err = agent_wait(h->agent, &wait, &news);
    /* what cannot be noted as told would wake it again and again: then it is not woken */
    const bool woken = err == CHT_OK && news.text[0] != '\0';
    if (woken)
        err = agent_news_seen(h->agent, &news);
    if (woken && err == CHT_OK)
        hook_answer_error(h->answer, HOOK_EXIT_BLOCK, news.text);
    agent_news_clear(&news);
    (void)close(lock);
    return err == CHT_E_EXPIRED ? CHT_OK : err;
}
