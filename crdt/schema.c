/* The table of types and fields; see schema.h (PROTOCOL 6.1, docs/SCHEMA.md).
 *
 * Numbers leave room: each group of like fields ends in a gap, so that a later row can stand beside
 * its kin. 120 to 127 are kept for fields that every type has, as 0 is. Numbers up to 127 cost one
 * byte in a body. Links are stored on one side only; the other side is an index. What is true on
 * one machine only (a worktree, the health of a service) is a map whose keys are devices (32 hex
 * digits, then what else tells them apart). */
#include "crdt/schema.h"

#define F(no, nm, kd, vt, pol, about)                                                              \
    .number = no, .name = nm, .kind = CRDT_##kd, .value = CRDT_V_##vt, .policy = CRDT_##pol,       \
    .doc = about

#define DELETED_ROW                                                                                \
    {                                                                                              \
        F(CRDT_FIELD_DELETED, "deleted", REGISTER, BOOL, LWW, "hides the entity")                  \
    }

/* Of every type, after its own. */
#define COMMON_ROWS                                                                                \
    { F(120, "raw", MAP, ANY, LWW, "what its source said: SOURCE.FIELD to value") },               \
        { F(121, "attachments", MAP, ANY, LWW, "name to {blob, size, type}: files, by content") }, \
    {                                                                                              \
        F(CRDT_FIELD_ALIAS_OF, "alias_of", REGISTER, ID, LWW,                                      \
          "the record that it is a duplicate of")                                                  \
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
    { F(13, "parent", REGISTER, ID, LWW, "the topic it is a part of"), .id_type = CRDT_TOPIC },
    { F(16, "created", REGISTER, TIME, FIRST, "when it was made") },
    COMMON_ROWS,
};

static const char *const project_status[] = { "planning", "active", "on-hold", "completed", NULL };

/* What of its sessions' transcripts may leave the machine where they were written. */
static const char *const project_transcripts[] = { "off", "redacted", "whole", NULL };

static const struct crdt_field project[] = {
    DELETED_ROW,
    { F(1, "name", REGISTER, STR, LWW, "its name"), .required = true, .search = true },
    { F(2, "description", TEXT, TEXT, LWW, "longer text"), .search = true },
    { F(3, "status", REGISTER, ENUM, LWW, "where it is in its life"), .words = project_status },
    { F(4, "owner", REGISTER, STR, LWW, "the user or agent that answers for it") },
    { F(5, "transcripts", REGISTER, ENUM, LWW, "what is shared of its sessions' transcripts"),
      .words = project_transcripts },
    { F(8, "team", SET, STR, LWW, "users and agents that work on it") },
    { F(9, "repos", SET, STR, LWW, "git addresses") },
    { F(10, "tags", SET, STR, LWW, "free labels") },
    { F(11, "root_commits", SET, STR, LWW, "first commits of its repositories") },
    { F(12, "topics", SET, ID, LWW, "topics it belongs to"), .id_type = CRDT_TOPIC },
    { F(13, "dependencies", SET, ID, LWW, "projects that must be done first"),
      .id_type = CRDT_PROJECT },
    { F(14, "parent", REGISTER, ID, LWW, "the project it is a part of"), .id_type = CRDT_PROJECT },
    { F(16, "created", REGISTER, TIME, FIRST, "when it was made") },
    { F(17, "deadline", REGISTER, TIME, LWW, "when it must be done") },
    { F(20, "milestones", MAP, ANY, LWW, "name to {due, done, description}") },
    { F(21, "allocation", MAP, ANY, LWW, "user or agent to their share of it, in percent") },
    { F(22, "places", MAP, ANY, LWW, "device:path to {at}: the folders that are it") },
    { F(24, "chittypm_project_id", REGISTER, STR, LWW, "its id in ChittyPM") },
    COMMON_ROWS,
};

static const char *const platforms[] = { "claude-code", "web", "slack", "cli", "mobile", NULL };
static const char *const session_status[] = { "active", "paused", "ended", "crashed", NULL };

static const struct crdt_field session[] = {
    DELETED_ROW,
    { F(1, "session_id", REGISTER, STR, FIRST, "the platform's own id of it"), .required = true },
    { F(2, "title", REGISTER, STR, LWW, "what it works on"), .search = true },
    { F(3, "status", REGISTER, ENUM, LWW, "whether it lives"), .words = session_status },
    { F(4, "platform", REGISTER, WORD, LWW, "where it runs"), .words = platforms },
    { F(5, "cwd", REGISTER, STR, LWW, "the folder it works in") },
    { F(6, "branch", REGISTER, STR, LWW, "the git branch it works on") },
    { F(7, "model", REGISTER, STR, LWW, "the model that answers in it") },
    { F(8, "participants", SET, STR, LWW, "users and agents in it") },
    { F(12, "project", REGISTER, ID, LWW, "the project it works on"), .id_type = CRDT_PROJECT },
    { F(13, "topic", REGISTER, ID, LWW, "the topic it is about"), .id_type = CRDT_TOPIC },
    { F(14, "continues", REGISTER, ID, LWW, "the session that it goes on from"),
      .id_type = CRDT_SESSION },
    { F(16, "started", REGISTER, TIME, FIRST, "when it began") },
    { F(17, "last_active", REGISTER, TIME, MAX, "when it last did something") },
    { F(18, "ended", REGISTER, TIME, MAX, "when it ended") },
    { F(24, "state", MAP, ANY, LWW, "arbitrary state, a value a key") },
    { F(25, "files", MAP, ANY, LWW, "path to {action, line, at}") },
    { F(26, "crumbs", MAP, ANY, LWW, "where it has been: step to {at, place, note}") },
    { F(27, "process", MAP, ANY, LWW, "device to {pid, started}: it lives as long as that does") },
    { F(28, "summary", TEXT, TEXT, LWW, "what was done in it"), .search = true },
    COMMON_ROWS,
};

/* PROTOCOL 5.4 rank: of concurrent words the furthest is shown. */
static const char *const todo_status[] = { "pending",   "blocked",   "in_progress",
                                           "cancelled", "completed", NULL };
static const char *const todo_kinds[] = { "task", "bug", "feature", "epic", "chore", NULL };
static const char *const priorities[] = { "low", "medium", "high", "critical", NULL };

static const struct crdt_field todo[] = {
    DELETED_ROW,
    { F(1, "content", REGISTER, STR, LWW, "what is to be done"), .required = true, .search = true },
    { F(2, "active_form", REGISTER, STR, LWW, "the same as said while doing it") },
    { F(3, "status", REGISTER, ENUM, RANK, "how far it is"), .words = todo_status },
    { F(4, "priority", REGISTER, ENUM, LWW, "how much it matters"), .words = priorities },
    { F(5, "kind", REGISTER, WORD, LWW, "what sort of work it is"), .words = todo_kinds },
    { F(6, "estimate", REGISTER, INT, LWW, "how long it should take, in minutes") },
    { F(8, "assignees", SET, STR, LWW, "users and agents that do it") },
    { F(9, "labels", SET, STR, LWW, "free labels") },
    { F(10, "relations", SET, STR, LWW, "other ties to records: WORD CHITTY-…") },
    { F(12, "session", REGISTER, ID, FIRST, "the session it came from"), .id_type = CRDT_SESSION },
    { F(13, "project", REGISTER, ID, LWW, "the project it belongs to"), .id_type = CRDT_PROJECT },
    { F(14, "parent", REGISTER, ID, LWW, "the todo it is a part of"), .id_type = CRDT_TODO },
    { F(15, "dependencies", SET, ID, LWW, "todos that must be done first"), .id_type = CRDT_TODO },
    { F(16, "topic", REGISTER, ID, LWW, "the topic it is about"), .id_type = CRDT_TOPIC },
    { F(17, "repo", REGISTER, ID, LWW, "the repository it is about"), .id_type = CRDT_REPO },
    { F(18, "recurs_from", REGISTER, ID, FIRST, "the one that was done before this"),
      .id_type = CRDT_TODO },
    { F(20, "created", REGISTER, TIME, FIRST, "when it was made") },
    { F(21, "completed_at", REGISTER, TIME, FIRST, "when it was completed") },
    { F(22, "deadline", REGISTER, TIME, LWW, "when it must be done") },
    { F(23, "defer", REGISTER, TIME, LWW, "not to be shown before") },
    { F(24, "started_at", REGISTER, TIME, FIRST, "when work on it began") },
    { F(25, "recurrence", REGISTER, STR, LWW, "how it comes again: weekly, every 2 days, …") },
    { F(26, "reminders", MAP, ANY, LWW, "moment (RFC 3339, UTC) to a note or true") },
    { F(27, "reminded", MAP, ANY, LWW, "moment to {device, at}: who announced it") },
    { F(28, "description", TEXT, TEXT, LWW, "longer text"), .search = true },
    { F(29, "notes", TEXT, TEXT, LWW, "remarks while working on it"), .search = true },
    { F(30, "design", TEXT, TEXT, LWW, "how it is to be done"), .search = true },
    { F(31, "acceptance", TEXT, TEXT, LWW, "when it counts as done"), .search = true },
    { F(32, "close_reason", TEXT, TEXT, LWW, "why it was closed"), .search = true },
    { F(36, "external_ref", REGISTER, STR, LWW, "its id or address in another tracker") },
    { F(37, "milestone", REGISTER, STR, LWW, "the milestone of its project it counts for") },
    { F(38, "owner", REGISTER, STR, LWW, "the user or agent that answers for it") },
    { F(39, "author", REGISTER, STR, LWW, "who asked for it") },
    { F(40, "arbiter", REGISTER, ANY, LWW, "{device, generation}: who grants claims of it") },
    { F(41, "claim", REGISTER, ANY, TOKEN,
        "{holder, device, token, at, confirmed}: who works on it") },
    { F(42, "stale", MAP, ANY, LWW, "who wrote while another held it to {token, at, holder}") },
    { F(43, "origin", REGISTER, ANY, FIRST,
        "{prompt, tool, toolUse}: what in its session made it") },
    COMMON_ROWS,
};

static const char *const context_types[] = { "session", "conversation", "document", "system",
                                             NULL };

static const struct crdt_field context[] = {
    DELETED_ROW,
    { F(1, "title", REGISTER, STR, LWW, "what it is about"), .required = true, .search = true },
    { F(2, "summary", TEXT, TEXT, LWW, "the gist of it"), .search = true },
    { F(3, "type", REGISTER, ENUM, LWW, "what it is taken from"), .words = context_types },
    { F(4, "confidence", REGISTER, SHARE, LWW, "how sure it is, from 0 to 1") },
    { F(5, "text", TEXT, TEXT, LWW, "the whole of it"), .search = true },
    { F(8, "key_points", SET, STR, LWW, "what to remember of it") },
    { F(9, "tags", SET, STR, LWW, "free labels") },
    { F(10, "sources", SET, ID, LWW, "records it was made from") },
    { F(12, "project", REGISTER, ID, LWW, "the project it belongs to"), .id_type = CRDT_PROJECT },
    { F(13, "topic", REGISTER, ID, LWW, "the topic it is about"), .id_type = CRDT_TOPIC },
    { F(14, "session", REGISTER, ID, LWW, "the session it is of"), .id_type = CRDT_SESSION },
    { F(16, "created", REGISTER, TIME, FIRST, "when it was made") },
    { F(20, "entities", MAP, ANY, LWW, "name to {kind, chittyId, note}: who and what is in it") },
    { F(21, "relationships", MAP, ANY, LWW, "name to {from, to, kind}: how they hang together") },
    { F(22, "enrichments", MAP, ANY, LWW, "who or what added it to {at, model, text}") },
    COMMON_ROWS,
};

static const struct crdt_field repo[] = {
    DELETED_ROW,
    { F(1, "url", REGISTER, STR, LWW, "its address, normalised"), .required = true,
      .search = true },
    { F(2, "name", REGISTER, STR, LWW, "its name"), .search = true },
    { F(3, "default_branch", REGISTER, STR, LWW, "the branch that others start from") },
    { F(4, "description", TEXT, TEXT, LWW, "longer text"), .search = true },
    { F(8, "services", SET, ID, LWW, "services made from it"), .id_type = CRDT_SERVICE },
    { F(9, "tags", SET, STR, LWW, "free labels") },
    { F(10, "root_commits", SET, STR, LWW, "its first commits: what makes clones one") },
    { F(12, "project", REGISTER, ID, LWW, "the project it belongs to"), .id_type = CRDT_PROJECT },
    { F(16, "created", REGISTER, TIME, FIRST, "when it was made") },
    { F(20, "worktrees", MAP, ANY, LWW,
        "device:path to {branch, commit, dirty, upstream, ahead, behind, state, at}") },
    COMMON_ROWS,
};

static const char *const service_types[] = { "chittyapp", "chittyservice", "external", NULL };
/* PROTOCOL 5.4 does not rank the values of a map: each device has its own. */
static const char *const healths[] = { "unknown", "healthy", "degraded", "down", NULL };

static const struct crdt_field service[] = {
    DELETED_ROW,
    { F(1, "name", REGISTER, STR, LWW, "its name"), .required = true, .search = true },
    { F(2, "description", TEXT, TEXT, LWW, "longer text"), .search = true },
    { F(3, "type", REGISTER, ENUM, LWW, "whose it is"), .words = service_types },
    { F(4, "version", REGISTER, STR, LWW, "the version deployed last") },
    { F(5, "deployed", REGISTER, TIME, LWW, "when it was deployed last") },
    { F(9, "tags", SET, STR, LWW, "free labels") },
    { F(12, "project", REGISTER, ID, LWW, "the project it belongs to"), .id_type = CRDT_PROJECT },
    { F(13, "repo", REGISTER, ID, LWW, "the repository it is made from"), .id_type = CRDT_REPO },
    { F(16, "created", REGISTER, TIME, FIRST, "when it was made") },
    { F(20, "endpoints", MAP, ANY, LWW, "name to {url, method, description}") },
    { F(21, "health", MAP, ENUM, LWW, "device to how it looks from there"), .words = healths },
    { F(22, "checks", MAP, ANY, LWW, "device to {at, status, latency_ms, error}") },
    { F(23, "deployments", MAP, ANY, LWW, "environment to {version, commit, at, by, url}") },
    { F(28, "check_url", REGISTER, STR, LWW, "the address that is asked for its health") },
    { F(29, "check_every", REGISTER, INT, LWW, "how often, in seconds") },
    { F(30, "check_timeout", REGISTER, INT, LWW, "how long to wait for an answer, in ms") },
    COMMON_ROWS,
};

static const struct crdt_field message[] = {
    DELETED_ROW,
    { F(1, "content", TEXT, TEXT, LWW, "what it says"), .required = true, .search = true },
    { F(2, "author", REGISTER, STR, LWW, "who says it") },
    { F(3, "platform", REGISTER, WORD, LWW, "where it was said"), .words = platforms },
    { F(8, "recipients", SET, STR, LWW, "users and agents it is for") },
    { F(12, "about", REGISTER, ID, LWW, "the record it is a comment on") },
    { F(13, "topic", REGISTER, ID, LWW, "the topic it belongs to"), .id_type = CRDT_TOPIC },
    { F(14, "session", REGISTER, ID, LWW, "the session it was said in"), .id_type = CRDT_SESSION },
    { F(15, "reply_to", REGISTER, ID, LWW, "the message it answers"), .id_type = CRDT_MESSAGE },
    { F(16, "created", REGISTER, TIME, FIRST, "when it was said") },
    { F(17, "edited", REGISTER, TIME, LWW, "when it was changed last") },
    { F(36, "external_ref", REGISTER, STR, LWW, "its id or address elsewhere") },
    COMMON_ROWS,
};

static const char *const checkpoint_kinds[] = { "manual", "compaction", "end", NULL };

static const struct crdt_field checkpoint[] = {
    DELETED_ROW,
    { F(1, "title", REGISTER, STR, LWW, "where the work stands"), .required = true,
      .search = true },
    { F(2, "summary", TEXT, TEXT, LWW, "longer text"), .search = true },
    { F(3, "kind", REGISTER, WORD, LWW, "why it was made"), .words = checkpoint_kinds },
    { F(4, "author", REGISTER, STR, LWW, "who made it") },
    { F(9, "tags", SET, STR, LWW, "free labels") },
    { F(10, "todos", SET, ID, LWW, "todos it is about"), .id_type = CRDT_TODO },
    { F(12, "project", REGISTER, ID, LWW, "the project it belongs to"), .id_type = CRDT_PROJECT },
    { F(13, "topic", REGISTER, ID, LWW, "the topic it is about"), .id_type = CRDT_TOPIC },
    { F(14, "session", REGISTER, ID, LWW, "the session it was made in"), .id_type = CRDT_SESSION },
    { F(16, "created", REGISTER, TIME, FIRST, "when it was made") },
    { F(22, "deadline", REGISTER, TIME, LWW, "when what it says is due") },
    { F(24, "state", MAP, ANY, LWW, "arbitrary state, a value a key") },
    { F(25, "files", MAP, ANY, LWW, "path to {action, line, at}") },
    { F(26, "reminders", MAP, ANY, LWW, "moment (RFC 3339, UTC) to a note or true") },
    { F(27, "reminded", MAP, ANY, LWW, "moment to {device, at}: who announced it") },
    COMMON_ROWS,
};

static const char *const device_kinds[] = { "laptop", "desktop", "server", "phone", NULL };

/* Beside its admission (PROTOCOL 7), which alone says that it belongs to the space. */
static const struct crdt_field device[] = {
    DELETED_ROW,
    { F(1, "name", REGISTER, STR, LWW, "what people call it"), .required = true, .search = true },
    { F(2, "description", TEXT, TEXT, LWW, "longer text"), .search = true },
    { F(3, "kind", REGISTER, WORD, LWW, "what sort of machine it is"), .words = device_kinds },
    { F(4, "owner", REGISTER, STR, LWW, "whose it is") },
    { F(5, "os", REGISTER, STR, LWW, "its system and version") },
    { F(9, "tags", SET, STR, LWW, "free labels") },
    { F(16, "created", REGISTER, TIME, FIRST, "when it was made") },
    COMMON_ROWS,
};

#define SCHEMA(number, rows, title)                                                                \
    {                                                                                              \
        .type = number, .fields = rows, .count = sizeof rows / sizeof rows[0],                     \
        .title_field = title                                                                       \
    }

static const struct crdt_type_schema schemas[] = {
    SCHEMA(CRDT_TOPIC, topic, "title"),           SCHEMA(CRDT_PROJECT, project, "name"),
    SCHEMA(CRDT_SESSION, session, "title"),       SCHEMA(CRDT_TODO, todo, "content"),
    SCHEMA(CRDT_CONTEXT, context, "title"),       SCHEMA(CRDT_REPO, repo, "url"),
    SCHEMA(CRDT_SERVICE, service, "name"),        SCHEMA(CRDT_MESSAGE, message, "content"),
    SCHEMA(CRDT_CHECKPOINT, checkpoint, "title"), SCHEMA(CRDT_DEVICE, device, "name"),
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
