/* Reads and writes of more than travels in one piece: lengths around the bounds, torn buffers, every kind of file, threads. */
#include "../check.h"
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define SIZE 300000
static unsigned char a[SIZE], b[SIZE], own[4][70000];

/* Writes and reads its own file over and over; the others do the same at the same time. */
static void *rewrite(void *argument) {
  long index = (long)argument;
  unsigned char *mine = own[index];
  char name[32];
  sprintf(name, "/dev/shm/large-%ld", index);
  int fd = open(name, O_RDWR | O_CREAT, 0600);
  unlink(name);
  for (int i = 0; i < 300; i++) {
    memset(mine, i + (int)index, sizeof own[0]);
    if (pwrite(fd, mine, sizeof own[0], 0) != (long)sizeof own[0]) puts("short write");
    memset(mine, 0, sizeof own[0]);
    if (pread(fd, mine, sizeof own[0], 0) != (long)sizeof own[0]) puts("short read");
    for (unsigned at = 0; at < sizeof own[0]; at += 997)
      if (mine[at] != (unsigned char)(i + index)) puts("wrong byte");
  }
  close(fd);
  return NULL;
}

static void lengths(int fd) {
  size_t sizes[] = {16384, 32767, 32768, 32769, 40000, 49152, 65535, 65536, 65537, 100000, 110000, 131072, SIZE};
  for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (int shift = 0; shift < 3; shift++) {
      size_t length = sizes[i] - shift;
      memset(b, 0, sizeof b);
      long written = pwrite(fd, a + shift, length, shift * 1001);
      long got = pread(fd, b + shift, length, shift * 1001);
      printf("%zu at %d: %ld %ld %s\n", length, shift, written, got, memcmp(a + shift, b + shift, length) ? "differs" : "same");
    }
}

/* A buffer whose second half is missing, or may not be written. */
static void torn(int fd) {
  char *half = mmap(NULL, 131072, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(half, 5, 131072);
  munmap(half + 49152, 131072 - 49152);
  for (int i = 0; i < 200; i++) {
    ftruncate(fd, 0);
    long written = pwrite(fd, half, 65536, 0);
    pwrite(fd, a, 65536, 0);
    long got = pread(fd, half, 65536, 0);
    if (i % 199 == 0) printf("torn: %ld %ld\n", written, got);
  }
  mprotect(half, 49152, PROT_READ);
  long got = pread(fd, half, 40000, 0);
  printf("read-only: %ld %s\n", got, error_name(errno));
}

int main(void) {
  int fd = open("/dev/shm/large", O_RDWR | O_CREAT | O_TRUNC, 0600), ends[2];
  unlink("/dev/shm/large");
  for (int i = 0; i < SIZE; i++) a[i] = (unsigned char)(i * 7 + i / 251);
  lengths(fd);
  torn(fd);
  pipe(ends);
  fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);
  long written = write(ends[1], a, 65536), got = read(ends[0], b, 65536);
  printf("pipe: %ld %ld %d\n", written, got, memcmp(a, b, 65536) != 0);
  socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
  written = send(ends[0], a + 1, 50000, 0);
  got = recv(ends[1], b, 50000, MSG_WAITALL);
  printf("socket: %ld %ld %d\n", written, got, memcmp(a + 1, b, 50000) != 0);
  int file = open("large", O_RDWR | O_CREAT | O_TRUNC, 0600);
  written = write(file, a, 65536);
  lseek(file, 0, SEEK_SET);
  got = read(file, b, 65536);
  printf("file: %ld %ld %d\n", written, got, memcmp(a, b, 65536) != 0);
  struct iovec from[2] = {{a, 40000}, {a + 40000, 40000}}, to[2] = {{b, 40000}, {b + 40000, 40000}};
  memset(b, 0, 80000);
  written = pwritev(fd, from, 2, 0);
  got = preadv(fd, to, 2, 0);
  printf("vectors: %ld %ld %d\n", written, got, memcmp(a, b, 80000) != 0);
  pthread_t threads[4];
  for (long i = 0; i < 4; i++) pthread_create(&threads[i], NULL, rewrite, (void *)i);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  puts("threads done");
  return 0;
}
