/* What a node and its discovery helper say to each other: every message is read as it was written,
 * and nothing else is read. */
#include "net/lookout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char txt[] = "\3v=1\5s=417";

static struct net_lookout of_kind(enum net_lookout_kind kind)
{
    struct net_lookout m = { .kind = kind,
                             .slot = NET_LOOKOUT_PAIRING,
                             .state = NET_LOOKOUT_RUNNING,
                             .dropped = 70000,
                             .name = cht_bytes_str("0123456789abcdef"),
                             .port = 7447,
                             .txt = cht_bytes(txt, sizeof txt - 1) };
    assert_int_equal(CHT_OK, net_host_set(&m.host, cht_bytes_str("192.168.1.7")));
    return m;
}

static void put(const struct net_lookout *m, struct cht_buf *out)
{
    cht_buf_init(out, NET_LOOKOUT_BYTES);
    assert_int_equal(CHT_OK, net_lookout_put(m, out));
}

static void every_kind_is_read_as_it_was_written(void **state)
{
    (void)state;
    for (unsigned kind = NET_LOOKOUT_ANNOUNCE; kind <= NET_LOOKOUT_TAKEN; kind++) {
        struct net_lookout m = of_kind((enum net_lookout_kind)kind), back;
        struct cht_buf packet, again;
        put(&m, &packet);
        assert_int_equal(CHT_OK, net_lookout_read(cht_buf_view(&packet), &back));
        assert_int_equal(kind, back.kind);
        put(&back, &again);
        assert_true(cht_bytes_eq(cht_buf_view(&packet), cht_buf_view(&again)));
        cht_buf_clear(&packet);
        cht_buf_clear(&again);
    }
}

static void what_was_found_comes_through_whole(void **state)
{
    (void)state;
    struct net_lookout m = of_kind(NET_LOOKOUT_FOUND), back;
    struct cht_buf packet;
    put(&m, &packet);
    assert_int_equal(CHT_OK, net_lookout_read(cht_buf_view(&packet), &back));
    assert_true(cht_bytes_eq(m.name, back.name));
    assert_true(cht_bytes_eq(m.txt, back.txt));
    assert_int_equal(7447, back.port);
    assert_int_equal(m.host.len, back.host.len);
    assert_memory_equal(m.host.text, back.host.text, m.host.len);
    cht_buf_clear(&packet);
}

static void a_message_cut_anywhere_or_with_something_behind_it_is_refused(void **state)
{
    (void)state;
    for (unsigned kind = NET_LOOKOUT_ANNOUNCE; kind <= NET_LOOKOUT_TAKEN; kind++) {
        struct net_lookout m = of_kind((enum net_lookout_kind)kind), back;
        struct cht_buf packet;
        put(&m, &packet);
        for (size_t len = 0; len < packet.len; len++)
            assert_int_equal(CHT_E_MALFORMED, net_lookout_read(cht_bytes(packet.data, len), &back));
        assert_int_equal(CHT_OK, cht_buf_add_u8(&packet, 0));
        assert_int_equal(CHT_E_MALFORMED, net_lookout_read(cht_buf_view(&packet), &back));
        cht_buf_clear(&packet);
    }
}

static enum cht_err read_text(const char *bytes, size_t len)
{
    struct net_lookout m;
    return net_lookout_read(cht_bytes(bytes, len), &m);
}
#define READ(bytes) read_text(bytes, sizeof(bytes) - 1)

static void values_that_are_none_are_refused(void **state)
{
    (void)state;
    assert_int_equal(CHT_E_MALFORMED, READ("\0"));
    assert_int_equal(CHT_E_MALFORMED, READ("\10\0"));
    assert_int_equal(CHT_E_MALFORMED, READ("\2\2"));             /* a slot that is none */
    assert_int_equal(CHT_E_MALFORMED, READ("\4\0\0\0\0\0"));     /* a state that is none */
    assert_int_equal(CHT_E_MALFORMED, READ("\4\4\0\0\0\0"));     /* another */
    assert_int_equal(CHT_E_MALFORMED, READ("\6\0"));             /* an empty name */
    assert_int_equal(CHT_E_MALFORMED, READ("\5\1a\1x\0\0\0\0")); /* port 0 */
    assert_int_equal(CHT_E_MALFORMED, READ("\5\1a\0\1\0\0\0"));  /* an empty host */
    assert_int_equal(CHT_E_MALFORMED, READ("\5\1a\1/\1\0\0\0")); /* a host that is none */
    assert_int_equal(CHT_OK, READ("\5\1a\1x\1\0\0\0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read_as_it_was_written),
        cmocka_unit_test(what_was_found_comes_through_whole),
        cmocka_unit_test(a_message_cut_anywhere_or_with_something_behind_it_is_refused),
        cmocka_unit_test(values_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
