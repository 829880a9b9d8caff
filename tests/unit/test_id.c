/* Ids, prefixes and hex (PROTOCOL 1.6). The golden texts were computed by hand-written Python. */
#include "crdt/id.h"
#include "crdt/natural.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct golden {
    uint8_t type;
    const char *hex;
    const char *text;
};

static const struct golden goldens[] = {
    { 4, "00000000000000000000000000000000", "CHITTY-TODO-00000000000000000000000000" },
    { 4, "ffffffffffffffffffffffffffffffff", "CHITTY-TODO-7ZZZZZZZZZZZZZZZZZZZZZZZZZ" },
    { 1, "000102030405060708090a0b0c0d0e0f", "CHITTY-TOPIC-00041061050R3GG28A1C60T3GF" },
    { 2, "8f14e45fceea167a5a36dedd4bea2543", "CHITTY-PROJ-4F2KJ5ZKQA2SX5MDPYVN5YM9A3" },
    { 9, "8f14e45fceea167a5a36dedd4bea2543", "CHITTY-CHECKPOINT-4F2KJ5ZKQA2SX5MDPYVN5YM9A3" },
    { 77, "8f14e45fceea167a5a36dedd4bea2543", "CHITTY-T77-4F2KJ5ZKQA2SX5MDPYVN5YM9A3" },
    { 255, "8f14e45fceea167a5a36dedd4bea2543", "CHITTY-T255-4F2KJ5ZKQA2SX5MDPYVN5YM9A3" },
};

static void ids_have_the_texts_written_down_here(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goldens / sizeof goldens[0]; i++) {
        struct crdt_id id = { .type = goldens[i].type }, back = { .type = 0 };
        char text[CRDT_ID_TEXT_MAX];
        assert_int_equal(CHT_OK, crdt_unhex(cht_bytes_str(goldens[i].hex), id.b, sizeof id.b));
        crdt_id_text(&id, text);
        assert_string_equal(goldens[i].text, text);
        assert_int_equal(CHT_OK, crdt_id_parse(cht_bytes_str(text), &back));
        assert_true(crdt_id_eq(&id, &back));
    }
}

static void reading_an_id_forgives_case_and_lookalikes(void **state)
{
    (void)state;
    struct crdt_id id, want;
    assert_int_equal(CHT_OK,
                     crdt_id_parse(cht_bytes_str("CHITTY-TODO-01100000000000000000000001"), &want));
    assert_int_equal(CHT_OK,
                     crdt_id_parse(cht_bytes_str("chitty-Todo-oIloooooOOOoooooooooooo00L"), &id));
    assert_true(crdt_id_eq(&want, &id));
}

static void what_is_no_id_is_refused_and_leaves_the_output_alone(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "CHITTY-",
        "CHITTY-TODO-",
        "CHITTY-TODO-4F2KJ5ZKQA2SX5MDPYVN5YM9A",
        "CHITTY-TODO-4F2KJ5ZKQA2SX5MDPYVN5YM9A33",
        "CHITTY-TODO-8F2KJ5ZKQA2SX5MDPYVN5YM9A3",
        "CHITTY-TODO-4F2KJ5ZKQA2SX5MDPYVN5YM9AU",
        "CHITTY-TODO-4F2KJ5ZKQA2SX5MDPYVN5YM9A ",
        "CHITTY-TODOS-4F2KJ5ZKQA2SX5MDPYVN5YM9A3",
        "CHITTY--4F2KJ5ZKQA2SX5MDPYVN5YM9A3",
        "CHITTY-T-4F2KJ5ZKQA2SX5MDPYVN5YM9A3",
        "CHITTY-T0-4F2KJ5ZKQA2SX5MDPYVN5YM9A3",
        "CHITTY-T04-4F2KJ5ZKQA2SX5MDPYVN5YM9A3",
        "CHITTY-T256-4F2KJ5ZKQA2SX5MDPYVN5YM9A3",
        "CHITTY-TODO-X-4F2KJ5ZKQA2SX5MDPYVN5YM9A3",
        "CHITTY-4F2KJ5ZKQA2SX5MDPYVN5YM9A3",
        "TODO-4F2KJ5ZKQA2SX5MDPYVN5YM9A3",
        "4F2KJ5ZKQA2SX5MDPYVN5YM9A3",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct crdt_id id = { .type = 200, .b = { 1, 2, 3 } };
        const struct crdt_id before = id;
        assert_int_equal(CHT_E_INVALID, crdt_id_parse(cht_bytes_str(bad[i]), &id));
        assert_true(crdt_id_eq(&before, &id));
    }
    static const uint8_t with_nul[] = "CHITTY-TODO-4F2KJ5ZKQA2SX5MDPYVN5YM9A";
    struct crdt_id id;
    assert_int_equal(CHT_E_INVALID, crdt_id_parse(cht_bytes(with_nul, sizeof with_nul), &id));
}

static void a_prefix_covers_exactly_the_ids_that_start_so(void **state)
{
    (void)state;
    struct crdt_id id;
    char text[CRDT_ID_TEXT_MAX];
    assert_int_equal(CHT_OK,
                     crdt_id_parse(cht_bytes_str("CHITTY-TODO-4F2KJ5ZKQA2SX5MDPYVN5YM9A3"), &id));
    crdt_id_text(&id, text);
    const size_t start = strlen("CHITTY-TODO-");
    for (size_t digits = 0; digits <= CRDT_ID_DIGITS; digits++) {
        struct crdt_id_prefix p;
        assert_int_equal(CHT_OK, crdt_id_prefix_parse(cht_bytes(text, start + digits), &p));
        assert_int_equal(digits, p.digits);
        assert_int_equal(CRDT_TODO, p.type);
        assert_true(crdt_id_prefix_matches(&p, &id));
        for (unsigned bit = 0; bit < 128; bit++) { /* the digits cover the first 5 n - 2 bits */
            struct crdt_id other = id;
            other.b[bit / 8] = (uint8_t)(other.b[bit / 8] ^ (0x80u >> (bit % 8)));
            assert_int_equal(bit + 2 >= digits * 5, crdt_id_prefix_matches(&p, &other));
        }
    }
}

static void a_prefix_may_leave_out_the_start_and_the_type(void **state)
{
    (void)state;
    struct crdt_id_prefix p;
    struct crdt_id todo = { .type = CRDT_TODO, .b = { 0x0f } },
                   topic = { .type = CRDT_TOPIC, .b = { 0x0f } };
    assert_int_equal(CHT_OK, crdt_id_prefix_parse(cht_bytes_str("todo-0F"), &p));
    assert_true(crdt_id_prefix_matches(&p, &todo));
    assert_false(crdt_id_prefix_matches(&p, &topic));
    assert_int_equal(CHT_OK, crdt_id_prefix_parse(cht_bytes_str("0f"), &p));
    assert_true(crdt_id_prefix_matches(&p, &todo));
    assert_true(crdt_id_prefix_matches(&p, &topic));
    assert_int_equal(CHT_OK, crdt_id_prefix_parse(cht_bytes_str("T77-0"), &p));
    assert_int_equal(77, p.type);
}

static void what_is_no_prefix_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       "CHITTY-",
                                       "CHITTY-01",
                                       "TODO",
                                       "TODOS-1",
                                       "-01",
                                       "8",
                                       "0U",
                                       "0-",
                                       "01 ",
                                       "T0-1",
                                       "01-02",
                                       "CHITTY-CHITTY-TODO-1",
                                       "000000000000000000000000000" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct crdt_id_prefix p = { .type = 99, .digits = 9 };
        assert_int_equal(CHT_E_INVALID, crdt_id_prefix_parse(cht_bytes_str(bad[i]), &p));
        assert_int_equal(99, p.type);
        assert_int_equal(9, p.digits);
    }
}

static void a_type_is_found_by_any_of_its_names(void **state)
{
    (void)state;
    assert_int_equal(CRDT_PROJECT, crdt_type_from(cht_bytes_str("project")));
    assert_int_equal(CRDT_PROJECT, crdt_type_from(cht_bytes_str("PROJ")));
    assert_int_equal(CRDT_PROJECT, crdt_type_from(cht_bytes_str("Projects")));
    assert_int_equal(0, crdt_type_from(cht_bytes_str("projectss")));
    assert_int_equal(0, crdt_type_from(cht_bytes_str("")));
    assert_string_equal("CHECKPOINT", crdt_type_name(CRDT_CHECKPOINT));
    assert_string_equal("checkpoint", crdt_type_table(CRDT_CHECKPOINT));
    assert_string_equal("checkpoints", crdt_type_domain(CRDT_CHECKPOINT));
    assert_null(crdt_type_name(0));
    assert_null(crdt_type_table(11));
    assert_null(crdt_type_domain(255));
}

static void hex_goes_there_and_back(void **state)
{
    (void)state;
    static const uint8_t data[] = { 0x00, 0x9a, 0xff };
    char text[7];
    uint8_t back[3] = { 0 };
    crdt_hex(cht_bytes(data, sizeof data), text);
    assert_string_equal("009aff", text);
    assert_int_equal(CHT_OK, crdt_unhex(cht_bytes_str("009AfF"), back, sizeof back));
    assert_memory_equal(data, back, sizeof data);
}

static void hex_of_the_wrong_length_or_letters_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "009af", "009aff0", "009aff00", "009afg", "0x9aff" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t out[3] = { 7, 7, 7 };
        assert_int_equal(CHT_E_INVALID, crdt_unhex(cht_bytes_str(bad[i]), out, sizeof out));
        assert_int_equal(7, out[0]);
    }
}

static void a_natural_id_is_the_one_written_down_here(void **state)
{
    (void)state;
    static const uint8_t repo[] = { 0xf4, 0x99, 0xbb, 0x8a, 0x56, 0x2c, 0x4b, 0x17,
                                    0x78, 0x75, 0x10, 0x5c, 0xfb, 0xae, 0xe5, 0xa3 };
    static const uint8_t todo[] = { 0xef, 0x0e, 0x75, 0x0f, 0x4d, 0x62, 0xbd, 0x6f,
                                    0x94, 0x82, 0x5d, 0x07, 0x34, 0x46, 0x3e, 0x25 };
    struct crdt_id id = { 0 }, other = { 0 };
    crdt_natural_id(CRDT_REPO, cht_bytes_str("repo"), cht_bytes_str("github.com/a/b"), &id);
    assert_int_equal(CRDT_REPO, id.type);
    assert_memory_equal(repo, id.b, sizeof repo);
    crdt_natural_id(CRDT_TODO, cht_bytes_str("beads"), cht_bytes_str("bd-1"), &id);
    assert_int_equal(CRDT_TODO, id.type);
    assert_memory_equal(todo, id.b, sizeof todo);
    /* where one text ends and the next begins counts */
    crdt_natural_id(CRDT_TODO, cht_bytes_str("beadsb"), cht_bytes_str("d-1"), &other);
    assert_false(crdt_id_eq(&id, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_have_the_texts_written_down_here),
        cmocka_unit_test(reading_an_id_forgives_case_and_lookalikes),
        cmocka_unit_test(what_is_no_id_is_refused_and_leaves_the_output_alone),
        cmocka_unit_test(a_prefix_covers_exactly_the_ids_that_start_so),
        cmocka_unit_test(a_prefix_may_leave_out_the_start_and_the_type),
        cmocka_unit_test(what_is_no_prefix_is_refused),
        cmocka_unit_test(a_type_is_found_by_any_of_its_names),
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(a_natural_id_is_the_one_written_down_here),
        cmocka_unit_test(hex_of_the_wrong_length_or_letters_is_refused),
    };
    return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}
