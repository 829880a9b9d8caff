#ifndef CLI_BASE_RESULT_H
#define CLI_BASE_RESULT_H
/* Results of commands: a map, a line a name. */
#include "cli/base/command.h"

/* Print the `result` map of an answer: with --json as the data of a document of this kind. */
void cli_put_result(struct cli_context *c, const char *kind, const struct node_msg *answer);
/* The answer of a command whose result is a list: with --json as above, else each element of the
 * array `key` by `put`. True when there is more to say to people about it: it is the result, and
 * not --json. */
bool cli_put_list(struct cli_context *c, const char *kind, const struct node_msg *answer,
                  const char *key, void (*put)(struct cli_out *out, struct cht_bytes element));
/* The check words of a pairing (LOCAL 6.4), for people. */
void cli_put_words(struct cli_out *out, struct cht_bytes map);
/* Tell progress (LOCAL 5.1) on standard error, on a terminal only. */
void cli_put_progress(const struct node_msg *event);

/* Ask a command without arguments and print its result. */
CHT_MUST_USE enum cht_err cli_ask_plain(struct cli_context *c, const char *name,
                                        enum cli_reach reach, node_answer_fn each);

#endif
