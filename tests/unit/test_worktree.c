/* What git says of a clone, and the map that is made of it. The inputs are as git 2.39 prints them
 * (git-status(1), porcelain format version 2 with -z). */
#include "node/client/mpmap.h"
#include "node/client/worktree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define OID           "e83c5163316f89bfbde7d9ab23ca2e25604af290"
#define PRINTED(text) cht_bytes("" text, sizeof(text) - 1)

static struct node_worktree reading(struct cht_bytes printed)
{
    struct node_worktree w;
    assert_int_equal(CHT_OK, node_worktree_read(printed, &w));
    return w;
}

static void the_upstream_decides_how_a_clone_stands(void **state)
{
    (void)state;
    static const struct {
        const char *counts;
        enum node_wt_state state;
        uint32_t ahead, behind;
    } cases[] = {
        { "# branch.ab +0 -0", NODE_WT_SYNCED, 0, 0 },
        { "# branch.ab +2 -0", NODE_WT_AHEAD, 2, 0 },
        { "# branch.ab +0 -3", NODE_WT_BEHIND, 0, 3 },
        { "# branch.ab +2 -3", NODE_WT_DIVERGED, 2, 3 },
        { "# branch.ab +99999999999999999999 -0", NODE_WT_AHEAD, UINT32_MAX, 0 },
        { "# stash 3", NODE_WT_NO_UPSTREAM, 0, 0 }, /* the upstream is gone: no counts */
    };
    static const char head[] =
        "# branch.oid " OID "\0# branch.head main\0# branch.upstream origin/main";
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char printed[256];
        const size_t len = strlen(cases[i].counts) + 1;
        memcpy(printed, head, sizeof head);
        memcpy(printed + sizeof head, cases[i].counts, len);
        const struct node_worktree w = reading(cht_bytes(printed, sizeof head + len));
        assert_string_equal(node_worktree_word(cases[i].state), node_worktree_word(w.state));
        assert_int_equal(cases[i].ahead, w.ahead);
        assert_int_equal(cases[i].behind, w.behind);
        assert_string_equal("main", w.branch);
        assert_string_equal("origin/main", w.upstream);
        assert_string_equal(OID, w.commit);
        assert_false(w.dirty);
    }
}

static void a_clone_may_have_no_commit_no_branch_and_no_upstream(void **state)
{
    (void)state;
    struct node_worktree w = reading(PRINTED("# branch.oid (initial)\0# branch.head main\0"));
    assert_int_equal(NODE_WT_NO_UPSTREAM, w.state);
    assert_string_equal("", w.commit);
    assert_string_equal("main", w.branch);
    w = reading(PRINTED("# branch.oid " OID "\0# branch.head (detached)\0"));
    assert_int_equal(NODE_WT_DETACHED, w.state);
    assert_string_equal("", w.branch);
    assert_string_equal(OID, w.commit);
}

static void any_entry_makes_it_dirty_and_what_follows_is_not_looked_at(void **state)
{
    (void)state;
    static const char *const entries[] = { "1 .M N... 100644 100644 100644 a a file", "? new",
                                           "u UU N... 1 2 3 4 a b c file", "odd\xff\n bytes" };
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        char printed[256] = "# branch.head main";
        const size_t head = sizeof "# branch.head main", len = strlen(entries[i]);
        memcpy(printed + head, entries[i], len);
        assert_true(reading(cht_bytes(printed, head + len)).dirty); /* cut off within it */
        memcpy(printed + head + len, "\0# nonsense", 12);
        assert_true(reading(cht_bytes(printed, head + len + 12)).dirty);
    }
}

static void what_git_does_not_write_is_refused_and_the_output_is_left_alone(void **state)
{
    (void)state;
    static const struct cht_bytes bad[] = {
        { .data = NULL, .len = 0 },
#define BAD(text) { .data = (const uint8_t *)(text), .len = sizeof(text) - 1 }
        BAD("# branch.oid " OID "\0"),                      /* no head */
        BAD("# branch.head main"),                          /* cut off */
        BAD("# branch.head main\0# branch.ab +1"),          /* cut off later */
        BAD("# branch.head main\0# branch.ab 1 2\0"),       /* no signs */
        BAD("# branch.head main\0# branch.ab +1\0"),        /* one of them */
        BAD("# branch.head main\0# branch.ab +1 -2 -3\0"),  /* three */
        BAD("# branch.head main\0# branch.ab + -\0"),       /* no digits */
        BAD("# branch.head main\0# branch.ab +1x -2\0"),    /* other digits */
        BAD("# branch.oid e83c5163\0# branch.head main\0"), /* a short hash */
        BAD("# branch.oid " OID "X\0# branch.head main\0"), /* a long one */
        BAD("? new\0"),
#undef BAD
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct node_worktree w = { .ahead = 7 };
        assert_int_equal(CHT_E_MALFORMED, node_worktree_read(bad[i], &w));
        assert_int_equal(7, w.ahead);
    }
}

static void names_that_are_no_text_or_too_long_are_left_out(void **state)
{
    (void)state;
    char printed[1024] = "# branch.head ";
    const size_t head = strlen(printed);
    assert_string_equal("", reading(PRINTED("# branch.head bad\xff\0")).branch);
    memset(printed + head, 'x', NODE_WT_NAME_MAX - 1);
    assert_int_equal(NODE_WT_NAME_MAX - 1,
                     strlen(reading(cht_bytes(printed, head + NODE_WT_NAME_MAX)).branch));
    printed[head + NODE_WT_NAME_MAX - 1] = 'x';
    assert_string_equal("", reading(cht_bytes(printed, head + NODE_WT_NAME_MAX + 1)).branch);
}

static void the_map_says_the_same_but_for_the_time(void **state)
{
    (void)state;
    struct cht_buf b;
    cht_buf_init(&b, 4096);
    struct node_worktree w = reading(PRINTED(
        "# branch.oid " OID "\0# branch.head main\0# branch.upstream o/m\0# branch.ab +1 -2\0"));
    assert_int_equal(CHT_OK, node_worktree_put(&w, 12345, &b));
    const struct cht_bytes map = cht_buf_view(&b);
    assert_int_equal(CHT_OK, crdt_mp_scan(map, 4, 64));
    assert_int_equal(8, node_mp_count(map));
    assert_int_equal(12345, node_mp_get_uint(map, "at", 0));
    assert_true(node_worktree_same(&w, map));
    assert_false(node_worktree_same(&w, cht_bytes(NULL, 0)));
    struct node_worktree other = w;
    other.dirty = true;
    assert_false(node_worktree_same(&other, map));
    other = w;
    other.behind = 3;
    assert_false(node_worktree_same(&other, map));
    other = w;
    other.branch[0] = 'M';
    assert_false(node_worktree_same(&other, map));
    other = w;
    other.commit[0] = '\0';
    assert_false(node_worktree_same(&other, map));
    cht_buf_reset(&b);
    const struct node_worktree missing = { .state = NODE_WT_MISSING };
    assert_int_equal(CHT_OK, node_worktree_put(&missing, 1, &b));
    assert_int_equal(2, node_mp_count(cht_buf_view(&b)));
    assert_true(node_worktree_same(&missing, cht_buf_view(&b)));
    assert_false(node_worktree_same(&w, cht_buf_view(&b)));
    cht_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_upstream_decides_how_a_clone_stands),
        cmocka_unit_test(a_clone_may_have_no_commit_no_branch_and_no_upstream),
        cmocka_unit_test(any_entry_makes_it_dirty_and_what_follows_is_not_looked_at),
        cmocka_unit_test(what_git_does_not_write_is_refused_and_the_output_is_left_alone),
        cmocka_unit_test(names_that_are_no_text_or_too_long_are_left_out),
        cmocka_unit_test(the_map_says_the_same_but_for_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
