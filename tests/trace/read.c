/* Reading a trace; see read.h. */
#include "tests/trace/read.h"

#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#define LINE_BYTES_START ((size_t)1 << 20)
#define LINE_BYTES_MAX   ((size_t)256 << 20)

struct trace_file {
    gzFile file;
    const char *path;
    char *line;
    size_t room;
    unsigned long number; /* of the line last read */
};

struct trace_file *trace_open(const char *path)
{
    struct trace_file *f = calloc(1, sizeof *f);
    if (f != NULL)
        f->line = malloc(LINE_BYTES_START);
    if (f == NULL || f->line == NULL)
        bench_fail("out of memory");
    f->room = LINE_BYTES_START;
    f->path = path;
    f->file = gzopen(path, "rb");
    if (f->file == NULL)
        bench_fail("%s cannot be opened", path);
    (void)gzbuffer(f->file, 1u << 17);
    return f;
}

/* A whole line without its line feed; false at the end. */
static bool read_line(struct trace_file *f, size_t *out_len)
{
    size_t len = 0;
    for (;;) {
        if (gzgets(f->file, f->line + len, (int)(f->room - len)) == NULL)
            break;
        len += strlen(f->line + len);
        if (len != 0 && f->line[len - 1] == '\n')
            break;
        if (len + 1 < f->room)
            continue;
        char *grown = f->room >= LINE_BYTES_MAX ? NULL : realloc(f->line, f->room * 2);
        if (grown == NULL)
            bench_fail("%s, line %lu: it is too long", f->path, f->number + 1);
        f->line = grown;
        f->room *= 2;
    }
    int error = Z_OK;
    const char *text = gzerror(f->file, &error);
    if (error != Z_OK && error != Z_STREAM_END)
        bench_fail("%s: %s", f->path, text);
    while (len != 0 && f->line[len - 1] == '\n')
        len--;
    f->number += len != 0;
    *out_len = len;
    return len != 0;
}

/* The op that a JSON object tells; false: it is none. */
static bool read_op(json_t *from, struct trace_op *out)
{
    *out = (struct trace_op){ .issue = json_string_value(json_object_get(from, "i")),
                              .field = json_string_value(json_object_get(from, "f")),
                              .value = json_object_get(from, "v"),
                              .add = json_object_get(from, "add"),
                              .rm = json_object_get(from, "rm") };
    if (out->issue == NULL)
        return false;
    if (json_is_true(json_object_get(from, "del")))
        return out->field == NULL;
    bool set = out->add != NULL || out->rm != NULL;
    return out->field != NULL && set == (out->value == NULL) &&
           (out->add == NULL || json_is_array(out->add)) &&
           (out->rm == NULL || json_is_array(out->rm));
}

bool trace_next(struct trace_file *f, struct trace_commit *out)
{
    size_t len;
    json_error_t error;
    if (!read_line(f, &len))
        return false;
    struct trace_commit c = { .root = json_loadb(f->line, len, 0, &error) };
    if (c.root == NULL)
        bench_fail("%s, line %lu: %s", f->path, f->number, error.text);
    json_t *ops = json_object_get(c.root, "ops");
    c.author = json_string_value(json_object_get(c.root, "a"));
    c.count = json_array_size(ops);
    c.ops = calloc(c.count + 1, sizeof *c.ops);
    if (c.ops == NULL)
        bench_fail("out of memory");
    bool good = c.author != NULL && json_is_array(ops);
    for (size_t i = 0; good && i < c.count; i++)
        good = read_op(json_array_get(ops, i), &c.ops[i]);
    if (!good)
        bench_fail("%s, line %lu: no commit of a trace", f->path, f->number);
    *out = c;
    return true;
}

bool trace_skip(struct trace_file *f)
{
    size_t len;
    return read_line(f, &len);
}

void trace_commit_clear(struct trace_commit *c)
{
    json_decref(c->root);
    free(c->ops);
    *c = (struct trace_commit){ 0 };
}

void trace_close(struct trace_file *f)
{
    (void)gzclose(f->file);
    free(f->line);
    free(f);
}

bool trace_usual_path(char *out, size_t room)
{
    const char *data = getenv("CHITTY_DATA");
    if (data == NULL || data[0] == '\0')
        return false;
    (void)snprintf(out, room, "%s/tracker-trace/beads.ndjson.gz", data);
    return access(out, R_OK) == 0;
}
