/* Writes a tensor's bytes to stdout, as a model reads them: tensor MODEL NAME. */
#include <stdio.h>

#include "base/mem.h"
#include "formats/weights.h"

int main(int argc, char **argv)
{
    struct weights *w = NULL;
    const struct weights_tensor *t = NULL;
    void *bytes = NULL;
    enum status s = argc == 3 ? weights_open(argv[1], &w) : ERR_USAGE;
    if (s == OK)
        t = weights_tensor(w, argv[2]);
    if (t)
        bytes = mem_alloc(t->bytes);
    bool written = bytes && weights_read(w, t, 0, t->bytes, bytes) == OK &&
                   fwrite(bytes, 1, t->bytes, stdout) == t->bytes;
    if (!written)
        fprintf(stderr, "tensor: %s\n", status_message());
    mem_free(bytes);
    weights_close(&w);
    return !written;
}
