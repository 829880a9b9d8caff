/* chitty-node import: records of other programs, and of an export (docs/IMPORT.md). */
#include "cli/import/import.h"

#include "cli/base/json.h"
#include "cli/base/report.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "cli/import/reader.h"
#include "cli/import/send.h"
#include "crdt/natural.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PROBLEMS_MAX   1000u /* told of one file; the rest is counted */
#define PROBLEMS_BYTES ((size_t)1 << 20)

static const struct cli_import_format *const formats[] = {
    &cli_import_jsonl,
    &cli_import_beads,
    &cli_import_taskwarrior,
};

struct job {
    struct cli_context *c;
    const struct cli_import_format *format; /* NULL: not known yet */
    const char *name;                       /* of the file */
    int fd;
    uint64_t bytes; /* of the file; 0: not known */
    struct cli_import_reader reader;
    struct cli_import_sender *sender;
    struct cht_buf object;
    struct cli_id_set projects;
    struct crdt_id project;
    bool has_project, strict, progress;
    uint64_t wrong_count; /* lines that could not be read or were refused */
    struct cht_buf problems;
    uint64_t shown_ms;
};

/* --- the file ------------------------------------------------------------------------------ */

static enum cht_err read_more(void *ctx, uint8_t *out, size_t room, size_t *out_len)
{
    struct job *j = ctx;
    ssize_t n;
    do
        n = read(j->fd, out, room);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return node_fault_set(&j->c->fault, CHT_E_IO, cht_bytes_str("FILE"),
                              "cannot read %.200s: %s", j->name, strerror(errno));
    *out_len = (size_t)n;
    return CHT_OK;
}

static enum cht_err open_file(struct job *j)
{
    struct stat st;
    j->name = j->c->args[0];
    j->fd = STDIN_FILENO;
    if (strcmp(j->name, "-") == 0) {
        j->name = "standard input";
        return CHT_OK;
    }
    j->fd = open(j->name, O_RDONLY | O_CLOEXEC);
    if (j->fd < 0)
        return node_fault_set(&j->c->fault, errno == ENOENT ? CHT_E_NOTFOUND : CHT_E_IO,
                              cht_bytes_str("FILE"), "cannot open %.200s: %s", j->name,
                              strerror(errno));
    if (fstat(j->fd, &st) == 0 && S_ISREG(st.st_mode))
        j->bytes = (uint64_t)st.st_size;
    return CHT_OK;
}

/* --- what went wrong ----------------------------------------------------------------------- */

static void note_problem(struct job *j, uint64_t line, const struct node_fault *fault)
{
    const size_t start = j->problems.len;
    enum cht_err err = crdt_mp_put_map(&j->problems, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&j->problems, "line", line);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&j->problems, "message", fault->error.text);
    if (err != CHT_OK)
        j->problems.len = start; /* more than are told */
}

static void wrong(void *ctx, uint64_t line, const struct node_fault *fault)
{
    struct job *j = ctx;
    char head[256];
    j->wrong_count++;
    if (j->wrong_count > PROBLEMS_MAX)
        return;
    if (j->c->json) {
        note_problem(j, line, fault);
        return;
    }
    if (j->progress)
        (void)fputs("\r\033[K", stderr);
    (void)snprintf(head, sizeof head, "%.200s:%llu", j->name, (unsigned long long)line);
    cli_warn(head, fault->error.text);
}

static void wrong_line(struct job *j, uint64_t line, enum cht_err err, const char *sentence)
{
    struct node_fault fault = { 0 };
    (void)node_fault_set(&fault, err, cht_bytes(NULL, 0), "%s", sentence);
    wrong(j, line, &fault);
}

/* --- records ------------------------------------------------------------------------------- */

static bool find_format(struct job *j, struct cht_bytes object)
{
    for (size_t i = 0; j->format == NULL && i < sizeof formats / sizeof formats[0]; i++) {
        if (formats[i]->is(object))
            j->format = formats[i];
    }
    return j->format != NULL;
}

/* The projects of a group that was taken are not said again. */
static enum cht_err remember_projects(struct job *j, const struct cli_import_record *r)
{
    enum cht_err err = CHT_OK;
    for (r = r->next; err == CHT_OK && r != NULL; r = r->next) {
        if (r->id.type == CRDT_PROJECT)
            err = cli_id_set_add(&j->projects, &r->id, NULL);
    }
    return err;
}

static enum cht_err take_object(struct job *j, struct cht_bytes object, uint64_t line)
{
    struct node_fault fault = { 0 };
    struct cli_import_record *record = NULL;
    const struct cli_import_reading how = {
        .arena = cli_import_arena(j->sender),
        .project = j->has_project ? &j->project : NULL,
        .projects = &j->projects,
        .overwrite = cli_flag(j->c, "overwrite") != NULL,
        .line = line,
        .fault = &fault,
    };
    enum cht_err err = j->format->read(&how, object, &record);
    if (err != CHT_OK && err != CHT_E_NOMEM) {
        (void)node_fault_from(fault.error.code == err ? NULL : &fault, err, NULL);
        wrong(j, line, &fault);
        return CHT_OK;
    }
    if (err != CHT_OK || record == NULL)
        return err;
    err = cli_import_send(j->sender, record);
    return err == CHT_OK ? remember_projects(j, record) : err;
}

static enum cht_err take_line(struct job *j, struct cht_bytes text, uint64_t line)
{
    cht_buf_reset(&j->object);
    enum cht_err err = cli_json_parse_deep(text, CLI_IMPORT_DEPTH, &j->object);
    const struct cht_bytes object = cht_buf_view(&j->object);
    if (err == CHT_E_NOMEM)
        return err;
    if (err != CHT_OK || node_mp_kind(object) != CRDT_MP_MAP) {
        wrong_line(j, line, CHT_E_INVALID, "this is no JSON object in UTF-8, or nests too deep");
        return CHT_OK;
    }
    if (!find_format(j, object))
        return node_fault_set(&j->c->fault, CHT_E_INVALID, cht_bytes_str("format"),
                              "line %llu of %.200s looks like none of the formats: say --format",
                              (unsigned long long)line, j->name);
    err = take_object(j, object, line);
    if (err == CHT_E_EXISTS) { /* one of that id is on its way */
        err = cli_import_flush(j->sender);
        if (err == CHT_OK)
            err = take_object(j, object, line);
    }
    return err;
}

static uint64_t now_ms(void)
{
    struct timespec now = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void show_progress(struct job *j, uint64_t records)
{
    if (!j->progress || records % 64 != 0 || now_ms() - j->shown_ms < 100)
        return;
    j->shown_ms = now_ms();
    (void)fprintf(stderr, "\r\033[K%llu records", (unsigned long long)records);
    if (j->bytes != 0)
        (void)fprintf(stderr, ", %u %%", (unsigned)(j->reader.taken * 100 / j->bytes));
    (void)fflush(stderr);
}

static enum cht_err take_all(struct job *j)
{
    enum cht_err err = CHT_OK;
    bool ended = false;
    for (uint64_t records = 1; err == CHT_OK && !ended; records++) {
        struct cht_bytes text;
        uint64_t line;
        err = cli_import_next(&j->reader, &text, &line);
        if (err == CHT_OK) {
            err = take_line(j, text, line);
        } else if (err == CHT_E_LIMIT || err == CHT_E_MALFORMED) {
            wrong_line(j, line, err,
                       err == CHT_E_LIMIT ? "a record longer than 8 MiB is passed over"
                                          : "here should be a record or the end of the array");
            err = CHT_OK;
        } else if (err == CHT_E_NOTFOUND) {
            ended = true;
            err = CHT_OK;
        }
        if (j->strict && j->wrong_count != 0)
            break;
        show_progress(j, records);
    }
    return err == CHT_OK ? cli_import_flush(j->sender) : err;
}

/* --- the project of --project -------------------------------------------------------------- */

static enum cht_err take_project(void *ctx, const struct node_msg *answer)
{
    struct job *j = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    while (!j->has_project && node_mp_next(&it, NULL, &record))
        j->has_project = crdt_id_parse(node_mp_get_str(record, "chittyId"), &j->project) == CHT_OK;
    return CHT_OK;
}

static enum cht_err ask_project(struct job *j, const char *name)
{
    struct cli_request r;
    struct cht_buf *b = &r.message;
    enum cht_err err = cli_request_begin(j->c, NODE_MSG_QUERY, &r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 4);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "operation", "list");
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "domain", crdt_type_domain(CRDT_PROJECT));
    if (err == CHT_OK)
        err = node_mp_put_key_uint(b, "limit", 1);
    if (err == CHT_OK)
        err = node_mp_put_text(b, "filter");
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 1);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "name", name);
    if (err == CHT_OK)
        err = cli_ask(j->c, CLI_REACH_HOME, &r, true, take_project, j);
    cli_request_clear(&r);
    return cli_fail(j->c, err);
}

/* A whole id, or the name of a project, which is made where there is none. */
static enum cht_err find_project(struct job *j)
{
    const char *name = cli_flag(j->c, "project");
    if (name == NULL)
        return CHT_OK;
    j->has_project = crdt_id_parse(cht_bytes_str(name), &j->project) == CHT_OK;
    if (j->has_project && j->project.type != CRDT_PROJECT)
        return node_fault_set(&j->c->fault, CHT_E_INVALID, cht_bytes_str("project"),
                              "%.100s is no project", name);
    enum cht_err err = j->has_project ? CHT_OK : ask_project(j, name);
    if (err != CHT_OK || j->has_project)
        return err;
    struct cht_arena *arena = cli_import_arena(j->sender);
    crdt_natural_id(CRDT_PROJECT, cht_bytes_str("import"), cht_bytes_str(name), &j->project);
    struct cli_import_record *p = cli_import_record(arena, &j->project, CLI_IMPORT_KEEP, NULL, 0);
    err = p == NULL ? CHT_E_NOMEM : cli_import_say_text(arena, p, "name", cht_bytes_str(name));
    if (err == CHT_OK)
        err = cli_import_send(j->sender, p);
    j->has_project = err == CHT_OK;
    return cli_fail(j->c, err);
}

/* --- the command --------------------------------------------------------------------------- */

static void put_summary(struct job *j)
{
    const struct cli_import_counts *n = cli_import_counts(j->sender);
    struct cli_out *out = &j->c->out;
    const bool dry = cli_flag(j->c, "dry-run") != NULL;
    if (j->progress)
        (void)fputs("\r\033[K", stderr);
    if (!j->c->json) {
        cli_printf(out, "%s%llu created, %llu updated, %llu unchanged, %llu skipped, %llu errors\n",
                   dry ? "would be: " : "", (unsigned long long)n->created,
                   (unsigned long long)n->updated, (unsigned long long)n->unchanged,
                   (unsigned long long)n->skipped, (unsigned long long)j->wrong_count);
        return;
    }
    cli_json_begin(out, "import");
    cli_printf(out,
               "{\"format\":\"%s\",\"dryRun\":%s,\"created\":%llu,\"updated\":%llu,"
               "\"unchanged\":%llu,\"skipped\":%llu,\"errors\":%llu,\"problems\":[",
               j->format == NULL ? "" : j->format->name, dry ? "true" : "false",
               (unsigned long long)n->created, (unsigned long long)n->updated,
               (unsigned long long)n->unchanged, (unsigned long long)n->skipped,
               (unsigned long long)j->wrong_count);
    struct cht_wire all = cht_wire(cht_buf_view(&j->problems));
    for (bool first = true; all.at < all.end; first = false) {
        cli_put_text(out, first ? "" : ",");
        cli_json_value(out, crdt_mp_pass(&all));
    }
    cli_put_text(out, "]}");
    cli_json_end(out);
}

static enum cht_err choose_format(struct job *j)
{
    const char *given = cli_flag(j->c, "format");
    if (given == NULL)
        return CHT_OK;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (strcmp(given, formats[i]->name) == 0)
            j->format = formats[i];
    }
    return j->format != NULL
               ? CHT_OK
               : node_fault_set(&j->c->fault, CHT_E_INVALID, cht_bytes_str("format"),
                                "\"%.40s\" is no format: say jsonl, beads or taskwarrior", given);
}

static enum cht_err run_job(struct job *j)
{
    enum cht_err err = choose_format(j);
    if (err == CHT_OK)
        err = open_file(j);
    if (err == CHT_OK)
        err = cli_open(j->c, CLI_REACH_HOME);
    if (err == CHT_OK)
        err = cli_fail(j->c, cli_import_sender_new(j->c, cli_flag(j->c, "dry-run") != NULL, wrong,
                                                   j, &j->sender));
    if (err == CHT_OK)
        err = find_project(j);
    if (err == CHT_OK)
        err = take_all(j);
    if (err == CHT_OK)
        put_summary(j);
    j->c->failed = j->wrong_count != 0;
    return cli_fail(j->c, err);
}

static enum cht_err run(struct cli_context *c)
{
    struct job j = { .c = c, .fd = -1, .strict = cli_flag(c, "strict") != NULL };
    j.progress = isatty(STDERR_FILENO) == 1 && !c->json;
    cli_import_reader_init(&j.reader, read_more, &j);
    cht_buf_init(&j.object, 2 * CLI_IMPORT_LINE_BYTES);
    cht_buf_init(&j.problems, PROBLEMS_BYTES);
    const enum cht_err err = run_job(&j);
    cli_import_sender_free(j.sender);
    cli_import_reader_clear(&j.reader);
    cli_id_set_clear(&j.projects);
    cht_buf_clear(&j.object);
    cht_buf_clear(&j.problems);
    if (j.fd > STDIN_FILENO)
        (void)close(j.fd);
    return err;
}

static const struct cli_flag flags[] = {
    { "format", "beads|taskwarrior|jsonl", "what wrote the file; without it, by its first record" },
    { "project", "PROJECT", "for todos that name none: a project's id, or its name" },
    { "overwrite", NULL, "jsonl: records that are here become as the file has them" },
    { "dry-run", NULL, "tell what would be done" },
    { "strict", NULL, "stop at the first record that cannot be imported" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_import = {
    .name = "import",
    .summary = "Take in the issues of beads, the tasks of taskwarrior, or an export.",
    .arguments = "FILE|-",
    .details =
        "A record has the same id wherever and however often it is imported. What its source "
        "has changed since the last import is changed here, and nothing else: what was "
        "edited here stays. Of an export, records that are here already stay as they are "
        "(\"skipped\" where they differ) unless `--overwrite` is given.\n"
        "\n"
        "A record that cannot be imported is named with its line, the others are imported, "
        "and the exit status is 1.",
    .group = CLI_SETUP,
    .kind = "import",
    .examples = "chitty-node import .beads/issues.jsonl\n"
                "task export | chitty-node import --format taskwarrior -\n"
                "chitty-node import --dry-run everything.jsonl",
    .args_min = 1,
    .args_max = 1,
    .flags = flags,
    .run = run,
};
