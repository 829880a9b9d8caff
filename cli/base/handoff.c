/* Where a session left off, in words; see handoff.h. */
#include "cli/base/handoff.h"

#include "cli/base/dates.h"

#include <stdarg.h>
#include <stdio.h>

#define TODOS_MAX     10u
#define SUMMARY_CHARS 1500
#define TITLE_CHARS   160

/* A line, or nothing where it does not fit. */
static void put(struct cht_buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct cht_buf *out, const char *format, ...)
{
    char line[2048];
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len > 0 && (size_t)len < sizeof line)
        (void)!cht_buf_add(out, cht_bytes(line, (size_t)len));
}

/* At most `most` bytes of a text without control characters, cut at a character. */
struct cut {
    char text[SUMMARY_CHARS + 1];
};
static struct cut cut(const char *text, size_t most)
{
    struct cut out = { "" };
    size_t len = text == NULL ? 0 : strlen(text);
    len = len > most ? most : len;
    while (len > 0 && text[len] != '\0' && ((unsigned char)text[len] & 0xC0) == 0x80)
        len--;
    for (size_t i = 0; i < len; i++) {
        const unsigned char byte = (unsigned char)text[i];
        out.text[i] =
            byte < 0x20 || byte == 0x7F || byte == '"' ? (byte == '"' ? '\'' : ' ') : (char)byte;
    }
    return out;
}

static void put_checkpoint(struct cht_buf *out, const json_t *checkpoint)
{
    char when[CLI_DATE_MAX] = "";
    const json_t *data = cli_data_of(checkpoint);
    const json_int_t at = bridge_json_int(data, "created", 0);
    const char *summary = bridge_json_str(data, "summary");
    if (data == NULL)
        return;
    if (at > 0)
        cli_date_local((uint64_t)at, when);
    put(out, "Last checkpoint (%s): \"%s\"\n", when,
        cut(bridge_json_str(data, "title"), TITLE_CHARS).text);
    if (summary != NULL && summary[0] != '\0')
        put(out, "  its summary: \"%s\"\n", cut(summary, SUMMARY_CHARS).text);
}

static void put_held(struct cht_buf *out, const json_t *held)
{
    size_t i;
    json_t *one;
    json_array_foreach(held, i, one)
    {
        const char *id = bridge_json_str(one, "chittyId");
        put(out, "%s  %s \"%s\": %s\n", i == 0 ? "Todos that it held:\n" : "",
            agent_short(id == NULL ? "" : id).text,
            cut(bridge_json_str(one, "title"), TITLE_CHARS).text, bridge_json_str(one, "result"));
    }
}

static void put_todos(struct cht_buf *out, const json_t *todos)
{
    size_t i;
    json_t *one;
    json_array_foreach(todos, i, one)
    {
        const char *id = bridge_json_str(one, "chittyId");
        const char *status = bridge_json_str(cli_data_of(one), "status");
        if (i == TODOS_MAX)
            break;
        put(out, "%s  %s \"%s\" (%s)\n", i == 0 ? "Open todos that came from it:\n" : "",
            agent_short(id == NULL ? "" : id).text,
            cut(bridge_json_str(cli_data_of(one), "content"), TITLE_CHARS).text,
            status == NULL ? "pending" : status);
    }
}

void cli_handoff_put(struct cli_context *c, const struct cli_session *s,
                     const struct cli_session_folder *f, const json_t *held,
                     const json_t *checkpoints, const json_t *todos, struct cht_buf *out)
{
    const char *branch = bridge_json_str(s->data, "branch");
    const uint64_t quiet_min =
        s->last_ms == 0 || s->last_ms > c->now_ms ? 0 : (c->now_ms - s->last_ms) / 60000;
    put(out,
        "This goes on from session %s \"%s\" on device \"%s\", which is %s; its last sign of "
        "life was %llu min ago.\n",
        agent_short(s->id).text, cut(cli_session_name(s), TITLE_CHARS).text,
        cut(s->deviceName == NULL ? "unknown" : s->deviceName, 64).text, s->state,
        (unsigned long long)quiet_min);
    if (strcmp(f->from, f->to) != 0)
        put(out,
            "Its project was in \"%s\" there and is in \"%s\" here; what was said before names "
            "files of the folder there.\n",
            cut(f->from, 400).text, cut(f->to, 400).text);
    if (branch != NULL)
        put(out, "It worked on branch \"%s\".\n", cut(branch, 128).text);
    put_checkpoint(out, json_array_get(checkpoints, 0));
    put_held(out, held);
    put_todos(out, todos);
}
