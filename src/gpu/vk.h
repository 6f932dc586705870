/* vk.h - what the files of this room share. Nothing outside src/gpu/ includes it. */
#ifndef TAWNY_GPU_VK_H
#define TAWNY_GPU_VK_H

#include <inttypes.h>
#include <pthread.h>
#include <vulkan/vulkan.h>

#include "base/log.h"
#include "base/mem.h"
#include "gpu/gpu.h"

/* The headers of Debian 13 stop short of these. */
#ifndef VK_KHR_shader_bfloat16
#define VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_BFLOAT16_FEATURES_KHR ((VkStructureType)1000141000)
#define VK_COMPONENT_TYPE_BFLOAT16_KHR ((VkComponentTypeKHR)1000141000)
typedef struct VkPhysicalDeviceShaderBfloat16FeaturesKHR {
    VkStructureType sType;
    void *pNext;
    VkBool32 shaderBFloat16Type;
    VkBool32 shaderBFloat16DotProduct;
    VkBool32 shaderBFloat16CooperativeMatrix;
} VkPhysicalDeviceShaderBfloat16FeaturesKHR;
#endif

enum {
    VK_ALIGN = 256,      /* of every buffer */
    VK_STAGE_SLICES = 2, /* halves of the staging buffer of gpu_upload and gpu_download */
    VK_STAGE_BYTES = 4 << 20,
    VK_PENDING = 1024,    /* submits in flight */
    VK_SUBMIT_CMDS = 256, /* command buffers in one submit */
    VK_SEGMENT_OPS = 8,   /* operations a command buffer while nothing is measured */
    VK_WORKERS = 8,
    VK_PIPE_BUCKETS = 256,
};

/* ---- checking (fault.c) ------------------------------------------------------------------- */

bool vk_inject(const char *call);
VkResult vk_injected(void);
bool vk_lacks(const char *feature);
void vk_object(int64_t delta);
const char *vk_result_name(VkResult r);

/* The call's VkResult, or the one a test wants. */
#define VK_RAW(name, args) (vk_inject(#name) ? vk_injected() : name args)

/* The call as a status; on failure the message names the call, what it was for, and the code:
 *     TRY(VK(g, vkMapMemory, (g->dev, mem, 0, n, 0, &map), "%s, %" PRIu64 " bytes", tag, n));  */
#define VK(g, name, args, ...) vk_status(g, VK_RAW(name, args), #name, __VA_ARGS__)

enum status vk_status(struct gpu *g, VkResult r, const char *call, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Latches the device as lost; the message says `why` and what ran last. Returns ERR_LOST. */
enum status vk_lose(struct gpu *g, const char *why);

/* ERR_USAGE, naming what was asked for, on a device that is open for compiling alone. */
enum status vk_can_run(const struct gpu *g, const char *what);

/* At the head of every entry point. */
#define VK_ALIVE(g)                                                                                \
    do {                                                                                           \
        if ((g)->lost)                                                                             \
            return gpu_check(g);                                                                   \
    } while (0)

/* ---- devices (caps.c, device.c) ----------------------------------------------------------- */

/* Optional extensions, each with its bit in vk_caps.ext. */
#define VK_EXTENSIONS(X)                                                                           \
    X(COOPMAT, "VK_KHR_cooperative_matrix")                                                        \
    X(COOPMAT2, "VK_NV_cooperative_matrix2")                                                       \
    X(BFLOAT16, "VK_KHR_shader_bfloat16")                                                          \
    X(EXEC, "VK_KHR_pipeline_executable_properties")                                               \
    X(EXPLICIT, "VK_KHR_workgroup_memory_explicit_layout")                                         \
    X(BUDGET, "VK_EXT_memory_budget")                                                              \
    X(PCI, "VK_EXT_pci_bus_info")                                                                  \
    X(FAULT, "VK_EXT_device_fault")                                                                \
    X(CHECKPOINT, "VK_NV_device_diagnostic_checkpoints")                                           \
    X(MARKER, "VK_AMD_buffer_marker")                                                              \
    X(SM, "VK_NV_shader_sm_builtins")                                                              \
    X(CORES, "VK_AMD_shader_core_properties")

enum vk_ext {
#define X(name, text) VK_EXT_##name,
    VK_EXTENSIONS(X)
#undef X
        VK_EXT_COUNT,
};

struct vk_features {
    VkPhysicalDeviceFeatures2 f;
    VkPhysicalDeviceVulkan11Features v11;
    VkPhysicalDeviceVulkan12Features v12;
    VkPhysicalDeviceVulkan13Features v13;
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR coop;
    VkPhysicalDeviceCooperativeMatrix2FeaturesNV coop2;
    VkPhysicalDeviceShaderBfloat16FeaturesKHR bf16;
    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR exec;
    VkPhysicalDeviceWorkgroupMemoryExplicitLayoutFeaturesKHR explicit_layout;
    VkPhysicalDeviceFaultFeaturesEXT fault;
};

/* A physical device as found. */
struct vk_caps {
    VkPhysicalDevice pd;
    struct gpu_info info;
    uint32_t ext;            /* 1 << enum vk_ext */
    struct vk_features want; /* the features to enable; linked by vk_features_link() */
    uint32_t family;
    uint64_t stamp_mask; /* of the bits of a timestamp that count */
    uint64_t max_buffer;
    uint8_t pipeline_uuid[VK_UUID_SIZE];
    VkPhysicalDeviceMemoryProperties mem;
    uint32_t device_heap;
    bool software;
};

/* info.unusable of a device without memory, which can compile all the same. */
extern const char vk_no_memory[];

enum status vk_instance_create(VkInstance *out); /* OK with *out NULL: no driver */
void vk_instance_destroy(VkInstance *inst);
/* Everything about one device; never fails: what is wrong stands in info.unusable. */
enum status vk_probe(VkInstance inst, VkPhysicalDevice pd, uint32_t index, struct vk_caps *out);
/* Links the chain of the structs whose extensions are in `ext`. */
void vk_features_link(struct vk_features *f, uint32_t ext);
extern const char *const vk_ext_names[VK_EXT_COUNT];
uint64_t vk_heap_free(const struct vk_caps *c);

/* ---- memory (memory.c) -------------------------------------------------------------------- */

struct vk_range {
    uint64_t offset, bytes;
    struct vk_range *next;
};

/* One VkBuffer on one VkDeviceMemory. */
struct vk_block {
    VkBuffer buffer;
    VkDeviceMemory memory;
    uint64_t addr, bytes, live, allocated;
    void *map;
    enum gpu_memory kind;
    enum gpu_purpose purpose;
    bool own;
    struct vk_range *free; /* by offset */
};

struct vk_buf {
    struct gpu_buf pub;
    struct vk_block *block;
    struct vk_buf *prev, *next;
    char tag[];
};

/* The block that holds all of [addr, addr + bytes), or an error naming `what`. */
enum status vk_find(const struct gpu *g, uint64_t addr, uint64_t bytes, const char *what,
                    VkBuffer *buffer, VkDeviceSize *offset);
void vk_memory_close(struct gpu *g);
/* "weights 1.2 GiB, kv 64 MiB" */
const char *vk_usage_text(const struct gpu *g, char *buf, size_t size);
const char *vk_bytes_text(uint64_t bytes, char buf[24]);

/* ---- pipelines (pipe.c, cache.c) ---------------------------------------------------------- */

enum vk_pipe_state { PIPE_QUEUED, PIPE_BUSY, PIPE_DONE, PIPE_FAILED };

struct gpu_pipe {
    struct gpu_pipe_params params;
    uint64_t hash;
    struct gpu_pipe *next;  /* in the bucket */
    struct gpu_pipe *queue; /* next to compile */
    enum vk_pipe_state state;
    VkResult result;
    const char *call; /* that failed */
    VkPipeline pipeline;
    char name[256];
};

struct vk_pipes {
    struct gpu_pipe *bucket[VK_PIPE_BUCKETS];
    struct gpu_pipe *head, **tail; /* the queue */
    uint32_t open;                 /* queued or busy */
    uint32_t asked;                /* all since none was open */
    uint32_t workers;
    pthread_t thread[VK_WORKERS];
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    bool quit, dirty, ready;
    double unsaved; /* seconds of compiling since the cache was last saved */
};

enum status vk_pipes_open(struct gpu *g);
void vk_pipes_close(struct gpu *g);
/* Fails if `p` did not compile; after gpu_pipes_wait's waiting. */
enum status vk_pipe_check(struct gpu *g, const struct gpu_pipe *p);
void vk_pipes_settle(struct gpu *g);
/* Blocks until `p` is compiled, or has failed to. */
void vk_pipe_settle(struct gpu *g, const struct gpu_pipe *p);

enum status vk_cache_open(struct gpu *g, const char *dir);
void vk_cache_save(struct gpu *g);
/* Where files are kept, as gpu_params.cache_dir says, or NULL; `home` is a buffer to put it in. */
const char *vk_cache_dir(const char *dir, char *home, size_t size);
/* Two pieces as one file, whole or not at all; folders are made. False: errno says why. */
bool vk_file_write(const char *path, const void *a, size_t n_a, const void *b, size_t n_b);

/* Says once which variants are avoided (verified.c). */
void vk_say_avoided(const struct gpu_verified *v);

/* ---- recording and running (cmd.c, submit.c) ---------------------------------------------- */

enum vk_op_kind { OP_DISPATCH, OP_BARRIER, OP_COPY, OP_FILL, OP_STAMP };

struct vk_op {
    enum vk_op_kind kind;
    const char *label;
    int layer;
    union {
        struct {
            const struct gpu_pipe *pipe;
            const void *push;
            uint32_t groups[3];
        } run;
        struct {
            VkBuffer src, dst;
            VkDeviceSize from, to, bytes;
            uint32_t pattern;
        } copy;
        uint32_t slot;
    };
};

struct vk_segment {
    VkCommandBuffer cb;
    uint32_t first, end; /* operations */
    double seconds;      /* measured; 0: unknown */
};

struct gpu_cmd {
    struct gpu *g;
    struct gpu_cmd *prev, *next; /* of the gpu */
    const char *name;
    uint32_t id;
    struct arena arena;
    struct vk_op *ops;
    uint32_t n_ops, cap_ops;
    struct vk_segment *segs;
    uint32_t n_segs;
    VkCommandPool pool, old_pool; /* the recording before it was merged, until old_last is done */
    uint64_t old_last;
    uint32_t cut; /* how often it was cut anew */
    VkQueryPool queries;
    uint32_t n_stamps;
    bool transfers, ended;
    uint32_t dispatches, barriers; /* of one run */
    uint64_t last;                 /* ticket of the last submit */
    double spent; /* measured since the mean of the segments was last taken ... */
    uint32_t ran; /* ... over so many segments */
};

/* A submit in flight: `n` runs of segments of cmd, beginning with segment `first`. */
struct vk_pending {
    uint64_t value;
    struct gpu_cmd *cmd; /* NULL: staging or a stream, or destroyed */
    uint32_t first, n, cut;
    double since, predicted;
};

/* Records the operations [first, end) into a new state of cb. */
enum status vk_cmd_record(struct gpu_cmd *c, VkCommandBuffer cb, uint32_t first, uint32_t end);
/* Cuts the recording anew when it has been found fast enough for longer command buffers. */
enum status vk_cmd_merge(struct gpu_cmd *c);

void vk_barrier_compute(VkCommandBuffer cb);
void vk_barrier_full(VkCommandBuffer cb);

/* Before something is freed that the device may still use: blocks until it does nothing, also after
 * an error; returns at once on a device that hangs. */
void vk_idle(struct gpu *g);

enum status vk_submit_open(struct gpu *g);
void vk_submit_close(struct gpu *g);
/* Submits command buffers followed by the one that makes memory visible to the host. */
enum status vk_submit(struct gpu *g, VkCommandBuffer const *cbs, uint32_t n,
                      const struct vk_pending *note, uint64_t *ticket);
/* The last submit whose end is known; notes what has ended. */
enum status vk_progress(struct gpu *g, uint64_t *value);
/* Begins and ends a command buffer that holds transfers, ordered against everything. */
enum status vk_once_begin(struct gpu *g, VkCommandBuffer cb, const char *what);
enum status vk_once_end(struct gpu *g, VkCommandBuffer cb, const char *what);

/* ---- the gpu ------------------------------------------------------------------------------ */

struct vk_stage {
    const struct gpu_buf *buf;
    VkCommandBuffer cb[VK_STAGE_SLICES];
    uint64_t ticket[VK_STAGE_SLICES];
};

struct gpu {
    struct vk_caps caps;
    struct gpu_info opened; /* caps.info before gpu_mask_caps() */
    struct gpu_verified verified;
    bool any_variant;
    VkInstance inst;
    VkDevice dev;
    VkQueue queue;
    VkPipelineLayout layout;
    VkPipelineCache cache;
    char *cache_file;
    bool timestamps, breadcrumbs, robust, compile_only;
    double wait_budget;
    void (*on_compile)(void *ctx, uint32_t done, uint32_t total);
    void *on_compile_ctx;

    bool lost, hung;
    char lost_message[900];

    uint32_t type[2];         /* memory type of enum gpu_memory */
    struct vk_block **blocks; /* by address */
    uint32_t n_blocks, cap_blocks;
    struct vk_buf *bufs;
    struct gpu_usage usage;
    uint64_t pool_live[2][GPU_PURPOSES];
    struct gpu_counters counters;

    struct vk_pipes pipes;

    VkCommandPool pool;      /* of the host barrier and of staging */
    VkCommandBuffer host_cb; /* makes device writes visible to the host */
    VkSemaphore timeline;
    uint64_t submitted, finished;
    double finished_at;
    struct vk_pending pending[VK_PENDING];
    uint32_t head, depth; /* of pending */
    VkCommandBufferSubmitInfo cbs[VK_SUBMIT_CMDS];
    VkCommandBuffer list[VK_SUBMIT_CMDS];
    struct gpu_cmd *cmds;
    uint32_t next_cmd;

    struct vk_stage stage;
    const struct gpu_buf *crumbs; /* GPU_HOST: cmd id << 16 | operation, low bits */
    VkBuffer crumb_buffer;        /* where it lies */
    VkDeviceSize crumb_at;

    PFN_vkCmdSetCheckpointNV set_checkpoint;
    PFN_vkGetQueueCheckpointDataNV get_checkpoints;
    PFN_vkCmdWriteBufferMarkerAMD write_marker;
    PFN_vkGetDeviceFaultInfoEXT get_fault;
};

#endif
