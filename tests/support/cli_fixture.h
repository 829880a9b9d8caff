#ifndef TESTS_SUPPORT_CLI_FIXTURE_H
#define TESTS_SUPPORT_CLI_FIXTURE_H
/* A command run in this process against answers written in the test: what it asked (as JSON), what
 * it printed, its exit status. The request's payload is kept; its answers are played back. */
#include "cli/base/command.h"
#include "cli/base/json.h"
#include "crdt/limits.h"
#include "tests/support/mp_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct cli_answer {
    enum node_msg_type type;
    const char *payload; /* as mp_text has it; NULL ends the list */
};

/* One run's questions and answers; a test program runs one command at a time. */
static const struct cli_answer *cli_answers;
static char cli_asked[64 * 1024]; /* payloads of the requests as JSON, one a line */
static char cli_stdout[1024 * 1024], cli_stderr[16 * 1024];
static unsigned cli_calls;

/* What `put` writes to a temporary file, as text. */
static inline void cli_capture_json(struct cht_bytes object, char *out, size_t size)
{
    struct cli_out *o = calloc(1, sizeof *o);
    FILE *file = tmpfile();
    assert_non_null(o);
    assert_non_null(file);
    cli_out_init(o, fileno(file));
    cli_json_value(o, object);
    assert_int_equal(CHT_OK, cli_out_flush(o));
    const ssize_t len = pread(fileno(file), out, size - 1, 0);
    assert_true(len >= 0);
    out[len] = '\0';
    (void)fclose(file);
    free(o);
}

static inline enum cht_err cli_play(struct cli_backend *b, struct cht_bytes message,
                                    bool repeatable, node_answer_fn each, void *ctx,
                                    struct node_fault *fault)
{
    (void)b;
    (void)repeatable;
    struct node_msg request;
    assert_int_equal(CHT_OK, node_msg_read(message, NULL, NULL, &request));
    const size_t at = strlen(cli_asked);
    (void)snprintf(cli_asked + at, sizeof cli_asked - at, "%s%s ", cli_calls == 0 ? "" : "\n",
                   node_msg_type_word(request.type));
    cli_capture_json(request.payload, cli_asked + strlen(cli_asked),
                     sizeof cli_asked - strlen(cli_asked));
    cli_calls++;
    enum cht_err err = CHT_E_INTERNAL;
    for (; cli_answers != NULL && cli_answers->payload != NULL; cli_answers++) {
        struct cht_buf payload;
        cht_buf_init(&payload, LIMIT_CLIENT_BYTES);
        const struct node_msg answer = { .type = cli_answers->type,
                                         .id = cht_bytes_str("a"),
                                         .timestamp_ms = 1767225600000,
                                         .reply_to = request.id,
                                         .payload = mp_of(&payload, cli_answers->payload) };
        const bool done = node_answer_take(&answer, each, ctx, fault, &err);
        cht_buf_clear(&payload);
        if (done) {
            cli_answers++;
            return err;
        }
    }
    return err;
}

static inline enum cht_err cli_open_played(enum cli_reach reach, struct node_fault *fault,
                                           struct cli_backend *out)
{
    (void)reach;
    (void)fault;
    *out = (struct cli_backend){ .call = cli_play };
    return CHT_OK;
}

static inline void cli_read_back(FILE *file, char *out, size_t size)
{
    const ssize_t len = pread(fileno(file), out, size - 1, 0);
    assert_true(len >= 0);
    out[len] = '\0';
    (void)fclose(file);
}

/* Run `program` with arguments separated by '|' ("add|Buy milk|--json"); returns the exit status.
 */
static inline int cli_do(const struct cli_program *program, const char *line,
                         const struct cli_answer *answers)
{
    struct cli_program played = *program;
    char text[4096], *argv[64];
    int argc = 0;
    (void)setenv("CHITTY_PROJECT", "", 1); /* no node is asked which folder this is */
    played.open_backend = cli_open_played;
    (void)snprintf(text, sizeof text, "%s|%s", program->name, line);
    for (char *at = text; at != NULL && argc < 63; argc++) {
        argv[argc] = at;
        at = strchr(at, '|');
        if (at != NULL)
            *at++ = '\0';
    }
    if (line[0] == '\0')
        argc = 1;
    argv[argc] = NULL;
    cli_answers = answers;
    cli_asked[0] = '\0';
    cli_calls = 0;
    FILE *out = tmpfile(), *err = tmpfile();
    assert_non_null(out);
    assert_non_null(err);
    (void)fflush(NULL);
    const int was_out = dup(STDOUT_FILENO), was_err = dup(STDERR_FILENO);
    assert_true(dup2(fileno(out), STDOUT_FILENO) >= 0 && dup2(fileno(err), STDERR_FILENO) >= 0);
    const int status = cli_main(&played, argc, argv);
    assert_true(dup2(was_out, STDOUT_FILENO) >= 0 && dup2(was_err, STDERR_FILENO) >= 0);
    (void)close(was_out);
    (void)close(was_err);
    cli_read_back(out, cli_stdout, sizeof cli_stdout);
    cli_read_back(err, cli_stderr, sizeof cli_stderr);
    return status;
}

static inline void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" does not have \"%s\"", text, part);
}

#endif
