/* Results of commands for people and programs. */
#include "cli/base/result.h"

#include "cli/base/json.h"
#include "cli/base/record.h"
#include "cli/base/report.h"
#include "cli/base/request.h"

#include <stdio.h>
#include <unistd.h>

/* A map as "name=value" parts, anything else on one line. */
static void put_line(struct cli_out *out, struct cht_bytes value)
{
    struct node_mp_iter it = node_mp_iter(value);
    struct cht_bytes key, one;
    const char *between = "";
    if (!it.is_map) {
        cli_put_value(out, NULL, value);
        return;
    }
    while (node_mp_next(&it, &key, &one)) {
        cli_put_text(out, between);
        between = "  ";
        cli_put_line(out, node_mp_str(key));
        cli_put_char(out, '=');
        cli_put_value(out, NULL, one);
    }
}

void cli_put_result(struct cli_context *c, const char *kind, const struct node_msg *answer)
{
    struct cli_out *out = &c->out;
    const struct cht_bytes result = node_mp_get(answer->payload, "result");
    if (c->json) {
        cli_json_begin(out, kind);
        cli_json_value(out, result);
        cli_json_end(out);
        return;
    }
    struct node_mp_iter it = node_mp_iter(result);
    struct cht_bytes key, value, one;
    while (it.is_map && node_mp_next(&it, &key, &value)) {
        cli_put_name(out, node_mp_str(key));
        if (node_mp_kind(value) == CRDT_MP_ARRAY) {
            cli_put_uint(out, node_mp_count(value));
            struct node_mp_iter elements = node_mp_iter(value);
            while (node_mp_next(&elements, NULL, &one)) {
                cli_put_text(out, "\n  ");
                put_line(out, one);
            }
        } else {
            put_line(out, value);
        }
        cli_put_char(out, '\n');
    }
}

bool cli_put_list(struct cli_context *c, const char *kind, const struct node_msg *answer,
                  const char *key, void (*put)(struct cli_out *out, struct cht_bytes element))
{
    if (answer->type != NODE_MSG_ACK)
        return false;
    if (c->json) {
        cli_put_result(c, kind, answer);
        return false;
    }
    struct node_mp_iter it = node_mp_iter(node_mp_get(node_mp_get(answer->payload, "result"), key));
    struct cht_bytes element;
    while (node_mp_next(&it, NULL, &element))
        put(&c->out, element);
    return true;
}

void cli_put_words(struct cli_out *out, struct cht_bytes map)
{
    struct node_mp_iter it = node_mp_iter(node_mp_get(map, "words"));
    struct cht_bytes word;
    const char *before = "  ";
    cli_put_text(out, "Check words, the same on both screens:\n");
    cli_put_style(out, CLI_BOLD);
    while (node_mp_next(&it, NULL, &word)) {
        cli_put_text(out, before);
        before = " ";
        cli_put_line(out, node_mp_str(word));
    }
    cli_put_style(out, CLI_PLAIN);
    cli_put_char(out, '\n');
}

void cli_put_progress(const struct node_msg *event)
{
    const struct cht_bytes progress = node_mp_get(event->payload, "progress");
    const struct cht_bytes text = node_mp_get_str(progress, "text");
    if (text.len == 0 || !isatty(STDERR_FILENO) || !crdt_utf8_valid(text))
        return;
    char line[201];
    (void)snprintf(line, sizeof line, "%.*s", (int)(text.len > 200 ? 200 : text.len),
                   (const char *)text.data);
    cli_warn(NULL, line);
}

enum cht_err cli_ask_plain(struct cli_context *c, const char *name, enum cli_reach reach,
                           node_answer_fn each)
{
    struct cli_request r;
    enum cht_err err = cli_plain_command(c, name, &r);
    if (err == CHT_OK)
        err = cli_ask(c, reach, &r, false, each, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}
