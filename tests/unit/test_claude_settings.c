/* Claude Code's settings, changed as texts: what is put in comes out again, and every byte of
 * others stays. The files are such as people have (tests/claude/settings). */
#include "bridges/claude/diff.h"
#include "bridges/claude/proof.h"
#include "bridges/claude/registration.h"
#include "bridges/claude/settings.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define FILES_MAX 32u

static struct {
    char name[256];
    struct cht_buf text;
} files[FILES_MAX];
static size_t file_count;

static struct cht_bytes text_of(size_t i)
{
    return cht_buf_view(&files[i].text);
}

static int read_files(void **state)
{
    (void)state;
    DIR *folder = opendir(CHT_CLAUDE_SETTINGS);
    assert_non_null(folder);
    for (struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        char path[4096];
        uint8_t piece[4096];
        if (e->d_name[0] == '.')
            continue;
        assert_true(file_count < FILES_MAX);
        (void)snprintf(files[file_count].name, sizeof files[0].name, "%s", e->d_name);
        (void)snprintf(path, sizeof path, "%s/%s", CHT_CLAUDE_SETTINGS, e->d_name);
        cht_buf_init(&files[file_count].text, JSONC_BYTES_MAX);
        FILE *f = fopen(path, "rbe");
        assert_non_null(f);
        for (size_t got; (got = fread(piece, 1, sizeof piece, f)) > 0;)
            assert_int_equal(CHT_OK, cht_buf_add(&files[file_count].text, cht_bytes(piece, got)));
        (void)fclose(f);
        file_count++;
    }
    (void)closedir(folder);
    return file_count >= 10 ? 0 : -1;
}

static int drop_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < file_count; i++)
        cht_buf_clear(&files[i].text);
    return 0;
}

/* Hooks, server and plugin: more than any one file gets. */
static void want_all(struct settings_want *w)
{
    *w = (struct settings_want){ 0 };
    assert_int_equal(CHT_OK, settings_want_hooks(w, "chitty"));
    assert_int_equal(CHT_OK, settings_want_server(w, "chitty", NULL));
    assert_int_equal(CHT_OK, settings_want_server(w, "chitty", "/u/proj"));
    assert_int_equal(CHT_OK, settings_want_plugin(w, "/usr/share/chitty/claude"));
}

static void put_in(struct cht_bytes text, struct cht_buf *out, struct settings_record *record)
{
    struct settings_want w;
    struct node_fault fault = { 0 };
    want_all(&w);
    cht_buf_init(out, 2 * JSONC_BYTES_MAX);
    const enum cht_err err = settings_with(text, &w, &fault, out, record);
    if (err != CHT_OK)
        fail_msg("%s", fault.error.text);
    settings_want_clear(&w);
}

static void take_out(struct cht_bytes text, const struct settings_record *record,
                     struct cht_buf *out)
{
    struct node_fault fault = { 0 };
    cht_buf_init(out, 2 * JSONC_BYTES_MAX);
    const enum cht_err err = settings_without(text, record, "/u/proj", &fault, out);
    if (err != CHT_OK)
        fail_msg("%s\n%.*s", fault.error.text, (int)text.len, (const char *)text.data);
}

static void expect_same(const char *name, struct cht_bytes want, struct cht_bytes have)
{
    if (!cht_bytes_eq(want, have))
        fail_msg("%s: want\n%.*s\nhave\n%.*s", name, (int)want.len, (const char *)want.data,
                 (int)have.len, (const char *)have.data);
}

static bool complete(struct cht_bytes text)
{
    struct settings_want w;
    bool is = false;
    want_all(&w);
    assert_int_equal(CHT_OK, settings_complete(text, &w, "/u/proj", NULL, &is));
    settings_want_clear(&w);
    return is;
}

static json_t *value_of(struct cht_bytes text)
{
    struct jsonc j;
    assert_int_equal(CHT_OK, jsonc_parse(text, NULL, &j));
    json_t *v = j.count == 0 ? json_object() : jsonc_value(&j, 0);
    jsonc_clear(&j);
    assert_non_null(v);
    return v;
}

static void what_is_put_in_comes_out_to_the_last_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < file_count; i++) {
        struct cht_buf with, without;
        struct settings_record record;
        put_in(text_of(i), &with, &record);
        assert_true(with.len > text_of(i).len);
        take_out(cht_buf_view(&with), &record, &without);
        expect_same(files[i].name, text_of(i), cht_buf_view(&without));
        cht_buf_clear(&with);
        cht_buf_clear(&without);
    }
}

static void a_second_time_there_is_nothing_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < file_count; i++) {
        struct cht_buf with;
        struct settings_record record;
        assert_false(complete(text_of(i)));
        put_in(text_of(i), &with, &record);
        assert_true(complete(cht_buf_view(&with)));
        /* … and what is not there exactly is seen */
        uint8_t *at = memmem(with.data, with.len, "86400", 5);
        assert_non_null(at);
        *at = '9';
        assert_false(complete(cht_buf_view(&with)));
        cht_buf_clear(&with);
    }
}

static void what_others_have_is_the_same_value_as_before(void **state)
{
    (void)state;
    for (size_t i = 0; i < file_count; i++) {
        struct cht_buf with;
        struct settings_record record;
        put_in(text_of(i), &with, &record);
        json_t *before = value_of(text_of(i)), *after = value_of(cht_buf_view(&with));
        const char *key, *event;
        json_t *value, *list;
        json_object_foreach(before, key, value)
        {
            if (strcmp(key, "hooks") == 0 && json_is_object(value)) {
                json_object_foreach(value, event, list)
                {
                    const json_t *now = json_object_get(json_object_get(after, key), event);
                    const size_t more = json_array_size(now) - json_array_size(list);
                    for (size_t k = 0; k < json_array_size(list); k++)
                        assert_true(
                            json_equal(json_array_get(list, k), json_array_get(now, more + k)));
                }
            } else if (strcmp(key, "enabledPlugins") != 0 &&
                       strcmp(key, "extraKnownMarketplaces") != 0)
                assert_true(json_equal(value, json_object_get(after, key)));
        }
        json_decref(before);
        json_decref(after);
        cht_buf_clear(&with);
    }
}

/* --- others write in between ----------------------------------------------------------------- */

static uint64_t random_state;

static size_t below(size_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return n == 0 ? 0 : (size_t)(random_state >> 33) % n;
}

/* Where a position of the text before is in the one after. */
static size_t moved(size_t at, const struct settings_record *record)
{
    for (size_t i = 0; i < record->piece_count; i++) {
        if (record->pieces[i].at <= at)
            at += record->pieces[i].len;
    }
    return at;
}

/* Another program's change: the same in both texts. A string gets another value, or a container
 * that has children a new one before one of them. */
static bool edit_both(struct cht_bytes text, const struct settings_record *record,
                      struct edit_text *before, struct edit_text *after)
{
    struct jsonc j;
    assert_int_equal(CHT_OK, jsonc_parse(text, NULL, &j));
    const bool some = j.count > 1;
    if (some) {
        const struct jsonc_node *n = &j.nodes[1 + below(j.count - 1)];
        const bool member = n->key < n->key_end;
        const size_t from = n->kind == JSONC_STRING && below(2) == 0 ? n->from : jsonc_start(n);
        const size_t to =
            from == n->from && n->kind == JSONC_STRING && from != jsonc_start(n) ? n->to : from;
        const struct cht_bytes put = cht_bytes_str(to > from ? "\"other\""
                                                   : member  ? "\"other\": {}, // new\n"
                                                             : "null, ");
        assert_int_equal(CHT_OK, edit_replace(before, from, to, put));
        assert_int_equal(
            CHT_OK, edit_replace(after, moved(from, record), moved(from, record) + to - from, put));
    }
    jsonc_clear(&j);
    return some;
}

static void what_others_change_in_between_stays_and_ours_goes(void **state)
{
    (void)state;
    const char *given = getenv("CHITTY_SEED");
    random_state = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("CHITTY_SEED=0x%llx\n", (unsigned long long)random_state);
    size_t rounds = 0;
    for (unsigned round = 0; round < 40; round++) {
        for (size_t i = 0; i < file_count; i++) {
            struct cht_buf with, without;
            struct settings_record record;
            struct edit_text before, after;
            put_in(text_of(i), &with, &record);
            assert_int_equal(CHT_OK, edit_begin(text_of(i), &before));
            assert_int_equal(CHT_OK, edit_begin(cht_buf_view(&with), &after));
            if (edit_both(text_of(i), &record, &before, &after)) {
                take_out(cht_buf_view(&after.text), &record, &without);
                expect_same(files[i].name, cht_buf_view(&before.text), cht_buf_view(&without));
                cht_buf_clear(&without);
                rounds++;
            }
            edit_clear(&before);
            edit_clear(&after);
            cht_buf_clear(&with);
        }
    }
    assert_true(rounds > 300);
}

static void what_a_program_wrote_anew_loses_ours_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < file_count; i++) {
        struct cht_buf with, without;
        struct settings_record record;
        put_in(text_of(i), &with, &record);
        json_t *all = value_of(cht_buf_view(&with)), *before = value_of(text_of(i));
        char *anew = json_dumps(all, JSON_INDENT(2));
        take_out(cht_bytes_str(anew), &record, &without);
        json_t *left = value_of(cht_buf_view(&without));
        if (!json_equal(left, before))
            fail_msg("%s: %.*s", files[i].name, (int)without.len, (char *)without.data);
        json_decref(left);
        json_decref(before);
        json_decref(all);
        free(anew);
        cht_buf_clear(&with);
        cht_buf_clear(&without);
    }
}

static void a_hook_that_somebody_put_beside_ours_stays(void **state)
{
    (void)state;
    static const char text[] =
        "{\"hooks\":{\"Stop\":[{\"hooks\":[\n"
        "  {\"type\":\"command\",\"command\":\"chitty hook stop\"},\n"
        "  {\"type\":\"command\",\"command\":\"/opt/bin/chitty\",\"args\":[\"hook\",\"wait\"]},\n"
        "  {\"type\":\"command\",\"command\":\"chitty standup\"},\n"
        "  {\"type\":\"command\",\"command\":\"chitty-hook stop\"}\n"
        "]}]}}";
    static const char left[] = "{\"hooks\":{\"Stop\":[{\"hooks\":[\n"
                               "  {\"type\":\"command\",\"command\":\"chitty standup\"},\n"
                               "  {\"type\":\"command\",\"command\":\"chitty-hook stop\"}\n"
                               "]}]}}";
    struct cht_buf without;
    take_out(cht_bytes_str(text), NULL, &without);
    expect_same("text", cht_bytes_str(left), cht_buf_view(&without));
    cht_buf_clear(&without);
}

static void the_last_of_a_list_takes_the_comma_before_it_along(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "{\"a\": 1, \"mcpServers\": {\"chitty\": {\"command\": \"chitty\", \"args\": "
          "[\"mcp\"]}}}",
          "{\"a\": 1}" },
        { "{\n  \"a\": 1, // one\n  \"mcpServers\": {\"chitty\": {\"command\": \"chitty\", "
          "\"args\": [\"mcp\"]}}\n}\n",
          "{\n  \"a\": 1 // one\n}\n" },
        { "{\"mcpServers\": {\"chitty\": {\"command\": \"other\"}}}",
          "{\"mcpServers\": {\"chitty\": {\"command\": \"other\"}}}" },
        { "{\"mcpServers\": { /* mine */ \"chitty\": {\"command\": \"chitty\", \"args\": "
          "[\"mcp\"]} }}",
          "{\"mcpServers\": { /* mine */ }}" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cht_buf without;
        take_out(cht_bytes_str(cases[i][0]), NULL, &without);
        expect_same("text", cht_bytes_str(cases[i][1]), cht_buf_view(&without));
        cht_buf_clear(&without);
    }
}

static void what_is_no_json_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line;
    } cases[] = {
        { "{", 1 },     { "{\"a\":}", 1 },       { "{\n\"a\" 1}", 2 }, { "[1,2", 1 },
        { "{} {}", 1 }, { "{\"a\":01}", 1 },     { "{'a':1}", 1 },     { "{\n\n\"a\":tru}", 3 },
        { "[,]", 1 },   { "{\"a\":\"\n\"}", 1 }, { "/* no end", 1 },   { "{\"a\":\"\\x\"}", 1 },
        { "[1}", 1 },   { "{\"a\":1,,}", 1 },    { "nul", 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings_want w;
        struct settings_record record = { .piece_count = 7 };
        struct node_fault fault = { 0 };
        struct cht_buf out;
        char line[32];
        cht_buf_init(&out, 1u << 20);
        want_all(&w);
        if (settings_with(cht_bytes_str(cases[i].text), &w, &fault, &out, &record) !=
            CHT_E_MALFORMED)
            fail_msg("taken: %s", cases[i].text);
        (void)snprintf(line, sizeof line, "line %u ", cases[i].line);
        if (strstr(fault.error.text, line) == NULL)
            fail_msg("%s: %s", cases[i].text, fault.error.text);
        assert_int_equal(7, record.piece_count);
        settings_want_clear(&w);
        cht_buf_clear(&out);
    }
}

static void what_has_another_shape_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[]",
        "{\"hooks\": []}",
        "{\"hooks\": {\"Stop\": {}}}",
        "{\"hooks\": null}",
        "{\"projects\": {\"/u/proj\": 7}}",
        "\"text\"",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct settings_want w;
        struct settings_record record;
        struct node_fault fault = { 0 };
        struct cht_buf out;
        cht_buf_init(&out, 1u << 20);
        want_all(&w);
        if (settings_with(cht_bytes_str(texts[i]), &w, &fault, &out, &record) != CHT_E_INVALID)
            fail_msg("taken: %s", texts[i]);
        assert_true(fault.error.text[0] != '\0');
        settings_want_clear(&w);
        cht_buf_clear(&out);
    }
}

static void a_deep_text_is_refused(void **state)
{
    (void)state;
    char text[4 * JSONC_DEPTH_MAX];
    struct jsonc j;
    memset(text, '[', sizeof text);
    assert_int_equal(CHT_E_LIMIT, jsonc_parse(cht_bytes(text, sizeof text), NULL, &j));
}

static void the_plugin_has_the_hooks_that_install_writes(void **state)
{
    (void)state;
    json_t *file = json_load_file(CHT_CLAUDE_PLUGIN "/hooks/hooks.json", 0, NULL);
    json_t *servers = json_load_file(CHT_CLAUDE_PLUGIN "/.mcp.json", 0, NULL);
    json_t *hooks = claude_hooks_value("chitty"), *server = claude_server_value("chitty");
    assert_non_null(file);
    assert_true(json_equal(hooks, json_object_get(file, "hooks")));
    assert_true(
        json_equal(server, json_object_get(json_object_get(servers, "mcpServers"), CLAUDE_SERVER)));
    json_decref(file);
    json_decref(servers);
    json_decref(hooks);
    json_decref(server);
}

static void a_diff_is_what_diff_says(void **state)
{
    (void)state;
    static const char a[] = "1\n2\n3\n4\n5\n6\n7\n8\n9\nx",
                      b[] = "1\n2\n3\nnew\n4\n5\n6\n7\n8\nx\n";
    static const char want[] =
        "--- old\n+++ new\n@@ -2,4 +2,5 @@\n 2\n 3\n+new\n 4\n 5\n@@ -7,4 +8,3 @@\n 7\n 8\n"
        "-9\n-x\n\\ No newline at end of file\n+x\n";
    struct cht_buf out;
    cht_buf_init(&out, 4096);
    assert_int_equal(CHT_OK,
                     claude_diff("old", cht_bytes_str(a), "new", cht_bytes_str(b), 2, &out));
    expect_same("diff", cht_bytes_str(want), cht_buf_view(&out));
    cht_buf_reset(&out);
    assert_int_equal(CHT_OK,
                     claude_diff("old", cht_bytes_str(a), "new", cht_bytes_str(a), 2, &out));
    assert_int_equal(0, out.len);
    assert_int_equal(CHT_OK,
                     claude_diff(NULL, cht_bytes(NULL, 0), "new", cht_bytes_str("a\n"), 3, &out));
    expect_same("diff", cht_bytes_str("--- /dev/null\n+++ new\n@@ -0,0 +1,1 @@\n+a\n"),
                cht_buf_view(&out));
    cht_buf_clear(&out);
}

static void models_without_task_tools_are_known(void **state)
{
    (void)state;
    static const char *const with[] = {
        "claude-opus-4-6",       "claude-sonnet-4-5-20250929", "haiku",
        "claude-sonnet-4",       "claude-3-5-haiku-20241022",  "claude-haiku-4-5",
        "claude-opus-4-20250514"
    };
    static const char *const without[] = { "",
                                           "opus",
                                           "sonnet",
                                           "claude-opus-4-8",
                                           "default",
                                           "claude-sonnet-5",
                                           "claude-fable-5",
                                           "claude-mythos-5",
                                           "claude-haiku-5",
                                           "opusplan",
                                           "claude-opus-10" };
    for (size_t i = 0; i < sizeof with / sizeof with[0]; i++)
        if (!claude_model_lists(with[i]))
            fail_msg("%s has task tools", with[i]);
    for (size_t i = 0; i < sizeof without / sizeof without[0]; i++)
        if (claude_model_lists(without[i]))
            fail_msg("%s has no task tools", without[i]);
    assert_false(claude_model_lists(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_in_comes_out_to_the_last_byte),
        cmocka_unit_test(a_second_time_there_is_nothing_to_do),
        cmocka_unit_test(what_others_have_is_the_same_value_as_before),
        cmocka_unit_test(what_others_change_in_between_stays_and_ours_goes),
        cmocka_unit_test(what_a_program_wrote_anew_loses_ours_and_nothing_else),
        cmocka_unit_test(a_hook_that_somebody_put_beside_ours_stays),
        cmocka_unit_test(the_last_of_a_list_takes_the_comma_before_it_along),
        cmocka_unit_test(what_is_no_json_is_refused_with_its_line),
        cmocka_unit_test(what_has_another_shape_is_refused),
        cmocka_unit_test(a_deep_text_is_refused),
        cmocka_unit_test(the_plugin_has_the_hooks_that_install_writes),
        cmocka_unit_test(a_diff_is_what_diff_says),
        cmocka_unit_test(models_without_task_tools_are_known),
    };
    return cmocka_run_group_tests(tests, read_files, drop_files);
}
