/* Errors on standard error, and the exit status. */
#include "cli/base/report.h"

#include "cli/base/json.h"

#include <stdlib.h>
#include <unistd.h>

static void report_json(struct cli_out *out, const struct node_fault *f)
{
    cli_put_text(out, "{\"schemaVersion\":1,\"kind\":\"error\",\"error\":{\"code\":");
    cli_json_text(out, cht_bytes_str(cht_err_code(f->error.code)));
    cli_put_text(out, ",\"message\":");
    cli_json_text(out, cht_bytes_str(cht_error_text(&f->error)));
    if (f->hint[0] != '\0') {
        cli_put_text(out, ",\"hint\":");
        cli_json_text(out, cht_bytes_str(f->hint));
    }
    if (f->field[0] != '\0') {
        cli_put_text(out, ",\"field\":");
        cli_json_text(out, cht_bytes_str(f->field));
    }
    cli_put_text(out, cht_err_retryable(f->error.code) ? ",\"retryable\":true}}\n"
                                                       : ",\"retryable\":false}}\n");
}

static void report_text(struct cli_out *out, const char *program, const struct node_fault *f)
{
    cli_put_text(out, program);
    cli_put_text(out, ": ");
    cli_put_style(out, CLI_RED);
    cli_put_line(out, cht_bytes_str(cht_error_text(&f->error)));
    cli_put_style(out, CLI_PLAIN);
    cli_put_char(out, '\n');
    if (f->hint[0] != '\0') {
        cli_put_text(out, program);
        cli_put_text(out, ": ");
        cli_put_line(out, cht_bytes_str(f->hint));
        cli_put_char(out, '\n');
    }
}

void cli_report(const struct cli_context *c, enum cht_err err)
{
    struct cli_out *out = malloc(sizeof *out);
    if (out == NULL)
        return;
    cli_out_init(out, STDERR_FILENO);
    struct node_fault fault = c->fault;
    if (fault.error.code != err)
        (void)node_fault_from(&fault, err, NULL);
    if (c->json)
        report_json(out, &fault);
    else
        report_text(out, c->program->name, &fault);
    (void)!cli_out_flush(out); /* there is nowhere left to say so */
    free(out);
}

void cli_warn(const char *head, const char *text)
{
    struct cli_out *out = malloc(sizeof *out);
    if (out == NULL)
        return;
    cli_out_init(out, STDERR_FILENO);
    if (head != NULL) {
        cli_put_line(out, cht_bytes_str(head));
        cli_put_text(out, ": ");
    }
    cli_put_line(out, cht_bytes_str(text));
    cli_put_char(out, '\n');
    (void)!cli_out_flush(out);
    free(out);
}

int cli_exit_status(enum cht_err err, bool answered)
{
    switch (err) {
    case CHT_OK:
        return 0;
    case CHT_E_INVALID:
        return 2;
    case CHT_E_UNREACHABLE:
    case CHT_E_TIMEOUT:
        return answered ? 6 : 3; /* the node could not reach a peer; we could not reach the node */
    case CHT_E_DENIED:
    case CHT_E_SIGNATURE:
    case CHT_E_EXPIRED:
        return 4;
    case CHT_E_CONFLICT:
    case CHT_E_EXISTS:
    case CHT_E_BUSY:
        return 5;
    case CHT_E_NOTFOUND:
        return 7;
    case CHT_E_NOMEM:
    case CHT_E_LIMIT:
    case CHT_E_MALFORMED:
    case CHT_E_WAITING:
    case CHT_E_UNSUPPORTED:
    case CHT_E_IO:
    case CHT_E_FULL:
    case CHT_E_CORRUPT:
    case CHT_E_INTERNAL:
    case CHT_ERR_COUNT:
        break;
    }
    return 1;
}
