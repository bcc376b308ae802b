/* Long reads of /dev/zero and of holes into all kinds of memory: every byte of the range is zero, none beside it. */
#include "../check.h"

#define SIZE (1 << 20)
#define ROOM (SIZE + 8192)

static long wrong(const unsigned char *memory, long offset, long length) {
  long count = 0;
  for (long i = 0; i < ROOM; i++) count += memory[i] != (i >= offset && i < offset + length ? 0 : 7);
  return count;
}

static unsigned char *filled(int flags) {
  unsigned char *memory = mmap(0, ROOM, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
  memset(memory, 7, ROOM);
  return memory;
}

int main(void) {
  int zero = open("/dev/zero", O_RDONLY);
  static const int offsets[] = { 0, 1, 4095, 4096, 4097 };
  for (int i = 0; i < 5; i++) {
    unsigned char *memory = filled(MAP_PRIVATE);
    long got = read(zero, memory + offsets[i], SIZE);
    printf("offset %d: %ld read, %ld wrong\n", offsets[i], got, wrong(memory, offsets[i], SIZE));
    munmap(memory, ROOM);
  }
  unsigned char *shared = filled(MAP_SHARED);
  long got = read(zero, shared + 5, SIZE);
  printf("shared: %ld read, %ld wrong\n", got, wrong(shared, 5, SIZE));

  unsigned char *cut = filled(MAP_PRIVATE);
  munmap(cut + SIZE / 2, ROOM - SIZE / 2);
  got = read(zero, cut, SIZE);
  printf("cut off: %ld read, last %d\n", got, cut[SIZE / 2 - 1]);

  unsigned char *fixed = filled(MAP_PRIVATE);
  mprotect(fixed, ROOM, PROT_READ);
  T(read(zero, fixed, SIZE));
  printf("not writable: first %d\n", fixed[0]);

  /* A child's zeros are not the parent's. */
  unsigned char *inherited = filled(MAP_PRIVATE);
  pid_t child = fork();
  if (child == 0) {
    long n = read(zero, inherited, SIZE);
    _exit(n == SIZE && wrong(inherited, 0, SIZE) == 0 ? 4 : 5);
  }
  int status;
  waitpid(child, &status, 0);
  printf("child %d, parent's %ld wrong\n", WEXITSTATUS(status), wrong(inherited, 0, 0));

  /* A file's pages that were made private keep nothing of the file. */
  int fd = open("zeros", O_RDWR | O_CREAT | O_TRUNC, 0600);
  unlink("zeros");
  unsigned char *bytes = filled(MAP_PRIVATE);
  write(fd, bytes, ROOM);
  unsigned char *mapped = mmap(0, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  got = read(zero, mapped, SIZE);
  printf("file: %ld read, %ld wrong\n", got, wrong(mapped, 0, SIZE));

  /* Holes of a file. */
  ftruncate(fd, 0);
  ftruncate(fd, ROOM);
  unsigned char *hole = filled(MAP_PRIVATE);
  got = pread(fd, hole + 3, SIZE, 0);
  printf("hole: %ld read, %ld wrong\n", got, wrong(hole, 3, SIZE));
  return 0;
}
