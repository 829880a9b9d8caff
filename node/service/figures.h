#ifndef NODE_SERVICE_FIGURES_H
#define NODE_SERVICE_FIGURES_H
/* Figures of a running node, as the answer to `metrics` has them (LOCAL 6.1): families of samples
 * with the names and types of OpenMetrics. The first error stays; nothing is written after it. */
#include "crdt/base/buf.h"

enum service_figure { FIGURE_GAUGE, FIGURE_COUNTER, FIGURE_HISTOGRAM, FIGURE_INFO };

struct service_figures {
    struct cht_buf *out; /* an open map; "families" is its last key */
    enum cht_err err;
    uint32_t families, samples;
    size_t families_at, samples_at; /* where their numbers stand */
};

void service_figures_begin(struct service_figures *f, struct cht_buf *out);
enum cht_err service_figures_end(struct service_figures *f);
/* A family: its name without the suffix of its type, but with its unit last ("" for none). */
void service_family(struct service_figures *f, const char *name, enum service_figure type,
                    const char *unit, const char *help);
/* A sample of it: the suffix that its type asks for, labels as pairs ended by NULL (or NULL). */
void service_sample(struct service_figures *f, const char *suffix, const char *const *labels,
                    double value);
/* A family of one gauge or counter without labels. */
void service_figure(struct service_figures *f, const char *name, enum service_figure type,
                    const char *unit, const char *help, double value);

#endif
