/* Secrets out of texts: what is one by its form or by its name, and what is none. */
#include "bridges/claude/json_span.h"
#include "bridges/claude/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
/* after what it needs */
#include <cmocka.h>

/* The beginnings of keys stand apart from the rest, or programs that look for keys in repositories
 * would find them here. */
struct given {
    const char *text, *clean;
};

static const struct given secrets[] = {
    { "use sk-"
      "an"
      "t-"
      "api03-aBcDeFgHiJkLmNoPqRsT now",
      "use [redacted:anthropic-key] now" },
    { "sk-"
      "proj-abcdefghij0123456789ABCD",
      "[redacted:api-key]" },
    { "(gh"
      "p_16C7e42F292c6912E7710c838347Ae178B4a)",
      "([redacted:github-token])" },
    { "github"
      "_pat_11ABCDEFG0abcdefghijkl_mnop",
      "[redacted:github-token]" },
    { "gl"
      "pat-abcdefghij0123456789",
      "[redacted:gitlab-token]" },
    { "xo"
      "xb-123456789012-abcdefABCDEF",
      "[redacted:slack-token]" },
    { "id AK"
      "IAIOSFODNN7EXAMPLE.",
      "id [redacted:aws-key-id]." },
    { "AI"
      "zaSyA1234567890abcdefghijklmnopqrstuv",
      "[redacted:google-key]" },
    { "sk"
      "_live_4eC39HqLyjWDarjtT1zdp7dc",
      "[redacted:stripe-key]" },
    { "np"
      "m_abcdefghijklmnopqrstuvwxyz0123456789",
      "[redacted:npm-token]" },
    { "ey"
      "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
      "[redacted:jwt]" },
    { "Authorization: Bearer 0123456789abcdef0123",
      "Authorization: Bearer [redacted:bearer-token]" },
    { "postgres://ada:sunflower@db.example/garden",
      "postgres://ada:[redacted:password]@db.example/garden" },
    { "https://0123456789abcdef0123@git.example/x.git",
      "https://[redacted:password]@git.example/x.git" },
    { "a\n-----BEGIN "
      "RSA PRIVATE KEY-----\nMIIE\n-----END "
      "RSA PRIVATE KEY-----\nb",
      "a\n[redacted:private-key]\nb" },
    { "KEY=\"-----BEGIN "
      "PRIVATE KEY-----\nMIIE\ncut off",
      "KEY=\"[redacted:private-key]" },
    { "DB_PASSWORD=tulip", "DB_PASSWORD=[redacted:password]" },
    { "export API_TOKEN='abc def ghi'\nB=1", "export API_TOKEN='[redacted:secret]'\nB=1" },
    { "STRIPE_KEY=abcdef", "STRIPE_KEY=[redacted:secret]" },
    { "{\"password\": \"correct horse\", \"user\": \"ada\"}",
      "{\"password\": \"[redacted:password]\", \"user\": \"ada\"}" },
    { "{\\\"clientSecret\\\": \\\"a1b2c3d4e5\\\"}",
      "{\\\"clientSecret\\\": \\\"[redacted:secret]\\\"}" },
    { "curl --token a1b2c3d4e5f6 x", "curl --token [redacted:secret] x" },
    { "curl -u ada:tulip42x https://x.example",
      "curl -u ada:[redacted:password] https://x.example" },
    { "curl --user 'ada@b.example:tulip 1'", "curl --user 'ada@b.example:[redacted:password] 1'" },
    { "mysql --password=tulip", "mysql --password=[redacted:password]" },
    { "machine git.example login ada password tulip42x",
      "machine git.example login ada password [redacted:password]" },
    { "//registry.example/:_authToken=a1b2c3d4e5",
      "//registry.example/:_authToken=[redacted:secret]" },
    { "api_key: a1b2c3d4e5f6", "api_key: [redacted:secret]" },
    { "Set-Cookie: sid=31d4d96e407a; Path=/; HttpOnly\nnext",
      "Set-Cookie: [redacted:secret]\nnext" },
};

static const char *const harmless[] = {
    "docker run -u 1000:1000 x",
    "curl -u ada:$TOKEN x",
    "sort -u a:b --user-agent ada:tulip42x",
    "",
    "sk-",
    "sk-learn and scikit",
    "a task-force of sk-abcdefghijklmnopqrstuvwxyz",
    "max_tokens=4096",
    "\"input_tokens\": 4096",
    "tokenize(text) returns tokens",
    "const token = await getToken();",
    "password: string;",
    "token: Token,",
    "def f(token=None):",
    "$TOKEN and ${API_KEY} and PASSWORD=$PASSWORD",
    "API_KEY=<your key>",
    "SECRET=...",
    "PASSWORD=********",
    "commit 3f0e4c559d0b1f2e6a0c7b114927a516deadbeef",
    "uuid 4927a516-3f0e-4c55-9d0b-1f2e6a0c7b11",
    "http://localhost:8080/a@b",
    "https://ada@git.example/x.git",
    "git@github.com:ada/garden.git",
    "mailto:ada@example.org",
    "see the secret garden",
    "the password is asked for",
    "Bearer of news",
    "Basic English lessons",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "token = parser.token2",
    "author: Ada Lovelace 1843",
    "AKIA",
    "eyJhbGciOiJIUzI1NiJ9 alone",
    "keyboard=qwertz1234",
    "desk-abcdefghij0123456789XYZ",
    "tokenizer=bert2base4cased",
    "secret_name: prod-db-creds-17",
};

static void redact(const char *text, char *out, size_t size, unsigned *count)
{
    struct cht_buf b;
    cht_buf_init(&b, size - 1);
    assert_int_equal(CHT_OK, claude_redact_text(cht_bytes_str(text), &b, count));
    if (b.len > 0)
        memcpy(out, b.data, b.len);
    out[b.len] = '\0';
    cht_buf_clear(&b);
}

static void secrets_are_taken_out_and_what_is_around_them_stays(void **state)
{
    (void)state;
    char out[1024];
    unsigned count;
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        redact(secrets[i].text, out, sizeof out, &count);
        assert_string_equal(secrets[i].clean, out);
        assert_int_equal(1, count);
    }
}

static void what_is_no_secret_stays_as_it_is(void **state)
{
    (void)state;
    char out[1024];
    unsigned count;
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
        redact(harmless[i], out, sizeof out, &count);
        assert_string_equal(harmless[i], out);
        assert_int_equal(0, count);
    }
}

static void what_was_redacted_is_redacted_to_itself(void **state)
{
    (void)state;
    char out[1024];
    unsigned count;
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        redact(secrets[i].clean, out, sizeof out, &count);
        assert_string_equal(secrets[i].clean, out);
        assert_int_equal(0, count);
    }
}

static void several_secrets_of_a_text_are_all_found(void **state)
{
    (void)state;
    char out[1024];
    unsigned count;
    redact("A_SECRET=one B_SECRET=two\nC_PASS=\"three\"", out, sizeof out, &count);
    assert_string_equal("A_SECRET=[redacted:secret] B_SECRET=[redacted:secret]\n"
                        "C_PASS=\"[redacted:password]\"",
                        out);
    assert_int_equal(3, count);
}

static void object(const char *json, const char *want, unsigned count, bool signed_text)
{
    struct cht_buf b;
    struct claude_redacted told;
    cht_buf_init(&b, 4096);
    assert_true(json_span_object(cht_bytes_str(json)));
    assert_int_equal(CHT_OK, claude_redact_object(cht_bytes_str(json), &b, &told));
    assert_true(json_span_object(cht_buf_view(&b)));
    assert_int_equal(strlen(want), b.len);
    assert_memory_equal(want, b.data, b.len);
    assert_int_equal(count, told.count);
    assert_int_equal(signed_text, told.signed_text);
    cht_buf_clear(&b);
}

static void what_nests_too_deep_is_no_object(void **state)
{
    (void)state;
    char deep[2 * JSON_SPAN_DEPTH + 16];
    for (unsigned levels = JSON_SPAN_DEPTH - 1; levels <= JSON_SPAN_DEPTH; levels++) {
        memcpy(deep, "{\"a\":", 5);
        memset(deep + 5, '[', levels);
        memset(deep + 5 + levels, ']', levels);
        deep[5 + 2 * levels] = '}';
        assert_int_equal(levels < JSON_SPAN_DEPTH,
                         json_span_object(cht_bytes(deep, 6 + 2 * levels)));
    }
}

static void strings_without_secrets_keep_their_bytes(void **state)
{
    (void)state;
    const char *odd = "{ \"a\\u0041\" : [ \"\\/x\\ud83d\\ude00\", 1.50e+2 , {} ],\"b\":\"\\n\" }";
    object(odd, odd, 0, false);
}

static void secrets_behind_escapes_are_found(void **state)
{
    (void)state;
    object("{\"a\":\"A\\u005fSECRET=xyz\\nB=\\\"1\\\"\"}",
           "{\"a\":\"A_SECRET=[redacted:secret]\\nB=\\\"1\\\"\"}", 1, false);
}

static void the_value_of_a_key_that_names_a_secret_is_one(void **state)
{
    (void)state;
    object("{\"apiKey\":\"a1b2c3d4e5\",\"password\":\"tulip\",\"token\":\"string\",\"n\":{\"pwd\":"
           "\"rose\"}}",
           "{\"apiKey\":\"[redacted:secret]\",\"password\":\"[redacted:secret]\",\"token\":"
           "\"string\",\"n\":{\"pwd\":\"[redacted:secret]\"}}",
           3, false);
}

static void a_signed_text_with_a_secret_is_told(void **state)
{
    (void)state;
    object("{\"thinking\":\"A_SECRET=xyz\",\"signature\":\"abc\"}",
           "{\"thinking\":\"A_SECRET=[redacted:secret]\",\"signature\":\"abc\"}", 1, true);
    object("{\"thinking\":\"none\",\"signature\":\"abc\"}",
           "{\"thinking\":\"none\",\"signature\":\"abc\"}", 0, false);
}

/* A megabyte of beginnings that never become a secret: time has to stay in proportion. What is
 * compared is the time of one part with that of sixteen. */
static double seconds_of(const char *part, size_t bytes)
{
    struct cht_buf text, out;
    struct timespec from, to;
    unsigned count;
    cht_buf_init(&text, bytes + 64);
    cht_buf_init(&out, 32 * bytes + 64);
    while (text.len < bytes)
        assert_int_equal(CHT_OK, cht_buf_add(&text, cht_bytes_str(part)));
    assert_int_equal(0, clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from));
    assert_int_equal(CHT_OK, claude_redact_text(cht_buf_view(&text), &out, &count));
    assert_int_equal(0, clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to));
    cht_buf_clear(&text);
    cht_buf_clear(&out);
    return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static void texts_made_against_it_cost_in_proportion_to_their_length(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "sk-",     "eyJ-",        "a-",        "token=",           "token='x ", "://a:",
        "Bearer ", "-----BEGIN ", "password ", "eyJaaaaaaaaaaaa.", "token=\\\""
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const double small = seconds_of(parts[i], 1u << 14), large = seconds_of(parts[i], 1u << 18);
        /* squared it would be 256 times as much */
        assert_true(large < 0.05 || large < 80 * small);
    }
}

static void a_buffer_that_is_too_small_stays_as_it_was(void **state)
{
    (void)state;
    struct cht_buf b;
    unsigned count = 7;
    cht_buf_init(&b, 10);
    assert_int_equal(CHT_E_LIMIT, claude_redact_text(cht_bytes_str("A_SECRET=xyz"), &b, &count));
    assert_int_equal(0, b.len);
    assert_int_equal(7, count);
    cht_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_taken_out_and_what_is_around_them_stays),
        cmocka_unit_test(what_is_no_secret_stays_as_it_is),
        cmocka_unit_test(what_was_redacted_is_redacted_to_itself),
        cmocka_unit_test(several_secrets_of_a_text_are_all_found),
        cmocka_unit_test(what_nests_too_deep_is_no_object),
        cmocka_unit_test(strings_without_secrets_keep_their_bytes),
        cmocka_unit_test(secrets_behind_escapes_are_found),
        cmocka_unit_test(the_value_of_a_key_that_names_a_secret_is_one),
        cmocka_unit_test(a_signed_text_with_a_secret_is_told),
        cmocka_unit_test(texts_made_against_it_cost_in_proportion_to_their_length),
        cmocka_unit_test(a_buffer_that_is_too_small_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
