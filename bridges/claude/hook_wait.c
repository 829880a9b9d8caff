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
#include <unistd.h>

/* The lock of this session's waiter: held as long as the process lives. -1: another one waits, or
 * there is no place for the file. */
static int lock_of(const struct hook *h)
{
    struct node_paths paths;
    char path[NODE_PATH_MAX + CRDT_ID_TEXT_MAX + 32];
    if (node_paths_find(NULL, &paths) != CHT_OK)
        return -1;
    (void)snprintf(path, sizeof path, "%s/sessions", paths.state);
    if (node_path_make(path, NULL) != CHT_OK)
        return -1;
    (void)snprintf(path, sizeof path, "%s/sessions/%s.wait", paths.state, agent_session(h->agent));
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

enum cht_err hook_wait(struct hook *h)
{
    const struct agent_wait wait = { .end_fd = -1 };
    struct agent_news news = { 0 };
    const int lock = lock_of(h);
    if (lock < 0)
        return CHT_OK;
    enum cht_err err = hook_known(h);
    if (err == CHT_OK)
        err = agent_wait(h->agent, &wait, &news);
    if (err == CHT_OK && news.text[0] != '\0') {
        hook_answer_error(h->answer, HOOK_EXIT_BLOCK, news.text);
        err = agent_news_seen(h->agent, &news);
    }
    agent_news_clear(&news);
    (void)close(lock);
    return err == CHT_E_EXPIRED ? CHT_OK : err;
}
