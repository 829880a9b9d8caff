#ifndef NET_IO_DISCOVER_HELPER_H
#define NET_IO_DISCOVER_HELPER_H
/* The discovery helper: announces a node and browses `_chitty._tcp` through avahi, in a process of
 * its own without keys or database. The node is at the other end of the socket NET_LOOKOUT_FD
 * (net/lookout.h). */

/* Serve until the node closes its end. Returns the exit status. */
int net_discover_main(void);

#endif
