/* Stack growth, guard pages, /proc/self/maps after each step, RLIMIT_STACK, MAP_GROWSDOWN, vsyscall and vdso. */
#include "../check.h"
#include <sys/auxv.h>

static int perms(void *p, char *out) {
  FILE *f = fopen("/proc/self/maps", "r");
  char line[512], flags[5];
  unsigned long a, b;
  int found = 0;
  while (fgets(line, sizeof line, f))
    if (sscanf(line, "%lx-%lx %4s", &a, &b, flags) == 3 && (unsigned long)p >= a && (unsigned long)p < b) {
      sprintf(out, "%s %ld pages", flags, (long)(b - a) / 4096);
      found = 1;
    }
  fclose(f);
  if (!found) strcpy(out, "none");
  return found;
}
#define AT(p) do { char t_[64]; perms(p, t_); printf("%s: %s\n", #p, t_); } while (0)
static int deep(int n) {
  volatile char room[65536];
  room[0] = n;
  room[65535] = 1;
  return n == 0 ? room[65535] : deep(n - 1) + room[0] * 0;
}

int main(void) {
  int rw = PROT_READ | PROT_WRITE, an = MAP_PRIVATE | MAP_ANONYMOUS;
  printf("6 MB deep: %d\n", deep(90));
  char *stop = mmap(NULL, 64 * 4096, PROT_NONE, an, -1, 0);
  char *a = stop + 8 * 4096;
  mmap(a, 20 * 4096, rw, an | MAP_FIXED, -1, 0);
  AT(a);
  mprotect(a + 4096, 4096, PROT_READ);
  AT(a);
  AT(a + 4096);
  AT(a + 8192);
  mprotect(a + 4096, 4096, rw);
  AT(a + 8192);
  munmap(a + 5 * 4096, 4096);
  AT(a);
  AT(a + 5 * 4096);
  AT(a + 6 * 4096);
  mmap(a + 5 * 4096, 4096, rw, an | MAP_FIXED, -1, 0);
  AT(a);
  mmap(a + 5 * 4096, 4096, rw, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  AT(a + 5 * 4096);
  AT(a);
  mremap(a, 2 * 4096, 2 * 4096, MREMAP_MAYMOVE | MREMAP_FIXED, stop + 40 * 4096);
  AT(stop + 40 * 4096);
  AT(a);
  AT(a + 3 * 4096);
  int fd = open("f", O_CREAT | O_RDWR, 0600);
  ftruncate(fd, 3 * 4096);
  char *f = mmap(stop + 45 * 4096, 3 * 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
  AT(f);
  mmap(f + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 8192);
  AT(f);
  struct rlimit l = {16 << 20, 16 << 20}, none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  IN_CHILD("12 MB with a raised limit", setrlimit(RLIMIT_STACK, &l); printf("%d\n", deep(180)));
  IN_CHILD("9 MB deep", printf("%d\n", deep(150)));
  l.rlim_cur = 1 << 20;
  IN_CHILD("2 MB with a lowered limit", setrlimit(RLIMIT_STACK, &l); printf("%d\n", deep(30)));
  IN_CHILD("far below the stack", volatile char *p = (char *)&l - (100 << 20); *p = 1);
  char *g = mmap(stop + 55 * 4096, 4096, rw, an | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
  IN_CHILD("grows down is stopped by its neighbour", *(volatile char *)(g - 4096) = 1);
  munmap(stop, 64 * 4096);
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  IS(getauxval(AT_SYSINFO_EHDR) != 0);
  IS(getauxval(AT_PAGESZ) == 4096);
  IS(getauxval(AT_SECURE) == 0 && getauxval(AT_UID) == 0 && getauxval(AT_CLKTCK) == 100);
  IS(getauxval(AT_RANDOM) != 0 && getauxval(AT_EXECFN) != 0 && getauxval(AT_PHNUM) > 0);
  /* calls on memory that is not there, or changes under the call */
  int p[2];
  pipe(p);
  char *two = mmap(NULL, 8192, rw, an, -1, 0);
  munmap(two + 4096, 4096);
  T(write(p[1], two + 4090, 10));
  T(write(p[1], two + 4096, 10));
  write(p[1], "0123456789", 10);
  T(read(p[0], two + 4090, 20));
  write(p[1], "0123456789", 10);
  T(read(p[0], two + 4096, 5));
  T(write(fd, two + 4090, 10));
  T(getcwd(two + 4095, 4000) == NULL ? -1 : 0);
  memset(two, 'a', 4096);
  T(open(two + 4000, O_RDONLY));
  memcpy(two + 4086, "/dev/null", 10);
  OK(open(two + 4086, O_RDONLY));
  T(stat("f", (void *)(two + 4090)));
  mprotect(two, 4096, PROT_READ);
  T(read(fd, two, 10));
  T(pipe((int *)two));
  T(syscall(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, two + 8));
  T(write(p[1], two, 10));
  mprotect(two, 4096, PROT_NONE);
  T(write(p[1], two, 10));
  T(execl(two, "x", NULL));
  return 0;
}
