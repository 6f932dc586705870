#include "spare.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "base/status.h"

enum { MOST_PIECES = 64 };
static const uint64_t large = 256ull << 20, most_bytes = 1ull << 30;

struct piece {
    void *p;
    uint64_t bytes;
    bool clean;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what follows */
static struct piece pieces[MOST_PIECES];                 /* the oldest first */
static uint32_t n_pieces;
static uint64_t n_bytes;

static struct piece take(uint32_t i)
{
    struct piece piece = pieces[i];
    n_bytes -= piece.bytes;
    n_pieces--;
    memmove(&pieces[i], &pieces[i + 1], (n_pieces - i) * sizeof *pieces);
    return piece;
}

void *spare_get(uint64_t bytes, bool clean)
{
    void *p = NULL;
    pthread_mutex_lock(&lock);
    for (uint32_t i = n_pieces; !p && i-- > 0;) {
        if (pieces[i].bytes == bytes && pieces[i].clean == clean)
            p = take(i).p;
    }
    pthread_mutex_unlock(&lock);
    if (p)
        return p;
    p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
             0);
    if (p == MAP_FAILED) {
        status_fail(ERR_MEMORY, "check: no address space for %" PRIu64 " bytes", bytes);
        return NULL;
    }
    return p;
}

void spare_put(void *p, uint64_t bytes, bool clean)
{
    if (!p)
        return;
    if (bytes > large) {
        munmap(p, bytes);
        return;
    }
    pthread_mutex_lock(&lock);
    while (n_pieces && (n_pieces == MOST_PIECES || n_bytes + bytes > most_bytes)) {
        struct piece oldest = take(0);
        munmap(oldest.p, oldest.bytes);
    }
    pieces[n_pieces++] = (struct piece){p, bytes, clean};
    n_bytes += bytes;
    pthread_mutex_unlock(&lock);
}
