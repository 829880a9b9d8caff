/* Transcripts as files: where they are, what a name may be, how one lands where another is; and the
 * words that one session leaves for the next. */
#include "bridges/claude/handoff.h"
#include "bridges/claude/transcript_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
/* after what it needs */
#include <cmocka.h>

static char folder[64];

static void path_in(const char *name, char out[static NODE_PATH_MAX])
{
    (void)snprintf(out, NODE_PATH_MAX, "%s/%s", folder, name);
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(strlen(text), fwrite(text, 1, strlen(text), f));
    assert_int_equal(0, fclose(f));
}

static void same_file(const char *path, const char *text)
{
    struct cht_buf got;
    cht_buf_init(&got, 1u << 20);
    assert_int_equal(CHT_OK, claude_transcript_load(path, NULL, &got));
    assert_int_equal(strlen(text), got.len);
    assert_memory_equal(text, got.data, got.len);
    cht_buf_clear(&got);
}

static int set_up(void **state)
{
    char home[NODE_PATH_MAX];
    (void)state;
    (void)snprintf(folder, sizeof folder, "%s", "/tmp/chitty-files-XXXXXX");
    assert_non_null(mkdtemp(folder));
    path_in("claude", home);
    assert_int_equal(0, setenv("CLAUDE_CONFIG_DIR", home, 1));
    path_in("chitty", home);
    assert_int_equal(0, setenv("CHITTY_HOME", home, 1));
    return 0;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void a_folder_is_named_by_its_letters_and_digits(void **state)
{
    static const char *const pairs[][2] = {
        { "/srv/ada/garden", "-srv-ada-garden" },
        { "/a.b/c_d e", "-a-b-c-d-e" },
        { "/gärten", "-g-rten" }, /* a character of the first plane is one */
        { "/\U0001F331", "---" }, /* one beyond it two, as JavaScript counts them */
    };
    char path[NODE_PATH_MAX], want[NODE_PATH_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_int_equal(CHT_OK, claude_transcript_path(pairs[i][0], "s-1", NULL, path));
        (void)snprintf(want, sizeof want, "%s/claude/projects/%s/s-1.jsonl", folder, pairs[i][1]);
        assert_string_equal(want, path);
    }
}

static void a_long_path_has_the_name_that_is_there_already(void **state)
{
    char deep[301] = "/", path[NODE_PATH_MAX] = "untouched", made[NODE_PATH_MAX];
    (void)state;
    memset(deep + 1, 'x', sizeof deep - 2);
    assert_int_equal(CHT_E_NOTFOUND, claude_transcript_path(deep, "s-1", NULL, path));
    assert_string_equal("untouched", path);
    (void)snprintf(made, sizeof made, "%s/claude", folder);
    assert_int_equal(0, mkdir(made, 0700));
    (void)snprintf(made, sizeof made, "%s/claude/projects", folder);
    assert_int_equal(0, mkdir(made, 0700));
    (void)snprintf(made, sizeof made, "%s/claude/projects/-%.199s-1a2b", folder, deep + 1);
    assert_int_equal(0, mkdir(made, 0700));
    assert_int_equal(CHT_OK, claude_transcript_path(deep, "s-1", NULL, path));
    assert_int_equal(0, strncmp(path, made, strlen(made)));
}

static void a_name_from_elsewhere_becomes_no_other_path(void **state)
{
    static const char *const bad[] = { "", "..", "../x", "a/b", ".hidden", "a b", "a\n", "é" };
    char path[NODE_PATH_MAX] = "untouched", longer[131];
    (void)state;
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(claude_session_good(bad[i]));
        assert_int_equal(CHT_E_INVALID, claude_transcript_path("/x", bad[i], NULL, path));
        assert_int_equal(CHT_E_INVALID, claude_transcript_find(bad[i], NULL, path));
        assert_int_equal(CHT_E_INVALID, claude_handoff_leave(bad[i], cht_bytes_str("x"), NULL));
    }
    assert_false(claude_session_good(longer));
    assert_true(claude_session_good("4927a516-3f0e-4c55-9d0b-1f2e6a0c7b11"));
    assert_string_equal("untouched", path);
}

#define LINE(uuid, parent) "{\"type\":\"user\",\"uuid\":\"" uuid "\",\"parentUuid\":" parent "}\n"

static void a_transcript_lands_whole_where_there_is_none(void **state)
{
    char path[NODE_PATH_MAX], found[NODE_PATH_MAX];
    struct claude_landed told;
    const char *text = LINE("a", "null") LINE("b", "\"a\"");
    (void)state;
    assert_int_equal(CHT_OK, claude_transcript_path("/srv/x", "s-2", NULL, path));
    assert_int_equal(CHT_OK, claude_transcript_land(path, cht_bytes_str(text), true, NULL, &told));
    assert_int_equal(-1, access(path, F_OK)); /* that was dry */
    assert_int_equal(2, told.added);
    assert_int_equal(CHT_E_NOTFOUND, claude_transcript_find("s-2", NULL, found));
    assert_int_equal(CHT_OK, claude_transcript_land(path, cht_bytes_str(text), false, NULL, &told));
    assert_int_equal(0, told.had);
    assert_int_equal(2, told.added);
    same_file(path, text);
    assert_int_equal(CHT_OK, claude_transcript_find("s-2", NULL, found));
    assert_string_equal(path, found);
}

static void what_is_there_keeps_every_byte_and_lines_are_added_behind(void **state)
{
    char path[NODE_PATH_MAX];
    struct claude_landed told;
    /* another kind, a line of its own, and an end without a line break */
    const char *there = "{\"type\":\"attachment\",\"uuid\":\"x\"}\n" LINE("a", "null")
        LINE("own", "\"a\"") "{\"cut";
    const char *coming = LINE("a", "null")
        LINE("b", "\"a\"") "{\"type\":\"summary\",\"summary\":\"S\",\"leafUuid\":\"b\"}\n";
    (void)state;
    path_in("t.jsonl", path);
    write_text(path, there);
    assert_int_equal(CHT_OK,
                     claude_transcript_land(path, cht_bytes_str(coming), false, NULL, &told));
    assert_int_equal(3, told.had);
    assert_int_equal(2, told.added);
    assert_int_equal(1, told.alone);
    same_file(
        path,
        "{\"type\":\"attachment\",\"uuid\":\"x\"}\n" LINE("a", "null")
            LINE("own", "\"a\"") "{\"cut\n" LINE(
                "b", "\"a\"") "{\"type\":\"summary\",\"summary\":\"S\",\"leafUuid\":\"b\"}\n");
    assert_int_equal(CHT_OK,
                     claude_transcript_land(path, cht_bytes_str(coming), false, NULL, &told));
    assert_int_equal(0, told.added);
}

static void what_is_no_file_is_not_read(void **state)
{
    char path[NODE_PATH_MAX];
    struct cht_buf out;
    struct node_fault fault = { 0 };
    (void)state;
    cht_buf_init(&out, 1u << 20);
    path_in("pipe", path);
    assert_int_equal(0, mkfifo(path, 0600));
    assert_int_equal(CHT_E_INVALID, claude_transcript_load(path, &fault, &out));
    assert_int_equal(CHT_E_INVALID, claude_transcript_load(folder, &fault, &out));
    path_in("nothing", path);
    assert_int_equal(CHT_E_NOTFOUND, claude_transcript_load(path, &fault, &out));
    assert_int_equal(0, out.len);
    cht_buf_clear(&out);
}

static void a_file_beyond_the_limit_leaves_the_buffer_as_it_was(void **state)
{
    char path[NODE_PATH_MAX];
    struct cht_buf out;
    (void)state;
    path_in("large", path);
    write_text(path, "0123456789");
    cht_buf_init(&out, 4);
    assert_int_equal(CHT_E_LIMIT, claude_transcript_load(path, NULL, &out));
    assert_int_equal(0, out.len);
    cht_buf_clear(&out);
}

static void a_handoff_is_taken_once_by_the_session_it_is_for(void **state)
{
    struct cht_buf out;
    (void)state;
    cht_buf_init(&out, 4096);
    assert_int_equal(CHT_E_NOTFOUND, claude_handoff_take("s-3", &out));
    assert_int_equal(CHT_OK, claude_handoff_leave("s-3", cht_bytes_str("first"), NULL));
    assert_int_equal(CHT_OK, claude_handoff_leave("s-3", cht_bytes_str("second"), NULL));
    assert_int_equal(CHT_E_NOTFOUND, claude_handoff_take("s-4", &out));
    assert_int_equal(CHT_OK, claude_handoff_take("s-3", &out));
    assert_int_equal(6, out.len);
    assert_memory_equal("second", out.data, out.len);
    assert_int_equal(CHT_E_NOTFOUND, claude_handoff_take("s-3", &out));
    assert_int_equal(6, out.len);
    cht_buf_clear(&out);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(a_folder_is_named_by_its_letters_and_digits),
        EACH(a_long_path_has_the_name_that_is_there_already),
        EACH(a_name_from_elsewhere_becomes_no_other_path),
        EACH(a_transcript_lands_whole_where_there_is_none),
        EACH(what_is_there_keeps_every_byte_and_lines_are_added_behind),
        EACH(what_is_no_file_is_not_read),
        EACH(a_file_beyond_the_limit_leaves_the_buffer_as_it_was),
        EACH(a_handoff_is_taken_once_by_the_session_it_is_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
