/* sysinfo(2) and /proc/meminfo tell of the same machine. */
#include <stdio.h>
#include <sys/sysinfo.h>

int main(void) {
  struct sysinfo info;
  unsigned long kilobytes = 0;
  FILE *file = fopen("/proc/meminfo", "r");
  if (!file || fscanf(file, "MemTotal: %lu", &kilobytes) != 1) return 1;
  printf("%d\n", sysinfo(&info));
  printf("total %d\n", (unsigned long long)info.totalram * info.mem_unit / 1024 == kilobytes);
  printf("free %d\n", info.freeram > 0 && info.freeram <= info.totalram);
  printf("uptime %d\n", info.uptime > 0);
  printf("processes %d\n", info.procs > 0);
  return 0;
}
