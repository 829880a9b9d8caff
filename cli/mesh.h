#ifndef CLI_MESH_H
#define CLI_MESH_H
/* Inside `chitty mesh`: what is drawn, as the document of kind `mesh` has it. */
#include "cli/base/tree.h"

/* As a tree for people; as a graph in the language of Graphviz. (mesh_draw.c) */
void mesh_put_tree(struct cli_context *c, const json_t *mesh);
void mesh_put_dot(struct cli_context *c, const json_t *mesh);

#endif
