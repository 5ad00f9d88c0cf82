/* A double of NVIDIA's management library: the functions that Stoker calls, with what the file beside it says. The file is
 * read anew at every call, so that a test may change the machine under way. Its name is that of the library and `.values`;
 * a line is `name value`: `init 0` (what nvmlInit_v2 returns), `driver 1` (another number is a restarted driver: handles
 * and calls of before answer with `stale`, 999 by default), `count 2`, and for a device `0.name`, `0.uuid`, `0.bus`,
 * `0.total`, `0.free`, `0.used` (bytes), `0.celsius`, `0.milliwatts`, `0.limit`, `0.compute pid:bytes,pid:bytes`,
 * `0.graphics …`; `0.rc.power 4` makes one figure answer with a code, `0.rc.handle 15` loses the card. `crash 1` and
 * `hang 1` do what they say. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int opened = 0, driver = -1;

static int text(const char *name, char *out, size_t bytes) {
  Dl_info self;
  char path[4096], line[4096];
  if (!dladdr((void *)text, &self)) return 0;
  snprintf(path, sizeof path, "%s.values", self.dli_fname);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  size_t length = strlen(name);
  int found = 0;
  while (!found && fgets(line, sizeof line, file))
    if (!strncmp(line, name, length) && line[length] == ' ') {
      line[strcspn(line, "\n")] = 0;
      snprintf(out, bytes, "%s", line + length + 1);
      found = 1;
    }
  fclose(file);
  return found;
}
static unsigned long long number(const char *name, unsigned long long otherwise) {
  char value[64];
  return text(name, value, sizeof value) ? strtoull(value, NULL, 10) : otherwise;
}
static const char *of(int device, const char *what) {
  static char name[64];
  snprintf(name, sizeof name, "%d.%s", device, what);
  return name;
}
/* What a call answers before it does anything. */
static int state(void) {
  if (number("crash", 0)) abort();
  while (number("hang", 0)) usleep(50000);
  if (!opened) return 1;
  return driver == (int)number("driver", 1) ? 0 : (int)number("stale", 999);
}
static int figure(void *device, const char *what) {
  char name[64];
  int code = state();
  snprintf(name, sizeof name, "rc.%s", what);
  return code ? code : (int)number(of((int)(intptr_t)device - 1, name), 0);
}

int nvmlInit_v2(void) {
  if (number("crash", 0)) abort();
  int code = (int)number("init", 0);
  if (code) return code;
  /* Counted: one that was not shut down stays with the driver it was opened on. */
  if (opened++ == 0) driver = (int)number("driver", 1);
  return 0;
}
int nvmlShutdown(void) {
  if (!opened) return 1;
  opened--;
  return 0;
}
const char *nvmlErrorString(int code) { return code ? "an error of the double" : "no error"; }
int nvmlDeviceGetCount_v2(uint32_t *count) {
  int code = state();
  if (!code) *count = (uint32_t)number("count", 0);
  return code;
}
int nvmlDeviceGetHandleByIndex_v2(uint32_t index, void **device) {
  *device = (void *)(intptr_t)(index + 1);
  return figure(*device, "handle");
}
static int named(void *device, const char *what, char *out, uint32_t bytes) {
  int code = figure(device, what);
  if (!code && !text(of((int)(intptr_t)device - 1, what), out, bytes)) snprintf(out, bytes, "fake %s %d", what, (int)(intptr_t)device - 1);
  return code;
}
int nvmlDeviceGetName(void *device, char *name, uint32_t bytes) { return named(device, "name", name, bytes); }
int nvmlDeviceGetUUID(void *device, char *uuid, uint32_t bytes) { return named(device, "uuid", uuid, bytes); }
int nvmlDeviceGetPciInfo_v3(void *device, void *pci) { return named(device, "bus", (char *)pci + 36, 32); }
int nvmlDeviceGetMemoryInfo(void *device, unsigned long long *memory) {
  int code = figure(device, "memory"), at = (int)(intptr_t)device - 1;
  if (code) return code;
  memory[0] = number(of(at, "total"), 0);
  memory[1] = number(of(at, "free"), 0);
  memory[2] = number(of(at, "used"), 0);
  return 0;
}
static int measured(void *device, const char *rc, const char *what, uint32_t *out) {
  int code = figure(device, rc);
  if (!code) *out = (uint32_t)number(of((int)(intptr_t)device - 1, what), 0);
  return code;
}
int nvmlDeviceGetTemperature(void *device, int sensor, uint32_t *celsius) {
  (void)sensor;
  return measured(device, "temperature", "celsius", celsius);
}
int nvmlDeviceGetPowerUsage(void *device, uint32_t *milliwatts) { return measured(device, "power", "milliwatts", milliwatts); }
int nvmlDeviceGetEnforcedPowerLimit(void *device, uint32_t *milliwatts) { return measured(device, "limit", "limit", milliwatts); }
static int processes(void *device, const char *what, uint32_t *count, unsigned char *infos) {
  char list[2048] = "", *at = list, *one;
  int code = figure(device, "processes");
  uint32_t room = *count, found = 0;
  if (code) return code;
  text(of((int)(intptr_t)device - 1, what), list, sizeof list);
  while ((one = strsep(&at, ",")) && *one)
    if (found++ < room) {
      uint32_t pid = (uint32_t)strtoul(one, &one, 10);
      unsigned long long bytes = *one == ':' ? strtoull(one + 1, NULL, 10) : ~0ULL;
      memcpy(infos + 24 * (found - 1), &pid, 4);
      memcpy(infos + 24 * (found - 1) + 8, &bytes, 8);
    }
  *count = found;
  return found > room ? 7 : 0;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void *device, uint32_t *count, void *infos) { return processes(device, "compute", count, infos); }
int nvmlDeviceGetGraphicsRunningProcesses_v3(void *device, uint32_t *count, void *infos) { return processes(device, "graphics", count, infos); }
