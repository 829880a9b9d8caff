/* The runner's tools that answer at once. */
#include "tests/mcp/fixture.h"

#include <stdlib.h>

/* A content block after another, or NULL when there is no memory. */
static json_t *blocks(json_t *first, json_t *second, json_t *third)
{
    json_t *all = json_array();
    json_t *const each[] = { first, second, third };
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        if (each[i] != NULL)
            (void)json_array_append_new(all, each[i]);
    }
    return all;
}

static void simple_text(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)arguments;
    (void)user;
    mcp_answer_text(call, "This is a simple text response for testing.", NULL);
}

static void image(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)arguments;
    (void)user;
    mcp_answer_tool(call, blocks(mcp_image(FIXTURE_PNG, "image/png"), NULL, NULL), NULL, false);
}

static void audio(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)arguments;
    (void)user;
    mcp_answer_tool(call, blocks(mcp_audio(FIXTURE_WAV, "audio/wav"), NULL, NULL), NULL, false);
}

static void embedded(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)arguments;
    (void)user;
    json_t *inside = mcp_contents_text("test://embedded-resource", "text/plain",
                                       "This is an embedded resource content.");
    mcp_answer_tool(call, blocks(mcp_embedded(inside), NULL, NULL), NULL, false);
}

static void mixed(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)arguments;
    (void)user;
    json_t *inside = mcp_contents_text("test://mixed-content-resource", "application/json",
                                       "{\"test\":\"data\",\"value\":123}");
    mcp_answer_tool(call,
                    blocks(mcp_text("Multiple content types test:"),
                           mcp_image(FIXTURE_PNG, "image/png"), mcp_embedded(inside)),
                    NULL, false);
}

static void error(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)arguments;
    (void)user;
    mcp_answer_tool_error(call, "This tool intentionally returns an error for testing");
}

static void with_progress(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)arguments;
    (void)user;
    mcp_progress(call, 0, 100, "Completed step 0 of 100");
    mcp_progress(call, 50, 100, "Completed step 50 of 100");
    mcp_progress(call, 100, 100, "Completed step 100 of 100");
    mcp_answer_text(call, "Tool with progress executed successfully", NULL);
}

static void with_logging(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)arguments;
    (void)user;
    mcp_log(call, MCP_INFO, NULL, json_string("Tool execution started"));
    mcp_log(call, MCP_INFO, NULL, json_string("Tool processing data"));
    mcp_log(call, MCP_INFO, NULL, json_string("Tool execution completed"));
    mcp_answer_text(call, "Tool with logging executed successfully", NULL);
}

static void echo(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)user;
    char *text = json_dumps(arguments, JSON_COMPACT);
    if (text == NULL)
        mcp_answer_tool_error(call, "out of memory");
    else
        mcp_answer_text(call, text, NULL);
    free(text);
}

static void missing_capability(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)arguments;
    (void)user;
    if (mcp_call_can(call, MCP_CAN_SAMPLING))
        mcp_answer_text(call, "the client can sample", NULL);
    else
        mcp_fail_missing(call, MCP_CAN_SAMPLING);
}

/* --- lists that change ------------------------------------------------------------------------ */

static void trigger_tool_change(struct mcp_call *call, const json_t *arguments, void *user)
{
    static const struct mcp_tool now_and_then = { .name = "test_now_and_then",
                                                  .description = "Comes and goes",
                                                  .input_schema = FIXTURE_NO_ARGUMENTS,
                                                  .call = echo };
    (void)arguments;
    struct mcp_server *server = user;
    if (mcp_remove_tool(server, now_and_then.name) != CHT_OK &&
        mcp_add_tool(server, &now_and_then) != CHT_OK) {
        mcp_answer_tool_error(call, "the list did not change");
        return;
    }
    mcp_changed(server, MCP_TOOLS);
    mcp_answer_text(call, "the list of tools is another now", NULL);
}

static void prompt_now_and_then(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)arguments;
    (void)user;
    json_t *messages = json_array();
    (void)json_array_append_new(messages, mcp_message("user", mcp_text("now")));
    mcp_answer_prompt(call, NULL, messages);
}

static void trigger_prompt_change(struct mcp_call *call, const json_t *arguments, void *user)
{
    static const struct mcp_prompt now_and_then = { .name = "test_now_and_then",
                                                    .description = "Comes and goes",
                                                    .get = prompt_now_and_then };
    (void)arguments;
    struct mcp_server *server = user;
    if (mcp_remove_prompt(server, now_and_then.name) != CHT_OK &&
        mcp_add_prompt(server, &now_and_then) != CHT_OK) {
        mcp_answer_tool_error(call, "the list did not change");
        return;
    }
    mcp_changed(server, MCP_PROMPTS);
    mcp_answer_text(call, "the list of prompts is another now", NULL);
}

/* --- the table -------------------------------------------------------------------------------- */

/* Every word of JSON Schema 2020-12 that has to reach the client as it is (SEP-1613, SEP-2106). */
#define SCHEMA_2020_12                                                                             \
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\","           \
    "\"$defs\":{\"address\":{\"$anchor\":\"addressDef\",\"type\":\"object\",\"properties\":{"      \
    "\"street\":{\"type\":\"string\"},\"city\":{\"type\":\"string\"}}}},"                          \
    "\"properties\":{\"name\":{\"type\":\"string\"},\"address\":{\"$ref\":\"#/$defs/address\"},"   \
    "\"contactMethod\":{\"type\":\"string\",\"enum\":[\"phone\",\"email\"]},"                      \
    "\"phone\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"}},"                            \
    "\"allOf\":[{\"anyOf\":[{\"required\":[\"phone\"]},{\"required\":[\"email\"]}]}],"             \
    "\"if\":{\"properties\":{\"contactMethod\":{\"const\":\"phone\"}},"                            \
    "\"required\":[\"contactMethod\"]},\"then\":{\"required\":[\"phone\"]},"                       \
    "\"else\":{\"required\":[\"email\"]},\"additionalProperties\":false}"

bool fixture_add_tools(struct mcp_server *server)
{
    const struct mcp_tool tools[] = {
        { .name = "test_simple_text", .description = "Answers a text", .call = simple_text },
        { .name = "test_image_content", .description = "Answers an image", .call = image },
        { .name = "test_audio_content", .description = "Answers a sound", .call = audio },
        { .name = "test_embedded_resource", .description = "Answers a resource", .call = embedded },
        { .name = "test_multiple_content_types",
          .description = "Answers a text, an image and a resource",
          .call = mixed },
        { .name = "test_error_handling", .description = "Fails", .call = error },
        { .name = "test_tool_with_progress",
          .description = "Tells how far it is",
          .call = with_progress },
        { .name = "test_tool_with_logging", .description = "Logs", .call = with_logging },
        { .name = "test_logging_tool", .description = "Logs", .call = with_logging },
        { .name = "test_reconnection", .description = "Answers a text", .call = simple_text },
        { .name = "json_schema_2020_12_tool",
          .description = "Has a schema of many words",
          .input_schema = SCHEMA_2020_12,
          .call = echo },
        { .name = "test_missing_capability",
          .description = "Needs a client that samples",
          .call = missing_capability },
        { .name = "test_trigger_tool_change",
          .description = "Changes the list of tools",
          .call = trigger_tool_change },
        { .name = "test_trigger_prompt_change",
          .description = "Changes the list of prompts",
          .call = trigger_prompt_change },
    };
    bool good = true;
    for (size_t i = 0; i < sizeof tools / sizeof tools[0]; i++) {
        struct mcp_tool tool = tools[i];
        if (tool.input_schema == NULL)
            tool.input_schema = FIXTURE_NO_ARGUMENTS;
        tool.user = server;
        good = good && mcp_add_tool(server, &tool) == CHT_OK;
    }
    return good;
}
