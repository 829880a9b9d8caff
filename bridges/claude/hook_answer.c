/* Answers; see hook_answer.h. */
#include "bridges/claude/hook_answer.h"

#include <stdlib.h>

static const char more[] = "…";

/* Length of the UTF-8 character at `at`, 0 where there is none (RFC 3629). */
static size_t character(const char *at)
{
    const uint8_t *s = (const uint8_t *)at;
    const size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (len == 0 || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    const bool bad = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
                     (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f);
    return bad ? 0 : len;
}

/* Append to what stands in `room` (`size` bytes with the NUL). */
static void append(char *room, size_t size, const char *text)
{
    const size_t begin = strlen(room);
    size_t len = begin, fits = begin; /* the last place where "…" has room */
    for (const char *at = text; *at != '\0';) {
        const size_t n = character(at);
        const bool plain = n == 1 && ((uint8_t)*at < 0x20 || *at == 0x7f) && *at != '\n';
        const size_t width = n == 0 ? 1 : n;
        if (len + width >= size) {
            if (fits + sizeof more <= size)
                memcpy(room + fits, more, sizeof more);
            else
                room[begin] = '\0'; /* it was full before */
            return;
        }
        if (n == 0 || plain)
            room[len] = n == 0 ? '?' : ' ';
        else
            memcpy(room + len, at, n);
        len += width;
        at += width;
        if (len + sizeof more <= size)
            fits = len;
    }
    room[len] = '\0';
}

void hook_answer_context(struct hook_answer *a, const char *text)
{
    if (text[0] == '\0' || strlen(a->context) + sizeof more >= sizeof a->context)
        return;
    if (a->context[0] != '\0')
        append(a->context, sizeof a->context, "\n");
    append(a->context, sizeof a->context, text);
    size_t len = strlen(a->context);
    while (len > 0 && a->context[len - 1] == '\n')
        a->context[--len] = '\0';
}

void hook_answer_deny(struct hook_answer *a, const char *reason)
{
    if (a->reason[0] == '\0')
        append(a->reason, sizeof a->reason, reason);
}

void hook_answer_error(struct hook_answer *a, int status, const char *text)
{
    a->status = status;
    a->error[0] = '\0';
    append(a->error, sizeof a->error, text);
}

/* Which events take additionalContext; only those that this program answers. */
static bool takes_context(enum hook_event event)
{
    switch (event) {
    case HOOK_SESSION_START:
    case HOOK_PROMPT:
    case HOOK_PRE_TOOL:
    case HOOK_POST_TOOL:
    case HOOK_POST_TOOL_FAILURE:
    case HOOK_POST_TOOL_BATCH:
        return true;
    case HOOK_SESSION_END:
    case HOOK_TASK_CREATED:
    case HOOK_TASK_COMPLETED:
    case HOOK_PRE_COMPACT:
    case HOOK_POST_COMPACT:
    case HOOK_STOP: /* there it keeps the model at work: an idle session stays idle */
    case HOOK_STOP_FAILURE:
    case HOOK_SUBAGENT_STOP:
    case HOOK_NOTIFICATION:
    case HOOK_CWD_CHANGED:
    case HOOK_OTHER:
        break;
    }
    return false;
}

enum cht_err hook_answer_put(const struct hook_answer *a, enum hook_event event,
                             struct cht_buf *out)
{
    const bool context = a->context[0] != '\0' && takes_context(event);
    const bool deny = a->reason[0] != '\0' && event == HOOK_PRE_TOOL;
    if (!context && !deny)
        return CHT_OK;
    json_t *said = json_pack("{s:s}", "hookEventName", hook_event_name(event));
    int wrong = said == NULL;
    if (deny && !wrong)
        wrong = json_object_set_new(said, "permissionDecision", json_string("deny")) != 0 ||
                json_object_set_new(said, "permissionDecisionReason", json_string(a->reason)) != 0;
    if (context && !wrong)
        wrong = json_object_set_new(said, "additionalContext", json_string(a->context)) != 0;
    json_t *whole = wrong ? NULL : json_pack("{s:O}", "hookSpecificOutput", said);
    char *text = whole == NULL ? NULL : json_dumps(whole, JSON_COMPACT);
    enum cht_err err = text == NULL ? CHT_E_NOMEM : cht_buf_add(out, cht_bytes_str(text));
    if (err == CHT_OK)
        err = cht_buf_add_u8(out, '\n');
    free(text);
    json_decref(whole);
    json_decref(said);
    return err;
}
