/* Says which Vulkan devices a program would find here; tools/setup and tools/vk choose by it.
 *
 *   vkprobe --gpu        exit 0 when a hardware device has all that tawny needs
 *   vkprobe --software   exit 0 when a software device has that and cooperative matrices
 *   vkprobe --software-least   the same without the matrices
 *   vkprobe              exit 0 when there is any device
 *
 * The loader is opened at run time, so that its absence is an answer and not a failure to start. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

static PFN_vkGetInstanceProcAddr get_proc;
static VkInstance instance;

#define CALL(name) ((PFN_##name)get_proc(instance, #name))

static bool has_extension(VkPhysicalDevice device, const char *name)
{
    uint32_t count = 0;
    bool found = false;
    CALL(vkEnumerateDeviceExtensionProperties)(device, NULL, &count, NULL);
    VkExtensionProperties *list = calloc(count + 1, sizeof *list);
    if (!list)
        return false;
    CALL(vkEnumerateDeviceExtensionProperties)(device, NULL, &count, list);
    for (uint32_t i = 0; i < count; i++)
        found = found || strcmp(list[i].extensionName, name) == 0;
    free(list);
    return found;
}

/* Vulkan 1.3 with device addresses, 8- and 16-bit storage, fp16 and int8 arithmetic and the
 * device-scope memory model. */
static bool is_enough(VkPhysicalDevice device, const VkPhysicalDeviceProperties *properties)
{
    if (properties->apiVersion < VK_API_VERSION_1_3)
        return false;
    VkPhysicalDeviceVulkan12Features f12 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
    VkPhysicalDeviceVulkan11Features f11 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, .pNext = &f12};
    VkPhysicalDeviceFeatures2 f = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                   .pNext = &f11};
    CALL(vkGetPhysicalDeviceFeatures2)(device, &f);
    return f.features.shaderInt64 && f11.storageBuffer16BitAccess && f12.storageBuffer8BitAccess &&
           f12.bufferDeviceAddress && f12.shaderFloat16 && f12.shaderInt8 &&
           f12.vulkanMemoryModel && f12.vulkanMemoryModelDeviceScope;
}

int main(int argc, char **argv)
{
    const char *want = argc > 1 ? argv[1] : "";
    void *library = dlopen("libvulkan.so.1", RTLD_NOW);
    if (!library) {
        fprintf(stderr, "vkprobe: %s\n", dlerror());
        return 1;
    }
    get_proc = (PFN_vkGetInstanceProcAddr)dlsym(library, "vkGetInstanceProcAddr");
    VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                             .apiVersion = VK_API_VERSION_1_3};
    VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                 .pApplicationInfo = &app};
    VkResult result = get_proc ? CALL(vkCreateInstance)(&info, NULL, &instance) : VK_NOT_READY;
    if (result != VK_SUCCESS) {
        fprintf(stderr, "vkprobe: vkCreateInstance: %d\n", result);
        return 1;
    }
    uint32_t count = 0;
    CALL(vkEnumeratePhysicalDevices)(instance, &count, NULL);
    VkPhysicalDevice *devices = calloc(count + 1, sizeof *devices);
    if (!devices)
        return 1;
    CALL(vkEnumeratePhysicalDevices)(instance, &count, devices);
    bool gpu = false;
    bool software = false;
    bool matrix_software = false;
    for (uint32_t i = 0; i < count; i++) {
        VkPhysicalDeviceProperties properties;
        CALL(vkGetPhysicalDeviceProperties)(devices[i], &properties);
        bool cpu = properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
        bool enough = is_enough(devices[i], &properties);
        bool matrix = has_extension(devices[i], VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME);
        printf("%s: %s, Vulkan %u.%u, %s%s\n", properties.deviceName, cpu ? "software" : "hardware",
               VK_API_VERSION_MAJOR(properties.apiVersion),
               VK_API_VERSION_MINOR(properties.apiVersion), enough ? "enough" : "not enough",
               matrix ? ", cooperative matrices" : "");
        gpu = gpu || (!cpu && enough);
        software = software || (cpu && enough);
        matrix_software = matrix_software || (cpu && enough && matrix);
    }
    free(devices);
    CALL(vkDestroyInstance)(instance, NULL);
    if (strcmp(want, "--gpu") == 0)
        return !gpu;
    if (strcmp(want, "--software") == 0)
        return !matrix_software;
    if (strcmp(want, "--software-least") == 0)
        return !software;
    return count == 0;
}
