/* HTTP by libcurl; see fetch.h. */
#include "bridges/observe/fetch.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOPS_MAX 3u
#define WAITS    512u

struct fetch {
    struct fetch *next;
    CURL *easy;
    void (*done)(void *ctx, uint32_t number, const struct fetch_answer *answer);
    void *ctx;
    uint32_t number;
    unsigned hops;
    uint64_t latency_ms; /* of the hops before */
    size_t body;
    char error[CURL_ERROR_SIZE];
};

struct fetch_desk {
    CURLM *multi;
    struct fetch *all;
    unsigned count;
};

enum cht_err fetch_open(struct fetch_desk **out)
{
    *out = calloc(1, sizeof **out);
    return *out == NULL ? CHT_E_NOMEM : CHT_OK;
}

static void drop(struct fetch_desk *f, struct fetch *one)
{
    struct fetch **at = &f->all;
    while (*at != one)
        at = &(*at)->next;
    *at = one->next;
    (void)curl_multi_remove_handle(f->multi, one->easy);
    curl_easy_cleanup(one->easy);
    free(one);
    f->count--;
}

void fetch_close(struct fetch_desk *f)
{
    if (f == NULL)
        return;
    while (f->all != NULL)
        drop(f, f->all);
    if (f->multi != NULL) {
        (void)curl_multi_cleanup(f->multi);
        curl_global_cleanup();
    }
    free(f);
}

/* --- asking -------------------------------------------------------------------------------- */

static size_t take_body(char *data, size_t size, size_t count, void *ctx)
{
    struct fetch *one = ctx;
    (void)data;
    one->body += size * count;
    return one->body > FETCH_BODY_BYTES ? 0 : size * count; /* 0: enough, hang up */
}

static bool set_protocols(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
#else
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS)) ==
           CURLE_OK;
#endif
}

static bool set_up(struct fetch *one, const char *url, uint32_t timeout_ms)
{
    CURL *easy = one->easy;
    return set_protocols(easy) && curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERAGENT, "chitty-observe/" CHT_VERSION) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, one) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, one->error) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PRIVATE, one) == CURLE_OK;
}

/* The host of an http or https address, to be freed with curl_free; NULL. */
static char *host_of(const char *url)
{
    CURLU *parts = curl_url();
    char *scheme = NULL, *host = NULL;
    if (parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0))
        (void)!curl_url_get(parts, CURLUPART_HOST, &host, 0);
    curl_free(scheme);
    curl_url_cleanup(parts);
    return host;
}

enum cht_err fetch_start(struct fetch_desk *f, const char *url, uint32_t timeout_ms,
                         void (*done)(void *ctx, uint32_t number,
                                      const struct fetch_answer *answer),
                         void *ctx, uint32_t number)
{
    if (f->multi == NULL) {
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
            return CHT_E_NOMEM;
        f->multi = curl_multi_init();
        if (f->multi == NULL) {
            curl_global_cleanup();
            return CHT_E_NOMEM;
        }
    }
    char *host = host_of(url);
    curl_free(host);
    if (host == NULL)
        return CHT_E_INVALID;
    struct fetch *one = calloc(1, sizeof *one);
    if (one == NULL)
        return CHT_E_NOMEM;
    *one = (struct fetch){ .done = done, .ctx = ctx, .number = number, .easy = curl_easy_init() };
    if (one->easy == NULL || !set_up(one, url, timeout_ms) ||
        curl_multi_add_handle(f->multi, one->easy) != CURLM_OK) {
        curl_easy_cleanup(one->easy);
        free(one);
        return CHT_E_NOMEM;
    }
    one->next = f->all;
    f->all = one;
    f->count++;
    return CHT_OK;
}

/* --- answers ------------------------------------------------------------------------------- */

/* A redirect within the host: go on there. */
static bool follow(struct fetch_desk *f, struct fetch *one)
{
    char *from = NULL, *to = NULL;
    if (one->hops == HOPS_MAX ||
        curl_easy_getinfo(one->easy, CURLINFO_REDIRECT_URL, &to) != CURLE_OK || to == NULL ||
        curl_easy_getinfo(one->easy, CURLINFO_EFFECTIVE_URL, &from) != CURLE_OK || from == NULL)
        return false;
    char *here = host_of(from), *there = host_of(to);
    char *url = here != NULL && there != NULL && strcmp(here, there) == 0 ? strdup(to) : NULL;
    curl_free(here);
    curl_free(there);
    if (url == NULL)
        return false;
    one->hops++;
    one->body = 0;
    (void)curl_multi_remove_handle(f->multi, one->easy);
    const bool good = curl_easy_setopt(one->easy, CURLOPT_URL, url) == CURLE_OK;
    free(url);
    return curl_multi_add_handle(f->multi, one->easy) == CURLM_OK && good;
}

static void answered(struct fetch_desk *f, struct fetch *one, CURLcode code)
{
    struct fetch_answer answer = { 0 };
    curl_off_t took_us = 0;
    (void)curl_easy_getinfo(one->easy, CURLINFO_TOTAL_TIME_T, &took_us);
    one->latency_ms += (uint64_t)took_us / 1000u;
    answer.latency_ms = one->latency_ms;
    const bool whole = code == CURLE_OK || (code == CURLE_WRITE_ERROR && one->body != 0);
    if (whole)
        (void)curl_easy_getinfo(one->easy, CURLINFO_RESPONSE_CODE, &answer.status);
    if (whole && answer.status >= 300 && answer.status <= 399 && follow(f, one))
        return;
    if (!whole)
        (void)snprintf(answer.error, sizeof answer.error, "%s",
                       one->error[0] == '\0' ? curl_easy_strerror(code) : one->error);
    one->done(one->ctx, one->number, &answer);
    drop(f, one);
}

void fetch_tick(struct fetch_desk *f)
{
    int running = 0, left = 0;
    const struct CURLMsg *message;
    if (f->count == 0)
        return;
    (void)curl_multi_perform(f->multi, &running);
    while ((message = curl_multi_info_read(f->multi, &left)) != NULL) {
        char *private = NULL;
        const CURLcode code = message->data.result;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private) == CURLE_OK)
            answered(f, (struct fetch *)(void *)private, code);
    }
}

unsigned fetch_count(const struct fetch_desk *f)
{
    return f->count;
}

/* --- waiting ------------------------------------------------------------------------------- */

void fetch_poll(struct fetch_desk *f, struct pollfd *fds, nfds_t count, int timeout_ms)
{
    struct curl_waitfd waits[WAITS];
    if (f->count == 0 || count > WAITS) {
        (void)poll(fds, count, timeout_ms);
        return;
    }
    for (nfds_t i = 0; i < count; i++)
        waits[i] = (struct curl_waitfd){ .fd = fds[i].fd, .events = CURL_WAIT_POLLIN };
    (void)curl_multi_poll(f->multi, waits, (unsigned)count, timeout_ms < 0 ? 60000 : timeout_ms,
                          NULL);
    for (nfds_t i = 0; i < count; i++)
        fds[i].revents = waits[i].revents == 0 ? 0 : POLLIN;
}
