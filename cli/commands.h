#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H
/* Both programs, and every command, by the file it ends. */
#include "cli/base/command.h"

extern const struct cli_program cli_chitty;      /* chitty_table.c */
extern const struct cli_program cli_chitty_node; /* chitty_node_table.c */

/* of chitty */
extern const struct cli_command cli_add;      /* add.c */
extern const struct cli_command cli_batch;    /* batch.c */
extern const struct cli_command cli_comment;  /* comment.c */
extern const struct cli_command cli_comments; /* comments.c */
extern const struct cli_command cli_delete;   /* delete.c */
extern const struct cli_command cli_undelete;
extern const struct cli_command cli_prio; /* field_verbs.c */
extern const struct cli_command cli_due;
extern const struct cli_command cli_parent;
extern const struct cli_command cli_label;
extern const struct cli_command cli_assign;
extern const struct cli_command cli_block;
extern const struct cli_command cli_unblock;
extern const struct cli_command cli_milestone_list; /* milestone.c */
extern const struct cli_command cli_milestone_add;
extern const struct cli_command cli_milestone_done;
extern const struct cli_command cli_milestone_rm;
extern const struct cli_command cli_project_report; /* project_report.c */
extern const struct cli_command cli_project_here;   /* project_here.c */
extern const struct cli_command cli_folder_init;    /* folder_init.c */
extern const struct cli_command cli_remind;         /* remind.c */
extern const struct cli_command cli_done;           /* status_verbs.c */
extern const struct cli_command cli_start;
extern const struct cli_command cli_stop_todo;
extern const struct cli_command cli_cancel;
extern const struct cli_command cli_reopen;
extern const struct cli_command cli_undo; /* undo.c */
extern const struct cli_command cli_redo;
extern const struct cli_command cli_ls;          /* ls.c */
extern const struct cli_command cli_ready;       /* ready.c */
extern const struct cli_command cli_next;        /* ready.c */
extern const struct cli_command cli_blocked;     /* ready.c */
extern const struct cli_command cli_claim_todo;  /* claim.c */
extern const struct cli_command cli_release;     /* claim.c */
extern const struct cli_command cli_claims;      /* claims.c */
extern const struct cli_command cli_cycles;      /* cycles.c */
extern const struct cli_command cli_merge;       /* merge.c */
extern const struct cli_command cli_unmerge;     /* merge.c */
extern const struct cli_command cli_duplicates;  /* merge.c */
extern const struct cli_command cli_sync;        /* sync.c */
extern const struct cli_command cli_mesh;        /* mesh.c */
extern const struct cli_command cli_search;      /* search.c */
extern const struct cli_command cli_watch;       /* watch.c */
extern const struct cli_command cli_verb_list;   /* verb_list.c */
extern const struct cli_command cli_verb_get;    /* verb_get.c */
extern const struct cli_command cli_verb_create; /* verb_create.c */
extern const struct cli_command cli_verb_update; /* verb_update.c */
extern const struct cli_command cli_verb_delete; /* verb_delete.c */

/* … of attachments */
extern const struct cli_command cli_attach;         /* attach.c */
extern const struct cli_command cli_attachments;    /* attachments.c */
extern const struct cli_command cli_attachment_get; /* attachment_get.c */
extern const struct cli_command cli_attachment_rm;  /* attachment_rm.c */

/* … of its noun `space` */
extern const struct cli_command cli_space_list; /* space_list.c */
extern const struct cli_command cli_space_new;  /* space_new.c */
extern const struct cli_command cli_space_use;  /* space_use.c */

/* … of its nouns `repo`, `service` and `session` */
extern const struct cli_command cli_repo_add;        /* repo_add.c */
extern const struct cli_command cli_repo_status;     /* repo_status.c */
extern const struct cli_command cli_repo_fetch;      /* repo_fetch.c */
extern const struct cli_command cli_repo_forget;     /* repo_forget.c */
extern const struct cli_command cli_service_add;     /* service_add.c */
extern const struct cli_command cli_service_health;  /* service_health.c */
extern const struct cli_command cli_service_deploy;  /* service_deploy.c */
extern const struct cli_command cli_session_attach;  /* session_attach.c */
extern const struct cli_command cli_session_context; /* session_context.c */
extern const struct cli_command cli_standup;         /* standup.c */
extern const struct cli_command cli_why;             /* why.c */
extern const struct cli_command cli_context_show;    /* context_show.c */
extern const struct cli_command cli_context_add;     /* context_add.c */
extern const struct cli_command cli_context_share;   /* context_share.c */
extern const struct cli_command cli_context_here;    /* context_show.c */
extern const struct cli_command cli_session_show;    /* session_show.c */
extern const struct cli_command cli_session_export;  /* session_export.c */
extern const struct cli_command cli_session_resume;  /* session_resume.c */
extern const struct cli_command cli_sessions;        /* sessions.c */

/* … for Claude Code */
extern const struct cli_command cli_hook; /* hook.c */

/* of both */
extern const struct cli_command cli_log;        /* log.c */
extern const struct cli_command cli_show;       /* show.c */
extern const struct cli_command cli_conflicts;  /* conflicts.c */
extern const struct cli_command cli_resolve;    /* resolve.c */
extern const struct cli_command cli_completion; /* completion.c */
extern const struct cli_command cli_complete;   /* complete.c */
extern const struct cli_command cli_mcp;        /* mcp.c */

/* … of trackers' habits */
extern const struct cli_command cli_checkpoint_add;   /* checkpoint_add.c */
extern const struct cli_command cli_checkpoints;      /* checkpoints.c */
extern const struct cli_command cli_nudge_now;        /* nudge.c */
extern const struct cli_command cli_nudge_commit;     /* nudge.c */
extern const struct cli_command cli_nudge_snooze;     /* nudge_quiet.c */
extern const struct cli_command cli_nudge_off;        /* nudge_quiet.c */
extern const struct cli_command cli_nudge_on;         /* nudge_quiet.c */
extern const struct cli_command cli_nudge_status;     /* nudge_quiet.c */
extern const struct cli_command cli_shell_init;       /* shell_init.c */
extern const struct cli_command cli_shell_prompt;     /* shell_prompt.c */
extern const struct cli_command cli_git_hook_install; /* git_hook.c */
extern const struct cli_command cli_git_hook_remove;  /* git_hook.c */
extern const struct cli_command cli_git_hook_status;  /* git_hook.c */
extern const struct cli_command cli_open_page;        /* open.c */

/* of chitty-node */
extern const struct cli_command cli_init;    /* init.c */
extern const struct cli_command cli_run;     /* run.c */
extern const struct cli_command cli_status;  /* status.c */
extern const struct cli_command cli_metrics; /* metrics.c */
extern const struct cli_command cli_peers;   /* peers.c */
extern const struct cli_command cli_invite;  /* invite.c */
extern const struct cli_command cli_join;    /* join.c */
extern const struct cli_command cli_verify;  /* verify.c */
extern const struct cli_command cli_rebuild; /* rebuild.c */
extern const struct cli_command cli_backup;  /* backup.c */
extern const struct cli_command cli_restore; /* restore.c */
extern const struct cli_command cli_stop;    /* stop.c */
extern const struct cli_command cli_doctor;  /* doctor.c */
extern const struct cli_command cli_service; /* service.c */
extern const struct cli_command cli_export;  /* export.c */
extern const struct cli_command cli_blobs;   /* blobs.c */
extern const struct cli_command cli_import;  /* import.c */

/* … of membership */
extern const struct cli_command cli_members;     /* members.c */
extern const struct cli_command cli_revoke;      /* revoke.c */
extern const struct cli_command cli_role;        /* role.c */
extern const struct cli_command cli_readmit;     /* readmit.c */
extern const struct cli_command cli_quarantined; /* quarantined.c */

#endif
