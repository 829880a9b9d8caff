/* The check words (PROTOCOL 7.11). */
#include "net/words.h"

#include "crdt/hash.h"
#include "crdt/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void words_are_short_sorted_and_lower_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < 256; i++) {
        size_t len = strlen(net_words[i]);
        assert_in_range(len, 4, 8);
        assert_int_equal(len, strspn(net_words[i], "abcdefghijklmnopqrstuvwxyz"));
        assert_true(i == 0 || strcmp(net_words[i - 1], net_words[i]) < 0);
    }
}

/* How many letters differ between two words of one length. */
static size_t differ(const char *a, const char *b)
{
    size_t count = 0;
    for (size_t i = 0; a[i] != '\0' && b[i] != '\0'; i++)
        count += a[i] != b[i];
    return count;
}

static void no_two_words_are_easily_taken_for_each_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < 256; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(0, strncmp(net_words[i], net_words[j], 4));
            if (strlen(net_words[i]) == strlen(net_words[j]))
                assert_true(differ(net_words[i], net_words[j]) >= 2);
        }
    }
}

/* Two builds must show the same words: the list may never change. */
static void the_list_is_the_one_written_down_here(void **state)
{
    (void)state;
    char all[256 * 9], hex[65];
    size_t len = 0;
    for (size_t i = 0; i < 256; i++) {
        memcpy(all + len, net_words[i], strlen(net_words[i]));
        len += strlen(net_words[i]);
        all[len++] = '\n';
    }
    crdt_hex(cht_bytes(crdt_hash_of(cht_bytes(all, len)).b, 32), hex);
    assert_string_equal("37c383bb9634c883dbde84711e9f9f5512f7f78ccb0056f2abc117226282f748", hex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_short_sorted_and_lower_case),
        cmocka_unit_test(no_two_words_are_easily_taken_for_each_other),
        cmocka_unit_test(the_list_is_the_one_written_down_here),
    };
    return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
