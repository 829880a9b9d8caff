/* chitty: the daily command. */
#include "cli/claude.h"
#include "cli/commands.h"

static const struct cli_command *const commands[] = {
    &cli_add,      &cli_start,       &cli_stop_todo,   &cli_done,
    &cli_cancel,   &cli_reopen,      &cli_prio,        &cli_due,
    &cli_label,    &cli_assign,      &cli_parent,      &cli_block,
    &cli_unblock,  &cli_remind,      &cli_comment,     &cli_comments,
    &cli_undo,     &cli_redo,        &cli_delete,      &cli_undelete,
    &cli_batch,    &cli_ls,          &cli_ready,       &cli_next,
    &cli_blocked,  &cli_claim_todo,  &cli_release,     &cli_claims,
    &cli_sessions, &cli_search,      &cli_watch,       &cli_log,
    &cli_show,     &cli_conflicts,   &cli_cycles,      &cli_merge,
    &cli_unmerge,  &cli_duplicates,  &cli_sync,        &cli_mesh,
    &cli_resolve,  &cli_attach,      &cli_attachments, &cli_completion,
    &cli_complete, &cli_checkpoints, &cli_open_page,   &cli_folder_init,
    &cli_hook,     &cli_mcp,         &cli_standup,     &cli_why,
    NULL,
};

static const struct cli_command *const verbs[] = {
    &cli_verb_list, &cli_verb_get, &cli_verb_create, &cli_verb_update, &cli_verb_delete, NULL,
};

static const struct cli_command *const space_verbs[] = {
    &cli_space_list,
    &cli_space_new,
    &cli_space_use,
    NULL,
};

static const struct cli_command *const attachment_verbs[] = {
    &cli_attachment_get,
    &cli_attachment_rm,
    NULL,
};

static const struct cli_command *const repo_verbs[] = {
    &cli_repo_add, &cli_repo_status, &cli_repo_fetch, &cli_repo_forget, NULL,
};

static const struct cli_command *const service_verbs[] = {
    &cli_service_add,
    &cli_service_health,
    &cli_service_deploy,
    NULL,
};

static const struct cli_command *const session_verbs[] = {
    &cli_session_show,   &cli_session_export,  &cli_session_resume,
    &cli_session_attach, &cli_session_context, NULL,
};

static const struct cli_command *const project_verbs[] = {
    &cli_project_here,
    &cli_project_report,
    NULL,
};

static const struct cli_command *const checkpoint_verbs[] = { &cli_checkpoint_add, NULL };

static const struct cli_command *const nudge_verbs[] = {
    &cli_nudge_now, &cli_nudge_commit, &cli_nudge_snooze,
    &cli_nudge_off, &cli_nudge_on,     &cli_nudge_status,
    NULL,
};

static const struct cli_command *const shell_verbs[] = {
    &cli_shell_init,
    &cli_shell_prompt,
    NULL,
};

static const struct cli_command *const git_hook_verbs[] = {
    &cli_git_hook_install,
    &cli_git_hook_remove,
    &cli_git_hook_status,
    NULL,
};

static const struct cli_command *const milestone_verbs[] = {
    &cli_milestone_list, &cli_milestone_add, &cli_milestone_done, &cli_milestone_rm, NULL,
};

static const struct cli_command *const context_verbs[] = { &cli_context_here, &cli_context_show,
                                                           &cli_context_add, &cli_context_share,
                                                           NULL };

/* A noun's own verbs: `static const struct cli_command *const project_verbs[] = { &cli_…, NULL };`
 * and `.verbs = project_verbs` in its row. */
static const struct cli_noun nouns[] = {
    { .name = "todo", .summary = "work to be done", .type = CRDT_TODO },
    { .name = "topic", .summary = "what work is about", .type = CRDT_TOPIC },
    { .name = "project",
      .summary = "work that belongs together",
      .type = CRDT_PROJECT,
      .verbs = project_verbs },
    { .name = "milestone",
      .summary = "a step of a project that may be reached",
      .verbs = milestone_verbs },
    { .name = "session",
      .summary = "a sitting at work, of a person or an agent",
      .type = CRDT_SESSION,
      .verbs = session_verbs },
    { .name = "context",
      .summary = "what was learned, to be used again",
      .type = CRDT_CONTEXT,
      .verbs = context_verbs },
    { .name = "repo",
      .summary = "a git repository and its clones",
      .type = CRDT_REPO,
      .verbs = repo_verbs },
    { .name = "service",
      .summary = "what runs somewhere, and how it is",
      .type = CRDT_SERVICE,
      .verbs = service_verbs },
    { .name = "message",
      .summary = "what somebody said; a comment, where it is about a record",
      .type = CRDT_MESSAGE },
    { .name = "checkpoint",
      .summary = "where work stood at a moment",
      .type = CRDT_CHECKPOINT,
      .verbs = checkpoint_verbs,
      .otherwise = &cli_checkpoint_add },
    { .name = "device", .summary = "a machine, as people describe it", .type = CRDT_DEVICE },
    { .name = "space",
      .summary = "a set of records of its own, with its own devices",
      .verbs = space_verbs },
    { .name = "nudge", .summary = "a word about the tracker, now and then", .verbs = nudge_verbs },
    { .name = "shell", .summary = "what a shell does for the tracker", .verbs = shell_verbs },
    { .name = "git-hook", .summary = "a nudge after each commit", .verbs = git_hook_verbs },
    { .name = "attachment", .summary = "files attached to records", .verbs = attachment_verbs },
    { .name = "claude", .summary = "Claude Code on this machine", .verbs = cli_claude_verbs },
    { .name = NULL },
};

/* As the original documents have them; `claude --help` names what they mean. */
static const struct cli_alias aliases[] = {
    { "claude todos list", "todo list" },
    { "claude todos add", "todo create" },
    { "claude todos complete", "done" },
    { "claude todos sync", "claude track sync" },
    { "claude sessions list", "sessions --all" },
    { "claude session show", "session show" },
    { "claude session export", "session export" },
    { "claude session resume", "session resume" },
    { "claude tasks active", "todo list status:in_progress" },
    { "claude tasks history", "todo list --all status:completed --sort -completed_at" },
    { "claude task checkpoint", "checkpoint add" },
    { NULL, NULL },
};

const struct cli_program cli_chitty = {
    .name = "chitty",
    .summary = "Todos, topics, projects and sessions, the same on all your machines.",
    .details = "Asks the node of its user (chitty-node(1)), which keeps a replica of everything on "
               "this machine and exchanges changes with the other machines. It works without a "
               "network. Where no node runs, chitty starts one.",
    .commands = commands,
    .nouns = nouns,
    .verbs = verbs,
    .aliases = aliases,
    .open_backend = cli_backend_socket,
};
