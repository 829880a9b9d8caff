/* chitty hook */
#include "bridges/claude/hook.h"

#include "cli/base/report.h"
#include "cli/commands.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define READ_BYTES (64u * 1024u)

/* The time is over: whoever waits for this hook goes on, as if it had had nothing to say. */
static void give_up(int signal_number)
{
    (void)signal_number;
    _exit(HOOK_EXIT_OK);
}

/* 0: for ever. */
static void limit_time(unsigned ms)
{
    const struct itimerval in = { .it_value = { .tv_sec = ms / 1000,
                                                .tv_usec = (suseconds_t)(ms % 1000) * 1000 } };
    (void)setitimer(ITIMER_REAL, &in, NULL);
}

/* Everything on standard input, up to one byte more than a payload may have. */
static enum cht_err read_payload(struct cht_buf *out)
{
    for (;;) {
        const enum cht_err err = cht_buf_reserve(out, READ_BYTES);
        if (err != CHT_OK)
            return err;
        const ssize_t got = read(STDIN_FILENO, out->data + out->len, READ_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0 ? CHT_OK : CHT_E_IO;
        out->len += (size_t)got;
        if (out->len > HOOK_PAYLOAD_BYTES)
            return CHT_OK;
    }
}

static void put_lines(char *text)
{
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;)
        cli_warn(NULL, line);
}

static enum cht_err put_answer(struct cli_context *c, struct hook_answer *answer,
                               enum hook_event event)
{
    struct cht_buf text;
    cht_buf_init(&text, 16u * HOOK_CONTEXT_BYTES); /* each byte may be escaped */
    const enum cht_err err = hook_answer_put(answer, event, &text);
    if (err == CHT_OK)
        cli_put(&c->out, cht_buf_view(&text));
    cht_buf_clear(&text);
    if (answer->error[0] != '\0')
        put_lines(answer->error);
    c->status = answer->status;
    return err;
}

static enum cht_err run(struct cli_context *c)
{
    const char *word = c->arg_count == 0 ? NULL : c->args[0];
    struct hook_answer answer = { 0 };
    enum hook_event event = HOOK_OTHER;
    struct cht_buf payload;
    if (isatty(STDIN_FILENO)) {
        c->failed = true;
        cli_warn(NULL, "chitty hook: a payload of Claude Code is read from standard input");
        return CHT_OK;
    }
    (void)signal(SIGALRM, give_up);
    limit_time(HOOK_PAYLOAD_MS);
    cht_buf_init(&payload, HOOK_PAYLOAD_BYTES + READ_BYTES + 1);
    enum cht_err err = read_payload(&payload);
    limit_time(hook_budget_ms(word));
    if (err == CHT_OK)
        hook_run(word, &payload, &answer, &event);
    else
        hook_answer_error(&answer, HOOK_EXIT_NOTE, "chitty hook: standard input cannot be read");
    limit_time(0);
    cht_buf_clear(&payload);
    err = put_answer(c, &answer, event);
    c->failed = err != CHT_OK;
    return CHT_OK; /* never by an error's status: 2 would block what Claude Code is about to do */
}

const struct cli_command cli_hook = {
    .name = "hook",
    .summary = "Take what Claude Code hands to a hook, and answer.",
    .arguments = "[EVENT]",
    .details =
        "Reads one payload from standard input. EVENT is `session-start`, `prompt`, `pre-task`, "
        "`pre-edit`, `post-task`, `activity`, `pre-compact`, `post-compact`, `stop`, `session-end` "
        "or `wait`; without one the payload says what is to be done. `chitty claude install` "
        "registers them.\n\n"
        "Sessions, their tasks and the files they edit are written to the node. The answer tells "
        "the session what others did meanwhile (at its start and at each prompt, at most 1 KB), "
        "and "
        "denies a change of a task that another session holds. `wait` blocks until another session "
        "has done what this one waits for, tells it on standard error and ends with status 2, "
        "which "
        "wakes the session; where one waits already it ends at once.\n\n"
        "Whatever goes wrong, nothing is blocked: without a node, or for an event that it does not "
        "know, it ends with status 0 and no answer; a payload that cannot be read is status 1.",
    .group = CLI_SETUP,
    .kind = "",
    .examples = "chitty hook session-start <payload.json\n"
                "chitty hook <payload.json",
    .dashes = true,
    .usage_status = HOOK_EXIT_NOTE,
    .args_min = 0,
    .args_max = CLI_ARGS_MAX,
    .run = run,
};
