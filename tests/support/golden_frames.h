#ifndef TESTS_SUPPORT_GOLDEN_FRAMES_H
#define TESTS_SUPPORT_GOLDEN_FRAMES_H
/* What stands in each frame of tests/vectors/frames.hex. What a frame points at is static and lives
 * until the next one is made. */
#include "net/frame.h"

struct golden_frame {
    const char *name;
    struct net_frame (*make)(void);
};

extern const struct golden_frame golden_frames[];
extern const size_t golden_frame_count;

/* The one with that name. */
struct net_frame golden_frame(const char *name);

#endif
