/* Large reads of a file that nobody writes: contents, the position, the file's end, bad buffers, beside threads that map many files. */
#include "../check.h"

/* So that the program's own file is large, and no two places of it are alike. */
__asm__(".section .rodata\n.globl ballast\nballast:\n.set i, 0\n.rept 60000\n.quad i * 0x9e3779b97f4a7c15\n.set i, i + 1\n.endr\n.text\n");

#define PIECE 65536
#define FILES 80
static const char *whole;
static long size;
static int file;
static volatile int over;

/* Reads with pread(2) and compares: how many pieces were wrong. */
static int wrong_pieces(int rounds, long seed) {
  char *buffer = malloc(2 * PIECE);
  int wrong = 0;
  for (int i = 0; i < rounds; i++) {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    long length = PIECE / 2 + seed % PIECE, offset = seed / 7 % (size - 1);
    long want = offset + length < size ? length : size - offset;
    if (pread(file, buffer, length, offset) != want || memcmp(buffer, whole + offset, want)) wrong++;
  }
  free(buffer);
  return wrong;
}

static void *read_pieces(void *seed) { return (void *)(long)wrong_pieces(400, (long)seed); }

static void *map_files(void *unused) {
  int fds[FILES];
  char name[] = "/tmp/moat-read-large-XXXXXX";
  for (int i = 0; i < FILES; i++) {
    strcpy(name + sizeof name - 7, "XXXXXX");
    fds[i] = mkstemp(name);
    unlink(name);
    ftruncate(fds[i], 4096);
  }
  for (int round = 0; !over && round < 100; round++)
    for (int i = 0; i < FILES && !over; i++) {
      char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fds[i], 0);
      if (map == MAP_FAILED) return (void *)1;
      map[0]++;
      munmap(map, 4096);
    }
  for (int i = 0; i < FILES; i++) close(fds[i]);
  return unused;
}

static void in_threads(void) {
  pthread_t readers[2], mapper;
  void *wrong[3];
  pthread_create(&mapper, NULL, map_files, NULL);
  for (long i = 0; i < 2; i++) pthread_create(&readers[i], NULL, read_pieces, (void *)(i + 1));
  for (int i = 0; i < 2; i++) pthread_join(readers[i], &wrong[i]);
  over = 1;
  pthread_join(mapper, &wrong[2]);
  printf("threads: %ld %ld wrong, mapper %ld\n", (long)wrong[0], (long)wrong[1], (long)wrong[2]);
}

static void to_the_end(void) {
  char *buffer = malloc(PIECE);
  long sum = 0, n, short_ones = 0;
  lseek(file, 0, SEEK_SET);
  while ((n = read(file, buffer, PIECE)) > 0) {
    if (memcmp(buffer, whole + sum, n)) printf("wrong at the end\n");
    sum += n;
    if (n < PIECE) short_ones++;
    if (lseek(file, 0, SEEK_CUR) != sum) printf("wrong position\n");
  }
  printf("to the end: %d, last %ld, short %ld\n", sum == size, n, short_ones);
  free(buffer);
}

int main(void) {
  struct stat info;
  file = open("/proc/self/exe", O_RDONLY);
  fstat(file, &info);
  size = info.st_size;
  whole = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
  printf("%d wrong\n", wrong_pieces(50, 99));
  to_the_end();
  to_the_end();

  /* A buffer that ends in the middle, and none at all. */
  char *area = mmap(NULL, 4 * PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(area + PIECE, PIECE);
  lseek(file, 4096, SEEK_SET);
  T(read(file, area + 8192, PIECE));
  T(lseek(file, 0, SEEK_CUR));
  T(memcmp(area + 8192, whole + 4096, PIECE - 8192));
  T(pread(file, area + PIECE, PIECE, 0));
  T(pread(file, (char *)64, PIECE, 0));
  T(read(file, (void *)-1, PIECE));
  T(lseek(file, 0, SEEK_CUR));
  mprotect(area, PIECE, PROT_READ);
  T(pread(file, area, PIECE, 0));
  T(read(file, area, PIECE));
  T(lseek(file, 0, SEEK_CUR));

  /* The child has the fd, but not the process that it was made from. */
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) _exit(wrong_pieces(20, 5));
  int status;
  waitpid(child, &status, 0);
  printf("child: %d wrong\n", WEXITSTATUS(status));
  in_threads();
  close(file);
  T(pread(file, area, PIECE, 0));
  return 0;
}
