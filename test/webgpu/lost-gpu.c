/* A Vulkan driver in front of lavapipe whose device is lost as soon as the file named in LRAT_TEST_LOSE_GPU is there, and
   which has no memory for large buffers while the one named in LRAT_TEST_FILL_GPU is. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void (*Function)(void);
typedef Function (*GetFunction)(void *, const char *);
typedef int (*Submit)(void *, uint32_t, const void *, void *);

static GetFunction get_device_function;
typedef int (*Allocate)(void *, const void *, const void *, void *);

static Submit submit;
static Allocate allocate;

static void *lavapipe(const char *name) {
  static void *library;
  if (!library) library = dlopen("libvulkan_lvp.so", RTLD_NOW);
  return library ? dlsym(library, name) : NULL;
}

static int told_by(const char *variable) {
  const char *file = getenv(variable);
  return file && access(file, F_OK) == 0;
}

static int allocate_or_fail(void *device, const void *info, const void *callbacks, void *memory) {
  uint64_t size = *(const uint64_t *)((const char *)info + 16); /* VkMemoryAllocateInfo.allocationSize */
  if (size > 16000000 && told_by("LRAT_TEST_FILL_GPU")) return -2; /* VK_ERROR_OUT_OF_DEVICE_MEMORY */
  return allocate(device, info, callbacks, memory);
}

static int submit_or_lose(void *queue, uint32_t count, const void *submits, void *fence) {
  if (told_by("LRAT_TEST_LOSE_GPU")) return -4; /* VK_ERROR_DEVICE_LOST */
  return submit(queue, count, submits, fence);
}

static Function device_function(void *device, const char *name) {
  Function found = get_device_function(device, name);
  if (found && !strcmp(name, "vkQueueSubmit")) {
    submit = (Submit)found;
    return (Function)submit_or_lose;
  }
  if (found && !strcmp(name, "vkAllocateMemory")) {
    allocate = (Allocate)found;
    return (Function)allocate_or_fail;
  }
  return found;
}

Function vk_icdGetInstanceProcAddr(void *instance, const char *name) {
  Function found = ((GetFunction)lavapipe("vk_icdGetInstanceProcAddr"))(instance, name);
  if (!found || strcmp(name, "vkGetDeviceProcAddr")) return found;
  get_device_function = (GetFunction)found;
  return (Function)device_function;
}

Function vk_icdGetPhysicalDeviceProcAddr(void *instance, const char *name) {
  return ((GetFunction)lavapipe("vk_icdGetPhysicalDeviceProcAddr"))(instance, name);
}

int vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
  return ((int (*)(uint32_t *))lavapipe("vk_icdNegotiateLoaderICDInterfaceVersion"))(version);
}
