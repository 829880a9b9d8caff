#ifndef CLI_BASE_TOPICS_H
#define CLI_BASE_TOPICS_H
/* What is told beside the commands: `chitty help dates`, chitty-dates(7). */

struct cli_topic {
    const char *name;
    const char *summary; /* one line, without a full stop */
    const char *text;    /* in the markup of cli/base/markup.h */
};

/* Ends with a name of NULL. */
extern const struct cli_topic cli_topics[];

/* By name; NULL: there is none. */
const struct cli_topic *cli_topic_named(const char *name);

#endif
