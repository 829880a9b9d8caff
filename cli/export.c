/* chitty-node export: the space as JSON lines (docs/IMPORT.md 1).
 *
 * Records are printed as they come and never held. Concurrent values, which a list only counts, are
 * asked for before and held: there are few. */
#include "cli/base/filter.h"
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "cli/import/exact_json.h"
#include "cli/import/id_set.h"
#include "crdt/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TYPES_MAX  64u
#define PATH_BYTES 4096u

struct export_job {
    struct cli_context *c;
    struct cht_buf conflicts; /* records of the query `conflicts`, one after the other */
    struct cli_id_set wanted; /* with --person: what is printed */
    const char *person;
    bool gathering; /* with --person: the first of two passes */
    uint64_t rows;  /* of the type at hand */
    uint64_t count;
};

/* --- one record ---------------------------------------------------------------------------- */

/* The values of a cell that are not shown. */
static void put_others(struct cli_out *out, const struct crdt_field *f, struct cht_bytes conflict)
{
    struct node_mp_iter it = node_mp_iter(node_mp_get(conflict, "values"));
    struct cht_bytes value;
    bool first = true;
    while (node_mp_next(&it, NULL, &value)) {
        if (node_mp_get_bool(value, "shown"))
            continue;
        cli_put_text(out, first ? "" : ",");
        first = false;
        cli_exact_put(out, f, node_mp_get(value, "value"));
    }
}

/* [{"field":…,"key":…,"values":[…]},…] of the record's cells with concurrent values. */
static void put_conflicts(struct export_job *x, unsigned type, struct cht_bytes id)
{
    struct cli_out *out = &x->c->out;
    struct cht_wire all = cht_wire(cht_buf_view(&x->conflicts));
    bool first = true;
    cli_put_text(out, ",\"conflicts\":[");
    while (all.at < all.end) {
        const struct cht_bytes conflict = crdt_mp_pass(&all);
        if (!cht_bytes_eq(node_mp_get_str(conflict, "chittyId"), id))
            continue;
        const struct cht_bytes name = node_mp_get_str(conflict, "field");
        const struct crdt_field *f = crdt_field_named(type, name);
        const struct cht_bytes key = node_mp_get(conflict, "key");
        cli_put_text(out, first ? "{\"field\":" : ",{\"field\":");
        first = false;
        cli_json_text(out, name);
        if (key.len != 0) {
            cli_put_text(out, ",\"key\":");
            cli_json_value(out, key);
        }
        cli_put_text(out, ",\"values\":[");
        put_others(out, f, conflict);
        cli_put_text(out, "]}");
    }
    cli_put_char(out, ']');
}

/* Sets and maps: each member by itself, so that one that JSON cannot say leaves the others. */
static void put_members(struct cli_out *out, const struct crdt_field *f, struct cht_bytes value)
{
    struct node_mp_iter it = node_mp_iter(value);
    struct cht_bytes key, one;
    bool first = true;
    cli_put_char(out, it.is_map ? '{' : '[');
    while (node_mp_next(&it, &key, &one)) {
        cli_put_text(out, first ? "" : ",");
        first = false;
        if (it.is_map) {
            cli_json_text(out, node_mp_str(key));
            cli_put_char(out, ':');
        }
        cli_exact_put(out, f, one);
    }
    cli_put_char(out, it.is_map ? '}' : ']');
}

static void put_data(struct cli_out *out, unsigned type, struct cht_bytes data)
{
    struct node_mp_iter it = node_mp_iter(data);
    struct cht_bytes key, value;
    bool first = true;
    cli_put_char(out, '{');
    while (it.is_map && node_mp_next(&it, &key, &value)) {
        const struct crdt_field *f = crdt_field_named(type, node_mp_str(key));
        cli_put_text(out, first ? "" : ",");
        first = false;
        cli_json_text(out, node_mp_str(key));
        cli_put_char(out, ':');
        if (f != NULL && (f->kind == CRDT_SET || f->kind == CRDT_MAP))
            put_members(out, f, value);
        else
            cli_exact_put(out, f, value);
    }
    cli_put_char(out, '}');
}

/* [{"number":…,"key":…,"value":…},…] of fields of a newer build. */
static void put_unknown(struct cli_out *out, struct cht_bytes cells)
{
    struct node_mp_iter it = node_mp_iter(cells);
    struct cht_bytes cell;
    for (bool first = true; node_mp_next(&it, NULL, &cell); first = false) {
        cli_printf(out, "%s{\"number\":%llu", first ? "[" : ",",
                   (unsigned long long)node_mp_get_uint(cell, "number", 0));
        if (node_mp_get(cell, "key").len != 0) {
            cli_put_text(out, ",\"key\":");
            cli_exact_put(out, NULL, node_mp_get(cell, "key"));
        }
        cli_put_text(out, ",\"value\":");
        cli_exact_put(out, NULL, node_mp_get(cell, "value"));
        cli_put_char(out, '}');
    }
    cli_put_char(out, ']');
}

static void put_record(struct export_job *x, struct cht_bytes record)
{
    struct cli_out *out = &x->c->out;
    const struct cht_bytes id = node_mp_get_str(record, "chittyId");
    const unsigned type = cli_record_type(record);
    cli_put_text(out, "{\"chittyId\":");
    cli_json_text(out, id);
    cli_put_text(out, ",\"type\":");
    cli_json_text(out, node_mp_get_str(record, "type"));
    if (node_mp_get_bool(record, "deleted"))
        cli_put_text(out, ",\"deleted\":true");
    cli_put_text(out, ",\"data\":");
    put_data(out, type, node_mp_get(record, "data"));
    if (node_mp_get_uint(record, "conflicts", 0) != 0)
        put_conflicts(x, type, id);
    if (node_mp_get(record, "unknown").len != 0) {
        cli_put_text(out, ",\"unknown\":");
        put_unknown(out, node_mp_get(record, "unknown"));
    }
    cli_put_text(out, "}\n");
    x->count++;
}

/* --- one person ---------------------------------------------------------------------------- */

/* Fields that name people. */
static bool names_people(struct cht_bytes field)
{
    static const char *const names[] = { "owner",        "author", "assignees",
                                         "participants", "team",   "recipients" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (cht_bytes_eq(field, cht_bytes_str(names[i])))
            return true;
    }
    return false;
}

static bool is_or_has(struct cht_bytes value, struct cht_bytes who)
{
    struct node_mp_iter it = node_mp_iter(value);
    struct cht_bytes one;
    if (node_mp_kind(value) == CRDT_MP_STR)
        return cht_bytes_eq(node_mp_str(value), who);
    while (node_mp_next(&it, NULL, &one)) {
        if (cht_bytes_eq(node_mp_str(one), who))
            return true;
    }
    return false;
}

/* "CHITTY-…", or a relation "WORD CHITTY-…". */
static enum cht_err want_text(struct export_job *x, struct cht_bytes text)
{
    const uint8_t *blank = text.len == 0 ? NULL : memrchr(text.data, ' ', text.len);
    const size_t from = blank == NULL ? 0 : (size_t)(blank - text.data) + 1;
    struct crdt_id id;
    if (crdt_id_parse(cht_bytes(text.data + from, text.len - from), &id) != CHT_OK)
        return CHT_OK;
    return cli_id_set_add(&x->wanted, &id, NULL);
}

static enum cht_err want_links(struct export_job *x, unsigned type, struct cht_bytes data)
{
    struct node_mp_iter it = node_mp_iter(data);
    struct cht_bytes key, value, one;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && node_mp_next(&it, &key, &value)) {
        const struct crdt_field *f = crdt_field_named(type, node_mp_str(key));
        if (f == NULL ||
            (f->value != CRDT_V_ID && !cht_bytes_eq(node_mp_str(key), cht_bytes_str("relations"))))
            continue;
        if (node_mp_kind(value) == CRDT_MP_STR)
            err = want_text(x, node_mp_str(value));
        struct node_mp_iter members = node_mp_iter(value);
        while (err == CHT_OK && node_mp_next(&members, NULL, &one))
            err = want_text(x, node_mp_str(one));
    }
    return err;
}

/* The person's records and what they link to. */
static enum cht_err gather(struct export_job *x, struct cht_bytes record)
{
    const struct cht_bytes data = node_mp_get(record, "data");
    struct node_mp_iter it = node_mp_iter(data);
    struct cht_bytes key, value;
    bool theirs = false;
    while (!theirs && node_mp_next(&it, &key, &value))
        theirs = names_people(node_mp_str(key)) && is_or_has(value, cht_bytes_str(x->person));
    if (!theirs)
        return CHT_OK;
    const enum cht_err err = want_text(x, node_mp_get_str(record, "chittyId"));
    return err == CHT_OK ? want_links(x, cli_record_type(record), data) : err;
}

/* --- asking -------------------------------------------------------------------------------- */

static bool is_wanted(const struct export_job *x, struct cht_bytes record)
{
    struct crdt_id id;
    return x->person == NULL ||
           (crdt_id_parse(node_mp_get_str(record, "chittyId"), &id) == CHT_OK &&
            cli_id_set_has(&x->wanted, &id));
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct export_job *x = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && node_mp_next(&it, NULL, &record)) {
        x->rows++;
        if (x->gathering)
            err = gather(x, record);
        else if (is_wanted(x, record))
            put_record(x, record);
    }
    return err;
}

/* The conditions of a list, and the page of it. */
static enum cht_err put_list(struct export_job *x, unsigned type, uint64_t offset,
                             struct cht_buf *b, uint32_t *pairs)
{
    const char *who = cli_flag(x->c, "assignee");
    enum cht_err err = node_mp_put_key_text(b, "operation", "list");
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "domain", crdt_type_domain(type));
    if (err == CHT_OK) /* then by id: the same at every node */
        err = node_mp_put_key_text(b, "sort", type == CRDT_SESSION ? "started" : "created");
    if (err == CHT_OK)
        err = node_mp_put_key_uint(b, "offset", offset);
    if (err == CHT_OK)
        err = node_mp_put_key_bool(b, "deleted", cli_flag(x->c, "deleted") != NULL);
    *pairs += 5;
    if (err == CHT_OK && who != NULL) {
        err = node_mp_put_text(b, "filter");
        if (err == CHT_OK)
            err = crdt_mp_put_map(b, 1);
        if (err == CHT_OK)
            err = node_mp_put_key_text(b, "assignees", who);
        ++*pairs;
    }
    x->c->type = type;
    if (err == CHT_OK && !x->gathering)
        err = cli_filter_read(x->c, false, 0, b, pairs);
    x->c->type = 0;
    return err;
}

static enum cht_err list_page(struct export_job *x, unsigned type, uint64_t offset)
{
    struct cli_request r;
    struct cht_buf body;
    uint32_t pairs = 0;
    cht_buf_init(&body, LIMIT_CLIENT_BYTES);
    x->rows = 0;
    enum cht_err err = cli_request_begin(x->c, NODE_MSG_QUERY, &r);
    if (err == CHT_OK)
        err = put_list(x, type, offset, &body, &pairs);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&r.message, pairs);
    if (err == CHT_OK)
        err = cht_buf_add(&r.message, cht_buf_view(&body));
    if (err == CHT_OK)
        err = cli_ask(x->c, CLI_REACH_HOME, &r, x->count == 0, each, x);
    cli_request_clear(&r);
    cht_buf_clear(&body);
    return cli_fail(x->c, err);
}

/* An answer has so many records and no more: the next ones are asked for. */
static enum cht_err list(struct export_job *x, unsigned type)
{
    uint64_t offset = 0;
    enum cht_err err;
    do {
        err = list_page(x, type, offset);
        offset += x->rows;
    } while (err == CHT_OK && x->rows == LIMIT_QUERY_ROWS);
    return err;
}

static enum cht_err hold_conflicts(void *ctx, const struct node_msg *answer)
{
    struct export_job *x = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && node_mp_next(&it, NULL, &record))
        err = cht_buf_add(&x->conflicts, record);
    return err;
}

static enum cht_err take_space(void *ctx, const struct node_msg *answer)
{
    struct export_job *x = ctx;
    struct cli_out *out = &x->c->out;
    if (answer->type != NODE_MSG_ACK)
        return CHT_OK;
    cli_put_text(out, "{\"kind\":\"chitty-export\",\"schemaVersion\":1,\"space\":");
    cli_json_text(out, node_mp_get_str(node_mp_get(answer->payload, "result"), "space"));
    cli_put_text(out, "}\n");
    return CHT_OK;
}

static enum cht_err before(struct export_job *x)
{
    struct cli_request r;
    enum cht_err err = cli_plain_command(x->c, "status", &r);
    if (err == CHT_OK)
        err = cli_ask(x->c, CLI_REACH_HOME, &r, true, take_space, x);
    cli_request_clear(&r);
    if (err != CHT_OK)
        return cli_fail(x->c, err);
    x->c->type = 0;
    err = cli_query(x->c, "conflicts", NULL, 0, &r);
    if (err == CHT_OK)
        err = cli_ask(x->c, CLI_REACH_HOME, &r, false, hold_conflicts, x);
    cli_request_clear(&r);
    return cli_fail(x->c, err);
}

/* --- the command --------------------------------------------------------------------------- */

/* The types asked for, in the order of their numbers. */
static enum cht_err chosen_types(struct cli_context *c, bool out[static TYPES_MAX])
{
    const char *given = cli_flag(c, "types");
    const bool filtered = c->arg_count != 0;
    const bool only_todos = cli_flag(c, "assignee") != NULL || (filtered && given == NULL);
    for (unsigned type = 0; type < TYPES_MAX; type++)
        out[type] =
            given == NULL && crdt_schema(type) != NULL && (!only_todos || type == CRDT_TODO);
    while (given != NULL && *given != '\0') {
        const size_t len = strcspn(given, ",");
        const unsigned type = crdt_type_from(cht_bytes(given, len));
        if (type == 0 || type >= TYPES_MAX || crdt_schema(type) == NULL)
            return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("types"),
                                  "\"%.*s\" is no type: say todo, project, topic …",
                                  (int)(len > 64 ? 64 : len), given);
        if (only_todos && type != CRDT_TODO)
            return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("types"),
                                  "only todos have assignees: leave %.*s out, or use --person",
                                  (int)(len > 64 ? 64 : len), given);
        out[type] = true;
        given += len + (given[len] == ',' ? 1 : 0);
    }
    return CHT_OK;
}

static enum cht_err all_types(struct export_job *x, const bool *types)
{
    enum cht_err err = CHT_OK;
    for (unsigned type = 0; err == CHT_OK && type < TYPES_MAX; type++) {
        if (types[type] || (x->gathering && crdt_schema(type) != NULL))
            err = list(x, type);
    }
    return err;
}

static enum cht_err to_out(struct cli_context *c)
{
    struct export_job x = { .c = c, .person = cli_flag(c, "person") };
    bool types[TYPES_MAX];
    cht_buf_init(&x.conflicts, SIZE_MAX / 2);
    enum cht_err err = chosen_types(c, types);
    if (err == CHT_OK && x.person != NULL && cli_flag(c, "assignee") != NULL)
        err = node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("person"),
                             "use one of --person and --assignee");
    if (err == CHT_OK)
        err = before(&x);
    if (err == CHT_OK && x.person != NULL) {
        x.gathering = true;
        err = all_types(&x, types);
        x.gathering = false;
    }
    if (err == CHT_OK)
        err = all_types(&x, types);
    cht_buf_clear(&x.conflicts);
    cli_id_set_clear(&x.wanted);
    return err;
}

static enum cht_err file_fault(struct cli_context *c, const char *path, int sys)
{
    return node_fault_set(&c->fault, CHT_E_IO, cht_bytes_str("out"), "cannot write %.200s: %s",
                          path, strerror(sys));
}

/* The file appears under its name when it is whole and on the disk. A device or a pipe is written
 * into. */
static enum cht_err to_file(struct cli_context *c, const char *path)
{
    char part[PATH_BYTES];
    struct stat s;
    const bool itself = stat(path, &s) == 0 && !S_ISREG(s.st_mode) && !S_ISDIR(s.st_mode);
    const int len = snprintf(part, sizeof part, itself ? "%s" : "%s.part", path);
    if (len < 0 || (size_t)len >= sizeof part)
        return file_fault(c, path, ENAMETOOLONG);
    const int fd = itself ? open(part, O_WRONLY | O_CLOEXEC)
                          : open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return file_fault(c, part, errno);
    const int standard = c->out.fd;
    c->out.fd = fd;
    enum cht_err err = to_out(c);
    const enum cht_err flushed = cli_out_flush(&c->out);
    if (err == CHT_OK && flushed != CHT_OK)
        err = file_fault(c, part, c->out.sys);
    if (err == CHT_OK && !itself && fsync(fd) != 0)
        err = file_fault(c, part, errno);
    c->out.fd = standard;
    (void)close(fd);
    if (err == CHT_OK && !itself && rename(part, path) != 0)
        err = file_fault(c, path, errno);
    if (err != CHT_OK && !itself)
        (void)unlink(part);
    return err;
}

static enum cht_err run(struct cli_context *c)
{
    const char *path = cli_flag(c, "out");
    return path == NULL ? to_out(c) : to_file(c, path);
}

static const struct cli_flag flags[] = {
    { "types", "TYPE,TYPE", "these alone: todo, project, topic, message …" },
    { "assignee", "WHO", "the todos of one person or agent" },
    { "person", "WHO",
      "what one person owns, does, wrote or takes part in, and what that links to" },
    { "deleted", NULL, "hidden records too" },
    { "out", "FILE", "into this file, which appears when it is whole" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_export = {
    .name = "export",
    .summary = "All records, or some, as JSON lines.",
    .arguments = "[FILTER…]",
    .details = "The first line names the space, each other line is one record, by type, time of "
               "creation and id: two exports of the same state are the same bytes. Where "
               "concurrent values wait for a decision, the one shown is in \"data\" and the others "
               "are in \"conflicts\". 'chitty-node import' reads the file.\n"
               "\n"
               "The words of a filter are those of `chitty ls`; without `--types` they are about "
               "todos.",
    .group = CLI_SETUP,
    .kind = "",
    .examples = "chitty-node export > everything.jsonl\n"
                "chitty-node export project:house status:completed\n"
                "chitty-node export --types todo,project --out work.jsonl\n"
                "chitty-node export --person anna --deleted",
    .args_max = CLI_ARGS_MAX,
    .flags = flags,
    .run = run,
};
