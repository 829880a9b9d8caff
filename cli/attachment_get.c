/* chitty attachment get: a file out of the node, fetched from another device where it is not here.
 * It gets its name when it is whole (LOCAL 7.3). */
#include "cli/base/attach.h"
#include "cli/base/json.h"
#include "cli/commands.h"
#include "node/client/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096u

struct getting {
    struct cli_context *c;
    const char *to; /* NULL: standard output */
    int fd;
    char beside[PATH_BYTES + 16]; /* what is written, until it is whole; empty: `to` itself */
    uint64_t at;
    char blob[65];
};

static enum cht_err fail(struct getting *g, const char *what)
{
    const int sys = errno;
    return node_fault_set(&g->c->fault,
                          sys == EEXIST                    ? CHT_E_EXISTS
                          : sys == ENOSPC || sys == EDQUOT ? CHT_E_FULL
                                                           : CHT_E_IO,
                          cht_bytes_str("to"), "%s cannot be %s: %s",
                          g->to == NULL ? "standard output" : g->to, what, strerror(sys));
}

static enum cht_err write_all(struct getting *g, struct cht_bytes bytes)
{
    size_t done = 0;
    while (done < bytes.len) {
        const ssize_t got = write(g->fd, bytes.data + done, bytes.len - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fail(g, "written");
        done += (size_t)got;
    }
    g->at += bytes.len;
    return CHT_OK;
}

static enum cht_err take_chunk(struct getting *g, struct cht_bytes chunk)
{
    const struct cht_bytes data = node_mp_get(chunk, "data");
    if (node_mp_kind(data) != CRDT_MP_BIN || node_mp_get_uint(chunk, "offset", UINT64_MAX) != g->at)
        return node_fault_set(&g->c->fault, CHT_E_MALFORMED, cht_bytes(NULL, 0),
                              "the node's answer is not in order");
    return write_all(g, crdt_mp_peek(data).data);
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct getting *g = ctx;
    const struct cht_bytes chunk = node_mp_get(answer->payload, "chunk");
    const struct cht_bytes progress = node_mp_get(answer->payload, "progress");
    const struct cht_bytes blob = node_mp_get_str(node_mp_get(answer->payload, "result"), "blob");
    if (answer->type == NODE_MSG_EVENT && chunk.len != 0)
        return take_chunk(g, chunk);
    if (answer->type == NODE_MSG_EVENT && progress.len != 0)
        cli_put_bytes("fetched", g->c->args[1], node_mp_get_uint(progress, "done", 0),
                      node_mp_get_uint(progress, "total", 0));
    if (answer->type == NODE_MSG_ACK && blob.len == sizeof g->blob - 1)
        memcpy(g->blob, blob.data, blob.len);
    return CHT_OK;
}

static enum cht_err ask(struct getting *g)
{
    struct cli_context *c = g->c;
    struct cli_request r;
    uint64_t pick = 0;
    enum cht_err err = cli_flag_uint(c, "pick", 1, 1024, 1, &pick);
    if (err != CHT_OK)
        return err;
    err = cli_command_begin(c, "blob-get", 3, &r);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "chittyId", c->args[0]);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "name", c->args[1]);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&r.message, "pick", pick);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, false, each, g);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

/* The name is another person's text: only a plain file's name in this folder comes of it. */
static enum cht_err choose_name(struct getting *g)
{
    const char *asked = cli_flag(g->c, "to");
    const char *name = g->c->args[1];
    if (asked != NULL) {
        g->to = strcmp(asked, "-") == 0 ? NULL : asked;
        return strlen(asked) < PATH_BYTES
                   ? CHT_OK
                   : node_fault_set(&g->c->fault, CHT_E_INVALID, cht_bytes_str("to"),
                                    "the file's name is too long");
    }
    if (name[0] == '.' || name[0] == '\0' || strchr(name, '/') != NULL ||
        strlen(name) >= PATH_BYTES)
        return node_fault_set(&g->c->fault, CHT_E_INVALID, cht_bytes_str("NAME"),
                              "\"%.100s\" is no good name for a file: say --to FILE", name);
    g->to = name;
    return CHT_OK;
}

static enum cht_err open_output(struct getting *g)
{
    struct stat s;
    if (g->to == NULL) {
        g->fd = STDOUT_FILENO;
        return CHT_OK;
    }
    /* a device or a pipe is written into: a file in its place would be another thing */
    if (stat(g->to, &s) == 0 && !S_ISREG(s.st_mode) && !S_ISDIR(s.st_mode)) {
        g->fd = open(g->to, O_WRONLY | O_CLOEXEC);
        return g->fd >= 0 ? CHT_OK : fail(g, "written");
    }
    if (cli_flag(g->c, "force") == NULL && lstat(g->to, &s) == 0) {
        (void)node_fault_set(&g->c->fault, CHT_E_EXISTS, cht_bytes_str("to"),
                             "there is a file %s already", g->to);
        node_fault_hint(&g->c->fault, "--force replaces it, --to names another");
        return CHT_E_EXISTS;
    }
    (void)snprintf(g->beside, sizeof g->beside, "%s.XXXXXX", g->to);
    g->fd = mkstemp(g->beside);
    return g->fd >= 0 ? CHT_OK : fail(g, "written");
}

/* Whole: under its name, with the mode that a new file has here. */
static enum cht_err put_in_place(struct getting *g)
{
    const mode_t mask = umask(0);
    (void)umask(mask);
    const bool force = cli_flag(g->c, "force") != NULL;
    (void)fchmod(g->fd, (S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH) & ~mask);
    if (fsync(g->fd) != 0)
        return fail(g, "written");
    if (force ? rename(g->beside, g->to) != 0 : link(g->beside, g->to) != 0)
        return fail(g, "written");
    if (!force)
        (void)unlink(g->beside);
    return CHT_OK;
}

static void tell(struct getting *g)
{
    struct cli_out *out = &g->c->out;
    if (g->to == NULL)
        return;
    if (g->c->json) {
        cli_json_begin(out, "attachment-file");
        cli_put_text(out, "{\"file\":");
        cli_json_text(out, cht_bytes_str(g->to));
        cli_put_text(out, ",\"blob\":");
        cli_json_text(out, cht_bytes_str(g->blob));
        cli_printf(out, ",\"size\":%llu}", (unsigned long long)g->at);
        cli_json_end(out);
        return;
    }
    cli_put_line(out, cht_bytes_str(g->to));
    cli_put_char(out, '\n');
}

static enum cht_err run(struct cli_context *c)
{
    struct getting g = { .c = c, .fd = -1 };
    enum cht_err err = choose_name(&g);
    if (err == CHT_OK)
        err = open_output(&g);
    if (err == CHT_OK)
        err = ask(&g);
    /* a damaged one was set aside before a byte of it came: now it is fetched */
    if (err == CHT_E_CORRUPT && c->fault.answered && g.at == 0)
        err = ask(&g);
    if (err == CHT_OK && g.beside[0] != '\0')
        err = put_in_place(&g);
    if (err != CHT_OK && g.beside[0] != '\0')
        (void)unlink(g.beside);
    if (g.to != NULL && g.fd >= 0)
        (void)close(g.fd);
    if (err == CHT_OK)
        tell(&g);
    return cli_fail(c, err);
}

static const struct cli_flag flags[] = {
    { "to", "FILE", "write it there; - is standard output" },
    { "force", NULL, "replace the file if there is one" },
    { "pick", "N", "of several of one name the n-th, as 'chitty attachments' counts them" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_attachment_get = {
    .name = "get",
    .summary = "Write an attachment to a file, fetching it from another device if need be.",
    .arguments = "ID NAME",
    .group = CLI_RECORDS,
    .kind = "attachment-file",
    .examples = "chitty attachment get 01HXW3K9 screenshot.png\n"
                "chitty attachment get 01HXW3K9 build.log --to - | less",
    .args_min = 2,
    .args_max = 2,
    .flags = flags,
    .run = run,
};
