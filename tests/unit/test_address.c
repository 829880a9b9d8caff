/* Normalised addresses of repositories (PROTOCOL 1.9). */
#include "crdt/address.h"
#include "crdt/limits.h"
#include "crdt/natural.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void normal(const char *text, char out[static LIMIT_TITLE_BYTES + 1])
{
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_TITLE_BYTES);
    const enum cht_err err = crdt_address_normal(cht_bytes_str(text), &b);
    if (err != CHT_OK)
        print_error("%s\n", text);
    assert_int_equal(CHT_OK, err);
    memcpy(out, b.data, b.len);
    out[b.len] = '\0';
    cht_buf_clear(&b);
}

static const char *const pairs[][2] = {
    { "https://github.com/chittyos/chitty-node.git", "github.com/chittyos/chitty-node" },
    { "https://github.com/ChittyOS/Chitty-Node.GIT/", "github.com/chittyos/chitty-node" },
    { "git@github.com:chittyos/chitty-node.git", "github.com/chittyos/chitty-node" },
    { "ssh://git@GitHub.COM:22/chittyos/chitty-node", "github.com/chittyos/chitty-node" },
    { "git+ssh://git@github.com/chittyos/chitty-node", "github.com/chittyos/chitty-node" },
    { "git://github.com:9418//chittyos///chitty-node.git//", "github.com/chittyos/chitty-node" },
    { "HTTPS://me:p@ss@github.com:443/a/b?x=1#top", "github.com/a/b" },
    { "http://example.org:80/a/b", "example.org/a/b" },
    { "http://example.org:443/a/b", "example.org:443/a/b" },
    { "ssh://example.org:2222/a/b", "example.org:2222/a/b" },
    { "ssh://example.org:02222/a/b", "example.org:2222/a/b" },
    { "ssh://example.org:/a/b", "example.org/a/b" },
    { "https://Example.Org./Team/Repo.git", "example.org/Team/Repo" },
    { "svn://example.org:3690/a", "example.org:3690/a" },
    { "example.org:a/b.git", "example.org/a/b" },
    { "work:repo.git", "work/repo" },
    { "me@example.org:~/repo.git", "example.org/~/repo" },
    { "me@example.org:/srv/git/repo.git", "example.org/srv/git/repo" },
    { "me@example.org:2222/repo.git", "example.org/2222/repo" },
    { "me@example.org:what?#is", "example.org/what?#is" },
    { "me@example.org:a:b@c", "example.org/a:b@c" },
    { "ssh://[2001:DB8::1]:2222/repo.git", "[2001:db8::1]:2222/repo" },
    { "ssh://git@[::1]/repo.git", "[::1]/repo" },
    { "git@[2001:DB8::1]:repo.git", "[2001:db8::1]/repo" },
    { "ssh://b\xc3\xbc"
      "cher.example/Repo",
      "b\xc3\xbc"
      "cher.example/Repo" },
    { "example.org:2222/a/b", "example.org:2222/a/b" },
    { "example.org/a.git.git", "example.org/a" },
    { "https://example.org/a%20b", "example.org/a%20b" },
    { "/srv/me/src/repo", "file:/srv/me/src/repo" },
    { "/srv/me/src/repo/.git", "file:/srv/me/src/repo" },
    { "//srv//me/My Repo.git/", "file:/srv/me/My Repo" },
    { "file:///srv/git/repo.git", "file:/srv/git/repo" },
    { "file://localhost/srv/git/repo.git", "file:/srv/git/repo" },
    { "FILE:/srv/git/What?#Is", "file:/srv/git/What?#Is" },
};

static void addresses_of_one_repository_are_one(void **state)
{
    (void)state;
    char got[LIMIT_TITLE_BYTES + 1];
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        normal(pairs[i][0], got);
        assert_string_equal(pairs[i][1], got);
    }
}

static void a_normalised_address_is_read_as_itself(void **state)
{
    (void)state;
    char got[LIMIT_TITLE_BYTES + 1];
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        normal(pairs[i][1], got);
        assert_string_equal(pairs[i][1], got);
    }
}

static void what_is_no_address_is_refused_and_nothing_is_appended(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "repo",
        "repo.git",
        ".",
        "./repo",
        "../repo",
        "/",
        "//",
        "/.git",
        "file:",
        "file:///",
        "file://other/srv/repo",
        "https://",
        "https:///a/b",
        "https://example.org",
        "https://example.org/",
        "https://example.org/.git",
        "https://example.org?a/b",
        "https://./a",
        "https://:443/a",
        "https://example.org:0/a",
        "https://example.org:65536/a",
        "https://example.org:99999999999999999999/a",
        "https://example.org:4x/a",
        "https://exa mple.org/a",
        "https://example.org/a b",
        "https://exa$mple.org/a",
        "https://[::1/a",
        "https://[]/a",
        "https://[::1]x/a",
        "me@example.org",
        "me@example.org/a",
        "@:a",
        ":a/b",
        "example.org:",
        "1http://",
        "see: there",
        "/srv/me/line\nbreak",
        "/srv/me/\x7f",
        "/srv/me/\xff",
        "example.org:\x1b[31m",
    };
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_TITLE_BYTES);
    assert_int_equal(CHT_OK, cht_buf_add(&b, cht_bytes_str("before")));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const enum cht_err err = crdt_address_normal(cht_bytes_str(bad[i]), &b);
        if (err != CHT_E_INVALID)
            print_error("%s: %.*s\n", bad[i], (int)b.len, (const char *)b.data);
        assert_int_equal(CHT_E_INVALID, err);
        assert_true(cht_bytes_eq(cht_bytes_str("before"), cht_buf_view(&b)));
    }
    assert_int_equal(CHT_E_INVALID, crdt_address_normal(cht_bytes("/a\0b", 4), &b));
    cht_buf_clear(&b);
}

static void an_address_is_bounded(void **state)
{
    (void)state;
    static char text[LIMIT_TITLE_BYTES + 2];
    struct cht_buf b;
    cht_buf_init(&b, 2 * LIMIT_TITLE_BYTES);
    memset(text, 'a', sizeof text);
    text[0] = '/';
    assert_int_equal(CHT_E_LIMIT, crdt_address_normal(cht_bytes(text, LIMIT_TITLE_BYTES + 1), &b));
    assert_int_equal(CHT_E_LIMIT, crdt_address_normal(cht_bytes(text, LIMIT_TITLE_BYTES), &b));
    assert_int_equal(0, b.len);
    assert_int_equal(CHT_OK, crdt_address_normal(cht_bytes(text, LIMIT_TITLE_BYTES - 5), &b));
    assert_int_equal(LIMIT_TITLE_BYTES, b.len);
    cht_buf_clear(&b);
}

/* PROTOCOL 1.8: computed by a few lines of Python (hashlib.blake2b, digest_size 16). */
static void a_repository_has_its_id_from_its_address(void **state)
{
    (void)state;
    char key[LIMIT_TITLE_BYTES + 1], hex[2 * CRDT_ID_BYTES + 1];
    struct crdt_id id;
    normal("git@github.com:chittyos/chitty-node.git", key);
    crdt_natural_id(CRDT_REPO, cht_bytes_str("repo"), cht_bytes_str(key), &id);
    crdt_hex(cht_bytes(id.b, sizeof id.b), hex);
    assert_string_equal("27e15bae6de040eddceae051d2fa9253", hex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_one_repository_are_one),
        cmocka_unit_test(a_normalised_address_is_read_as_itself),
        cmocka_unit_test(what_is_no_address_is_refused_and_nothing_is_appended),
        cmocka_unit_test(an_address_is_bounded),
        cmocka_unit_test(a_repository_has_its_id_from_its_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
