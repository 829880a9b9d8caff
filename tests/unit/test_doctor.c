/* What the doctor makes of answers and of file systems that no test can mount. What it finds in
 * real homes is shown in tests/e2e/doctor.py. */
#include "node/client/mpmap.h"
#include "node/doctor/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OWN   "00000000000000000000000000000001"
#define OTHER "00000000000000000000000000000002"

static struct doctor_report report;
static struct doctor doctor = { .report = &report, .now_ms = UINT64_C(1800000000000) };

static int start(void **state)
{
    (void)state;
    doctor_report_clear(&report);
    doctor.device[0] = '\0';
    return 0;
}

static int end(void **state)
{
    (void)state;
    doctor_report_clear(&report);
    return 0;
}

static void put(enum cht_err err)
{
    assert_int_equal(CHT_OK, err);
}

/* The answer of a node with one other device, in that state, one wait or none, and what that device
 * was refused for or NULL. */
static struct cht_bytes health_of(struct cht_buf *b, const char *state, const char *wait,
                                  const char *refused)
{
    cht_buf_init(b, 4096);
    put(crdt_mp_put_map(b, 3));
    put(node_mp_put_text(b, "devices"));
    put(crdt_mp_put_array(b, 1));
    put(crdt_mp_put_map(b, 2));
    put(node_mp_put_key_text(b, "device", OTHER));
    put(node_mp_put_key_text(b, "name", "desk"));
    put(node_mp_put_text(b, "status"));
    put(crdt_mp_put_map(b, 2));
    put(node_mp_put_key_text(b, "device", OWN));
    put(node_mp_put_text(b, "peers"));
    put(crdt_mp_put_array(b, 1));
    put(crdt_mp_put_map(b, 4));
    put(node_mp_put_key_text(b, "device", OTHER));
    put(node_mp_put_key_text(b, "state", state));
    put(node_mp_put_key_uint(b, "lastSeen", UINT64_C(1799999000000)));
    put(node_mp_put_text(b, "refused"));
    put(crdt_mp_put_map(b, refused != NULL ? 2 : 0));
    if (refused != NULL) {
        put(node_mp_put_key_uint(b, refused, 12));
        put(node_mp_put_key_uint(b, "stall", 3));
    }
    put(node_mp_put_text(b, "waits"));
    put(crdt_mp_put_array(b, wait != NULL ? 1 : 0));
    if (wait != NULL) {
        put(crdt_mp_put_map(b, 4));
        put(node_mp_put_key_text(b, "device", OTHER));
        put(node_mp_put_key_uint(b, "seq", 7));
        put(node_mp_put_key_uint(b, "count", 3));
        put(node_mp_put_key_text(b, "for", wait));
    }
    return cht_buf_view(b);
}

static struct cht_bytes health(struct cht_buf *b, const char *state, const char *wait)
{
    return health_of(b, state, wait, NULL);
}

static void expect_one(enum doctor_severity severity, const char *check, const char *text)
{
    assert_int_equal(1, report.count);
    assert_int_equal(severity, report.items[0].severity);
    assert_string_equal(check, report.items[0].check);
    assert_non_null(strstr(report.items[0].text, text));
}

static void entries_that_need_a_newer_build_are_told(void **state)
{
    (void)state;
    struct cht_buf b;
    doctor_peers(&doctor, health(&b, "in sync", "build"));
    expect_one(DOCTOR_PROBLEM, "waits.build", "3 entries of desk (from 7 on) need a newer");
    assert_true(report.items[0].remedy[0] != '\0');
    cht_buf_clear(&b);
}

static void a_branch_that_waits_for_its_beginning_is_told(void **state)
{
    (void)state;
    struct cht_buf b;
    doctor_peers(&doctor, health(&b, "connected", "branch"));
    expect_one(DOCTOR_WARNING, "waits.entry", "wait for what it wrote before");
    cht_buf_clear(&b);
}

static void a_device_that_does_not_know_us_waits_to_be_introduced(void **state)
{
    (void)state;
    struct cht_buf b;
    doctor_peers(&doctor, health(&b, "waiting to be introduced", NULL));
    expect_one(DOCTOR_WARNING, "peers.introduce", "desk does not know this device yet");
    cht_buf_clear(&b);
}

static void a_device_that_is_away_is_told_with_when_it_was_here(void **state)
{
    (void)state;
    struct cht_buf b;
    doctor_peers(&doctor, health(&b, "away", NULL));
    expect_one(DOCTOR_NOTE, "peers.away", "desk has been unreachable since 2027-01-15T07:43:20");
    cht_buf_clear(&b);
}

static void nothing_is_said_of_a_device_in_sync(void **state)
{
    (void)state;
    struct cht_buf b;
    doctor_peers(&doctor, health(&b, "in sync", NULL));
    expect_one(DOCTOR_OK, "peers", "1 other device");
    assert_int_equal(0, report.counts[DOCTOR_PROBLEM] + report.counts[DOCTOR_WARNING]);
    cht_buf_clear(&b);
}

static void a_device_that_breaks_the_protocol_is_named_with_what_it_was_refused_for(void **state)
{
    (void)state;
    struct cht_buf b;
    doctor_peers(&doctor, health_of(&b, "in sync", NULL, "signature"));
    expect_one(DOCTOR_WARNING, "peers.refused", "desk sent what no honest node sends");
    assert_non_null(strstr(report.items[0].text, "(signature 12)"));
    assert_non_null(strstr(report.items[0].remedy, "revoke 00000000 --compromised"));
    cht_buf_clear(&b);
}

static void refusals_that_a_broken_link_explains_are_no_finding(void **state)
{
    (void)state;
    struct cht_buf b;
    doctor_peers(&doctor, health_of(&b, "in sync", NULL, "unplaced"));
    expect_one(DOCTOR_OK, "peers", "nothing waits");
    cht_buf_clear(&b);
}

static void an_answer_that_is_none_is_survived(void **state)
{
    (void)state;
    static const uint8_t nil[] = { 0xc0 };
    doctor_peers(&doctor, cht_bytes(nil, sizeof nil));
    doctor_port(&doctor, cht_bytes(NULL, 0));
    doctor_member(&doctor, cht_bytes(nil, sizeof nil));
    assert_true(doctor_said(&report, DOCTOR_PROBLEM, 0)); /* a member of nothing */
}

static void file_systems_in_memory_and_on_networks_are_known_by_number(void **state)
{
    (void)state;
    assert_string_equal("tmpfs", doctor_memory_disk(0x01021994));
    assert_string_equal("NFS", doctor_network_disk(0x6969));
    assert_string_equal("CIFS", doctor_network_disk(0xff534d42));
    assert_string_equal("CIFS", doctor_network_disk(UINT64_C(0xffffffffff534d42)));
    assert_null(doctor_memory_disk(0xef53)); /* ext4 */
    assert_null(doctor_network_disk(0xef53));
    assert_null(doctor_network_disk(0x9123683e)); /* btrfs */
}

static void too_long_a_text_is_cut_between_characters(void **state)
{
    (void)state;
    char text[2 * DOCTOR_TEXT_MAX];
    for (size_t i = 0; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "é", 3);
    doctor_say(&report, DOCTOR_NOTE, "x", "%s", text);
    doctor_remedy(&report, "a%s", text);
    assert_true(crdt_utf8_valid(cht_bytes_str(report.items[0].text)));
    assert_true(crdt_utf8_valid(cht_bytes_str(report.items[0].remedy)));
    assert_true(strlen(report.items[0].text) > DOCTOR_TEXT_MAX - 4);
}

static void findings_beyond_the_limit_are_counted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DOCTOR_FINDINGS_MAX + 5; i++) {
        doctor_say(&report, DOCTOR_PROBLEM, "x", "number %u", i);
        doctor_remedy(&report, "help %u", i);
    }
    assert_int_equal(DOCTOR_FINDINGS_MAX, report.count);
    assert_int_equal(DOCTOR_FINDINGS_MAX + 5, report.counts[DOCTOR_PROBLEM]);
    assert_string_equal("help 255", report.items[report.count - 1].remedy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, start, end)
        T(entries_that_need_a_newer_build_are_told),
        T(a_branch_that_waits_for_its_beginning_is_told),
        T(a_device_that_does_not_know_us_waits_to_be_introduced),
        T(a_device_that_is_away_is_told_with_when_it_was_here),
        T(nothing_is_said_of_a_device_in_sync),
        T(a_device_that_breaks_the_protocol_is_named_with_what_it_was_refused_for),
        T(refusals_that_a_broken_link_explains_are_no_finding),
        T(an_answer_that_is_none_is_survived),
        T(file_systems_in_memory_and_on_networks_are_known_by_number),
        T(too_long_a_text_is_cut_between_characters),
        T(findings_beyond_the_limit_are_counted),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
