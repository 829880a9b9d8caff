/* Questions to a space of many todos (many.h): what a list by filters, a search and `ready` cost at
 * 1,000 … 1,000,000 todos (--quick: up to 100,000), asked of the real service in this process, the
 * answer made as a client gets it. Figures are those of the most todos; `_growth` is the median
 * there to that at 1,000. The bars are held against the
 * processor time of the 99th of a hundred: what a neighbour on the machine takes is in `_p99_us`.
 */
#include "tests/bench/bench.h"
#include "tests/bench/many.h"
#include "tests/support/mp_text.h"

#include "node/local/direct.h"
#include "node/service/service.h"

#include <stdio.h>

#define ASKED         300u
#define WARM          20u
#define SMALLEST      1000u
#define MOST          1000000u
#define MOST_SOON     100000u
#define LIST_BAR_MS   5.0
#define SEARCH_BAR_MS 20.0

enum asks {
    OPEN,
    PROJECT_OPEN,
    LABEL_OPEN,
    PERSON_OPEN,
    PROJECT_STATUS,
    OVERDUE,
    PROJECT_WORD,
    LABEL_WORD,
    READY,
    PROJECT_READY,
    WORD,
    WORDS,
    PREFIX,
    PHRASE,
    ASK_KINDS
};

static const struct {
    const char *p50, *p99, *cpu, *growth;
    double bar_ms;
} kinds[ASK_KINDS] = {
#define KIND(name, bar)                                                                            \
    {                                                                                              \
        name "_p50_us", name "_p99_us", name "_p99_cpu_us", name "_growth", bar                    \
    }
    [OPEN] = KIND("list_open", LIST_BAR_MS),
    [PROJECT_OPEN] = KIND("list_project_open", LIST_BAR_MS),
    [LABEL_OPEN] = KIND("list_label_open", LIST_BAR_MS),
    [PERSON_OPEN] = KIND("list_assignee_open", LIST_BAR_MS),
    [PROJECT_STATUS] = KIND("list_project_status", LIST_BAR_MS),
    [OVERDUE] = KIND("list_overdue", LIST_BAR_MS),
    [PROJECT_WORD] = KIND("list_project_word", LIST_BAR_MS),
    [LABEL_WORD] = KIND("list_label_word", LIST_BAR_MS),
    [READY] = KIND("ready", LIST_BAR_MS),
    [PROJECT_READY] = KIND("ready_project", LIST_BAR_MS),
    [WORD] = KIND("search_word", SEARCH_BAR_MS),
    [WORDS] = KIND("search_words", SEARCH_BAR_MS),
    [PREFIX] = KIND("search_prefix", SEARCH_BAR_MS),
    [PHRASE] = KIND("search_phrase", SEARCH_BAR_MS),
#undef KIND
};

/* --- questions ------------------------------------------------------------------------------- */

/* What a question of that kind asks for, as the local protocol has it. */
static void conditions(enum asks kind, uint64_t *random, char *out, size_t room)
{
    static const char *const states[] = { "pending", "in_progress", "blocked", "completed" };
    char project[CRDT_ID_TEXT_MAX], label[16], person[16], word[16], other[16];
    many_project(random, project);
    many_label(random, label);
    many_person(random, person);
    many_word(random, word);
    many_word(random, other);
    switch (kind) {
    case OPEN:
        (void)snprintf(out, room, "'is':['open']");
        break;
    case PROJECT_OPEN:
        (void)snprintf(out, room, "'is':['open'],'filter':{'project':'%s'}", project);
        break;
    case LABEL_OPEN:
        (void)snprintf(out, room, "'is':['open'],'filter':{'labels':'%s'}", label);
        break;
    case PERSON_OPEN:
        (void)snprintf(out, room, "'is':['open'],'filter':{'assignees':'%s'}", person);
        break;
    case PROJECT_STATUS:
        (void)snprintf(out, room, "'filter':{'project':'%s','status':'%s'}", project,
                       states[many_draw(random) % 4]);
        break;
    case OVERDUE:
        (void)snprintf(out, room, "'is':['overdue']");
        break;
    case PROJECT_WORD:
        (void)snprintf(out, room, "'text':'%s','filter':{'project':'%s'}", word, project);
        break;
    case LABEL_WORD:
        (void)snprintf(out, room, "'text':'%s','filter':{'labels':'%s'}", word, label);
        break;
    case READY:
        (void)snprintf(out, room, "'is':['ready']");
        break;
    case PROJECT_READY:
        (void)snprintf(out, room, "'is':['ready'],'filter':{'project':'%s'}", project);
        break;
    case WORD:
        (void)snprintf(out, room, "'text':'%s'", word);
        break;
    case WORDS:
        (void)snprintf(out, room, "'text':'%s %s'", word, other);
        break;
    case PREFIX:
        (void)snprintf(out, room, "'text':'%.3s*'", word);
        break;
    case PHRASE:
        (void)snprintf(out, room, "'text':'\"%s %s\"'", word, other);
        break;
    case ASK_KINDS:
        break;
    }
}

static enum cht_err commit(void *ctx, struct node_fault *fault)
{
    struct node_service *s = ctx;
    (void)fault;
    service_after(s, CHT_OK);
    return CHT_OK;
}

static enum cht_err hear(void *ctx, const struct node_msg *answer)
{
    *(uint64_t *)ctx += answer->payload.len;
    return CHT_OK;
}

struct took {
    double us, cpu_us;
};

static struct took ask_once(struct node_service *s, const char *text, struct cht_buf *of,
                            struct cht_buf *message)
{
    struct node_fault fault = { 0 };
    uint64_t heard = 0;
    cht_buf_reset(of);
    cht_buf_reset(message);
    const struct node_msg request = { .type = NODE_MSG_QUERY,
                                      .id = cht_bytes_str("q"),
                                      .payload = mp_of(of, text) };
    bench_must(node_msg_write(message, &request), "request");
    const struct local_handler handler = service_handler(s);
    double start = bench_now_us(), start_cpu = bench_cpu_us();
    service_turn(s, MANY_NOW_MS);
    if (node_local_direct(&handler, commit, s, cht_buf_view(message), hear, &heard, &fault) !=
        CHT_OK)
        bench_fail("%s: %s", text, cht_error_text(&fault.error));
    struct took t = { bench_now_us() - start, bench_cpu_us() - start_cpu };
    if (heard == 0)
        bench_fail("%s: no answer", text);
    return t;
}

/* --- the workload ---------------------------------------------------------------------------- */

struct times {
    double p50, p99, p99_cpu;
};

static struct times ask_kind(struct node_service *s, enum asks kind, struct cht_buf *of,
                             struct cht_buf *message)
{
    static double samples[ASKED], cpu[ASKED];
    char text[512];
    uint64_t random = 1000 + kind;
    for (uint32_t i = 0; i < WARM + ASKED; i++) {
        size_t len = (size_t)snprintf(text, sizeof text,
                                      "{'operation':'list','domain':'todos','limit':50,'fields':["
                                      "'content','status','priority','deadline','project'],");
        conditions(kind, &random, text + len, sizeof text - len - 1);
        (void)strcat(text, "}");
        struct took t = ask_once(s, text, of, message);
        if (i < WARM)
            continue;
        samples[i - WARM] = t.us;
        cpu[i - WARM] = t.cpu_us;
    }
    struct times t = { .p50 = bench_quantile(samples, ASKED, 0.5) };
    t.p99 = bench_quantile(samples, ASKED, 0.99);
    t.p99_cpu = bench_quantile(cpu, ASKED, 0.99);
    return t;
}

static void ask_all(const struct many *m, struct times out[static ASK_KINDS])
{
    struct node_service *s = NULL;
    struct cht_buf of, message;
    const struct service_options options = {
        .replica = m->r, .identity = &m->identity, .path = m->path, .device_name = "node"
    };
    cht_buf_init(&of, LIMIT_CLIENT_BYTES);
    cht_buf_init(&message, LIMIT_CLIENT_BYTES);
    bench_must(service_new(&options, &s), "service");
    for (int kind = 0; kind < ASK_KINDS; kind++)
        out[kind] = ask_kind(s, (enum asks)kind, &of, &message);
    service_free(s);
    cht_buf_clear(&of);
    cht_buf_clear(&message);
}

void bench_query(struct bench *b)
{
    struct many m;
    struct times least[ASK_KINDS], most[ASK_KINDS];
    const uint32_t upto = b->quick ? MOST_SOON : MOST;
    double made_us = 0;
    unsigned missed = 0;
    many_open(&m, b->folder);
    for (uint32_t count = SMALLEST; count <= upto; count *= 10) {
        double start = bench_now_us();
        many_grow(&m, count);
        made_us += bench_now_us() - start;
        ask_all(&m, count == SMALLEST ? least : most);
    }
    many_close(&m);
    bench_figure(b, "todos", upto);
    bench_figure(b, "made_todos_per_s", upto / made_us * 1e6);
    for (int kind = 0; kind < ASK_KINDS; kind++) {
        bench_figure(b, kinds[kind].p50, most[kind].p50);
        bench_figure(b, kinds[kind].p99, most[kind].p99);
        bench_figure(b, kinds[kind].cpu, most[kind].p99_cpu);
        bench_figure(b, kinds[kind].growth, most[kind].p50 / least[kind].p50);
        missed += most[kind].p99_cpu > kinds[kind].bar_ms * 1e3;
    }
    bench_figure(b, "kinds_beyond_their_bar", missed);
    bench_floor(b, "list_bar_us", LIST_BAR_MS * 1e3);
    bench_floor(b, "search_bar_us", SEARCH_BAR_MS * 1e3);
}
