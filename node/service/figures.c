/* Writing figures; see figures.h. */
#include "node/service/figures.h"

#include "node/client/mpmap.h"

/* An array whose number of elements is filled in later. */
static void open_array(struct service_figures *f, const char *key, size_t *out_at)
{
    static const uint8_t array32[] = { 0xdd, 0, 0, 0, 0 };
    if (f->err == CHT_OK)
        f->err = node_mp_put_text(f->out, key);
    if (f->err == CHT_OK)
        f->err = cht_buf_add(f->out, cht_bytes(array32, sizeof array32));
    *out_at = f->out->len - 4;
}

static void close_array(struct service_figures *f, size_t at, uint32_t count)
{
    if (f->err != CHT_OK)
        return;
    f->out->data[at] = (uint8_t)(count >> 24);
    f->out->data[at + 1] = (uint8_t)(count >> 16);
    f->out->data[at + 2] = (uint8_t)(count >> 8);
    f->out->data[at + 3] = (uint8_t)count;
}

static void put(struct service_figures *f, const char *key, const char *text)
{
    if (f->err == CHT_OK)
        f->err = node_mp_put_key_text(f->out, key, text);
}

void service_figures_begin(struct service_figures *f, struct cht_buf *out)
{
    *f = (struct service_figures){ .out = out };
    f->err = crdt_mp_put_map(out, 1);
    open_array(f, "families", &f->families_at);
}

static void close_family(struct service_figures *f)
{
    if (f->families != 0)
        close_array(f, f->samples_at, f->samples);
    f->samples = 0;
}

enum cht_err service_figures_end(struct service_figures *f)
{
    close_family(f);
    close_array(f, f->families_at, f->families);
    return f->err;
}

void service_family(struct service_figures *f, const char *name, enum service_figure type,
                    const char *unit, const char *help)
{
    static const char *const types[] = { "gauge", "counter", "histogram", "info" };
    close_family(f);
    if (f->err == CHT_OK)
        f->err = crdt_mp_put_map(f->out, 5);
    put(f, "name", name);
    put(f, "type", types[type]);
    put(f, "unit", unit);
    put(f, "help", help);
    open_array(f, "samples", &f->samples_at);
    f->families++;
}

void service_sample(struct service_figures *f, const char *suffix, const char *const *labels,
                    double value)
{
    uint32_t count = 0;
    while (labels != NULL && labels[2 * count] != NULL)
        count++;
    if (f->err == CHT_OK)
        f->err = crdt_mp_put_map(f->out, 3);
    put(f, "suffix", suffix);
    if (f->err == CHT_OK)
        f->err = node_mp_put_text(f->out, "labels");
    if (f->err == CHT_OK)
        f->err = crdt_mp_put_map(f->out, count);
    for (uint32_t i = 0; i < count; i++)
        put(f, labels[2 * (size_t)i], labels[2 * (size_t)i + 1]);
    if (f->err == CHT_OK)
        f->err = node_mp_put_text(f->out, "value");
    bool whole = value >= 0 && value < 9e15 && (double)(uint64_t)value == value;
    if (f->err == CHT_OK)
        f->err =
            whole ? crdt_mp_put_uint(f->out, (uint64_t)value) : crdt_mp_put_float(f->out, value);
    f->samples++;
}

void service_figure(struct service_figures *f, const char *name, enum service_figure type,
                    const char *unit, const char *help, double value)
{
    service_family(f, name, type, unit, help);
    service_sample(f, type == FIGURE_COUNTER ? "_total" : "", NULL, value);
}
