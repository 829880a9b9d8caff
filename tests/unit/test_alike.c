/* The normal form of titles (PROTOCOL 6.5). */
#include "crdt/alike.h"
#include "crdt/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void normal(const char *text, char out[static 256])
{
    struct cht_buf b;
    cht_buf_init(&b, 255);
    assert_int_equal(CHT_OK, crdt_alike_text(cht_bytes_str(text), &b));
    if (b.len != 0)
        memcpy(out, b.data, b.len);
    out[b.len] = '\0';
    cht_buf_clear(&b);
}

/* A text, and what it is in its normal form. An independent reader can be held against these. */
static const char *const vectors[][2] = {
    { "Fix the login bug", "fix the login bug" },
    { "  fix   THE\tlogin\nbug.  ", "fix the login bug" },
    { "\"Fix\" the (login) `bug`!", "fix the login bug" },
    { "- [ ] **Fix** the login bug", "fix the login bug" },
    { "Fix: the login bug\xe2\x80\xa6", "fix the login bug" },
    { "\xe2\x80\x9c"
      "Fix\xe2\x80\x9d the\xc2\xa0login\xe2\x80\x8b bug",
      "fix the login bug" },
    { "\xef\xbc\xa6\xef\xbd\x89\xef\xbd\x98 the login bug", "fix the login bug" },
    { "Release v1.2", "release v1.2" },
    { "Port it to C++", "port it to c++" },
    { "Port it to C", "port it to c" },
    { "Look at #12, then #13", "look at #12 then #13" },
    { "Set it to -5", "set it to -5" },
    { "Read a--b, c...", "read a -b c" },
    { "Re\xe2\x80\x91run e.g. don't", "re-run e.g don't" },
    { "don\xe2\x80\x99t", "don't" },
    { "R\xc3\xb4le", "ro\xcc\x82le" },
    { "Ro\xcc\x82le", "ro\xcc\x82le" },
    { "role", "role" },
    { "\xc3\x84rger \xc5\x81\xc3\xb3"
      "d\xc5\xba",
      "a\xcc\x88rger \xc5\x82o\xcc\x81"
      "dz\xcc\x81" },
    { "\xd0\x9f\xd1\x80\xd0\x98", "\xd0\xbf\xd1\x80\xd0\xb8" },
    { "\xce\x9b\xce\x9f", "\xce\xbb\xce\xbf" },
    { "\xe6\x9b\xb8\xe3\x80\x80\xe3\x81\x8f", "\xe6\x9b\xb8 \xe3\x81\x8f" },
    { "Todo 2", "todo 2" },
    { "Todo 20", "todo 20" },
    { "...", "" },
    { "", "" },
    { " \"\" ", "" },
};

static void each_text_has_the_normal_form_of_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        char got[256];
        normal(vectors[i][0], got);
        assert_string_equal(vectors[i][1], got);
    }
}

static void a_normal_form_is_its_own_normal_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        char got[256];
        normal(vectors[i][1], got);
        assert_string_equal(vectors[i][1], got);
    }
}

static void what_changes_the_meaning_is_not_made_the_same(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        { "c", "c++" },        { "v1.2", "v12" },         { "#12", "12" },
        { "5", "-5" },         { "role", "r\xc3\xb4le" }, { "a b", "ab" },
        { "todo 2", "todo 3" }
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char a[256], b[256];
        normal(pairs[i][0], a);
        normal(pairs[i][1], b);
        assert_string_not_equal(a, b);
    }
}

static void bytes_that_are_no_text_are_read_to_their_end(void **state)
{
    (void)state;
    struct cht_buf b;
    cht_buf_init(&b, 4096);
    uint8_t bytes[256];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(255 - i);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        uint8_t *exact = malloc(len + 1); /* the sanitizer sees a byte too many */
        assert_non_null(exact);
        memcpy(exact, bytes + sizeof bytes - len, len);
        cht_buf_reset(&b);
        assert_int_equal(CHT_OK, crdt_alike_text(cht_bytes(exact, len), &b));
        free(exact);
    }
    cht_buf_clear(&b);
}

static void a_form_that_is_too_long_is_refused(void **state)
{
    (void)state;
    struct cht_buf b;
    cht_buf_init(&b, 3);
    assert_int_equal(CHT_E_LIMIT, crdt_alike_text(cht_bytes_str("four"), &b));
    cht_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_text_has_the_normal_form_of_the_table),
        cmocka_unit_test(a_normal_form_is_its_own_normal_form),
        cmocka_unit_test(what_changes_the_meaning_is_not_made_the_same),
        cmocka_unit_test(bytes_that_are_no_text_are_read_to_their_end),
        cmocka_unit_test(a_form_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
