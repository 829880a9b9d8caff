/* Changes to files of Claude Code, told. */
#include "cli/claude.h"

#include "cli/base/json.h"
#include "cli/base/request.h"

#include <stdlib.h>

static const char *what(const struct claude_step *s)
{
    return !s->changes ? "none" : s->removes ? "removed" : s->file.there ? "changed" : "created";
}

/* A diff; on a terminal without what could drive it. */
static void put_diff(struct cli_out *out, struct cht_bytes diff)
{
    if (!out->terminal) {
        cli_put(out, diff);
        return;
    }
    for (size_t at = 0; at < diff.len;) {
        const uint8_t *end = memchr(diff.data + at, '\n', diff.len - at);
        const size_t len = end == NULL ? diff.len - at : (size_t)(end - diff.data) - at;
        const uint8_t sign = diff.data[at];
        cli_put_style(out, sign == '+' ? CLI_GREEN : sign == '-' ? CLI_RED : CLI_DIM);
        cli_put_line(out, cht_bytes(diff.data + at, len));
        cli_put_style(out, CLI_PLAIN);
        cli_put_char(out, '\n');
        at += len + 1;
    }
}

enum cht_err cli_claude_tell(struct cli_context *c, const struct claude_plan *plan, bool done)
{
    struct cli_out *out = &c->out;
    struct cht_buf diff;
    enum cht_err err = CHT_OK;
    bool any = false;
    cht_buf_init(&diff, 4 * JSONC_BYTES_MAX);
    if (c->json) {
        cli_json_begin(out, c->command->kind);
        cli_printf(out, "{\"done\":%s,\"files\":[", done ? "true" : "false");
    }
    for (size_t i = 0; err == CHT_OK && i < plan->count; i++) {
        const struct claude_step *s = &plan->steps[i];
        cht_buf_reset(&diff);
        any = any || s->changes;
        if (s->changes)
            err = claude_step_diff(s, &diff);
        if (err == CHT_OK && c->json) {
            cli_put_text(out, i == 0 ? "{\"path\":" : ",{\"path\":");
            cli_json_text(out, cht_bytes_str(s->file.path));
            cli_printf(out, ",\"change\":\"%s\",\"diff\":", what(s));
            cli_json_text(out, cht_buf_view(&diff));
            cli_put_char(out, '}');
        } else if (err == CHT_OK)
            put_diff(out, cht_buf_view(&diff));
    }
    cht_buf_clear(&diff);
    if (c->json) {
        cli_put_text(out, "]}");
        cli_json_end(out);
    } else if (!any)
        cli_put_text(out, "nothing to change\n");
    return cli_fail(c, err);
}

void cli_claude_put(struct cli_context *c, const json_t *value, size_t indent)
{
    char *text =
        json_dumps(value, JSON_ENCODE_ANY | (indent == 0 ? JSON_COMPACT : JSON_INDENT(indent)));
    cli_put_text(&c->out, text == NULL ? "null" : text);
    free(text);
}

enum cht_err cli_claude_scope(struct cli_context *c, enum claude_scope *out)
{
    const char *scope = cli_flag(c, "scope");
    *out = CLAUDE_USER;
    return scope == NULL ? CHT_OK : claude_scope_named(scope, &c->fault, out);
}
