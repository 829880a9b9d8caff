/* The same statements without this program's code; see node.h.
 *
 * The linker hands each sqlite3_bind_*, _step and _exec of the store to the functions here
 * (--wrap), which write them down while `recorder` is set and go on to SQLite. The replay opens
 * another copy of the same file with the same pragmas, prepares each text once, and binds and steps
 * in the same order. */
#include "tests/bench/node_own.h"

#include "node/store/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXTS_MAX 256u

enum step_kind { STEP_RUN, STEP_INT, STEP_DOUBLE, STEP_TEXT, STEP_BLOB, STEP_NULL };

struct step {
    uint8_t kind, parameter;
    uint16_t statement; /* index of its text */
    uint32_t len;       /* of the bytes, or STEP_RUN: how many rows were taken */
    union {
        int64_t number;
        double real;
        size_t at; /* of the bytes */
    };
};

struct recorder {
    struct step *steps;
    size_t count, cap;
    struct cht_buf bytes;
    struct {
        sqlite3_stmt *st;
        char *text;
        size_t run_at; /* the step under way: rows taken are counted there; SIZE_MAX */
    } texts[TEXTS_MAX];
    size_t text_count;
};

static struct recorder *recorder;

/* --- recording ------------------------------------------------------------------------------ */

static uint16_t statement_of(sqlite3_stmt *st)
{
    for (size_t i = 0; i < recorder->text_count; i++) {
        if (recorder->texts[i].st == st)
            return (uint16_t)i;
    }
    if (recorder->text_count == TEXTS_MAX)
        bench_fail("more statements than can be recorded");
    size_t i = recorder->text_count++;
    recorder->texts[i].st = st;
    recorder->texts[i].text = strdup(sqlite3_sql(st));
    recorder->texts[i].run_at = SIZE_MAX;
    return (uint16_t)i;
}

static struct step *note(sqlite3_stmt *st, enum step_kind kind, int parameter)
{
    if (recorder->count == recorder->cap) {
        recorder->cap = recorder->cap == 0 ? 1u << 16 : recorder->cap * 2;
        recorder->steps = realloc(recorder->steps, recorder->cap * sizeof *recorder->steps);
        if (recorder->steps == NULL)
            bench_fail("out of memory");
    }
    struct step *s = &recorder->steps[recorder->count++];
    *s = (struct step){ .kind = (uint8_t)kind,
                        .parameter = (uint8_t)parameter,
                        .statement = statement_of(st) };
    return s;
}

static void note_bytes(sqlite3_stmt *st, enum step_kind kind, int parameter, const void *data,
                       uint64_t len)
{
    if (recorder == NULL)
        return;
    struct step *s = note(st, kind, parameter);
    s->at = recorder->bytes.len;
    s->len = (uint32_t)len;
    bench_must(cht_buf_add(&recorder->bytes, cht_bytes(data, (size_t)len)), "record");
}

/* The names are the linker's. */
int __real_sqlite3_bind_int(sqlite3_stmt *st, int at, int v);
int __wrap_sqlite3_bind_int(sqlite3_stmt *st, int at, int v);
int __wrap_sqlite3_bind_int(sqlite3_stmt *st, int at, int v)
{
    if (recorder != NULL)
        note(st, STEP_INT, at)->number = v;
    return __real_sqlite3_bind_int(st, at, v);
}

int __real_sqlite3_bind_int64(sqlite3_stmt *st, int at, sqlite3_int64 v);
int __wrap_sqlite3_bind_int64(sqlite3_stmt *st, int at, sqlite3_int64 v);
int __wrap_sqlite3_bind_int64(sqlite3_stmt *st, int at, sqlite3_int64 v)
{
    if (recorder != NULL)
        note(st, STEP_INT, at)->number = v;
    return __real_sqlite3_bind_int64(st, at, v);
}

int __real_sqlite3_bind_double(sqlite3_stmt *st, int at, double v);
int __wrap_sqlite3_bind_double(sqlite3_stmt *st, int at, double v);
int __wrap_sqlite3_bind_double(sqlite3_stmt *st, int at, double v)
{
    if (recorder != NULL)
        note(st, STEP_DOUBLE, at)->real = v;
    return __real_sqlite3_bind_double(st, at, v);
}

int __real_sqlite3_bind_null(sqlite3_stmt *st, int at);
int __wrap_sqlite3_bind_null(sqlite3_stmt *st, int at);
int __wrap_sqlite3_bind_null(sqlite3_stmt *st, int at)
{
    if (recorder != NULL)
        (void)note(st, STEP_NULL, at);
    return __real_sqlite3_bind_null(st, at);
}

typedef void free_fn(void *);
int __real_sqlite3_bind_text(sqlite3_stmt *st, int at, const char *text, int len, free_fn *f);
int __wrap_sqlite3_bind_text(sqlite3_stmt *st, int at, const char *text, int len, free_fn *f);
int __wrap_sqlite3_bind_text(sqlite3_stmt *st, int at, const char *text, int len, free_fn *f)
{
    note_bytes(st, STEP_TEXT, at, text, len < 0 ? strlen(text) : (uint64_t)len);
    return __real_sqlite3_bind_text(st, at, text, len, f);
}

int __real_sqlite3_bind_text64(sqlite3_stmt *st, int at, const char *text, sqlite3_uint64 len,
                               free_fn *f, unsigned char encoding);
int __wrap_sqlite3_bind_text64(sqlite3_stmt *st, int at, const char *text, sqlite3_uint64 len,
                               free_fn *f, unsigned char encoding);
int __wrap_sqlite3_bind_text64(sqlite3_stmt *st, int at, const char *text, sqlite3_uint64 len,
                               free_fn *f, unsigned char encoding)
{
    note_bytes(st, STEP_TEXT, at, text, len);
    return __real_sqlite3_bind_text64(st, at, text, len, f, encoding);
}

int __real_sqlite3_bind_blob64(sqlite3_stmt *st, int at, const void *data, sqlite3_uint64 len,
                               free_fn *f);
int __wrap_sqlite3_bind_blob64(sqlite3_stmt *st, int at, const void *data, sqlite3_uint64 len,
                               free_fn *f);
int __wrap_sqlite3_bind_blob64(sqlite3_stmt *st, int at, const void *data, sqlite3_uint64 len,
                               free_fn *f)
{
    note_bytes(st, STEP_BLOB, at, data, len);
    return __real_sqlite3_bind_blob64(st, at, data, len, f);
}

int __real_sqlite3_step(sqlite3_stmt *st);
int __wrap_sqlite3_step(sqlite3_stmt *st);
int __wrap_sqlite3_step(sqlite3_stmt *st)
{
    if (recorder == NULL)
        return __real_sqlite3_step(st);
    size_t *run_at = &recorder->texts[statement_of(st)].run_at;
    if (*run_at == SIZE_MAX) {
        struct step *s = note(st, STEP_RUN, 0);
        *run_at = (size_t)(s - recorder->steps);
    }
    int code = __real_sqlite3_step(st);
    recorder->steps[*run_at].len++;
    if (code != SQLITE_ROW)
        *run_at = SIZE_MAX;
    return code;
}

int __real_sqlite3_reset(sqlite3_stmt *st);
int __wrap_sqlite3_reset(sqlite3_stmt *st);
int __wrap_sqlite3_reset(sqlite3_stmt *st)
{
    if (recorder != NULL)
        recorder->texts[statement_of(st)].run_at = SIZE_MAX;
    return __real_sqlite3_reset(st);
}

/* --- replaying ------------------------------------------------------------------------------ */

static void replay_step(const struct recorder *rec, const struct step *s, sqlite3_stmt *st)
{
    const void *data = rec->bytes.data + s->at;
    switch ((enum step_kind)s->kind) {
    case STEP_INT:
        (void)__real_sqlite3_bind_int64(st, s->parameter, s->number);
        return;
    case STEP_DOUBLE:
        (void)__real_sqlite3_bind_double(st, s->parameter, s->real);
        return;
    case STEP_TEXT:
        (void)__real_sqlite3_bind_text64(st, s->parameter, data, s->len, SQLITE_STATIC,
                                         SQLITE_UTF8);
        return;
    case STEP_BLOB:
        (void)__real_sqlite3_bind_blob64(st, s->parameter, data, s->len, SQLITE_STATIC);
        return;
    case STEP_NULL:
        (void)__real_sqlite3_bind_null(st, s->parameter);
        return;
    case STEP_RUN:
        break;
    }
    for (uint32_t i = 0; i < s->len; i++) {
        int code = __real_sqlite3_step(st);
        if (code != SQLITE_ROW && code != SQLITE_DONE)
            bench_fail("replay of %s: %s", sqlite3_sql(st), sqlite3_errstr(code));
    }
    (void)__real_sqlite3_reset(st);
}

static sqlite3 *open_like_the_store(const char *path)
{
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db, STORE_PRAGMAS, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        bench_fail("%s: %s", path, sqlite3_errmsg(db));
    return db;
}

static void replay(const struct recorder *rec, const char *path, struct done *out)
{
    sqlite3 *db = open_like_the_store(path);
    sqlite3_stmt *sts[TEXTS_MAX];
    for (size_t i = 0; i < rec->text_count; i++) {
        if (sqlite3_prepare_v3(db, rec->texts[i].text, -1, SQLITE_PREPARE_PERSISTENT, &sts[i],
                               NULL) != SQLITE_OK)
            bench_fail("%s: %s", rec->texts[i].text, sqlite3_errmsg(db));
    }
    double wall = bench_now_us(), cpu = bench_cpu_us();
    for (size_t i = 0; i < rec->count; i++)
        replay_step(rec, &rec->steps[i], sts[rec->steps[i].statement]);
    out->wall_us = bench_now_us() - wall;
    out->cpu_us = bench_cpu_us() - cpu;
    for (size_t i = 0; i < rec->text_count; i++)
        sqlite3_finalize(sts[i]);
    sqlite3_close(db);
}

static void record_and_replay(const char *folder, const struct order *order, const uint8_t *root,
                              struct done *out)
{
    char base[BENCH_PATH_MAX], copy[BENCH_PATH_MAX], second[BENCH_PATH_MAX];
    struct recorder rec = { 0 };
    struct records_node n;
    struct done merged = { 0 };
    const struct crdt_state *state;
    bench_path(base, folder, "base.db");
    bench_path(copy, folder, "recorded.db");
    bench_path(second, folder, "replayed.db");
    records_copy(base, copy);
    records_copy(base, second);
    cht_buf_init(&rec.bytes, SIZE_MAX);
    records_open(&n, folder, 0, copy);
    /* the node that was measured had its entities in memory */
    for (uint32_t i = 0; i < node_replica_count(n.r).entities; i++)
        bench_must(node_replica_state(n.r, i, &state), "state");
    recorder = &rec;
    records_merge(&n, order, &merged);
    recorder = NULL;
    records_look(&n, copy, &merged);
    if (memcmp(merged.root, root, sizeof merged.root) != 0)
        bench_fail("the recorded merge came to another root");
    node_replica_close(n.r);
    replay(&rec, second, out);
}

double bench_same_rows_us(const char *folder, struct order order, const uint8_t *root,
                          double *out_cpu_us)
{
    int answer[2];
    struct done out = { 0 };
    if (pipe(answer) != 0)
        bench_fail("no pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        record_and_replay(folder, &order, root, &out);
        _exit(write(answer[1], &out, sizeof out) == (ssize_t)sizeof out ? 0 : 1);
    }
    (void)close(answer[1]);
    if (read(answer[0], &out, sizeof out) != (ssize_t)sizeof out)
        bench_fail("the statements could not be replayed");
    (void)close(answer[0]);
    (void)waitpid(pid, NULL, 0);
    *out_cpu_us = out.cpu_us;
    return out.wall_us;
}
