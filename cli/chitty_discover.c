/* The program chitty-discover: the discovery helper of a node, which starts it. */
#include "net/io/discover/helper.h"

#include <stdio.h>
#include <sys/socket.h>

int main(void)
{
    int type = 0;
    socklen_t len = sizeof type;
    if (getsockopt(0, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || type != SOCK_SEQPACKET) {
        (void)fputs("chitty-discover: started by chitty-node, not by hand\n", stderr);
        return 2;
    }
    return net_discover_main();
}
