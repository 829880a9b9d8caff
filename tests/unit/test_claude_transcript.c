/* Transcripts: what a slice keeps, whether its chain is whole, and how it moves. The goldens stand
 * beside their sources in tests/claude/transcripts. */
#include "bridges/claude/json_span.h"
#include "bridges/claude/recent.h"
#include "bridges/claude/transcript.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* after what it needs */
#include <cmocka.h>

/* In the files @@ stands inside what looks like a key, or programs that look for keys in
 * repositories would find them there. */
static void join_keys(struct cht_buf *text)
{
    uint8_t *at;
    while ((at = memmem(text->data, text->len, "@@", 2)) != NULL) {
        memmove(at, at + 2, (size_t)(text->data + text->len - at) - 2);
        text->len -= 2;
    }
}

static void load(const char *name, struct cht_buf *out)
{
    char path[512];
    char piece[4096];
    size_t got;
    (void)snprintf(path, sizeof path, "%s/%s", CHT_TRANSCRIPTS, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    cht_buf_init(out, 1u << 20);
    while ((got = fread(piece, 1, sizeof piece, f)) > 0)
        assert_int_equal(CHT_OK, cht_buf_add(out, cht_bytes(piece, got)));
    (void)fclose(f);
    join_keys(out);
}

static void same_text(const char *name, struct cht_bytes got)
{
    struct cht_buf want;
    load(name, &want);
    assert_int_equal(want.len, got.len);
    assert_memory_equal(want.data, got.data, got.len);
    cht_buf_clear(&want);
}

static struct claude_slice slice(const char *name, bool redact, struct cht_buf *out)
{
    struct cht_buf text;
    struct claude_slice told;
    load(name, &text);
    cht_buf_init(out, 1u << 20);
    assert_int_equal(CHT_OK, claude_transcript_slice(cht_buf_view(&text), redact, out, &told));
    cht_buf_clear(&text);
    return told;
}

static bool holds(struct cht_bytes text, const char *what)
{
    return memmem(text.data, text.len, what, strlen(what)) != NULL;
}

/* Each line follows one before it; one alone begins. Returns how many lines there are. */
static size_t check_chain(struct cht_bytes text)
{
    struct cht_bytes seen[64], each;
    size_t count = 0, lines = 0, roots = 0;
    struct claude_lines it = { text };
    while (claude_line_next(&it, &each)) {
        const struct claude_line line = claude_line_read(each);
        bool known = line.parent.len == 0;
        lines++;
        for (size_t i = 0; i < count; i++)
            known = known || cht_bytes_eq(seen[i], line.parent);
        assert_true(known);
        roots += line.parent.len == 0;
        if (line.uuid.len > 0)
            seen[count++] = line.uuid;
    }
    assert_int_equal(1, roots);
    return lines;
}

static void a_slice_keeps_what_was_said_and_the_rest_is_left_out(void **state)
{
    (void)state;
    struct cht_buf out;
    const struct claude_slice told = slice("talk.jsonl", false, &out);
    same_text("talk.slice", cht_buf_view(&out));
    assert_int_equal(30, told.lines);
    assert_int_equal(16, told.kept);
    assert_false(told.cut);
    assert_false(holds(cht_buf_view(&out), "prompt_snapshot"));
    assert_false(holds(cht_buf_view(&out), "\"isSidechain\":true"));
    assert_false(holds(cht_buf_view(&out), "half-written"));
    cht_buf_clear(&out);
}

static void the_chain_of_a_slice_is_whole(void **state)
{
    (void)state;
    struct cht_buf out;
    (void)slice("talk.jsonl", false, &out);
    assert_int_equal(16, check_chain(cht_buf_view(&out)));
    cht_buf_clear(&out);
    (void)slice("secrets.jsonl", true, &out);
    assert_int_equal(4, check_chain(cht_buf_view(&out)));
    cht_buf_clear(&out);
}

static void a_slice_of_a_slice_is_itself(void **state)
{
    (void)state;
    struct cht_buf out;
    (void)slice("talk.slice", false, &out);
    same_text("talk.slice", cht_buf_view(&out));
    cht_buf_clear(&out);
    (void)slice("talk.jsonl", true, &out);
    same_text("talk.slice", cht_buf_view(&out)); /* it has no secrets */
    cht_buf_clear(&out);
}

static void secrets_do_not_get_into_a_redacted_slice(void **state)
{
    (void)state;
    static const char *const gone[] = {
        "16C7e42F",  "sunflower7",  "aaaabbbbcccc", "4eC39HqLyj",
        "IOSFODNN7", "b3BlbnNzaC1", "hunter2",      "tulip-and-rose"
    };
    static const char *const stays[] = { "PORT=8080",         "max_tokens=4096",
                                         "db.example/garden", "deploy.example:8443",
                                         "3f0e4c559d0b1f2e",  "STRIPE_SECRET_KEY=" };
    struct cht_buf out;
    const struct claude_slice told = slice("secrets.jsonl", true, &out);
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        assert_false(holds(cht_buf_view(&out), gone[i]));
    for (size_t i = 0; i < sizeof stays / sizeof stays[0]; i++)
        assert_true(holds(cht_buf_view(&out), stays[i]));
    assert_int_equal(1, told.unsigned_lines);
    assert_int_equal(4, told.kept);
    assert_int_equal(8, told.secrets);
    same_text("secrets.slice", cht_buf_view(&out));
    cht_buf_clear(&out);
    (void)slice("secrets.jsonl", false, &out);
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        assert_true(holds(cht_buf_view(&out), gone[i]));
    cht_buf_clear(&out);
}

static void moved(const char *name, const char *from, const char *to, const char *session,
                  struct cht_buf *out)
{
    struct cht_buf text;
    load(name, &text);
    cht_buf_init(out, 1u << 20);
    assert_int_equal(CHT_OK, claude_transcript_move(cht_buf_view(&text), from, to, session, out));
    cht_buf_clear(&text);
}

static void folders_move_in_cwd_and_nowhere_else(void **state)
{
    (void)state;
    struct cht_buf out;
    moved("talk.slice", "/srv/ada/src/garden", "/opt/ada/\"the\" garden", NULL, &out);
    same_text("talk.moved", cht_buf_view(&out));
    /* what is said of files stays as it was said; another folder is not this one */
    assert_true(holds(cht_buf_view(&out), "\"file_path\":\"/srv/ada/src/garden/beds.md\""));
    assert_true(holds(cht_buf_view(&out), "\"cwd\":\"/srv/ada/src/garden2\""));
    assert_true(holds(cht_buf_view(&out), "\"cwd\":\"/opt/ada/\\\"the\\\" garden/pump\""));
    assert_false(holds(cht_buf_view(&out), "\"cwd\":\"/srv/ada/src/garden\""));
    cht_buf_clear(&out);
}

static void moving_nowhere_changes_no_byte(void **state)
{
    (void)state;
    struct cht_buf out;
    moved("talk.slice", "/elsewhere", "/here", NULL, &out);
    same_text("talk.slice", cht_buf_view(&out));
    cht_buf_clear(&out);
    moved("talk.slice", "/srv/ada/src/garden", "/srv/ada/src/garden", NULL, &out);
    same_text("talk.slice", cht_buf_view(&out));
    cht_buf_clear(&out);
}

static void a_session_that_goes_on_as_another_has_the_others_id_in_every_line(void **state)
{
    (void)state;
    struct cht_buf out, back;
    moved("talk.slice", "/x", "/x", "ffffffff-0000-4000-8000-000000000000", &out);
    assert_false(holds(cht_buf_view(&out), "4927a516-3f0e"));
    cht_buf_init(&back, 1u << 20);
    assert_int_equal(CHT_OK, claude_transcript_move(cht_buf_view(&out), "/x", "/x",
                                                    "4927a516-3f0e-4c55-9d0b-1f2e6a0c7b11", &back));
    same_text("talk.slice", cht_buf_view(&back));
    cht_buf_clear(&out);
    cht_buf_clear(&back);
}

static void lines_that_cannot_be_read_are_opaque(void **state)
{
    (void)state;
    static const char *const odd[] = { "x",
                                       "[]",
                                       "{",
                                       "{\"type\":\"user\"",
                                       "{\"type\":\"user\",}",
                                       "{\"type\":\"user\"} x",
                                       "{\"type\":[\"user\"]}",
                                       "{\"type\":\"tomorrow\",\"uuid\":\"1\"}",
                                       "{\"type\":\"user\",\"uuid\":\"\n\"}" };
    struct cht_buf out;
    struct claude_slice told;
    cht_buf_init(&out, 4096);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        assert_int_equal(CLAUDE_LINE_OPAQUE, claude_line_read(cht_bytes_str(odd[i])).kind);
        assert_int_equal(CHT_OK, claude_transcript_slice(cht_bytes_str(odd[i]), true, &out, &told));
        assert_int_equal(0, told.kept);
        assert_int_equal(0, out.len);
    }
    cht_buf_clear(&out);
}

/* The lines of the last part of talk.jsonl that has at most so many bytes. */
static unsigned last_part(size_t most, enum claude_kind first)
{
    struct cht_buf text, out;
    struct claude_slice told;
    struct cht_bytes line;
    load("talk.jsonl", &text);
    cht_buf_init(&out, 1u << 20);
    assert_int_equal(CHT_OK, claude_transcript_last(cht_buf_view(&text), false, most, &out, &told));
    assert_true(told.cut);
    assert_true(out.len <= most + 16); /* `null` for a parent that was left out */
    struct claude_lines lines = { cht_buf_view(&out) };
    assert_true(claude_line_next(&lines, &line));
    assert_int_equal(first, claude_line_read(line).kind);
    assert_false(claude_line_read(line).tool_result);
    assert_int_equal(told.kept, check_chain(cht_buf_view(&out)));
    cht_buf_clear(&text);
    cht_buf_clear(&out);
    return told.kept;
}

static void of_a_transcript_that_is_too_long_the_last_part_is_kept(void **state)
{
    (void)state;
    assert_int_equal(8, last_part(6000, CLAUDE_LINE_USER));
    assert_int_equal(2, last_part(1200, CLAUDE_LINE_ASSISTANT));
}

static void a_chain_that_leads_back_ends(void **state)
{
    (void)state;
    struct cht_buf out;
    struct claude_slice told;
    const char *text = "{\"type\":\"x\",\"uuid\":\"a\",\"parentUuid\":\"b\"}\n"
                       "{\"type\":\"x\",\"uuid\":\"b\",\"parentUuid\":\"a\"}\n"
                       "{\"type\":\"user\",\"uuid\":\"c\",\"parentUuid\":\"a\"}\n";
    cht_buf_init(&out, 4096);
    assert_int_equal(CHT_OK, claude_transcript_slice(cht_bytes_str(text), false, &out, &told));
    const char *want = "{\"type\":\"user\",\"uuid\":\"c\",\"parentUuid\":null}\n";
    assert_int_equal(strlen(want), out.len);
    assert_memory_equal(want, out.data, out.len);
    cht_buf_clear(&out);
}

static void what_stands_twice_is_kept_once(void **state)
{
    (void)state;
    struct cht_buf out;
    struct claude_slice told;
    const char *line = "{\"type\":\"user\",\"uuid\":\"c\",\"parentUuid\":null}\n";
    char twice[256];
    (void)snprintf(twice, sizeof twice, "%s%s", line, line);
    cht_buf_init(&out, 4096);
    assert_int_equal(CHT_OK, claude_transcript_slice(cht_bytes_str(twice), false, &out, &told));
    assert_int_equal(1, told.kept);
    assert_int_equal(strlen(line), out.len);
    cht_buf_clear(&out);
}

static void a_buffer_that_is_too_small_stays_as_it_was(void **state)
{
    (void)state;
    struct cht_buf text, out;
    struct claude_slice told = { .kept = 99 };
    load("talk.jsonl", &text);
    cht_buf_init(&out, 1000);
    assert_int_equal(CHT_OK, cht_buf_add(&out, cht_bytes_str("before")));
    assert_int_equal(CHT_E_LIMIT, claude_transcript_slice(cht_buf_view(&text), false, &out, &told));
    assert_int_equal(6, out.len);
    assert_int_equal(99, told.kept);
    cht_buf_clear(&out);
    cht_buf_clear(&text);
}

static void lines_are_counted_that_are_objects(void **state)
{
    (void)state;
    struct cht_buf text;
    load("talk.jsonl", &text);
    assert_int_equal(29, claude_transcript_count(cht_buf_view(&text)));
    cht_buf_clear(&text);
}

/* --- what is now (D-30, L-16) -------------------------------------------------------------- */

static void same_json(const char *name, json_t *got)
{
    struct cht_buf want;
    load(name, &want);
    char *text = json_dumps(got, JSON_INDENT(1) | JSON_SORT_KEYS);
    assert_non_null(text);
    assert_int_equal(want.len, strlen(text) + 1);
    assert_memory_equal(want.data, text, strlen(text));
    free(text);
    json_decref(got);
    cht_buf_clear(&want);
}

static void the_last_ten_messages_and_the_files_in_hand_are_extracted_exactly(void **state)
{
    (void)state;
    struct cht_buf text, slice_text;
    load("long.jsonl", &text);
    same_json("long.recent", claude_recent(cht_buf_view(&text), CLAUDE_RECENT_MESSAGES, false));
    cht_buf_clear(&text);
    load("talk.jsonl", &text);
    same_json("talk.recent", claude_recent(cht_buf_view(&text), CLAUDE_RECENT_MESSAGES, false));
    cht_buf_clear(&text);
    load("talk.slice", &slice_text);
    same_json("talk.recent",
              claude_recent(cht_buf_view(&slice_text), CLAUDE_RECENT_MESSAGES, true));
    cht_buf_clear(&slice_text);
}

static void a_message_is_cut_at_a_character_and_has_no_secrets(void **state)
{
    (void)state;
    struct cht_buf text;
    cht_buf_init(&text, 1u << 20);
    assert_int_equal(CHT_OK, cht_buf_add(&text, cht_bytes_str("{\"type\":\"user\",\"uuid\":\"a\","
                                                              "\"message\":{\"content\":\""
                                                              "A_SECRET=tulip x")));
    for (unsigned i = 0; i < CLAUDE_RECENT_CHARS; i++)
        assert_int_equal(CHT_OK, cht_buf_add(&text, cht_bytes_str("\u00e9")));
    assert_int_equal(CHT_OK, cht_buf_add(&text, cht_bytes_str("\"}}")));
    json_t *recent = claude_recent(cht_buf_view(&text), 10, true);
    const char *said = json_string_value(
        json_object_get(json_array_get(json_object_get(recent, "messages"), 0), "text"));
    assert_non_null(said);
    assert_null(strstr(said, "tulip"));
    assert_in_range(strlen(said), CLAUDE_RECENT_CHARS - 3, CLAUDE_RECENT_CHARS + 3);
    json_decref(recent);
    cht_buf_clear(&text);
}

static void a_prompt_is_found_by_its_id_and_by_a_tool_used_for_it(void **state)
{
    (void)state;
    struct cht_buf text;
    load("talk.jsonl", &text);
    json_t *by_id = claude_prompt(cht_buf_view(&text), "c3550000-0000-4000-8000-000000000002");
    json_t *by_tool = claude_prompt_of_tool(cht_buf_view(&text), "toolu_w1");
    const char *want = "Now the water. /srv/ada/src/garden/pump has the pump's notes.";
    assert_string_equal(want, json_string_value(by_id));
    assert_string_equal(want, json_string_value(by_tool));
    assert_null(claude_prompt(cht_buf_view(&text), "c3550000-0000-4000-8000-000000000009"));
    assert_null(claude_prompt_of_tool(cht_buf_view(&text), "toolu_none"));
    json_decref(by_id);
    json_decref(by_tool);
    cht_buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slice_keeps_what_was_said_and_the_rest_is_left_out),
        cmocka_unit_test(the_chain_of_a_slice_is_whole),
        cmocka_unit_test(a_slice_of_a_slice_is_itself),
        cmocka_unit_test(secrets_do_not_get_into_a_redacted_slice),
        cmocka_unit_test(folders_move_in_cwd_and_nowhere_else),
        cmocka_unit_test(moving_nowhere_changes_no_byte),
        cmocka_unit_test(a_session_that_goes_on_as_another_has_the_others_id_in_every_line),
        cmocka_unit_test(lines_that_cannot_be_read_are_opaque),
        cmocka_unit_test(of_a_transcript_that_is_too_long_the_last_part_is_kept),
        cmocka_unit_test(a_chain_that_leads_back_ends),
        cmocka_unit_test(what_stands_twice_is_kept_once),
        cmocka_unit_test(a_buffer_that_is_too_small_stays_as_it_was),
        cmocka_unit_test(lines_are_counted_that_are_objects),
        cmocka_unit_test(the_last_ten_messages_and_the_files_in_hand_are_extracted_exactly),
        cmocka_unit_test(a_message_is_cut_at_a_character_and_has_no_secrets),
        cmocka_unit_test(a_prompt_is_found_by_its_id_and_by_a_tool_used_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
