/* The runner's tools that ask the client something before they answer. They are written once: a
 * modern client is sent away with the questions and comes again, a legacy one is asked. */
#include "tests/mcp/fixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ELICIT "elicitation/create"
#define SAMPLE "sampling/createMessage"
#define ROOTS  "roots/list"

/* A form of one field. */
#define FORM(message, field, type)                                                                 \
    "{\"message\":\"" message                                                                      \
    "\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{\"" field "\":{\"type\":\"" type  \
    "\"}},\"required\":[\"" field "\"]}}"
#define SAMPLE_OF(text, tokens)                                                                    \
    "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"" text            \
    "\"}}],\"maxTokens\":" tokens "}"

struct question {
    const char *key, *method, *params; /* params: JSON text */
};

static void ask(struct mcp_call *call, const struct question *questions, size_t count,
                json_t *state)
{
    struct mcp_ask asks[MCP_LIMIT_ASKS];
    for (size_t i = 0; i < count; i++)
        asks[i] = (struct mcp_ask){ .key = questions[i].key,
                                    .method = questions[i].method,
                                    .params = json_loads(questions[i].params, 0, NULL) };
    mcp_ask(call, asks, count, state);
}

/* The field of a form that was filled in and sent; NULL: it was not. */
static const json_t *filled(const struct mcp_call *call, const char *key, const char *field)
{
    const json_t *input = mcp_input(call, key);
    const char *action = json_string_value(json_object_get(input, "action"));
    if (action == NULL || strcmp(action, "accept") != 0)
        return NULL;
    return json_object_get(json_object_get(input, "content"), field);
}

static const char *sampled(const struct mcp_call *call, const char *key)
{
    return json_string_value(
        json_object_get(json_object_get(mcp_input(call, key), "content"), "text"));
}

__attribute__((format(printf, 2, 3))) static void answer(struct mcp_call *call, const char *format,
                                                         ...)
{
    char text[4096];
    va_list rest;
    va_start(rest, format);
    (void)vsnprintf(text, sizeof text, format, rest);
    va_end(rest);
    mcp_answer_text(call, text, NULL);
}

/* --- one question ----------------------------------------------------------------------------- */

static void ask_name(struct mcp_call *call, const json_t *arguments, void *user)
{
    static const struct question name = { "user_name", ELICIT,
                                          FORM("What is your name?", "name", "string") };
    (void)arguments;
    (void)user;
    const char *given = json_string_value(filled(call, name.key, "name"));
    if (given == NULL)
        ask(call, &name, 1, NULL);
    else
        answer(call, "Hello, %s!", given);
}

static void ask_capital(struct mcp_call *call, const json_t *arguments, void *user)
{
    static const struct question capital = { "capital_question", SAMPLE,
                                             SAMPLE_OF("What is the capital of France?", "100") };
    (void)arguments;
    (void)user;
    const char *given = sampled(call, capital.key);
    if (given == NULL)
        ask(call, &capital, 1, NULL);
    else
        answer(call, "%s", given);
}

static void ask_roots(struct mcp_call *call, const json_t *arguments, void *user)
{
    static const struct question roots = { "client_roots", ROOTS, "{}" };
    (void)arguments;
    (void)user;
    const json_t *given = json_object_get(mcp_input(call, roots.key), "roots");
    if (!json_is_array(given))
        ask(call, &roots, 1, NULL);
    else
        answer(call, "Found %zu roots", json_array_size(given));
}

static void ask_in_stream(struct mcp_call *call, const json_t *arguments, void *user)
{
    mcp_progress(call, 50, 100, "before the question");
    ask_name(call, arguments, user);
}

/* --- state ------------------------------------------------------------------------------------ */

/* `user` is what it says at last. */
static void ask_with_state(struct mcp_call *call, const json_t *arguments, void *user)
{
    static const struct question confirm = { "confirm", ELICIT,
                                             FORM("Please confirm", "ok", "boolean") };
    (void)arguments;
    const char *kind = json_string_value(json_object_get(mcp_state(call), "kind"));
    if (kind != NULL && strcmp(kind, "confirm") == 0 && json_is_true(filled(call, "confirm", "ok")))
        answer(call, "%s", (const char *)user);
    else
        ask(call, &confirm, 1, json_pack("{s:s}", "kind", "confirm"));
}

static void ask_many(struct mcp_call *call, const json_t *arguments, void *user)
{
    static const struct question all[] = {
        { "user_name", ELICIT, FORM("What is your name?", "name", "string") },
        { "greeting", SAMPLE, SAMPLE_OF("Generate a greeting", "50") },
        { "client_roots", ROOTS, "{}" },
    };
    (void)arguments;
    (void)user;
    const char *name = json_string_value(filled(call, "user_name", "name"));
    const char *greeting = sampled(call, "greeting");
    const json_t *roots = json_object_get(mcp_input(call, "client_roots"), "roots");
    if (mcp_state(call) == NULL || name == NULL || greeting == NULL || !json_is_array(roots))
        ask(call, all, 3, json_pack("{s:s}", "kind", "many"));
    else
        answer(call, "Name: %s; Greeting: %s; Roots: %zu", name, greeting, json_array_size(roots));
}

static void ask_twice(struct mcp_call *call, const json_t *arguments, void *user)
{
    static const struct question first = { "step1", ELICIT,
                                           FORM("Step 1: What is your name?", "name", "string") };
    static const struct question second = {
        "step2", ELICIT, FORM("Step 2: What is your favorite color?", "color", "string")
    };
    (void)arguments;
    (void)user;
    json_int_t round = json_integer_value(json_object_get(mcp_state(call), "round"));
    const char *name = json_string_value(filled(call, "step1", "name"));
    const char *color = json_string_value(filled(call, "step2", "color"));
    if (round == 1 && name != NULL)
        ask(call, &second, 1, json_pack("{s:i,s:s}", "round", 2, "name", name));
    else if (round == 2 && color != NULL)
        answer(call, "%s likes %s", json_string_value(json_object_get(mcp_state(call), "name")),
               color);
    else
        ask(call, &first, 1, json_pack("{s:i}", "round", 1));
}

static void ask_what_it_can(struct mcp_call *call, const json_t *arguments, void *user)
{
    static const struct question form = { "elicit_input", ELICIT,
                                          FORM("Elicitation input", "value", "string") };
    static const struct question sample = { "sample_input", SAMPLE,
                                            SAMPLE_OF("Sample request", "50") };
    (void)arguments;
    (void)user;
    struct question can[2];
    size_t count = 0;
    if (mcp_call_can(call, MCP_CAN_ELICITATION))
        can[count++] = form;
    if (mcp_call_can(call, MCP_CAN_SAMPLING))
        can[count++] = sample;
    if (count == 0 || mcp_input(call, can[0].key) != NULL)
        answer(call, "capabilities-ok: %zu questions", count);
    else
        ask(call, can, count, json_pack("{s:s}", "kind", "capabilities"));
}

/* --- the legacy ones -------------------------------------------------------------------------- */

static void sampling(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)user;
    const char *given = sampled(call, "sample");
    if (given != NULL) {
        answer(call, "LLM response: %s", given);
        return;
    }
    struct mcp_ask asks = { "sample", SAMPLE,
                            json_pack("{s:[{s:s,s:{s:s,s:O}}],s:i}", "messages", "role", "user",
                                      "content", "type", "text", "text",
                                      json_object_get(arguments, "prompt"), "maxTokens", 100) };
    mcp_ask(call, &asks, 1, NULL);
}

/* What came back of a form, whatever the client did with it. */
static bool answered_form(struct mcp_call *call, const char *what)
{
    const json_t *input = mcp_input(call, "form");
    if (input == NULL)
        return false;
    char *content = json_dumps(json_object_get(input, "content"), JSON_COMPACT);
    const char *action = json_string_value(json_object_get(input, "action"));
    answer(call, "%s: action=%s, content=%s", what, action == NULL ? "none" : action,
           content == NULL ? "{}" : content);
    free(content);
    return true;
}

static void elicitation(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)user;
    if (answered_form(call, "User response"))
        return;
    struct mcp_ask asks = { "form", ELICIT,
                            json_pack("{s:O,s:{s:s,s:{s:{s:s,s:s},s:{s:s,s:s}},s:[s,s]}}",
                                      "message", json_object_get(arguments, "message"),
                                      "requestedSchema", "type", "object", "properties", "username",
                                      "type", "string", "description", "User's response", "email",
                                      "type", "string", "description", "User's email address",
                                      "required", "username", "email") };
    mcp_ask(call, &asks, 1, NULL);
}

/* `user` is the text of the question. */
static void form(struct mcp_call *call, const json_t *arguments, void *user)
{
    const struct question question = { "form", ELICIT, user };
    (void)arguments;
    if (!answered_form(call, "Elicitation completed"))
        ask(call, &question, 1, NULL);
}

/* A default for each kind of field (SEP-1034). */
static char defaults[] =
    "{\"message\":\"Please review and update the form fields with defaults\","
    "\"requestedSchema\":{\"type\":\"object\",\"properties\":{"
    "\"name\":{\"type\":\"string\",\"description\":\"User name\",\"default\":\"John Doe\"},"
    "\"age\":{\"type\":\"integer\",\"description\":\"User age\",\"default\":30},"
    "\"score\":{\"type\":\"number\",\"description\":\"User score\",\"default\":95.5},"
    "\"status\":{\"type\":\"string\",\"description\":\"User status\","
    "\"enum\":[\"active\",\"inactive\",\"pending\"],\"default\":\"active\"},"
    "\"verified\":{\"type\":\"boolean\",\"description\":\"Verification status\",\"default\":true}},"
    "\"required\":[]}}";

/* Each way to let somebody choose (SEP-1330). */
static char enums[] =
    "{\"message\":\"Please select options from the enum fields\","
    "\"requestedSchema\":{\"type\":\"object\",\"properties\":{"
    "\"untitledSingle\":{\"type\":\"string\",\"description\":\"Select one option\","
    "\"enum\":[\"option1\",\"option2\",\"option3\"]},"
    "\"titledSingle\":{\"type\":\"string\",\"description\":\"Select one option with titles\","
    "\"oneOf\":[{\"const\":\"value1\",\"title\":\"First Option\"},"
    "{\"const\":\"value2\",\"title\":\"Second Option\"},"
    "{\"const\":\"value3\",\"title\":\"Third Option\"}]},"
    "\"legacyEnum\":{\"type\":\"string\",\"description\":\"Select one option (legacy)\","
    "\"enum\":[\"opt1\",\"opt2\",\"opt3\"],"
    "\"enumNames\":[\"Option One\",\"Option Two\",\"Option Three\"]},"
    "\"untitledMulti\":{\"type\":\"array\",\"description\":\"Select multiple options\","
    "\"minItems\":1,\"maxItems\":3,"
    "\"items\":{\"type\":\"string\",\"enum\":[\"option1\",\"option2\",\"option3\"]}},"
    "\"titledMulti\":{\"type\":\"array\",\"description\":\"Select multiple options with titles\","
    "\"minItems\":1,\"maxItems\":3,"
    "\"items\":{\"anyOf\":[{\"const\":\"value1\",\"title\":\"First Choice\"},"
    "{\"const\":\"value2\",\"title\":\"Second Choice\"},"
    "{\"const\":\"value3\",\"title\":\"Third Choice\"}]}}},\"required\":[]}}";

/* --- the prompt ------------------------------------------------------------------------------- */

static void ask_context(struct mcp_call *call, const json_t *arguments, void *user)
{
    static const struct question context = {
        "user_context", ELICIT, FORM("What context should the prompt use?", "context", "string")
    };
    (void)arguments;
    (void)user;
    const char *given = json_string_value(filled(call, context.key, "context"));
    if (given == NULL) {
        ask(call, &context, 1, NULL);
        return;
    }
    char text[4096];
    (void)snprintf(text, sizeof text, "Prompt with context: %s", given);
    json_t *messages = json_array();
    (void)json_array_append_new(messages, mcp_message("user", mcp_text(text)));
    mcp_answer_prompt(call, NULL, messages);
}

/* --- the table -------------------------------------------------------------------------------- */

#define ONE_TEXT(name, what)                                                                       \
    "{\"type\":\"object\",\"properties\":{\"" name                                                 \
    "\":{\"type\":\"string\",\"description\":\"" what "\"}},\"required\":[\"" name "\"]}"

bool fixture_add_asking(struct mcp_server *server)
{
    static char state_ok[] = "state-ok: requestState validated";
    static char integrity_ok[] = "integrity-ok: state verified";
#define INPUT(what, function, with)                                                                \
    {                                                                                              \
        .name = "test_input_required_result_" what, .description = "Asks the client",              \
        .input_schema = FIXTURE_NO_ARGUMENTS, .call = function, .user = with                       \
    }
    static const struct mcp_tool tools[] = {
        INPUT("elicitation", ask_name, NULL),
        INPUT("sampling", ask_capital, NULL),
        INPUT("list_roots", ask_roots, NULL),
        INPUT("request_state", ask_with_state, state_ok),
        INPUT("multiple_inputs", ask_many, NULL),
        INPUT("multi_round", ask_twice, NULL),
        INPUT("tampered_state", ask_with_state, integrity_ok),
        INPUT("capabilities", ask_what_it_can, NULL),
        { .name = "test_streaming_elicitation",
          .description = "Tells how far it is, and asks the client",
          .input_schema = FIXTURE_NO_ARGUMENTS,
          .call = ask_in_stream },
        { .name = "test_sampling",
          .description = "Asks the client's model",
          .input_schema = ONE_TEXT("prompt", "The prompt to send to the LLM"),
          .call = sampling },
        { .name = "test_elicitation",
          .description = "Asks the user",
          .input_schema = ONE_TEXT("message", "The message to show the user"),
          .call = elicitation },
        { .name = "test_elicitation_sep1034_defaults",
          .description = "Asks the user with defaults",
          .input_schema = FIXTURE_NO_ARGUMENTS,
          .call = form,
          .user = defaults },
        { .name = "test_elicitation_sep1330_enums",
          .description = "Lets the user choose",
          .input_schema = FIXTURE_NO_ARGUMENTS,
          .call = form,
          .user = enums },
    };
#undef INPUT
    static const struct mcp_prompt prompt = { .name = "test_input_required_result_prompt",
                                              .description = "Asks the client",
                                              .get = ask_context };
    bool good = mcp_add_prompt(server, &prompt) == CHT_OK;
    for (size_t i = 0; i < sizeof tools / sizeof tools[0]; i++)
        good = good && mcp_add_tool(server, &tools[i]) == CHT_OK;
    return good;
}
