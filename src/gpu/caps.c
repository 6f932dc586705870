#include "gpu/vk.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const vk_ext_names[VK_EXT_COUNT] = {
#define X(name, text) [VK_EXT_##name] = text,
    VK_EXTENSIONS(X)
#undef X
};

#define HAS(c, name) (((c)->ext >> VK_EXT_##name) & 1)

void vk_features_link(struct vk_features *f, uint32_t ext)
{
    void **end = &f->f.pNext;
    f->f.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
#define LINK(member, type)                                                                         \
    do {                                                                                           \
        f->member.sType = (type);                                                                  \
        f->member.pNext = NULL;                                                                    \
        *end = &f->member;                                                                         \
        end = &f->member.pNext;                                                                    \
    } while (0)
#define LINK_EXT(bit, member, type)                                                                \
    do {                                                                                           \
        if ((ext >> VK_EXT_##bit) & 1)                                                             \
            LINK(member, type);                                                                    \
    } while (0)
    LINK(v11, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES);
    LINK(v12, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
    LINK(v13, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES);
    LINK_EXT(COOPMAT, coop, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR);
    LINK_EXT(COOPMAT2, coop2, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV);
    LINK_EXT(BFLOAT16, bf16, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_BFLOAT16_FEATURES_KHR);
    LINK_EXT(EXEC, exec,
             VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR);
    LINK_EXT(EXPLICIT, explicit_layout,
             VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_WORKGROUP_MEMORY_EXPLICIT_LAYOUT_FEATURES_KHR);
    LINK_EXT(FAULT, fault, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FAULT_FEATURES_EXT);
#undef LINK_EXT
#undef LINK
}

/* Features that tawny cannot do without, and the reason that is given when one is missing. */
#define NEEDED(X)                                                                                  \
    X(f.features.shaderInt64, "shaderInt64")                                                       \
    X(f.features.shaderInt16, "shaderInt16")                                                       \
    X(v11.storageBuffer16BitAccess, "storageBuffer16BitAccess")                                    \
    X(v12.storageBuffer8BitAccess, "storageBuffer8BitAccess")                                      \
    X(v12.bufferDeviceAddress, "bufferDeviceAddress")                                              \
    X(v12.scalarBlockLayout, "scalarBlockLayout")                                                  \
    X(v12.vulkanMemoryModel, "vulkanMemoryModel")                                                  \
    X(v12.vulkanMemoryModelDeviceScope, "vulkanMemoryModelDeviceScope")                            \
    X(v12.timelineSemaphore, "timelineSemaphore")                                                  \
    X(v13.synchronization2, "synchronization2")                                                    \
    X(v13.subgroupSizeControl, "subgroupSizeControl")                                              \
    X(v13.computeFullSubgroups, "computeFullSubgroups")                                            \
    X(v13.maintenance4, "maintenance4")

/* Features that are switched on where they are. fragmentStoresAndAtomics is for the validation
 * layer's checks of shared memory. */
#define OPTIONAL(X)                                                                                \
    X(f.features.fragmentStoresAndAtomics)                                                         \
    X(f.features.vertexPipelineStoresAndAtomics)                                                   \
    X(v11.uniformAndStorageBuffer16BitAccess)                                                      \
    X(v12.uniformAndStorageBuffer8BitAccess)                                                       \
    X(v12.shaderFloat16)                                                                           \
    X(v12.shaderInt8)                                                                              \
    X(v12.shaderSubgroupExtendedTypes)                                                             \
    X(v12.shaderBufferInt64Atomics)                                                                \
    X(v12.hostQueryReset)                                                                          \
    X(v13.shaderIntegerDotProduct)                                                                 \
    X(v13.shaderZeroInitializeWorkgroupMemory)                                                     \
    X(coop.cooperativeMatrix)                                                                      \
    X(coop2.cooperativeMatrixWorkgroupScope)                                                       \
    X(coop2.cooperativeMatrixFlexibleDimensions)                                                   \
    X(coop2.cooperativeMatrixReductions)                                                           \
    X(coop2.cooperativeMatrixConversions)                                                          \
    X(coop2.cooperativeMatrixPerElementOperations)                                                 \
    X(coop2.cooperativeMatrixTensorAddressing)                                                     \
    X(coop2.cooperativeMatrixBlockLoads)                                                           \
    X(bf16.shaderBFloat16Type)                                                                     \
    X(bf16.shaderBFloat16DotProduct)                                                               \
    X(bf16.shaderBFloat16CooperativeMatrix)                                                        \
    X(exec.pipelineExecutableInfo)                                                                 \
    X(explicit_layout.workgroupMemoryExplicitLayout)                                               \
    X(explicit_layout.workgroupMemoryExplicitLayoutScalarBlockLayout)                              \
    X(explicit_layout.workgroupMemoryExplicitLayout8BitAccess)                                     \
    X(explicit_layout.workgroupMemoryExplicitLayout16BitAccess)                                    \
    X(fault.deviceFault)

struct props {
    VkPhysicalDeviceProperties2 p;
    VkPhysicalDeviceVulkan11Properties v11;
    VkPhysicalDeviceVulkan12Properties v12;
    VkPhysicalDeviceVulkan13Properties v13;
    VkPhysicalDevicePCIBusInfoPropertiesEXT pci;
    VkPhysicalDeviceShaderSMBuiltinsPropertiesNV sm;
    VkPhysicalDeviceShaderCorePropertiesAMD cores;
};

static void get_props(struct vk_caps *c, struct props *p)
{
    *p = (struct props){
        .p.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
        .v11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES,
        .v12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES,
        .v13.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES,
        .pci.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT,
        .sm.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SM_BUILTINS_PROPERTIES_NV,
        .cores.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_PROPERTIES_AMD,
    };
    p->p.pNext = &p->v11;
    p->v11.pNext = &p->v12;
    p->v12.pNext = &p->v13;
    void **end = &p->v13.pNext;
    if (HAS(c, PCI)) {
        *end = &p->pci;
        end = &p->pci.pNext;
    }
    if (HAS(c, SM)) {
        *end = &p->sm;
        end = &p->sm.pNext;
    }
    if (HAS(c, CORES)) {
        *end = &p->cores;
        end = &p->cores.pNext;
    }
    vkGetPhysicalDeviceProperties2(c->pd, &p->p);
}

static enum status get_extensions(struct vk_caps *c)
{
    enum status s = OK;
    uint32_t n = 0;
    VkExtensionProperties *list = NULL;
    TRY_GOTO(VK(NULL, vkEnumerateDeviceExtensionProperties, (c->pd, NULL, &n, NULL),
                "extensions of %s", c->info.name));
    list = mem_calloc(n ? n : 1, sizeof *list);
    if (!list)
        return ERR_MEMORY;
    TRY_GOTO(VK(NULL, vkEnumerateDeviceExtensionProperties, (c->pd, NULL, &n, list),
                "%u extensions of %s", n, c->info.name));
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t e = 0; e < VK_EXT_COUNT; e++)
            if (!strcmp(list[i].extensionName, vk_ext_names[e]))
                c->ext |= 1u << e;
fail:
    mem_free(list);
    return s;
}

/* Puts the reason into info.unusable, or the features to enable into c->want. */
static void get_features(struct vk_caps *c)
{
    struct vk_features have = {0};
    vk_features_link(&have, c->ext);
    vkGetPhysicalDeviceFeatures2(c->pd, &have.f);
#define X(member, name)                                                                            \
    if ((!have.member || vk_lacks(name)) && !c->info.unusable)                                     \
        c->info.unusable = "it lacks the Vulkan feature " name;                                    \
    c->want.member = have.member;
    NEEDED(X)
#undef X
#define X(member) c->want.member = have.member;
    OPTIONAL(X)
#undef X
}

static const char *kind_name(VkPhysicalDeviceType t)
{
    switch (t) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
        return "discrete";
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
        return "integrated";
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
        return "virtual";
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
        return "software";
    default:
        return "other";
    }
}

static void format_uuid(const uint8_t *u, char out[37])
{
    snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0],
             u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13],
             u[14], u[15]);
}

static uint32_t count_units(const struct vk_caps *c, const struct props *p)
{
    if (HAS(c, SM) && p->sm.shaderSMCount)
        return p->sm.shaderSMCount;
    if (HAS(c, CORES) && p->cores.computeUnitsPerShaderArray)
        return p->cores.shaderEngineCount * p->cores.shaderArraysPerEngineCount *
               p->cores.computeUnitsPerShaderArray;
    if (c->software) {
        long n = sysconf(_SC_NPROCESSORS_ONLN);
        return n > 0 ? (uint32_t)n : 1;
    }
    return p->p.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU ? 32 : 8;
}

static void fill_info(struct vk_caps *c, const struct props *p)
{
    struct gpu_info *o = &c->info;
    const VkPhysicalDeviceLimits *l = &p->p.properties.limits;
    c->software = p->p.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
    snprintf(o->driver, sizeof o->driver, "%.120s%s%.120s", p->v12.driverName,
             p->v12.driverInfo[0] ? " " : "", p->v12.driverInfo);
    snprintf(o->kind, sizeof o->kind, "%s", kind_name(p->p.properties.deviceType));
    format_uuid(p->v11.deviceUUID, o->uuid);
    if (HAS(c, PCI))
        snprintf(o->pci, sizeof o->pci, "%04x:%02x:%02x.%x", p->pci.pciDomain & 0xffff,
                 p->pci.pciBus & 0xff, p->pci.pciDevice & 0xff, p->pci.pciFunction & 0xf);
    o->vendor = p->p.properties.vendorID;
    o->device = p->p.properties.deviceID;
    o->driver_version = p->p.properties.driverVersion;
    o->subgroup_min = p->v13.minSubgroupSize;
    o->subgroup_max = p->v13.maxSubgroupSize;
    o->subgroup_default = p->v11.subgroupSize;
    o->shared_bytes = l->maxComputeSharedMemorySize;
    memcpy(o->max_groups, l->maxComputeWorkGroupCount, sizeof o->max_groups);
    o->max_group_threads = l->maxComputeWorkGroupInvocations;
    o->units = count_units(c, p);
    o->timestamp_ns = l->timestampPeriod;
    c->max_buffer = p->v13.maxBufferSize;
    o->max_allocation = p->v11.maxMemoryAllocationSize < c->max_buffer
                            ? p->v11.maxMemoryAllocationSize
                            : c->max_buffer;
    memcpy(c->pipeline_uuid, p->p.properties.pipelineCacheUUID, VK_UUID_SIZE);
}

static void find_family(struct vk_caps *c)
{
    VkQueueFamilyProperties fam[32];
    uint32_t n = 32, best = UINT32_MAX;
    vkGetPhysicalDeviceQueueFamilyProperties(c->pd, &n, fam);
    for (uint32_t i = 0; i < n; i++) {
        if (!(fam[i].queueFlags & VK_QUEUE_COMPUTE_BIT) || !fam[i].queueCount)
            continue;
        /* A queue for compute alone does not wait behind what draws the screen. */
        if (best == UINT32_MAX || !(fam[i].queueFlags & VK_QUEUE_GRAPHICS_BIT)) {
            best = i;
            if (!(fam[i].queueFlags & VK_QUEUE_GRAPHICS_BIT))
                break;
        }
    }
    c->family = best;
    if (best == UINT32_MAX) {
        c->info.unusable = "it has no compute queue";
        return;
    }
    uint32_t bits = fam[best].timestampValidBits;
    c->stamp_mask = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    if (bits && c->info.timestamp_ns > 0)
        c->info.caps |= GPU_CAP_TIMESTAMPS;
}

const char vk_no_memory[] = "it has no device-local memory";

static void find_heap(struct vk_caps *c)
{
    vkGetPhysicalDeviceMemoryProperties(c->pd, &c->mem);
    uint64_t best = 0;
    c->device_heap = UINT32_MAX;
    for (uint32_t i = 0; i < c->mem.memoryTypeCount; i++) {
        const VkMemoryType *t = &c->mem.memoryTypes[i];
        uint64_t size = c->mem.memoryHeaps[t->heapIndex].size;
        if ((t->propertyFlags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT) && size > best) {
            best = size;
            c->device_heap = t->heapIndex;
        }
    }
    if (c->device_heap == UINT32_MAX) {
        if (!c->info.unusable)
            c->info.unusable = vk_no_memory;
        return;
    }
    c->info.memory_total = best;
    c->info.memory_free = vk_heap_free(c);
}

uint64_t vk_heap_free(const struct vk_caps *c)
{
    if (!HAS(c, BUDGET))
        return c->info.memory_total;
    VkPhysicalDeviceMemoryBudgetPropertiesEXT b = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
    VkPhysicalDeviceMemoryProperties2 m = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2, .pNext = &b};
    vkGetPhysicalDeviceMemoryProperties2(c->pd, &m);
    uint64_t budget = b.heapBudget[c->device_heap], usage = b.heapUsage[c->device_heap];
    return budget > usage ? budget - usage : 0;
}

/* Drivers that offer matrix units which do not work. */
static bool breaks_on_matrices(const struct vk_caps *c, const struct props *p)
{
    /* The compiler of llvmpipe (seen in Mesa 26.2) dereferences NULL on shaders with matrices when
     * its vectors are of 512 bits. */
    return p->v12.driverID == VK_DRIVER_ID_MESA_LLVMPIPE && c->info.subgroup_default > 8;
}

static enum status find_matrices(VkInstance inst, struct vk_caps *c)
{
    PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR get_shapes =
        (PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR)vkGetInstanceProcAddr(
            inst, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
    if (!c->want.coop.cooperativeMatrix || !get_shapes)
        return OK;
    enum status s = OK;
    VkCooperativeMatrixPropertiesKHR *m = NULL;
    uint32_t n = 0;
    TRY_GOTO(VK(NULL, get_shapes, (c->pd, &n, NULL), "matrix shapes of %s", c->info.name));
    m = mem_calloc(n ? n : 1, sizeof *m);
    if (!m)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < n; i++)
        m[i].sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR;
    TRY_GOTO(VK(NULL, get_shapes, (c->pd, &n, m), "%u matrix shapes of %s", n, c->info.name));
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < n; i++) {
        if (m[i].scope != VK_SCOPE_SUBGROUP_KHR || m[i].AType != m[i].BType ||
            m[i].CType != VK_COMPONENT_TYPE_FLOAT32_KHR ||
            m[i].ResultType != VK_COMPONENT_TYPE_FLOAT32_KHR)
            continue;
        uint64_t size = (uint64_t)m[i].MSize * m[i].NSize * m[i].KSize;
        if (m[i].AType == VK_COMPONENT_TYPE_FLOAT16_KHR) {
            c->info.caps |= GPU_CAP_COOPMAT;
            if (size < least) {
                least = size;
                c->info.coop_m = m[i].MSize;
                c->info.coop_n = m[i].NSize;
                c->info.coop_k = m[i].KSize;
            }
        } else if (m[i].AType == VK_COMPONENT_TYPE_BFLOAT16_KHR &&
                   c->want.bf16.shaderBFloat16CooperativeMatrix) {
            c->info.caps |= GPU_CAP_COOPMAT_BF16;
        }
    }
fail:
    mem_free(m);
    return s;
}

static void set_caps(struct vk_caps *c, const struct props *p)
{
    const struct vk_features *w = &c->want;
    uint64_t caps = 0;
    if (p->v13.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) {
        static const uint32_t sizes[] = {8, 16, 32, 64};
        for (int i = 0; i < 4; i++)
            if (sizes[i] >= p->v13.minSubgroupSize && sizes[i] <= p->v13.maxSubgroupSize)
                caps |= (uint64_t)GPU_CAP_SUBGROUP_8 << i;
    }
    if ((p->v11.subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT) &&
        (p->v11.subgroupSupportedOperations & VK_SUBGROUP_FEATURE_SHUFFLE_BIT))
        caps |= GPU_CAP_SHUFFLE;
    if (w->v12.shaderFloat16)
        caps |= GPU_CAP_FP16;
    if (w->v12.shaderInt8)
        caps |= GPU_CAP_INT8;
    if (w->v13.shaderIntegerDotProduct && p->v13.integerDotProduct4x8BitPackedSignedAccelerated)
        caps |= GPU_CAP_INT_DOT;
    if (w->bf16.shaderBFloat16Type)
        caps |= GPU_CAP_BF16;
    if (w->coop2.cooperativeMatrixWorkgroupScope && w->coop2.cooperativeMatrixTensorAddressing &&
        w->coop2.cooperativeMatrixFlexibleDimensions)
        caps |= GPU_CAP_COOPMAT2;
    if (HAS(c, BUDGET))
        caps |= GPU_CAP_MEMORY_BUDGET;
    if (w->exec.pipelineExecutableInfo)
        caps |= GPU_CAP_EXEC_PROPERTIES;
    if (p->v12.shaderDenormPreserveFloat32)
        caps |= GPU_CAP_DENORM_F32;
    c->info.caps |= caps;
}

enum status vk_probe(VkInstance inst, VkPhysicalDevice pd, uint32_t index, struct vk_caps *c)
{
    *c = (struct vk_caps){.pd = pd, .info.index = index, .family = UINT32_MAX};
    VkPhysicalDeviceProperties base;
    vkGetPhysicalDeviceProperties(pd, &base);
    snprintf(c->info.name, sizeof c->info.name, "%s", base.deviceName);
    c->info.api_version = base.apiVersion;
    if (base.apiVersion < VK_API_VERSION_1_3) {
        snprintf(c->info.kind, sizeof c->info.kind, "%s", kind_name(base.deviceType));
        c->info.vendor = base.vendorID;
        c->info.device = base.deviceID;
        c->info.driver_version = base.driverVersion;
        c->info.unusable = "its driver is older than Vulkan 1.3";
        return OK;
    }
    TRY(get_extensions(c));
    struct props p;
    get_props(c, &p);
    fill_info(c, &p);
    get_features(c);
    find_family(c);
    if (!breaks_on_matrices(c, &p))
        TRY(find_matrices(inst, c));
    set_caps(c, &p);
    const VkSubgroupFeatureFlags ops = VK_SUBGROUP_FEATURE_BASIC_BIT |
                                       VK_SUBGROUP_FEATURE_ARITHMETIC_BIT |
                                       VK_SUBGROUP_FEATURE_BALLOT_BIT;
    if (!c->info.unusable && (!(p.v11.subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT) ||
                              (p.v11.subgroupSupportedOperations & ops) != ops))
        c->info.unusable = "its subgroups lack basic, arithmetic or ballot operations";
    if (!c->info.unusable && p.p.properties.limits.maxPushConstantsSize < GPU_MAX_PUSH)
        c->info.unusable = "it takes less than 128 bytes of push constants";
    find_heap(c);
    return OK;
}
