/* The digits of a pairing code (PROTOCOL 7.12). */
#include "net/code.h"

#include "tests/support/seeded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct net_code code_of(uint64_t number)
{
    uint8_t random[NET_CODE_RANDOM_BYTES];
    struct net_code code;
    cht_put_u64(random, number);
    net_code_make(random, &code);
    return code;
}

/* Digits computed by hand in Python: 98 - n * 100 % 97 is the check. */
static void the_texts_written_down_here_are_those_codes(void **state)
{
    (void)state;
    static const struct {
        uint64_t random;
        const char *text, *selector, *secret;
    } cases[] = {
        { 0, "0000-0000-0098", "000", "0000000" },
        { 1, "0000-0000-0195", "000", "0000001" },
        { 4812093576, "4812-0935-7662", "481", "2093576" },
        { 9999999999, "9999-9999-9951", "999", "9999999" },
        { 10000000000, "0000-0000-0098", "000", "0000000" },
        { UINT64_MAX, "3709-5516-1553", "370", "9551615" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct net_code code = code_of(cases[i].random), read;
        char text[NET_CODE_TEXT_BYTES];
        net_code_text(&code, text);
        assert_string_equal(cases[i].text, text);
        assert_string_equal(cases[i].selector, code.selector);
        assert_string_equal(cases[i].secret, code.secret);
        assert_int_equal(CHT_OK, net_code_parse(cht_bytes_str(text), &read, NULL));
        assert_true(net_code_eq(&code, &read));
    }
}

static void a_code_is_read_as_people_type_it(void **state)
{
    (void)state;
    const struct net_code want = code_of(4812093576);
    static const char *const texts[] = { "481209357662", "4812 0935 7662", " 481-209-357-662\n",
                                         "4 8 1 2 0 9 3 5 7 6 6 2", "\t4812--0935--7662-\r\n" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct net_code code;
        assert_true(net_code_looks(cht_bytes_str(texts[i])));
        assert_int_equal(CHT_OK, net_code_parse(cht_bytes_str(texts[i]), &code, NULL));
        assert_true(net_code_eq(&want, &code));
    }
}

static void what_is_no_code_is_refused_with_words(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "", "twelve digits" },
        { "4812-0935-766", "twelve digits" },
        { "4812-0935-76622", "twelve digits" },
        { "4812-0935-7663", "mistyped" },
        { "4812-0935-766x", "digits only" },
        { "4812\xc2\xa0"
          "0935 7646",
          "digits only" },
        { "chitty1-0465DA3ZP7W1", "digits only" },
        { "48120935764648120935764648120935764648120935764648120935764648120935", "twelve digits" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct net_code code = { .secret = "as was" };
        struct cht_error detail = { 0 };
        assert_int_equal(CHT_E_INVALID,
                         net_code_parse(cht_bytes_str(cases[i].text), &code, &detail));
        assert_non_null(strstr(detail.text, cases[i].says));
        assert_string_equal("as was", code.secret);
    }
    assert_false(net_code_looks(cht_bytes_str("chitty1-0465")));
    assert_false(net_code_looks(cht_bytes_str("")));
    assert_false(net_code_looks(cht_bytes_str(" - ")));
}

/* Of all slips of one digit, and of all exchanges of two neighbours, none is taken. */
static void no_single_slip_makes_another_code(void **state)
{
    (void)state;
    struct seeded random = seeded_start(12);
    for (unsigned i = 0; i < 500; i++) {
        struct net_code code = code_of(seeded_next(&random)), read;
        char text[NET_CODE_TEXT_BYTES], wrong[NET_CODE_TEXT_BYTES];
        net_code_text(&code, text);
        for (size_t at = 0; text[at] != '\0'; at++) {
            memcpy(wrong, text, sizeof text);
            for (char digit = '0'; text[at] != '-' && digit <= '9'; digit++) {
                wrong[at] = digit;
                assert_int_equal(digit == text[at] ? CHT_OK : CHT_E_INVALID,
                                 net_code_parse(cht_bytes_str(wrong), &read, NULL));
            }
            size_t next = text[at + 1] == '-' ? at + 2 : at + 1;
            memcpy(wrong, text, sizeof text);
            if (text[at] == '-' || text[next] == '\0' || text[at] == text[next])
                continue;
            wrong[at] = text[next];
            wrong[next] = text[at];
            assert_int_equal(CHT_E_INVALID, net_code_parse(cht_bytes_str(wrong), &read, NULL));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_texts_written_down_here_are_those_codes),
        cmocka_unit_test(a_code_is_read_as_people_type_it),
        cmocka_unit_test(what_is_no_code_is_refused_with_words),
        cmocka_unit_test(no_single_slip_makes_another_code),
    };
    return cmocka_run_group_tests_name("code", tests, NULL, NULL);
}
