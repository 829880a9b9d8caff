/* Which event is whose; see hook.h. */
#include "bridges/claude/hook.h"

#include "bridges/claude/hook_own.h"
#include "crdt/limits.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define EVENT(e) (1u << (e))
#define ANY      (EVENT(HOOK_EVENT_COUNT) - 1u)
static_assert(HOOK_EVENT_COUNT < 32, "events are bits");

static const struct {
    const char *word;
    unsigned events;    /* bits of enum hook_event that it is for */
    unsigned budget_ms; /* 0: none */
    enum cht_err (*run)(struct hook *h);
} hooks[] = {
    { "session-start", EVENT(HOOK_SESSION_START), HOOK_START_MS, hook_session_start },
    { "prompt", EVENT(HOOK_PROMPT), HOOK_TURN_MS, hook_prompt },
    { "pre-task", EVENT(HOOK_PRE_TOOL), HOOK_TURN_MS, hook_pre_task },
    { "pre-edit", EVENT(HOOK_PRE_TOOL), HOOK_TURN_MS, hook_pre_edit },
    { "post-task",
      EVENT(HOOK_POST_TOOL) | EVENT(HOOK_POST_TOOL_BATCH) | EVENT(HOOK_TASK_CREATED) |
          EVENT(HOOK_TASK_COMPLETED),
      HOOK_QUIET_MS, hook_post_task },
    { "activity",
      ANY & ~(EVENT(HOOK_SESSION_START) | EVENT(HOOK_SESSION_END) | EVENT(HOOK_PRE_TOOL) |
              EVENT(HOOK_PROMPT) | EVENT(HOOK_STOP)),
      HOOK_QUIET_MS, hook_activity },
    { "pre-compact", EVENT(HOOK_PRE_COMPACT), HOOK_QUIET_MS, hook_pre_compact },
    { "post-compact", EVENT(HOOK_POST_COMPACT), HOOK_QUIET_MS, hook_post_compact },
    { "stop", EVENT(HOOK_STOP), HOOK_QUIET_MS, hook_stop },
    { "session-end", EVENT(HOOK_SESSION_END), HOOK_END_MS, hook_session_end },
    { "wait", ANY & ~EVENT(HOOK_SESSION_END), 0, hook_wait },
};
#define HOOKS_COUNT (sizeof hooks / sizeof hooks[0])

const char *hook_word_at(size_t index)
{
    return index < HOOKS_COUNT ? hooks[index].word : NULL;
}

unsigned hook_budget_ms(const char *word)
{
    for (size_t i = 0; word != NULL && i < HOOKS_COUNT; i++) {
        if (strcmp(hooks[i].word, word) == 0)
            return hooks[i].budget_ms;
    }
    return HOOK_START_MS;
}

/* `wait` is only for who asks for it. */
static bool meant(size_t index, const char *word, enum hook_event event)
{
    const bool named =
        word == NULL ? hooks[index].run != hook_wait : strcmp(hooks[index].word, word) == 0;
    return named && event < HOOK_EVENT_COUNT && (hooks[index].events & EVENT(event)) != 0;
}

static uint64_t wall_ms(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void note(struct hook_answer *a, const struct node_fault *fault)
{
    if (fault->error.text[0] != '\0')
        hook_answer_error(a, a->status, fault->error.text);
}

/* The folder of the project is where the session was started; the working directory moves. */
static enum cht_err open_agent(const struct hook_payload *p, unsigned budget_ms,
                               struct node_fault *fault, struct agent **out)
{
    const char *started = getenv("CLAUDE_PROJECT_DIR");
    const bool moved = started == NULL || started[0] == '\0';
    const struct agent_options options = {
        .program = "hook",
        .session_id = p->session_id[0] == '\0' ? NULL : p->session_id,
        .folder = moved && p->cwd[0] != '\0' ? p->cwd : NULL,
        .timeout_ms = (int)budget_ms,
    };
    return agent_open(&options, fault, out);
}

static void run_all(struct hook *h, const char *word)
{
    for (size_t i = 0; i < HOOKS_COUNT; i++) {
        if (meant(i, word, h->payload->event) && hooks[i].run(h) != CHT_OK)
            note(h->answer, agent_fault(h->agent));
    }
}

void hook_run(const char *word, struct cht_buf *payload, struct hook_answer *out,
              enum hook_event *out_event)
{
    struct hook_payload p;
    struct node_fault fault = { 0 };
    bool any = false;
    *out_event = HOOK_OTHER;
    const enum cht_err err = hook_payload_read(payload, &p);
    if (err != CHT_OK) {
        hook_answer_error(out, HOOK_EXIT_NOTE,
                          err == CHT_E_LIMIT ? "chitty hook: the payload has more than 16 MiB"
                                             : "chitty hook: standard input is no payload of a "
                                               "hook: a JSON object with hook_event_name");
        return;
    }
    *out_event = p.event;
    for (size_t i = 0; i < HOOKS_COUNT; i++)
        any |= meant(i, word, p.event);
    struct hook h = { .payload = &p, .answer = out, .now_ms = wall_ms() };
    if (any && open_agent(&p, hook_budget_ms(word), &fault, &h.agent) != CHT_OK)
        note(out, &fault);
    else if (any && agent_session(h.agent)[0] != '\0')
        run_all(&h, word);
    agent_close(h.agent);
    hook_payload_clear(&p);
}

/* --- what handlers share -------------------------------------------------------------------- */

void hook_key(const struct hook *h, const char *what, const char *id, char out[static HOOK_KEY_MAX])
{
    char text[4 * HOOK_ID_BYTES];
    uint8_t name[CRDT_ID_BYTES];
    (void)snprintf(text, sizeof text, "%s\n%s\n%s\n%s", agent_session_key(h->agent),
                   h->payload->tool_use_id, what, id);
    crdt_id_of("chitty-hook-key-1", cht_bytes_str(text), name);
    memcpy(out, "hook-", 5);
    crdt_hex(cht_bytes(name, sizeof name), out + 5);
}

json_t *hook_line(struct cht_bytes text)
{
    json_t *v = json_stringn((const char *)text.data, text.len);
    char *copy = v == NULL ? NULL : malloc(text.len + 1);
    for (size_t i = 0; copy != NULL && i < text.len; i++)
        copy[i] = text.data[i] < 0x20 || text.data[i] == 0x7f ? ' ' : (char)text.data[i];
    if (copy != NULL && json_string_setn_nocheck(v, copy, text.len) == 0) {
        free(copy);
        return v;
    }
    free(copy);
    json_decref(v);
    return NULL;
}

json_t *hook_document(struct cht_bytes text)
{
    const uint8_t *nul = text.len == 0 ? NULL : memchr(text.data, '\0', text.len);
    size_t len = nul == NULL ? text.len : (size_t)(nul - text.data);
    if (len > LIMIT_TEXT_BYTES) {
        len = LIMIT_TEXT_BYTES;
        while (len > 0 && (text.data[len] & 0xc0) == 0x80)
            len--;
    }
    return json_stringn(len == 0 ? "" : (const char *)text.data, len);
}

json_t *hook_origin(const struct hook *h, const struct hook_task *t)
{
    const char *const pairs[][2] = { { "prompt", h->payload->prompt_id },
                                     { "tool", t->tool },
                                     { "toolUse", t->tool_use_id } };
    json_t *origin = json_object();
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (pairs[i][1][0] != '\0' &&
            json_object_set_new(origin, pairs[i][0], json_string(pairs[i][1])) != 0) {
            json_decref(origin);
            return NULL;
        }
    }
    return origin;
}

void hook_age(uint64_t ms, char out[static HOOK_AGE_MAX])
{
    static const struct {
        uint64_t from_s, unit_s;
        const char *word;
    } steps[] = { { 172800, 86400, "d" }, { 7200, 3600, "h" }, { 120, 60, "min" }, { 0, 1, "s" } };
    const uint64_t s = ms / 1000;
    size_t i = 0;
    while (s < steps[i].from_s)
        i++;
    (void)snprintf(out, HOOK_AGE_MAX, "%llu %s", (unsigned long long)(s / steps[i].unit_s),
                   steps[i].word);
}

struct hook_quoted hook_quote(const char *text, size_t chars, const char *otherwise)
{
    struct hook_quoted q;
    if (text == NULL || text[0] == '\0')
        (void)snprintf(q.text, sizeof q.text, "%s", otherwise);
    else
        agent_quote(text, chars, q.text, sizeof q.text);
    return q;
}

unsigned hook_status_rank(const char *word)
{
    if (word == NULL)
        return 0;
    if (strcmp(word, "in_progress") == 0)
        return 1;
    return strcmp(word, "completed") == 0 || strcmp(word, "cancelled") == 0 ? 2 : 0;
}

bool hook_status_moves(const char *now, enum hook_status from, enum hook_status to)
{
    const char *word = hook_status_word(to), *before = hook_status_word(from);
    if (word == NULL || (now != NULL && strcmp(now, word) == 0))
        return false;
    if (before == NULL || hook_status_rank(now) == hook_status_rank(before))
        return true;
    return hook_status_rank(word) > hook_status_rank(now);
}
