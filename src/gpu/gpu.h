/* gpu.h - the contract of the only room that sees Vulkan.
 *
 * A `gpu` is one opened device with one compute queue. Memory is handed out as device addresses;
 * there are no descriptors. Work is recorded once into a `gpu_cmd` and replayed any number of
 * times. Create calls take a params struct whose zero is the default; handles are readable, not
 * writable; destroy calls take `T **`, accept NULL, and null it.
 *
 * Thread-safety: a gpu and everything made from it belong to one thread at a time, except
 * gpu_pipe compilation, which uses threads of its own.
 *
 * A lost device is latched: after the first VK_ERROR_DEVICE_LOST, or a wait that outran its
 * budget, every call fails at once with ERR_LOST and the message of the first failure, which
 * names the operation and the layer that ran last. Nothing aborts. */
#ifndef TAWNY_GPU_GPU_H
#define TAWNY_GPU_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* ---- devices ------------------------------------------------------------------------------ */

/* What a device can do, as bits; the baseline that every device must have (Vulkan 1.3, buffer
 * device addresses, 64-bit integers, 8- and 16-bit storage, the memory model at device scope,
 * timeline semaphores, subgroup size control, synchronization2) has no bits. Kernels choose
 * variants by these bits only, so a test can mask them down. */
enum gpu_cap {
    GPU_CAP_SUBGROUP_8 = 1 << 0,  /* subgroups of 8 can be required */
    GPU_CAP_SUBGROUP_16 = 1 << 1,
    GPU_CAP_SUBGROUP_32 = 1 << 2,
    GPU_CAP_SUBGROUP_64 = 1 << 3,
    GPU_CAP_SHUFFLE = 1 << 4,     /* subgroup shuffle in compute */
    GPU_CAP_FP16 = 1 << 5,        /* fp16 arithmetic */
    GPU_CAP_INT8 = 1 << 6,        /* 8-bit integer arithmetic */
    GPU_CAP_INT_DOT = 1 << 7,     /* 4x8-bit packed dot product, accelerated */
    GPU_CAP_BF16 = 1 << 8,        /* VK_KHR_shader_bfloat16 */
    GPU_CAP_COOPMAT = 1 << 9,     /* VK_KHR_cooperative_matrix with fp16 in, fp32 out */
    GPU_CAP_COOPMAT_BF16 = 1 << 10,
    GPU_CAP_COOPMAT2 = 1 << 11,   /* VK_NV_cooperative_matrix2, workgroup scope and addressing */
    GPU_CAP_MEMORY_BUDGET = 1 << 12,
    GPU_CAP_TIMESTAMPS = 1 << 13,
    GPU_CAP_EXEC_PROPERTIES = 1 << 14, /* VK_KHR_pipeline_executable_properties */
    GPU_CAP_DENORM_F32 = 1 << 15, /* SPIR-V may ask that fp32 denormals are preserved */
};

struct gpu_info {
    uint32_t index; /* order of vkEnumeratePhysicalDevices */
    char name[256];
    char driver[256];      /* driver name and version text, e.g. "radv Mesa 25.0.7" */
    char kind[16];         /* "discrete", "integrated", "virtual", "software", "other" */
    char uuid[37];         /* 8-4-4-4-12 hex */
    char pci[16];          /* "0000:01:00.0", "" if unknown */
    uint32_t vendor, device;
    uint32_t api_version, driver_version;
    uint64_t caps;         /* enum gpu_cap, after the mask */
    uint32_t subgroup_min, subgroup_max, subgroup_default;
    uint32_t shared_bytes; /* maxComputeSharedMemorySize */
    uint32_t max_groups[3];
    uint32_t max_group_threads;
    uint32_t units;        /* multiprocessors or compute units; a guess by kind when not told */
    uint64_t max_allocation;
    uint64_t memory_total; /* bytes of the heap that weights go to */
    uint64_t memory_free;  /* budget less usage where known, else memory_total */
    uint32_t coop_m, coop_n, coop_k; /* smallest fp16 KHR matrix shape, 0 without */
    double timestamp_ns;
    const char *unusable;  /* NULL, or why tawny cannot use it (static text) */
};

/* Fills up to `max` entries (may be 0), sets *count to how many there are. Blocks while drivers
 * load (0.1 to 0.4 s). No device at all is OK with *count = 0. */
enum status gpu_list(struct gpu_info *out, uint32_t max, uint32_t *count);

struct gpu_params {
    const char *device;    /* index, part of the name, UUID or its beginning; NULL: env
                              TAWNY_DEVICE, else the best (discrete, integrated, virtual,
                              software) */
    uint64_t caps_off;     /* enum gpu_cap bits to hide */
    const char *cache_dir; /* pipeline cache; NULL: $XDG_CACHE_HOME/tawny or ~/.cache/tawny;
                              "": none */
    bool robust;           /* robust buffer access, for checks */
    bool timestamps;       /* allow gpu_cmd_timestamp */
    double wait_budget;    /* seconds before a wait is a hang; 0: 60 + what the caller predicts */
    bool breadcrumbs;      /* note the last finished dispatch in host memory (slower) */
    const char *build;     /* which shaders, on one line: what verification found counts for just
                              these; NULL: it is not looked at */
    bool any_variant;      /* also those that failed verification (see gpu_avoids) */
    /* Open it for compiling alone: nothing can be allocated, recorded or run, pipelines tell
     * gpu_pipe_stats(), no cache is used, and a driver that stands in for a GPU that is not there
     * (which has no memory) is taken. */
    bool compile_only;
    uint32_t units;        /* with compile_only: what info.units says; 0: what the driver tells */
    /* Called by whoever waits for pipelines, in its thread, before and after each that is compiled
     * meanwhile; done == total ends it. May be NULL. */
    void (*on_compile)(void *ctx, uint32_t done, uint32_t total);
    void *on_compile_ctx;
};

struct gpu;

/* Says on the log (info; warn for a software device not asked for by name) which device it is.
 * ERR_DEVICE: none, ambiguous or unusable, with the reason and what there is. */
enum status gpu_open(const struct gpu_params *params, struct gpu **out);

/* Waits for the queue, saves the pipeline cache, frees everything made from it. */
void gpu_close(struct gpu **g);

const struct gpu_info *gpu_get_info(const struct gpu *g);

/* Hides these capabilities from now on, and those of gpu_params.caps_off, and no others: a
 * verification goes through the variants so. Plans made before keep theirs. */
void gpu_mask_caps(struct gpu *g, uint64_t off);

/* OK, or ERR_LOST with the message of the first failure. */
enum status gpu_check(const struct gpu *g);

/* ---- what verification found -------------------------------------------------------------- */

/* A variant is a shader built for a size of subgroups, "matvec/32"; 1: for any size. */
enum { GPU_VARIANT_TEXT = 48, GPU_MAX_FAILED = 128 };

/* What `tawny verify` found on a device. It is kept in a file beside the pipeline cache, which
 * counts for one device, driver and build. */
struct gpu_verified {
    int64_t when;         /* seconds since 1970; 0: nothing is known */
    uint32_t cases, wrong;
    bool complete;        /* every kernel was run */
    uint32_t n_failed;
    char failed[GPU_MAX_FAILED][GPU_VARIANT_TEXT];
};

const char *gpu_variant_text(const char *shader, uint32_t subgroup, char out[GPU_VARIANT_TEXT]);

/* Reads what is kept; when = 0 if there is nothing of this device, driver and build. A damaged file
 * counts as none, with a warning. cache_dir as in gpu_params. */
void gpu_verified_read(const struct gpu_info *info, const char *cache_dir, const char *build,
                       struct gpu_verified *out);

/* Replaces it, whole or not at all. ERR: the file cannot be written, or there is no place. */
enum status gpu_verified_write(const struct gpu_info *info, const char *cache_dir,
                               const char *build, const struct gpu_verified *v);

/* What gpu_open() read. */
const struct gpu_verified *gpu_get_verified(const struct gpu *g);

/* This variant failed, and another one should be taken. Never with any_variant. */
bool gpu_avoids(const struct gpu *g, const char *shader, uint32_t subgroup);

/* ---- memory ------------------------------------------------------------------------------- */

enum gpu_memory {
    GPU_DEVICE,  /* fastest for shaders; not mapped */
    GPU_HOST,    /* host memory the device reads and writes over the bus; mapped, coherent */
};

/* What memory is for; `--stats` and `inspect` print these. */
enum gpu_purpose { GPU_WEIGHTS, GPU_KV, GPU_SCRATCH, GPU_STATE, GPU_STAGING, GPU_PURPOSES };
extern const char *const gpu_purpose_names[GPU_PURPOSES];

struct gpu_buf_params {
    uint64_t bytes;           /* > 0 */
    enum gpu_memory memory;
    enum gpu_purpose purpose;
    const char *tag;          /* for messages; copied */
    bool own_block;           /* an allocation of its own instead of a slice of a shared block */
};

/* A range of GPU memory inside one Vulkan allocation; 256-byte aligned. */
struct gpu_buf {
    uint64_t addr;  /* device address */
    uint64_t bytes;
    void *map;      /* GPU_HOST: host address, else NULL */
    enum gpu_purpose purpose;
};

/* ERR_MEMORY names tag, bytes, what is free and what is in use by purpose; a size over the
 * device's largest allocation says so. Never falls back to other memory. Contents undefined. */
enum status gpu_buf_create(struct gpu *g, const struct gpu_buf_params *params,
                           const struct gpu_buf **out);

/* The caller has waited for all work that uses it. */
void gpu_buf_destroy(struct gpu *g, const struct gpu_buf **buf);

/* OK if [addr, addr + bytes) lies inside one Vulkan allocation of this gpu; else ERR_USAGE with
 * `what`, the address and the size. Plans check every span so. */
enum status gpu_check_span(const struct gpu *g, uint64_t addr, uint64_t bytes, const char *what);

/* Bytes from addr to the end of its Vulkan allocation, which no copy may cross, though the next one
 * may begin there; 0: it lies in none. */
uint64_t gpu_span_room(const struct gpu *g, uint64_t addr);

/* Bytes in live buffers by purpose, and in Vulkan allocations in all. */
struct gpu_usage {
    uint64_t live[GPU_PURPOSES];
    uint64_t allocated;
    uint64_t buffers; /* count of live gpu_buf */
};
void gpu_get_usage(const struct gpu *g, struct gpu_usage *out);

/* Budget now (VK_EXT_memory_budget), or the total less what is allocated here. */
uint64_t gpu_memory_free(const struct gpu *g);

/* Traffic and work since open, for --stats and the tests that hold them. */
struct gpu_counters {
    uint64_t submits, dispatches, barriers;
    uint64_t bytes_up, bytes_down; /* bus traffic: gpu_upload/gpu_download and gpu_count_bus */
};
void gpu_get_counters(const struct gpu *g, struct gpu_counters *out);

/* The engine reports what it reads or writes itself through mapped GPU_HOST memory. */
void gpu_count_bus(struct gpu *g, uint64_t up, uint64_t down);

/* Host memory (GPU_STAGING) that the first of these calls takes. */
enum { GPU_COPY_BYTES = 8 << 20 };

/* Host -> device through pinned staging; blocks until the copy is done. For small things (state,
 * tables, tests); weights are streamed with a gpu_stream. Any size, any offset. */
enum status gpu_upload(struct gpu *g, uint64_t dst, const void *src, uint64_t bytes);
enum status gpu_download(struct gpu *g, void *dst, uint64_t src, uint64_t bytes);
/* Fills with a 32-bit pattern; bytes a multiple of 4. Blocks. */
enum status gpu_fill(struct gpu *g, uint64_t dst, uint32_t pattern, uint64_t bytes);

/* ---- pipelines ---------------------------------------------------------------------------- */

enum { GPU_MAX_SPEC = 32, GPU_MAX_PUSH = 128 };

/* A SPIR-V module inside the binary. */
struct gpu_shader {
    const char *name;
    const uint32_t *code;
    size_t bytes;
};

struct gpu_pipe_params {
    const struct gpu_shader *shader;
    uint32_t spec[GPU_MAX_SPEC]; /* constant_id i = spec[i] */
    uint32_t n_spec;
    uint32_t push_bytes;         /* <= GPU_MAX_PUSH, multiple of 4 */
    uint32_t subgroup;           /* required subgroup size with full subgroups; 0: any */
};

struct gpu_pipe;

/* Finds or creates the pipeline with exactly these params; compilation starts on a worker thread
 * and the call does not wait. Owned by the gpu; the same params give the same pointer. */
enum status gpu_pipe_get(struct gpu *g, const struct gpu_pipe_params *params,
                         const struct gpu_pipe **out);

/* Blocks until all requested pipelines are compiled; the first failure is returned, naming the
 * shader and its constants. gpu_cmd_end calls it. */
enum status gpu_pipes_wait(struct gpu *g);
const char *gpu_pipe_name(const struct gpu_pipe *p);
const struct gpu_pipe_params *gpu_pipe_params_of(const struct gpu_pipe *p);

/* What a compiler tells about a pipeline, in its own words: "VGPRs" 48. Names and meanings are
 * the driver's. */
struct gpu_pipe_stat {
    char name[64];
    double value;
};

/* Blocks until the pipeline is compiled, and fills up to `max` statistics of it; *count is how
 * many there are, 0 without GPU_CAP_EXEC_PROPERTIES. Fails if it did not compile, naming the
 * shader and its constants. Only on a gpu opened with compile_only. */
enum status gpu_pipe_stats(struct gpu *g, const struct gpu_pipe *p, struct gpu_pipe_stat *out,
                           uint32_t max, uint32_t *count);

/* ---- recording and running ---------------------------------------------------------------- */

struct gpu_cmd;

struct gpu_cmd_params {
    const char *name;     /* for messages */
    uint32_t timestamps;  /* room for so many gpu_cmd_timestamp calls */
};

enum status gpu_cmd_create(struct gpu *g, const struct gpu_cmd_params *params,
                           struct gpu_cmd **out);
void gpu_cmd_destroy(struct gpu *g, struct gpu_cmd **c);

/* All of these only note what to record; errors (sizes over limits, push size other than the
 * pipeline's) are returned at once. `label` and `layer` (-1: none) name the dispatch in messages
 * about lost devices and in profiles; label must outlive the cmd. */
enum status gpu_cmd_dispatch(struct gpu_cmd *c, const struct gpu_pipe *pipe, const void *push,
                             uint32_t x, uint32_t y, uint32_t z, const char *label, int layer);
/* Everything before is visible to everything after: compute and copies, both ways. */
enum status gpu_cmd_barrier(struct gpu_cmd *c);
enum status gpu_cmd_copy(struct gpu_cmd *c, uint64_t dst, uint64_t src, uint64_t bytes);
enum status gpu_cmd_fill(struct gpu_cmd *c, uint64_t dst, uint32_t pattern, uint64_t bytes);
enum status gpu_cmd_timestamp(struct gpu_cmd *c, uint32_t slot);

/* Waits for pipelines and records. After this the cmd can be submitted any number of times.
 * Long recordings are split into several command buffers, so that a submit can be cut by time. */
enum status gpu_cmd_end(struct gpu_cmd *c);

/* Submits `repeat` runs of the cmd one after the other (a barrier between runs) without waiting;
 * *ticket is what gpu_wait takes. Earlier submits finish first. The recording is cut into submits
 * by measured time, so that none runs longer than about 0.5 s. Before reading GPU_HOST memory,
 * wait: host visibility is part of every submit. */
enum status gpu_submit(struct gpu *g, struct gpu_cmd *c, uint32_t repeat, uint64_t *ticket);

/* Blocks in slices of 250 ms until the ticket is done; past the budget it reports a hang (what ran
 * last, queue depth, memory) and latches the device as lost. */
enum status gpu_wait(struct gpu *g, uint64_t ticket);
/* True if done, or if it never will be because the device is lost; does not block. */
bool gpu_done(struct gpu *g, uint64_t ticket);

/* Seconds between two slots of the last finished run of the cmd. */
enum status gpu_cmd_elapsed(struct gpu_cmd *c, uint32_t from, uint32_t to, double *seconds);

/* ---- streaming uploads -------------------------------------------------------------------- */

/* A ring of pinned buffers: the caller fills one while the last are being copied. */
struct gpu_stream;
struct gpu_stream_params {
    uint64_t slice_bytes; /* 0: 32 MiB */
    uint32_t slices;      /* 0: 4 */
};
enum status gpu_stream_create(struct gpu *g, const struct gpu_stream_params *params,
                              struct gpu_stream **out);
/* Gives the next free slice (blocks until one is); write up to slice_bytes to *host. *addr is its
 * device address, for kernels that read it directly. */
enum status gpu_stream_next(struct gpu_stream *s, void **host, uint64_t *addr);
/* Sends the slice of the last next(): either copies `bytes` to dst, ... */
enum status gpu_stream_copy(struct gpu_stream *s, uint64_t dst, uint64_t bytes);
/* ... or runs one dispatch that reads it. The slice is free again when that is done. */
enum status gpu_stream_dispatch(struct gpu_stream *s, const struct gpu_pipe *pipe,
                                const void *push, uint32_t x, uint32_t y, uint32_t z);
/* Waits for all of it. */
enum status gpu_stream_finish(struct gpu_stream *s);
void gpu_stream_destroy(struct gpu_stream **s);

#endif
