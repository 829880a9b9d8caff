/* What an import makes of the files of other programs, and of what is here already. */
#include "cli/import/beads_words.h"
#include "cli/import/exact_json.h"
#include "cli/import/import.h"
#include "cli/import/reader.h"
#include "cli/import/time.h"
#include "crdt/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* --- the reader ---------------------------------------------------------------------------- */

struct file {
    struct cht_bytes left;
    size_t piece;
};

static enum cht_err read_piece(void *ctx, uint8_t *out, size_t room, size_t *out_len)
{
    struct file *f = ctx;
    size_t n = f->left.len < f->piece ? f->left.len : f->piece;
    n = n < room ? n : room;
    if (n != 0)
        memcpy(out, f->left.data, n);
    f->left = cht_bytes(f->left.data + n, f->left.len - n);
    *out_len = n;
    return CHT_OK;
}

/* The records of a text, each with its line: "1:{…};3:{…};", errors by their names. */
static void read_all(const char *text, size_t piece, char out[static 512])
{
    struct file file = { .left = cht_bytes_str(text), .piece = piece };
    struct cli_import_reader r;
    struct cht_bytes record;
    uint64_t line;
    enum cht_err err;
    out[0] = '\0';
    cli_import_reader_init(&r, read_piece, &file);
    while ((err = cli_import_next(&r, &record, &line)) != CHT_E_NOTFOUND) {
        const size_t at = strlen(out);
        if (err == CHT_OK)
            (void)snprintf(out + at, 512 - at, "%u:%.*s;", (unsigned)line, (int)record.len,
                           (const char *)record.data);
        else
            (void)snprintf(out + at, 512 - at, "%u:%s;", (unsigned)line, cht_err_code(err));
    }
    cli_import_reader_clear(&r);
}

static void a_record_is_found_whatever_pieces_the_file_comes_in(void **state)
{
    static const struct {
        const char *text, *records;
    } files[] = {
        { "{\"a\":1}\n\n {\"b\":\"\\n\"}", "1:{\"a\":1};3:{\"b\":\"\\n\"};" },
        { "[{\"a\":[{}]},\n{\"b\":\"}\\\"{\"}\n]\n", "1:{\"a\":[{}]};2:{\"b\":\"}\\\"{\"};" },
        { "\xEF\xBB\xBF [ {\n\"a\"\n:1} , {} ] {}", "1:{\n\"a\"\n:1};3:{};" },
        { "[1,\n{\"a\":1}]", "1:malformed;2:{\"a\":1};" },
        { "{\"a\"\n}\n", "1:{\"a\";2:};" },
        { "[{\"a\":\"", "1:{\"a\":\";" },
        { "[]", "" },
        { "", "" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        for (size_t piece = 1; piece < 12; piece++) {
            char found[512];
            read_all(files[i].text, piece, found);
            assert_string_equal(files[i].records, found);
        }
    }
}

static void a_record_that_is_too_long_is_passed_over(void **state)
{
    const size_t len = CLI_IMPORT_LINE_BYTES + 10;
    char *text = malloc(len + 32), found[512];
    (void)state;
    assert_non_null(text);
    memset(text, 'x', len);
    memcpy(text + len, "\n{\"a\":1}\n", 10);
    read_all(text, 100000, found);
    assert_string_equal("1:limit;2:{\"a\":1};", found);
    free(text);
}

/* --- times, words, values ------------------------------------------------------------------ */

static void times_are_read_to_the_millisecond_and_it_is_told_what_is_lost(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
        bool exact;
    } good[] = {
        { "2026-02-26T00:08:56Z", UINT64_C(1772064536000), true },
        { "2026-02-26T00:08:56.250Z", UINT64_C(1772064536250), true },
        { "2026-02-26T00:08:56.000Z", UINT64_C(1772064536000), false },
        { "2026-02-26T00:08:56.2509999Z", UINT64_C(1772064536250), false },
        { "2026-02-25T16:08:56-08:00", UINT64_C(1772064536000), false },
        { "2026-02-26 05:38:56+0530", UINT64_C(1772064536000), false },
        { "20260226T000856Z", UINT64_C(1772064536000), true },
        { "1970-01-01T00:00:00Z", 0, true },
    };
    static const char *const bad[] = {
        "",
        "2026",
        "2026-02-29T00:00:00Z",
        "2026-02-26T24:00:00Z",
        "2026-02-26T00:08:56",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "2026-02-26T00:08:56.Z",
        "2026-02-26T00:08:56Z ",
        "1970-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-00:01",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t ms;
        bool exact;
        assert_int_equal(CHT_OK, cli_import_time(cht_bytes_str(good[i].text), &ms, &exact));
        assert_int_equal(good[i].ms, ms);
        assert_int_equal(good[i].exact, exact);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t ms = 7;
        assert_int_equal(CHT_E_INVALID, cli_import_time(cht_bytes_str(bad[i]), &ms, NULL));
        assert_int_equal(7, ms);
    }
}

static void the_words_of_beads_have_theirs_here(void **state)
{
    static const struct {
        const char *source, *word;
        bool exact, deleted;
    } statuses[] = {
        { "open", "pending", true, false },        { "in_progress", "in_progress", true, false },
        { "hooked", "in_progress", false, false }, { "blocked", "blocked", true, false },
        { "deferred", "pending", false, false },   { "pinned", "pending", false, false },
        { "closed", "completed", true, false },    { "done", "completed", false, false },
        { "tombstone", NULL, true, true },         { "of their own", "pending", false, false },
    };
    static const char *const priorities[] = { "critical", "critical", "high", "medium",
                                              "low",      "low",      "low" };
    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        const struct cli_beads_word is = cli_beads_status(cht_bytes_str(statuses[i].source));
        assert_true(is.word == statuses[i].word || strcmp(is.word, statuses[i].word) == 0);
        assert_int_equal(statuses[i].exact, is.exact);
        assert_int_equal(statuses[i].deleted, is.deleted);
    }
    for (int64_t p = -1; p <= 5; p++) {
        const struct cli_beads_word is = cli_beads_priority(p);
        assert_string_equal(priorities[p + 1], is.word);
        assert_int_equal(p >= 0 && p <= 3, is.exact);
    }
    assert_int_equal(CLI_BEADS_DEPENDENCY, cli_beads_tie(cht_bytes_str("blocks")));
    assert_int_equal(CLI_BEADS_DEPENDENCY, cli_beads_tie(cht_bytes_str("blocked-by")));
    assert_int_equal(CLI_BEADS_PARENT, cli_beads_tie(cht_bytes_str("parent-child")));
    assert_int_equal(CLI_BEADS_RELATION, cli_beads_tie(cht_bytes_str("tracks")));
}

/* As JSON and back, in a buffer. */
static void there_and_back(struct cht_bytes value, struct cht_buf *out, char *text, size_t size)
{
    const struct crdt_field *any = crdt_field_named(CRDT_SESSION, cht_bytes_str("state"));
    struct cli_out *o = calloc(1, sizeof *o);
    FILE *file = tmpfile();
    struct cht_buf parsed;
    assert_non_null(o);
    assert_non_null(file);
    cli_out_init(o, fileno(file));
    cli_exact_put(o, any, value);
    assert_int_equal(CHT_OK, cli_out_flush(o));
    const ssize_t len = pread(fileno(file), text, size - 1, 0);
    assert_true(len > 0);
    text[len] = '\0';
    (void)fclose(file);
    free(o);
    cht_buf_init(&parsed, 4096);
    assert_int_equal(CHT_OK, cli_json_parse_deep(cht_bytes_str(text), CLI_IMPORT_DEPTH, &parsed));
    assert_int_equal(CHT_OK, cli_exact_take(any, false, cht_buf_view(&parsed), out));
    cht_buf_clear(&parsed);
}

#define BYTES(...)                                                                                 \
    {                                                                                              \
        sizeof((const uint8_t[]){ __VA_ARGS__ }),                                                  \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static void every_value_comes_back_from_json_as_it_was(void **state)
{
    static const struct {
        size_t len;
        uint8_t bytes[24];
    } values[] = {
        BYTES(0xc0),
        BYTES(0xc3),
        BYTES(0x07),
        BYTES(0xd0, 0x80),
        BYTES(0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), /* above 2^63 */
        BYTES(0xca, 0x3f, 0x00, 0, 0),                               /* 0.5 */
        BYTES(0xcb, 0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a), /* 0.1 */
        BYTES(0xca, 0x40, 0x00, 0, 0),                               /* 2.0 stays a float */
        BYTES(0xca, 0x80, 0x00, 0, 0),                               /* -0.0 */
        BYTES(0xca, 0x5a, 0x00, 0, 0),                               /* 2^53, whole */
        BYTES(0xca, 0x7f, 0x80, 0, 0),                               /* infinite */
        BYTES(0xa3, 'a', '"', '\n'),
        BYTES(0xc4, 2, 0x00, 0xff),
        BYTES(0xd4, 5, 0x01),                                  /* ext */
        BYTES(0x92, 0x01, 0xc4, 1, 0x7f),                      /* bin inside */
        BYTES(0x81, 0x01, 0xc3),                               /* a key that is no text */
        BYTES(0x81, 0xa4, '$', 'b', 'i', 'n', 0xa2, '0', '0'), /* looks like an escape */
        BYTES(0x82, 0xa1, 'a', 0x01, 0xa1, 'a', 0x02),         /* a key twice */
        BYTES(0x81, 0xa1, 'a', 0x91, 0x80),
    };
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct cht_buf back;
        char text[256];
        cht_buf_init(&back, 4096);
        there_and_back(cht_bytes(values[i].bytes, values[i].len), &back, text, sizeof text);
        assert_int_equal(values[i].len, back.len);
        assert_memory_equal(values[i].bytes, back.data, back.len);
        cht_buf_clear(&back);
    }
}

/* --- what is left to do -------------------------------------------------------------------- */

struct scene {
    struct cht_arena arena;
    struct node_fault fault;
    struct cli_id_set projects;
    struct cht_buf found;
};

static void start(struct scene *s)
{
    *s = (struct scene){ 0 };
    cht_arena_init(&s->arena, (size_t)16 << 20);
    cht_buf_init(&s->found, (size_t)1 << 20);
}

static void end(struct scene *s)
{
    cht_arena_clear(&s->arena);
    cht_buf_clear(&s->found);
}

static struct cli_import_record *read_one(struct scene *s, const struct cli_import_format *format,
                                          const char *json)
{
    const struct cli_import_reading how = {
        .arena = &s->arena, .projects = &s->projects, .line = 1, .fault = &s->fault
    };
    struct cht_buf object;
    struct cli_import_record *r = NULL;
    cht_buf_init(&object, (size_t)1 << 20);
    assert_int_equal(CHT_OK, cli_json_parse_deep(cht_bytes_str(json), CLI_IMPORT_DEPTH, &object));
    assert_int_equal(CHT_OK, format->read(&how, cht_buf_view(&object), &r));
    cht_buf_clear(&object);
    return r;
}

/* What is left, a cell a word: "content labels+ raw[beads.id] notes-". */
static void left_words(const struct cli_import_record *r, char out[static 512])
{
    out[0] = '\0';
    for (size_t i = 0; i < r->count; i++) {
        const struct cli_import_item *item = &r->items[i];
        const struct cht_bytes key = node_mp_str(item->key);
        const size_t at = strlen(out);
        if (!item->skip)
            (void)snprintf(out + at, 512 - at, "%s%s%.*s%s%s ", item->field->name,
                           key.len == 0 ? "" : "[", (int)key.len,
                           key.len == 0 ? "" : (const char *)key.data, key.len == 0 ? "" : "]",
                           item->drop ? "-" : "");
    }
}

/* The record as `get` would show it after all of it was written. */
static void put_as_written(struct scene *s, const struct cli_import_record *r)
{
    struct cht_buf data;
    size_t from = 0;
    bool any;
    cht_buf_init(&data, (size_t)1 << 20);
    assert_int_equal(CHT_OK, cli_import_put_data(r, &from, &any, &data));
    struct node_mp_iter it = node_mp_iter(cht_buf_view(&data));
    struct cht_bytes name, value;
    uint32_t count = 0;
    struct cht_buf rest;
    cht_buf_init(&rest, (size_t)1 << 20);
    while (node_mp_next(&it, &name, &value)) {
        const struct crdt_field *f = crdt_field_named(CRDT_TODO, node_mp_str(name));
        if (node_mp_kind(value) == CRDT_MP_NIL)
            continue;
        count++;
        assert_int_equal(CHT_OK, cht_buf_add(&rest, name));
        assert_int_equal(
            CHT_OK, cht_buf_add(&rest, f->kind == CRDT_SET ? node_mp_get(value, "add") : value));
    }
    cht_buf_reset(&s->found);
    assert_int_equal(CHT_OK, crdt_mp_put_map(&s->found, 1));
    assert_int_equal(CHT_OK, node_mp_put_text(&s->found, "data"));
    assert_int_equal(CHT_OK, crdt_mp_put_map(&s->found, count));
    assert_int_equal(CHT_OK, cht_buf_add(&s->found, cht_buf_view(&rest)));
    cht_buf_clear(&rest);
    cht_buf_clear(&data);
}

static void only_what_the_source_has_changed_is_left_to_do(void **state)
{
    struct scene s;
    char left[512];
    (void)state;
    start(&s);
    struct cli_import_record *r =
        read_one(&s, &cli_import_beads,
                 "{\"id\":\"b\",\"title\":\"t\",\"notes\":\"n\",\"labels\":[\"x\",\"y\"],"
                 "\"wisp\":1,\"status\":\"open\"}");
    assert_int_equal(CHT_OK, cli_import_compare(&s.arena, r));
    assert_false(r->here);
    put_as_written(&s, r);
    /* the same again */
    r = read_one(&s, &cli_import_beads,
                 "{\"status\":\"open\",\"wisp\":1,\"labels\":[\"y\",\"x\"],\"notes\":\"n\","
                 "\"title\":\"t\",\"id\":\"b\"}");
    r->found = cht_buf_view(&s.found);
    assert_int_equal(CHT_OK, cli_import_compare(&s.arena, r));
    left_words(r, left);
    assert_string_equal("", left);
    /* one value another, one gone, a label for another */
    r = read_one(&s, &cli_import_beads,
                 "{\"id\":\"b\",\"title\":\"t\",\"labels\":[\"x\",\"z\"],\"status\":\"blocked\"}");
    r->found = cht_buf_view(&s.found);
    assert_int_equal(CHT_OK, cli_import_compare(&s.arena, r));
    left_words(r, left);
    assert_string_equal("labels[z] status labels[y]- notes- raw[beads.wisp]- completed_at- "
                        "started_at- raw[beads.digest] ",
                        left);
    end(&s);
}

static void what_is_here_already_of_an_export_stays(void **state)
{
    static const char *const line =
        "{\"chittyId\":\"CHITTY-TODO-00000000000000000000000001\",\"type\":\"todo\",\"data\":"
        "{\"content\":\"c\",\"labels\":[\"x\"],\"created\":\"2026-01-01T00:00:00.000Z\"}}";
    struct scene s;
    char left[512];
    (void)state;
    start(&s);
    struct cli_import_record *r = read_one(&s, &cli_import_jsonl, line);
    assert_int_equal(CHT_OK, cli_import_compare(&s.arena, r));
    left_words(r, left); /* nothing is brought along that the file does not say */
    assert_string_equal("content labels[x] created completed_at- started_at- status- ", left);
    put_as_written(&s, r);
    r = read_one(&s, &cli_import_jsonl, line);
    r->found = cht_buf_view(&s.found);
    assert_int_equal(CHT_OK, cli_import_compare(&s.arena, r));
    assert_false(r->differs);
    r = read_one(&s, &cli_import_jsonl,
                 "{\"chittyId\":\"CHITTY-TODO-00000000000000000000000001\",\"data\":"
                 "{\"content\":\"d\"}}");
    r->found = cht_buf_view(&s.found);
    assert_int_equal(CHT_OK, cli_import_compare(&s.arena, r));
    assert_true(r->differs);
    left_words(r, left);
    assert_string_equal("", left);
    end(&s);
}

static void a_record_that_is_hidden_is_hidden_last(void **state)
{
    struct scene s;
    struct cht_buf data;
    size_t from = 0;
    bool any;
    (void)state;
    start(&s);
    cht_buf_init(&data, (size_t)1 << 20);
    struct cli_import_record *r =
        read_one(&s, &cli_import_beads, "{\"id\":\"b\",\"title\":\"t\",\"status\":\"tombstone\"}");
    assert_int_equal(CHT_OK, cli_import_compare(&s.arena, r));
    assert_int_equal(CRDT_FIELD_DELETED, r->items[r->count - 1].field->number);
    assert_int_equal(CHT_OK, cli_import_put_data(r, &from, &any, &data));
    assert_true(any);
    assert_true(node_mp_get_bool(cht_buf_view(&data), "deleted"));
    assert_true(node_mp_get(cht_buf_view(&data), "content").len != 0);
    assert_int_equal(r->count, from); /* in one change */
    cht_buf_clear(&data);
    end(&s);
}

static void a_record_is_divided_where_one_change_does_not_hold_it(void **state)
{
    struct scene s;
    struct cht_buf data;
    size_t from = 0, pieces = 0, values = 0;
    struct crdt_id id = { .type = CRDT_SESSION, .b = { 1 } };
    char key[16];
    (void)state;
    start(&s);
    cht_buf_init(&data, (size_t)1 << 20);
    struct cli_import_record *r = cli_import_record(&s.arena, &id, CLI_IMPORT_ADD, NULL, 1);
    for (unsigned i = 0; i < 2 * CLI_IMPORT_PIECE_ITEMS + 1; i++) {
        const int len = snprintf(key, sizeof key, "%ck%05u", 0xa0 | 6, i);
        assert_int_equal(CHT_OK, cli_import_say(&s.arena, r, "state", cht_bytes(key, (size_t)len),
                                                cht_bytes("\x01", 1)));
    }
    while (from < r->count) {
        bool any;
        cht_buf_reset(&data);
        assert_int_equal(CHT_OK, cli_import_put_data(r, &from, &any, &data));
        assert_true(any);
        values += node_mp_count(node_mp_get(cht_buf_view(&data), "state"));
        pieces++;
    }
    assert_int_equal(3, pieces);
    assert_int_equal(2 * CLI_IMPORT_PIECE_ITEMS + 1, values);
    cht_buf_clear(&data);
    end(&s);
}

static void ids_are_in_a_set_once(void **state)
{
    struct cli_id_set set = { 0 };
    struct crdt_id id = { .type = CRDT_TODO };
    bool added;
    (void)state;
    assert_false(cli_id_set_has(&set, &id));
    for (unsigned i = 0; i < 1000; i++) {
        id.b[14] = (uint8_t)(i >> 8);
        id.b[15] = (uint8_t)i;
        assert_int_equal(CHT_OK, cli_id_set_add(&set, &id, &added));
        assert_true(added);
        assert_int_equal(CHT_OK, cli_id_set_add(&set, &id, &added));
        assert_false(added);
    }
    assert_int_equal(1000, set.count);
    id.b[0] = 1;
    assert_false(cli_id_set_has(&set, &id));
    id.type = CRDT_MESSAGE;
    id.b[0] = 0;
    assert_false(cli_id_set_has(&set, &id));
    cli_id_set_clear(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_found_whatever_pieces_the_file_comes_in),
        cmocka_unit_test(a_record_that_is_too_long_is_passed_over),
        cmocka_unit_test(times_are_read_to_the_millisecond_and_it_is_told_what_is_lost),
        cmocka_unit_test(the_words_of_beads_have_theirs_here),
        cmocka_unit_test(every_value_comes_back_from_json_as_it_was),
        cmocka_unit_test(only_what_the_source_has_changed_is_left_to_do),
        cmocka_unit_test(what_is_here_already_of_an_export_stays),
        cmocka_unit_test(a_record_that_is_hidden_is_hidden_last),
        cmocka_unit_test(a_record_is_divided_where_one_change_does_not_hold_it),
        cmocka_unit_test(ids_are_in_a_set_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
