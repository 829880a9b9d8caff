/* Tickets as text (PROTOCOL 7.7). The golden ticket was computed in Python. */
#include "net/ticket.h"

#include "tests/support/identities.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define EXPIRES_MS UINT64_C(1767225600000)

static const char golden[] =
    "chitty1-05E69ARDBZS3W9X7JJGBZ3CEYXX5S73DY9GWKJW40HTQETNEZKCM9D056A7TPA7S"
    "PEMNXX04J39XX13V9T89QFKZZS2C8SD2401QTR4EWDC9FMRYZ5SF0ZVMH4PB1XSZ2C0020G3"
    "0G2GC1R81450P30D1R7G1A6TETDG2000YCEF47021GRKJCHE64V3GBHH5RS303B6CMW30EHT"
    "64JQEV31DRR1DKKNCW";

/* A space founded by device 0x10, and a ticket of it with two hosts. */
static int set_up(void **state)
{
    static struct net_ticket t;
    struct net_identity inviter;
    struct cht_buf found = { .limit = LIMIT_RECORD_BYTES };
    identity_of(0x10, &inviter);
    t = (struct net_ticket){
        .expires_ms = EXPIRES_MS, .pair_port = 7411, .sync_port = 7410, .host_count = 2
    };
    assert_int_equal(CHT_OK, found_by(&inviter, &found, t.space));
    cht_buf_clear(&found);
    memcpy(t.sign_pk, inviter.cert.sign_pk, sizeof t.sign_pk);
    memcpy(t.transport_pk, inviter.cert.transport_pk, sizeof t.transport_pk);
    for (uint8_t i = 0; i < sizeof t.secret; i++)
        t.secret[i] = i;
    assert_int_equal(CHT_OK, net_host_set(&t.hosts[0], cht_bytes_str("192.168.1.20")));
    assert_int_equal(CHT_OK, net_host_set(&t.hosts[1], cht_bytes_str("fe80::1%wlan0")));
    *state = &t;
    return 0;
}

static void assert_same(const struct net_ticket *a, const struct net_ticket *b)
{
    assert_memory_equal(a->space, b->space, sizeof a->space);
    assert_memory_equal(a->sign_pk, b->sign_pk, sizeof a->sign_pk);
    assert_memory_equal(a->transport_pk, b->transport_pk, sizeof a->transport_pk);
    assert_memory_equal(a->secret, b->secret, sizeof a->secret);
    assert_true(a->expires_ms == b->expires_ms);
    assert_int_equal(a->pair_port, b->pair_port);
    assert_int_equal(a->sync_port, b->sync_port);
    assert_int_equal(a->host_count, b->host_count);
    for (size_t i = 0; i < a->host_count; i++) {
        assert_int_equal(a->hosts[i].len, b->hosts[i].len);
        assert_memory_equal(a->hosts[i].text, b->hosts[i].text, a->hosts[i].len);
    }
}

static void a_ticket_has_the_text_written_down_here(void **state)
{
    const struct net_ticket *t = *state;
    char text[NET_TICKET_TEXT_MAX];
    assert_int_equal(sizeof golden - 1, net_ticket_text(t, text));
    assert_string_equal(golden, text);
}

static void a_ticket_is_read_back(void **state)
{
    const struct net_ticket *t = *state;
    struct net_ticket back;
    assert_int_equal(CHT_OK, net_ticket_parse(cht_bytes_str(golden), &back, NULL));
    assert_same(t, &back);
}

static void reading_forgives_case_lookalikes_and_how_it_was_pasted(void **state)
{
    const struct net_ticket *t = *state;
    struct net_ticket back;
    char text[2 * sizeof golden + 8];
    size_t len = 0;
    text[len++] = ' ';
    text[len++] = '\n';
    for (size_t i = 0; i < sizeof golden - 1; i++) {
        char c = golden[i];
        text[len++] = (char)(i < 8 ? toupper(c) : c == '1' ? 'l' : c == '0' ? 'o' : tolower(c));
        if (i > 8 && i % 60 == 0) {
            text[len++] = '\r';
            text[len++] = '\n';
        } else if (i > 8 && i % 7 == 0) {
            text[len++] = '-';
        }
    }
    text[len++] = '\n';
    assert_int_equal(CHT_OK, net_ticket_parse(cht_bytes(text, len), &back, NULL));
    assert_same(t, &back);
}

static void the_longest_ticket_fits_its_buffer(void **state)
{
    struct net_ticket t = *(const struct net_ticket *)*state, back;
    char text[NET_TICKET_TEXT_MAX], host[NET_HOST_BYTES];
    memset(host, 'h', sizeof host);
    t.host_count = NET_TICKET_HOSTS;
    for (size_t i = 0; i < NET_TICKET_HOSTS; i++)
        assert_int_equal(CHT_OK, net_host_set(&t.hosts[i], cht_bytes(host, sizeof host)));
    size_t len = net_ticket_text(&t, text);
    assert_true(len < sizeof text);
    assert_int_equal(CHT_OK, net_ticket_parse(cht_bytes(text, len), &back, NULL));
    assert_same(&t, &back);
    text[len] = '0'; /* one more digit */
    assert_int_equal(CHT_E_INVALID, net_ticket_parse(cht_bytes(text, len + 1), &back, NULL));
}

static void any_other_digit_in_any_place_is_noticed(void **state)
{
    (void)state;
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    struct net_ticket back = { .host_count = 77 };
    char text[sizeof golden];
    memcpy(text, golden, sizeof text);
    for (size_t i = 8; i < sizeof golden - 1; i++) {
        for (size_t d = 0; d < 32; d++) {
            if (digits[d] == golden[i])
                continue;
            text[i] = digits[d];
            assert_int_equal(CHT_E_INVALID, net_ticket_parse(cht_bytes_str(text), &back, NULL));
        }
        text[i] = golden[i];
    }
    assert_int_equal(77, back.host_count);
}

static void two_digits_swapped_are_noticed(void **state)
{
    (void)state;
    struct net_ticket back;
    char text[sizeof golden];
    for (size_t i = 8; i + 2 < sizeof golden; i++) {
        memcpy(text, golden, sizeof text);
        text[i] = golden[i + 1];
        text[i + 1] = golden[i];
        enum cht_err want = golden[i] == golden[i + 1] ? CHT_OK : CHT_E_INVALID;
        assert_int_equal(want, net_ticket_parse(cht_bytes_str(text), &back, NULL));
    }
}

static void a_ticket_cut_short_is_told_so(void **state)
{
    (void)state;
    struct net_ticket back;
    struct cht_error detail;
    for (size_t len = 0; len < sizeof golden - 1; len++) {
        detail = (struct cht_error){ .code = CHT_OK };
        assert_int_equal(CHT_E_INVALID, net_ticket_parse(cht_bytes(golden, len), &back, &detail));
        assert_int_equal(CHT_E_INVALID, detail.code);
        assert_non_null(strstr(detail.text, len < 8 ? "does not start with" : "cut short"));
    }
}

struct wrong {
    const char *text;
    enum cht_err want;
    const char *says;
};

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        { "", CHT_E_INVALID, "not a ticket" },
        { "CHITTY-TODO-00000000000000000000000000", CHT_E_INVALID, "not a ticket" },
        { "chitty2-05E69A", CHT_E_UNSUPPORTED, "newer version" },
        { "chitty1-", CHT_E_INVALID, "cut short" },
        { "chitty1-05E69ARDU", CHT_E_INVALID, "no ticket has" },
        { "chitty1-05E69ARD*", CHT_E_INVALID, "no ticket has" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct net_ticket back;
        struct cht_error detail = { .code = CHT_OK };
        assert_int_equal(cases[i].want,
                         net_ticket_parse(cht_bytes_str(cases[i].text), &back, &detail));
        assert_int_equal(cases[i].want, detail.code);
        assert_non_null(strstr(detail.text, cases[i].says));
    }
    char text[sizeof golden];
    struct net_ticket back;
    struct cht_error detail;
    memcpy(text, golden, sizeof text);
    text[100] = text[100] == 'A' ? 'B' : 'A';
    assert_int_equal(CHT_E_INVALID, net_ticket_parse(cht_bytes_str(text), &back, &detail));
    assert_non_null(strstr(detail.text, "a character of the ticket is wrong"));
}

static const char newer[] =
    "chitty1-09E69ARDBZS3W9X7JJGBZ3CEYXX5S73DY9GWKJW40HTQETNEZKCM9D056A7TPA7S"
    "PEMNXX04J39XX13V9T89QFKZZS2C8SD2401QTR4EWDC9FMRYZ5SF0ZVMH4PB1XSZ2C0020G3"
    "0G2GC1R81450P30D1R7G1A6TETDG2000YCEF470105GKC85D2W";
static const char hostless[] =
    "chitty1-05E69ARDBZS3W9X7JJGBZ3CEYXX5S73DY9GWKJW40HTQETNEZKCM9D056A7TPA7S"
    "PEMNXX04J39XX13V9T89QFKZZS2C8SD2401QTR4EWDC9FMRYZ5SF0ZVMH4PB1XSZ2C0020G3"
    "0G2GC1R81450P30D1R7G1A6TETDG2000YCEF4700HE2CQG0";
static const char bad_host[] =
    "chitty1-05E69ARDBZS3W9X7JJGBZ3CEYXX5S73DY9GWKJW40HTQETNEZKCM9D056A7TPA7S"
    "PEMNXX04J39XX13V9T89QFKZZS2C8SD2401QTR4EWDC9FMRYZ5SF0ZVMH4PB1XSZ2C0020G3"
    "0G2GC1R81450P30D1R7G1A6TETDG2000YCEF47010DGJYRP4AG1ZP";

/* A right checksum over what no ticket says. */
static void a_ticket_of_another_version_or_content_is_told_from_a_mistyped_one(void **state)
{
    (void)state;
    struct net_ticket back;
    struct cht_error detail;
    assert_int_equal(CHT_E_UNSUPPORTED, net_ticket_parse(cht_bytes_str(newer), &back, &detail));
    assert_non_null(strstr(detail.text, "newer version"));
    assert_int_equal(CHT_E_INVALID, net_ticket_parse(cht_bytes_str(hostless), &back, &detail));
    assert_non_null(strstr(detail.text, "content"));
    assert_int_equal(CHT_E_INVALID, net_ticket_parse(cht_bytes_str(bad_host), &back, &detail));
    assert_non_null(strstr(detail.text, "content"));
}

static void a_host_is_what_an_address_can_be(void **state)
{
    (void)state;
    struct net_host host = { .len = 77 };
    char longest[NET_HOST_BYTES + 1];
    memset(longest, 'a', sizeof longest);
    static const char *const bad[] = { "", "a b", "a/b", "[::1]", "tcp://x", "a\n", "b\303\274ro" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(CHT_E_INVALID, net_host_set(&host, cht_bytes_str(bad[i])));
    assert_int_equal(CHT_E_INVALID, net_host_set(&host, cht_bytes(longest, sizeof longest)));
    assert_int_equal(77, host.len);
    assert_int_equal(CHT_OK, net_host_set(&host, cht_bytes(longest, NET_HOST_BYTES)));
    assert_int_equal(CHT_OK, net_host_set(&host, cht_bytes_str("home-server.local")));
    assert_int_equal(17, host.len);
}

static void a_ticket_expires(void **state)
{
    const struct net_ticket *t = *state;
    assert_int_equal(CHT_OK, net_ticket_check(t, EXPIRES_MS - 1));
    assert_int_equal(CHT_E_EXPIRED, net_ticket_check(t, EXPIRES_MS));
    assert_int_equal(CHT_E_EXPIRED, net_ticket_check(t, UINT64_MAX));
}

static void clearing_a_ticket_wipes_its_secret(void **state)
{
    struct net_ticket t = *(const struct net_ticket *)*state;
    static const struct net_ticket zero;
    net_ticket_clear(&t);
    net_ticket_clear(NULL);
    assert_memory_equal(&zero, &t, sizeof t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_ticket_has_the_text_written_down_here, set_up),
        cmocka_unit_test_setup(a_ticket_is_read_back, set_up),
        cmocka_unit_test_setup(reading_forgives_case_lookalikes_and_how_it_was_pasted, set_up),
        cmocka_unit_test_setup(the_longest_ticket_fits_its_buffer, set_up),
        cmocka_unit_test_setup(any_other_digit_in_any_place_is_noticed, set_up),
        cmocka_unit_test_setup(two_digits_swapped_are_noticed, set_up),
        cmocka_unit_test_setup(a_ticket_cut_short_is_told_so, set_up),
        cmocka_unit_test_setup(what_is_wrong_is_said, set_up),
        cmocka_unit_test_setup(a_ticket_of_another_version_or_content_is_told_from_a_mistyped_one,
                               set_up),
        cmocka_unit_test_setup(a_host_is_what_an_address_can_be, set_up),
        cmocka_unit_test_setup(a_ticket_expires, set_up),
        cmocka_unit_test_setup(clearing_a_ticket_wipes_its_secret, set_up),
    };
    return cmocka_run_group_tests_name("ticket", tests, NULL, NULL);
}
