/* The runner's resources and prompts. */
#include "tests/mcp/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An array of one value; NULL when there is no memory. */
static json_t *one(json_t *value)
{
    json_t *all = json_array();
    (void)json_array_append_new(all, value);
    return all;
}

/* --- resources -------------------------------------------------------------------------------- */

/* `user` is the text. */
static void read_text(struct mcp_call *call, const char *uri, void *user)
{
    mcp_answer_contents(call, one(mcp_contents_text(uri, "text/plain", user)));
}

static void read_binary(struct mcp_call *call, const char *uri, void *user)
{
    (void)user;
    mcp_answer_contents(call, one(mcp_contents_blob(uri, "image/png", FIXTURE_PNG)));
}

static void read_template(struct mcp_call *call, const char *uri, void *user)
{
    (void)user;
    const char *id = mcp_call_variable(call, "id");
    char data[2 * MCP_LIMIT_URI_BYTES];
    (void)snprintf(data, sizeof data, "Data for ID: %s", id == NULL ? "" : id);
    json_t *object = json_pack("{s:s?,s:b,s:s}", "id", id, "templateTest", 1, "data", data);
    char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
    if (text == NULL)
        mcp_fail(call, MCP_INTERNAL_ERROR, "out of memory", NULL);
    else
        mcp_answer_contents(call, one(mcp_contents_text(uri, "application/json", text)));
    free(text);
    json_decref(object);
}

static bool add_resources(struct mcp_server *server)
{
    static char words[] = "This is the content of the static text resource.";
    static char watched[] = "Watched resource content";
    static const struct mcp_resource resources[] = {
        { .uri = "test://static-text",
          .name = "static-text",
          .title = "Static text",
          .description = "A text that stays",
          .mime_type = "text/plain",
          .read = read_text,
          .user = words },
        { .uri = "test://static-binary",
          .name = "static-binary",
          .description = "An image that stays",
          .mime_type = "image/png",
          .read = read_binary },
        { .uri = "test://embedded-resource",
          .name = "embedded-resource",
          .mime_type = "text/plain",
          .read = read_text,
          .user = words },
        { .uri = "test://watched-resource",
          .name = "watched-resource",
          .description = "A text to be watched",
          .mime_type = "text/plain",
          .read = read_text,
          .user = watched },
    };
    static const struct mcp_template data = { .uri_template = "test://template/{id}/data",
                                              .name = "template",
                                              .description = "Data of an id",
                                              .mime_type = "application/json",
                                              .read = read_template };
    bool good = mcp_add_template(server, &data) == CHT_OK;
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++)
        good = good && mcp_add_resource(server, &resources[i]) == CHT_OK;
    return good;
}

/* --- prompts ---------------------------------------------------------------------------------- */

static void simple_prompt(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)arguments;
    (void)user;
    mcp_answer_prompt(call, NULL,
                      one(mcp_message("user", mcp_text("This is a simple prompt for testing."))));
}

static void prompt_with_arguments(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)user;
    json_t *text = json_sprintf("Prompt with arguments: arg1='%s', arg2='%s'",
                                json_string_value(json_object_get(arguments, "arg1")),
                                json_string_value(json_object_get(arguments, "arg2")));
    mcp_answer_prompt(call, NULL, one(mcp_message("user", mcp_text(json_string_value(text)))));
    json_decref(text);
}

/* Values for arg1 that begin as what is typed. */
static void propose(struct mcp_call *call, const char *argument, const char *value,
                    const json_t *context, void *user)
{
    static const char *const known[] = { "paris", "park", "party", "test" };
    (void)context;
    (void)user;
    json_t *found = json_array();
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(argument, "arg1") == 0 && strncmp(known[i], value, strlen(value)) == 0)
            (void)json_array_append_new(found, json_string(known[i]));
    }
    mcp_answer_completion(call, found, -1);
}

static void prompt_with_resource(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)user;
    const char *uri = json_string_value(json_object_get(arguments, "resourceUri"));
    json_t *inside = mcp_contents_text(uri, "text/plain", "Embedded resource content for testing.");
    json_t *messages = one(mcp_message("user", mcp_embedded(inside)));
    (void)json_array_append_new(
        messages, mcp_message("user", mcp_text("Please process the embedded resource above.")));
    mcp_answer_prompt(call, NULL, messages);
}

static void prompt_with_image(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)arguments;
    (void)user;
    json_t *messages = one(mcp_message("user", mcp_image(FIXTURE_PNG, "image/png")));
    (void)json_array_append_new(messages,
                                mcp_message("user", mcp_text("Please analyze the image above.")));
    mcp_answer_prompt(call, NULL, messages);
}

static bool add_prompts(struct mcp_server *server)
{
    static const struct mcp_argument two[] = {
        { .name = "arg1", .description = "First test argument", .required = true },
        { .name = "arg2", .description = "Second test argument", .required = true },
    };
    static const struct mcp_argument uri[] = {
        { .name = "resourceUri", .description = "URI of the resource to embed", .required = true },
    };
    static const struct mcp_prompt prompts[] = {
        { .name = "test_simple_prompt", .description = "No arguments", .get = simple_prompt },
        { .name = "test_prompt_with_arguments",
          .description = "Two arguments",
          .arguments = two,
          .argument_count = 2,
          .get = prompt_with_arguments,
          .complete = propose },
        { .name = "test_prompt_with_embedded_resource",
          .description = "Shows a resource",
          .arguments = uri,
          .argument_count = 1,
          .get = prompt_with_resource },
        { .name = "test_prompt_with_image",
          .description = "Shows an image",
          .get = prompt_with_image },
    };
    bool good = true;
    for (size_t i = 0; i < sizeof prompts / sizeof prompts[0]; i++)
        good = good && mcp_add_prompt(server, &prompts[i]) == CHT_OK;
    return good;
}

bool fixture_add_reading(struct mcp_server *server)
{
    return add_resources(server) && add_prompts(server);
}
