/* The table of types and fields, and what a value must be (PROTOCOL 6). */
#include "crdt/limits.h"
#include "crdt/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(text) cht_bytes(text, sizeof(text) - 1)

static const struct crdt_field *row(unsigned type, const char *name)
{
    const struct crdt_field *f = crdt_field_named(type, cht_bytes_str(name));
    assert_non_null(f);
    return f;
}

static enum cht_err value(unsigned type, const char *name, struct cht_bytes bytes)
{
    return crdt_value_check(row(type, name), bytes, false);
}

static enum cht_err key(unsigned type, const char *name, struct cht_bytes bytes)
{
    return crdt_value_check(row(type, name), bytes, true);
}

/* A str of `len` letters x; `out` has room for three bytes more. */
static struct cht_bytes long_str(uint8_t *out, size_t len)
{
    out[0] = 0xda;
    out[1] = (uint8_t)(len >> 8);
    out[2] = (uint8_t)len;
    memset(out + 3, 'x', len);
    return cht_bytes(out, len + 3);
}

static void rows_stand_in_order_and_make_sense(void **state)
{
    (void)state;
    size_t count = 0;
    for (size_t i = 0; crdt_schema_at(i, &count) != NULL; i++) {
        const struct crdt_type_schema *s = crdt_schema_at(i, NULL);
        assert_ptr_equal(s, crdt_schema(s->type));
        assert_int_equal(CRDT_FIELD_DELETED, s->fields[0].number);
        assert_non_null(crdt_field_named(s->type, cht_bytes_str(s->title_field)));
        for (size_t j = 0; j < s->count; j++) {
            const struct crdt_field *f = &s->fields[j];
            bool worded = f->value == CRDT_V_ENUM || f->value == CRDT_V_WORD;
            assert_true(j == 0 || f->number > s->fields[j - 1].number);
            assert_true(f->number < 128 && strlen(f->doc) != 0);
            assert_int_equal(worded, f->words != NULL);
            assert_true(f->policy == CRDT_LWW || f->kind == CRDT_REGISTER);
            assert_true(f->policy != CRDT_RANK || f->value == CRDT_V_ENUM);
            assert_int_equal(f->kind == CRDT_TEXT, f->value == CRDT_V_TEXT);
            assert_true(f->kind != CRDT_SET || f->value == CRDT_V_STR || f->value == CRDT_V_ID);
            assert_int_equal(f->number, crdt_field(s->type, f->number)->number);
            assert_string_equal(f->name, row(s->type, f->name)->name);
        }
    }
    assert_int_equal(10, count);
    assert_null(crdt_schema_at(count, NULL));
}

/* Numbers are for ever: whoever changes one must notice it here. */
static void field_numbers_are_the_ones_written_down_here(void **state)
{
    (void)state;
    static const struct {
        unsigned type, number;
        const char *name;
    } golden[] = {
        { CRDT_TODO, 0, "deleted" },       { CRDT_TODO, 1, "content" },
        { CRDT_TODO, 2, "active_form" },   { CRDT_TODO, 3, "status" },
        { CRDT_TODO, 4, "priority" },      { CRDT_TODO, 8, "assignees" },
        { CRDT_TODO, 9, "labels" },        { CRDT_TODO, 12, "session" },
        { CRDT_TODO, 13, "project" },      { CRDT_TODO, 14, "parent" },
        { CRDT_TODO, 15, "dependencies" }, { CRDT_TODO, 20, "created" },
        { CRDT_TODO, 21, "completed_at" }, { CRDT_TODO, 22, "deadline" },
        { CRDT_TODO, 23, "defer" },        { CRDT_TODO, 28, "description" },
        { CRDT_TODO, 29, "notes" },        { CRDT_TODO, 30, "design" },
        { CRDT_TODO, 31, "acceptance" },   { CRDT_TODO, 36, "external_ref" },
        { CRDT_TODO, 40, "arbiter" },      { CRDT_TODO, 41, "claim" },
        { CRDT_TODO, 42, "stale" },        { CRDT_TODO, 43, "origin" },
        { CRDT_TOPIC, 8, "participants" }, { CRDT_PROJECT, 20, "milestones" },
        { CRDT_SESSION, 24, "state" },     { CRDT_SESSION, 17, "last_active" },
    };
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++)
        assert_int_equal(golden[i].number, row(golden[i].type, golden[i].name)->number);
    static const size_t counts[] = {
        [CRDT_TOPIC] = 12,      [CRDT_PROJECT] = 22, [CRDT_SESSION] = 23, [CRDT_TODO] = 41,
        [CRDT_CONTEXT] = 19,    [CRDT_REPO] = 14,    [CRDT_SERVICE] = 20, [CRDT_MESSAGE] = 15,
        [CRDT_CHECKPOINT] = 19, [CRDT_DEVICE] = 11,
    };
    for (unsigned type = CRDT_TOPIC; type < sizeof counts / sizeof counts[0]; type++)
        assert_int_equal(counts[type], crdt_schema(type)->count);
}

static void unknown_types_and_fields_have_no_row_but_deleted(void **state)
{
    (void)state;
    assert_null(crdt_schema(77));
    assert_null(crdt_schema(0));
    assert_null(crdt_field(77, 1));
    assert_null(crdt_field(CRDT_TODO, 99));
    assert_null(crdt_field(CRDT_TODO, 65536 + 1));
    assert_null(crdt_field_named(CRDT_TODO, cht_bytes_str("Content")));
    assert_null(crdt_field_named(CRDT_TODO, cht_bytes_str("")));
    for (unsigned type = 0; type < 256; type++) {
        assert_int_equal(CRDT_V_BOOL, crdt_field(type, CRDT_FIELD_DELETED)->value);
        assert_ptr_equal(crdt_field(type, CRDT_FIELD_DELETED), row(type, "deleted"));
    }
}

static void words_rank_by_their_place(void **state)
{
    (void)state;
    const struct crdt_field *status = row(CRDT_TODO, "status");
    assert_int_equal(0, crdt_word_rank(status, cht_bytes_str("pending")));
    assert_int_equal(1, crdt_word_rank(status, cht_bytes_str("blocked")));
    assert_int_equal(2, crdt_word_rank(status, cht_bytes_str("in_progress")));
    assert_int_equal(3, crdt_word_rank(status, cht_bytes_str("cancelled")));
    assert_int_equal(4, crdt_word_rank(status, cht_bytes_str("completed")));
    assert_int_equal(-1, crdt_word_rank(status, cht_bytes_str("complete")));
    assert_int_equal(-1, crdt_word_rank(row(CRDT_TODO, "content"), cht_bytes_str("pending")));
}

static void values_of_the_right_type_pass(void **state)
{
    (void)state;
    assert_int_equal(CHT_OK, value(CRDT_TODO, "content", BYTES("\xa0")));
    assert_int_equal(CHT_OK, value(CRDT_TODO, "content", BYTES("\xa3\xe2\x82\xac")));
    assert_int_equal(CHT_OK, value(CRDT_TODO, "content", BYTES("\xd9\x01x")));
    assert_int_equal(CHT_OK, value(CRDT_TODO, "description", BYTES("\xa2x\n")));
    assert_int_equal(CHT_OK, value(CRDT_TODO, "deleted", BYTES("\xc3")));
    assert_int_equal(CHT_OK, value(CRDT_TODO, "status", BYTES("\xa7pending")));
    assert_int_equal(CHT_OK, value(CRDT_SESSION, "platform", BYTES("\xa4zoom")));
    assert_int_equal(CHT_OK, value(CRDT_TODO, "created", BYTES("\x00")));
    assert_int_equal(CHT_OK,
                     value(CRDT_TODO, "created", BYTES("\xcf\x00\x00\xff\xff\xff\xff\xff\xff")));
    assert_int_equal(CHT_OK, value(CRDT_TODO, "session",
                                   BYTES("\xc4\x11\x03"
                                         "0123456789abcdef")));
    assert_int_equal(CHT_OK, value(CRDT_SESSION, "state", BYTES("\xc0")));
    assert_int_equal(CHT_OK, value(CRDT_SESSION, "state", BYTES("\x81\xa1x\x93\x01\xc2\xff")));
    assert_int_equal(CHT_OK, value(CRDT_TODO, "labels", BYTES("\xc0")));
    assert_int_equal(CHT_OK, key(CRDT_TODO, "labels",
                                 BYTES("\xa3"
                                       "bug")));
    assert_int_equal(CHT_OK, key(CRDT_TODO, "labels", BYTES("\xa0")));
    assert_int_equal(CHT_OK, key(CRDT_TODO, "dependencies",
                                 BYTES("\xc4\x11\x04"
                                       "0123456789abcdef")));
    assert_int_equal(CHT_OK, key(CRDT_SESSION, "state", BYTES("\xa1k")));
}

static void values_of_the_wrong_type_do_not(void **state)
{
    (void)state;
    assert_int_equal(CHT_E_INVALID, value(CRDT_TODO, "content", BYTES("\xc0")));
    assert_int_equal(CHT_E_INVALID, value(CRDT_TODO, "content", BYTES("\xc4\x01x")));
    assert_int_equal(CHT_E_INVALID, value(CRDT_TODO, "content", BYTES("\x07")));
    assert_int_equal(CHT_E_INVALID, value(CRDT_TODO, "description", BYTES("\xc0")));
    assert_int_equal(CHT_E_INVALID, value(CRDT_TODO, "deleted", BYTES("\x01")));
    assert_int_equal(CHT_E_INVALID, value(CRDT_TODO, "deleted", BYTES("\xc0")));
    assert_int_equal(CHT_E_INVALID, value(CRDT_TODO, "status",
                                          BYTES("\xa4"
                                                "done")));
    assert_int_equal(CHT_E_INVALID, value(CRDT_TODO, "status", BYTES("\xa7Pending")));
    assert_int_equal(CHT_E_INVALID, value(CRDT_TODO, "status", BYTES("\xc4\x07pending")));
    assert_int_equal(CHT_E_INVALID, value(CRDT_SESSION, "platform", BYTES("\x01")));
    assert_int_equal(CHT_E_INVALID, value(CRDT_TODO, "labels", BYTES("\xc3")));
    assert_int_equal(CHT_E_INVALID, value(CRDT_TODO, "labels", BYTES("\xa1x")));
}

static void times_and_ids_out_of_range_do_not_pass(void **state)
{
    (void)state;
    assert_int_equal(CHT_E_INVALID, value(CRDT_TODO, "created", BYTES("\xff")));
    assert_int_equal(CHT_E_INVALID,
                     value(CRDT_TODO, "created", BYTES("\xcf\x00\x01\x00\x00\x00\x00\x00\x00")));
    assert_int_equal(CHT_E_INVALID,
                     value(CRDT_TODO, "created", BYTES("\xcb\x00\x00\x00\x00\x00\x00\x00\x00")));
    /* 16 and 18 bytes, a str, a todo where a session must be, type 0 */
    assert_int_equal(CHT_E_INVALID, value(CRDT_TODO, "session",
                                          BYTES("\xc4\x10\x03"
                                                "0123456789abcde")));
    assert_int_equal(CHT_E_INVALID, value(CRDT_TODO, "session",
                                          BYTES("\xc4\x12\x03"
                                                "0123456789abcdefg")));
    assert_int_equal(CHT_E_INVALID, value(CRDT_TODO, "session",
                                          BYTES("\xb1\x03"
                                                "0123456789abcdef")));
    assert_int_equal(CHT_E_INVALID, value(CRDT_TODO, "session",
                                          BYTES("\xc4\x11\x04"
                                                "0123456789abcdef")));
    assert_int_equal(CHT_E_INVALID, key(CRDT_TODO, "dependencies",
                                        BYTES("\xc4\x11\x00"
                                              "0123456789abcdef")));
}

static void numbers_are_checked_by_a_row_of_any_schema(void **state)
{
    (void)state;
    const struct crdt_field whole = { .number = 1, .kind = CRDT_REGISTER, .value = CRDT_V_INT };
    const struct crdt_field real = { .number = 1, .kind = CRDT_REGISTER, .value = CRDT_V_FLOAT };
    const struct crdt_field any_id = { .number = 1, .kind = CRDT_REGISTER, .value = CRDT_V_ID };
    const struct crdt_field share = { .number = 1, .kind = CRDT_REGISTER, .value = CRDT_V_SHARE };
    static const uint8_t one_and[] = { 0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 1 };
    static const uint8_t minus[] = { 0xcb, 0xbf, 0xe0, 0, 0, 0, 0, 0, 0 };
    static const uint8_t max[] = { 0xcf, 0x7f, 255, 255, 255, 255, 255, 255, 255 };
    static const uint8_t above[] = { 0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0 };
    static const uint8_t min[] = { 0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0 };
    static const uint8_t half[] = { 0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0 };
    static const uint8_t infinite[] = { 0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0 };
    static const uint8_t nan_value[] = { 0xca, 0x7f, 0xc0, 0, 0 };
    assert_int_equal(CHT_OK, crdt_value_check(&whole, cht_bytes(max, sizeof max), false));
    assert_int_equal(CHT_OK, crdt_value_check(&whole, cht_bytes(min, sizeof min), false));
    assert_int_equal(CHT_E_INVALID, crdt_value_check(&whole, cht_bytes(above, 9), false));
    assert_int_equal(CHT_E_INVALID, crdt_value_check(&whole, cht_bytes(half, 9), false));
    assert_int_equal(CHT_OK, crdt_value_check(&real, cht_bytes(half, 9), false));
    assert_int_equal(CHT_OK, crdt_value_check(&real, cht_bytes(above, 9), false));
    assert_int_equal(CHT_OK, crdt_value_check(&real, cht_bytes(min, 9), false));
    assert_int_equal(CHT_OK, crdt_value_check(&share, cht_bytes(half, 9), false));
    assert_int_equal(CHT_OK, crdt_value_check(&share, BYTES("\x01"), false));
    assert_int_equal(CHT_OK, crdt_value_check(&share, cht_bytes("\0", 1), false));
    assert_int_equal(CHT_E_INVALID, crdt_value_check(&share, BYTES("\x02"), false));
    assert_int_equal(CHT_E_INVALID, crdt_value_check(&share, BYTES("\xff"), false));
    assert_int_equal(CHT_E_INVALID, crdt_value_check(&share, cht_bytes(one_and, 9), false));
    assert_int_equal(CHT_E_INVALID, crdt_value_check(&share, cht_bytes(minus, 9), false));
    assert_int_equal(CHT_E_INVALID, crdt_value_check(&share, cht_bytes(nan_value, 5), false));
    assert_int_equal(CHT_E_INVALID, crdt_value_check(&real, cht_bytes(infinite, 9), false));
    assert_int_equal(CHT_E_INVALID, crdt_value_check(&real, cht_bytes(nan_value, 5), false));
    assert_int_equal(CHT_E_INVALID, crdt_value_check(&real,
                                                     BYTES("\xa1"
                                                           "1"),
                                                     false));
    assert_int_equal(CHT_OK, crdt_value_check(&any_id,
                                              BYTES("\xc4\x11\x4d"
                                                    "0123456789abcdef"),
                                              false));
}

static void bad_text_does_not_pass(void **state)
{
    (void)state;
    assert_int_equal(CHT_E_MALFORMED, value(CRDT_TODO, "content", BYTES("\xa1\xff")));
    assert_int_equal(CHT_E_MALFORMED, value(CRDT_TODO, "content", BYTES("\xa2\xc0\x80")));
    assert_int_equal(CHT_E_MALFORMED, value(CRDT_TODO, "content", BYTES("\xa3\xed\xa0\x80")));
    assert_int_equal(CHT_E_MALFORMED, value(CRDT_TODO, "content", BYTES("\xa1\x00")));
    assert_int_equal(CHT_E_MALFORMED, value(CRDT_TODO, "notes", BYTES("\xa2\xe2\x82")));
    assert_int_equal(CHT_E_MALFORMED, key(CRDT_TODO, "labels", BYTES("\xa1\xff")));
    assert_int_equal(CHT_E_MALFORMED, key(CRDT_SESSION, "state", BYTES("\xa1\xff")));
}

static void only_sets_and_maps_have_keys_and_one_spelling_each(void **state)
{
    (void)state;
    assert_int_equal(CHT_E_INVALID, key(CRDT_TODO, "content", BYTES("\xa1x")));
    assert_int_equal(CHT_E_INVALID, key(CRDT_TODO, "notes", BYTES("\xa1x")));
    assert_int_equal(CHT_E_INVALID, key(CRDT_TODO, "labels", BYTES("\xd9\x01x")));
    assert_int_equal(CHT_E_INVALID, key(CRDT_TODO, "labels", BYTES("\xda\x00\x01x")));
    assert_int_equal(CHT_E_INVALID, key(CRDT_TODO, "labels", BYTES("\xc0")));
    assert_int_equal(CHT_E_INVALID, key(CRDT_TODO, "labels", BYTES("\x01")));
    assert_int_equal(CHT_E_INVALID, key(CRDT_TODO, "labels", BYTES("\x91\xa1x")));
    assert_int_equal(CHT_E_INVALID, key(CRDT_SESSION, "state", BYTES("\xa0")));
    assert_int_equal(CHT_E_INVALID, key(CRDT_SESSION, "state", BYTES("\xc4\x01x")));
    assert_int_equal(CHT_E_INVALID, key(CRDT_TODO, "dependencies",
                                        BYTES("\xc5\x00\x11\x04"
                                              "0123456789abcdef")));
}

static void lengths_are_held_to_their_limits(void **state)
{
    (void)state;
    uint8_t *room = malloc(LIMIT_VALUE_BYTES + 8);
    assert_non_null(room);
    assert_int_equal(CHT_OK, value(CRDT_TODO, "content", long_str(room, LIMIT_TITLE_BYTES)));
    assert_int_equal(CHT_E_LIMIT,
                     value(CRDT_TODO, "content", long_str(room, LIMIT_TITLE_BYTES + 1)));
    assert_int_equal(CHT_OK, value(CRDT_TODO, "notes", long_str(room, 65535)));
    assert_int_equal(CHT_OK, key(CRDT_TODO, "labels", long_str(room, LIMIT_KEY_BYTES - 3)));
    assert_int_equal(CHT_E_LIMIT, key(CRDT_TODO, "labels", long_str(room, LIMIT_KEY_BYTES - 2)));
    assert_int_equal(CHT_E_LIMIT,
                     crdt_value_check(NULL, long_str(room, LIMIT_KEY_BYTES - 2), true));
    memset(room, 'x', LIMIT_VALUE_BYTES + 8);
    memcpy(room, "\xdb\x00\x01\x7f\xfb", 5); /* 98299 letters: 98304 bytes */
    assert_int_equal(CHT_OK, value(CRDT_TODO, "notes", cht_bytes(room, LIMIT_VALUE_BYTES)));
    memcpy(room, "\xdb\x00\x01\x7f\xfc", 5);
    assert_int_equal(CHT_E_LIMIT,
                     value(CRDT_TODO, "notes", cht_bytes(room, LIMIT_VALUE_BYTES + 1)));
    assert_int_equal(CHT_E_LIMIT,
                     crdt_value_check(NULL, cht_bytes(room, LIMIT_VALUE_BYTES + 1), false));
    free(room);
}

static void an_unknown_field_takes_any_well_formed_msgpack(void **state)
{
    (void)state;
    assert_int_equal(CHT_OK, crdt_value_check(NULL, BYTES("\xc0"), false));
    assert_int_equal(CHT_OK, crdt_value_check(NULL, BYTES("\xa1\xff"), false));
    assert_int_equal(CHT_OK, crdt_value_check(NULL, BYTES("\xd9\x01x"), true));
    assert_int_equal(CHT_OK,
                     crdt_value_check(NULL, BYTES("\x91\x91\x91\x91\x91\x91\x91\x90"), true));
    assert_int_not_equal(
        CHT_OK, crdt_value_check(NULL, BYTES("\x91\x91\x91\x91\x91\x91\x91\x91\x90"), false));
    assert_int_equal(CHT_E_MALFORMED, crdt_value_check(NULL, BYTES(""), false));
    assert_int_equal(CHT_E_MALFORMED, crdt_value_check(NULL, BYTES("\xc1"), false));
    assert_int_equal(CHT_E_MALFORMED, crdt_value_check(NULL, BYTES("\xa2x"), false));
    assert_int_equal(CHT_E_MALFORMED, crdt_value_check(NULL, BYTES("\xc0\xc0"), false));
    assert_int_not_equal(CHT_OK, crdt_value_check(NULL, BYTES("\xdd\xff\xff\xff\xff"), false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_stand_in_order_and_make_sense),
        cmocka_unit_test(field_numbers_are_the_ones_written_down_here),
        cmocka_unit_test(unknown_types_and_fields_have_no_row_but_deleted),
        cmocka_unit_test(words_rank_by_their_place),
        cmocka_unit_test(values_of_the_right_type_pass),
        cmocka_unit_test(values_of_the_wrong_type_do_not),
        cmocka_unit_test(times_and_ids_out_of_range_do_not_pass),
        cmocka_unit_test(numbers_are_checked_by_a_row_of_any_schema),
        cmocka_unit_test(bad_text_does_not_pass),
        cmocka_unit_test(only_sets_and_maps_have_keys_and_one_spelling_each),
        cmocka_unit_test(lengths_are_held_to_their_limits),
        cmocka_unit_test(an_unknown_field_takes_any_well_formed_msgpack),
    };
    return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
