/* Calls that say little: security modules, cachestat(2), quotas, file attributes, huge memfds, what Linux no longer has. */
#include "../check.h"

static char b[8192];

static void modules(void) {
  unsigned size = 0;
  uint64_t ids[16];
  T(syscall(461, ids, &size, 0));
  IS(size >= 8 && size % 8 == 0);
  size = sizeof ids;
  IS(syscall(461, ids, &size, 0) == size / 8);
  int has = 0;
  for (unsigned i = 0; i < size / 8; i++) has |= ids[i] == 100;
  IS(has);
  T(syscall(461, ids, &size, 1));
  T(syscall(461, ids, NULL, 0));
  T(syscall(461, NULL, &size, 0));
  for (int attr = 0; attr < 3; attr++) {
    size = 512;
    T(syscall(459, attr * 100, b, &size, 0));
    printf("size %u\n", size);
  }
  T(syscall(459, 100, b, NULL, 0));
  T(syscall(459, 100, b, (void *)8, 0));
  size = 512;
  T(syscall(459, 100, b, &size, 2));
  T(syscall(459, 100, NULL, &size, 1));
  T(syscall(460, 100, b, 0, 0));
  T(syscall(460, 100, b, 32, 0));
  T(syscall(460, 100, b, 32, 1));
  T(syscall(460, 100, b, 5000, 0));
  T(syscall(460, 100, NULL, 64, 0));
  b[16] = 32;
  T(syscall(460, 100, b, 32, 0));
  b[16] = 0;
}

static void cached(int fd, uint64_t offset, uint64_t length) {
  uint64_t range[2] = {offset, length}, count[5] = {9, 9, 9, 9, 9};
  long result = syscall(451, fd, range, count, 0);
  printf("cachestat %ld: %ld cached\n", result, (long)count[0]);
}

static void cache(void) {
  int memory = memfd_create("x", 0), file = open("file", O_RDWR | O_CREAT, 0600), ends[2];
  uint64_t range[2] = {0, 0}, count[5];
  ftruncate(memory, 40960);
  cached(memory, 0, 0);
  pwrite(memory, b, 8192, 4096);
  pwrite(memory, b, 10, 24576);
  cached(memory, 0, 0);
  cached(memory, 0, 4096);
  cached(memory, 4096, 4096);
  cached(memory, 8192, 1 << 20);
  cached(memory, 1 << 30, 0);
  write(file, b, 8192);
  cached(file, 0, 0);
  cached(file, 4096, 1);
  pipe(ends);
  cached(ends[0], 0, 0);
  T(syscall(451, memory, NULL, count, 0));
  T(syscall(451, memory, range, NULL, 0));
  T(syscall(451, memory, range, count, 1));
  T(syscall(451, -1, range, count, 1));
}

static void quotas(void) {
  int memory = memfd_create("x", 0);
  T(syscall(SYS_quotactl, 0x80000100, NULL, 0, NULL));
  T(syscall(SYS_quotactl, 0x80000103, NULL, 0, NULL));
  T(syscall(SYS_quotactl, 0x80000700, "/dev/null", 0, b));
  T(syscall(SYS_quotactl, 0x80000700, (void *)8, 0, b));
  T(syscall(SYS_quotactl, 0x80000700, NULL, 0, b));
  T(syscall(443, -1, 0x80000700, 0, b));
  T(syscall(443, memory, 0x80000703, 0, b));
  T(syscall(443, memory, 0x80000700, 0, b));
}

static void attributes(void) {
  int memory = memfd_create("x", 0), ends[2];
  pipe(ends);
  memset(b, 0x5a, 32);
  T(syscall(468, memory, "", b, 24, AT_EMPTY_PATH));
  printf("%d %d %d %x\n", b[0], b[8], b[23], b[24]);
  T(syscall(469, memory, "", b, 24, AT_EMPTY_PATH));
  T(syscall(468, AT_FDCWD, "file", b, 24, 0));
  T(syscall(469, AT_FDCWD, "file", b, 24, 0));
  T(syscall(468, AT_FDCWD, ".", b, 32, 0));
  printf("%d\n", b[31]);
  T(syscall(468, AT_FDCWD, "/dev/null", b, 24, 0));
  T(syscall(468, AT_FDCWD, "/proc/self/stat", b, 24, 0));
  T(syscall(468, ends[0], "", b, 24, AT_EMPTY_PATH));
  T(syscall(468, AT_FDCWD, "nowhere", b, 24, 0));
  T(syscall(468, AT_FDCWD, "file", b, 23, 0));
  T(syscall(468, AT_FDCWD, "file", b, 5000, 0));
  T(syscall(468, AT_FDCWD, "file", b, 24, 1));
  T(syscall(468, AT_FDCWD, "file", NULL, 24, 0));
  T(syscall(469, AT_FDCWD, "file", NULL, 24, 0));
  T(syscall(469, AT_FDCWD, "file", b, 23, 0));
  b[30] = 1;
  T(syscall(469, AT_FDCWD, "file", b, 32, 0));
  b[30] = 0;
  T(syscall(469, AT_FDCWD, "file", b, 32, 0));
}

static void huge(void) {
  T(memfd_create("h", MFD_HUGETLB | (12u << 26)));
  T(memfd_create("h", 21u << 26));
  T(memfd_create("h", MFD_HUGETLB | 0x20));
  OK(memfd_create("h", MFD_HUGETLB | (30u << 26)));
  int fd = memfd_create("h", MFD_HUGETLB | MFD_ALLOW_SEALING);
  T(ftruncate(fd, 4096));
  T(ftruncate(fd, 4 << 20));
  T(write(fd, b, 1));
  T(read(fd, b, 16));
  T(lseek(fd, 0, SEEK_END));
  T(fallocate(fd, 0, 0, 2 << 20));
  T(mmap(NULL, 2 << 20, PROT_READ, MAP_SHARED, fd, 0));
  T(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
  T(ftruncate(fd, 0));
}

static void gone(void) {
  int numbers[] = {134, 174, 177, 178, 180, 181, 182, 183, 184, 185, 212, 214, 215, 236};
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    long result = syscall(numbers[i], "", 0, 0, 0, 0);
    printf("%d: %ld %s\n", numbers[i], result, error_name(errno));
  }
  T(syscall(SYS_bpf, 0, b, 5000));
  T(syscall(SYS_bpf, 0, NULL, 64));
  T(syscall(SYS_bpf, 99, b, 64));
}

int main(void) {
  modules();
  cache();
  quotas();
  attributes();
  huge();
  gone();
  return 0;
}
