/* The program chitty-node; its commands are listed in chitty_node_table.c. */
#include "cli/commands.h"

int main(int argc, char **argv)
{
    return cli_main(&cli_chitty_node, argc, argv);
}
