/* The table of types and fields; see schema.h (PROTOCOL 6.1, docs/SCHEMA.md).
 *
 * Numbers leave room: each group of like fields ends in a gap, so that a later row can stand beside
 * its kin. 120 to 127 are kept for fields that every type has, as 0 is. Numbers up to 127 cost one
 * byte in a body. Links are stored on one side only; the other side is an index. */
#include "crdt/schema.h"

#define F(no, nm, kd, vt, pol, about)                                                              \
    .number = no, .name = nm, .kind = CRDT_##kd, .value = CRDT_V_##vt, .policy = CRDT_##pol,       \
    .doc = about

#define DELETED_ROW                                                                                \
    {                                                                                              \
        F(CRDT_FIELD_DELETED, "deleted", REGISTER, BOOL, LWW, "hides the entity")                  \
    }

static const char *const topic_status[] = { "active", "archived", "closed", NULL };

static const struct crdt_field topic[] = {
    DELETED_ROW,
    { F(1, "title", REGISTER, STR, LWW, "what it is about"), .required = true, .search = true },
    { F(2, "description", TEXT, TEXT, LWW, "longer text"), .search = true },
    { F(3, "status", REGISTER, ENUM, LWW, "where it is in its life"), .words = topic_status },
    { F(8, "participants", SET, STR, LWW, "users and services that take part") },
    { F(9, "tags", SET, STR, LWW, "free labels") },
    { F(12, "related_topics", SET, ID, LWW, "parents, children and siblings"),
      .id_type = CRDT_TOPIC },
    { F(16, "created", REGISTER, TIME, FIRST, "when it was made") },
};

static const char *const project_status[] = { "planning", "active", "on-hold", "completed", NULL };

static const struct crdt_field project[] = {
    DELETED_ROW,
    { F(1, "name", REGISTER, STR, LWW, "its name"), .required = true, .search = true },
    { F(2, "description", TEXT, TEXT, LWW, "longer text"), .search = true },
    { F(3, "status", REGISTER, ENUM, LWW, "where it is in its life"), .words = project_status },
    { F(4, "owner", REGISTER, STR, LWW, "the user or agent that answers for it") },
    { F(8, "team", SET, STR, LWW, "users and agents that work on it") },
    { F(9, "repos", SET, STR, LWW, "git addresses") },
    { F(12, "topics", SET, ID, LWW, "topics it belongs to"), .id_type = CRDT_TOPIC },
    { F(13, "dependencies", SET, ID, LWW, "projects that must be done first"),
      .id_type = CRDT_PROJECT },
    { F(16, "created", REGISTER, TIME, FIRST, "when it was made") },
    { F(20, "milestones", MAP, ANY, LWW, "name to {due, done, description}") },
    { F(24, "chittypm_project_id", REGISTER, STR, LWW, "its id in ChittyPM") },
};

static const char *const platforms[] = { "claude-code", "web", "slack", "cli", "mobile", NULL };
static const char *const session_status[] = { "active", "paused", "ended", "crashed", NULL };

static const struct crdt_field session[] = {
    DELETED_ROW,
    { F(1, "session_id", REGISTER, STR, FIRST, "the platform's own id of it"), .required = true },
    { F(2, "title", REGISTER, STR, LWW, "what it works on"), .search = true },
    { F(3, "status", REGISTER, ENUM, LWW, "whether it lives"), .words = session_status },
    { F(4, "platform", REGISTER, WORD, LWW, "where it runs"), .words = platforms },
    { F(8, "participants", SET, STR, LWW, "users and agents in it") },
    { F(12, "project", REGISTER, ID, LWW, "the project it works on"), .id_type = CRDT_PROJECT },
    { F(13, "topic", REGISTER, ID, LWW, "the topic it is about"), .id_type = CRDT_TOPIC },
    { F(16, "started", REGISTER, TIME, FIRST, "when it began") },
    { F(17, "last_active", REGISTER, TIME, MAX, "when it last did something") },
    { F(18, "ended", REGISTER, TIME, MAX, "when it ended") },
    { F(24, "state", MAP, ANY, LWW, "arbitrary state, a value a key") },
    { F(25, "files", MAP, ANY, LWW, "path to {action, line, at}") },
    { F(26, "crumbs", MAP, ANY, LWW, "where it has been: step to {at, place, note}") },
};

/* PROTOCOL 5.4 rank: of concurrent words the furthest is shown. */
static const char *const todo_status[] = { "pending",   "blocked",   "in_progress",
                                           "cancelled", "completed", NULL };
static const char *const priorities[] = { "low", "medium", "high", "critical", NULL };

static const struct crdt_field todo[] = {
    DELETED_ROW,
    { F(1, "content", REGISTER, STR, LWW, "what is to be done"), .required = true, .search = true },
    { F(2, "active_form", REGISTER, STR, LWW, "the same as said while doing it") },
    { F(3, "status", REGISTER, ENUM, RANK, "how far it is"), .words = todo_status },
    { F(4, "priority", REGISTER, ENUM, LWW, "how much it matters"), .words = priorities },
    { F(8, "assignees", SET, STR, LWW, "users and agents that do it") },
    { F(9, "labels", SET, STR, LWW, "free labels") },
    { F(12, "session", REGISTER, ID, FIRST, "the session it came from"), .id_type = CRDT_SESSION },
    { F(13, "project", REGISTER, ID, LWW, "the project it belongs to"), .id_type = CRDT_PROJECT },
    { F(14, "parent", REGISTER, ID, LWW, "the todo it is a part of"), .id_type = CRDT_TODO },
    { F(15, "dependencies", SET, ID, LWW, "todos that must be done first"), .id_type = CRDT_TODO },
    { F(20, "created", REGISTER, TIME, FIRST, "when it was made") },
    { F(21, "completed_at", REGISTER, TIME, LWW, "when it was completed") },
    { F(22, "deadline", REGISTER, TIME, LWW, "when it must be done") },
    { F(23, "defer", REGISTER, TIME, LWW, "not to be shown before") },
    { F(28, "description", TEXT, TEXT, LWW, "longer text"), .search = true },
    { F(29, "notes", TEXT, TEXT, LWW, "remarks while working on it"), .search = true },
    { F(30, "design", TEXT, TEXT, LWW, "how it is to be done"), .search = true },
    { F(31, "acceptance", TEXT, TEXT, LWW, "when it counts as done"), .search = true },
    { F(36, "external_ref", REGISTER, STR, LWW, "its id or address in another tracker") },
};

#define SCHEMA(number, rows, title)                                                                \
    {                                                                                              \
        .type = number, .fields = rows, .count = sizeof rows / sizeof rows[0],                     \
        .title_field = title                                                                       \
    }

static const struct crdt_type_schema schemas[] = {
    SCHEMA(CRDT_TOPIC, topic, "title"),
    SCHEMA(CRDT_PROJECT, project, "name"),
    SCHEMA(CRDT_SESSION, session, "title"),
    SCHEMA(CRDT_TODO, todo, "content"),
};

/* Of every type, known or not: what hides an entity must not depend on the build (PROTOCOL 5.6). */
static const struct crdt_field deleted_row = DELETED_ROW;

const struct crdt_type_schema *crdt_schema_at(size_t index, size_t *out_count)
{
    const size_t count = sizeof schemas / sizeof schemas[0];
    if (out_count != NULL)
        *out_count = count;
    return index < count ? &schemas[index] : NULL;
}

const struct crdt_type_schema *crdt_schema(unsigned type)
{
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++)
        if (schemas[i].type == type)
            return &schemas[i];
    return NULL;
}

const struct crdt_field *crdt_field(unsigned type, unsigned number)
{
    const struct crdt_type_schema *schema = crdt_schema(type);
    if (number == CRDT_FIELD_DELETED)
        return &deleted_row;
    for (size_t i = 0; schema != NULL && i < schema->count; i++)
        if (schema->fields[i].number == number)
            return &schema->fields[i];
    return NULL;
}

const struct crdt_field *crdt_field_named(unsigned type, struct cht_bytes name)
{
    const struct crdt_type_schema *schema = crdt_schema(type);
    if (cht_bytes_eq(cht_bytes_str(deleted_row.name), name))
        return &deleted_row;
    for (size_t i = 0; schema != NULL && i < schema->count; i++)
        if (cht_bytes_eq(cht_bytes_str(schema->fields[i].name), name))
            return &schema->fields[i];
    return NULL;
}

int crdt_word_rank(const struct crdt_field *f, struct cht_bytes word)
{
    for (int i = 0; f->words != NULL && f->words[i] != NULL; i++)
        if (cht_bytes_eq(cht_bytes_str(f->words[i]), word))
            return i;
    return -1;
}
