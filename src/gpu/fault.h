/* fault.h - making Vulkan calls fail, for tests.
 *
 * Every Vulkan call of this room that returns a VkResult asks here first. Nothing is armed in a
 * normal run, and the question is then one relaxed load. */
#ifndef TAWNY_GPU_FAULT_H
#define TAWNY_GPU_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/* From now on the `nth` (from 1) call named `call` ("vkAllocateMemory"; NULL: any call) is not made
 * and returns `result` (a VkResult, e.g. -4 for VK_ERROR_DEVICE_LOST). With `sticky` every later
 * one fails too. Counts start at zero. */
void gpu_test_fail(const char *call, uint32_t nth, int32_t result, bool sticky);

/* Disarms; returns how many calls were made to fail since gpu_test_fail(). */
uint32_t gpu_test_fail_off(void);

/* How many calls that can be made to fail were made since the program started. */
uint64_t gpu_test_calls(void);

/* The name of the call that was last made to fail, or "". */
const char *gpu_test_failed_call(void);

/* Devices found from now on seem to lack the needed feature of this name ("bufferDeviceAddress");
 * NULL: none. */
void gpu_test_lack(const char *feature);

/* Vulkan objects created and not yet destroyed by this room, over all gpus. */
int64_t gpu_test_objects(void);

#endif
