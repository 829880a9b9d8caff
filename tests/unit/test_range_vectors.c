/* The golden ranges of tests/vectors/range.hex: what they decode to, and what is written again
 * (PROTOCOL 4.2, 4.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crdt/columns.h"
#include "crdt/id.h"

#include <stdio.h>

#define LINE_BYTES  8192u
#define ENTRIES_MAX 32u

struct vector {
    char name[64];
    enum crdt_codec codec;
    uint32_t count;
    struct crdt_before before;
    struct cht_bytes payload;
    struct cht_bytes headers[ENTRIES_MAX], bodies[ENTRIES_MAX]; /* data NULL: missing */
    uint32_t header_count, body_count;
    struct crdt_hash last;
};

struct fixture {
    FILE *file;
    char line[LINE_BYTES];
    struct cht_arena arena, turn; /* of the vectors; of one decoded range */
    struct cht_buf buf;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -1;
    f->file = fopen(CHT_VECTORS "/range.hex", "rbe");
    cht_arena_init(&f->arena, (size_t)4 << 20);
    cht_arena_init(&f->turn, (size_t)4 << 20);
    cht_buf_init(&f->buf, (size_t)1 << 20);
    *state = f;
    return f->file == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    (void)fclose(f->file);
    cht_arena_clear(&f->arena);
    cht_arena_clear(&f->turn);
    cht_buf_clear(&f->buf);
    free(f);
    return 0;
}

static struct cht_bytes from_hex(struct fixture *f, const char *hex)
{
    size_t len = strlen(hex) / 2;
    uint8_t *bytes = cht_arena_alloc(&f->arena, len + 1);
    assert_non_null(bytes);
    assert_int_equal(CHT_OK, crdt_unhex(cht_bytes_str(hex), bytes, len));
    return cht_bytes(bytes, len);
}

static void to_field(const char *hex, uint8_t *out, size_t len)
{
    assert_int_equal(CHT_OK, crdt_unhex(cht_bytes_str(hex), out, len));
}

static void take_line(struct fixture *f, const char *key, const char *value, struct vector *v)
{
    if (strcmp(key, "codec") == 0)
        v->codec = (enum crdt_codec)strtoul(value, NULL, 10);
    else if (strcmp(key, "count") == 0)
        v->count = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(key, "space") == 0)
        to_field(value, v->before.space, CRDT_ID_BYTES);
    else if (strcmp(key, "device") == 0)
        to_field(value, v->before.device, CRDT_ID_BYTES);
    else if (strcmp(key, "epoch") == 0)
        to_field(value, v->before.epoch, CRDT_EPOCH_BYTES);
    else if (strcmp(key, "hash") == 0)
        to_field(value, v->before.hash.b, CRDT_HASH_BYTES);
    else if (strcmp(key, "stamp") == 0)
        v->before.hlc = strtoull(value, NULL, 10);
    else if (strcmp(key, "seq") == 0)
        v->before.seq = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(key, "payload") == 0)
        v->payload = from_hex(f, value);
    else if (strcmp(key, "header") == 0)
        v->headers[v->header_count++] = from_hex(f, value);
    else if (strcmp(key, "body") == 0)
        v->bodies[v->body_count++] =
            strcmp(value, "missing") == 0 ? cht_bytes(NULL, 0) : from_hex(f, value);
    else if (strcmp(key, "last") == 0)
        to_field(value, v->last.b, CRDT_HASH_BYTES);
    else
        assert_string_equal("name", key);
}

/* The next vector, from its name to its last line; false at the end of the file. */
static bool next_vector(struct fixture *f, struct vector *v)
{
    memset(v, 0, sizeof *v);
    while (fgets(f->line, sizeof f->line, f->file) != NULL) {
        f->line[strcspn(f->line, "\n")] = '\0';
        char *value = strchr(f->line, ' ');
        if (f->line[0] == '#' || value == NULL)
            continue;
        *value++ = '\0';
        if (strcmp(f->line, "name") == 0)
            (void)snprintf(v->name, sizeof v->name, "%s", value);
        assert_true(v->header_count < ENTRIES_MAX && v->body_count < ENTRIES_MAX);
        take_line(f, f->line, value, v);
        if (strcmp(f->line, "last") == 0)
            return true;
    }
    return false;
}

static void golden_ranges_decode_to_their_entries(void **state)
{
    struct fixture *f = *state;
    struct vector v;
    unsigned seen[3] = { 0 };
    while (next_vector(f, &v)) {
        struct crdt_entry *got = NULL;
        printf("# %s\n", v.name);
        assert_int_equal(v.count, v.header_count);
        assert_int_equal(v.count, v.body_count);
        assert_int_equal(
            CHT_OK, crdt_range_decode(&v.before, v.count, v.codec, v.payload, &f->arena, &got));
        for (uint32_t i = 0; i < v.count; i++) {
            assert_true(cht_bytes_eq(v.headers[i], got[i].header_bytes));
            assert_true(cht_bytes_eq(v.bodies[i], got[i].body));
            assert_true((v.bodies[i].data == NULL) == (got[i].body.data == NULL));
        }
        assert_memory_equal(v.last.b, got[v.count - 1].hash.b, CRDT_HASH_BYTES);
        seen[v.codec]++;
    }
    assert_true(seen[0] > 0 && seen[1] > 0 && seen[2] > 0);
}

static void golden_columns_are_written_again(void **state)
{
    struct fixture *f = *state;
    struct vector v;
    unsigned seen = 0;
    while (next_vector(f, &v)) {
        struct crdt_entry *got = NULL;
        if (v.codec != CRDT_CODEC_COLUMNS)
            continue;
        assert_int_equal(
            CHT_OK, crdt_range_decode(&v.before, v.count, v.codec, v.payload, &f->arena, &got));
        cht_buf_reset(&f->buf);
        assert_int_equal(CHT_OK, crdt_columns_write(&v.before, got, v.count, &f->buf));
        assert_true(cht_bytes_eq(v.payload, cht_buf_view(&f->buf)));
        seen++;
    }
    assert_true(seen >= 4);
}

static void a_golden_range_cut_anywhere_or_followed_by_a_byte_is_refused(void **state)
{
    struct fixture *f = *state;
    struct vector v;
    while (next_vector(f, &v)) {
        struct crdt_entry *got = NULL;
        for (size_t len = 0; len < v.payload.len; len++) {
            uint8_t *cut = malloc(len + 1); /* its own block: reading past the end shows */
            assert_non_null(cut);
            memcpy(cut, v.payload.data, len);
            assert_int_equal(CHT_E_MALFORMED,
                             crdt_range_decode(&v.before, v.count, v.codec, cht_bytes(cut, len),
                                               &f->turn, &got));
            free(cut);
            cht_arena_reset(&f->turn);
        }
        cht_buf_reset(&f->buf);
        assert_int_equal(CHT_OK, cht_buf_add(&f->buf, v.payload));
        assert_int_equal(CHT_OK, cht_buf_add_u8(&f->buf, 0));
        assert_int_equal(CHT_E_MALFORMED, crdt_range_decode(&v.before, v.count, v.codec,
                                                            cht_buf_view(&f->buf), &f->turn, &got));
        assert_null(got);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(golden_ranges_decode_to_their_entries),
        TEST(golden_columns_are_written_again),
        TEST(a_golden_range_cut_anywhere_or_followed_by_a_byte_is_refused),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
