/* A session of an agent, for tests: bridges/agent by hand. Reads commands from standard input, one
 * a line, and answers each with one line of JSON: {"err": CODE, …}. The session is
 * CHITTY_SESSION's.
 *
 *   ensure                     the record of the session, and its project
 *   find FOLDER | known FOLDER its project, making one or not
 *   news start|prompt [keep]   what others did; with `keep` the look does not count
 *   claim [ID] | take ID | release   todos; `take` from who has it
 *   end                        the session
 *   wait                       until something happens
 */
#include "bridges/agent/agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void say(const struct agent *a, enum cht_err err, json_t *more)
{
    json_t *answer = more == NULL ? json_object() : more;
    json_object_set_new(answer, "err", json_string(cht_err_code(err)));
    json_object_set_new(answer, "session", json_string(agent_session(a)));
    json_object_set_new(answer, "project", json_string(agent_project(a)));
    if (err != CHT_OK)
        json_object_set_new(answer, "message", json_string(cht_error_text(&agent_fault(a)->error)));
    json_dumpf(answer, stdout, JSON_COMPACT);
    (void)putchar('\n');
    (void)fflush(stdout);
    json_decref(answer);
}

static json_t *of_news(const struct agent_news *news)
{
    return json_pack("{s:s, s:i, s:i, s:b}", "text", news->text, "events", (int)news->events,
                     "lost", (int)news->lost, "more", (int)news->more);
}

static void find(struct agent *a, const char *folder, bool make)
{
    struct agent_place *p = calloc(1, sizeof *p);
    const enum cht_err err =
        p == NULL ? CHT_E_NOMEM : agent_project_find(a, folder, make, 10000, p);
    json_t *more =
        p == NULL || err != CHT_OK
            ? NULL
            : json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "found", p->project, "name", p->name,
                        "folder", p->folder, "address", p->address, "root", p->root, "how",
                        agent_how_word(p->how), "changed", (int)p->changed);
    free(p);
    say(a, err, more);
}

static void news(struct agent *a, const char *words)
{
    struct agent_news n = { 0 };
    enum cht_err err =
        agent_news(a, strncmp(words, "start", 5) == 0 ? AGENT_AT_START : AGENT_AT_PROMPT, NULL, &n);
    if (err == CHT_OK && strstr(words, "keep") == NULL)
        err = agent_news_seen(a, &n);
    say(a, err, of_news(&n));
    agent_news_clear(&n);
}

static void wait_here(struct agent *a)
{
    struct agent_news n = { 0 };
    const struct agent_wait wait = { .end_fd = STDIN_FILENO };
    enum cht_err err = agent_wait(a, &wait, &n);
    if (err == CHT_OK)
        err = agent_news_seen(a, &n);
    say(a, err, of_news(&n));
    agent_news_clear(&n);
}

static void obey(struct agent *a, const char *line)
{
    const struct agent_facts facts = { .begins = true };
    json_t *out = NULL;
    enum cht_err err = CHT_E_INVALID;
    if (strcmp(line, "ensure") == 0)
        err = agent_session_ensure(a, &facts);
    else if (strcmp(line, "end") == 0)
        err = agent_session_end(a, "ended");
    else if (strcmp(line, "claim") == 0)
        err = agent_todo_claim(a, NULL, false, NULL, &out);
    else if (strncmp(line, "claim ", 6) == 0)
        err = agent_todo_claim(a, line + 6, false, NULL, &out);
    else if (strncmp(line, "take ", 5) == 0)
        err = agent_todo_claim(a, line + 5, true, NULL, &out);
    else if (strcmp(line, "release") == 0)
        err = agent_todo_release(a, NULL, &out);
    say(a, err, json_is_object(out) ? out : NULL);
}

int main(void)
{
    static char line[8192];
    const struct agent_options options = { .program = "test", .no_start = true };
    struct node_fault fault = { 0 };
    struct agent *a = NULL;
    if (agent_open(&options, &fault, &a) != CHT_OK) {
        (void)fprintf(stderr, "session: %s\n", cht_error_text(&fault.error));
        return 1;
    }
    (void)setvbuf(stdin, NULL, _IONBF, 0); /* `wait` looks at the descriptor itself */
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "find ", 5) == 0)
            find(a, line + 5, true);
        else if (strncmp(line, "known ", 6) == 0)
            find(a, line + 6, false);
        else if (strncmp(line, "news ", 5) == 0)
            news(a, line + 5);
        else if (strcmp(line, "wait") == 0)
            wait_here(a);
        else
            obey(a, line);
    }
    agent_close(a);
    return 0;
}
