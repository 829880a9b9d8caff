/* Parts of the observer that need no node: what an answer means, which process is which, git as a
 * child, what happens in a .git folder. */
#include "bridges/observe/dirs.h"
#include "bridges/observe/observe.h"
#include "bridges/observe/verdict.h"
#include "node/client/git.h"
#include "node/client/process.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64]; /* of this test */

/* In it, by a shell. */
static void run(const char *command)
{
    char line[512];
    (void)snprintf(line, sizeof line, "cd '%s' && { %s; } >/dev/null 2>&1", folder, command);
    assert_int_equal(0, system(line));
}

/* --- verdicts ------------------------------------------------------------------------------ */

static void an_answer_means_what_the_table_says(void **state)
{
    (void)state;
    static const struct {
        long status;
        uint64_t latency_ms;
        enum observe_health health;
    } rows[] = {
        { 0, 0, OBSERVE_DOWN },          { 0, 5000, OBSERVE_DOWN },
        { 99, 0, OBSERVE_DOWN },         { 100, 0, OBSERVE_DEGRADED },
        { 200, 0, OBSERVE_HEALTHY },     { 200, 2500, OBSERVE_HEALTHY },
        { 200, 2501, OBSERVE_DEGRADED }, { 204, 1, OBSERVE_HEALTHY },
        { 299, 1, OBSERVE_HEALTHY },     { 300, 1, OBSERVE_DEGRADED },
        { 301, 1, OBSERVE_DEGRADED },    { 404, 1, OBSERVE_DEGRADED },
        { 429, 1, OBSERVE_DEGRADED },    { 499, 1, OBSERVE_DEGRADED },
        { 500, 1, OBSERVE_DOWN },        { 503, 1, OBSERVE_DOWN },
        { 599, 1, OBSERVE_DOWN },        { 600, 1, OBSERVE_DEGRADED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(rows[i].health, observe_verdict(rows[i].status, rows[i].latency_ms, 5000));
}

static void only_what_is_worse_is_asked_again(void **state)
{
    (void)state;
    assert_true(observe_is_worse(OBSERVE_HEALTHY, OBSERVE_DEGRADED));
    assert_true(observe_is_worse(OBSERVE_DEGRADED, OBSERVE_DOWN));
    assert_false(observe_is_worse(OBSERVE_DOWN, OBSERVE_HEALTHY));
    assert_false(observe_is_worse(OBSERVE_DOWN, OBSERVE_DOWN));
    assert_false(observe_is_worse(OBSERVE_UNKNOWN, OBSERVE_DOWN));
}

/* --- processes ----------------------------------------------------------------------------- */

static void a_process_is_known_again_by_its_map(void **state)
{
    (void)state;
    struct node_process here, told;
    struct cht_buf b;
    cht_buf_init(&b, 4096);
    assert_int_equal(CHT_OK, node_process_find(getpid(), &here));
    assert_int_equal(CHT_OK, node_process_put(&here, &b));
    assert_int_equal(CHT_OK, node_process_read(cht_buf_view(&b), &told));
    assert_true(node_process_same(&told, &here));
    const uint64_t now_ms = (uint64_t)time(NULL) * 1000;
    assert_in_range(here.started_ms, now_ms - 3600000, now_ms + 2000);
    cht_buf_clear(&b);
}

static void another_process_with_the_same_number_is_not_taken_for_it(void **state)
{
    (void)state;
    struct node_process here;
    assert_int_equal(CHT_OK, node_process_find(getpid(), &here));
    struct node_process told = here;
    told.ticks++; /* started a moment later */
    assert_false(node_process_same(&told, &here));
    told = here;
    told.boot[0] = told.boot[0] == '0' ? '1' : '0'; /* before the machine was restarted */
    assert_false(node_process_same(&told, &here));
    told = (struct node_process){ .pid = here.pid, .started_ms = here.started_ms + 9000 };
    assert_true(node_process_same(&told, &here));
    told.started_ms = here.started_ms + 11000;
    assert_false(node_process_same(&told, &here));
    told.started_ms = 0;
    assert_true(node_process_same(&told, &here));
    assert_int_equal(CHT_E_NOTFOUND, node_process_find(0, &told));
    assert_int_equal(CHT_E_NOTFOUND, node_process_find(-1, &told));
}

static void a_map_without_a_pid_is_no_process(void **state)
{
    (void)state;
    struct node_process p = { .pid = 77 };
    assert_int_equal(CHT_E_INVALID, node_process_read(cht_bytes("\x80", 1), &p));
    assert_int_equal(CHT_E_INVALID, node_process_read(cht_bytes("\x81\xa3pid\x00", 6), &p));
    assert_int_equal(CHT_E_INVALID,
                     node_process_read(cht_bytes("\x81\xa3pid\xcf\0\0\1\0\0\0\0\0", 14), &p));
    assert_int_equal(CHT_E_INVALID, node_process_read(cht_bytes(NULL, 0), &p));
    assert_int_equal(77, p.pid);
}

/* --- notifications ------------------------------------------------------------------------- */

static void heard(const char *path, char *out, size_t size)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd < 0 ? 0 : read(fd, out, size - 1);
    out[got > 0 ? got : 0] = '\0';
    if (fd >= 0)
        (void)close(fd);
}

static void the_desktop_is_told_a_title_and_a_text_and_no_markup(void **state)
{
    (void)state;
    char path[8192], got[512];
    const char *before = getenv("PATH");
    run("mkdir bin && printf '#!/bin/sh\\nprintf \"%%s|\" \"$@\" > ../told\\n' > bin/notify-send "
        "&& "
        "sed -i \"s#../told#$PWD/told#\" bin/notify-send && chmod +x bin/notify-send");
    (void)snprintf(path, sizeof path, "%s/bin:%s", folder, before == NULL ? "/bin" : before);
    assert_int_equal(0, setenv("PATH", path, 1));
    assert_int_equal(0, setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent", 1));
    (void)unsetenv("CHITTY_NOTIFY");
    assert_true(observe_can_notify());
    assert_int_equal(
        CHT_OK, observe_notify(cht_bytes_str("-t $(id) \x1b[31m"), cht_bytes_str("a <b>&\nc")));
    (void)snprintf(path, sizeof path, "%s/told", folder);
    heard(path, got, sizeof got);
    assert_string_equal("--app-name=chitty|--|-t $(id)  [31m|a &lt;b>&amp; c|", got);
}

static void what_was_not_taken_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(0, setenv("CHITTY_NOTIFY", "false", 1));
    assert_int_equal(CHT_E_IO, observe_notify(cht_bytes_str("a"), cht_bytes_str("b")));
    assert_int_equal(0, setenv("CHITTY_NOTIFY", "/nonexistent/program", 1));
    assert_int_equal(CHT_E_IO, observe_notify(cht_bytes_str("a"), cht_bytes_str("b")));
    assert_int_equal(0, setenv("CHITTY_NOTIFY", "true", 1));
    assert_int_equal(CHT_OK, observe_notify(cht_bytes_str("a"), cht_bytes_str("b")));
}

/* --- git and its folders ------------------------------------------------------------------- */

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/chitty-observe-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    run("git init -b main . && git -c user.name=x -c user.email=x@x commit --allow-empty -m one");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char line[128];
    (void)snprintf(line, sizeof line, "rm -rf '%s'", folder);
    return system(line);
}

static void git_is_asked_about_the_folder_and_no_other_repository(void **state)
{
    (void)state;
    static const char *const words[] = { "rev-parse", "--abbrev-ref", "HEAD", NULL };
    static const char *const wrong[] = { "no-such-word", NULL };
    struct node_worktree w;
    struct cht_buf out;
    cht_buf_init(&out, 4096);
    assert_int_equal(0, setenv("GIT_DIR", "/nonexistent", 1));
    assert_int_equal(CHT_OK, node_git_ask(folder, words, 10000, &out));
    assert_true(cht_bytes_eq(cht_bytes_str("main"), cht_buf_view(&out)));
    assert_int_equal(CHT_E_INVALID, node_git_ask(folder, wrong, 10000, &out));
    assert_int_equal(4, out.len);
    node_git_look(folder, &w);
    assert_int_equal(NODE_WT_NO_UPSTREAM, w.state);
    assert_string_equal("main", w.branch);
    node_git_look("/nonexistent", &w);
    assert_int_equal(NODE_WT_MISSING, w.state);
    assert_int_equal(0, unsetenv("GIT_DIR"));
    run("rm -r .git/HEAD");
    node_git_look(folder, &w);
    assert_int_equal(NODE_WT_UNREADABLE, w.state);
    run("git init -b main .");
    cht_buf_clear(&out);
}

static void a_question_that_takes_too_long_is_ended(void **state)
{
    (void)state;
    /* an alias is git's own way to run something that takes long */
    static const char *const words[] = { "-c", "alias.long=!sleep 100", "long", NULL };
    struct cht_buf out;
    cht_buf_init(&out, 4096);
    assert_int_equal(CHT_E_TIMEOUT, node_git_ask(folder, words, 50, &out));
    assert_int_equal(0, out.len);
    assert_int_equal(-1, waitpid(-1, NULL, WNOHANG)); /* nothing is left of it */
    cht_buf_clear(&out);
}

static void output_beyond_the_bound_is_cut_off(void **state)
{
    (void)state;
    static const char *const words[] = { "-c", "alias.much=!yes", "much", NULL };
    struct node_git g;
    assert_int_equal(CHT_OK, node_git_start(folder, words, &g));
    enum cht_err err;
    while ((err = node_git_take(&g)) == CHT_E_WAITING) {
        struct pollfd p = { .fd = g.fd, .events = POLLIN };
        assert_int_equal(1, poll(&p, 1, 10000));
    }
    assert_int_equal(CHT_OK, err);
    assert_true(g.out.len <= NODE_GIT_BYTES && g.out.len > NODE_GIT_BYTES - 4096);
    node_git_stop(&g);
}

static void count(void *ctx, uint32_t number)
{
    unsigned *counts = ctx;
    counts[number]++;
}

/* What is told within a moment of the command. */
static void told_by(struct observe_dirs *d, const char *command, unsigned counts[static 3])
{
    counts[1] = counts[2] = 0;
    run(command);
    struct pollfd p = { .fd = observe_dirs_fd(d), .events = POLLIN };
    (void)poll(&p, 1, 200);
    observe_dirs_read(d, count, counts);
}

static void what_happens_in_a_clone_and_its_worktrees_is_told(void **state)
{
    (void)state;
    struct observe_dirs *d = NULL;
    unsigned counts[3] = { 0 };
    char second[80];
    run("git -c user.name=x -c user.email=x@x commit --allow-empty -m two");
    run("git worktree add ../$(basename $PWD)-second -b other");
    (void)snprintf(second, sizeof second, "%s-second", folder);
    assert_int_equal(CHT_OK, observe_dirs_open(&d));
    assert_int_equal(-1, observe_dirs_fd(d)); /* nothing to wait for yet */
    observe_dirs_watch(d, 1, folder);
    observe_dirs_watch(d, 2, second);
    observe_dirs_watch(d, 2, "/nonexistent");
    told_by(d, "git -c user.name=x -c user.email=x@x commit --allow-empty -m three", counts);
    assert_true(counts[1] > 0);
    told_by(d, "touch new && git add new", counts);
    assert_true(counts[1] > 0);
    told_by(d, "git checkout -q -b topic/one", counts);
    assert_true(counts[1] > 0);
    observe_dirs_watch(d, 1, folder); /* refs/heads/topic is new, to both */
    observe_dirs_watch(d, 2, second);
    told_by(d, "git update-ref refs/heads/topic/one HEAD~1", counts);
    assert_true(counts[1] > 0 && counts[2] > 0); /* they share it */
    told_by(d, "touch edited && touch .git/index.lock && rm .git/index.lock", counts);
    assert_int_equal(0, counts[1] + counts[2]); /* neither a file nor a lock is news */
    observe_dirs_drop(d, 1);
    told_by(d, "git -C ../$(basename $PWD)-second checkout -q --detach", counts);
    assert_int_equal(0, counts[1]);
    assert_true(counts[2] > 0);
    observe_dirs_close(d);
    run("rm -rf ../$(basename $PWD)-second");
}

/* Somebody's pipe in the place of a file: nobody ever writes to it. */
static void what_is_no_file_of_git_holds_nothing_up(void **state)
{
    (void)state;
    struct observe_dirs *d = NULL;
    (void)alarm(10);
    run("rm -rf .git && mkfifo .git");
    assert_int_equal(CHT_OK, observe_dirs_open(&d));
    observe_dirs_watch(d, 1, folder);
    assert_int_equal(-1, observe_dirs_fd(d));
    run("rm .git && git init -q . && mkfifo .git/commondir");
    observe_dirs_watch(d, 1, folder);
    observe_dirs_close(d);
    (void)alarm(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_means_what_the_table_says),
        cmocka_unit_test(only_what_is_worse_is_asked_again),
        cmocka_unit_test(a_process_is_known_again_by_its_map),
        cmocka_unit_test(another_process_with_the_same_number_is_not_taken_for_it),
        cmocka_unit_test(a_map_without_a_pid_is_no_process),
        cmocka_unit_test(the_desktop_is_told_a_title_and_a_text_and_no_markup),
        cmocka_unit_test(what_was_not_taken_is_an_error),
        cmocka_unit_test(git_is_asked_about_the_folder_and_no_other_repository),
        cmocka_unit_test(a_question_that_takes_too_long_is_ended),
        cmocka_unit_test(output_beyond_the_bound_is_cut_off),
        cmocka_unit_test(what_happens_in_a_clone_and_its_worktrees_is_told),
        cmocka_unit_test(what_is_no_file_of_git_holds_nothing_up),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
