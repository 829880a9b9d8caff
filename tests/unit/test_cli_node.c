/* chitty-node's own commands: what they ask, what they print, for people and as JSON. */
#include "cli/commands.h"
#include "tests/support/cli_fixture.h"

static const struct cli_answer status[] = {
    { NODE_MSG_ACK, "{'result':{'device':'ab','deviceName':'laptop','root':'00','vector':{'ab':12},"
                    "'counts':{'todos':3,'topics':0},'peers':[{'name':'desktop','state':"
                    "'connected'}],'waiting':0,'quarantined':0}}" },
    { NODE_MSG_ACK, NULL },
};

static void status_is_a_line_a_name(void **state)
{
    (void)state;
    assert_int_equal(0, cli_do(&cli_chitty_node, "status", status));
    assert_string_equal("command {\"name\":\"status\"}", cli_asked);
    assert_string_equal("device:        ab\n"
                        "deviceName:    laptop\n"
                        "root:          00\n"
                        "vector:        ab=12\n"
                        "counts:        todos=3  topics=0\n"
                        "peers:         1\n"
                        "  name=desktop  state=connected\n"
                        "waiting:       0\n"
                        "quarantined:   0\n",
                        cli_stdout);
    assert_int_equal(0, cli_do(&cli_chitty_node, "status|--json", status));
    assert_has(cli_stdout, "{\"schemaVersion\":1,\"kind\":\"status\",\"data\":{\"device\":\"ab\",");
}

static void what_a_peer_was_refused_stands_below_it(void **state)
{
    (void)state;
    static const struct cli_answer peers[] = {
        { NODE_MSG_ACK, "{'result':{'peers':[{'device':'cd','name':'mallory','state':'away',"
                        "'role':'member','lastSeen':0,'address':'','closedMs':750,'waiting':3,"
                        "'void':0,'branches':1,'refused':{'malformed':2,'flood':65}},"
                        "{'device':'ce','name':'calm','state':'away','role':'member',"
                        "'lastSeen':0,'address':'','refused':{},'void':2}]}}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(0, cli_do(&cli_chitty_node, "peers", peers));
    assert_has(cli_stdout,
               "\n    refused: 2 malformed, 65 flood, 750 ms still kept out; of it here: "
               "3 waiting, 1 branches\n");
    assert_has(cli_stdout, "\n    of it here: 2 void\n");
}

static void what_strangers_were_refused_is_the_last_line(void **state)
{
    (void)state;
    static const struct cli_answer peers[] = {
        { NODE_MSG_ACK,
          "{'result':{'peers':[],'strangers':{'keys':3,'invitations':0,'proofs':1}}}" },
        { NODE_MSG_ACK, NULL },
    };
    static const struct cli_answer quiet[] = {
        { NODE_MSG_ACK,
          "{'result':{'peers':[],'strangers':{'keys':0,'invitations':0,'proofs':0}}}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(0, cli_do(&cli_chitty_node, "peers", peers));
    assert_string_equal("strangers were refused: 3 handshakes of keys not admitted, "
                        "1 wrong codes or tickets\n",
                        cli_stdout);
    assert_int_equal(0, cli_do(&cli_chitty_node, "peers", quiet));
    assert_string_equal("", cli_stdout);
}

static void peers_are_a_table(void **state)
{
    (void)state;
    static const struct cli_answer peers[] = {
        { NODE_MSG_ACK, "{'result':{'peers':[{'device':'cd','name':'desktop','state':'connected',"
                        "'role':'admin','lastSeen':1767225600000,'address':'tcp://10.0.0.2:7400'},"
                        "{'device':'ef','name':'','state':'away','role':'writer'}]}}" },
        { NODE_MSG_ACK, NULL },
    };
    (void)setenv("TZ", "UTC0", 1);
    assert_int_equal(0, cli_do(&cli_chitty_node, "peers", peers));
    assert_string_equal(
        "desktop               connected     admin     2026-01-01 00:00  tcp://10.0.0.2:7400\n"
        "ef                    away          writer    -  \n",
        cli_stdout);
    assert_int_equal(0, cli_do(&cli_chitty_node, "peers|--json", peers));
    assert_has(cli_stdout, "\"kind\":\"peers\",\"data\":{\"peers\":[{");
}

static void the_ticket_is_the_last_line(void **state)
{
    (void)state;
    static const struct cli_answer ticket[] = {
        { NODE_MSG_ACK, "{'result':{'ticket':'chitty1-ABC','expires':1767229200000,"
                        "'addresses':['tcp://10.0.0.1:7400']}}" },
        { NODE_MSG_ACK, NULL },
    };
    (void)setenv("TZ", "UTC0", 1);
    assert_int_equal(0, cli_do(&cli_chitty_node, "invite|--ticket", ticket));
    assert_string_equal("command {\"name\":\"invite\",\"args\":{\"ticket\":true}}", cli_asked);
    assert_string_equal("On the other machine, once and before 2026-01-01 01:00:\n"
                        "  chitty-node join TICKET\nchitty1-ABC\n",
                        cli_stdout);
    assert_int_equal(0, cli_do(&cli_chitty_node, "invite|--ticket|--address|h:1|--json", ticket));
    assert_has(cli_asked, "\"address\":\"h:1\"");
    assert_has(cli_stdout, "\"ticket\":\"chitty1-ABC\"");
    assert_int_equal(2, cli_do(&cli_chitty_node, "invite|--address|h:1", ticket));
    assert_int_equal(0, cli_calls);
}

static void a_code_is_shown_with_all_that_happens_to_it(void **state)
{
    (void)state;
    static const struct cli_answer stages[] = {
        { NODE_MSG_EVENT,
          "{'progress':{'stage':'waiting','text':'t','code':'4812-0935-7662',"
          "'expires':1767229200000,'addresses':['10.0.0.1:7400','[fe80::1]:7400']}}" },
        { NODE_MSG_EVENT, "{'progress':{'stage':'waiting','text':'waiting'}}" },
        { NODE_MSG_EVENT, "{'progress':{'stage':'came','text':'t','from':'10.0.0.8'}}" },
        { NODE_MSG_EVENT, "{'progress':{'stage':'left','text':'it went','from':'10.0.0.8'}}" },
        { NODE_MSG_EVENT, "{'progress':{'stage':'words','text':'t','from':'10.0.0.9',"
                          "'words':['sleeve','lantern']}}" },
        { NODE_MSG_ACK, "{'result':{'device':'cd','name':'desktop','role':'admin',"
                        "'words':['sleeve','lantern']}}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(0, cli_do(&cli_chitty_node, "invite", stages));
    assert_string_equal("command {\"name\":\"invite\",\"args\":{\"code\":true}}", cli_asked);
    assert_string_equal("Code:  4812-0935-7662\n\n"
                        "On the other machine, once and within two minutes:\n"
                        "  chitty-node join 4812-0935-7662\n"
                        "Where that does not find this one, with:\n"
                        "  --at 10.0.0.1:7400\n  --at [fe80::1]:7400\n\n"
                        "10.0.0.8 has come.\n10.0.0.8 is gone: it went.\n"
                        "Check words, the same on both screens:\n  sleeve lantern\n"
                        "desktop has joined this space: admin, device cd\n",
                        cli_stdout);
    assert_int_equal(0, cli_do(&cli_chitty_node, "invite|--json", stages));
    assert_has(cli_stdout,
               "{\"schemaVersion\":1,\"kind\":\"invite\",\"data\":{\"stage\":\"waiting\",");
    assert_null(strstr(cli_stdout, "\"text\":\"waiting\""));
    assert_has(cli_stdout, "\"words\":[\"sleeve\",\"lantern\"]}}\n");
}

static void a_wrong_try_ends_the_invitation(void **state)
{
    (void)state;
    static const struct cli_answer burnt[] = {
        { NODE_MSG_EVENT, "{'progress':{'stage':'burnt','text':'t','from':'10.0.0.8'}}" },
        { NODE_MSG_ACK, "{'error':{'code':'signature','message':'a wrong code was tried',"
                        "'hint':'a new one: chitty-node invite','retryable':false}}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(4, cli_do(&cli_chitty_node, "invite", burnt));
    assert_has(cli_stderr, "a wrong code was tried");
    assert_has(cli_stderr, "a new one");
}

static void a_code_is_told_from_a_ticket_and_may_come_in_words(void **state)
{
    (void)state;
    static const struct cli_answer joined[] = {
        { NODE_MSG_EVENT,
          "{'progress':{'stage':'words','text':'t','words':['sleeve','lantern']}}" },
        { NODE_MSG_ACK, "{'result':{'space':'aa','device':'bb','peer':'laptop',"
                        "'words':['sleeve','lantern']}}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(0, cli_do(&cli_chitty_node, "join|4812|0935|7662|--at|h:1", joined));
    assert_string_equal("command {\"name\":\"join\",\"args\":{\"code\":\"4812 0935 7662\",\"at\":"
                        "\"h:1\"}}",
                        cli_asked);
    assert_string_equal("Check words, the same on both screens:\n  sleeve lantern\n"
                        "space:         aa\ndevice:        bb\npeer:          laptop\n",
                        cli_stdout);
    assert_int_equal(0, cli_do(&cli_chitty_node, "join|4812-0935-7662|--json", joined));
    assert_has(cli_asked, "\"code\":\"4812-0935-7662\"");
    assert_has(cli_stdout, "\"words\":[\"sleeve\",\"lantern\"]");
    assert_int_equal(2, cli_do(&cli_chitty_node, "join|1|2|3|4", joined));
}

static void join_passes_on_what_to_do_with_what_is_here(void **state)
{
    (void)state;
    static const struct cli_answer joined[] = {
        { NODE_MSG_EVENT, "{'progress':{'text':'fetching'}}" },
        { NODE_MSG_ACK, "{'result':{'space':'aa','device':'bb','peer':'laptop'}}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(0, cli_do(&cli_chitty_node, "join|chitty1-ABC|--bring|--at|h:1", joined));
    assert_string_equal("command {\"name\":\"join\",\"args\":{\"ticket\":\"chitty1-ABC\",\"at\":"
                        "\"h:1\",\"mode\":\"bring\"}}",
                        cli_asked);
    assert_has(cli_stdout, "peer:          laptop\n");
    assert_string_equal("", cli_stderr); /* progress is for terminals */
    assert_int_equal(0, cli_do(&cli_chitty_node, "join|chitty1-ABC|--keep-both", joined));
    assert_has(cli_asked, "\"mode\":\"keep-both\"");
    assert_int_equal(2, cli_do(&cli_chitty_node, "join|T|--keep-both|--bring", joined));
    assert_int_equal(2, cli_do(&cli_chitty_node, "join", joined));
}

static void a_peer_that_is_offline_has_a_status_of_its_own(void **state)
{
    (void)state;
    static const struct cli_answer gone[] = {
        { NODE_MSG_ACK, "{'error':{'code':'unreachable','message':'laptop does not answer'}}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(6, cli_do(&cli_chitty_node, "join|chitty1-ABC", gone));
}

static void verify_fails_when_it_finds_something(void **state)
{
    (void)state;
    static const struct cli_answer good[] = {
        { NODE_MSG_ACK, "{'result':{'ok':true,'root':'00','chains':2,'entries':7,'problems':[]}}" },
        { NODE_MSG_ACK, NULL },
    };
    static const struct cli_answer bad[] = {
        { NODE_MSG_ACK, "{'result':{'ok':false,'root':'00','chains':2,'entries':7,'problems':"
                        "[{'where':'log, row 7','what':'another hash'}]}}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(0, cli_do(&cli_chitty_node, "verify", good));
    assert_int_equal(1, cli_do(&cli_chitty_node, "verify", bad));
    assert_has(cli_stdout, "problems:      1\n  where=log, row 7  what=another hash\n");
    assert_has(cli_stderr, "1 problem found");
    assert_int_equal(1, cli_do(&cli_chitty_node, "verify|--json", bad));
    assert_has(cli_stdout, "\"ok\":false");
    assert_has(cli_stderr, "\"code\":\"corrupt\"");
}

static void rebuild_prints_the_new_root(void **state)
{
    (void)state;
    static const struct cli_answer rebuilt[] = {
        { NODE_MSG_ACK, "{'result':{'root':'00ff','entries':7,'entities':3}}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(0, cli_do(&cli_chitty_node, "rebuild", rebuilt));
    assert_string_equal("command {\"name\":\"rebuild\"}", cli_asked);
    assert_has(cli_stdout, "root:          00ff\n");
}

static void flags_of_run_are_checked_before_anything_runs(void **state)
{
    (void)state;
    assert_int_equal(2, cli_do(&cli_chitty_node, "run|--listne|x", status));
    assert_has(cli_stderr, "did you mean --listen?");
    assert_int_equal(2, cli_do(&cli_chitty_node, "run|--ready-fd|x", status));
    assert_int_equal(2, cli_do(&cli_chitty_node, "run|now", status));
    assert_int_equal(2, cli_do(&cli_chitty_node, "init|laptop", status));
    assert_has(cli_stderr, "usage is init");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_is_a_line_a_name),
        cmocka_unit_test(what_strangers_were_refused_is_the_last_line),
        cmocka_unit_test(peers_are_a_table),
        cmocka_unit_test(what_a_peer_was_refused_stands_below_it),
        cmocka_unit_test(the_ticket_is_the_last_line),
        cmocka_unit_test(a_code_is_shown_with_all_that_happens_to_it),
        cmocka_unit_test(a_wrong_try_ends_the_invitation),
        cmocka_unit_test(a_code_is_told_from_a_ticket_and_may_come_in_words),
        cmocka_unit_test(join_passes_on_what_to_do_with_what_is_here),
        cmocka_unit_test(a_peer_that_is_offline_has_a_status_of_its_own),
        cmocka_unit_test(verify_fails_when_it_finds_something),
        cmocka_unit_test(rebuild_prints_the_new_root),
        cmocka_unit_test(flags_of_run_are_checked_before_anything_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
