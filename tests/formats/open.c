/* Opens every model file named on a line of stdin and prints, separated by tabs: status,
 * microseconds, growth of the peak of resident memory in KiB, message. With --model the description
 * of the model and its tokenizer are made too: all that is done before a device is touched. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "engine/vocab.h"
#include "formats/weights.h"
#include "models/models.h"

/* The peak since the last call, or -1 where the kernel does not tell. */
static long peak_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "VmHWM:", 6))
            kib = strtol(line + 6, NULL, 10);
    if (f)
        fclose(f);
    f = fopen("/proc/self/clear_refs", "w");
    if (f) {
        fputs("5", f);
        fclose(f);
    }
    return kib;
}

static enum status open_model(const struct weights *w)
{
    struct model m;
    struct tok *tok;
    enum status s = model_load(w, &m);
    if (s != OK)
        return s;
    s = vocab_load(w, m.hp.n_vocab, &tok);
    tok_destroy(&tok);
    model_unload(&m);
    return s;
}

int main(int argc, char **argv)
{
    bool model = argc > 1 && !strcmp(argv[1], "--model");
    char path[4096];
    peak_kib();
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = 0;
        struct weights *w;
        status_clear();
        long before = peak_kib();
        double t = time_now();
        enum status s = weights_open(path, &w);
        if (s == OK && model)
            s = open_model(w);
        t = time_now() - t;
        weights_close(&w);
        printf("%d\t%.0f\t%ld\t%s\n", (int)s, t * 1e6, peak_kib() - before, status_message());
        fflush(stdout);
    }
    return 0;
}
