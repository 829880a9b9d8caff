/* chitty session attach */
#include "cli/base/change.h"
#include "cli/base/gathered.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "node/client/process.h"

#include <stdlib.h>
#include <unistd.h>

/* {process: {DEVICE: {pid, started, ticks, boot}}} */
static enum cht_err put_data(const char *device, const struct node_process *p, struct cht_buf *b)
{
    enum cht_err err = crdt_mp_put_map(b, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(b, "process");
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(b, device);
    return err == CHT_OK ? node_process_put(p, b) : err;
}

static enum cht_err run(struct cli_context *c)
{
    uint64_t pid = 0;
    struct node_process process;
    struct cht_buf data;
    struct cli_devices *devices = calloc(1, sizeof *devices);
    cht_buf_init(&data, LIMIT_VALUE_BYTES);
    enum cht_err err = devices == NULL ? node_fault_from(&c->fault, CHT_E_NOMEM, NULL) : CHT_OK;
    if (err == CHT_OK)
        err = cli_flag_uint(c, "pid", 1, INT32_MAX, (uint64_t)getppid(), &pid);
    if (err == CHT_OK && node_process_find((pid_t)pid, &process) != CHT_OK)
        err = node_fault_set(&c->fault, CHT_E_NOTFOUND, cht_bytes_str("pid"),
                             "there is no process %llu on this machine", (unsigned long long)pid);
    if (err == CHT_OK)
        err = cli_gather_devices(c, devices);
    if (err == CHT_OK)
        err = cli_fail(c, put_data(devices->own, &process, &data));
    if (err == CHT_OK) {
        const struct cli_change change = { .op = NODE_UPDATE,
                                           .id = c->args[0],
                                           .data = cht_buf_view(&data) };
        err = cli_change(c, &change);
    }
    cht_buf_clear(&data);
    free(devices);
    return err;
}

static const struct cli_flag flags[] = {
    { "pid", "N", "the process; else the one that started this command" },
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_session_attach = {
    .name = "attach",
    .summary = "Let a session live as long as a process does.",
    .arguments = "ID",
    .details = "When the process ends before the session was ended, its status becomes "
               "`crashed`, on all machines; so it does when the machine was restarted. A session "
               "without a process is taken for crashed when it was active and its `last_active` "
               "is ten minutes old (`--state lease=SECONDS` for another time), by the machine "
               "that made it.",
    .group = CLI_RECORDS,
    .kind = "change",
    .examples = "chitty session attach SESSION-4F2KJ5ZK\n"
                "chitty session attach SESSION-4F2KJ5ZK --pid 4711",
    .args_min = 1,
    .args_max = 1,
    .flags = flags,
    .run = run,
};
